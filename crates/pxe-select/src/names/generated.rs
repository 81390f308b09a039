//! Names under which programs look for what we write ourselves: menus, and scripts of single machines.

use alloc::string::String;
use core::fmt::Write;

use crate::mac;

/// Content that we write ourselves when no file of that name exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Generated {
    /// The boot menu as an iPXE script.
    IpxeMenu,
    /// The boot menu as a GRUB configuration.
    GrubConfig,
    /// The iPXE script of the machine with this address, made of what an inventory says of it. No file takes its
    /// place.
    MachineScript([u8; 6]),
    /// The boot menu as a PXELINUX configuration.
    PxelinuxConfig,
}

/// The name under which a running iPXE finds the generated menu.
pub const IPXE_MENU_NAME: &str = "menu.ipxe";

/// The name under which GRUB finds the generated menu, from whatever place it was loaded.
pub const GRUB_MENU_NAME: &str = "menu.cfg";

/// The name of a machine's own script in decisions; what the machine is told has its address in it, see
/// [`machine_script_name`].
pub const MACHINE_SCRIPT_NAME: &str = "machine.ipxe";

const MACHINE_SCRIPT_FOLDER: &[u8] = b"machine/";
const MACHINE_SCRIPT_SUFFIX: &[u8] = b".ipxe";

/// The name under which a machine finds the script made for it: `machine/52-54-00-aa-00-01.ipxe`.
#[must_use]
pub fn machine_script_name(mac: [u8; 6]) -> String {
    let mut name = String::from("machine/");
    for (position, byte) in mac.iter().enumerate() {
        let separator = if position == 0 { "" } else { "-" };
        // Writing to a string cannot fail.
        let _ = write!(name, "{separator}{byte:02x}");
    }
    name.push_str(".ipxe");
    name
}

/// Whose script a cleaned name asks for.
fn machine_script(name: &[u8]) -> Option<[u8; 6]> {
    let mac = name.strip_prefix(MACHINE_SCRIPT_FOLDER)?.strip_suffix(MACHINE_SCRIPT_SUFFIX)?;
    mac::parse(core::str::from_utf8(mac).ok()?)
}

/// What we generate under this cleaned name when the root has no such file.
///
/// * `menu.ipxe` at the top, and `autoexec.ipxe` in any directory: iPXE looks beside its own file first, then at the
///   top.
/// * `menu.cfg` at the top, and `grub.cfg` in any directory, since a GRUB build carries its own prefix (`/grub`,
///   `/debian-installer/arm64/grub`, `/boot/grub`).
///
/// * `pxelinux.cfg/default` and `pxelinux.cfg/01-<mac>` in any directory. [`crate::Policy::decide`] lets them be
///   generated for firmware and programs alone that are known to read them, the second only for a machine whose host
///   entry says what it boots.
/// * `machine/<mac>.ipxe`: the script of that machine, whether or not there is a file.
///
/// Names that GRUB tries *before* `grub.cfg` (`grub.cfg-01-<mac>`, `grub.cfg-<address>`, `x86_64-efi/grub.cfg`) are
/// not generated: an answer there would hide the administrator's own `grub/grub.cfg`, which GRUB reads only when
/// those are missing.
#[must_use]
pub fn generated(name: &[u8]) -> Option<Generated> {
    if let Some(mac) = machine_script(name) {
        return Some(Generated::MachineScript(mac));
    }
    let (directory, file) = match name.iter().rposition(|byte| *byte == b'/') {
        Some(slash) => (name.get(..slash)?, name.get(slash.saturating_add(1)..)?),
        None => (&[][..], name),
    };
    match file {
        b"autoexec.ipxe" => Some(Generated::IpxeMenu),
        _ if name == IPXE_MENU_NAME.as_bytes() => Some(Generated::IpxeMenu),
        _ if name == GRUB_MENU_NAME.as_bytes() => Some(Generated::GrubConfig),
        b"grub.cfg" if !is_grub_platform(directory) => Some(Generated::GrubConfig),
        b"default" if is_pxelinux(directory) => Some(Generated::PxelinuxConfig),
        _ if pxelinux_mac(name).is_some() => Some(Generated::PxelinuxConfig),
        _ => None,
    }
}

/// Directories of GRUB's platforms under its prefix (GRUB, `configure.ac`: target CPU and platform).
const GRUB_PLATFORMS: [&[u8]; 14] = [
    b"arm-efi",
    b"arm-uboot",
    b"arm64-efi",
    b"i386-coreboot",
    b"i386-efi",
    b"i386-ieee1275",
    b"i386-pc",
    b"ia64-efi",
    b"loongarch64-efi",
    b"powerpc-ieee1275",
    b"riscv32-efi",
    b"riscv64-efi",
    b"sparc64-ieee1275",
    b"x86_64-efi",
];

/// The hardware address in `pxelinux.cfg/01-52-54-00-aa-00-01`: whoever asks for it says who it is.
pub(crate) fn pxelinux_mac(name: &[u8]) -> Option<[u8; 6]> {
    let slash = name.iter().rposition(|byte| *byte == b'/')?;
    let (directory, file) = (name.get(..slash)?, name.get(slash.saturating_add(1)..)?);
    let address = core::str::from_utf8(file.strip_prefix(b"01-")?).ok()?;
    if address.len() != 17 || !is_pxelinux(directory) {
        return None;
    }
    mac::parse(address)
}

fn is_pxelinux(directory: &[u8]) -> bool {
    directory == b"pxelinux.cfg" || directory.ends_with(b"/pxelinux.cfg")
}

fn is_grub_platform(directory: &[u8]) -> bool {
    let last = directory.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
    GRUB_PLATFORMS.contains(&last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn generated_names() {
        use Generated::{GrubConfig, IpxeMenu, PxelinuxConfig};
        for (name, expected) in [
            ("menu.ipxe", Some(IpxeMenu)),
            ("autoexec.ipxe", Some(IpxeMenu)),
            ("boot/autoexec.ipxe", Some(IpxeMenu)),
            ("menu.cfg", Some(GrubConfig)),
            ("boot/menu.cfg", None),
            ("grub.cfg", Some(GrubConfig)),
            ("grub/grub.cfg", Some(GrubConfig)),
            ("boot/grub/grub.cfg", Some(GrubConfig)),
            ("debian-installer/arm64/grub/grub.cfg", Some(GrubConfig)),
            ("EFI/fedora/grub.cfg", Some(GrubConfig)),
            // Tried before grub.cfg: a miss here leads GRUB on to it.
            ("grub/x86_64-efi/grub.cfg", None),
            ("grub/arm64-efi/grub.cfg", None),
            ("grub/i386-pc/grub.cfg", None),
            ("grub/grub.cfg-01-52-54-00-aa-00-01", None),
            ("grub/grub.cfg-0A4D0088", None),
            ("grub/x86_64-efi/command.lst", None),
            ("pxelinux.cfg/default", Some(PxelinuxConfig)),
            ("boot/pxelinux.cfg/01-52-54-00-aa-00-01", Some(PxelinuxConfig)),
            ("pxelinux.cfg/01-52-54-00-aa-00", None),
            ("pxelinux.cfg/C0A80101", None),
            ("xpxelinux.cfg/default", None),
            ("default", None),
            ("sub/menu.ipxe", None),
            ("Menu.ipxe", None),
            ("xautoexec.ipxe", None),
            ("ipxe.efi", None),
            ("", None),
        ] {
            assert_eq!(generated(name.as_bytes()), expected, "{name}");
        }
    }
}
