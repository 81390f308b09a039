//! Replays the fuzz corpora: `corpus/<target>/*`, and the golden vectors as seeds of their targets.

use std::path::Path;

use pxe_dhcp::fuzz;

fn files(folder: &str) -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(folder);
    let mut files = Vec::new();
    for entry in folder.read_dir().expect("a corpus") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            continue;
        }
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        files.push((name, std::fs::read(&path).expect("a readable file")));
    }
    files
}

#[track_caller]
fn replay(target: &str, least: usize, body: fn(&[u8])) {
    let files = files(&format!("corpus/{target}"));
    assert!(files.len() >= least, "only {} files for {target}", files.len());
    files.iter().for_each(|(_, data)| body(data));
}

#[test]
fn message() {
    replay("message", 10, fuzz::message);
    let vectors = files("vectors");
    vectors.iter().filter(|(name, _)| name.ends_with(".bin")).for_each(|(_, data)| {
        fuzz::message(data);
    });
}

#[test]
fn pxe_options() {
    replay("pxe_options", 5, fuzz::pxe_options);
}

#[test]
fn user_class() {
    replay("user_class", 5, fuzz::user_class);
}

#[test]
fn relay_agent() {
    replay("relay_agent", 5, fuzz::relay_agent);
}

#[test]
fn ipxe_options() {
    replay("ipxe_options", 5, fuzz::ipxe_options);
}
