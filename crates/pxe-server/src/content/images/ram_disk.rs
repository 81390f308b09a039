//! Which firmware starts an image by itself, from memory (UEFI HTTP Boot).

use pxe_image::recognise::Recognition;
use pxe_image::{Cpu, Image, uefi_loaders};
use pxe_select::{Firmware, RamDisk};

use super::{Images, Source, State};
use crate::content::cpu::http_firmware;
use crate::engine;

/// What firmware takes as a CD or disk, by the content type that goes with the name (`http::media`).
const EXTENSIONS: [&str; 2] = [".iso", ".img"];

/// The firmware of these processors that boots by HTTP.
pub(crate) fn firmware(cpus: &[Cpu]) -> impl Iterator<Item = Firmware> + '_ {
    cpus.iter().copied().filter_map(http_firmware)
}

/// The firmware that starts an image of this name by itself.
pub(crate) fn starts_on(name: &str, known: &Recognition) -> Vec<Firmware> {
    let cpus = known.ram_disk.as_ref().map_or(&[][..], |entry| &entry.cpus);
    if is_disk(name) { firmware(cpus).collect() } else { Vec::new() }
}

fn is_disk(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    EXTENSIONS.iter().any(|end| name.ends_with(end))
}

fn known(firmware: Vec<Firmware>) -> RamDisk {
    match firmware.is_empty() {
        true => RamDisk::Unknown,
        false => RamDisk::StartsOn(firmware.into_iter().collect()),
    }
}

/// As the last look at the folder has it: nobody who answers DHCP waits for a disk.
impl engine::Images for Images {
    fn ram_disk(&self, name: &str) -> RamDisk {
        match self.catalogue().images.get(name).map(|info| &info.state) {
            Some(State::Arriving | State::Ready { recognition: None, .. }) => RamDisk::Awaited,
            Some(State::Ready { recognition: Some(it), .. }) => known(starts_on(name, it)),
            Some(State::Broken(_)) | None => RamDisk::Unknown,
        }
    }
}

/// The same for who may wait, and has no catalogue: looks into the image when asked.
#[derive(Debug)]
pub struct ImagesAsked(pub Images);

impl engine::Images for ImagesAsked {
    fn ram_disk(&self, name: &str) -> RamDisk {
        let opened = self.0.root.open(name.as_bytes(), None);
        let Some((file, metadata)) = opened.ok().filter(|_| is_disk(name)) else {
            return RamDisk::Unknown;
        };
        let source = Source::new(file, metadata.len());
        let cpus = match Image::open(&source) {
            Ok(image) => uefi_loaders(&source, image.boot_images()),
            Err(_) => uefi_loaders(&source, &[]),
        };
        known(firmware(&cpus).collect())
    }
}
