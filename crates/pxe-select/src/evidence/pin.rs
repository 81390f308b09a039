//! What a machine was given for a bait: the answer to its further requests of the same boot.

use alloc::vec::Vec;

use crate::firmware::Firmware;

/// The file that stands for a bait, for one machine and one boot.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Pin {
    /// The loader: a cleaned name below the root.
    pub file: Vec<u8>,
    /// The directory that the bait was asked in, empty or with a slash at its end: there the loader will look for
    /// its companions.
    pub directory: Vec<u8>,
    /// The firmware that it was chosen for; `None` for [`crate::PolicyBuilder::unknown_loader`].
    pub firmware: Option<Firmware>,
    /// Whether it still answers the bait: the boot is not over, and nothing speaks of another one. The companions
    /// of the loader are found by it in any case.
    pub open: bool,
}

impl Pin {
    pub(crate) const fn new(file: Vec<u8>, directory: Vec<u8>, firmware: Option<Firmware>) -> Self {
        Self { file, directory, firmware, open: true }
    }

    /// The name of a companion beside the loader, for one that was asked beside the bait. `None` when both are the
    /// same, or when `name` is elsewhere.
    pub(crate) fn companion(&self, name: &[u8]) -> Option<Vec<u8>> {
        let rest = name.strip_prefix(&self.directory[..])?;
        let end = self.file.iter().rposition(|byte| *byte == b'/');
        let beside = end.and_then(|end| self.file.get(..=end)).unwrap_or_default();
        (beside != self.directory).then(|| [beside, rest].concat())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn companions_are_beside_the_loader() {
        let pin = |file: &str, directory: &str| Pin::new(file.into(), directory.into(), None);
        for (file, directory, name, expected) in [
            ("debian/shimx64.efi", "", "grubx64.efi", Some("debian/grubx64.efi")),
            ("debian/shimx64.efi", "tftp/", "tftp/grubx64.efi", Some("debian/grubx64.efi")),
            ("shimx64.efi", "tftp/x/", "tftp/x/grub/grub.cfg", Some("grub/grub.cfg")),
            ("shimx64.efi", "", "grubx64.efi", None),
            ("a/shimx64.efi", "a/", "a/grubx64.efi", None),
            ("a/shimx64.efi", "b/", "c/grubx64.efi", None),
        ] {
            let found = pin(file, directory).companion(name.as_bytes());
            assert_eq!(found.as_deref(), expected.map(str::as_bytes), "{file} {directory} {name}");
        }
    }
}
