//! Images that were cut off, that lie, or that rot: nothing panics, nothing is read behind the end, nothing takes long.

mod support;

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use pxe_image::fuzz::explore;
use pxe_image::{Image, ImageErrorKind, Tree};
use support::made::{EMBEDDED, FILE, Made, SHORT, entry, latin, name, short};
use support::tree::{LONG, pattern, put};
use support::{folder, run};

fn replay(target: &str, body: fn(&[u8])) -> usize {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus").join(target);
    let files = folder.read_dir().expect("a corpus").map(|entry| entry.expect("an entry").path());
    files.map(|path| body(&fs::read(path).expect("a file"))).count()
}

#[test]
fn corpora() {
    assert!(replay("iso", pxe_image::fuzz::iso) > 0);
    assert!(replay("udf", pxe_image::fuzz::udf) > 0);
    assert!(replay("image", pxe_image::fuzz::image) > 0);
}

/// A small tree with a little of everything.
fn put_some(tree: &Path) {
    put(tree, "isolinux/isolinux.bin", &pattern(3_000, 5));
    for number in 0..12 {
        put(tree, &format!("MANY/N{number:04}.BIN"), &pattern(20_000, number));
    }
    put(tree, &format!("pool/{LONG}"), b"a long name");
    put(tree, "d1/d2/d3/d4/d5/d6/d7/d8/d9/file", b"very deep");
    put(tree, "Grün", b"");
    symlink("d1/../pool", tree.join("link")).expect("a link");
    symlink(format!("{LONG}/{LONG}"), tree.join("far")).expect("a link");
}

/// An image of that, by one of the programs.
fn sample(test: &str, program: &str, options: &[&str]) -> Vec<u8> {
    let folder = folder(test);
    let tree = folder.join("tree");
    put_some(&tree);
    let boot = ["-b", "isolinux/isolinux.bin", "-c", "boot.cat", "-no-emul-boot"];
    run(&folder, program, &[options, &boot, &["-o", "x.iso", "tree"]].concat());
    fs::read(folder.join("x.iso")).expect("an image")
}

struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }
}

/// Flips bytes, most of them where structures are, and at times cuts.
fn rot(whole: &[u8], structures: std::ops::Range<usize>, seed: u64) -> Vec<u8> {
    let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    let mut image = whole.to_vec();
    for _ in 0..1 + random.below(12) {
        let at = structures.start + random.below(structures.len());
        let count = 1 + random.below(4);
        for byte in image.iter_mut().skip(at).take(count) {
            *byte = match random.below(4) {
                0 => 0,
                1 => 0xff,
                2 => byte.wrapping_add(1),
                _ => random.next() as u8,
            };
        }
    }
    if random.below(4) == 0 {
        let len = random.below(image.len());
        image.truncate(len);
    }
    image
}

fn try_rotten(sample: &[u8], structures: std::ops::Range<usize>, body: fn(&[u8]), seeds: u64) {
    for seed in 0..seeds {
        let image = rot(sample, structures.clone(), seed);
        let result = std::panic::catch_unwind(|| body(&image));
        assert!(result.is_ok(), "the image of seed {seed} breaks a promise");
    }
}

#[test]
fn rotten_images_of_xorriso() {
    let image = sample("rot-xorriso", "xorrisofs", &["-R", "-J", "-V", "ROT"]);
    explore(&image);
    try_rotten(&image, 32_768..120_000, explore, 40);
}

#[test]
fn rotten_images_of_genisoimage_with_moved_folders() {
    let options = ["-quiet", "-R", "-J", "-joliet-long", "-input-charset", "utf-8"];
    let image = sample("rot-geniso", "genisoimage", &options);
    try_rotten(&image, 32_768..120_000, explore, 40);
}

#[test]
fn rotten_images_of_udf() {
    let options = ["-quiet", "-udf", "-R", "-input-charset", "utf-8"];
    let image = sample("rot-udf", "genisoimage", &options);
    // The first megabyte is anchors and folders. Sums are set right, or else most of it would just be refused.
    let body = |image: &[u8]| pxe_image::fuzz::image(&pxe_image::fuzz::pack(image));
    let structures = 524_288..image.len().min(700_000);
    try_rotten(&image[..image.len().min(2_000_000)], structures, body, 15);
}

#[test]
fn rotten_volumes_made_by_hand() {
    let mut made = Made::simple(64, &[name(&latin("a"), 0, 2, 0), name(&latin("b"), 2, 3, 0)]);
    made.put(2, &entry(2, FILE, SHORT, Some(900), &[short(0, 512, 9), short(1, 388, 0)].concat()));
    made.put(3, &entry(3, 4, EMBEDDED, None, &name(&latin("c"), 0, 2, 0)));
    let body = |data: &[u8]| pxe_image::fuzz::udf(data);
    let data = &made.bytes[256 * 512..];
    try_rotten(data, 0..15 * 512, body, 400);
}

#[test]
fn every_cut_is_survived_and_said() {
    let image = sample("cut", "xorrisofs", &["-R"]);
    let whole = Image::open(image.as_slice()).expect("an image");
    assert_eq!(whole.missing_bytes(), 0);
    for len in (0..image.len()).step_by(9_973) {
        let cut = &image[..len];
        explore(cut);
        match Image::open(cut) {
            Ok(cut) => assert_eq!(cut.missing_bytes(), (image.len() - len) as u64),
            Err(why) => assert!(len < 34_816, "{len}: {why}"),
        }
    }
    // The first file still reads when the last one is gone.
    let cut = Image::open(&image[..image.len() - 350_000 - 120_000]).expect("an image");
    let mut good = 0;
    let mut gone = 0;
    for item in cut.list("MANY").expect("folders lie at the start") {
        match cut.extents(&format!("MANY/{}", item.name)) {
            Ok(_) => good += 1,
            Err(why) => {
                assert!(matches!(why.kind, ImageErrorKind::Truncated), "{why}");
                assert!(why.to_string().contains("downloaded whole"), "{why}");
                gone += 1;
            }
        }
    }
    assert!(good > 0 && gone > 0, "{good} can be read, {gone} cannot");
}

/// Where a record of a folder with that name begins.
fn record(image: &[u8], name: &[u8]) -> usize {
    // The length before it tells it from the same name in a path table.
    let wanted = [&[name.len() as u8], name].concat();
    let at = image.windows(wanted.len()).position(|window| window == wanted).expect("a name");
    at - 32
}

fn set(image: &mut [u8], at: usize, number: u32) {
    image[at..at + 4].copy_from_slice(&number.to_le_bytes());
}

#[test]
fn lies_of_folders_are_told() {
    let folder = folder("lies");
    let tree = folder.join("tree");
    put(&tree, "SUB/INNER/FILE.TXT", b"text");
    put(&tree, "TWIN.BIN", &pattern(100, 1));
    run(&folder, "genisoimage", &["-quiet", "-o", "x.iso", "tree"]);
    let sound = fs::read(folder.join("x.iso")).expect("an image");
    let root = u32::from_le_bytes(sound[0x809e..0x80a2].try_into().expect("four"));

    // A folder that is the root again.
    let mut image = sound.clone();
    let inner = record(&image, b"INNER");
    set(&mut image, inner + 2, root);
    let opened = Image::open(image.as_slice()).expect("an image");
    let error = opened.look("SUB/INNER/SUB").expect_err("a circle");
    assert!(error.to_string().contains("inside itself"), "{error}");
    explore(&image);

    // A file that is longer than the image.
    let mut image = sound.clone();
    let twin = record(&image, b"TWIN.BIN;1");
    set(&mut image, twin + 10, u32::MAX);
    let opened = Image::open(image.as_slice()).expect("an image");
    let error = opened.extents("TWIN.BIN").expect_err("longer than all");
    assert!(matches!(error.kind, ImageErrorKind::Truncated), "{error}");

    // A part that nothing follows.
    let mut image = sound.clone();
    image[twin + 25] |= 0x80;
    let opened = Image::open(image.as_slice()).expect("an image");
    let error = opened.look("TWIN.BIN").expect_err("half a file");
    assert!(error.to_string().contains("last part is missing"), "{error}");
    assert!(opened.look("SUB/INNER/FILE.TXT").expect("before it").is_some());

    // Stored interleaved.
    let mut image = sound.clone();
    image[twin + 26] = 1;
    let opened = Image::open(image.as_slice()).expect("an image");
    let error = opened.extents("TWIN.BIN").expect_err("not read");
    assert!(matches!(error.kind, ImageErrorKind::Unsupported(_)), "{error}");

    // A folder of four gigabytes.
    let mut image = sound;
    let sub = record(&image, b"SUB");
    set(&mut image, sub + 10, u32::MAX);
    let opened = Image::open(image.as_slice()).expect("an image");
    let error = opened.list("SUB").expect_err("too long");
    assert!(matches!(error.kind, ImageErrorKind::TooMuch { .. }), "{error}");
}

#[test]
fn what_is_no_image_is_called_so() {
    let mut fat = vec![0; 100_000];
    fat[510..512].copy_from_slice(&[0x55, 0xaa]);
    for bytes in [&fat[..], b"", b"MZ", &pattern(50_000, 1)] {
        let error = Image::open(bytes).expect_err("no image");
        assert!(matches!(error.kind, ImageErrorKind::NotAnImage), "{error}");
    }
}
