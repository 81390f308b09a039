//! `docs/ARCHITECTURE.md` names modules, types and functions: each of them must be there.

mod common;

use std::collections::{BTreeSet, HashSet};
use std::fs;

use common::{Source, sources, top};

/// What the page names of other people's.
const OTHERS: [&str; 6] =
    ["std::fs", "Instant::now", "ControlMessage", "sockopt::UdpGsoSegment", "Ok", "IpAddr"];

#[test]
fn what_the_page_names_is_there() {
    let page = fs::read_to_string(top().join("docs/ARCHITECTURE.md")).expect("the page");
    let sources = sources(&["crates"]);
    let files: Vec<File<'_>> = sources.iter().map(File::read).collect();
    let names = names(&page);
    let missing: Vec<&String> =
        names.iter().filter(|name| !OTHERS.contains(&&***name) && !exists(name, &files)).collect();
    assert!(missing.is_empty(), "docs/ARCHITECTURE.md names what is not there: {missing:#?}");
    assert!(names.len() > 100, "only {} names: this test reads the page wrongly", names.len());
}

#[test]
fn what_is_not_there_is_missed() {
    let text = "pub use a::{Kept, Other as Known};\npub struct Shared {\n    pub(super) kept: u8,\n}\n\
                impl Shared {\n    fn hear(&self) {}\n}\nenum Asked {\n    Name(u8),\n}\n";
    let path = "crates/pxe-server/src/engine/shared.rs".to_owned();
    let source = Source { path, text: text.to_owned() };
    let files = [File::read(&source)];
    for there in [
        "engine::Shared",
        "engine::Kept",
        "Shared::hear",
        "Shared::kept",
        "pxe-server::engine",
        "shared::Shared",
        "Asked::Name",
    ] {
        assert!(exists(there, &files), "{there} is there");
    }
    for missing in [
        "engine::Unknown",
        "Shared::say",
        "pxe-server::engines",
        "Hear",
        "Asked::Names",
        "Share",
        "driver::Shared",
    ] {
        assert!(!exists(missing, &files), "{missing} is not there");
    }
}

/// Paths (`a::b`) and types (`Type`) among the page's code, without the arguments of calls.
fn names(page: &str) -> BTreeSet<String> {
    let prose: String = page.split("```").step_by(2).collect();
    let name = |span: &str| {
        let name = span.split('(').next().unwrap_or_default();
        let is_word = |c: char| c.is_ascii_alphanumeric() || "_:-".contains(c);
        let is_mixed =
            name.contains(|c: char| c.is_ascii_lowercase()) && !name.contains(['_', '-']);
        let is_wanted = name.contains("::") || is_type(name) && is_mixed;
        (name.chars().all(is_word) && is_wanted).then(|| name.to_owned())
    };
    prose.split('`').skip(1).step_by(2).filter_map(name).collect()
}

fn is_type(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_uppercase())
}

/// What one file says.
struct File<'s> {
    /// Its crate and modules.
    modules: HashSet<String>,
    /// Items, fields and variants.
    declared: HashSet<&'s str>,
    /// The words of its `impl` lines: types and traits.
    implemented: HashSet<&'s str>,
    /// What it passes on.
    passed_on: HashSet<&'s str>,
}

impl<'s> File<'s> {
    fn read(source: &'s Source) -> Self {
        let path = source.path.trim_end_matches(".rs").replace('-', "_");
        let mut file = Self {
            modules: path.split('/').map(str::to_owned).collect(),
            declared: HashSet::new(),
            implemented: HashSet::new(),
            passed_on: HashSet::new(),
        };
        let mut passes_on = false;
        for (_, line) in source.statements() {
            let words = words(line);
            for pair in words.windows(2) {
                match pair {
                    ["mod", name] => drop(file.modules.insert((*name).to_owned())),
                    ["struct" | "enum" | "trait" | "type" | "fn" | "const", name] => {
                        file.declared.insert(name);
                    }
                    _ => {}
                }
            }
            // A field or a variant, whatever may see it.
            let own = line.trim_start().trim_start_matches("pub").trim_start();
            let own = own.split_once(") ").filter(|_| own.starts_with('(')).map_or(own, |it| it.1);
            let name = own.split(|c: char| !is_word(c)).next().unwrap_or_default();
            let rest = &own[name.len()..];
            let is_variant = rest.starts_with([',', '(']) || rest.starts_with(" {");
            if rest.starts_with(": ") || is_type(name) && is_variant {
                file.declared.insert(name);
            }
            if line.starts_with("impl") {
                file.implemented.extend(&words);
            }
            passes_on |= line.starts_with("pub use ") || line.starts_with("pub(crate) use ");
            if passes_on {
                file.passed_on.extend(&words);
                passes_on = !line.ends_with(';');
            }
        }
        file
    }

    fn is_of(&self, module: &str) -> bool {
        self.modules.contains(module)
    }
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

fn words(line: &str) -> Vec<&str> {
    line.split(|c: char| !is_word(c)).filter(|word| !word.is_empty()).collect()
}

/// Whether each part of a path is declared where the part before it says.
fn exists(path: &str, files: &[File<'_>]) -> bool {
    let parts: Vec<String> = path.split("::").map(|part| part.replace('-', "_")).collect();
    let first = &*parts[0];
    files.iter().any(|file| file.is_of(first) || file.declared.contains(first))
        && parts.windows(2).all(|pair| {
            let (outer, inner) = (&*pair[0], &*pair[1]);
            files.iter().any(|file| match is_type(outer) {
                true => {
                    let is_its = file.declared.contains(outer) || file.implemented.contains(outer);
                    is_its && file.declared.contains(inner)
                }
                false => {
                    let has = file.is_of(inner)
                        || file.declared.contains(inner)
                        || file.passed_on.contains(inner);
                    file.is_of(outer) && has
                }
            })
        })
}
