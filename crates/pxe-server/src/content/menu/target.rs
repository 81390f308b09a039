//! What one machine boots by its host entry.

use pxe_image::menu::{Menu, MenuItem, Mode};
use pxe_image::{BootEntry, Cpu, How, Initrd, Piece};
use pxe_select::Target;

use super::{CatalogueItem, Offer, is_meant, items as all_items};
use crate::content::images::unfit;

/// The entry that a host entry writes down itself.
pub(super) fn entry(target: &Target) -> Option<BootEntry> {
    let Target::Linux { kernel, initrds, cmdline } = target else { return None };
    let how = How::Linux {
        kernel: piece(kernel),
        initrds: initrds.iter().map(|initrd| Initrd::new(piece(initrd))).collect(),
        cmdline: cmdline.clone(),
    };
    let mut it = BootEntry::new("own", kernel.clone(), how);
    // Whoever wrote it down for this machine knows what runs on it.
    it.cpus = Cpu::ALL.to_vec();
    Some(it)
}

fn piece(text: &str) -> Piece {
    if Target::is_url(text) { Piece::Url(text.to_owned()) } else { Piece::Root(text.to_owned()) }
}

/// Puts the entries that come into question into the menu.
pub(super) fn fill<'m>(
    menu: &mut Menu<'m>,
    target: &Target,
    own: Option<&'m BootEntry>,
    offer: &Offer<'m>,
) {
    let Target::Image(image) = target else {
        menu.items = own.map(MenuItem::new).into_iter().collect();
        return;
    };
    menu.items = all_items(offer.catalogue, &[]);
    if image.contains('#') {
        let whole = offer
            .catalogue
            .iter()
            .filter_map(|item| Some(MenuItem::of_image(item.as_ref(), item.ram_disk()?)));
        menu.items.extend(whole);
    }
    menu.items.retain(|item| is_meant(item, image));
    if !menu.items.is_empty() {
        return;
    }
    if offer.target_is_awaited {
        menu.awaited = Some(image_name(image).to_owned());
        return;
    }
    let name = image_name(image);
    match offer.catalogue.iter().find(|item| item.name == name) {
        Some(item) if !item.lacking.is_empty() => menu.remarks.extend_from_slice(&item.lacking),
        Some(item) => menu.remarks.push(unknown(image, item)),
        None => {
            let broken = offer.images.images.get(name).and_then(|it| unfit(name, it, None));
            menu.remarks.push(broken.unwrap_or_else(|| format!("there is no image {name}")));
        }
    }
}

/// The words for an image, or an entry of it, of which nothing is known.
fn unknown(image: &str, item: &CatalogueItem<'_>) -> String {
    let ids: Vec<&str> = item.entries.iter().map(|entry| &*entry.id).collect();
    match image.split_once('#') {
        Some((name, entry)) if !ids.is_empty() => {
            format!("{name} has no entry {entry}, but {}", ids.join(", "))
        }
        _ => format!("nothing is known of how {image} boots"),
    }
}

/// The image that a text of the configuration names, with an entry of it or without.
pub(in crate::content) fn image_name(text: &str) -> &str {
    text.split_once('#').map_or(text, |(name, _)| name)
}

pub(super) fn mode(target: &Target, base: &str) -> Mode {
    match target {
        Target::Local => Mode::Local,
        Target::Script(script) if Target::is_url(script) => Mode::Script(script.clone()),
        Target::Script(script) => Mode::Script(format!("{base}{}", script.replace(' ', "%20"))),
        _ => Mode::Boot,
    }
}
