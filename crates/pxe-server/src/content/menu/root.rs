//! What lies in the root, as entries of menus.

use pxe_image::{BootEntry, How, Initrd, Piece, Platforms};

use crate::content::listing::{Entry, Kind, Listing};

pub(super) fn entries(listing: &Listing) -> Vec<BootEntry> {
    listing.entries.iter().map(entry).collect()
}

fn entry(found: &Entry) -> BootEntry {
    let piece = |path: &str| Piece::Root(path.to_owned());
    let chain = || How::Chain { program: piece(&found.path), arguments: String::new() };
    let mut cpus = Vec::new();
    let (platforms, how) = match &found.kind {
        Kind::Script => (Platforms::ANY, chain()),
        Kind::Bios => (Platforms::BIOS, chain()),
        Kind::Efi(cpu) => {
            cpus.extend(*cpu);
            (Platforms::EFI, chain())
        }
        Kind::Linux { initrd } => {
            let initrd = Initrd::new(piece(initrd));
            let kernel = piece(&found.path);
            let how = How::Linux { kernel, initrds: vec![initrd], cmdline: String::new() };
            (Platforms::ANY, how)
        }
    };
    let mut it = BootEntry::new(found.path.clone(), found.path.clone(), how);
    it.cpus = cpus;
    it.platforms = platforms;
    it
}
