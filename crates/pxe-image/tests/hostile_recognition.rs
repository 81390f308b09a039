//! The fuzz bodies on what fuzzing begins with, and on this cut and changed by a seeded generator.

mod layout;

use std::fs;
use std::path::Path;

use layout::Layout;
use pxe_image::recognise::fuzz;

/// The seed, printed with a failure.
const SEED: u64 = 0x6e65_7462_6f6f_7421;

/// Sebastiano Vigna's splitmix64.
fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Calls a body with the whole, and with pieces and changes of it.
fn abuse(bytes: &[u8], times: usize, body: fn(&[u8])) {
    eprintln!("seed {SEED:#x}");
    body(bytes);
    let mut state = SEED;
    for _ in 0..times {
        let mut changed = bytes.to_vec();
        let length = usize::try_from(next(&mut state)).expect("64 bits") % (bytes.len() + 1);
        if next(&mut state).is_multiple_of(3) {
            changed.truncate(length);
        }
        for _ in 0..1 + next(&mut state) % 4 {
            if let Some(byte) = changed.get_mut(length.saturating_sub(1)) {
                *byte = next(&mut state).to_le_bytes()[0];
            }
        }
        body(&changed);
    }
}

fn file(layout: &str, path: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/recognition");
    let layout = Layout::read(&folder.join(format!("{layout}.toml")));
    layout.files[path].clone()
}

type FuzzBody = fn(&[u8]);

/// Committed corpora, which fuzzing begins with.
#[test]
fn corpora() {
    let bodies: [(&str, FuzzBody); 4] =
        [("initrd", fuzz::initrd), ("wim", fuzz::wim), ("pe", fuzz::pe), ("rules", fuzz::rules)];
    for (name, body) in bodies {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus").join(name);
        let mut files = 0;
        for file in fs::read_dir(folder).expect("a corpus") {
            body(&fs::read(file.expect("an entry").path()).expect("a file"));
            files += 1;
        }
        assert!(files > 0, "{name}");
    }
}

#[test]
fn initrds_of_every_packing() {
    for (layout, path) in [
        ("mint-22", "casper/initrd.lz"),
        ("kubuntu-22.04", "casper/initrd"),
        ("debian-mini", "initrd.gz"),
        ("rhel-9", "images/pxeboot/initrd.img"),
        ("void-live", "boot/initrd"),
        ("flatcar", "flatcar/cpio.gz"),
    ] {
        abuse(&file(layout, path), 150, fuzz::initrd);
    }
}

#[test]
fn wims_and_programs() {
    abuse(&file("windows-11", "sources/boot.wim"), 2_000, fuzz::wim);
    abuse(&file("windows-11", "efi/boot/bootx64.efi"), 2_000, fuzz::pe);
    abuse(&file("windows-11", "sources/boot.wim"), 500, fuzz::pe);
}

#[test]
fn rules_and_trees() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/recognise/rules");
    for name in ["alpine", "proxmox"] {
        let mut text = fs::read(folder.join(name).with_extension("toml")).expect("rules");
        text.push(0);
        text.extend(b"070701 any tree");
        abuse(&text, 60, fuzz::rules);
    }
}
