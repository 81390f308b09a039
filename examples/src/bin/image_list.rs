//! Lists a boot image, or tells where in it the bytes of one file lie.
//!
//! ```sh
//! cargo run -p pxe-examples --bin image_list -- debian.iso
//! cargo run -p pxe-examples --bin image_list -- debian.iso install.amd/vmlinuz
//! ```

use std::error::Error;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::{env, io};

use pxe_image::{Image, NodeKind, ReadAt, Tree};

/// The library opens no files: it reads through this.
struct Disk {
    file: File,
    size: u64,
}

impl ReadAt for Disk {
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        FileExt::read_at(&self.file, buffer, offset)
    }

    fn size(&self) -> u64 {
        self.size
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut words = env::args().skip(1);
    let path = words.next().ok_or("usage: image_list IMAGE [FILE-INSIDE]")?;
    let file = File::open(&path)?;
    let size = file.metadata()?.len();
    let image = Image::open(Disk { file, size })?;
    match words.next() {
        Some(inside) => ranges(&image, &inside),
        None => all(&image),
    }
}

fn ranges(image: &Image<Disk>, inside: &str) -> Result<(), Box<dyn Error>> {
    let extents = image.extents(inside)?.ok_or_else(|| format!("{inside} is no file"))?;
    for extent in extents {
        match extent.offset {
            Some(offset) => println!("{} bytes at {offset}", extent.len),
            None => println!("{} zeros", extent.len),
        }
    }
    Ok(())
}

fn all(image: &Image<Disk>) -> Result<(), Box<dyn Error>> {
    println!("label {:?}, names of {:?}", image.label(), image.names_of());
    if image.missing_bytes() > 0 {
        println!("cut off: {} bytes are missing", image.missing_bytes());
    }
    for boot in image.boot_images() {
        println!("boots {:?}: {} bytes at {}", boot.platform, boot.len, boot.offset);
    }
    let mut folders = vec![String::new()];
    while let Some(folder) = folders.pop() {
        for item in image.list(&folder)? {
            let path = format!("{folder}/{}", item.name);
            match item.node.kind {
                NodeKind::Folder => folders.push(path),
                NodeKind::Link(to) => println!("{:>12} {path} -> {to}", "link"),
                _ => println!("{:>12} {path}", item.node.size),
            }
        }
    }
    Ok(())
}
