//! Images of xorriso and genisoimage: what is read equals what xorriso takes out of them.

mod support;

use std::fs;
use std::path::Path;

use pxe_image::{BootPlatform, Emulation, Image, NamesOf, NodeKind, ReadAt, Tree};
use support::tree::{
    Thing, in_image, on_disk, pattern, put, put_farther, put_long, put_plain, put_unix,
};
use support::{Disk, folder, run};

fn open(path: &Path) -> Image<Disk> {
    Image::open(Disk::open(path)).unwrap_or_else(|why| panic!("{}: {why}", path.display()))
}

/// What xorriso takes out of an image.
fn extracted(folder: &Path, image: &str, names: &str) -> support::tree::Things {
    let arguments = ["-osirrox", "on", "-read_fs", names, "-indev", image, "-extract", "/", "out"];
    run(folder, "xorriso", &arguments);
    // It keeps the modes of the image: make the folders writable, so that they can go.
    run(folder, "chmod", &["-R", "u+rwX", "out"]);
    on_disk(&folder.join("out"))
}

/// Makes an image, and compares.
fn compare(test: &str, put: fn(&Path), program: &str, options: &[&str], of: NamesOf, names: &str) {
    let folder = folder(test);
    let tree = folder.join("tree");
    fs::create_dir_all(&tree).expect("a folder");
    put(&tree);
    let arguments = [options, &["-o", "x.iso", "tree"]].concat();
    run(&folder, program, &arguments);
    let image = open(&folder.join("x.iso"));
    assert_eq!((image.names_of(), image.missing_bytes()), (of, 0));
    let found = in_image(&image, image.source());
    assert!(found.len() > 300, "only {} names", found.len());
    let expected = extracted(&folder, "x.iso", names);
    for (path, thing) in &expected {
        assert_eq!(found.get(path), Some(thing), "{path}");
    }
    assert_eq!(found.len(), expected.len());
    // And what xorriso says is what was put in, so that both cannot be wrong in the same way.
    if of == NamesOf::RockRidge {
        let mut put = on_disk(&tree);
        let moved = |path: &String| !path.starts_with("/rr_moved");
        put.retain(|path, _| moved(path));
        assert!(put.iter().all(|(path, thing)| found.get(path) == Some(thing)));
        assert_eq!(found.keys().filter(|path| moved(path)).count(), put.len());
    }
}

const XORRISO: &str = "xorrisofs";

#[test]
fn xorriso_plain() {
    compare("xorriso-plain", put_plain, XORRISO, &["--norock"], NamesOf::Iso9660, "any");
}

#[test]
fn xorriso_joliet() {
    let options = ["-J", "-joliet-long", "--norock"];
    compare("xorriso-joliet", put_long, XORRISO, &options, NamesOf::Joliet, "norock");
}

#[test]
fn xorriso_rock_ridge() {
    compare("xorriso-rr", put_farther, XORRISO, &["-R"], NamesOf::RockRidge, "any");
}

#[test]
fn xorriso_rock_ridge_and_joliet() {
    let options = ["-r", "-J", "-no-pad", "-iso-level", "4"];
    compare("xorriso-both", put_farther, XORRISO, &options, NamesOf::RockRidge, "any");
}

#[test]
fn genisoimage_plain() {
    compare("geniso-plain", put_plain, "genisoimage", &[], NamesOf::Iso9660, "any");
}

#[test]
fn genisoimage_joliet() {
    let options = ["-J", "-joliet-long", "-input-charset", "utf-8"];
    compare("geniso-joliet", put_long, "genisoimage", &options, NamesOf::Joliet, "norock");
}

#[test]
fn genisoimage_rock_ridge_moves_deep_folders() {
    let options = ["-R", "-input-charset", "utf-8"];
    compare("geniso-rr", put_unix, "genisoimage", &options, NamesOf::RockRidge, "any");
}

#[test]
fn genisoimage_rock_ridge_and_joliet() {
    let options = ["-r", "-J", "-joliet-long", "-input-charset", "utf-8"];
    compare("geniso-both", put_unix, "genisoimage", &options, NamesOf::RockRidge, "any");
}

#[test]
fn links_lead_where_they_say() {
    let folder = folder("links");
    let tree = folder.join("tree");
    fs::create_dir_all(&tree).expect("a folder");
    put_unix(&tree);
    run(&folder, XORRISO, &["-R", "-o", "x.iso", "tree"]);
    let image = open(&folder.join("x.iso"));
    let size = |path: &str| image.look(path).expect("sound").map(|node| node.size);
    assert_eq!(size("link"), Some(2_048));
    assert_eq!(size("/case/up"), Some(17));
    assert_eq!(size("absolute/"), Some(0));
    assert_eq!(size("folder/d10/d11/file"), Some(9));
    assert_eq!(size("FOLDER/D10/D11/FILE"), Some(9), "in another spelling");
    assert_eq!(size("case/Name"), Some(12));
    assert_eq!(size("case/name"), Some(16));
    assert_eq!(size("dangling"), None);
    let items = image.list("").expect("sound");
    let link = items.iter().find(|item| item.name == "absolute").expect("listed");
    assert_eq!(link.node.kind, NodeKind::Link("/pool".to_owned()));
    let mut bytes = [0; 6];
    assert_eq!(image.read("case/up", 7, &mut bytes).expect("sound"), 6);
    assert_eq!(&bytes, b"GNU/Li");
    assert!(matches!(on_disk(&tree)["/link"], Thing::Link(_)));
}

/// A file that FAT tools would know: a boot sector that states 100 sectors, and something behind it.
fn fat() -> Vec<u8> {
    let mut bytes = pattern(100 * 512, 7);
    bytes[..3].copy_from_slice(&[0xeb, 0x3c, 0x90]);
    bytes[11..13].copy_from_slice(&512_u16.to_le_bytes());
    bytes[13] = 1;
    bytes[19..21].copy_from_slice(&100_u16.to_le_bytes());
    bytes[510..512].copy_from_slice(&[0x55, 0xaa]);
    bytes
}

/// Makes an image that boots by BIOS and UEFI, and looks at its catalogue.
fn boots(test: &str, program: &str, options: &[&str]) {
    let folder = folder(test);
    let tree = folder.join("tree");
    put_plain(&tree);
    put(&tree, "isolinux/isolinux.bin", &pattern(20_000, 5));
    put(&tree, "boot/efi.img", &fat());
    let bios = ["-b", "isolinux/isolinux.bin", "-c", "isolinux/boot.cat", "-no-emul-boot"];
    let bios = [&bios[..], &["-boot-load-size", "4"]].concat();
    let efi = ["-eltorito-alt-boot", "-e", "boot/efi.img", "-no-emul-boot"];
    let texts = ["-R", "-V", "Debian 12 n", "-p", "PREPARER", "-publisher", "PUBLISHER"];
    let rest = ["-A", "APPLICATION", "-sysid", "SYSTEM", "-o", "x.iso", "tree"];
    run(&folder, program, &[options, &bios, &efi, &texts, &rest].concat());
    let image = open(&folder.join("x.iso"));
    let facts = image.facts();
    assert!(facts.formats.el_torito);
    assert_eq!((image.label(), facts.system_id.as_str()), ("Debian 12 n", "SYSTEM"));
    assert_eq!((facts.publisher.as_str(), facts.preparer.as_str()), ("PUBLISHER", "PREPARER"));
    assert_eq!(facts.application, "APPLICATION");
    let [bios, efi] = image.boot_images() else { panic!("{:?}", image.boot_images()) };
    for (boot, platform, file, len) in [
        (bios, BootPlatform::Bios, "isolinux/isolinux.bin", 2_048),
        (efi, BootPlatform::Efi, "boot/efi.img", 51_200),
    ] {
        let extents = image.extents(file).expect("sound").expect("a file");
        assert_eq!(Some(boot.offset), extents[0].offset, "{file}");
        assert_eq!((boot.platform, boot.len, boot.bootable), (platform, len, true));
        assert_eq!(boot.emulation, Emulation::None);
    }
}

#[test]
fn xorriso_boot_catalogue() {
    boots("xorriso-boot", XORRISO, &[]);
}

#[test]
fn genisoimage_boot_catalogue() {
    boots("geniso-boot", "genisoimage", &["-quiet"]);
}

/// Counts what is read.
struct Counted(Disk, std::cell::Cell<u64>);

impl ReadAt for Counted {
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> std::io::Result<usize> {
        self.1.set(self.1.get() + buffer.len() as u64);
        self.0.read_at(offset, buffer)
    }

    fn size(&self) -> u64 {
        self.0.size()
    }
}

#[test]
fn a_file_is_looked_up_once_however_often_it_is_read() {
    let folder = folder("looked-up-once");
    put(&folder, "tree/MANY/FILE.BIN", &pattern(9_000, 3));
    run(&folder, "xorrisofs", &["-quiet", "-R", "-o", "x.iso", "tree"]);
    let disk = Counted(Disk::open(&folder.join("x.iso")), 0.into());
    let image = Image::open(disk).expect("an image");
    let file = image.file("MANY/FILE.BIN").expect("sound").expect("a file");
    assert_eq!(file.size(), 9_000);
    let before = image.source().1.get();
    let mut buffer = [0; 100];
    for part in 0..90 {
        assert_eq!(file.read_at(part * 100, &mut buffer).expect("read"), 100);
        assert_eq!(buffer, pattern(9_000, 3)[part as usize * 100..][..100]);
    }
    assert_eq!(image.source().1.get() - before, 9_000);
    assert!(image.file("MANY").expect("sound").is_none());
    assert!(image.file("NONE").expect("sound").is_none());
}
