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

/// Words that are the same in Swedish, or no words at all.
const ALIKE: [&str; 6] = ["action.url", "changed", "filter", "gets.url", "ok", "step.initrd"];

/// The texts of a dictionary by their keys.
fn entries(text: &str) -> std::collections::BTreeMap<String, String> {
    let mut entries = std::collections::BTreeMap::new();
    for (at, found) in text.match_indices(": \"") {
        let before = text[..at].trim_end_matches('"');
        let is_part = |letter: char| letter.is_ascii_alphanumeric() || ".-".contains(letter);
        let key = before.rsplit(|letter| !is_part(letter)).next().expect("a key");
        let value = text[at + found.len()..].split('"').next().expect("a text");
        entries.insert(key.to_owned(), value.to_owned());
    }
    entries
}

#[test]
fn swedish_is_swedish_and_fills_in_what_english_does() {
    let assets = assets();
    let text = |wanted: &str| &assets.iter().find(|(name, _)| name == wanted).expect("there").1;
    let words = text("words.js");
    let english = entries(&words[..words.find("const languages").expect("its end")]);
    let swedish = entries(text("sv.js"));
    let blanks = |text: &str| -> BTreeSet<String> {
        let parts = text.split('{').skip(1).filter_map(|part| part.split_once('}'));
        parts.map(|(name, _)| name.to_owned()).collect()
    };
    for (key, text) in &english {
        let translated = &swedish[key];
        assert_eq!(blanks(text), blanks(translated), "{key}");
        assert!(text != translated || ALIKE.contains(&&**key), "{key} is English: {text:?}");
    }
    for key in ALIKE {
        assert!(english.contains_key(key) && english[key] == swedish[key], "{key} is not alike");
    }
}

/// Words for what the API says, such as `verdict.ok`: a value without a word would show its key.
#[test]
fn every_value_that_the_api_says_has_a_word() {
    let assets = assets();
    let english = &assets.iter().find(|(name, _)| name == "words.js").expect("there").1;
    let english = entries(english);
    for (start, values) in [
        ("verdict", &["ok", "busy", "waiting", "silent", "held", "denied", "failed"][..]),
        ("lease", &["leased", "expired", "released", "declined", "in-use"]),
        ("origin", &["file", "page"]),
        ("kind", &["host", "rule"]),
        ("gets", &["file", "url", "script", "deny", "hold"]),
    ] {
        for value in values {
            assert!(english.contains_key(&format!("{start}.{value}")), "{start}.{value}");
        }
    }
}

#[test]
fn every_word_of_the_page_is_used() {
    let assets = assets();
    let english = &assets.iter().find(|(name, _)| name == "words.js").expect("there").1;
    let code: String = assets
        .iter()
        .filter(|(name, _)| !matches!(&**name, "words.js" | "sv.js"))
        .map(|(_, text)| text.as_str())
        .collect();
    for key in entries(english).into_keys() {
        let is_named = code.contains(&format!("\"{key}\""));
        // Others are put together: `verdict.${…}`, and views by their names.
        let start = key.split_once('.').map(|(start, _)| format!("{start}.${{"));
        let is_view = code.contains(&format!("  {key}: {key}View"))
            || code.contains(&format!(" {key}: {key}View"));
        assert!(is_named || is_view || start.is_some_and(|start| code.contains(&start)), "{key}");
    }
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
