//! The media type of a file, by its name.

/// Types that UEFI HTTP Boot knows, by the end of the name (EDK2 `HttpBootSupport.c`, `HttpBootCheckImageType`). They
/// are compared as they stand, so none has a parameter behind it.
const BY_EXTENSION: [(&[u8], &str); 3] = [
    (b"efi", "application/efi"),
    (b"iso", "application/vnd.efi-iso"),
    (b"img", "application/vnd.efi-img"),
];

/// What people read and write.
const TEXTS: [&[u8]; 12] = [
    b"ipxe", b"cfg", b"conf", b"txt", b"ks", b"seed", b"preseed", b"yaml", b"yml", b"xml", b"json",
    b"sh",
];

/// The type of a file of this name.
pub(super) fn of(name: &[u8]) -> &'static str {
    let last = name.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
    let dot = last.iter().rposition(|byte| *byte == b'.');
    let extension = dot.map(|dot| last[dot + 1..].to_ascii_lowercase()).unwrap_or_default();
    let known = BY_EXTENSION.iter().find(|(known, _)| *known == extension);
    match known {
        Some((_, media)) => media,
        None if TEXTS.contains(&&*extension) => "text/plain",
        None => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_their_types() {
        for (name, media) in [
            ("a/ipxe.efi", "application/efi"),
            ("BOOTX64.EFI", "application/efi"),
            ("debian.iso", "application/vnd.efi-iso"),
            ("shell.img", "application/vnd.efi-img"),
            ("menu.ipxe", "text/plain"),
            ("grub/grub.cfg", "text/plain"),
            ("initrd.gz", "application/octet-stream"),
            ("vmlinuz", "application/octet-stream"),
            ("x.efi/vmlinuz", "application/octet-stream"),
            ("", "application/octet-stream"),
        ] {
            assert_eq!(of(name.as_bytes()), media, "{name}");
        }
    }
}
