//! What is wrong with a text that is no TOML, in words for people who never heard of TOML.

use toml::de::Error;

use super::fault::Fault;

const ELSE: &str = "toml.io shows the syntax";

/// A fault for each line: the parser goes on after an error, and finds more that come of it.
pub(super) fn faults(text: &str, errors: &[Error]) -> Vec<Fault> {
    let mut faults: Vec<Fault> = Vec::new();
    let mut unclosed = false;
    for error in errors {
        let start = error.span().map_or(0, |span| span.start).min(text.len());
        let before = text.as_bytes().get(..start).unwrap_or_default();
        let line = 1 + before.iter().filter(|&&byte| byte == b'\n').count();
        // All that follows a list without an end is taken for a part of it.
        if unclosed || faults.iter().any(|fault| fault.line == Some(line)) {
            continue;
        }
        let is_list = error.message().contains("array");
        let (at, open) = match is_list.then(|| open_list(text, line)).flatten() {
            Some(at) => (at, true),
            None => (line, false),
        };
        unclosed = open;
        let written = text.lines().nth(at - 1).unwrap_or_default().trim();
        faults.push(fault(written, error.message(), open).at(Some(at)));
    }
    faults
}

/// The line, at or before this one, of a `[` that has no `]`, as far as lines tell.
fn open_list(text: &str, line: usize) -> Option<usize> {
    let lines: Vec<&str> = text.lines().take(line).collect();
    let depth = |text: &str| {
        text.chars().fold(0_i32, |depth, sign| match sign {
            '[' => depth + 1,
            ']' => depth - 1,
            _ => depth,
        })
    };
    let at = lines.iter().rposition(|text| text.contains('=') && depth(text) > 0)?;
    let after: i32 = lines.iter().skip(at).map(|text| depth(text)).sum();
    (after > 0).then_some(at + 1)
}

fn fault(written: &str, message: &str, open: bool) -> Fault {
    // Never the value: it may be a secret.
    let key = written.split_once('=').map_or("", |(key, _)| key.trim());
    let key = if key.starts_with('[') { "" } else { key };
    let named = if key.is_empty() { "key" } else { key };
    let (problem, remedy) = if open {
        ("the list has no end".to_owned(), format!("{named} = [\"…\", \"…\"]"))
    } else if message.contains("must be quoted") {
        ("texts stand in quotes".to_owned(), format!("{named} = \"…\""))
    } else if message.contains("duplicate key") {
        ("is there twice".to_owned(), "keep one of them".to_owned())
    } else if message.contains("unclosed array table") {
        ("the header has no end".to_owned(), format!("[[{}]]", written.trim_matches(['[', ']'])))
    } else if message.contains("unclosed table") {
        ("the header has no end".to_owned(), format!("[{}]", written.trim_matches(['[', ']'])))
    } else {
        (message.to_owned(), ELSE.to_owned())
    };
    Fault::new(key, problem, remedy)
}

#[cfg(test)]
mod tests {
    use crate::config::Config;

    /// The faults of a text, as they are printed.
    fn said(text: &str) -> String {
        let mut faults = Config::parse(text).expect_err("no TOML");
        faults.file = Some("x.toml".into());
        faults.to_string()
    }

    #[test]
    fn common_slips_are_told_once_with_what_to_write() {
        assert_eq!(
            said("root = boot\n"),
            "x.toml:1: root: texts stand in quotes\n    -> root = \"…\""
        );
        assert_eq!(
            said("interfaces = [\"eth0\"\nroot = \"boot\"\n"),
            "x.toml:1: interfaces: the list has no end\n    -> interfaces = [\"…\", \"…\"]"
        );
        assert_eq!(said("[dhcp\nport = 67\n"), "x.toml:1: the header has no end\n    -> [dhcp]");
        assert_eq!(said("[[host]\n"), "x.toml:1: the header has no end\n    -> [[host]]");
        assert_eq!(
            said("root = \"a\"\nroot = \"b\"\n"),
            "x.toml:2: root: is there twice\n    -> keep one of them"
        );
    }

    #[test]
    fn slips_in_several_lines_are_told_together_and_no_value_is_shown() {
        let said = said("root = boot\n[[webhook]]\nsecret = hunter2\n[dhcp\n");
        assert_eq!(said.matches("x.toml:").count(), 3, "{said}");
        assert!(!said.contains("hunter2"), "{said}");
    }
}
