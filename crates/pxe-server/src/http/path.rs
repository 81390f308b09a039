//! From the path of a URL to what is asked for.

/// What the path of a URL names.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Place<'p> {
    /// A name beneath the root: nothing of it has been looked at but the slashes before it.
    Root(&'p [u8]),
    /// An image or a file inside one, with `images/` before it: otherwise as [`Root`](Self::Root).
    Images(&'p [u8]),
    /// The list of images.
    Catalogue,
    /// What is made for one machine: its address, perhaps a token, and a name.
    Seed(&'p [u8]),
    /// The place where a machine says that it is done.
    Done,
    /// The place where booted machines say so.
    Booted,
    /// Nothing.
    Nowhere,
}

/// First parts of paths that are no names beneath the root.
const ELSEWHERE: [&[u8]; 2] = [b"", b"admin"];

impl<'p> Place<'p> {
    /// Of a decoded path. Slashes may be doubled: shim asks for `/boot//grubx64.efi`.
    ///
    /// What is in none of the places is a name beneath the root too: GRUB asks for its modules and its
    /// configuration by `/grub/…`, whatever URL it was loaded from (docs/quirks.md).
    pub(super) fn of(path: &'p [u8]) -> Self {
        let path = without_slashes(path);
        let first_end = path.iter().position(|byte| *byte == b'/');
        let (first, rest) = match first_end {
            Some(end) => (&path[..end], &path[end..]),
            None => (path, &b""[..]),
        };
        match first {
            b"boot" => Self::Root(without_slashes(rest)),
            b"images" if without_slashes(rest).is_empty() => Self::Catalogue,
            // Nothing in there is a folder to be listed.
            b"images" if path.ends_with(b"/") => Self::Nowhere,
            b"images" => Self::Images(path),
            b"seed" => Self::Seed(without_slashes(rest)),
            b"done" if rest.is_empty() => Self::Done,
            b"booted" if rest.is_empty() => Self::Booted,
            _ if ELSEWHERE.contains(&first) => Self::Nowhere,
            _ => Self::Root(path),
        }
    }
}

fn without_slashes(path: &[u8]) -> &[u8] {
    let slashes = path.iter().take_while(|byte| **byte == b'/').count();
    &path[slashes..]
}

/// The bytes that a path or a query stands for: `%20` is a blank (RFC 3986 section 2.1). Decoded once, before
/// anything is decided, so that nothing can hide in it. `None` where a `%` has no two hexadecimal digits behind it.
pub(super) fn decode(encoded: &str) -> Option<Vec<u8>> {
    let mut decoded = Vec::with_capacity(encoded.len());
    let mut bytes = encoded.bytes();
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            decoded.push(byte);
            continue;
        }
        let mut digit = || char::from(bytes.next()?).to_digit(16);
        let value = digit()? << 4 | digit()?;
        decoded.push(u8::try_from(value).ok()?);
    }
    Some(decoded)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_path_has_its_place() {
        for (path, place) in [
            ("/boot/ipxe.efi", Place::Root(b"ipxe.efi")),
            ("/boot//grubaa64.efi", Place::Root(b"grubaa64.efi")),
            ("//boot/x", Place::Root(b"x")),
            ("/boot/../x", Place::Root(b"../x")),
            ("/boot", Place::Root(b"")),
            ("/bootx/y", Place::Root(b"bootx/y")),
            ("/grub/x86_64-efi/fs.lst", Place::Root(b"grub/x86_64-efi/fs.lst")),
            ("/../x", Place::Root(b"../x")),
            ("/booted", Place::Booted),
            ("/booted/x", Place::Root(b"booted/x")),
            ("/images/debian.iso", Place::Images(b"images/debian.iso")),
            ("//images//t/a.iso", Place::Images(b"images//t/a.iso")),
            ("/images", Place::Catalogue),
            ("/images/", Place::Catalogue),
            ("/seed/525400aa0001/user-data", Place::Seed(b"525400aa0001/user-data")),
            ("/done", Place::Done),
            ("/done/x", Place::Root(b"done/x")),
            ("/seeds/x", Place::Root(b"seeds/x")),
            ("/", Place::Nowhere),
            ("", Place::Nowhere),
        ] {
            assert_eq!(Place::of(path.as_bytes()), place, "{path}");
        }
    }

    #[test]
    fn percent_signs_are_decoded_once_or_not_at_all() {
        assert_eq!(decode("/a%20b%2Fc%2fd").as_deref(), Some(&b"/a b/c/d"[..]));
        assert_eq!(decode("%252e%00%ff").as_deref(), Some(&b"%2e\0\xff"[..]));
        for broken in ["%", "%2", "%2g", "a%+1", "%%41"] {
            assert_eq!(decode(broken), None, "{broken}");
        }
    }
}
