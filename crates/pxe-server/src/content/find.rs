//! What a name stands for, whoever asks: a file of the root, one of the system's packages, or a text made up.

use core::net::IpAddr;
use std::fs::{File, Metadata};
use std::path::PathBuf;
use std::sync::Arc;
#[cfg(feature = "http")]
use std::sync::PoisonError;

use pxe_select::Generated;

#[cfg(feature = "http")]
use super::images::Catalogue;
use super::open::Content;
use super::root::{self, Root};
use super::uploads::Uploads;
use super::{Shared, images, listing, menu};
use crate::engine::ContentError;

/// What names of images begin with.
pub(crate) const IMAGES: &[u8] = b"images/";

/// Where the links in a generated text lead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Links {
    /// What a name beneath the root is put behind to make a URL of it.
    pub(crate) base: String,
    /// The same on the device that a text came from, for GRUB.
    pub(crate) path: &'static str,
}

impl Links {
    pub(crate) fn tftp(server: IpAddr, port: u16) -> Self {
        let host = host(server);
        let base = match port {
            69 => format!("tftp://{host}/"),
            port => format!("tftp://{host}:{port}/"),
        };
        Self { base, path: "/" }
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
        generated: Option<Generated>,
        links: &Links,
    ) -> Result<Content, ContentError> {
        match self.root.open(name, self.shared.cases.as_ref()) {
            Ok((file, metadata)) => return Ok(self.content(file, &metadata)),
            Err(ContentError::NotFound) => {}
            Err(error) => return Err(error),
        }
        match self.find_image(name) {
            Err(ContentError::NotFound) => {}
            found => return found,
        }
        if let Some(path) = self.shared.loaders().system_file(name) {
            let (file, metadata) = root::open_system(path)?;
            return Ok(self.content(file, &metadata));
        }
        let generated = generated.ok_or(ContentError::NotFound)?;
        let listing = self.root.folder().map(listing::read).unwrap_or_default();
        let text = match generated {
            Generated::IpxeMenu => menu::ipxe(&listing, &links.base),
            Generated::GrubConfig => menu::grub(&listing, links.path),
            _ => return Err(ContentError::NotFound),
        };
        Ok(Content::generated(text.into_bytes().into()))
    }

    /// Opens an image, or a file inside one, by its normalised name: `images/debian.iso/files/install/vmlinuz`. May wait
    /// for a disk.
    pub(crate) fn find_image(&self, name: &[u8]) -> Result<Content, ContentError> {
        let name = name.strip_prefix(IMAGES).ok_or(ContentError::NotFound)?;
        let images = self.shared.images.as_ref().ok_or(ContentError::NotFound)?;
        Ok(match images.find(name)? {
            images::Asked::Whole(file, metadata) => self.content(file, &metadata),
            images::Asked::Inside(content) => content,
        })
    }

    /// What the folder of images held last.
    #[cfg(feature = "http")]
    pub(crate) fn catalogue(&self) -> Arc<Catalogue> {
        self.shared.images.as_ref().map(|images| images.catalogue()).unwrap_or_default()
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
