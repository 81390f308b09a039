//! What one machine boots by its host entry.

use pxe_image::menu::{MenuItem, Mode};
use pxe_image::{BootEntry, Cpu, How, Initrd, Piece, Platforms};
use pxe_select::Target;

use super::{CatalogueItem, is_meant, items as all_items};

/// The entry that a host entry writes down itself.
pub(super) fn entry(target: &Target) -> Option<BootEntry> {
    let Target::Linux { kernel, initrds, cmdline } = target else { return None };
    let initrds =
        initrds.iter().map(|initrd| Initrd { piece: piece(initrd), path: None, mode: None });
    Some(BootEntry {
        id: "own".to_owned(),
        title: kernel.clone(),
        // Whoever wrote it down for this machine knows what runs on it.
        cpus: Cpu::ALL.to_vec(),
        platforms: Platforms::ANY,
        memory_mib: None,
        how: How::Linux {
            kernel: piece(kernel),
            initrds: initrds.collect(),
            cmdline: cmdline.clone(),
        },
        note: String::new(),
    })
}

fn piece(text: &str) -> Piece {
    if Target::is_url(text) { Piece::Url(text.to_owned()) } else { Piece::Root(text.to_owned()) }
}

/// The entries that come into question.
pub(super) fn items<'m>(
    target: &Target,
    own: Option<&'m BootEntry>,
    catalogue: &'m [CatalogueItem],
    remarks: &mut Vec<String>,
) -> Vec<MenuItem<'m>> {
    let Target::Image(image) = target else {
        return own.map(|entry| MenuItem { image: None, entry }).into_iter().collect();
    };
    let mut found = all_items(catalogue, &[]);
    found.retain(|item| is_meant(item, image));
    if found.is_empty() {
        let name = image.split_once('#').map_or(&**image, |(name, _)| name);
        match catalogue.iter().find(|item| item.name == name) {
            Some(item) if item.lacking.is_empty() => {
                remarks.push(format!("nothing is known of how {image} boots"));
            }
            Some(item) => remarks.extend_from_slice(&item.lacking),
            None => {
                remarks.push(format!("there is no image {image}, or nothing is known of it yet"))
            }
        }
    }
    found
}

pub(super) fn mode(target: &Target, base: &str) -> Mode {
    match target {
        Target::Local => Mode::Local,
        Target::Script(script) if Target::is_url(script) => Mode::Script(script.clone()),
        Target::Script(script) => Mode::Script(format!("{base}{}", script.replace(' ', "%20"))),
        _ => Mode::Boot,
    }
}
