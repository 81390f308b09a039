//! What this server has for a described machine: the real finder, with the images that matter looked at.

use std::sync::Arc;

use pxe_select::{Beside, Firmware, Policy};

use crate::config::{Config, Fault};
use crate::content::{self, Finder, Images, Loaders, Menus};
use crate::serve;

/// Images that are looked at for a menu, until one boots the machine; seconds each at worst.
const IMAGES_LOOKED_AT_MAX: usize = 64;

/// Finds files, images and menus as the server of this configuration would for one machine.
///
/// # Errors
/// Every fault of templates and secrets.
pub(super) fn finder(
    config: &Config,
    loaders: &Loaders,
    policy: &Policy,
    (mac, beside): ([u8; 6], Beside<'_>),
    firmware: Option<Firmware>,
) -> Result<(Finder, Arc<Images>), Vec<Fault>> {
    let (menus, secrets) = match (Menus::load(config), serve::secrets(config)) {
        (Ok(menus), Ok(secrets)) => (menus, secrets),
        (menus, secrets) => {
            let lists = [menus.err(), secrets.err()];
            return Err(lists.into_iter().flatten().flatten().collect());
        }
    };
    let images = Images::new(config.images.clone()).kept_in(&config.state);
    match policy.image_of(&mac, beside) {
        Some(name) => images.look_at(|other| other == name, |_| false, 1),
        None => {
            let boots = |known: &_| {
                firmware.is_none_or(|it| content::bootable(known, it).is_none_or(|it| it.is_ok()))
            };
            images.look_at(|_| true, boots, IMAGES_LOOKED_AT_MAX);
        }
    }
    let images = Arc::new(images);
    let shared = content::Shared::new(loaders.clone()).with_images(Arc::clone(&images));
    shared.set_menus(menus);
    serve::set_seeds(config, secrets, &shared);
    let shared = match config.tftp.ignore_case {
        true => shared.ignoring_case(),
        false => shared,
    };
    Ok((Finder::new(config.root.clone(), Arc::new(shared)), images))
}
