//! What of a rule matched, or why it did not.

use core::fmt;

use crate::{
    firmware::Firmware,
    reason::{Conditions, Mismatch},
};

impl Conditions {
    pub(super) fn fmt_for(
        self,
        firmware: Option<Firmware>,
        f: &mut fmt::Formatter<'_>,
    ) -> fmt::Result {
        let mut separator = "";
        if self.arch {
            f.write_str("arch")?;
            if let Some(firmware) = firmware {
                write!(f, " {firmware}")?;
            }
            separator = ", ";
        }
        for (has, name) in [
            (self.user_class, "user-class"),
            (self.vendor_class, "vendor-class"),
            (self.subnet, "subnet"),
            (self.mac, "mac"),
        ] {
            if has {
                write!(f, "{separator}{name}")?;
                separator = ", ";
            }
        }
        if separator.is_empty() { f.write_str("it has no conditions") } else { Ok(()) }
    }
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Arch { firmware: Some(firmware) } => write!(f, "arch does not list {firmware}"),
            Self::Arch { firmware: None } => f.write_str("arch is given and the client's firmware is unknown"),
            Self::UserClass => f.write_str("user-class differs"),
            Self::VendorClass => f.write_str("vendor-class differs"),
            Self::Subnet => f.write_str("the client is in another subnet"),
            Self::SubnetUnknown => f.write_str("subnet is given and the client's is unknown"),
            Self::Mac => f.write_str("mac differs"),
            Self::SpeaksToFirmware => f.write_str(
                "it speaks to firmware and iPXE already runs (a rule for iPXE says user-class = \"iPXE\")",
            ),
            Self::UrlNeedsHttp { firmware: Some(firmware) } => {
                write!(f, "it names a url, and {firmware} takes only a file name")
            }
            Self::UrlNeedsHttp { firmware: None } => {
                f.write_str("it names a url, and the client takes only a file name")
            }
            Self::Admitted => f.write_str(
                "it denies, but the machine's host entry or an earlier rule gives it a loader",
            ),
        }
    }
}
