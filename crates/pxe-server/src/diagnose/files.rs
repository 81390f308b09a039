//! What the name of a boot program tells of whom it is for.

use pxe_select::Firmware;

fn tail(file: &str) -> String {
    let path = file.split('?').next().unwrap_or_default();
    path.rsplit(['/', '\\']).next().unwrap_or_default().to_ascii_lowercase()
}

/// Whether it is a program that firmware starts.
pub(super) fn is_loader(file: &str) -> bool {
    let file = tail(file);
    [".efi", ".0", ".kpxe", ".pxe", ".kkpxe", ".com", ".n12", ".elf"]
        .iter()
        .any(|end| file.ends_with(end))
}

/// The file without the server that a URL names.
pub(super) fn place(file: &str) -> &str {
    let beyond = file.split_once("://").map(|(_, rest)| rest);
    beyond.map_or(file, |rest| rest.split_once('/').map_or("", |(_, path)| path))
}

/// Whether it is an iPXE program, by the names that iPXE's build gives.
pub(super) fn is_ipxe(file: &str) -> bool {
    let file = tail(file);
    let begins =
        ["ipxe", "undionly", "snponly", "snp", "intel"].iter().any(|begin| file.starts_with(begin));
    begins && is_loader(&file)
}

/// Whom the program is for, if it cannot be this firmware.
pub(crate) fn not_for(firmware: Firmware, file: &str) -> Option<&'static str> {
    let file = tail(file);
    let has = |parts: &[&str]| parts.iter().any(|part| file.contains(part));
    let is_bios =
        [".0", ".kpxe", ".pxe", ".kkpxe", ".com", ".n12"].iter().any(|end| file.ends_with(end));
    if firmware.is_uefi() && is_bios {
        return Some("BIOS");
    }
    if !file.ends_with(".efi") {
        return None;
    }
    if firmware == Firmware::Bios {
        return Some("UEFI");
    }
    if has(&["aa64", "arm64"])
        && !matches!(firmware.over_tftp(), Firmware::Arm64Uefi | Firmware::Arm64Uboot)
    {
        return Some("64-bit ARM");
    }
    if has(&["ia32", "ipxe32", "i386"]) && firmware.over_tftp() != Firmware::X86Uefi {
        return Some("32-bit x86");
    }
    if has(&["x64", "x86_64", "amd64"]) && firmware.over_tftp() != Firmware::X64Uefi {
        return Some("64-bit x86");
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_whom_programs_are_for() {
        for (firmware, file, other) in [
            (Firmware::X64Uefi, "undionly.kpxe", Some("BIOS")),
            (Firmware::X64Uefi, "pxelinux.0", Some("BIOS")),
            (Firmware::Bios, "ipxe.efi", Some("UEFI")),
            (Firmware::X64Uefi, "boot/grubaa64.efi", Some("64-bit ARM")),
            (Firmware::Arm64Uefi, "bootnetx64.efi", Some("64-bit x86")),
            (Firmware::X64UefiHttp, "http://x/shimx64.efi", None),
            (Firmware::X64Uefi, "bootia32.efi", Some("32-bit x86")),
            (Firmware::X64Uefi, "ipxe.efi", None),
            (Firmware::Bios, "undionly.kpxe", None),
            (Firmware::Bios, "http://x/menu.ipxe", None),
        ] {
            assert_eq!(not_for(firmware, file), other, "{firmware} {file}");
        }
        for (file, expected) in [
            ("tftp://192.0.2.5:69/menu.ipxe", "menu.ipxe"),
            ("http://192.0.2.5/a/b", "a/b"),
            ("http://192.0.2.5", ""),
            ("a/ipxe.efi", "a/ipxe.efi"),
        ] {
            assert_eq!(place(file), expected, "{file}");
        }
        assert!(is_ipxe("tftp://x/iPXE.efi") && is_ipxe("snponly.efi") && !is_ipxe("ipxe.cfg"));
    }
}
