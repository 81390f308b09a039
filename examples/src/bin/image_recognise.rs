//! Says what a boot image is and how it boots over the network, and what will not work.
//!
//! ```sh
//! cargo run -p pxe-examples --bin image_recognise -- debian-12.iso
//! cargo run -p pxe-examples --bin image_recognise -- ipxe.efi
//! ```
//!
//! A file `debian-12.iso.toml` or `debian-12.toml` beside it is taken too, as a server would.

use std::env;
use std::error::Error;
use std::fs::{self, File};
use std::path::Path;

use pxe_image::recognise::{ImageFacts, Overrides, Rules, recognise, recognise_file};
use pxe_image::{Cpu, Image, ImageError, ImageErrorKind, Seekable};

fn main() -> Result<(), Box<dyn Error>> {
    let path = env::args().nth(1).ok_or("usage: image_recognise IMAGE")?;
    let path = Path::new(&path);
    let disk = Seekable::new(File::open(path)?)?;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let rules = match beside(path) {
        Some(text) => Rules::built_in().overridden(Overrides::parse(&text)?),
        None => Rules::built_in(),
    };
    let found = match Image::open(&disk) {
        Ok(image) => recognise(&image, &ImageFacts::of(&name, &image), &rules),
        Err(ImageError { kind: ImageErrorKind::NotAnImage, .. }) => {
            recognise_file(&name, &disk, &rules)?
        }
        Err(error) => return Err(error.into()),
    };
    print!("{found}");
    for (machine, cpu, efi) in [
        ("a PC with BIOS", Cpu::X64, false),
        ("a PC with UEFI", Cpu::X64, true),
        ("a 64-bit ARM machine", Cpu::Arm64, true),
    ] {
        match found.bootable(cpu, efi) {
            Ok(entry) => println!("{machine} boots [{}]", entry.id),
            Err(why) => println!("{machine} does not boot it: {why}"),
        }
    }
    Ok(())
}

/// The file of the user's own that lies beside an image.
fn beside(image: &Path) -> Option<String> {
    let mut long = image.as_os_str().to_owned();
    long.push(".toml");
    fs::read_to_string(long).or_else(|_| fs::read_to_string(image.with_extension("toml"))).ok()
}
