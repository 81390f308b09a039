//! Who is no machine: the questions of `doctor`.

use super::client::ClientId;

/// How the hardware addresses begin that `doctor` makes up for its questions: locally administered, and then `px`.
pub const DOCTOR_PREFIX: [u8; 3] = [0x02, 0x70, 0x78];

impl ClientId {
    /// Whether it is no machine but a question of `doctor`, which is answered as any and is nobody's story.
    pub fn is_doctor(&self) -> bool {
        self.hardware_address().is_some_and(|address| address.starts_with(&DOCTOR_PREFIX))
    }
}
