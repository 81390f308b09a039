//! What may stand in a loader's text. Names of images and files are not ours, and each of these languages has characters
//! that begin something else.

use super::Kind;
use crate::limits::{TEXT_CHARS_MAX, TITLE_CHARS_MAX};

/// A text for people. Printable ASCII without what any of the loaders gives a meaning to: variables and substitutions
/// (`$ { } %`), separators (`& | ; < > #`), quotes and backslashes, PXELINUX's hotkey mark (`^`). What falls out becomes a
/// blank, a letter that is not ASCII a `?`, since a BIOS screen has no other letters. A `-` at the beginning would make an
/// option of it.
pub(super) fn text(raw: &str) -> String {
    let raw =
        raw.trim_start_matches(|character: char| character == '-' || character.is_whitespace());
    let mut clean = String::with_capacity(raw.len().min(TEXT_CHARS_MAX));
    for character in raw.chars().take(TEXT_CHARS_MAX) {
        clean.push(match character {
            '$' | '{' | '}' | '%' | '&' | '|' | ';' | '<' | '>' | '#' | '"' | '\'' | '`' | '\\'
            | '^' => ' ',
            ' '..='~' => character,
            other if other.is_control() => ' ',
            _ => '?',
        });
    }
    clean.truncate(clean.trim_end().len());
    clean
}

/// A text of one line of a menu.
pub(super) fn title(raw: &str) -> String {
    let mut clean = text(raw);
    clean.truncate(TITLE_CHARS_MAX);
    clean
}

/// A path as part of a URL: what no loader and no shell takes amiss stays, all else is percent-encoded (RFC 3986 section
/// 2.1).
pub(crate) fn url_path(path: &str) -> String {
    let mut encoded = String::with_capacity(path.len());
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"/-._~!()*,:=@+".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push('%');
            for digit in [byte >> 4, byte & 0x0f] {
                let digit = char::from_digit(u32::from(digit), 16).unwrap_or('0');
                encoded.push(digit.to_ascii_uppercase());
            }
        }
    }
    encoded
}

/// Why a text cannot stand in the language as it is.
pub(super) fn objection(kind: Kind, text: &str) -> Option<String> {
    if text.chars().any(char::is_control) {
        return Some("it has a control character".to_owned());
    }
    // iPXE expands `${…}` before it looks at words, U-Boot does so in command lines.
    if kind != Kind::Grub && text.contains("${") {
        return Some(format!("{kind} would take its \"${{\" for a variable"));
    }
    if kind == Kind::Ipxe {
        let own = text.split_whitespace().find(|word| is_ipxe_syntax(word));
        return own.map(|word| format!("iPXE would take its {word:?} for syntax"));
    }
    None
}

/// iPXE knows no quoting: these words end a command wherever they stand.
fn is_ipxe_syntax(word: &str) -> bool {
    matches!(word, "&&" | "||") || word.starts_with('#')
}

/// A command line as words of GRUB's shell. A part in double quotes is one word with its blanks: GRUB puts quotes around
/// it again for the kernel.
pub(super) fn grub_words(line: &str) -> String {
    let mut words: Vec<String> = Vec::new();
    let (mut word, mut quoted) = (String::new(), false);
    for character in line.chars() {
        match character {
            '"' => quoted = !quoted,
            blank if blank.is_whitespace() && !quoted => {
                if !word.is_empty() {
                    words.push(grub_word(&word));
                    word.clear();
                }
            }
            other => word.push(other),
        }
    }
    if !word.is_empty() {
        words.push(grub_word(&word));
    }
    words.join(" ")
}

/// One word of GRUB's shell (GRUB manual, "Quoting").
pub(super) fn grub_word(word: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/-._~:=@+,%".contains(&byte);
    if !word.is_empty() && word.bytes().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_are_harmless_and_short() {
        assert_eq!(text("Debian GNU/Linux 12 (amd64)"), "Debian GNU/Linux 12 (amd64)");
        assert_eq!(text("a${net0/mac}b && exit\nshell"), "a  net0/mac b    exit shell");
        assert_eq!(text("Émile's \"x\""), "?mile s  x");
        assert_eq!(text("  --gap x"), "gap x");
        assert_eq!(text(&"x".repeat(500)).len(), TEXT_CHARS_MAX);
        assert_eq!(title(&"é".repeat(500)).len(), TITLE_CHARS_MAX);
    }

    #[test]
    fn paths_are_encoded() {
        assert_eq!(url_path("a/b c${x}|'é.iso"), "a/b%20c%24%7Bx%7D%7C%27%C3%A9.iso");
        assert_eq!(url_path("debian-12.5.0_amd64~1+2.iso"), "debian-12.5.0_amd64~1+2.iso");
    }

    #[test]
    fn command_lines_are_refused_where_they_would_be_misread() {
        for line in ["a && b", "a || b", "a #b", "x=${y}", "a\nb"] {
            assert!(objection(Kind::Ipxe, line).is_some(), "{line:?}");
        }
        for line in ["a&&b", "a|b", "quiet --- $x"] {
            assert_eq!(objection(Kind::Ipxe, line), None, "{line:?}");
        }
        assert!(objection(Kind::Pxelinux, "x=${y}").is_some());
        assert_eq!(objection(Kind::Grub, "a && x=${y}"), None, "it is quoted");
    }

    #[test]
    fn words_of_grub_are_quoted_where_they_must_be() {
        assert_eq!(
            grub_words("ds=nocloud-net;s=http://192.0.2.5/seed/ quiet  it's"),
            "'ds=nocloud-net;s=http://192.0.2.5/seed/' quiet 'it'\\''s'"
        );
        assert_eq!(grub_words("dyndbg=\"file x +p\" a"), "'dyndbg=file x +p' a");
        assert_eq!(grub_words("  "), "");
    }
}
