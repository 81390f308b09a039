//! Names as they are stored, to names as people write them.

/// `README.TXT;1` is `README.TXT`, and `KERNEL.;1` is `KERNEL`.
pub(super) fn plain(stored: &[u8]) -> String {
    let name = stored.split(|byte| *byte == b';').next().unwrap_or_default();
    let name = name.strip_suffix(b".").unwrap_or(name);
    String::from_utf8_lossy(name).into_owned()
}

/// Big-endian UTF-16 (UCS-2 by the standard), at times with a version.
pub(super) fn joliet(stored: &[u8]) -> String {
    let name = utf16(stored);
    match name.rsplit_once(';') {
        Some((front, version)) if version.bytes().all(|byte| byte.is_ascii_digit()) => {
            front.to_owned()
        }
        _ => name,
    }
}

/// Big-endian UTF-16; what is none becomes U+FFFD.
pub(crate) fn utf16(bytes: &[u8]) -> String {
    let units = bytes.chunks_exact(2).map(|pair| match pair {
        [high, low] => u16::from_be_bytes([*high, *low]),
        _ => 0,
    });
    char::decode_utf16(units).map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
}

/// A text of a descriptor: without padding, on one line.
pub(crate) fn label(bytes: &[u8]) -> String {
    one_line(&String::from_utf8_lossy(bytes))
}

/// A text up to its end, without padding, on one line.
pub(crate) fn one_line(text: &str) -> String {
    let text = text.split('\0').next().unwrap_or_default();
    text.trim_end().chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_dropped() {
        assert_eq!(plain(b"README.TXT;1"), "README.TXT");
        assert_eq!(plain(b"KERNEL.;12"), "KERNEL");
        assert_eq!(plain(b"SOURCES"), "SOURCES");
        let wide = |text: &str| text.encode_utf16().flat_map(u16::to_be_bytes).collect::<Vec<_>>();
        assert_eq!(joliet(&wide("Grün und so.txt;1")), "Grün und so.txt");
        assert_eq!(joliet(&wide("a;b")), "a;b");
        assert_eq!(joliet(&wide("two.")), "two.");
        assert_eq!(joliet(&[0xd8, 0, 0, 0x41, 0x42]), "\u{fffd}A");
    }

    #[test]
    fn labels_have_no_padding_and_no_second_line() {
        assert_eq!(label(b"Debian 12\x1b[31m\n  "), "Debian 12 [31m");
        assert_eq!(label(b"A\0B  "), "A");
    }
}
