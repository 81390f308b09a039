//! Texts with variables in braces.

use super::glob::Variables;
use crate::limits::VARIABLE_BYTES_MAX;

/// What menus fill in, see [`BootEntry`](crate::BootEntry).
pub(super) const PLACEHOLDERS: [&str; 7] =
    ["files", "image", "net", "server", "seed", "mac", "mac-hyphen"];

/// A text with variables.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Template(Vec<Piece>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    Variable(String),
}

impl Template {
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('{') {
            let (name, after) = after.split_once('}').ok_or("`{` has no `}`")?;
            pieces.push(Piece::Text(before.to_owned()));
            pieces.push(Piece::Variable(name.to_owned()));
            rest = after;
        }
        pieces.push(Piece::Text(rest.to_owned()));
        Ok(Self(pieces))
    }

    /// The names in it, placeholders of menus left out.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|piece| match piece {
            Piece::Variable(name) if !PLACEHOLDERS.contains(&name.as_str()) => Some(name.as_str()),
            Piece::Variable(_) | Piece::Text(_) => None,
        })
    }

    /// For people: a variable without a value is nothing, and no gap is left.
    pub(super) fn say(&self, variables: &Variables) -> String {
        let mut said = String::new();
        for piece in &self.0 {
            match piece {
                Piece::Text(text) => said.push_str(text),
                Piece::Variable(name) => {
                    said.push_str(variables.get(name).map_or("", String::as_str));
                }
            }
        }
        said.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// For machines: values are escaped as in a URL, placeholders stay. A variable without a value is the error.
    pub(super) fn fill(&self, variables: &Variables) -> Result<String, String> {
        let mut filled = String::new();
        for piece in &self.0 {
            match piece {
                Piece::Text(text) => filled.push_str(text),
                Piece::Variable(name) if PLACEHOLDERS.contains(&name.as_str()) => {
                    filled.push_str(&format!("{{{name}}}"));
                }
                Piece::Variable(name) => {
                    escape(variables.get(name).ok_or_else(|| name.clone())?, &mut filled);
                }
            }
        }
        Ok(filled.split_whitespace().collect::<Vec<_>>().join(" "))
    }
}

/// Escapes what could end a URL or a word of a command line. Values come from the image.
fn escape(value: &str, into: &mut String) {
    for byte in value.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'_' | b'~' | b'+' | b'-' => {
                into.push(char::from(byte));
            }
            _ => into.push_str(&format!("%{byte:02X}")),
        }
    }
}

/// A value as an image says it: without control characters and braces, and short.
pub(super) fn tame(value: &str) -> String {
    let mut tame = String::new();
    for c in value.trim().chars().filter(|c| !c.is_control() && !matches!(c, '{' | '}' | '$')) {
        if tame.len().saturating_add(c.len_utf8()) > VARIABLE_BYTES_MAX {
            break;
        }
        tame.push(c);
    }
    tame
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_an_image_stay_words() {
        let variables = Variables::from([("dir".to_owned(), tame("a b{image}\n;${x}"))]);
        let template = Template::parse("base={dir} url={files}/{dir}").expect("a template");
        assert_eq!(
            template.fill(&variables).expect("a value"),
            "base=a%20bimage%3Bx url={files}/a%20bimage%3Bx"
        );
        assert_eq!(template.names().collect::<Vec<_>>(), ["dir", "dir"]);
        assert_eq!(template.fill(&Variables::new()), Err("dir".to_owned()));
        assert_eq!(Template::parse("A {v} B").expect("a template").say(&Variables::new()), "A B");
        assert!(Template::parse("{open").is_err());
    }
}
