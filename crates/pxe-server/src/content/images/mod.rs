//! The folder of images: whole ones, and the files inside them.
//!
//! What a name stands for is looked up when it is asked for, so an image can be fetched as soon as it is there. What the
//! folder holds is another question ([`catalogue`]): `scan` answers it in a thread of its own, when `watch` says so.

mod catalogue;
mod examine;
#[cfg(feature = "http")]
mod json;
mod ram_disk;
mod scan;
mod watch;

use core::str;
use std::fs::{File, Metadata};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use pxe_image::{Image, ImageErrorKind, ReadAt, Tree};

use super::cache::Version;
use super::inside::Inside;
use super::open::Content;
use super::root::Root;
use crate::engine::ContentError;
pub use catalogue::{Catalogue, IMAGES_MAX, ImageInfo, State};
pub(crate) use examine::recognised;
pub use ram_disk::ImagesAsked;
pub(crate) use ram_disk::starts_on;

/// Images whose description is kept in memory, so that the next file inside is found at once. Each keeps a descriptor.
pub const OPEN_IMAGES_MAX: usize = 32;

/// Ends of names that are images.
const EXTENSIONS: [&[u8]; 4] = [b"iso", b"img", b"wim", b"efi"];
/// What stands between the name of an image and that of a file inside it.
const FILES: &[u8] = b"files";

/// The images of the server.
#[derive(Debug)]
pub struct Images {
    root: Root,
    path: PathBuf,
    /// Those used last, the latest at the end.
    open: Mutex<Vec<(Version, Arc<Image<Source>>)>>,
    catalogue: RwLock<Arc<Catalogue>>,
}

/// An image's file.
#[derive(Debug)]
struct Source {
    file: File,
    size: u64,
}

impl ReadAt for Source {
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        self.file.read_at(buffer, offset)
    }

    fn size(&self) -> u64 {
        self.size
    }
}

/// What a name beneath the folder of images stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Named<'n> {
    /// The image, with the folder it is in.
    image: &'n [u8],
    /// A file inside it.
    inside: Option<&'n [u8]>,
}

impl<'n> Named<'n> {
    /// Splits `debian.iso/files/install/vmlinuz` and `tools/memtest.efi`. Images lie in the folder itself, or in a folder in
    /// it; nothing else in it is ever served.
    fn of(name: &'n [u8]) -> Option<Self> {
        let end = |from: usize| {
            name[from..].iter().position(|byte| *byte == b'/').map_or(name.len(), |at| from + at)
        };
        let first = end(0);
        let image = match is_image(&name[..first]) {
            true => first,
            false => end((first + 1).min(name.len())),
        };
        let (image, rest) = name.split_at(image);
        let last = image.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
        if !is_image(last) || image.starts_with(b".") {
            return None;
        }
        let Some(rest) = rest.strip_prefix(b"/") else { return Some(Self { image, inside: None }) };
        let inside = rest.strip_prefix(FILES)?.strip_prefix(b"/")?;
        Some(Self { image, inside: Some(inside) })
    }
}

/// Whether the name of a file says that it is an image.
fn is_image(name: &[u8]) -> bool {
    let Some(dot) = name.iter().rposition(|byte| *byte == b'.') else { return false };
    let extension = name[dot + 1..].to_ascii_lowercase();
    !name.starts_with(b".") && EXTENSIONS.contains(&&*extension)
}

/// What was asked for of an image.
pub(super) enum Asked {
    /// All of it.
    Whole(File, Metadata),
    /// A file inside.
    Inside(Content),
}

impl Images {
    /// The images of a folder, which may be missing now and appear later.
    pub fn new(path: PathBuf) -> Self {
        let catalogue = RwLock::default();
        Self { root: Root::new(path.clone()), path, open: Mutex::default(), catalogue }
    }

    /// What the folder held when it was looked at last.
    pub fn catalogue(&self) -> Arc<Catalogue> {
        Arc::clone(&self.catalogue.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Opens what a normalised name beneath the folder stands for. May wait for a disk.
    pub(super) fn find(&self, name: &[u8]) -> Result<Asked, ContentError> {
        let named = Named::of(name).ok_or(ContentError::NotFound)?;
        let (file, metadata) = self.root.open(named.image, None)?;
        let Some(path) = named.inside else { return Ok(Asked::Whole(file, metadata)) };
        let path = str::from_utf8(path).map_err(|_| ContentError::NotFound)?;
        let image = self.image(&file, &metadata)?;
        let extents = image.extents(path).map_err(|error| refusal(&error))?;
        let extents = extents.ok_or(ContentError::NotFound)?;
        Ok(Asked::Inside(Content::Inside(Inside::new(file, &metadata, extents))))
    }

    /// The image in a file, of which it keeps a descriptor of its own.
    fn image(&self, file: &File, metadata: &Metadata) -> Result<Arc<Image<Source>>, ContentError> {
        let version = Version::of(metadata);
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(at) = open.iter().position(|(known, _)| *known == version) {
            let used = open.remove(at);
            let image = Arc::clone(&used.1);
            open.push(used);
            return Ok(image);
        }
        drop(open);
        let copy =
            file.try_clone().map_err(|error| ContentError::Unavailable(error.to_string()))?;
        let image = Image::open(Source { file: copy, size: metadata.len() });
        let image = Arc::new(image.map_err(|error| refusal(&error))?);
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        // An older state of the same file is of no use to anybody new.
        open.retain(|(known, _)| !known.is_same_file(&version));
        if open.len() >= OPEN_IMAGES_MAX {
            open.remove(0);
        }
        open.push((version, Arc::clone(&image)));
        Ok(image)
    }
}

fn refusal(error: &pxe_image::ImageError) -> ContentError {
    match &error.kind {
        ImageErrorKind::NotAnImage => ContentError::NotFound,
        ImageErrorKind::Io(_) => ContentError::Unavailable(error.to_string()),
        _ => ContentError::Refused(format!("the image is broken: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_images_and_of_files_inside() {
        let named = |name: &'static str| {
            let named = Named::of(name.as_bytes())?;
            let text = |bytes| str::from_utf8(bytes).expect("text");
            Some((text(named.image), named.inside.map(text)))
        };
        assert_eq!(named("a.iso"), Some(("a.iso", None)));
        assert_eq!(named("A.ISO"), Some(("A.ISO", None)));
        assert_eq!(named("tools/m.efi"), Some(("tools/m.efi", None)));
        assert_eq!(named("a.iso/files/x/y.iso"), Some(("a.iso", Some("x/y.iso"))));
        assert_eq!(named("t/a.img/files/files/x"), Some(("t/a.img", Some("files/x"))));
        for other in [
            "",
            "a",
            "a.toml",
            ".a.iso",
            ".t/a.iso",
            "t/.a.iso",
            "a.iso/",
            "a.iso/x",
            "a.iso/file/x",
            "t/u/a.iso",
            "t/a",
            "t/",
            "a.iso/files",
            "iso",
            "t//a.iso",
        ] {
            assert_eq!(named(other), None, "{other}");
        }
    }
}
