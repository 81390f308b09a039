//! Patterns of paths: `*` stands for any part of a name, `{name}` for a part that is remembered, or, where the name has
//! a value already, for that value.

use std::collections::BTreeMap;

use crate::limits::{PATTERN_PARTS_MAX, PATTERN_WILDCARDS_MAX};

/// Values by name.
pub(super) type Variables = BTreeMap<String, String>;

/// A pattern of paths.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pattern {
    pub(super) parts: Vec<Part>,
    /// As it was written.
    pub(super) text: String,
}

/// A pattern of one name between slashes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Part(Vec<Token>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    Text(String),
    Any,
    Named(String),
}

impl Pattern {
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let trimmed = text.trim_matches('/');
        if trimmed.is_empty() {
            return Err("the path is empty".into());
        }
        let parts: Vec<Part> = trimmed.split('/').map(Part::parse).collect::<Result<_, _>>()?;
        if parts.len() > PATTERN_PARTS_MAX {
            return Err(format!("a path has {PATTERN_PARTS_MAX} parts at most"));
        }
        Ok(Self { parts, text: text.to_owned() })
    }

    /// The names it remembers.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().flat_map(|part| &part.0).filter_map(|token| match token {
            Token::Named(name) => Some(name.as_str()),
            Token::Text(_) | Token::Any => None,
        })
    }
}

impl Part {
    fn parse(text: &str) -> Result<Self, String> {
        let mut tokens = Vec::new();
        let mut rest = text;
        while let Some(first) = rest.chars().next() {
            let (token, after) = match first {
                '*' => (Token::Any, rest.get(1..)),
                '{' => {
                    let (name, after) = rest
                        .get(1..)
                        .and_then(|rest| rest.split_once('}'))
                        .ok_or("`{` has no `}`")?;
                    (Token::Named(name.to_owned()), Some(after))
                }
                _ => {
                    let end = rest.find(['*', '{']).unwrap_or(rest.len());
                    let (text, after) = rest.split_at(end);
                    (Token::Text(text.to_owned()), Some(after))
                }
            };
            tokens.push(token);
            rest = after.unwrap_or_default();
        }
        let wild = tokens.iter().filter(|token| !matches!(token, Token::Text(_))).count();
        if wild > PATTERN_WILDCARDS_MAX {
            return Err(format!("a name has {PATTERN_WILDCARDS_MAX} of `*` and `{{…}}` at most"));
        }
        if text == "." || text == ".." || text.is_empty() {
            return Err(format!("{text:?} is no name"));
        }
        Ok(Self(tokens))
    }

    /// The one name it stands for, if the variables leave no other.
    pub(super) fn only(&self, variables: &Variables) -> Option<String> {
        let mut name = String::new();
        for token in &self.0 {
            match token {
                Token::Text(text) => name.push_str(text),
                Token::Any => return None,
                Token::Named(named) => name.push_str(variables.get(named)?),
            }
        }
        Some(name)
    }

    /// Whether a name is one of these, and what is remembered then, added to the variables.
    pub(super) fn matches(&self, name: &str, variables: &Variables) -> Option<Variables> {
        let mut variables = variables.clone();
        matches(&self.0, name, &mut variables).then_some(variables)
    }
}

/// Tries the shortest part for each wildcard first. There are two at most, so this is quadratic in the name at worst.
fn matches(tokens: &[Token], name: &str, variables: &mut Variables) -> bool {
    let Some((first, rest)) = tokens.split_first() else { return name.is_empty() };
    let literal = match first {
        Token::Text(text) => Some(text.clone()),
        Token::Any => None,
        Token::Named(named) => variables.get(named).cloned(),
    };
    if let Some(literal) = literal {
        return match name.get(..literal.len()).zip(name.get(literal.len()..)) {
            Some((start, after)) => {
                start.eq_ignore_ascii_case(&literal) && matches(rest, after, variables)
            }
            None => false,
        };
    }
    for (end, _) in name.char_indices().chain([(name.len(), ' ')]) {
        let (taken, after) = name.split_at(end);
        if let Token::Named(named) = first {
            variables.insert(named.clone(), taken.to_owned());
        }
        if matches(rest, after, variables) {
            return true;
        }
        if let Token::Named(named) = first {
            variables.remove(named);
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn remembered(pattern: &str, name: &str, known: &[(&str, &str)]) -> Option<Vec<String>> {
        let pattern = Pattern::parse(pattern).expect("a pattern");
        let known = known.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        let found = pattern.parts.first().expect("a part").matches(name, &known)?;
        Some(found.into_iter().map(|(name, value)| format!("{name}={value}")).collect())
    }

    #[test]
    fn wildcards_remember() {
        assert_eq!(remembered("vmlinuz*", "VMLINUZ", &[]), Some(Vec::new()));
        assert_eq!(remembered("install.{arch}", "install.amd", &[]), Some(vec!["arch=amd".into()]));
        assert_eq!(remembered("a*{end}.x", "abc.x", &[]), Some(vec!["end=bc".into()]));
        assert_eq!(remembered("vmlinuz", "vmlinuz-6", &[]), None);
        let known = [("arch", "amd")];
        assert_eq!(remembered("i.{arch}", "i.amd", &known), Some(vec!["arch=amd".into()]));
        assert_eq!(remembered("i.{arch}", "i.386", &known), None);
    }

    #[test]
    fn what_is_no_pattern_is_refused() {
        for text in ["", "/", "a//b", "../x", "a{b", "*a*b*"] {
            assert!(Pattern::parse(text).is_err(), "{text}");
        }
    }
}
