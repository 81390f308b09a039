//! The libraries' public signatures name nothing but themselves, the standard library and `bytes`.
//!
//! Reads rustdoc's JSON. Its form changes between compilers, so only what has been stable is relied on: every
//! mention of a type or trait is an object with an `id`, and a `path` or a `source`.

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use serde_json::Value;

/// Foreign crates that may show in public signatures.
const ALLOWED: [&str; 4] = ["core", "alloc", "std", "bytes"];

#[test]
fn dhcp_shows_only_what_it_may() {
    assert_library_is_clean("pxe-dhcp", &["MessageView", "Message", "ProxyResponder"]);
}

#[test]
fn tftp_shows_only_what_it_may() {
    assert_library_is_clean("pxe-tftp", &["Packet", "Server", "Client"]);
}

#[test]
fn select_shows_only_what_it_may() {
    assert_library_is_clean("pxe-select", &["Policy", "ClientFacts", "Firmware"]);
}

#[test]
fn lease_shows_only_what_it_may() {
    assert_library_is_clean(
        "pxe-lease",
        &["Allocator", "LeaseStore", "EmbeddedStore", "PostgresStore"],
    );
}

#[test]
fn image_shows_only_what_it_may() {
    assert_library_is_clean("pxe-image", &["Image", "Tree", "BootEntry", "ReadAt"]);
}

fn assert_library_is_clean(package: &str, expected_types: &[&str]) {
    let target = env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| common::top().join("target"), PathBuf::from)
        // Apart from the usual files, because the flags differ; one for each, so that none waits.
        .join("public-api")
        .join(package);
    let api = Api::document(&common::top().join("Cargo.toml"), package, &target);
    for name in expected_types {
        assert!(api.shows(name), "{package} does not show {name}: the walker is blind");
    }
    let strangers = api.strangers();
    assert!(strangers.is_empty(), "{package} shows foreign types:\n{}", strangers.join("\n"));
}

/// A crate that shows a foreign type in each of the ways there are, and uses some more in private.
#[test]
fn planted_types_are_found() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("planted");
    let write = |name: &str, text: &str| {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, text).expect("a file");
    };
    write("nom/Cargo.toml", "[package]\nname = \"nom\"\nedition = \"2024\"\n");
    write(
        "nom/src/lib.rs",
        "pub struct Err;\npub trait Parser {}\npub mod deep { pub struct Kind; }\n",
    );
    write(
        "Cargo.toml",
        "[workspace]\n[package]\nname = \"planted\"\nedition = \"2024\"\n\
         [dependencies]\nnom = { path = \"nom\" }\n",
    );
    write("src/lib.rs", PLANTED);
    let api = Api::document(&folder.join("Cargo.toml"), "planted", &folder.join("target"));
    let found = api.strangers();
    for (item, what) in [
        ("planted::returned", "nom::Err"),
        ("planted::taken", "nom::deep::Kind"),
        ("planted::bound", "nom::Parser"),
        ("planted::Field::inner", "nom::Err"),
        ("planted::Converted: From", "nom::Err"),
        ("planted::Parsing: Parser", "nom::Parser"),
        ("planted::Associated: Iterator::Item", "nom::deep::Kind"),
        ("planted::Renamed", "nom::Err"),
        ("planted::Choice::Broken", "nom::Err"),
        ("planted::Own::parse", "nom::Err"),
        ("planted::Alias", "nom::Err"),
    ] {
        assert!(
            found.iter().any(|line| line.starts_with(item) && line.ends_with(what)),
            "{item} shows {what}, and it was not found; only:\n{}",
            found.join("\n")
        );
    }
    let innocent: Vec<_> = found.iter().filter(|line| line.contains("nnocent")).collect();
    assert!(innocent.is_empty(), "{innocent:?}");
}

const PLANTED: &str = r#"
pub fn returned() -> Result<(), nom::Err> { Ok(()) }
pub fn taken(_: &[Option<nom::deep::Kind>]) {}
pub fn bound(_: impl nom::Parser) {}
pub struct Field { pub inner: nom::Err }
pub struct Converted;
impl From<nom::Err> for Converted { fn from(_: nom::Err) -> Self { Self } }
pub struct Parsing;
impl nom::Parser for Parsing {}
pub struct Associated;
impl Iterator for Associated {
    type Item = nom::deep::Kind;
    fn next(&mut self) -> Option<Self::Item> { None }
}
pub use nom::Err as Renamed;
pub enum Choice { Broken(nom::Err) }
mod private { pub struct Own; impl Own { pub fn parse(&self) -> nom::Err { nom::Err } } }
pub use private::Own;
pub type Alias = Option<nom::Err>;

fn innocent() -> nom::Err { nom::Err }
#[derive(Clone, Debug, PartialEq)]
pub struct Innocent { hidden: u8 }
impl Innocent {
    fn innocent(&self) -> nom::Err { innocent() }
    pub fn clean(&self) -> std::collections::HashMap<String, std::net::IpAddr> { self.innocent(); Default::default() }
}
"#;

/// rustdoc's description of a crate.
struct Api {
    json: Value,
    /// Each item's name with those of its parents.
    names: BTreeMap<String, String>,
}

impl Api {
    fn document(manifest: &Path, package: &str, target: &Path) -> Self {
        let output = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
            .args(["rustdoc", "--quiet", "--lib", "--all-features", "--package", package])
            .arg("--manifest-path")
            .arg(manifest)
            .args(["--", "-Z", "unstable-options", "--output-format", "json"])
            // The JSON output is not stable yet; this makes a stable compiler give it all the same.
            .env("RUSTC_BOOTSTRAP", "1")
            .env("CARGO_TARGET_DIR", target)
            .env_remove("RUSTDOCFLAGS")
            .output()
            .expect("cargo");
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "cargo rustdoc of {package}: {error}");
        let path = target.join("doc").join(format!("{}.json", package.replace('-', "_")));
        let text = fs::read_to_string(&path).expect("rustdoc's output");
        let json: Value = serde_json::from_str(&text).expect("JSON");
        let mut api = Self { json, names: BTreeMap::new() };
        api.name_all();
        api
    }

    fn shows(&self, type_name: &str) -> bool {
        self.own_items().any(|(_, item)| item["name"] == type_name)
    }

    /// Every mention of a foreign type, as `item -> type`.
    fn strangers(&self) -> Vec<String> {
        let mut found = BTreeSet::new();
        for (id, item) in self.own_items() {
            // Impls that hold for every type, and those of auto traits, are the work of others.
            let impl_ = &item["inner"]["impl"];
            if impl_["blanket_impl"].is_null() && impl_["is_synthetic"] != true {
                self.walk(&item["inner"], &mut |stranger| {
                    let name = self.names.get(id).map_or("?", String::as_str);
                    found.insert(format!("{name} -> {stranger}"));
                });
            }
        }
        found.into_iter().collect()
    }

    fn own_items(&self) -> impl Iterator<Item = (&String, &Value)> {
        let index = self.json["index"].as_object().expect("an index");
        index.iter().filter(|(_, item)| item["crate_id"] == 0)
    }

    /// Calls with every path to a crate that is not allowed.
    fn walk(&self, value: &Value, stranger: &mut impl FnMut(String)) {
        match value {
            Value::Object(fields) => {
                let mention = fields.get("path").or_else(|| fields.get("source"));
                if let (Some(id), Some(written)) = (fields.get("id"), mention)
                    && let Some(path) = self.foreign(id, written)
                {
                    stranger(path);
                }
                fields.values().for_each(|field| self.walk(field, stranger));
            }
            Value::Array(values) => values.iter().for_each(|value| self.walk(value, stranger)),
            _ => {}
        }
    }

    /// The full path of what is mentioned, if it belongs to a crate that is not allowed.
    fn foreign(&self, id: &Value, written: &Value) -> Option<String> {
        let Some(known) = self.json["paths"].get(key(id)) else {
            // What has no path is part of this crate, or cannot be judged.
            let own = self.json["index"].get(key(id)).is_some_and(|item| item["crate_id"] == 0);
            return (!own).then(|| format!("{written}, whose origin is not known"));
        };
        let crate_id = &known["crate_id"];
        let name = self.json["external_crates"][key(crate_id)]["name"].as_str().unwrap_or("?");
        if *crate_id == 0 || ALLOWED.contains(&name) {
            return None;
        }
        let parts = known["path"].as_array().expect("a path").iter().filter_map(Value::as_str);
        Some(parts.collect::<Vec<_>>().join("::"))
    }

    fn name_all(&mut self) {
        let root = key(&self.json["root"]);
        let mut waiting = vec![(root, String::new())];
        // Impls on foreign types hang at no type.
        let loose: Vec<String> = self.own_items().map(|(id, _)| id.clone()).collect();
        waiting.splice(0..0, loose.into_iter().map(|id| (id, String::new())));
        while let Some((id, parent)) = waiting.pop() {
            let Some(item) = self.json["index"].get(&id) else { continue };
            if self.names.contains_key(&id) {
                continue;
            }
            let name = match (own_name(item), &item["inner"]["impl"]) {
                (None, _) => parent.clone(),
                (Some(own), _) if parent.is_empty() => own.to_owned(),
                (Some(own), Value::Null) => format!("{parent}::{own}"),
                (Some(own), _) => format!("{parent}: {own}"),
            };
            let mut children = Vec::new();
            child_ids(&item["inner"], &mut children);
            // What is shown again elsewhere has its name from there.
            let shown_again = item["inner"].get("use").map(|shown| key(&shown["id"]));
            waiting.extend(children.into_iter().map(|child| (child, name.clone())));
            waiting.extend(shown_again.map(|shown| (shown, parent.clone())));
            self.names.insert(id, name);
        }
    }
}

/// The item's name; that of the trait for an impl, none for one without trait.
fn own_name(item: &Value) -> Option<&str> {
    let shown_again = item["inner"]["use"]["name"].as_str();
    let trait_path = item["inner"]["impl"]["trait"]["path"].as_str();
    item["name"].as_str().or(shown_again).or(trait_path)
}

/// The ids in an item's lists of items, fields, variants and impls.
fn child_ids(inner: &Value, found: &mut Vec<String>) {
    let Value::Object(fields) = inner else { return };
    for (name, value) in fields {
        match (name.as_str(), value) {
            ("items" | "fields" | "variants" | "impls" | "tuple", Value::Array(ids)) => {
                found.extend(ids.iter().filter(|id| !id.is_null()).map(key));
            }
            _ => child_ids(value, found),
        }
    }
}

/// Ids are numbers in values and texts as keys; older forms have texts in both.
fn key(id: &Value) -> String {
    id.as_str().map_or_else(|| id.to_string(), str::to_owned)
}
