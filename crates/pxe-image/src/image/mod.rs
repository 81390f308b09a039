//! An image of any format that is read.

pub(crate) mod boot;
pub(crate) mod disc;
pub(crate) mod facts;
pub(crate) mod stream;
pub(crate) mod walk;

use std::io;

use crate::error::{ImageError, ImageErrorKind};
use crate::iso::{self, Iso};
use crate::source::ReadAt;
use crate::tree::{Extent, Item, Node, Tree};
use crate::udf::Udf;
use boot::BootImage;
use disc::{Budget, Disc, fault};
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
    passed_over: Option<ImageError>,
}

#[derive(Debug)]
enum Volume {
    Iso(Iso),
    Udf(Udf),
}

impl<R: ReadAt> Image<R> {
    /// Finds out what an image is. Reads some hundred kilobytes at most.
    ///
    /// # Errors
    /// [`NotAnImage`](ImageErrorKind::NotAnImage) if it is something else, and what is wrong with it otherwise. An image
    /// that was cut off opens as long as its start is there: see [`Self::missing_bytes`].
    pub fn open(source: R) -> Result<Self, ImageError> {
        let budget = Budget::of_a_call();
        let disc = Disc::within(&source, &budget);
        let announced = iso::Announced::read(disc)?;
        let (udf, passed_over) = match announced.udf.then(|| Udf::open(disc)).transpose() {
            Ok(udf) => (udf, None),
            Err(error @ ImageError { kind: ImageErrorKind::Io(_), .. }) => return Err(error),
            Err(error) => (None, Some(error)),
        };
        let (found, iso) = match read_iso(disc, &announced) {
            Ok(read) => read.unzip(),
            // What is not read does not matter.
            Err(_) if udf.is_some() => (None, None),
            Err(error) => return Err(error),
        };
        let facts = facts(found.as_ref(), iso.as_ref(), udf.as_ref());
        // What does not boot as a CD can still be read.
        let boot_images = found.map(|found| iso::boot_images(disc, &found));
        let boot_images = boot_images.and_then(Result::ok).unwrap_or_default();
        let volume = match (udf, iso) {
            (Some(udf), _) => Volume::Udf(udf),
            (None, Some(iso)) => Volume::Iso(iso),
            (None, None) => {
                let nothing = || fault(0, ImageErrorKind::NotAnImage);
                return Err(passed_over.unwrap_or_else(nothing));
            }
        };
        Ok(Self { source, facts, boot_images, volume, passed_over })
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
            Volume::Udf(_) => NamesOf::Udf,
        }
    }

    /// Why UDF is not read although the image announces it. What ISO 9660 shows then may be less: Windows' images have
    /// only a note there.
    #[must_use]
    pub fn passed_over(&self) -> Option<&ImageError> {
        self.passed_over.as_ref()
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
}

/// The descriptors of ISO 9660, and the tree that they lead to.
fn read_iso(
    disc: Disc<'_>,
    announced: &iso::Announced,
) -> Result<Option<(iso::Descriptors, Iso)>, ImageError> {
    let Some(found) = announced.descriptors()? else { return Ok(None) };
    let tree = Iso::open(disc, &found)?;
    Ok(Some((found, tree)))
}

/// What all formats together say. Labels are those of ISO 9660 if it is there, since that is what people know.
fn facts(found: Option<&iso::Descriptors>, iso: Option<&Iso>, udf: Option<&Udf>) -> Facts {
    let mut facts = found.map(|found| found.facts.clone()).unwrap_or_default();
    if let (Some(found), Some(iso)) = (found, iso) {
        facts.formats.iso9660 = true;
        facts.formats.rock_ridge = matches!(iso.names(), iso::Names::RockRidge { .. });
        facts.formats.joliet = found.has_joliet();
        facts.formats.el_torito = found.has_boot_catalogue();
    }
    if let Some(udf) = udf {
        facts.formats.udf = Some(udf.about.revision);
        facts.volume_bytes = facts.volume_bytes.max(udf.about.volume_bytes);
        for (text, other) in
            [(&mut facts.volume_id, &udf.about.label), (&mut facts.volume_set_id, &udf.about.set)]
        {
            if text.is_empty() {
                text.clone_from(other);
            }
        }
    }
    facts
}

/// A file of an image, of which it is known where it lies.
struct File<'t> {
    source: &'t dyn ReadAt,
    extents: Vec<Extent>,
    size: u64,
}

impl ReadAt for File<'_> {
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        stream::read_at(Disc::new(self.source), &self.extents, offset, buffer)
            .map_err(io::Error::other)
    }

    fn size(&self) -> u64 {
        self.size
    }
}

impl<R: ReadAt> Tree for Image<R> {
    fn look(&self, path: &str) -> Result<Option<Node>, ImageError> {
        let budget = Budget::of_a_call();
        let disc = Disc::within(&self.source, &budget);
        match &self.volume {
            Volume::Iso(iso) => walk::look(iso, disc, path),
            Volume::Udf(udf) => walk::look(udf, disc, path),
        }
    }

    fn list(&self, path: &str) -> Result<Vec<Item>, ImageError> {
        let budget = Budget::of_a_call();
        let disc = Disc::within(&self.source, &budget);
        match &self.volume {
            Volume::Iso(iso) => walk::list(iso, disc, path),
            Volume::Udf(udf) => walk::list(udf, disc, path),
        }
    }

    fn extents(&self, path: &str) -> Result<Option<Vec<Extent>>, ImageError> {
        let budget = Budget::of_a_call();
        let disc = Disc::within(&self.source, &budget);
        match &self.volume {
            Volume::Iso(iso) => walk::extents(iso, disc, path),
            Volume::Udf(udf) => walk::extents(udf, disc, path),
        }
    }

    fn read(&self, path: &str, offset: u64, buffer: &mut [u8]) -> Result<usize, ImageError> {
        match self.extents(path)? {
            Some(extents) => stream::read_at(Disc::new(&self.source), &extents, offset, buffer),
            None => Ok(0),
        }
    }

    fn file<'t>(&'t self, path: &str) -> Result<Option<Box<dyn ReadAt + 't>>, ImageError> {
        let Some(extents) = self.extents(path)? else { return Ok(None) };
        let size = extents.iter().fold(0, |sum: u64, extent| sum.saturating_add(extent.len));
        Ok(Some(Box::new(File { source: &self.source, extents, size })))
    }

    fn label(&self) -> &str {
        &self.facts.volume_id
    }
}
