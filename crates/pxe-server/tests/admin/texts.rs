//! Texts that no compiler checks: words of the page, and alert rules.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

fn top() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn assets() -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets");
    let files = fs::read_dir(folder).expect("a folder").map(|file| file.expect("a file").path());
    let name = |path: &Path| path.file_name().expect("a name").to_string_lossy().into_owned();
    files.map(|path| (name(&path), fs::read_to_string(&path).expect("text"))).collect()
}

/// Keys of a dictionary: `key: "…"` and `"key": "…"`.
fn keys(text: &str) -> BTreeSet<String> {
    let mut keys = BTreeSet::new();
    for (at, _) in text.match_indices(": \"") {
        let before = &text[..at];
        let key = match before.strip_suffix('"') {
            Some(quoted) => quoted.rsplit('"').next(),
            None => before.rsplit(|letter: char| !letter.is_ascii_alphanumeric()).next(),
        };
        keys.insert(key.expect("a key").to_owned());
    }
    keys
}

#[test]
fn every_word_of_the_page_is_there_in_both_languages() {
    let assets = assets();
    let text = |wanted: &str| &assets.iter().find(|(name, _)| name == wanted).expect("there").1;
    let words = text("words.js");
    let english = keys(&words[..words.find("const languages").expect("its end")]);
    let swedish = keys(text("sv.js"));
    assert!(english.len() > 80, "{english:?}");
    assert_eq!(english, swedish);
    let mut used = 0;
    for (name, text) in &assets {
        for (at, _) in text.match_indices("t(\"") {
            if text[..at].ends_with(|letter: char| letter.is_alphanumeric()) {
                continue;
            }
            let key = text[at + 3..].split('"').next().expect("a key");
            assert!(english.contains(key), "{name}: {key:?} has no text");
            used += 1;
        }
    }
    assert!(used > 50, "{used}");
}

#[test]
fn the_page_loads_nothing_from_elsewhere_and_has_no_inline_script() {
    for (name, text) in assets() {
        assert!(!text.contains("http://") && !text.contains("https://"), "{name}");
        for word in ["innerHTML", "eval(", "onclick=\"", "style=\"", "document.write"] {
            assert!(!text.contains(word), "{name} has {word}");
        }
    }
}

#[test]
fn prometheus_takes_the_alert_rules() {
    let rules = std::process::Command::new("promtool")
        .args(["check", "rules"])
        .arg(top().join("docs/alerts.yml"))
        .output();
    match rules {
        Ok(done) => assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr)),
        Err(error) => assert!(std::env::var_os("CI").is_none(), "promtool is missing: {error}"),
    }
}
