//! From TOML to rules. Every fault is reported, with its line.

use std::collections::BTreeSet;

use regex_lite::{Regex, RegexBuilder};

use super::formula::Formula;
use super::glob::Pattern;
use super::recognition::Kind;
use super::rule::{Conditions, EntryRule, Extra, Matches, Read, Rule, Source, WarningRule, What};
use super::table::{Located, Table};
use super::template::Template;
use crate::cpu::Cpu;
use crate::entry::Platforms;
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
        entries: few(table, "entry").iter().map(entry).collect(),
        warnings: few(table, "warning").iter().map(warning).collect(),
    };
    check_names(table, &rule);
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

fn entry(table: &Table<'_, '_>) -> EntryRule {
    let memory = table.text("memory");
    let entry = EntryRule {
        line: table.line,
        id: id(table),
        title: template(table, "title", table.needed("title")),
        what: what(table),
        each: table.text("each").map(|(text, _)| text),
        cpus: templates(table, "cpus"),
        firmware: firmware(table),
        memory: memory.map(|(text, line)| or_fault(table, "memory", line, Formula::parse(&text))),
        conditions: conditions(table),
        note: template(table, "note", table.text("note").unwrap_or_default()),
    };
    table.finish();
    entry
}

fn firmware(table: &Table<'_, '_>) -> Platforms {
    match table.text("firmware") {
        None => Platforms::ANY,
        Some((text, line)) => match text.as_str() {
            "any" => Platforms::ANY,
            "bios" => Platforms::BIOS,
            "efi" => Platforms::EFI,
            _ => {
                table.fault(line, "firmware", format!("expected any, bios or efi, found {text:?}"));
                Platforms::ANY
            }
        },
    }
}

fn what(table: &Table<'_, '_>) -> What {
    let (wim, program) = (sources(table, "wim"), sources(table, "chain"));
    let disk = table.text("disk");
    if let Some((text, line)) = disk {
        if !matches!(text.as_str(), "cd" | "disk") {
            table.fault(line, "disk", format!("expected cd or disk, found {text:?}"));
        }
        return What::Disk { cd: text == "cd" };
    }
    if !wim.is_empty() {
        let files = table.table("files");
        let mut named = Vec::new();
        for ((name, line), texts) in files.iter().flat_map(Table::named_texts) {
            let found: Result<Vec<_>, _> = texts.iter().map(|(text, _)| source(text)).collect();
            named.push((name.clone(), or_fault(table, &name, line, found)));
        }
        return What::Wimboot { wim, files: named };
    }
    if !program.is_empty() {
        let arguments = table.text("arguments").unwrap_or_default();
        return What::Chain { program, arguments: template(table, "arguments", arguments) };
    }
    let extra = few(table, "extra").into_iter().map(|table| extra(&table)).collect();
    What::Linux {
        kernel: sources(table, "kernel"),
        initrd: sources(table, "initrd"),
        extra,
        cmdline: template(table, "cmdline", table.needed("cmdline")),
    }
}

fn extra(table: &Table<'_, '_>) -> Extra {
    let mode = table.text("mode");
    let extra = Extra {
        from: sources(table, "from"),
        to: table.text("to").map(|(text, _)| text),
        mode: mode.and_then(|(text, line)| {
            let mode = u32::from_str_radix(&text, 8).ok();
            if mode.is_none() {
                table.fault(line, "mode", format!("expected a mode as in \"755\", found {text:?}"));
            }
            mode
        }),
    };
    table.finish();
    extra
}

fn warning(table: &Table<'_, '_>) -> WarningRule {
    let text = template(table, "text", table.needed("text"));
    let warning = WarningRule { text, conditions: conditions(table) };
    table.finish();
    warning
}

/// Every variable that a text names must come from somewhere.
fn check_names(table: &Table<'_, '_>, rule: &Rule) {
    let mut known: BTreeSet<&str> = ["title", "distribution", "version"].into();
    let mut groups = |regex: &'_ Regex| -> Vec<String> {
        regex.capture_names().flatten().map(str::to_owned).collect()
    };
    let expressions = rule.matches.label.iter().chain(&rule.matches.publisher);
    let expressions = expressions.chain(rule.matches.text.iter().map(|(_, regex)| regex));
    let mut from_groups: Vec<String> = expressions.flat_map(&mut groups).collect();
    for read in &rule.reads {
        match read {
            Read::Text(_, regex) | Read::Label(regex) => from_groups.extend(groups(regex)),
            Read::Wim(_) => known.extend(["name", "version", "arch"]),
            Read::Pe(_) => known.extend(["arch"]),
        }
    }
    known.extend(from_groups.iter().map(String::as_str));
    known.extend(rule.finds.iter().map(|(name, _)| name.as_str()));
    let matched = rule.matches.paths.iter().chain(&rule.matches.any);
    known.extend(matched.flat_map(Pattern::names));
    known.extend(rule.kernel.iter().flat_map(inside_names));
    let unknown = |known: &BTreeSet<&str>, line, names: &mut dyn Iterator<Item = &str>| {
        for name in names.filter(|name| !known.contains(name)) {
            table.fault(line, "", format!("nothing gives {{{name}}} a value"));
        }
    };
    let said = [&rule.distribution, &rule.title];
    unknown(&known, table.line, &mut said.into_iter().chain(&rule.cpus).flat_map(Template::names));
    for entry in &rule.entries {
        let mut known = known.clone();
        let mut filled = vec![&entry.title, &entry.note];
        filled.extend(&entry.cpus);
        match &entry.what {
            What::Linux { kernel, cmdline, .. } => {
                known.extend(kernel.iter().flat_map(inside_names));
                filled.push(cmdline);
            }
            What::Chain { program, arguments } => {
                known.extend(program.iter().flat_map(inside_names));
                filled.push(arguments);
            }
            What::Wimboot { wim, .. } => known.extend(wim.iter().flat_map(inside_names)),
            What::Disk { .. } => {}
        }
        unknown(&known, entry.line, &mut filled.into_iter().flat_map(Template::names));
        known.extend(["image", "kernel", "initrd"]);
        unknown(&known, entry.line, &mut entry.memory.iter().flat_map(Formula::names));
        unknown(&known, entry.line, &mut entry.each.iter().map(String::as_str));
    }
    let warnings = rule.warnings.iter().map(|warning| &warning.text);
    unknown(&known, table.line, &mut warnings.flat_map(Template::names));
}

fn inside_names(source: &Source) -> Vec<&str> {
    match source {
        Source::Inside(pattern) => pattern.names().collect(),
        Source::Root(_) | Source::Url(_) | Source::Whole => Vec::new(),
    }
}
