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
    let sources: Vec<Declared> = sources(&["crates"]).iter().map(Declared::new).collect();
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
    let sources = [Declared::new(&Source { path, text: text.to_owned() })];
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
fn exists(path: &str, sources: &[Declared]) -> bool {
    let parts: Vec<String> = path.split("::").map(|part| part.replace('-', "_")).collect();
    let first = &parts[0];
    sources.iter().any(|it| it.modules.contains(first) || it.items.contains(first))
        && parts.windows(2).all(|pair| {
            let [outer, inner] = pair else { return false };
            sources.iter().any(|it| match is_type(outer) {
                true => {
                    (it.items.contains(outer) || it.implemented.contains(outer))
                        && it.items.contains(inner)
                }
                false => it.modules.contains(outer) && it.has(inner),
            })
        })
}

fn is_type(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_uppercase())
}

/// The names that one file gives.
#[derive(Default)]
struct Declared {
    /// The crate and the modules that it is of or beneath, and those that it declares.
    modules: BTreeSet<String>,
    /// Items, fields and variants.
    items: BTreeSet<String>,
    /// Whatever stands in the head of an `impl`.
    implemented: BTreeSet<String>,
    /// What it passes on by `pub use`.
    passed_on: BTreeSet<String>,
}

impl Declared {
    fn new(source: &Source) -> Self {
        let path = source.path.trim_end_matches(".rs").replace('-', "_");
        let mut declared =
            Self { modules: path.split('/').map(str::to_owned).collect(), ..Self::default() };
        for line in source.text.lines().map(str::trim_start).filter(|it| !it.starts_with("//")) {
            declared.take(line);
        }
        let is_passed_on = |it: &&str| it.trim_start().starts_with("pub") && it.contains("use ");
        let statements = source.text.split(';').filter(is_passed_on);
        declared.passed_on = statements.flat_map(words).map(str::to_owned).collect();
        declared
    }

    fn take(&mut self, line: &str) {
        const ITEMS: [&str; 7] = ["struct", "enum", "trait", "type", "fn", "const", "union"];
        let words: Vec<&str> = words(line).collect();
        for pair in words.windows(2) {
            if ITEMS.contains(&pair[0]) {
                self.items.insert(pair[1].to_owned());
            } else if pair[0] == "mod" {
                self.modules.insert(pair[1].to_owned());
            }
        }
        if line.starts_with("impl") {
            self.implemented.extend(words.iter().map(|&it| it.to_owned()));
        }
        let line = line.trim_start_matches("pub ").trim_start_matches("pub(crate) ");
        let end = line.find(|c: char| !is_of_a_name(c)).unwrap_or(line.len());
        let (name, rest) = line.split_at(end);
        let is_variant = is_type(name) && (rest.starts_with([',', '(']) || rest.starts_with(" {"));
        if is_variant || rest.starts_with(": ") {
            self.items.insert(name.to_owned());
        }
    }

    fn has(&self, name: &str) -> bool {
        self.modules.contains(name) || self.items.contains(name) || self.passed_on.contains(name)
    }
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !is_of_a_name(c)).filter(|it| !it.is_empty())
}

fn is_of_a_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}
