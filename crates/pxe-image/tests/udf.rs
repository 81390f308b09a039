//! UDF images of genisoimage, mkudffs and newfs_udf: what is read equals what was put in, and what 7-Zip takes out.
//!
//! mkudffs makes empty volumes. udfclient fills them: a loop mount would need root and a kernel with UDF. No program at
//! hand makes a metadata partition (UDF 2.50); `made.rs` tries one that is put together by hand.

mod support;

use std::fs;
use std::path::Path;

use pxe_image::{Image, ImageErrorKind, NamesOf, Tree};
use support::tree::{LONG, Things, in_image, on_disk, pattern, put, put_long, put_plain};
use support::{Disk, folder, run, run_with_input};

fn open(path: &Path) -> Image<Disk> {
    Image::open(Disk::open(path)).unwrap_or_else(|why| panic!("{}: {why}", path.display()))
}

fn assert_same(found: &Things, expected: &Things) {
    for (path, thing) in expected {
        assert_eq!(found.get(path), Some(thing), "{path}");
    }
    assert_eq!(found.len(), expected.len());
}

#[test]
fn genisoimage_beside_iso_9660() {
    let folder = folder("geniso-udf");
    let tree = folder.join("tree");
    put_long(&tree);
    let options = ["-udf", "-J", "-R", "-input-charset", "utf-8", "-V", "LABEL", "-quiet"];
    run(&folder, "genisoimage", &[&options[..], &["-o", "x.iso", "tree"]].concat());
    let image = open(&folder.join("x.iso"));
    let facts = image.facts();
    assert_eq!(
        (image.names_of(), image.missing_bytes(), image.label()),
        (NamesOf::Udf, 0, "LABEL")
    );
    assert!(facts.formats.iso9660 && facts.formats.rock_ridge && facts.formats.joliet);
    assert_eq!(facts.formats.udf, Some(0x0102));
    let found = in_image(&image, image.source());
    assert_same(&found, &on_disk(&tree));
    run(&folder, "7z", &["x", "-tudf", "-oout", "x.iso"]);
    assert_same(&found, &on_disk(&folder.join("out")));
}

/// Has udfclient put the tree into a volume that another program made, and compares.
fn fill_and_compare(test: &str, block: &str, revision: u16, make: impl FnOnce(&Path)) {
    let folder = folder(test);
    let tree = folder.join("tree");
    put_plain(&tree);
    put(&tree, &format!("pool/{LONG}"), &pattern(5_000, 3));
    put(&tree, "large", &pattern(3_000_000, 4));
    run(&folder, "truncate", &["--size=2G", "x.img"]);
    make(&folder);
    // What lies below the top is named by labels that the makers choose in part.
    let listing = run_with_input(&folder, "udfclient", &["-b", block, "x.img"], "ls\nquit\n");
    let listing = String::from_utf8_lossy(&listing.stdout).into_owned();
    let volume = listing.lines().find(|line| line.starts_with("drwx")).expect("a volume");
    let volume = volume.split_whitespace().last().expect("its name");
    let mut commands = format!("cd /{volume}\nlcd tree\n");
    for entry in tree.read_dir().expect("a folder") {
        let name = entry.expect("an entry").file_name();
        commands += &format!("put {}\n", name.to_str().expect("UTF-8"));
    }
    commands += "quit\n";
    run_with_input(&folder, "udfclient", &["-W", "-b", block, "x.img"], &commands);
    let image = open(&folder.join("x.img"));
    assert_eq!((image.names_of(), image.missing_bytes()), (NamesOf::Udf, 0));
    assert_eq!((image.facts().formats.udf, image.label()), (Some(revision), "LABEL"));
    assert!(!image.facts().formats.iso9660);
    let mut found = in_image(&image, image.source());
    // Some makers put one there.
    found.remove("/lost+found");
    assert_same(&found, &on_disk(&tree));
    assert_eq!(image.look("many/n0299.bin").expect("sound").map(|node| node.size), Some(299));
    // 7-Zip knows no blocks of 4,096 bytes, and finds fault with what newfs_udf makes.
    if test != "newfs-udf" && block != "4096" {
        run(&folder, "7z", &["x", "-tudf", "-oout", "x.img"]);
        let out = folder.join("out");
        if out.join("lost+found").exists() {
            fs::remove_dir(out.join("lost+found")).expect("an empty folder");
        }
        assert_same(&found, &on_disk(&out));
    }
}

fn mkudffs(test: &str, block: &str, revision: u16, allocation: &str) {
    fill_and_compare(test, block, revision, |folder| {
        let revision = format!("--udfrev=0x{revision:04x}");
        let [block, allocation] = [("blocksize", block), ("ad", allocation)]
            .map(|(option, value)| format!("--{option}={value}"));
        run(folder, "mkudffs", &[&block, &revision, &allocation, "--label=LABEL", "x.img"]);
    });
}

#[test]
fn mkudffs_1_02_as_on_dvds() {
    mkudffs("mkudffs-102", "2048", 0x0102, "short");
}

#[test]
fn mkudffs_1_50_with_long_descriptors() {
    mkudffs("mkudffs-150", "2048", 0x0150, "long");
}

#[test]
fn mkudffs_2_01_in_blocks_of_512() {
    mkudffs("mkudffs-201", "512", 0x0201, "inicb");
}

#[test]
fn mkudffs_2_00_in_blocks_of_4096() {
    mkudffs("mkudffs-200", "4096", 0x0200, "short");
}

#[test]
fn newfs_udf() {
    fill_and_compare("newfs-udf", "512", 0x0201, |folder| {
        run(folder, "newfs_udf", &["-L", "LABEL", "x.img"]);
    });
}

#[test]
fn what_is_not_read_is_said() {
    let folder = folder("mkudffs-other");
    for (media, extra, words) in [("cdrw", "--spartable=2", "sparing"), ("cdr", "--vat", "VAT")] {
        let image = format!("{media}.img");
        run(&folder, "truncate", &["--size=600M", &image]);
        let media = format!("--media-type={media}");
        run(&folder, "mkudffs", &[&media, "--udfrev=2.01", extra, &image]);
        let error = Image::open(Disk::open(&folder.join(&image))).expect_err("not read");
        assert!(matches!(error.kind, ImageErrorKind::Unsupported(_)), "{error}");
        assert!(error.to_string().contains(words), "{error}");
    }
}
