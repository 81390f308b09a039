//! Files of more than 4 GiB, which ISO 9660 keeps in parts and UDF in many stretches. The images have holes on disk.

mod support;

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use pxe_image::{Image, NamesOf, ReadAt, Tree};
use support::{Disk, folder, run, run_to_sparse};

const GIB: u64 = 1 << 30;
/// No whole number of sectors.
const SIZE: u64 = 4 * GIB + 700 * (1 << 20) + 333;

/// Places around the borders of parts, and what stands there.
fn marks() -> Vec<(u64, [u8; 8])> {
    let part = 4 * GIB - 2_048;
    let places = [0, GIB - 4, 2 * GIB, part - 4, part + 16, 4 * GIB - 4, 4 * GIB + 16];
    let places = places.into_iter().chain([SIZE - 8]);
    places.map(|at| (at, (at ^ 0x5a5a_0123_4567_89ab).to_be_bytes())).collect()
}

fn put_large(test: &str) -> PathBuf {
    let folder = folder(test);
    std::fs::create_dir_all(folder.join("tree/sources")).expect("a folder");
    let file = File::create(folder.join("tree/sources/install.wim")).expect("a file");
    file.set_len(SIZE).expect("a hole");
    for (at, mark) in marks() {
        file.write_all_at(&mark, at).expect("a mark");
    }
    support::tree::put(&folder.join("tree"), "small", b"small");
    folder
}

fn assert_reads_back(image: &Path, names: NamesOf) {
    let image = Image::open(Disk::open(image)).expect("an image");
    assert_eq!((image.names_of(), image.missing_bytes()), (names, 0));
    let path = "sources/install.wim";
    let node = image.look(path).expect("sound").expect("there");
    assert_eq!(node.size, SIZE);
    let extents = image.extents(path).expect("sound").expect("a file");
    // The parts lie side by side, so that a server sends one range.
    assert_eq!(extents.len(), 1, "{extents:?}");
    assert_eq!(extents.iter().map(|extent| extent.len).sum::<u64>(), SIZE);
    for (at, mark) in marks() {
        let mut bytes = [0; 8];
        assert_eq!(image.read(path, at, &mut bytes).expect("sound"), 8);
        assert_eq!(bytes, mark, "at {at}");
        let offset = extents[0].offset.expect("stored") + at;
        assert_eq!(image.source().read_at(offset, &mut bytes).expect("a read"), 8);
        assert_eq!(bytes, mark, "at {at}");
    }
    assert_eq!(image.read(path, SIZE, &mut [0; 8]).expect("the end"), 0);
    assert_eq!(image.list("sources").expect("sound").len(), 1, "one file, not one for each part");
    assert_eq!(image.look("small").expect("sound").map(|node| node.size), Some(5));
}

fn tidy(folder: &Path) {
    run(folder, "rm", &["-r", "tree", "x.iso"]);
}

#[test]
fn xorriso_in_parts() {
    let folder = put_large("large-xorriso");
    let options = ["-R", "-iso-level", "3", "-o", "-", "tree"];
    run_to_sparse(&folder, "xorrisofs", &options, "x.iso");
    assert_reads_back(&folder.join("x.iso"), NamesOf::RockRidge);
    tidy(&folder);
}

#[test]
fn genisoimage_in_udf() {
    let folder = put_large("large-geniso");
    let options = ["-quiet", "-udf", "-iso-level", "3", "-allow-limited-size", "tree"];
    run_to_sparse(&folder, "genisoimage", &options, "x.iso");
    assert_reads_back(&folder.join("x.iso"), NamesOf::Udf);
    tidy(&folder);
}
