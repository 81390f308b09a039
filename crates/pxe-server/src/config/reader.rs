//! A TOML table read key by key: wrong types, values out of range and unknown keys become faults
//! with their line, and reading goes on, so that all of them are reported at once.

use core::cell::RefCell;
use core::fmt::Display;
use core::ops::{Range, RangeInclusive};
use core::str::FromStr;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::fault::Fault;
use super::seeds::{Variable, Variables};

/// The text and the faults found in it so far.
pub(super) struct Reader<'t> {
    text: &'t str,
    /// Lines of the text are none of a file that somebody sees.
    is_unlined: bool,
    faults: RefCell<Vec<Fault>>,
}

impl<'t> Reader<'t> {
    pub(super) fn new(text: &'t str, is_unlined: bool) -> Self {
        Self { text, is_unlined, faults: RefCell::new(Vec::new()) }
    }

    pub(super) fn into_faults(self) -> Vec<Fault> {
        self.faults.into_inner()
    }

    /// The line, from 1, of a byte offset.
    pub(super) fn line(&self, span: &Range<usize>) -> usize {
        if self.is_unlined {
            return 0;
        }
        let before = self.text.as_bytes().get(..span.start).unwrap_or(self.text.as_bytes());
        1 + before.iter().filter(|&&byte| byte == b'\n').count()
    }

    pub(super) fn fault(&self, line: Option<usize>, key: &str, problem: String, remedy: String) {
        self.faults.borrow_mut().push(Fault::new(key, problem, remedy).at(line));
    }
}

/// A value with the place it stands at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Located<T> {
    /// What was read.
    pub value: T,
    /// Line in the file, from 1.
    pub line: usize,
}

/// One table of the file; `table` is `None` when the file does not have it.
pub(super) struct Section<'r, 't> {
    reader: &'r Reader<'t>,
    table: Option<&'r DeTable<'t>>,
    path: String,
    /// Line of the table's header, from 1.
    pub(super) line: usize,
    known: RefCell<Vec<&'static str>>,
}

impl<'r, 't> Section<'r, 't> {
    pub(super) fn root(reader: &'r Reader<'t>, table: &'r DeTable<'t>) -> Self {
        Self::new(reader, Some(table), String::new(), 1)
    }

    fn new(
        reader: &'r Reader<'t>,
        table: Option<&'r DeTable<'t>>,
        path: String,
        line: usize,
    ) -> Self {
        Self { reader, table, path, line, known: RefCell::default() }
    }

    pub(super) fn key(&self, name: &str) -> String {
        if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) }
    }

    fn get(&self, name: &'static str) -> Option<&'r Spanned<DeValue<'t>>> {
        self.known.borrow_mut().push(name);
        self.table.and_then(|table| table.get(name))
    }

    /// Reports a fault of the value of `name`.
    pub(super) fn fault(&self, line: usize, name: &str, problem: String, remedy: &str) {
        self.reader.fault(Some(line), &self.key(name), problem, remedy.to_owned());
    }

    fn wrong_type(&self, name: &str, value: &Spanned<DeValue<'t>>, wanted: &str) {
        let line = self.reader.line(&value.span());
        let found = value.get_ref().type_str();
        self.fault(line, name, format!("expected {wanted}, found {} {found}", article(found)), "");
    }

    /// The value of a key that may have one of several types.
    pub(super) fn value(&self, name: &str) -> Option<&'r Spanned<DeValue<'t>>> {
        self.table.and_then(|table| table.get(name))
    }

    /// Whether the table has this key, with whatever value.
    pub(super) fn has(&self, name: &str) -> bool {
        self.table.is_some_and(|table| table.contains_key(name))
    }

    /// Whether the value of this key is a table.
    pub(super) fn is_table(&self, name: &str) -> bool {
        let value = self.table.and_then(|table| table.get(name));
        value.is_some_and(|value| value.get_ref().is_table())
    }

    pub(super) fn string(&self, name: &'static str) -> Option<Located<String>> {
        let text = self.text(name)?;
        if text.value.is_empty() {
            self.fault(text.line, name, "the text is empty".into(), "remove the key or fill it in");
            return None;
        }
        Some(text)
    }

    /// A text that may be empty.
    pub(super) fn text(&self, name: &'static str) -> Option<Located<String>> {
        let value = self.get(name)?;
        match value.get_ref().as_str() {
            Some(text) => {
                Some(Located { value: text.to_owned(), line: self.reader.line(&value.span()) })
            }
            None => {
                self.wrong_type(name, value, "a text in quotes");
                None
            }
        }
    }

    /// A text that is parsed; `wanted` says what a good one looks like.
    pub(super) fn parsed<T: FromStr>(
        &self,
        name: &'static str,
        wanted: &str,
    ) -> Option<Located<T>> {
        let text = self.string(name)?;
        if let Ok(value) = text.value.parse() {
            return Some(Located { value, line: text.line });
        }
        self.fault(text.line, name, format!("expected {wanted}, found {:?}", text.value), "");
        None
    }

    /// One of a few words.
    pub(super) fn choice<T: Copy>(&self, name: &'static str, words: &[(&str, T)]) -> Option<T> {
        let text = self.string(name)?;
        if let Some((_, value)) = words.iter().find(|(word, _)| *word == text.value) {
            return Some(*value);
        }
        let list: Vec<_> = words.iter().map(|(word, _)| format!("{word:?}")).collect();
        let problem = format!("expected one of {}, found {:?}", list.join(", "), text.value);
        let words: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        let meant = nearest(&text.value, &words).map(|near| format!("did you mean {near:?}?"));
        self.fault(text.line, name, problem, &meant.unwrap_or_default());
        None
    }

    pub(super) fn boolean(&self, name: &'static str) -> Option<bool> {
        let value = self.get(name)?;
        let found = value.get_ref().as_bool();
        if found.is_none() {
            self.wrong_type(name, value, "true or false");
        }
        found
    }

    pub(super) fn integer(&self, name: &'static str, range: RangeInclusive<i64>) -> Option<i64> {
        let value = self.get(name)?;
        let Some(number) = value.get_ref().as_integer() else {
            self.wrong_type(name, value, "a number");
            return None;
        };
        let parsed = i64::from_str_radix(number.as_str(), number.radix()).ok();
        match parsed {
            Some(number) if range.contains(&number) => Some(number),
            _ => {
                let line = self.reader.line(&value.span());
                let problem = format!(
                    "expected a number from {} to {}, found {}",
                    range.start(),
                    range.end(),
                    number.as_str()
                );
                self.fault(line, name, problem, "");
                None
            }
        }
    }

    /// A list of texts; a single text counts as a list of one.
    pub(super) fn strings(&self, name: &'static str) -> Option<Vec<Located<String>>> {
        let value = self.get(name)?;
        let one = |value: &Spanned<DeValue<'t>>| {
            let text = value.get_ref().as_str()?.to_owned();
            Some(Located { value: text, line: self.reader.line(&value.span()) })
        };
        if let Some(text) = one(value) {
            return Some(vec![text]);
        }
        let Some(array) = value.get_ref().as_array() else {
            self.wrong_type(name, value, "a list of texts, [\"…\"]");
            return None;
        };
        let mut texts = Vec::new();
        for item in array.iter() {
            match one(item) {
                Some(text) => texts.push(text),
                None => self.wrong_type(name, item, "a text in quotes"),
            }
        }
        Some(texts)
    }

    /// A list of texts, each of which is parsed; the type's own error says what a good one looks like.
    pub(super) fn list<T: FromStr<Err: Display>>(&self, name: &'static str) -> Vec<Located<T>> {
        let texts = self.strings(name).unwrap_or_default();
        texts.iter().filter_map(|text| self.understood(name, text)).collect()
    }

    /// Parses a text that was read from `name`.
    pub(super) fn understood<T: FromStr<Err: Display>>(
        &self,
        name: &str,
        text: &Located<String>,
    ) -> Option<Located<T>> {
        match text.value.parse() {
            Ok(value) => Some(Located { value, line: text.line }),
            Err(error) => {
                self.fault(text.line, name, error.to_string(), "");
                None
            }
        }
    }

    /// A text, or a number as one writes it.
    pub(super) fn text_or_number(&self, name: &'static str) -> Option<Located<String>> {
        let value = self.get(name)?;
        let text = scalar(value.get_ref());
        if text.is_none() {
            self.wrong_type(name, value, "a text in quotes or a number");
        }
        Some(Located { value: text?, line: self.reader.line(&value.span()) })
    }

    /// Every key with its value as text, for tables whose keys are names and whose values have types of their own:
    /// numbers and truth values as they are written, lists with commas.
    pub(super) fn values(&self) -> Vec<(Located<String>, Located<String>)> {
        let mut pairs = Vec::new();
        for (key, value) in self.table.into_iter().flatten() {
            let line = self.reader.line(&key.span());
            let name = Located { value: key.get_ref().to_string(), line };
            let text = match value.get_ref() {
                DeValue::Array(items) => {
                    let items: Option<Vec<_>> =
                        items.iter().map(|item| scalar(item.get_ref())).collect();
                    items.map(|items| items.join(", "))
                }
                other => scalar(other),
            };
            match text {
                Some(value) => pairs.push((name, Located { value, line })),
                None => self.wrong_type(&name.value, value, "a text, a number, or a list of them"),
            }
        }
        pairs
    }

    /// Every key with its value as templates see it.
    pub(super) fn variables(&self) -> Variables {
        let mut variables = Variables::new();
        for (key, value) in self.table.into_iter().flatten() {
            let name = key.get_ref();
            match Variable::of(value.get_ref()) {
                Some(known) => drop(variables.insert(name.to_string(), known)),
                None => self.wrong_type(
                    name,
                    value,
                    "a text, a number, true, false, or a list of texts",
                ),
            }
        }
        variables
    }

    /// A sub-table; an empty section if the file has none.
    pub(super) fn section(&self, name: &'static str) -> Self {
        let value = self.get(name);
        let table = value.and_then(|value| {
            let table = value.get_ref().as_table();
            if table.is_none() {
                self.wrong_type(name, value, "a table");
            }
            table
        });
        let line = value.map_or(self.line, |value| self.reader.line(&value.span()));
        Self::new(self.reader, table, self.key(name), line)
    }

    /// An array of tables, `[[name]]`.
    pub(super) fn sections(&self, name: &'static str) -> Vec<Self> {
        let Some(value) = self.get(name) else { return Vec::new() };
        let Some(array) = value.get_ref().as_array() else {
            self.wrong_type(name, value, &format!("tables headed [[{}]]", self.key(name)));
            return Vec::new();
        };
        let mut sections = Vec::new();
        for (index, item) in array.iter().enumerate() {
            let Some(table) = item.get_ref().as_table() else {
                self.wrong_type(name, item, &format!("a table headed [[{}]]", self.key(name)));
                continue;
            };
            let path = format!("{}[{}]", self.key(name), index + 1);
            let line = self.reader.line(&item.span());
            sections.push(Self::new(self.reader, Some(table), path, line));
        }
        sections
    }

    /// Every key with its text, for tables whose keys are names (`[loaders]`).
    pub(super) fn texts(&self) -> Vec<(Located<String>, Located<String>)> {
        let mut pairs = Vec::new();
        for (key, value) in self.table.into_iter().flatten() {
            let name =
                Located { value: key.get_ref().to_string(), line: self.reader.line(&key.span()) };
            match value.get_ref().as_str() {
                Some(text) => {
                    let line = self.reader.line(&value.span());
                    pairs.push((name, Located { value: text.to_owned(), line }));
                }
                None => self.wrong_type(&name.value, value, "a text in quotes"),
            }
        }
        pairs
    }

    /// Reports every key that nobody asked for. Call it last.
    pub(super) fn finish(self) {
        let known = self.known.borrow();
        for (key, _) in self.table.into_iter().flatten() {
            let name = key.get_ref().as_ref();
            if known.contains(&name) {
                continue;
            }
            let line = self.reader.line(&key.span());
            let remedy = match nearest(name, &known) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("known here: {}", known.join(", ")),
            };
            self.fault(line, name, "no such key".into(), &remedy);
        }
    }
}

/// A value that has one word.
fn scalar(value: &DeValue<'_>) -> Option<String> {
    match value {
        DeValue::String(text) => Some(text.to_string()),
        DeValue::Integer(number) => {
            i64::from_str_radix(number.as_str(), number.radix()).ok().map(|it| it.to_string())
        }
        DeValue::Boolean(flag) => Some(flag.to_string()),
        _ => None,
    }
}

fn article(word: &str) -> &'static str {
    if word.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" }
}

/// The known word that is at most two edits away, else the first that this one begins.
pub(crate) fn nearest<'k>(name: &str, known: &[&'k str]) -> Option<&'k str> {
    let begun = || known.iter().find(|key| name.len() > 2 && key.starts_with(name)).copied();
    known
        .iter()
        .map(|&key| (strsim::damerau_levenshtein(name, key), key))
        .min()
        .and_then(|(distance, key)| (distance <= 2).then_some(key))
        .or_else(begun)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typing_error_finds_its_key() {
        assert_eq!(nearest("interface", &["root", "interfaces"]), Some("interfaces"));
        assert_eq!(nearest("mdoe", &["mode", "port"]), Some("mode"));
        assert_eq!(nearest("completely", &["mode", "port"]), None);
        assert_eq!(nearest("x64", &["bios", "x64-uefi", "x64-uefi-http"]), Some("x64-uefi"));
    }
}
