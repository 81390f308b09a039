//! Rules of the house that the compiler does not keep: where the parser library may be named, and which lints guard the
//! modules that read the wire.

use std::path::{Path, PathBuf};

/// All sources of the crate.
fn sources() -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut folders = vec![root];
    let mut sources = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in folder.read_dir().expect("a folder of sources") {
            let path = entry.expect("an entry").path();
            match path.is_dir() {
                true => folders.push(path),
                false => {
                    let text = std::fs::read_to_string(&path).expect("a readable source");
                    sources.push((path, text));
                }
            }
        }
    }
    assert!(sources.len() > 20, "only {} sources found", sources.len());
    sources
}

#[test]
fn the_parser_library_is_named_in_one_file() {
    let users: Vec<_> = sources()
        .into_iter()
        .filter(|(_, text)| text.contains("nom::"))
        .map(|(path, _)| path.file_name().expect("a name").to_os_string())
        .collect();
    assert_eq!(users, ["parse.rs"]);
}

#[test]
fn modules_that_read_the_wire_deny_what_panics() {
    let lints = ["arithmetic_side_effects", "expect_used", "indexing_slicing", "unwrap_used"];
    let exempt = ["lib.rs", "mod.rs", "limits.rs", "error.rs", "fuzz.rs"];
    for (path, text) in sources() {
        let name = path.file_name().expect("a name").to_string_lossy();
        let responder = path.components().any(|part| part.as_os_str() == "respond");
        if responder || exempt.contains(&&*name) {
            continue;
        }
        for lint in lints {
            assert!(text.contains(lint), "{} does not deny {lint}", path.display());
        }
    }
}
