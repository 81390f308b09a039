//! Which images boot on which firmware.

use std::sync::Arc;

use pxe_image::recognise::Recognition;
use pxe_select::Firmware;

use super::facts::ImageSeen;
use crate::config::Config;
use crate::content::{Finder, Images, Loaders, Shared, State, bootable, starts_on};

/// Images that are looked at beside those that a server keeps in its state folder; reading their initrds takes seconds each.
pub const IMAGES_LOOKED_AT_MAX: usize = 64;

/// The machines that images are for.
const MACHINES: [Firmware; 3] = [Firmware::Bios, Firmware::X64Uefi, Firmware::Arm64Uefi];

/// Looks at every image in the folder of images, as the server that serves them recognises them.
pub(super) fn look(config: &Config, loaders: &Loaders) -> Vec<ImageSeen> {
    let images = Images::new(config.images.clone()).kept_in(&config.state);
    let catalogue = images.recognise_all(IMAGES_LOOKED_AT_MAX);
    // What needs a file that the root lacks boots nowhere.
    let shared = Arc::new(Shared::new(loaders.clone()));
    let catalogue = Finder::new(config.root.clone(), shared).offered_here(Arc::new(catalogue));
    let seen = catalogue.images.iter().filter_map(|(name, info)| match &info.state {
        State::Ready { recognition: Some(known), .. } => Some(judged(name.clone(), known)),
        State::Broken(why) => Some(broken(name.clone(), &format!("it {why}"))),
        State::Arriving => Some(broken(name.clone(), "it was written to a moment ago")),
        State::Ready { recognition: None, .. } => None,
    });
    seen.collect()
}

fn broken(name: String, why: &str) -> ImageSeen {
    let not = MACHINES.iter().map(|firmware| (*firmware, why.to_owned())).collect();
    let title = "unknown".to_owned();
    let (boots, by_ram_disk, warnings) = (Vec::new(), Vec::new(), Vec::new());
    ImageSeen { title, name, boots, not, by_ram_disk, warnings }
}

fn judged(name: String, known: &Recognition) -> ImageSeen {
    let (mut boots, mut not) = (Vec::new(), Vec::new());
    for firmware in MACHINES {
        match bootable(known, firmware) {
            Some(Ok(())) => boots.push(firmware),
            Some(Err(why)) => not.push((firmware, why)),
            None => {}
        }
    }
    let (title, warnings) = (known.title.clone(), known.warnings.clone());
    let by_ram_disk = starts_on(&name, known);
    ImageSeen { name, title, boots, not, by_ram_disk, warnings }
}
