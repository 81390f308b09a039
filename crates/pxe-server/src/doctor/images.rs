//! Which images boot on which firmware.

use std::fs::File;
use std::path::{Path, PathBuf};

use pxe_image::recognise::Recognition;
use pxe_select::Firmware;

use super::facts::{ImageSeen, cpu};
use crate::config::Config;
use crate::content::{recognised, starts_on};

/// Images that are looked at; reading their initrds takes seconds each.
pub const IMAGES_LOOKED_AT_MAX: usize = 64;

/// The machines that images are for.
const MACHINES: [Firmware; 3] = [Firmware::Bios, Firmware::X64Uefi, Firmware::Arm64Uefi];
const EXTENSIONS: [&str; 4] = ["iso", "img", "wim", "efi"];

/// Looks at every image in the folder of images.
pub(super) fn look(config: &Config) -> Vec<ImageSeen> {
    let folder = &config.images;
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
            let (boots, by_ram_disk) = (Vec::new(), Vec::new());
            ImageSeen { title: "unknown".to_owned(), name, boots, not, by_ram_disk }
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
    let by_ram_disk = starts_on(&name, known);
    ImageSeen { name, title: known.title.clone(), boots, not, by_ram_disk }
}

/// As the server that serves it recognises it, with the file beside it.
fn recognition(name: &str, path: &Path) -> Result<Recognition, String> {
    let unreadable = |error: std::io::Error| format!("it cannot be read: {error}");
    let file = File::open(path).map_err(unreadable)?;
    let size = file.metadata().map_err(unreadable)?.len();
    let mut beside = path.as_os_str().to_owned();
    beside.push(".toml");
    let beside = std::fs::read_to_string(beside).ok();
    recognised(name, file, size, beside.as_deref()).map_err(|why| format!("it {why}"))
}
