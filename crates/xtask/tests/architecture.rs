//! `docs/ARCHITECTURE.md` names modules, types and functions: each of them must be there.

mod common;

use std::collections::BTreeSet;
use std::fs;

use common::{Source, sources, top};

/// What the page names of other people's.
const OTHERS: [&str; 6] =
    ["std::fs", "Instant::now", "ControlMessage", "sockopt::UdpGsoSegment", "Ok", "IpAddr"];

#[test]
fn what_the_page_names_is_there() {
    let page = fs::read_to_string(top().join("docs/ARCHITECTURE.md")).expect("the page");
    let sources = sources(&["crates"]);
    let names = names(&page);
    let missing: Vec<&String> = names
        .iter()
        .filter(|name| !OTHERS.contains(&&***name) && !exists(name, &sources))
        .collect();
    assert!(missing.is_empty(), "docs/ARCHITECTURE.md names what is not there: {missing:#?}");
    assert!(names.len() > 100, "only {} names: this test reads the page wrongly", names.len());
}

#[test]
fn what_is_not_there_is_missed() {
    let text = "pub struct Shared;\nimpl Shared {\n    fn hear(&self) {}\n}\nenum Asked {\n    Name(u8),\n}\n";
    let path = "crates/pxe-server/src/engine/shared.rs".to_owned();
    let sources = [Source { path, text: text.to_owned() }];
    for there in
        ["engine::Shared", "Shared::hear", "pxe-server::engine", "shared::Shared", "Asked::Name"]
    {
        assert!(exists(there, &sources), "{there}");
    }
    for missing in
        ["engine::Other", "Shared::say", "pxe-server::engines", "Hear", "Asked::Names", "Share"]
    {
        assert!(!exists(missing, &sources), "{missing}");
    }
}

/// Paths (`a::b`) and types (`Type`) among the page's code, without the arguments of calls.
fn names(page: &str) -> BTreeSet<String> {
    let prose: String = page.split("```").step_by(2).collect();
    let spans = prose.split('`').skip(1).step_by(2);
    let name = |span: &str| {
        let name = span.split('(').next().unwrap_or_default();
        let is_word = |c: char| c.is_ascii_alphanumeric() || "_:-".contains(c);
        let is_type = name.starts_with(|c: char| c.is_ascii_uppercase())
            && name.contains(|c: char| c.is_ascii_lowercase())
            && !name.contains(['_', '-']);
        (name.chars().all(is_word) && (name.contains("::") || is_type)).then(|| name.to_owned())
    };
    spans.filter_map(name).collect()
}

/// Whether each part of a path is declared where the part before it says.
fn exists(path: &str, sources: &[Source]) -> bool {
    let parts: Vec<String> = path.split("::").map(|part| part.replace('-', "_")).collect();
    let first_exists = sources.iter().any(|it| is_module(&parts[0], it) || declares(&parts[0], it));
    first_exists
        && parts.windows(2).all(|pair| {
            let [outer, inner] = pair else { return false };
            sources.iter().any(|it| match is_type(outer) {
                true => declares(outer, it) && declares(inner, it) || implements(outer, inner, it),
                false => is_module(outer, it) && (is_module(inner, it) || mentions(inner, it)),
            })
        })
}

fn is_type(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_uppercase())
}

/// Whether a file is of a crate or module, or beneath it.
fn is_module(name: &str, source: &Source) -> bool {
    let path = source.path.trim_end_matches(".rs").replace('-', "_");
    path.split('/').any(|part| part == name) || declares_as(&["mod"], name, source)
}

/// Whether a file says what a name is: an item, a field or a variant.
fn declares(name: &str, source: &Source) -> bool {
    let items = ["struct", "enum", "trait", "type", "fn", "const", "union"];
    declares_as(&items, name, source)
        || source.statements().any(|(_, line)| {
            let line =
                line.trim_start().trim_start_matches("pub ").trim_start_matches("pub(crate) ");
            let rest = line.strip_prefix(name).unwrap_or_default();
            let is_variant = rest.starts_with([',', '(']) || rest.starts_with(" {");
            rest.starts_with(": ") || is_type(name) && is_variant
        })
}

/// Whether a name is made another's in this file, or a method of it.
fn implements(outer: &str, inner: &str, source: &Source) -> bool {
    let is_of = |line: &str| {
        let line = line.trim_end_matches(" {");
        line.starts_with("impl") && line.split([' ', '<', '>']).any(|word| word == outer)
    };
    source.statements().any(|(_, line)| is_of(line)) && declares(inner, source)
}

/// Whether a file of a module declares or passes on a name.
fn mentions(name: &str, source: &Source) -> bool {
    declares(name, source)
        || source.text.split(';').any(|statement| {
            let words = statement.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
            statement.trim_start().starts_with("pub")
                && statement.contains("use ")
                && words.into_iter().any(|it| it == name)
        })
}

fn declares_as(kinds: &[&str], name: &str, source: &Source) -> bool {
    source.statements().any(|(_, line)| {
        let words: Vec<&str> = line
            .split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
            .filter(|it| !it.is_empty())
            .collect();
        words.windows(2).any(|pair| kinds.contains(&pair[0]) && pair[1] == name)
    })
}
