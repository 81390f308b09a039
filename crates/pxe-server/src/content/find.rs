//! What a name stands for, whoever asks: a file of the root, one of the system's packages, or a text made up.

use core::net::IpAddr;
use std::fs::{File, Metadata};
use std::path::PathBuf;
use std::sync::Arc;
#[cfg(feature = "http")]
use std::sync::PoisonError;

use pxe_select::{Generated, Target};

use super::images::{Catalogue, State};
use super::listing::{self, Listing};
#[cfg(feature = "http")]
use super::menu::Unlock;
use super::menu::target::image_name;
use super::menu::{CatalogueItem, Offer};
use super::open::Content;
use super::root::{self, Root};
use super::uploads::Uploads;
use super::{Shared, images};
use crate::engine::{ContentError, Recipient, hyphenated};

/// The installation script of VMware ESXi among the files that are made for a machine.
const KICKSTART: &str = "ks.cfg";
/// What names of images begin with.
pub(crate) const IMAGES: &[u8] = b"images/";

/// Where the links in a generated text lead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Links {
    /// What a name beneath the root is put behind to make a URL of it.
    pub(crate) base: String,
    /// Our address as the client reaches it, written as in a URL.
    pub(crate) server: String,
    /// The text goes by HTTP, so its reader has that.
    pub(crate) over_http: bool,
}

/// A text that is made up.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Made<'r> {
    /// Which.
    pub(crate) generated: Generated,
    /// Whether it is made even if there is such a file.
    pub(crate) goes_first: bool,
    /// For whom.
    pub(crate) recipient: &'r Recipient,
}

impl Links {
    pub(crate) fn tftp(server: IpAddr, port: u16) -> Self {
        let server = host(server);
        let base = match port {
            69 => format!("tftp://{server}/"),
            port => format!("tftp://{server}:{port}/"),
        };
        Self { base, server, over_http: false }
    }
}

/// An address as it stands in a URL.
pub(crate) fn host(address: IpAddr) -> String {
    match address {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => format!("[{address}]"),
    }
}

/// Finds what a name stands for.
#[derive(Debug)]
pub struct Finder {
    root: Root,
    shared: Arc<Shared>,
}

impl Finder {
    /// Beneath `root`, and among the system's loaders where the root lacks them.
    pub fn new(root: PathBuf, shared: Arc<Shared>) -> Self {
        Self { root: Root::new(root), shared }
    }

    /// Opens what `name`, normalised, stands for. May wait for a disk.
    pub(crate) fn find(
        &self,
        name: &[u8],
        made: Option<Made<'_>>,
        links: &Links,
    ) -> Result<Content, ContentError> {
        if let Some(made) = made.filter(|made| made.goes_first) {
            return self.made(&made, links);
        }
        match self.root.open(name, self.shared.cases.as_ref()) {
            Ok((file, metadata)) => return Ok(self.content(file, &metadata)),
            Err(ContentError::NotFound) => {}
            Err(error) => return Err(error),
        }
        match self.find_image(name, links) {
            Err(ContentError::NotFound) => {}
            found => return found,
        }
        if let Some(path) = self.shared.loaders().system_file(name) {
            let (file, metadata) = root::open_system(path)?;
            return Ok(self.content(file, &metadata));
        }
        self.made(&made.ok_or(ContentError::NotFound)?, links)
    }

    fn made(&self, made: &Made<'_>, links: &Links) -> Result<Content, ContentError> {
        let listing = match made.recipient.target {
            Some(_) => Listing::default(),
            None => self.root.folder().map(|root| listing::read(&root)).unwrap_or_default(),
        };
        let images = self.shared.images.as_ref().map(|images| images.catalogue());
        let images = images.unwrap_or_default();
        let catalogue = self.offered(&images, made.recipient);
        let target_is_awaited =
            made.recipient.target.as_ref().is_some_and(|target| self.awaits(target));
        let loaders = self.shared.loaders();
        let offer = Offer {
            catalogue: &catalogue,
            images: &images,
            listing: &listing,
            loaders: &loaders,
            target_is_awaited,
        };
        let text = self.shared.menus().text(made.generated, made.recipient, &offer, links);
        match text.ok_or(ContentError::NotFound)? {
            Ok((text, shortfall)) => Ok(Content::made_up(text.into_bytes().into(), shortfall)),
            Err(fault) => Err(ContentError::Unavailable(fault.to_string())),
        }
    }

    /// Whether a machine is to boot an image that is there, and of which it is not known yet what it is.
    fn awaits(&self, target: &Target) -> bool {
        let (Target::Image(image), Some(images)) = (target, &self.shared.images) else {
            return false;
        };
        let name = image_name(image);
        let catalogue = images.catalogue();
        match catalogue.images.get(name).map(|info| &info.state) {
            Some(State::Arriving | State::Ready { recognition: None, .. }) => true,
            Some(_) => false,
            None => !catalogue.truncated && images.find(name.as_bytes()).is_ok(),
        }
    }

    /// The images as menus offer them: what needs a file that the root lacks, or that is not made for this machine, is
    /// left out.
    fn offered<'c>(&self, images: &'c Catalogue, recipient: &Recipient) -> Vec<CatalogueItem<'c>> {
        let only = match &recipient.target {
            Some(Target::Image(image)) => Some(image_name(image)),
            Some(_) => return Vec::new(),
            None => None,
        };
        let mut items = CatalogueItem::all(images, only, |name| self.is_there(name.as_bytes()));
        let is_made = self.is_made(recipient.mac);
        for item in &mut items {
            item.without_seeds(&is_made);
        }
        items
    }

    /// Whether the root, or a package of the system, has a file.
    fn is_there(&self, name: &[u8]) -> bool {
        self.root.open(name, self.shared.cases.as_ref()).is_ok()
            || self.shared.loaders().system_file(name).is_some()
    }

    /// Which files are made for a machine.
    #[cfg(feature = "http")]
    fn is_made(&self, mac: Option<[u8; 6]>) -> impl Fn(&str) -> bool + use<> {
        let seeds = self.seeds();
        move |name| mac.is_some_and(|mac| seeds.has(mac, name))
    }

    /// Without HTTP none is.
    #[cfg(not(feature = "http"))]
    fn is_made(&self, _: Option<[u8; 6]>) -> impl Fn(&str) -> bool + use<> {
        |_: &str| false
    }

    /// Whether this is the password that opens the menu. Takes a while.
    #[cfg(feature = "http")]
    pub(crate) fn unlock(&self, password: &[u8]) -> Unlock {
        self.shared.menus().unlock(password)
    }

    /// Opens an image, or a file inside one, by its normalised name: `images/debian.iso/files/install/vmlinuz`. May wait
    /// for a disk.
    pub(crate) fn find_image(&self, name: &[u8], links: &Links) -> Result<Content, ContentError> {
        let name = name.strip_prefix(IMAGES).ok_or(ContentError::NotFound)?;
        let images = self.shared.images.as_ref().ok_or(ContentError::NotFound)?;
        Ok(match images.find(name)? {
            images::Asked::Whole(file, metadata) => self.content(file, &metadata),
            images::Asked::Inside(content) => content,
            images::Asked::BootCfg { image, own, mac } => {
                let is_made = self.is_made(mac);
                let mac = mac.filter(|_| is_made(KICKSTART));
                let script = mac.map(|mac| format!("{}/{KICKSTART}", hyphenated(mac)));
                let text = self.shared.menus().boot_cfg(&own, &image, script.as_deref(), links);
                let text = text.map_err(|error| ContentError::Refused(error.to_string()))?;
                Content::generated(text.into_bytes().into())
            }
        })
    }

    /// What the folder of images held last, and of that what can be offered with what the root holds now. May wait for a
    /// disk.
    #[cfg(feature = "http")]
    pub(crate) fn catalogue(&self) -> Arc<Catalogue> {
        let images = self.shared.images.as_ref().map(|images| images.catalogue());
        self.offered_here(images.unwrap_or_default())
    }

    /// Of these images what can be offered with what the root holds now. May wait for a disk.
    pub(crate) fn offered_here(&self, mut catalogue: Arc<Catalogue>) -> Arc<Catalogue> {
        catalogue.leave_out_missing(|name| self.is_there(name.as_bytes()));
        catalogue
    }

    /// What is made for single machines.
    #[cfg(feature = "http")]
    pub(crate) fn seeds(&self) -> Arc<super::Seeds> {
        Arc::clone(&self.shared.seeds.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn content(&self, file: File, metadata: &Metadata) -> Content {
        match self.shared.cache.content(&file, metadata) {
            Some(bytes) => Content::in_memory(bytes, metadata),
            None => Content::on_disk(file, metadata),
        }
    }

    pub(super) fn uploads(&self) -> Option<&Uploads> {
        self.shared.uploads.as_ref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_tftp_port_is_in_the_links() {
        let base = |address: &str, port| Links::tftp(address.parse().expect("one"), port).base;
        assert_eq!(base("192.0.2.5", 69), "tftp://192.0.2.5/");
        assert_eq!(base("192.0.2.5", 1069), "tftp://192.0.2.5:1069/");
        assert_eq!(base("2001:db8::5", 69), "tftp://[2001:db8::5]/");
    }
}
