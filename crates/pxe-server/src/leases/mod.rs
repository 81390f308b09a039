//! Leases as the administrator sees them: where they are kept, and the `leases` command.

mod command;
mod open;
mod remote;

pub use command::{LeasesOptions, run};
pub use open::{EMBEDDED_FILE, is_new, open};
pub use remote::CONTROL_FILE;
