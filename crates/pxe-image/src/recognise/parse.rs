//! From TOML to rules. Every fault is reported, with its line.

mod entry;
mod variables;

use regex_lite::{Regex, RegexBuilder};

use super::glob::Pattern;
use super::recognition::Kind;
use super::rule::{Conditions, Matches, Read, Rule, Source, WarningRule};
use super::table::{Located, Table};
use super::template::Template;
use crate::cpu::Cpu;
use crate::initrd::Capability;
use crate::limits::{REGEX_BYTES_MAX, RULE_ENTRIES_MAX, RULE_PATTERNS_MAX, RULES_MAX};

/// Reads `[[rule]]` tables.
pub(super) fn rules(table: &Table<'_, '_>) -> Vec<Rule> {
    let tables = table.tables("rule");
    if let Some(first) = tables.get(RULES_MAX) {
        first.fault(first.line, "", format!("there may be {RULES_MAX} rules at most"));
    }
    tables.iter().take(RULES_MAX).map(rule).collect()
}

fn rule(table: &Table<'_, '_>) -> Rule {
    let rule = Rule {
        id: id(table),
        family: table.needed("family").0,
        source: table.needed("source").0,
        over: table.texts("over").into_iter().map(|(text, _)| text).collect(),
        kind: kind(table),
        distribution: template(table, "distribution", table.needed("distribution")),
        title: template(table, "title", table.needed("title")),
        cpus: templates(table, "cpus"),
        cpu_names: cpu_names(table),
        matches: table.table("match").map_or_else(
            || {
                table.fault(table.line, "match", "it is missing: nothing would tell such an image");
                Matches::default()
            },
            |table| matches(&table),
        ),
        reads: few(table, "read").iter().filter_map(read).collect(),
        finds: table.table("find").map(|table| finds(&table)).unwrap_or_default(),
        kernel: sources(table, "kernel"),
        initrd: sources(table, "initrd"),
        entries: few(table, "entry").iter().map(entry::read).collect(),
        warnings: few(table, "warning").iter().map(warning).collect(),
    };
    variables::check(table, &rule);
    table.finish();
    rule
}

pub(super) fn is_id(text: &str) -> bool {
    let good = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    !text.is_empty() && text.len() <= 64 && text.chars().all(good)
}

fn id(table: &Table<'_, '_>) -> String {
    let (id, line) = table.needed("id");
    if !is_id(&id) && line > 0 {
        table.fault(
            line,
            "id",
            format!("expected lower-case letters, digits and hyphens, found {id:?}"),
        );
    }
    id
}

fn kind(table: &Table<'_, '_>) -> Kind {
    let (text, line) = table.needed("kind");
    let found = Kind::ALL.into_iter().find(|kind| kind.name() == text);
    if found.is_none() && line > 0 {
        let names = Kind::ALL.map(Kind::name).join(", ");
        table.fault(line, "kind", format!("expected one of {names}, found {text:?}"));
    }
    found.unwrap_or(Kind::Unknown)
}

/// The value, or a fault and what stands for it until the faults are shown.
fn or_fault<T: Default>(
    table: &Table<'_, '_>,
    name: &str,
    line: usize,
    it: Result<T, String>,
) -> T {
    it.unwrap_or_else(|problem| {
        table.fault(line, name, problem);
        T::default()
    })
}

pub(super) fn template(table: &Table<'_, '_>, name: &'static str, text: Located) -> Template {
    or_fault(table, name, text.1, Template::parse(&text.0))
}

fn templates(table: &Table<'_, '_>, name: &'static str) -> Vec<Template> {
    let texts = table.texts(name).into_iter();
    texts.map(|text| template(table, name, text)).collect()
}

fn cpu_names(table: &Table<'_, '_>) -> super::glob::Variables {
    let Some(names) = table.table("cpu-names") else { return super::glob::Variables::new() };
    let mut known = super::glob::Variables::new();
    for ((name, line), values) in names.named_texts() {
        let value = values.into_iter().next().unwrap_or_default().0;
        if Cpu::from_name(&value).is_none() {
            names.fault(line, &name, format!("expected a processor's name, found {value:?}"));
        }
        known.insert(name.to_ascii_lowercase(), value);
    }
    known
}

fn patterns(table: &Table<'_, '_>, name: &'static str) -> Vec<Pattern> {
    parsed_patterns(table, name, table.texts(name))
}

fn parsed_patterns(table: &Table<'_, '_>, name: &str, texts: Vec<Located>) -> Vec<Pattern> {
    let mut patterns = Vec::new();
    for (text, line) in texts {
        if patterns.len() >= RULE_PATTERNS_MAX {
            table.fault(line, name, format!("there may be {RULE_PATTERNS_MAX} paths at most"));
            break;
        }
        match Pattern::parse(&text) {
            Ok(pattern) => patterns.push(pattern),
            Err(problem) => table.fault(line, name, problem),
        }
    }
    patterns
}

/// Patterns are linear in the text they are tried on, and small.
fn regex(table: &Table<'_, '_>, name: &'static str) -> Option<Regex> {
    let (text, line) = table.text(name)?;
    match RegexBuilder::new(&text).size_limit(REGEX_BYTES_MAX).multi_line(true).build() {
        Ok(regex) => Some(regex),
        Err(error) => {
            table.fault(line, name, format!("it is no expression: {error}"));
            None
        }
    }
}

fn capabilities(table: &Table<'_, '_>, name: &'static str) -> Vec<Capability> {
    let mut found = Vec::new();
    for (text, line) in table.texts(name) {
        match Capability::from_name(&text) {
            Some(capability) => found.push(capability),
            None => {
                let names = Capability::ALL.map(Capability::name).join(", ");
                table.fault(line, name, format!("expected one of {names}, found {text:?}"));
            }
        }
    }
    found
}

fn matches(table: &Table<'_, '_>) -> Matches {
    let mut text = Vec::new();
    for table in few(table, "text") {
        let (path, regex) = (patterns(&table, "path"), regex(&table, "regex"));
        match path.into_iter().next().zip(regex) {
            Some(pair) => text.push(pair),
            None => table.fault(table.line, "", "it needs `path` and `regex`"),
        }
        table.finish();
    }
    let matches = Matches {
        paths: patterns(table, "paths"),
        any: patterns(table, "any"),
        none: patterns(table, "none"),
        label: regex(table, "label"),
        publisher: regex(table, "publisher"),
        text,
        can: capabilities(table, "can"),
    };
    let Matches { paths, any, label, publisher, text, .. } = &matches;
    if paths.is_empty()
        && any.is_empty()
        && label.is_none()
        && publisher.is_none()
        && text.is_empty()
    {
        table.fault(table.line, "", "it needs one of paths, any, label, publisher, text");
    }
    table.finish();
    matches
}

fn read(table: &Table<'_, '_>) -> Option<Read> {
    let path = patterns(table, "path").into_iter().next();
    let wim = patterns(table, "wim").into_iter().next();
    let pe = patterns(table, "pe").into_iter().next();
    let label = table.boolean("label").unwrap_or(false);
    let expression = regex(table, "regex");
    table.finish();
    let read = match (path, wim, pe, label, expression) {
        (Some(path), None, None, false, Some(regex)) => Some(Read::Text(path, regex)),
        (None, Some(wim), None, false, None) => Some(Read::Wim(wim)),
        (None, None, Some(pe), false, None) => Some(Read::Pe(pe)),
        (None, None, None, true, Some(regex)) => Some(Read::Label(regex)),
        _ => None,
    };
    if read.is_none() {
        let wanted =
            "it needs `path` and `regex`, or `label = true` and `regex`, or `wim`, or `pe`";
        table.fault(table.line, "", wanted);
    }
    read
}

fn finds(table: &Table<'_, '_>) -> Vec<(String, Vec<Pattern>)> {
    let named = table.named_texts();
    if named.len() > RULE_PATTERNS_MAX {
        table.fault(table.line, "", format!("there may be {RULE_PATTERNS_MAX} at most"));
    }
    let named = named.into_iter().take(RULE_PATTERNS_MAX);
    named.map(|((name, _), texts)| (name.clone(), parsed_patterns(table, &name, texts))).collect()
}

fn sources(table: &Table<'_, '_>, name: &'static str) -> Vec<Source> {
    let mut sources = Vec::new();
    for (text, line) in table.texts(name) {
        match source(&text) {
            Ok(source) => sources.push(source),
            Err(problem) => table.fault(line, name, problem),
        }
    }
    sources
}

/// `path/inside`, `root:path`, `http://…`, `{image}`.
pub(super) fn source(text: &str) -> Result<Source, String> {
    if text == "{image}" {
        return Ok(Source::Whole);
    }
    if let Some(path) = text.strip_prefix("root:") {
        return Template::parse(path).map(Source::Root);
    }
    if text.contains("://") || text.starts_with("{seed}") {
        return Template::parse(text).map(Source::Url);
    }
    Pattern::parse(text).map(Source::Inside)
}

fn conditions(table: &Table<'_, '_>) -> Conditions {
    Conditions {
        needs: capabilities(table, "needs"),
        lacks: capabilities(table, "lacks"),
        when: patterns(table, "when"),
        unless: patterns(table, "unless"),
    }
}

/// Tables of a list, as many as there may be.
fn few<'s, 't>(table: &Table<'s, 't>, name: &'static str) -> Vec<Table<'s, 't>> {
    let mut tables = table.tables(name);
    if let Some(first) = tables.get(RULE_ENTRIES_MAX) {
        first.fault(first.line, "", format!("there may be {RULE_ENTRIES_MAX} at most"));
    }
    tables.truncate(RULE_ENTRIES_MAX);
    tables
}

fn warning(table: &Table<'_, '_>) -> WarningRule {
    let text = template(table, "text", table.needed("text"));
    let warning = WarningRule { text, conditions: conditions(table) };
    table.finish();
    warning
}
