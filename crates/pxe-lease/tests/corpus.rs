//! Replays the corpora of the fuzz targets, and bytes that are made up.

mod support;

use std::path::Path;

use support::Random;

fn replay(target: &str, body: fn(&[u8])) -> usize {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus").join(target);
    let files = folder.read_dir().expect("a corpus").map(|entry| entry.expect("an entry").path());
    files.map(|path| body(&std::fs::read(path).expect("a file"))).count()
}

#[test]
fn records() {
    assert!(replay("record", pxe_lease::fuzz::record) > 0);
}

#[test]
fn imports() {
    assert!(replay("import", pxe_lease::fuzz::import) > 0);
}

#[test]
fn allocators() {
    assert!(replay("allocator", pxe_lease::fuzz::allocator) > 0);
    for seed in 0..300 {
        let mut random = Random(seed);
        let script: Vec<u8> = (0..3 * random.below(300)).map(|_| random.below(256) as u8).collect();
        let result = std::panic::catch_unwind(|| pxe_lease::fuzz::allocator(&script));
        assert!(result.is_ok(), "the script of seed {seed} breaks a promise");
    }
}
