//! The rules of this crate.

use core::hash::{Hash as _, Hasher as _};
use std::hash::DefaultHasher;
use std::sync::{Arc, LazyLock};

use super::rule::Rule;
use super::{Rules, parse, table};

macro_rules! files {
    ($($name:literal),+ $(,)?) => { [$(($name, include_str!(concat!("rules/", $name)))),+] };
}

/// In the order in which they are tried. A folder's file that is not here is found by a test.
pub(super) const FILES: [(&str, &str); 19] = files![
    "ubuntu.toml",
    "casper.toml",
    "debian-installer.toml",
    "live-boot.toml",
    "redhat.toml",
    "fedora-live.toml",
    "coreos.toml",
    "suse.toml",
    "arch.toml",
    "alpine.toml",
    "nixos.toml",
    "proxmox.toml",
    "gentoo.toml",
    "memtest.toml",
    "bsd.toml",
    "esxi.toml",
    "windows.toml",
    "loaders.toml",
    "other.toml",
];

static BUILT_IN: LazyLock<Rules> = LazyLock::new(|| {
    // Faulty rules of our own would be left out; a test reads every file.
    let rules = FILES.into_iter().filter_map(|(_, text)| table::read(text, parse::rules).ok());
    Rules { rules: rules.flatten().map(Arc::new).collect(), overrides: None }
});

pub(super) fn rules() -> Rules {
    BUILT_IN.clone()
}

/// A number that is another one when the built-in rules are, or this crate's version: for those who keep what was
/// recognised. Other compilers may give other numbers, and no other use is meant.
#[must_use]
pub fn built_in_stamp() -> u64 {
    let mut hasher = DefaultHasher::new();
    (FILES, env!("CARGO_PKG_VERSION")).hash(&mut hasher);
    hasher.finish()
}

/// The built-in rules as a table in Markdown, for the manual.
#[must_use]
pub fn rules_markdown() -> String {
    let mut page =
        String::from("| images | rule | kind | ways to boot | source |\n|---|---|---|---|---|\n");
    for rule in &BUILT_IN.rules {
        let Rule { id, family, source, kind, entries, .. } = rule.as_ref();
        let ways: Vec<String> = entries.iter().map(|entry| format!("`{}`", entry.id)).collect();
        let ways = if ways.is_empty() { "none".to_owned() } else { ways.join(", ") };
        let row = format!("| {family} | `{id}` | {kind} | {ways} | {source} |\n");
        page.push_str(&row);
    }
    page
}
