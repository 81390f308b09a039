//! An image of any format that is read.

pub(crate) mod boot;
pub(crate) mod disc;
pub(crate) mod facts;
pub(crate) mod stream;
pub(crate) mod walk;

use crate::error::{ImageError, ImageErrorKind};
use crate::iso::{self, Iso};
use crate::source::ReadAt;
use crate::tree::{Extent, Item, Node, Tree};
use boot::BootImage;
use disc::{Disc, fault};
use facts::{Facts, NamesOf};

/// An ISO 9660 or UDF image, read in place.
///
/// Of several trees the one with the best names is read: UDF, else Rock Ridge, else Joliet, else ISO 9660 alone. It keeps
/// no state between calls, so it is as much [`Send`] and [`Sync`] as its source.
#[derive(Debug)]
pub struct Image<R> {
    source: R,
    facts: Facts,
    boot_images: Vec<BootImage>,
    volume: Volume,
}

#[derive(Debug)]
enum Volume {
    Iso(Iso),
}

impl<R: ReadAt> Image<R> {
    /// Finds out what an image is. Reads some hundred kilobytes at most.
    ///
    /// # Errors
    /// [`NotAnImage`](ImageErrorKind::NotAnImage) if it is something else, and what is wrong with it otherwise. An image
    /// that was cut off opens as long as its start is there: see [`Self::missing_bytes`].
    pub fn open(source: R) -> Result<Self, ImageError> {
        let disc = Disc::new(&source);
        let announced = iso::Announced::read(disc)?;
        let Some(found) = announced.descriptors()? else {
            return Err(fault(0, ImageErrorKind::NotAnImage));
        };
        let tree = Iso::open(disc, &found)?;
        let mut facts = found.facts.clone();
        facts.formats.iso9660 = true;
        facts.formats.rock_ridge = matches!(tree.names(), iso::Names::RockRidge { .. });
        facts.formats.joliet = found.has_joliet();
        // What does not boot as a CD can still be read.
        let boot_images = iso::boot_images(disc, &found).unwrap_or_default();
        facts.formats.el_torito = found.has_boot_catalogue();
        Ok(Self { source, facts, boot_images, volume: Volume::Iso(tree) })
    }

    /// What it says of itself.
    #[must_use]
    pub fn facts(&self) -> &Facts {
        &self.facts
    }

    /// Whose names are read.
    #[must_use]
    pub fn names_of(&self) -> NamesOf {
        match &self.volume {
            Volume::Iso(iso) => match iso.names() {
                iso::Names::RockRidge { .. } => NamesOf::RockRidge,
                iso::Names::Joliet => NamesOf::Joliet,
                iso::Names::Plain => NamesOf::Iso9660,
            },
        }
    }

    /// What firmware would boot from it as a CD; those with a place within the image.
    #[must_use]
    pub fn boot_images(&self) -> &[BootImage] {
        &self.boot_images
    }

    /// How many bytes it lacks to be as long as it says; 0 if it is whole. If not, it was most likely cut off, and files
    /// that lie in the missing part cannot be read.
    #[must_use]
    pub fn missing_bytes(&self) -> u64 {
        self.facts.volume_bytes.saturating_sub(self.source.size())
    }

    /// Where its bytes come from.
    #[must_use]
    pub fn source(&self) -> &R {
        &self.source
    }

    /// Gives back where its bytes come from.
    #[must_use]
    pub fn into_source(self) -> R {
        self.source
    }

    fn disc(&self) -> Disc<'_> {
        Disc::new(&self.source)
    }
}

impl<R: ReadAt> Tree for Image<R> {
    fn look(&self, path: &str) -> Result<Option<Node>, ImageError> {
        match &self.volume {
            Volume::Iso(iso) => walk::look(iso, self.disc(), path),
        }
    }

    fn list(&self, path: &str) -> Result<Vec<Item>, ImageError> {
        match &self.volume {
            Volume::Iso(iso) => walk::list(iso, self.disc(), path),
        }
    }

    fn extents(&self, path: &str) -> Result<Option<Vec<Extent>>, ImageError> {
        match &self.volume {
            Volume::Iso(iso) => walk::extents(iso, self.disc(), path),
        }
    }

    fn read(&self, path: &str, offset: u64, buffer: &mut [u8]) -> Result<usize, ImageError> {
        match self.extents(path)? {
            Some(extents) => stream::read_at(self.disc(), &extents, offset, buffer),
            None => Ok(0),
        }
    }

    fn label(&self) -> &str {
        &self.facts.volume_id
    }
}
