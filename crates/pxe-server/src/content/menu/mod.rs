//! The texts we make up: a menu of the images and of what lies in the root, or what one machine boots.
//!
//! The first entry and the time-out are the local disk, unless configured otherwise: a machine that nobody attends boots
//! as if we were not there.

mod client;
#[cfg(feature = "http")]
mod lock;
mod root;
mod shortfall;
pub(super) mod target;

use std::fs;
use std::io;

use pxe_image::BootEntry;
use pxe_image::esxi::{self, BootCfgError};
use pxe_image::menu::{ImageRef, Kind, Lock, Menu, MenuFault, MenuItem, Mode, Places, Renderer};
use pxe_image::recognise::Recognition;
use pxe_select::{Asker, Firmware, Generated};

use super::find::Links;
use super::images::{Catalogue, State};
use super::listing::Listing;
use super::loaders::Loaders;
use crate::config::{Config, Fault, MenuConfig};
use crate::engine::{Recipient, Shortfall};
#[cfg(feature = "http")]
pub(crate) use lock::Unlock;

/// An image that menus offer. Of what was recognised nothing is copied: all menus share it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct CatalogueItem<'c> {
    /// Its file name, which is also its name beneath `/images/`.
    pub(super) name: &'c str,
    /// What is known of it.
    recognition: &'c Recognition,
    /// The ways to boot it.
    pub(super) entries: Vec<&'c BootEntry>,
    /// What is not among the entries, for want of a file outside the image, and why.
    pub(super) lacking: Vec<String>,
}

/// Everything that may be offered.
pub(super) struct Offer<'o> {
    pub(super) catalogue: &'o [CatalogueItem<'o>],
    /// All that is known of images, also of those that cannot be offered.
    pub(super) images: &'o Catalogue,
    pub(super) listing: &'o Listing,
    /// What firmware is given: it lies in the root too, and is no system.
    pub(super) loaders: &'o Loaders,
    /// The image that this machine is to boot is there, and not yet looked at.
    pub(super) target_is_awaited: bool,
}

/// How menus are made.
#[derive(Debug, Default)]
pub struct Menus {
    renderer: Renderer,
    config: MenuConfig,
    /// What URLs of our HTTP server begin with, a `{server}` in it perhaps; `None` without HTTP.
    http: Option<String>,
}

impl Menus {
    /// With the configuration, and the user's templates where there are some.
    pub fn load(config: &Config) -> Result<Self, Vec<Fault>> {
        let mut renderer = Renderer::new();
        let mut faults = Vec::new();
        for kind in Kind::ALL {
            let path = config.templates.join(kind.file_name());
            let fault = |line: Option<usize>, problem: String| {
                let line = line.map(|line| format!(":{line}")).unwrap_or_default();
                let remedy = "docs/menus.md has the variables; without the file the built-in template is used";
                Fault::new(format!("{}{line}", path.display()), problem, remedy)
            };
            let text = match fs::read_to_string(&path) {
                Ok(text) => text,
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => {
                    faults.push(fault(None, format!("cannot be read: {error}")));
                    continue;
                }
            };
            match Renderer::new().with_template(kind, &text) {
                // It was tried: a second time it takes the place of the built-in one for good.
                Ok(_) => renderer = renderer.with_template(kind, &text).unwrap_or_default(),
                Err(found) => faults.push(fault(found.line, found.problem)),
            }
        }
        if !faults.is_empty() {
            return Err(faults);
        }
        let base = config.http.enabled.then(|| config.http.base(config.advertise));
        let http = base.and_then(|base| base.strip_suffix("/boot/").map(ToOwned::to_owned));
        Ok(Self { renderer, config: config.menu.clone(), http })
    }

    /// The text of this kind for whoever asks, and what should have been in it; `None` if there is no such kind.
    pub(super) fn text(
        &self,
        generated: Generated,
        recipient: &Recipient,
        offer: &Offer<'_>,
        links: &Links,
    ) -> Option<Result<(String, Option<Shortfall>), MenuFault>> {
        let kind = match generated {
            Generated::IpxeMenu => Kind::Ipxe,
            Generated::GrubConfig => Kind::Grub,
            Generated::PxelinuxConfig => Kind::Pxelinux,
            _ => return None,
        };
        let of_root = root::entries(offer.listing);
        let own = recipient.target.as_ref().and_then(target::entry);
        let places = self.places(kind, recipient, links);
        let mut menu = Menu::new(&self.config.title, places, client::of(kind, recipient));
        match &recipient.target {
            Some(target) => {
                target::fill(&mut menu, target, own.as_ref(), offer);
                menu.mode = target::mode(target, &links.base);
            }
            None => {
                menu.items = items(offer.catalogue, &of_root);
                menu.remarks.extend(offer.catalogue.iter().flat_map(|item| item.lacking.clone()));
                menu.mode = self.choice(kind, &mut menu);
                if let Some(password) = &self.config.password
                    && !recipient.said.unlocked
                {
                    menu.lock = Lock::Password { hash: &password.text };
                }
                if offer.listing.truncated {
                    menu.remarks.push("the root folder holds more than is shown here".to_owned());
                }
            }
        }
        menu.ask_again = self.ask_again(kind, &menu, recipient, links);
        let text = self.renderer.render(kind, &menu);
        Some(text.map(|text| (text, shortfall::of(kind, &menu, recipient, offer))))
    }

    /// People are asked; whoever does not answer gets the default.
    fn choice(&self, kind: Kind, menu: &mut Menu<'_>) -> Mode {
        let timeout_s = self.config.timeout_s;
        let Some(wanted) = &self.config.default else {
            return Mode::Choose { timeout_s, default: None };
        };
        let is_it =
            |item: &MenuItem<'_>| is_meant(item, &wanted.value) && item.fits(kind, &menu.client);
        let default = menu.items.iter().position(is_it);
        if default.is_none() {
            let remark =
                format!("menu.default is {}, which this machine cannot boot", wanted.value);
            menu.remarks.push(remark);
        }
        Mode::Choose { timeout_s, default }
    }

    /// Where the loader finds files, by the way by which it got this text.
    fn places(&self, kind: Kind, recipient: &Recipient, links: &Links) -> Places {
        let http = self.origin(links);
        match (kind, &http) {
            (Kind::Ipxe, _) => {
                let mut places = Places::new(links.base.clone());
                // A text that comes by TFTP may be for an iPXE that trusts no certificate of ours.
                places.images = match http.as_ref().filter(|it| links.over_http || is_plain(it)) {
                    Some(http) => Some(images(http)),
                    None if links.over_http => None,
                    None => Some(format!("{}images/", links.base)),
                };
                places.http = http;
                places.encoded = true;
                places
            }
            (Kind::Grub, Some(http)) if links.over_http => {
                Places::grub_over_http(http).unwrap_or_else(|| {
                    // Without TLS in GRUB, this is one that came by a device of its own.
                    let mut places = Places::new("/boot/");
                    places.http = Some(http.clone());
                    places.images = Some("/images/".to_owned());
                    places.encoded = true;
                    places
                })
            }
            (_, _) => {
                // PXELINUX puts its own folder before every other name.
                let is_pxelinux = recipient.asker == Asker::Pxelinux
                    || recipient.firmware == Some(Firmware::Bios);
                let root = if kind == Kind::Pxelinux && is_pxelinux { "::" } else { "/" };
                let mut places = Places::new(root);
                places.http = http;
                places.images = Some(format!("{root}images/"));
                places
            }
        }
    }

    /// VMware's `boot.cfg` for whoever asks by the way of these links; `script` is its installation script beneath our
    /// seeds, if it has one.
    pub(super) fn boot_cfg(
        &self,
        own: &[u8],
        image: &str,
        script: Option<&str>,
        links: &Links,
    ) -> Result<String, BootCfgError> {
        let http = self.origin(links);
        let script =
            http.as_ref().zip(script).map(|(http, script)| format!("{http}/seed/{script}"));
        // By TFTP it is PXELINUX that asks, and its own folder is not meant.
        let places = match http.filter(|_| links.over_http) {
            Some(http) => Places::over_http(&http),
            None => {
                let mut places = Places::new("::");
                places.images = Some("::images/".to_owned());
                places
            }
        };
        esxi::boot_cfg(own, &places, image, script.as_deref())
    }

    /// Our HTTP server for this machine, without a slash at its end.
    fn origin(&self, links: &Links) -> Option<String> {
        self.http.as_ref().map(|http| http.replace("{server}", &links.server))
    }

    /// Where a machine is sent that has not yet said who it is, if that could change what it is told.
    fn ask_again(
        &self,
        kind: Kind,
        menu: &Menu<'_>,
        recipient: &Recipient,
        links: &Links,
    ) -> Option<String> {
        let http = self.origin(links).filter(|http| links.over_http || is_plain(http))?;
        match kind {
            Kind::Ipxe if !recipient.said.is_given => {
                let needs_memory = menu.items.iter().any(|item| item.entry.memory_mib.is_some());
                // iPXE knows its machine's memory on BIOS alone.
                let is_of_use = recipient.mac.is_none()
                    || (needs_memory && recipient.firmware.is_none_or(|it| it == Firmware::Bios));
                is_of_use.then(|| format!("{http}/{}", pxe_select::names::IPXE_MENU_NAME))
            }
            Kind::Grub if !links.over_http => {
                let device = http.strip_prefix("http://")?;
                Some(format!("(http,{device})/{}", pxe_select::names::GRUB_MENU_NAME))
            }
            _ => None,
        }
    }

    /// Whether this is the password that opens the menu; of a menu without one nothing is.
    #[cfg(feature = "http")]
    pub(crate) fn unlock(&self, password: &[u8]) -> Unlock {
        self.config.password.as_ref().map_or(Unlock::No, |hash| lock::check(hash, password))
    }
}

fn is_plain(http: &str) -> bool {
    http.starts_with("http://")
}

fn images(http: &String) -> String {
    format!("{http}/images/")
}

/// Images first, as the catalogue has them, then what lies in the root.
fn items<'m>(catalogue: &'m [CatalogueItem<'m>], of_root: &'m [BootEntry]) -> Vec<MenuItem<'m>> {
    let of_images = catalogue.iter().flat_map(|item| {
        let image = item.as_ref();
        item.entries.iter().map(move |&entry| MenuItem::of_image(image, entry))
    });
    let of_root = of_root.iter().map(MenuItem::new);
    of_images.chain(of_root).collect()
}

impl<'c> CatalogueItem<'c> {
    /// Of every image that is known, or of one. What needs a file beneath the root that is not there is left out.
    pub(super) fn all(
        catalogue: &'c Catalogue,
        only: Option<&str>,
        is_there: impl Fn(&str) -> bool,
    ) -> Vec<Self> {
        let images: Box<dyn Iterator<Item = _>> = match only {
            Some(name) => Box::new(catalogue.images.get_key_value(name).into_iter()),
            None => Box::new(catalogue.images.iter()),
        };
        images
            .filter_map(|(name, info)| match &info.state {
                State::Ready { recognition: Some(recognition), .. } => {
                    Some(Self::of(name, recognition, &is_there))
                }
                _ => None,
            })
            .collect()
    }

    fn of(name: &'c str, recognition: &'c Recognition, is_there: impl Fn(&str) -> bool) -> Self {
        let mut lacking = Vec::new();
        let whole = recognition.entries.iter().filter(|entry| {
            let lost = entry.missing(&is_there);
            let is_whole = lost.is_none();
            lacking.extend(lost);
            is_whole
        });
        let entries = whole.collect();
        Self { name, recognition, entries, lacking }
    }

    /// Leaves out the entries that need files made for the machine, where these are not made for it.
    pub(super) fn without_seeds(&mut self, is_made: impl Fn(&str) -> bool) {
        let Self { entries, lacking, .. } = self;
        entries.retain(|entry| {
            let lost = entry.seed_files().into_iter().find(|name| !is_made(name));
            if let Some(name) = lost {
                let what = if name.is_empty() { "files" } else { name };
                lacking.push(format!(
                    "{:?} is not offered: {what} for this machine alone, its seed, is not there (docs/machines.md)",
                    entry.title
                ));
            }
            lost.is_none()
        });
    }

    /// The image as a whole, where UEFI firmware finds a loader in it.
    fn ram_disk(&self) -> Option<&'c BootEntry> {
        self.recognition.ram_disk.as_ref()
    }

    fn as_ref(&self) -> ImageRef<'c> {
        ImageRef::new(self.name, &self.recognition.title).with_shims(&self.recognition.shims)
    }
}

/// Whether a text of the configuration names this item: `image`, `image#entry`, or a path beneath the root.
fn is_meant(item: &MenuItem<'_>, text: &str) -> bool {
    let Some(image) = item.image else { return item.entry.title == text };
    match text.split_once('#') {
        Some((name, entry)) => image.name == name && item.entry.id == entry,
        None => image.name == text,
    }
}

#[cfg(test)]
mod tests;
