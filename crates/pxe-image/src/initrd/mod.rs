//! What an initial RAM disk can do, found out by looking inside instead of trusting names of files around it.
//!
//! An initrd is a chain of cpio archives, each as it is or compressed, with zeros between them (Linux,
//! `Documentation/driver-api/early-userspace/buffer-format.rst` and `init/initramfs.c`). Names alone are read, and of a
//! few scripts their text.

mod capability;
mod cpio;
mod segments;

use core::fmt;
use std::collections::BTreeSet;
use std::io::Read;

pub use capability::Capability;

use crate::limits::INITRD_UNPACKED_BYTES_MAX;

/// What was found in an initrd.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Capabilities {
    found: BTreeSet<Capability>,
    formats: Vec<&'static str>,
    names: usize,
    unread: Option<String>,
}

impl Capabilities {
    /// Whether it was found.
    #[must_use]
    pub fn has(&self, capability: Capability) -> bool {
        self.found.contains(&capability)
    }

    /// Whether it is certainly not there: it was not found, and everything was read.
    #[must_use]
    pub fn lacks(&self, capability: Capability) -> bool {
        !self.has(capability) && self.unread.is_none()
    }

    /// All that was found, in a fixed order.
    pub fn iter(&self) -> impl Iterator<Item = Capability> + '_ {
        self.found.iter().copied()
    }

    /// How its parts are packed, in their order: `cpio`, `gzip`, `xz`, `zstd`, `lz4`, `lzma`.
    #[must_use]
    pub fn formats(&self) -> &[&'static str] {
        &self.formats
    }

    /// Files and folders that were seen.
    #[must_use]
    pub fn names(&self) -> usize {
        self.names
    }

    /// Why not all of it was read, in plain words; `None` if it was.
    #[must_use]
    pub fn unread(&self) -> Option<&str> {
        self.unread.as_deref()
    }
}

/// `casper, net-drivers`; `nothing known` if nothing was found.
impl fmt::Display for Capabilities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.found.is_empty() {
            return f.write_str("nothing known");
        }
        for (index, capability) in self.found.iter().enumerate() {
            if index > 0 {
                f.write_str(", ")?;
            }
            write!(f, "{capability}")?;
        }
        Ok(())
    }
}

/// Looks through an initrd. Never fails: what cannot be read is said by [`Capabilities::unread`].
///
/// Takes the time to unpack [`INITRD_UNPACKED_BYTES_MAX`] at worst, and the
/// memory of [`INITRD_WINDOW_BYTES_MAX`](crate::limits::INITRD_WINDOW_BYTES_MAX) and some.
pub fn probe(reader: impl Read) -> Capabilities {
    probe_up_to(reader, INITRD_UNPACKED_BYTES_MAX)
}

fn probe_up_to(reader: impl Read, bytes_max: u64) -> Capabilities {
    let mut walk = cpio::Walk::default();
    let (formats, unread) = segments::walk(reader, bytes_max, &mut walk);
    let unread = unread.err().map(|fault| fault.to_string());
    Capabilities { found: walk.found.finish(), formats, names: walk.names, unread }
}

#[cfg(test)]
mod tests;
