//! Pages that state what the code says are compared with the code. `UPDATE_DOCS=1` writes the generated page anew.

mod common;

use core::iter;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::{env, fs};

use common::{Source, sources, top};

fn page(name: &str) -> String {
    fs::read_to_string(top().join("docs").join(name)).expect("a page of docs/")
}

#[test]
fn loaders_are_those_of_the_table() {
    let expected = format!("{LOADERS_HEAD}\n{}", pxe_select::loader_table_markdown());
    let path = top().join("docs/loaders.md");
    if env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&path, &expected).expect("the page is written");
    }
    let found = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        found == expected,
        "docs/loaders.md is not what pxe_select::loader_table_markdown() says; \
         UPDATE_DOCS=1 cargo test -p xtask --test docs writes it anew"
    );
}

const LOADERS_HEAD: &str = "\
# Default loaders

Which file a machine gets when no host entry, rule or `[loaders]` key says otherwise: for its firmware, the first of
these that lies in the root, or else where a system package puts it. A file of a package is served from there, by its
exact name; nothing is copied. The last column lists files that the loader asks for next and cannot do without.

For machines with Secure Boot on, `x64-uefi = \"shimx64.efi\"` below `[loaders]`: Debian's shim (`shim-signed`), which asks
for `grubx64.efi` and gets the signed GRUB for networks (`grub-efi-amd64-signed`). GRUB boots what is signed for that shim:
kernels of the same distribution. Debian 12's GRUB reads files by TFTP alone, and takes its configuration from the server
that gave the machine its address. What shim asks for besides (`revocations*.efi`) it can do without; MokManager (`mmx64.efi`),
which it starts when the owner of the machine wants to add a key, comes from `shim-helpers-amd64-signed`.

Firmware that boots by HTTP (`x64-uefi-http` and its like) has the list of its TFTP twin. This page is generated:
`UPDATE_DOCS=1 cargo test -p xtask --test docs`.
";

#[test]
fn every_limit_is_listed_with_its_value() {
    let listed = listed_limits(&page("limits.md"));
    let mut limits = 0;
    let mut faults = Vec::new();
    for source in sources(&["crates"]) {
        if !source.path.contains("/src/") || UNPUBLISHED.iter().any(|it| source.is_beneath(it)) {
            continue;
        }
        for (name, value) in limits_of(&source) {
            limits += 1;
            match listed.get(&(section_of(&source), name.clone())) {
                None => faults.push(format!("{} {name} is not in docs/limits.md", source.path)),
                Some(shown) if value.as_ref().is_some_and(|value| value != shown) => {
                    faults.push(format!("{} {name} is {value:?}, not {shown}", source.path));
                }
                Some(_) => {}
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(limits > 40, "only {limits} limits: this test looks for the wrong words");
    assert_eq!(listed.len(), limits, "docs/limits.md lists limits that no longer exist");
}

const UNPUBLISHED: [&str; 2] = ["crates/pxe-sim/", "crates/xtask/"];

/// The heading beneath which a file's limits stand.
fn section_of(source: &Source) -> String {
    let name = source.path.split('/').nth(1).expect("a crate");
    match (name, source.path.contains("/respond/")) {
        ("pxe-dhcp", true) => "pxe-dhcp, responder".to_owned(),
        ("pxe-dhcp", false) => "pxe-dhcp, messages".to_owned(),
        (other, _) => other.to_owned(),
    }
}

/// The second column by section and name.
fn listed_limits(page: &str) -> BTreeMap<(String, String), String> {
    let mut section = String::new();
    let mut listed = BTreeMap::new();
    for line in page.lines() {
        if let Some(heading) = line.strip_prefix("## ") {
            heading.clone_into(&mut section);
        }
        let mut cells = line.split('|').map(str::trim).skip(1);
        let (Some(name), Some(value)) = (cells.next(), cells.next()) else { continue };
        if let Some(name) = name.strip_prefix('`').and_then(|name| name.strip_suffix('`')) {
            listed.insert((section.clone(), name.to_owned()), value.to_owned());
        }
    }
    listed
}

/// The public limits of a file, with their values as far as they are plain numbers or times.
fn limits_of(source: &Source) -> impl Iterator<Item = (String, Option<String>)> {
    source.code().filter_map(|(_, line)| {
        let (name, rest) = line.trim().strip_prefix("pub const ")?.split_once(':')?;
        let (_, value) = rest.split_once('=')?;
        name.ends_with("_MAX").then(|| (name.to_owned(), plain(value.trim_end_matches(';').trim())))
    })
}

fn plain(value: &str) -> Option<String> {
    let times = [("Duration::from_secs(", "s"), ("Duration::from_millis(", "ms")];
    for (call, unit) in times {
        if let Some(number) = value.strip_prefix(call).and_then(|rest| rest.strip_suffix(')')) {
            return Some(format!("{number} {unit}"));
        }
    }
    if let Some((base, shift)) = value.split_once(" << ") {
        let (base, shift): (u64, u32) = (base.parse().ok()?, shift.parse().ok()?);
        return Some((base << shift).to_string());
    }
    let terms: Option<Vec<u64>> =
        value.split(" + ").map(|term| term.replace('_', "").parse().ok()).collect();
    Some(terms?.iter().sum::<u64>().to_string())
}

#[test]
fn values_are_read() {
    assert_eq!(plain("10_000").as_deref(), Some("10000"));
    assert_eq!(plain("1 << 20").as_deref(), Some("1048576"));
    assert_eq!(plain("3 + 6 + 13").as_deref(), Some("22"));
    assert_eq!(plain("Duration::from_millis(50)").as_deref(), Some("50 ms"));
    assert_eq!(plain("SERVER_NAME_BYTES - 1"), None);
}

#[test]
fn every_proof_of_a_quirk_exists() {
    let tests = tests();
    let page = page("quirks.md");
    let rows = page.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| habit"));
    let mut faults = Vec::new();
    let mut proofs = 0;
    for row in rows {
        let proof = row.trim_end_matches('|').rsplit('|').next().expect("a last column");
        let names: Vec<&str> = proof.split('`').skip(1).step_by(2).collect();
        if names.is_empty() {
            faults.push(format!("no proof: {row}"));
        }
        for name in names {
            proofs += 1;
            if !tests.contains(name) {
                faults.push(format!("{name} is no test"));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(proofs > 50, "only {proofs} proofs: this test reads the page wrongly");
}

#[test]
fn snippets_that_pages_name_exist() {
    let readme = fs::read_to_string(top().join("README.md")).expect("the README");
    let mut named = 0;
    for text in [readme, page("topologies.md")] {
        for after in text.split("pxe-server snippet ").skip(1) {
            let word = after.split(|c: char| !(c.is_ascii_lowercase() || c == '-')).next();
            // `DIALECT` stands for any, and a comment may follow the command.
            let Some(word) = word.filter(|word| !word.is_empty()) else { continue };
            named += 1;
            assert!(word.parse::<pxe_select::snippet::Dialect>().is_ok(), "there is no {word}");
        }
    }
    assert!(named >= 6, "only {named} snippets are named: this test reads the pages wrongly");
}

#[test]
fn links_of_pages_lead_somewhere() {
    let pages = markdown();
    let mut links = 0;
    let mut faults = Vec::new();
    for path in &pages {
        let text = prose(path);
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            if link.contains("://") {
                continue;
            }
            links += 1;
            let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
            let file = match file {
                "" => path.clone(),
                file => path.parent().expect("a folder").join(file),
            };
            let leads = file.exists() && (anchor.is_empty() || anchors(&file).contains(anchor));
            if !leads {
                faults.push(format!("{}: ({link}) leads nowhere", path.display()));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(links > 100, "only {links} links: this test reads the pages wrongly");
}

/// The pages at the top, in `docs` and of every crate.
fn markdown() -> Vec<PathBuf> {
    let crates = fs::read_dir(top().join("crates")).expect("the crates");
    let crates = crates.map(|entry| entry.expect("a crate").path());
    let folders = ["", "docs", "examples", "fuzz"].map(|name| top().join(name));
    let files = folders.into_iter().chain(crates).flat_map(|folder| {
        fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("a file").path())
    });
    files.filter(|path| path.extension().is_some_and(|it| it == "md")).collect()
}

/// A page without its blocks of code.
fn prose(path: &Path) -> String {
    let text = fs::read_to_string(path).expect("a page");
    text.split("```").step_by(2).collect()
}

/// The headings as links name them.
fn anchors(path: &Path) -> BTreeSet<String> {
    let anchor = |heading: &str| -> String {
        let kept = heading.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
        kept.map(|c| if c == ' ' { '-' } else { c.to_ascii_lowercase() }).collect()
    };
    let text = prose(path);
    let headings = text.lines().filter(|line| line.starts_with('#'));
    headings.map(|line| anchor(line.trim_start_matches('#').trim())).collect()
}

/// Every test, as `crate::file::test`. A file called `mod.rs` has its folder's name.
fn tests() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for source in sources(&["crates"]) {
        let mut parts = source.path.trim_end_matches(".rs").split('/').skip(1);
        let crate_name = parts.next().expect("a crate");
        let parts: Vec<&str> = parts.filter(|part| *part != "mod").collect();
        let file = parts.last().expect("a file");
        // Tests that fill a folder may be named by it, wherever in it they are.
        let folder = if parts[0] == "tests" { parts[1] } else { *file };
        let lines = source.text.lines().map(str::trim);
        for (attribute, function) in lines.clone().zip(lines.skip(1).chain(iter::once(""))) {
            if attribute == "#[test]"
                && let Some((name, _)) =
                    function.strip_prefix("fn ").and_then(|rest| rest.split_once('('))
            {
                found.extend([*file, folder].map(|of| format!("{crate_name}::{of}::{name}")));
            }
        }
    }
    found
}
