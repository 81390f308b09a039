//! Names are bytes from the network; in lists they are printable text, with backslashes for what is not.

use super::fault::{ImportFaultKind, quoted};

pub(super) fn escaped(bytes: &[u8]) -> String {
    bytes.escape_ascii().to_string()
}

/// What [`escaped`] was given.
pub(super) fn unescaped(text: &str) -> Result<Vec<u8>, ImportFaultKind> {
    let fault = || ImportFaultKind::Escape(quoted(text));
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'\\' {
            bytes.push(byte);
            continue;
        }
        bytes.push(match rest.next().ok_or_else(fault)? {
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'x' => {
                let digit = |byte: Option<u8>| char::from(byte?).to_digit(16);
                let high = digit(rest.next()).ok_or_else(fault)?;
                let low = digit(rest.next()).ok_or_else(fault)?;
                u8::try_from(high << 4 | low).map_err(|_| fault())?
            }
            same @ (b'\\' | b'\'' | b'"') => same,
            _ => return Err(fault()),
        });
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_comes_back() {
        let all: Vec<u8> = (0..=u8::MAX).collect();
        assert_eq!(unescaped(&escaped(&all)).unwrap(), all);
        assert_eq!(escaped(b"node1"), "node1");
        for text in ["\\", "\\x", "\\x4", "\\xg0", "\\q"] {
            assert!(unescaped(text).is_err(), "{text}");
        }
    }
}
