//! A TOML table read key by key: wrong types and unknown keys become faults with their line, and reading goes on.

use core::cell::RefCell;
use core::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::fault::{RuleFault, RuleFaults};
use crate::limits::RULE_BYTES_MAX;

/// A text and the line it stands in, from 1.
pub(super) type Located = (String, usize);

/// The text, and the faults found in it so far.
pub(super) struct Source<'t> {
    text: &'t str,
    faults: RefCell<Vec<RuleFault>>,
}

impl<'t> Source<'t> {
    fn line(&self, span: &Range<usize>) -> usize {
        let before = self.text.as_bytes().get(..span.start).unwrap_or(self.text.as_bytes());
        before.iter().filter(|&&byte| byte == b'\n').count().saturating_add(1)
    }

    pub(super) fn fault(&self, line: usize, key: String, problem: String) {
        self.faults.borrow_mut().push(RuleFault { line, key, problem });
    }
}

/// Reads a text with what `read` makes of its topmost table.
pub(super) fn read<T>(text: &str, read: impl FnOnce(&Table<'_, '_>) -> T) -> Result<T, RuleFaults> {
    let source = Source { text, faults: RefCell::default() };
    if text.len() > RULE_BYTES_MAX {
        let problem = format!("it has more than {RULE_BYTES_MAX} bytes");
        source.fault(1, String::new(), problem);
        return Err(RuleFaults::new(source.faults.into_inner()));
    }
    let (document, errors) = DeTable::parse_recoverable(text);
    for error in errors {
        let line = error.span().map_or(1, |span| source.line(&span));
        source.fault(line, String::new(), error.message().to_owned());
    }
    let value = {
        let table = Table {
            source: &source,
            table: document.get_ref(),
            path: String::new(),
            line: 1,
            known: RefCell::default(),
        };
        let value = read(&table);
        table.finish();
        value
    };
    let faults = source.faults.into_inner();
    if faults.is_empty() { Ok(value) } else { Err(RuleFaults::new(faults)) }
}

/// One table of the text.
pub(super) struct Table<'s, 't> {
    source: &'s Source<'t>,
    table: &'s DeTable<'t>,
    path: String,
    /// Where it stands.
    pub(super) line: usize,
    known: RefCell<Vec<&'static str>>,
}

impl<'s, 't> Table<'s, 't> {
    pub(super) fn fault(&self, line: usize, name: &str, problem: impl Into<String>) {
        self.source.fault(line, self.key(name), problem.into());
    }

    fn key(&self, name: &str) -> String {
        match (self.path.is_empty(), name.is_empty()) {
            (true, _) => name.to_owned(),
            (_, true) => self.path.clone(),
            _ => format!("{}.{name}", self.path),
        }
    }

    fn get(&self, name: &'static str) -> Option<&'s Spanned<DeValue<'t>>> {
        self.known.borrow_mut().push(name);
        self.table.get(name)
    }

    fn wrong_type(&self, name: &str, value: &Spanned<DeValue<'t>>, wanted: &str) {
        let line = self.source.line(&value.span());
        let found = value.get_ref().type_str();
        self.fault(line, name, format!("expected {wanted}, found {found}"));
    }

    fn located(&self, value: &Spanned<DeValue<'t>>) -> Option<Located> {
        Some((value.get_ref().as_str()?.to_owned(), self.source.line(&value.span())))
    }

    /// A text that may be missing.
    pub(super) fn text(&self, name: &'static str) -> Option<Located> {
        let value = self.get(name)?;
        let text = self.located(value);
        if text.is_none() {
            self.wrong_type(name, value, "a text in quotes");
        }
        text
    }

    /// A text that may not be missing.
    pub(super) fn needed(&self, name: &'static str) -> Located {
        if !self.table.contains_key(name) {
            self.fault(self.line, name, "it is missing");
        }
        self.text(name).unwrap_or_default()
    }

    /// A list of texts; one text counts as a list of one.
    pub(super) fn texts(&self, name: &'static str) -> Vec<Located> {
        let Some(value) = self.get(name) else { return Vec::new() };
        self.list(name, value)
    }

    fn list(&self, name: &str, value: &'s Spanned<DeValue<'t>>) -> Vec<Located> {
        if let Some(text) = self.located(value) {
            return vec![text];
        }
        let Some(array) = value.get_ref().as_array() else {
            self.wrong_type(name, value, "a text or a list of texts");
            return Vec::new();
        };
        let mut texts = Vec::new();
        for item in array.iter() {
            match self.located(item) {
                Some(text) => texts.push(text),
                None => self.wrong_type(name, item, "a text in quotes"),
            }
        }
        texts
    }

    pub(super) fn boolean(&self, name: &'static str) -> Option<bool> {
        let value = self.get(name)?;
        let found = value.get_ref().as_bool();
        if found.is_none() {
            self.wrong_type(name, value, "true or false");
        }
        found
    }

    fn sub(&self, name: &str, table: &'s DeTable<'t>, line: usize) -> Self {
        let known = RefCell::default();
        Self { source: self.source, table, path: self.key(name), line, known }
    }

    /// A table in this one.
    pub(super) fn table(&self, name: &'static str) -> Option<Self> {
        let value = self.get(name)?;
        let Some(table) = value.get_ref().as_table() else {
            self.wrong_type(name, value, "a table");
            return None;
        };
        Some(self.sub(name, table, self.source.line(&value.span())))
    }

    /// An array of tables, `[[name]]`.
    pub(super) fn tables(&self, name: &'static str) -> Vec<Self> {
        let Some(value) = self.get(name) else { return Vec::new() };
        let Some(array) = value.get_ref().as_array() else {
            self.wrong_type(name, value, &format!("tables headed [[{name}]]"));
            return Vec::new();
        };
        let mut tables = Vec::new();
        for (index, item) in array.iter().enumerate() {
            let Some(table) = item.get_ref().as_table() else {
                self.wrong_type(name, item, "a table");
                continue;
            };
            let line = self.source.line(&item.span());
            let place = format!("{name}[{}]", index.saturating_add(1));
            tables.push(self.sub(&place, table, line));
        }
        tables
    }

    /// Every key with its texts, where keys are names of the writer's.
    pub(super) fn named_texts(&self) -> Vec<(Located, Vec<Located>)> {
        let pairs = self.table.iter().map(|(key, value)| {
            let name = (key.get_ref().to_string(), self.source.line(&key.span()));
            (name, self.list(key.get_ref(), value))
        });
        pairs.collect()
    }

    /// Every key with its table, where keys are names of the writer's.
    pub(super) fn named_tables(&self) -> Vec<(Located, Self)> {
        let mut tables = Vec::new();
        for (key, value) in self.table {
            let line = self.source.line(&key.span());
            match value.get_ref().as_table() {
                Some(table) => {
                    let name = key.get_ref().to_string();
                    tables.push(((name.clone(), line), self.sub(&name, table, line)));
                }
                None => self.wrong_type(key.get_ref(), value, "a table"),
            }
        }
        tables
    }

    /// Reports every key that nobody asked for. Call it last.
    pub(super) fn finish(&self) {
        let known = self.known.borrow();
        for (key, _) in self.table {
            let name = key.get_ref().as_ref();
            if !known.contains(&name) {
                let problem = format!("no such key; known here: {}", known.join(", "));
                self.fault(self.source.line(&key.span()), name, problem);
            }
        }
    }
}
