//! Option 77 as it is really sent: framed after RFC 3004 section 4, or as one raw text.

/// The classes in a raw option 77: the framed ones when RFC 3004 framing covers the whole value, else the value
/// itself. iPXE and Microsoft send one raw text. Trailing NULs are not part of a class.
pub(crate) fn user_classes(raw: &[u8]) -> impl Iterator<Item = &[u8]> {
    let framed = is_framed(raw);
    let mut rest = raw;
    core::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        if !framed {
            return Some(trim_nuls(core::mem::take(&mut rest)));
        }
        let (&length, tail) = rest.split_first()?;
        let (class, tail) = tail.split_at_checked(usize::from(length))?;
        rest = tail;
        Some(trim_nuls(class))
    })
}

pub(crate) fn contains_user_class(raw: &[u8], class: &[u8]) -> bool {
    // A text whose first byte happens to frame it is still that text.
    trim_nuls(raw) == class || user_classes(raw).any(|one| one == class)
}

fn is_framed(raw: &[u8]) -> bool {
    let mut rest = raw;
    while let Some((&length, tail)) = rest.split_first() {
        // RFC 3004 allows no empty class.
        match tail.split_at_checked(usize::from(length)) {
            Some((class, after)) if !class.is_empty() => rest = after,
            _ => return false,
        }
    }
    true
}

fn trim_nuls(mut text: &[u8]) -> &[u8] {
    while let [head @ .., 0] = text {
        text = head;
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_framings() {
        assert!(contains_user_class(b"iPXE", b"iPXE"));
        assert!(contains_user_class(b"\x04iPXE", b"iPXE"));
        assert!(contains_user_class(b"\x03lab\x04iPXE", b"iPXE"));
        assert!(contains_user_class(b"iPXE\0", b"iPXE"));
        assert!(contains_user_class(b"\x01x", b"\x01x"));
        for other in [&b"ipxe"[..], b"\x05iPXE", b"\x04iPXE\x09x", b"iPXE2", b"", b"\x04iPXE\0"] {
            assert!(!contains_user_class(other, b"iPXE"), "{other:?}");
        }
    }

    #[test]
    fn classes_are_listed() {
        let listed: Vec<_> = user_classes(b"\x03lab\x04iPXE").collect();
        assert_eq!(listed, [&b"lab"[..], b"iPXE"]);
        let raw: Vec<_> = user_classes(b"\x03la").collect();
        assert_eq!(raw, [b"\x03la"]);
        assert_eq!(user_classes(b"").count(), 0);
    }
}
