//! Replays the fuzz corpora, so that every finding stays a test.

use std::fs;
use std::path::Path;

use pxe_tftp::fuzz;

fn replay(target: &str, least: usize, run: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus").join(target);
    let mut count = 0;
    for entry in fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        println!("{}", path.display());
        run(&fs::read(&path).unwrap());
        count += 1;
    }
    assert!(count >= least, "{count} inputs in {}", folder.display());
}

#[test]
fn packet() {
    replay("packet", 20, fuzz::packet);
}

#[test]
fn server() {
    replay("server", 8, fuzz::server);
}

#[test]
fn client() {
    replay("client", 4, fuzz::client);
}

/// A little of what the fuzzers do all day, with dice instead of coverage.
#[test]
fn random_scripts() {
    for seed in 0..2000_u64 {
        let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        let script: Vec<u8> = (0..300)
            .map(|_| {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                state.to_le_bytes()[3]
            })
            .collect();
        println!("seed {seed}");
        fuzz::server(&script);
        fuzz::client(&script);
        fuzz::packet(&script);
    }
}
