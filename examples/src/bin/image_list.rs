//! Lists a boot image, or tells where in it the bytes of one file lie.
//!
//! ```sh
//! cargo run -p pxe-examples --bin image_list -- debian.iso
//! cargo run -p pxe-examples --bin image_list -- debian.iso install.amd/vmlinuz
//! ```

use std::env;
use std::error::Error;
use std::fs::File;

use pxe_image::{Image, NodeKind, Seekable, Tree};

fn main() -> Result<(), Box<dyn Error>> {
    let mut words = env::args().skip(1);
    let path = words.next().ok_or("usage: image_list IMAGE [FILE-INSIDE]")?;
    // The library opens no files: it reads what can be read at an offset.
    let image = Image::open(Seekable::new(File::open(&path)?)?)?;
    match words.next() {
        Some(inside) => ranges(&image, &inside),
        None => all(&image),
    }
}

fn ranges(image: &Image<Seekable<File>>, inside: &str) -> Result<(), Box<dyn Error>> {
    let extents = image.extents(inside)?.ok_or_else(|| format!("{inside} is no file"))?;
    for extent in extents {
        match extent.offset {
            Some(offset) => println!("{} bytes at {offset}", extent.len),
            None => println!("{} zeros", extent.len),
        }
    }
    Ok(())
}

fn all(image: &Image<Seekable<File>>) -> Result<(), Box<dyn Error>> {
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
