//! Replays the corpus of the fuzz target `proxy_responder`.
#![cfg(feature = "_fuzz")]

use std::fs;
use std::path::Path;

#[test]
fn corpus_of_the_proxy_responder() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus/proxy_responder");
    let mut scripts = 0;
    for entry in fs::read_dir(&folder).expect("a corpus") {
        let path = entry.expect("a readable corpus").path();
        pxe_dhcp::respond::fuzz::proxy_responder(&fs::read(&path).expect("a readable file"));
        scripts += 1;
    }
    assert!(scripts >= 20, "only {scripts} scripts in {}", folder.display());
}
