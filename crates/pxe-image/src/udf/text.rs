//! OSTA compressed Unicode: a byte that says how wide characters are, and the characters.

use crate::iso::names::{one_line, utf16};

/// A name, or a part of a text.
pub(super) fn cs0(bytes: &[u8]) -> String {
    match bytes.split_first() {
        Some((8, latin)) => latin.iter().copied().map(char::from).collect(),
        Some((16, wide)) => utf16(wide),
        // 254 and 255 are for names that were deleted.
        _ => String::new(),
    }
}

/// A text in a field whose last byte is its length.
pub(super) fn dstring(field: &[u8]) -> String {
    let Some((len, text)) = field.split_last() else { return String::new() };
    one_line(&cs0(text.get(..usize::from(*len)).unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_widths_are_read() {
        assert_eq!(cs0(b"\x08Gr\xfcn"), "Grün");
        assert_eq!(cs0(b"\x10\x04\x16\x00a"), "Жa");
        assert_eq!(cs0(b"\xfe???"), "");
        assert_eq!(cs0(b""), "");
        assert_eq!(dstring(b"\x08LABEL\0\0\0\x06"), "LABEL");
        assert_eq!(dstring(b"\x08LABEL\0\0\0\xff"), "");
        assert_eq!(dstring(b""), "");
    }
}
