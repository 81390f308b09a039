//! What a file is for, told by its name: enough to say how far a boot is.

use serde::{Deserialize, Serialize};

/// What a file is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "admin", derive(utoipa::ToSchema))]
pub enum Role {
    /// A boot program, or a part of one.
    Loader,
    /// A script, a menu or another configuration of a boot program.
    Menu,
    /// A kernel.
    Kernel,
    /// An initial file system.
    Initrd,
    /// An image of a disk or of an installed system.
    Image,
    /// Anything else.
    Other,
}

impl Role {
    /// Told by the last part of the name, without regard to case.
    pub fn of(name: &str) -> Self {
        let path = name.split(['?', '#']).next().unwrap_or_default().to_ascii_lowercase();
        let file = path.rsplit(['/', '\\']).next().unwrap_or_default();
        let ends = |list: &[&str]| list.iter().any(|end| file.ends_with(end));
        let begins = |list: &[&str]| list.iter().any(|begin| file.starts_with(begin));
        if ends(&[".ipxe", ".cfg", ".conf", ".uimg", ".scr", ".ks", ".yaml"])
            || path.contains("pxelinux.cfg/")
        {
            Self::Menu
        } else if ends(&[".iso", ".wim", ".squashfs", ".vhd", ".vhdx", ".qcow2", ".raw"]) {
            Self::Image
        } else if begins(&["vmlinu", "bzimage", "zimage", "kernel", "wimboot"])
            || matches!(file, "linux" | "image")
        {
            Self::Kernel
        } else if begins(&["initr", "initfs", "uinitrd"])
            || ends(&[".cpio", ".cpio.gz", ".cpio.zst"])
        {
            Self::Initrd
        } else if ends(&[".img"]) {
            Self::Image
        } else if ends(&[
            ".efi", ".0", ".kpxe", ".pxe", ".kkpxe", ".c32", ".com", ".n12", ".mod", ".elf", ".lst",
        ]) {
            Self::Loader
        } else {
            Self::Other
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_what_files_are_for() {
        for (name, role) in [
            ("ipxe.efi", Role::Loader),
            ("debian/bootnetx64.efi", Role::Loader),
            ("pxelinux.0", Role::Loader),
            ("undionly.kpxe", Role::Loader),
            ("http://192.0.2.5:8080/boot/menu.ipxe?mac=x.iso", Role::Menu),
            ("pxelinux.cfg/01-52-54-00-aa-00-01", Role::Menu),
            ("grub/grub.cfg", Role::Menu),
            ("debian-12/install/vmlinuz-6.1", Role::Kernel),
            ("debian-installer/amd64/LINUX", Role::Kernel),
            ("images/x.iso/files/casper/initrd.gz", Role::Initrd),
            ("initramfs-lts", Role::Initrd),
            ("Debian.ISO", Role::Image),
            ("sources/boot.wim", Role::Image),
            ("bootcode.bin", Role::Other),
            ("", Role::Other),
        ] {
            assert_eq!(Role::of(name), role, "{name}");
        }
    }
}
