//! Replays the corpora of the fuzz targets, and every input one step away from them.

use std::{fs, path::Path};

fn replay(target: &str, body: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus").join(target);
    let mut count = 0;
    for entry in fs::read_dir(&folder).unwrap() {
        let data = fs::read(entry.unwrap().path()).unwrap();
        body(&data);
        // Truncated anywhere, and with every single byte changed a few ways: cheap, and always the same.
        for end in 0..data.len() {
            body(&data[..end]);
        }
        let mut changed = data.clone();
        for at in 0..data.len() {
            for with in [0x00, 0x01, 0x2e, 0x2f, 0x5c, 0x7f, 0xff, data[at] ^ 0x80] {
                changed[at] = with;
                body(&changed);
            }
            changed[at] = data[at];
        }
        count += 1;
    }
    assert!(count >= 5, "{} holds {count} inputs", folder.display());
}

#[test]
fn normalise() {
    replay("normalise", pxe_select::fuzz::normalise);
}

#[test]
fn decide() {
    replay("decide", pxe_select::fuzz::decide);
}

#[test]
fn policy() {
    replay("policy", pxe_select::fuzz::policy);
}

#[test]
fn evidence() {
    replay("evidence", pxe_select::fuzz::evidence);
}

/// Histories that nobody thought of, the same ones on each run.
#[test]
fn evidence_of_random_histories() {
    let mut state = 0x5eed_0004_u64;
    for _ in 0..4_000 {
        let data: Vec<u8> = (0..160)
            .map(|_| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                // Small numbers make lengths and addresses meet.
                let byte = (state >> 56) as u8;
                if state >> 48 & 3 == 0 { byte } else { byte & 0x0f }
            })
            .collect();
        pxe_select::fuzz::evidence(&data);
    }
}
