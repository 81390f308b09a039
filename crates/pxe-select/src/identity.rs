//! What a client is: its firmware, and whether iPXE runs on it.

use core::fmt;

use crate::{
    arch::Arch,
    facts::{ClientFacts, IpxeFeatures},
    firmware::Firmware,
    limits::ARCHS_MAX,
    mac,
    reason::{Reason, Reasons},
};

/// What a client was taken for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Identity {
    /// Its firmware; `None` when nothing reliable names it.
    pub firmware: Option<Firmware>,
    /// The architecture number that was used.
    pub arch: Option<Arch>,
    /// Whether it takes a URL: class `HTTPClient`, or an HTTP number without a class.
    pub http: bool,
    /// Whether iPXE runs on it.
    pub ipxe: Ipxe,
}

impl Identity {
    /// Whether an iPXE runs that can be given a script.
    #[must_use]
    pub const fn runs_scripts(&self) -> bool {
        matches!(self.ipxe, Ipxe::Complete)
    }
}

/// Whether iPXE runs on the client, and whether it can do what a boot script needs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Ipxe {
    /// It does not.
    #[default]
    Absent,
    /// It does, with everything a script needs.
    Complete,
    /// It does, but this is missing; a network card's stripped ROM, or gPXE.
    Incomplete(MissingFeatures),
}

/// What an iPXE lacks for a boot script.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct MissingFeatures {
    /// The whole list of features (option 175): then nothing is known to be there.
    pub list: bool,
    /// The protocol by which the script comes: HTTP.
    pub http: bool,
    /// The protocol by which the script comes: TFTP.
    pub tftp: bool,
    /// The `menu` command.
    pub menu: bool,
    /// A kernel format: bzImage, or EFI programs.
    pub kernel: bool,
    /// The `#!ipxe` script language: it is gPXE.
    pub language: bool,
}

impl fmt::Display for MissingFeatures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        for (missing, name) in [
            (self.language, "the iPXE script language"),
            (self.list, "a list of features (option 175)"),
            (self.http, "HTTP"),
            (self.tftp, "TFTP"),
            (self.menu, "menus"),
            (self.kernel, "a kernel format (bzImage or EFI)"),
        ] {
            if missing {
                write!(f, "{separator}{name}")?;
                separator = ", ";
            }
        }
        if separator.is_empty() { f.write_str("nothing") } else { Ok(()) }
    }
}

/// The one reading of a client's facts, with its reasons.
pub(crate) fn identify(
    facts: &ClientFacts<'_>,
    script_over_http: bool,
    reasons: &mut Reasons,
) -> Identity {
    let class = Class::of(facts.vendor_class);
    let stated = class.stated_arch();
    let (arch, firmware) = match choose_arch(facts, stated, reasons) {
        Some((arch, by)) => (Some(arch), firmware_of(arch, by, class, reasons)),
        None => (None, without_arch(facts, class, reasons)),
    };
    let firmware = on_this_board(facts, class, firmware, reasons);
    if let (Some(listed), Some(stated)) = (arch, stated)
        && !facts.archs.is_empty()
        && listed != stated
    {
        reasons.push(Reason::ArchsDisagree { listed, class: stated });
    }
    let http = match firmware {
        Some(firmware) => firmware.is_http(),
        None => matches!(class, Class::Http(_)),
    };
    Identity { firmware, arch, http, ipxe: running_ipxe(facts, script_over_http, reasons) }
}

/// Option 60, as far as it matters here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Class {
    /// `PXEClient…`, with the architecture its text names.
    Pxe(Option<Arch>),
    /// `HTTPClient…`, likewise.
    Http(Option<Arch>),
    /// `U-Boot.armv8`.
    Uboot64,
    /// `U-Boot.arm…` of 32 bits.
    Uboot32,
    /// Any other class of U-Boot.
    Uboot,
    /// Anything else, or none.
    Other,
}

impl Class {
    fn of(vendor_class: Option<&[u8]>) -> Self {
        let Some(text) = vendor_class else { return Self::Other };
        if let Some(rest) = text.strip_prefix(b"PXEClient") {
            Self::Pxe(arch_in_text(rest))
        } else if let Some(rest) = text.strip_prefix(b"HTTPClient") {
            Self::Http(arch_in_text(rest))
        } else if text.starts_with(b"U-Boot.armv8") {
            Self::Uboot64
        } else if text.starts_with(b"U-Boot.arm") {
            Self::Uboot32
        } else if text.starts_with(b"U-Boot") {
            Self::Uboot
        } else {
            Self::Other
        }
    }

    fn stated_arch(self) -> Option<Arch> {
        match self {
            Self::Pxe(stated) | Self::Http(stated) => stated,
            _ => None,
        }
    }

    fn is_uboot(self) -> bool {
        matches!(self, Self::Uboot64 | Self::Uboot32 | Self::Uboot)
    }
}

/// The number in `:Arch:00007:UNDI:003000` (PXE 2.1, section 2.2.1): one to five decimal digits.
fn arch_in_text(rest: &[u8]) -> Option<Arch> {
    let digits = rest.strip_prefix(b":Arch:")?;
    let digits = digits.split(|byte| matches!(byte, b':' | 0)).next()?;
    if digits.is_empty() || digits.len() > 5 || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    core::str::from_utf8(digits).ok()?.parse().ok().map(Arch)
}

/// Where an architecture number was read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum NamedBy {
    Option93,
    Option60,
}

/// The first entry of option 93 that has a meaning here; without option 93, the number in option 60.
fn choose_arch(
    facts: &ClientFacts<'_>,
    stated: Option<Arch>,
    reasons: &mut Reasons,
) -> Option<(Arch, NamedBy)> {
    for arch in facts.archs.iter().copied().take(ARCHS_MAX) {
        if has_meaning(arch) {
            return Some((arch, NamedBy::Option93));
        }
        reasons.push(Reason::ArchWithoutFirmware { arch });
    }
    if !facts.archs.is_empty() {
        return None;
    }
    let arch = stated?;
    if !has_meaning(arch) {
        reasons.push(Reason::ArchWithoutFirmware { arch });
        return None;
    }
    Some((arch, NamedBy::Option60))
}

/// "BIOS by HTTP" and "64-bit ARM U-Boot by HTTP" are no firmware of ours, but the same machines by TFTP are.
const BIOS_HTTP: Arch = Arch(20);
const ARM64_UBOOT_HTTP: Arch = Arch(24);

fn has_meaning(arch: Arch) -> bool {
    arch.firmware().is_some() || matches!(arch, BIOS_HTTP | ARM64_UBOOT_HTTP)
}

/// What a chosen number stands for: the class decides between TFTP and HTTP.
fn firmware_of(arch: Arch, by: NamedBy, class: Class, reasons: &mut Reasons) -> Option<Firmware> {
    let plain = match class {
        // U-Boot's 0 on ARM is an unset number; the class knows better.
        Class::Uboot64 if matches!(arch, Arch::X86_BIOS | BIOS_HTTP) => {
            reasons.push(Reason::UbootByClass);
            return Some(Firmware::Arm64Uboot);
        }
        Class::Uboot32 if matches!(arch, Arch::X86_BIOS | BIOS_HTTP) => {
            reasons.push(Reason::Uboot32);
            return None;
        }
        Class::Pxe(_) | Class::Uboot64 | Class::Uboot32 | Class::Uboot => match arch {
            BIOS_HTTP => Some(Firmware::Bios),
            ARM64_UBOOT_HTTP => Some(Firmware::Arm64Uboot),
            _ => arch.firmware().map(Firmware::over_tftp),
        },
        Class::Http(_) => arch.firmware().and_then(Firmware::over_http),
        Class::Other => arch.firmware(),
    };
    let Some(firmware) = plain else {
        let reason = match class {
            Class::Http(_) => Reason::NoHttpFirmware { arch },
            _ => Reason::ArchWithoutFirmware { arch },
        };
        reasons.push(reason);
        return None;
    };
    if arch.firmware() != Some(firmware) {
        reasons.push(Reason::ClassDecidesTransport { arch, firmware });
    } else if by == NamedBy::Option60 {
        reasons.push(Reason::ArchFromClass { arch, firmware });
    } else if matches!(arch, Arch::EBC | Arch::EBC_HTTP) {
        reasons.push(Reason::ByteCodeIsX64 { arch, firmware });
    } else {
        reasons.push(Reason::ArchListed { arch, firmware });
    }
    Some(firmware)
}

/// Without a usable number only U-Boot's class still names a machine.
///
/// A bare `PXEClient` is *not* taken for BIOS, although some servers do: a UEFI machine whose option 93 got lost
/// would hang in a BIOS program, while a machine that gets no answer can be seen and named in the log.
fn without_arch(facts: &ClientFacts<'_>, class: Class, reasons: &mut Reasons) -> Option<Firmware> {
    match class {
        Class::Uboot64 => {
            reasons.push(Reason::UbootByClass);
            return Some(Firmware::Arm64Uboot);
        }
        Class::Uboot32 => reasons.push(Reason::Uboot32),
        // Each number that was named has already been said to have no meaning here.
        _ if !facts.archs.is_empty() || class.stated_arch().is_some() => {}
        Class::Pxe(_) | Class::Http(_) => reasons.push(Reason::NoArch { boots: true }),
        Class::Uboot | Class::Other => reasons.push(Reason::NoArch { boots: false }),
    }
    None
}

/// Raspberry Pi boot ROMs send architecture 0, so only the board tells them from a PC. A Pi that runs UEFI or
/// U-Boot says so with another number or class and is taken at its word; a PC BIOS it never is.
fn on_this_board(
    facts: &ClientFacts<'_>,
    class: Class,
    firmware: Option<Firmware>,
    reasons: &mut Reasons,
) -> Option<Firmware> {
    let by_mac = mac::is_raspberry_pi(facts.hardware_address);
    let by_machine_id = facts.machine_id.is_some_and(has_raspberry_pi_code);
    if !by_mac && !by_machine_id {
        return firmware;
    }
    let other_stage = class.is_uboot() || matches!(class, Class::Http(_));
    match firmware {
        Some(Firmware::Bios) if other_stage => {
            reasons.push(Reason::RaspberryPiIsNoPc);
            return None;
        }
        Some(Firmware::Bios | Firmware::Rpi) => {}
        None if facts.archs.is_empty() && !other_stage => {}
        Some(firmware) => {
            reasons.push(Reason::RaspberryPiRunsOther { firmware });
            return Some(firmware);
        }
        None => return None,
    }
    reasons.push(if by_mac { Reason::RaspberryPiByMac } else { Reason::RaspberryPiByMachineId });
    Some(Firmware::Rpi)
}

/// Option 97 of a Raspberry Pi 4 and later: type 0, then `RPi4` (raspberrypi/firmware 1928), in either byte order.
fn has_raspberry_pi_code(machine_id: &[u8]) -> bool {
    match machine_id {
        [0, b'R', b'P', b'i', generation, ..] | [0, generation, b'i', b'P', b'R', ..] => {
            generation.is_ascii_digit()
        }
        _ => false,
    }
}

/// Options 77 and 175. What a script needs: the protocol it comes by, menus, and a kernel format.
fn running_ipxe(facts: &ClientFacts<'_>, script_over_http: bool, reasons: &mut Reasons) -> Ipxe {
    if facts.has_user_class(b"gPXE") {
        reasons.push(Reason::GpxeRunning);
        return Ipxe::Incomplete(MissingFeatures { language: true, ..Default::default() });
    }
    if facts.has_user_class(b"iPXE") {
        reasons.push(Reason::IpxeByUserClass);
    } else if facts.ipxe.is_some() {
        reasons.push(Reason::IpxeByOption175);
    } else {
        return Ipxe::Absent;
    }
    let missing = match facts.ipxe {
        Some(features) => missing_for_script(features, script_over_http),
        None => MissingFeatures { list: true, ..Default::default() },
    };
    if missing == MissingFeatures::default() {
        return Ipxe::Complete;
    }
    reasons.push(Reason::IpxeIncomplete { missing });
    Ipxe::Incomplete(missing)
}

fn missing_for_script(features: IpxeFeatures, script_over_http: bool) -> MissingFeatures {
    MissingFeatures {
        list: false,
        language: false,
        http: script_over_http && !features.http,
        tftp: !script_over_http && !features.tftp,
        menu: !features.menu,
        kernel: !features.bzimage && !features.efi,
    }
}
