//! Reasons about baits and the evidence that decides for one.

use core::fmt;

use crate::{
    bait,
    evidence::{Origin, Said},
    firmware::Firmware,
    reason::Reason,
};

impl Reason {
    pub(super) fn fmt_bait(self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NameIsBait { firmware: None } => {
                f.write_str("the name is a bait: it stands for the machine's own loader")
            }
            Self::NameIsBait { firmware: Some(firmware) } => {
                write!(f, "the name is a bait whose suffix says {firmware}")
            }
            Self::AskedBy { asker } => write!(f, "asked by {asker}, as the request's options tell"),
            Self::IpxeByShape => f.write_str("iPXE is running, as the request tells"),
            Self::FirmwareByShape => {
                f.write_str("the request is not iPXE's: the iPXE that was heard is of an earlier boot")
            }
            Self::Whose { origin: Origin::Itself } => f.write_str("the client names itself"),
            Self::Whose { origin } => fmt::Display::fmt(&origin, f),
            Self::Evidence { item } => fmt::Display::fmt(&item, f),
            Self::PinnedForBoot => {
                f.write_str("the file that this boot got before: one boot, one loader")
            }
            Self::WrongBait { named, said } => fmt_wrong_bait(named, said, f),
            Self::HeldConflict => f.write_str(
                "the evidence contradicts itself, and nothing is guessed; next: it is served when it boots again \
                 and is heard here, or give each architecture its bait with suffix (_bios, _ia32, _uefi, _aa64)",
            ),
            Self::HeldTooLittle => f.write_str(
                "too little is known of its firmware, and nothing is guessed; next: it is served once its DHCP \
                 messages are heard here (a second helper address on its router), or name its loader in a [[host]], \
                 or give each architecture its bait with suffix (_bios, _ia32, _uefi, _aa64)",
            ),
            Self::UnknownGetsLoader => {
                f.write_str("its firmware is not known: select.unknown names this loader")
            }
            Self::HeldUrlForBait => f.write_str(
                "a rule gives it a url, and a bait can stand for a file only: give that rule a file",
            ),
            _ => Ok(()),
        }
    }
}

/// The DHCP setting to mend.
fn fmt_wrong_bait(named: Firmware, said: Said, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let wrong = bait::suffix(named).unwrap_or("bios");
    match said {
        Said::Firmware(firmware) => write!(
            f,
            "the DHCP server names the bait ending in _{wrong} to a {firmware} machine: set its option 67 for "
        )?,
        Said::Uefi => write!(
            f,
            "the DHCP server names the bait ending in _{wrong} to a UEFI machine: set its option 67 for "
        )?,
        Said::NotBios => write!(
            f,
            "the DHCP server names the bait ending in _{wrong} to a machine that is no BIOS: set its option 67 for "
        )?,
    }
    let mut separator = "";
    for (architectures, firmware) in [
        ("architecture 0", Firmware::Bios),
        ("architecture 6", Firmware::X86Uefi),
        ("architectures 7 and 9", Firmware::X64Uefi),
        ("architecture 11", Firmware::Arm64Uefi),
    ] {
        if said.allows(firmware) {
            let right = bait::suffix(firmware).unwrap_or_default();
            write!(f, "{separator}{architectures} to the one ending in _{right}")?;
            separator = ", for ";
        }
    }
    if separator.is_empty() {
        return f.write_str("it to the bait without suffix, or to its own loader");
    }
    Ok(())
}
