//! Which variables a rule gives a value, and which its texts name.

use std::collections::BTreeSet;

use regex_lite::Regex;

use crate::recognise::formula::Formula;
use crate::recognise::glob::Pattern;
use crate::recognise::rule::{Read, Rule, Source, What};
use crate::recognise::table::Table;
use crate::recognise::template::Template;

/// Every variable that a text names must come from somewhere.
pub(super) fn check(table: &Table<'_, '_>, rule: &Rule) {
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
