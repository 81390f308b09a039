//! Which images boot on which firmware.

use std::path::{Path, PathBuf};

use pxe_image::recognise::{ImageFacts, Recognition, Rules, recognise, recognise_file};
use pxe_image::{BootPlatform, Image, ImageErrorKind, ReadAt};
use pxe_select::Firmware;

use super::facts::{ImageSeen, cpu};
use super::local::Source;
use crate::config::Config;

/// Images that are looked at; reading their initrds takes seconds each.
pub const IMAGES_LOOKED_AT_MAX: usize = 64;

/// The machines that images are for.
const MACHINES: [Firmware; 3] = [Firmware::Bios, Firmware::X64Uefi, Firmware::Arm64Uefi];
const EXTENSIONS: [&str; 4] = ["iso", "img", "wim", "efi"];

/// Looks at every image in the folder of images.
pub(super) fn look(config: &Config) -> Vec<ImageSeen> {
    // Beside the configuration, as every relative path.
    let folder = config.file.as_deref().and_then(Path::parent).unwrap_or_else(|| Path::new(""));
    look_in(&folder.join("images"))
}

fn look_in(folder: &Path) -> Vec<ImageSeen> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let is_image = |path: &PathBuf| {
        let end = path.extension().and_then(|end| end.to_str()).unwrap_or_default();
        EXTENSIONS.contains(&end.to_ascii_lowercase().as_str()) && path.is_file()
    };
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    paths.retain(is_image);
    paths.sort();
    paths.truncate(IMAGES_LOOKED_AT_MAX);
    paths.iter().map(|path| one(path)).collect()
}

fn one(path: &Path) -> ImageSeen {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    match recognition(&name, path) {
        Ok(known) => judged(name, &known),
        Err(why) => {
            let not = MACHINES.iter().map(|firmware| (*firmware, why.clone())).collect();
            ImageSeen { title: "unknown".to_owned(), name, boots: Vec::new(), not }
        }
    }
}

fn judged(name: String, known: &Recognition) -> ImageSeen {
    let (mut boots, mut not) = (Vec::new(), Vec::new());
    for firmware in MACHINES {
        let Some(cpu) = cpu(firmware) else { continue };
        match known.bootable(cpu, firmware.is_uefi()) {
            Ok(_) => boots.push(firmware),
            Err(why) => not.push((firmware, why)),
        }
    }
    ImageSeen { name, title: known.title.clone(), boots, not }
}

fn recognition(name: &str, path: &Path) -> Result<Recognition, String> {
    let unreadable = |error: std::io::Error| format!("it cannot be read: {error}");
    let source = Source::open(path).map_err(unreadable)?;
    let rules = Rules::built_in();
    match Image::open(&source) {
        Ok(image) => Ok(recognise(&image, &facts(name, &image), &rules)),
        Err(error) if matches!(error.kind, ImageErrorKind::NotAnImage) => {
            recognise_file(name, &source, &rules).map_err(unreadable)
        }
        Err(error) => Err(format!("it is broken: {error}")),
    }
}

fn facts<R: ReadAt>(name: &str, image: &Image<R>) -> ImageFacts {
    let said = image.facts();
    let has = |platform| image.boot_images().iter().any(|boot| boot.platform == platform);
    ImageFacts {
        name: name.to_owned(),
        size: image.source().size(),
        label: said.volume_id.clone(),
        publisher: said.publisher.clone(),
        application: said.application.clone(),
        udf: said.formats.udf.is_some(),
        boots_bios: has(BootPlatform::Bios),
        boots_efi: has(BootPlatform::Efi),
    }
}
