//! Replays the corpora of the fuzz targets `proxy_responder` and `server_responder`.
#![cfg(feature = "_fuzz")]

use std::fs;
use std::path::Path;

use pxe_dhcp::respond::fuzz;

#[track_caller]
fn replay(target: &str, body: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus").join(target);
    let mut scripts = 0;
    for entry in fs::read_dir(&folder).expect("a corpus") {
        let path = entry.expect("a readable corpus").path();
        body(&fs::read(&path).expect("a readable file"));
        scripts += 1;
    }
    assert!(scripts >= 20, "only {scripts} scripts in {}", folder.display());
}

#[test]
fn corpus_of_the_proxy_responder() {
    replay("proxy_responder", fuzz::proxy_responder);
}

#[test]
fn corpus_of_the_server_responder() {
    replay("server_responder", fuzz::server_responder);
}
