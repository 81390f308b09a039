//! The folder of images: whole ones, and the files inside them.
//!
//! What a name stands for is looked up when it is asked for, so an image can be fetched as soon as it is there. What the
//! folder holds is another question ([`catalogue`]): `scan` answers it in a thread of its own, when `watch` says so.

mod catalogue;
mod examine;
mod json;
mod kept;
mod ram_disk;
mod scan;
mod verdict;
mod watch;

use core::str;
use core::sync::atomic::{AtomicBool, Ordering};
use std::fs::{File, Metadata};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use pxe_image::{Image, ImageErrorKind, ReadAt, Tree};

use super::cache::Version;
use super::inside::Inside;
use super::open::Content;
use super::root::{Root, Which};
use crate::engine::ContentError;
pub use catalogue::{Catalogue, IMAGES_MAX, ImageInfo, State};
use kept::Kept;
pub use kept::{KNOWN_IMAGE_BYTES_MAX, KNOWN_IMAGES_BYTES_MAX};
pub use ram_disk::ImagesAsked;
pub(crate) use ram_disk::starts_on;
pub(super) use verdict::unfit;
pub(crate) use verdict::{bootable, cannot_boot, image_named};

/// Images whose description is kept in memory, so that the next file inside is found at once. Each keeps a descriptor.
pub const OPEN_IMAGES_MAX: usize = 32;

/// Ends of names that are images.
const EXTENSIONS: [&[u8]; 4] = [b"iso", b"img", b"wim", b"efi"];
/// What stands between the name of an image and that of a file inside it.
const FILES: &[u8] = b"files";
/// The same before what is made of an image for the network.
const NET: &[u8] = b"net";
/// What mboot, the boot program of VMware ESXi, is told to load.
const BOOT_CFG: &str = "boot.cfg";

/// The images of the server.
#[derive(Debug)]
pub struct Images {
    root: Root,
    path: PathBuf,
    /// Those used last, the latest at the end.
    open: Mutex<Vec<(Version, Arc<Image<Source>>)>>,
    catalogue: RwLock<Arc<Catalogue>>,
    /// What is known of them, across restarts.
    kept: Option<Kept>,
    /// The folder that was looked at last.
    looked_at: Mutex<Option<Which>>,
}

/// An image's file.
#[derive(Debug)]
struct Source {
    file: File,
    size: u64,
    /// Some of it could not be read.
    failed: AtomicBool,
}

impl Source {
    fn new(file: File, size: u64) -> Self {
        Self { file, size, failed: AtomicBool::new(false) }
    }

    fn has_failed(&self) -> bool {
        self.failed.load(Ordering::Relaxed)
    }
}

impl ReadAt for Source {
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read_at(buffer, offset);
        read.inspect_err(|_| self.failed.store(true, Ordering::Relaxed))
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
    part: Part<'n>,
}

/// What of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part<'n> {
    /// All of it.
    Whole,
    /// A file inside it.
    File(&'n [u8]),
    /// What is made of its `boot.cfg` for the network, for one machine or for any.
    BootCfg(Option<[u8; 6]>),
}

impl<'n> Named<'n> {
    /// Splits `debian.iso/files/install/vmlinuz`, `esxi.iso/net/01-52-54-00-aa-00-01/boot.cfg` and `tools/memtest.efi`. Images lie in the folder itself, or in a folder in
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
        let Some(rest) = rest.strip_prefix(b"/") else {
            return Some(Self { image, part: Part::Whole });
        };
        let slash = rest.iter().position(|byte| *byte == b'/')?;
        let (place, inside) = (&rest[..slash], &rest[slash + 1..]);
        let part = match place {
            FILES => Part::File(inside),
            NET => Part::BootCfg(whose_boot_cfg(inside)?),
            _ => return None,
        };
        Some(Self { image, part })
    }
}

/// For whom `boot.cfg` or `01-52-54-00-aa-00-01/boot.cfg` is made, which is how mboot names what is one machine's.
fn whose_boot_cfg(name: &[u8]) -> Option<Option<[u8; 6]>> {
    let name = str::from_utf8(name).ok()?;
    let Some((machine, file)) = name.split_once('/') else {
        return (name == BOOT_CFG).then_some(None);
    };
    let mac = pxe_select::parse_mac(machine.strip_prefix("01-")?)?;
    (file == BOOT_CFG).then_some(Some(mac))
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
    /// A text that is made of the image's own.
    BootCfg {
        /// The name of the image.
        image: String,
        /// Its own.
        own: Vec<u8>,
        /// For which machine, if it is for one.
        mac: Option<[u8; 6]>,
    },
}

impl Images {
    /// The images of a folder, which may be missing now and appear later.
    pub fn new(path: PathBuf) -> Self {
        Self {
            root: Root::new(path.clone()),
            path,
            open: Mutex::default(),
            catalogue: RwLock::default(),
            kept: None,
            looked_at: Mutex::default(),
        }
    }

    /// The same, which remembers by a file in the state folder what it knows of images.
    #[must_use]
    pub fn kept_in(self, state: &Path) -> Self {
        Self { kept: Some(Kept::new(state)), ..self }
    }

    /// What the folder held when it was looked at last.
    pub fn catalogue(&self) -> Arc<Catalogue> {
        Arc::clone(&self.catalogue.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Opens what a normalised name beneath the folder stands for. May wait for a disk.
    pub(super) fn find(&self, name: &[u8]) -> Result<Asked, ContentError> {
        let named = Named::of(name).ok_or(ContentError::NotFound)?;
        let (file, metadata) = self.root.open(named.image, None)?;
        let path = match named.part {
            Part::Whole => return Ok(Asked::Whole(file, metadata)),
            Part::File(path) => str::from_utf8(path).map_err(|_| ContentError::NotFound)?,
            Part::BootCfg(mac) => {
                let image = String::from_utf8_lossy(named.image).into_owned();
                let own = self.boot_cfg(&file, &metadata)?;
                return Ok(Asked::BootCfg { image, own, mac });
            }
        };
        let image = self.image(&file, &metadata)?;
        let extents = image.extents(path).map_err(|error| refusal(&error))?;
        let extents = extents.ok_or(ContentError::NotFound)?;
        Ok(Asked::Inside(Content::Inside(Inside::new(file, &metadata, extents))))
    }

    /// The `boot.cfg` inside, not more of it than one may have.
    fn boot_cfg(&self, file: &File, metadata: &Metadata) -> Result<Vec<u8>, ContentError> {
        let image = self.image(file, metadata)?;
        let size = image.look(BOOT_CFG).map_err(|error| refusal(&error))?;
        let size = size.ok_or(ContentError::NotFound)?.size;
        let most = pxe_image::limits::TEXT_BYTES_MAX + 1;
        let mut own = vec![0; usize::try_from(size).unwrap_or(most).min(most)];
        let mut read = 0;
        while read < own.len() {
            let more = image.read(BOOT_CFG, read as u64, &mut own[read..]);
            match more.map_err(|error| refusal(&error))? {
                0 => break,
                more => read += more,
            }
        }
        own.truncate(read);
        Ok(own)
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
        let image = Image::open(Source::new(copy, metadata.len()));
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
            let inside = match named.part {
                Part::Whole => None,
                Part::File(inside) => Some(text(inside)),
                Part::BootCfg(_) => Some("boot.cfg for the network"),
            };
            Some((text(named.image), inside))
        };
        let made = Some(("e.iso", Some("boot.cfg for the network")));
        for name in ["e.iso/net/boot.cfg", "e.iso/net/01-52-54-00-aa-00-01/boot.cfg"] {
            assert_eq!(named(name), made, "{name}");
        }
        for other in ["e.iso/net", "e.iso/net/", "e.iso/net/x", "e.iso/net/01-52/boot.cfg"] {
            assert_eq!(named(other), None, "{other}");
        }
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
