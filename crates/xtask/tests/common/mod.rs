//! Where things are, and the source files of the repository.
#![allow(dead_code, unreachable_pub, reason = "every test uses its own part")]

use std::fs;
use std::path::{Path, PathBuf};

/// The top of the repository.
pub fn top() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().expect("the repository")
}

/// A source file: its path from the top, with `/` between the parts, and its text.
pub struct Source {
    pub path: String,
    pub text: String,
}

impl Source {
    /// The lines before the unit tests, with their numbers from 1.
    pub fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        let is_test = self.path.contains("/tests/") || self.path.ends_with("/tests.rs");
        let end = if is_test {
            0
        } else {
            // A helper for tests in the middle of the code is no end, and neither are tests in a file of their own.
            let tests = self.text.match_indices("\n#[cfg(test)]\nmod ");
            let inline = tests.map(|(at, found)| (at, at + found.len())).find(|&(_, after)| {
                self.text[after..].lines().next().is_some_and(|line| line.contains('{'))
            });
            inline.map_or(self.text.len(), |(at, _)| at)
        };
        self.text[..end].lines().enumerate().map(|(index, line)| (index + 1, line))
    }

    /// The same without comments, as far as they begin a line.
    pub fn statements(&self) -> impl Iterator<Item = (usize, &str)> {
        self.code().filter(|(_, line)| !line.trim_start().starts_with("//"))
    }

    /// Whether it lies beneath a folder, given from the top and with `/` at its end.
    pub fn is_beneath(&self, folder: &str) -> bool {
        self.path.starts_with(folder)
    }
}

/// Every Rust file beneath these folders, given from the top.
pub fn sources(folders: &[&str]) -> Vec<Source> {
    let top = top();
    let mut found = Vec::new();
    for folder in folders {
        collect(&top, &top.join(folder), &mut found);
    }
    assert!(!found.is_empty(), "no Rust file beneath {folders:?}");
    found
}

fn collect(top: &Path, folder: &Path, found: &mut Vec<Source>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("a readable folder").path();
        if path.is_dir() {
            if path.file_name().is_none_or(|name| name != "target") {
                collect(top, &path, found);
            }
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).expect("a text file");
            let parts = path.strip_prefix(top).expect("beneath the top").components();
            let parts: Vec<_> =
                parts.map(|part| part.as_os_str().to_string_lossy().into_owned()).collect();
            found.push(Source { path: parts.join("/"), text });
        }
    }
}
