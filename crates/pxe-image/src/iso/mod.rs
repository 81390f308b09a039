//! ISO 9660 (ECMA-119), with Rock Ridge, Joliet and El Torito.

mod descriptors;
mod el_torito;
pub(crate) mod names;
mod record;
mod rock_ridge;
mod susp;

use core::ops::ControlFlow;

pub(crate) use descriptors::{Announced, Descriptors};
pub(crate) use el_torito::boot_images;

use crate::error::{ImageError, ImageErrorKind};
use crate::image::disc::{Disc, broken, fault};
use crate::image::stream::{self, Stream};
use crate::image::walk::Format;
use crate::limits::FOLDER_BYTES_MAX;
use crate::tree::{Extent, Node};
use record::Record;
use rock_ridge::Extra;

/// Sectors are 2,048 bytes, whatever a logical block is.
pub(crate) const SECTOR_BYTES: u64 = 2_048;
const SECTOR: usize = 2_048;

/// Whose names are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Names {
    /// Those of Rock Ridge; so many bytes come before its fields.
    RockRidge { skip: usize },
    /// UCS-2.
    Joliet,
    /// Upper case, with versions.
    Plain,
}

/// One of the trees of an ISO 9660 image.
#[derive(Debug)]
pub(crate) struct Iso {
    names: Names,
    /// Bytes of a logical block.
    block: u64,
    root: Folder,
}

/// Where a folder lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Folder {
    offset: u64,
    len: u64,
}

/// What the records of one name say together.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    what: What,
    /// In the sum of the parts.
    size: u64,
    /// Logical block and bytes of each part.
    parts: Vec<(u32, u32)>,
    /// Why its bytes cannot be given as ranges.
    fault: Option<&'static str>,
}

#[derive(Clone, Debug)]
enum What {
    File,
    Folder,
    /// A folder that Rock Ridge keeps elsewhere: the logical block.
    Moved(u32),
    Link(String),
    /// A device, a socket: nothing to read.
    Other,
}

impl Iso {
    /// Chooses the tree with the best names.
    ///
    /// # Errors
    /// The root folder is broken, or cannot be read. If it lies behind the end there are plain names.
    pub(crate) fn open(disc: Disc<'_>, found: &Descriptors) -> Result<Self, ImageError> {
        let primary = Folder::of(&found.root, found.block);
        let skip = match rock_ridge::detect(disc, found.block, primary.offset) {
            Err(ImageError { kind: ImageErrorKind::Truncated, .. }) => None,
            other => other?,
        };
        let (names, root) = match (skip, &found.joliet_root) {
            (Some(skip), _) => (Names::RockRidge { skip }, primary),
            (None, Some(root)) => (Names::Joliet, Folder::of(root, found.block)),
            (None, None) => (Names::Plain, primary),
        };
        Ok(Self { names, block: found.block, root })
    }

    pub(crate) fn names(&self) -> Names {
        self.names
    }

    fn offset(&self, block: u32) -> u64 {
        u64::from(block).saturating_mul(self.block)
    }

    /// The name and meaning of a record that begins an entry; `None` if it is not to be seen.
    fn entry(
        &self,
        disc: Disc<'_>,
        record: &Record<'_>,
    ) -> Result<Option<(String, Entry)>, ImageError> {
        if record.is_dot() || record.is_associated() {
            return Ok(None);
        }
        let mut extra = Extra::default();
        if let Names::RockRidge { skip } = self.names {
            let area = record.system_use.get(skip..).unwrap_or_default();
            extra = rock_ridge::read(disc, self.block, area)?;
        }
        if extra.relocated {
            return Ok(None);
        }
        let name = match (self.names, extra.name) {
            (_, Some(name)) => name,
            (Names::Joliet, None) => names::joliet(record.name),
            (_, None) => names::plain(record.name),
        };
        let mode_kind = extra.mode.map_or(0, |mode| mode & 0o170_000);
        let what = if let Some(block) = extra.child {
            What::Moved(block)
        } else if record.is_folder() {
            What::Folder
        } else if let Some(target) = extra.link {
            What::Link(target)
        } else if matches!(mode_kind, 0 | 0o100_000) {
            What::File
        } else {
            What::Other
        };
        let fault = if record.is_interleaved() {
            Some("a file is stored interleaved, which is not read")
        } else if extra.compressed {
            Some("a file is compressed by zisofs, which is not read")
        } else {
            None
        };
        let parts = vec![record.part()];
        Ok(Some((name, Entry { what, size: u64::from(record.size), parts, fault })))
    }
}

impl Folder {
    fn of(root: &descriptors::Root, block: u64) -> Self {
        Self { offset: u64::from(root.block).saturating_mul(block), len: u64::from(root.size) }
    }
}

/// The entry whose parts are being gathered.
struct Pending {
    /// The name as it is stored, which all parts share.
    stored: Vec<u8>,
    /// `None` if it is not to be seen.
    seen: Option<(String, Entry)>,
}

impl Pending {
    fn add(&mut self, record: &Record<'_>) {
        if let Some((_, entry)) = &mut self.seen {
            entry.parts.push(record.part());
            entry.size = entry.size.saturating_add(u64::from(record.size));
            if record.is_interleaved() {
                entry.fault = Some("a file is stored interleaved, which is not read");
            }
        }
    }
}

impl Format for Iso {
    type Entry = Entry;
    type Folder = Folder;

    fn root(&self) -> Folder {
        self.root
    }

    fn scan(
        &self,
        disc: Disc<'_>,
        folder: &Folder,
        visit: &mut dyn FnMut(&str, Entry) -> ControlFlow<()>,
    ) -> Result<(), ImageError> {
        if folder.len > FOLDER_BYTES_MAX as u64 {
            let what = "bytes in one folder";
            let kind = ImageErrorKind::TooMuch { what, max: FOLDER_BYTES_MAX };
            return Err(fault(folder.offset, kind));
        }
        let extents = [Extent { offset: Some(folder.offset), len: folder.len }];
        let mut stream = Stream::new(disc, &extents);
        let mut pending: Option<Pending> = None;
        loop {
            let position = stream.position();
            let at = folder.offset.saturating_add(position);
            // Records do not cross sectors.
            let left = SECTOR.saturating_sub((position % SECTOR_BYTES) as usize);
            let Some(&len) = stream.peek(1)?.first() else { break };
            if len == 0 {
                stream.peek(left)?;
                stream.skip(left);
                continue;
            }
            let bytes = stream.peek(usize::from(len).min(left))?;
            let record =
                Record::parse(bytes).ok_or_else(|| broken(at, "a record of a folder is broken"))?;
            match &mut pending {
                Some(first) if first.stored == record.name => first.add(&record),
                Some(_) => return Err(broken(at, "a file's last part is missing")),
                None => {
                    let seen = self.entry(disc, &record)?;
                    pending = Some(Pending { stored: record.name.to_vec(), seen });
                }
            }
            if !record.continues()
                && let Some(Pending { seen: Some((name, entry)), .. }) = pending.take()
                && visit(&name, entry).is_break()
            {
                return Ok(());
            }
            stream.skip(usize::from(len));
        }
        match pending {
            Some(_) => Err(broken(folder.offset, "a file's last part is missing")),
            None => Ok(()),
        }
    }

    fn node(&self, _: Disc<'_>, entry: &Entry) -> Result<Option<Node>, ImageError> {
        Ok(Some(match &entry.what {
            What::File => Node::file(entry.size),
            What::Folder | What::Moved(_) => Node::folder(),
            What::Link(target) => Node::link(target),
            What::Other => return Ok(None),
        }))
    }

    fn folder(&self, disc: Disc<'_>, entry: &Entry) -> Result<Folder, ImageError> {
        let (offset, len) = match (&entry.what, entry.parts.first()) {
            // Its size is in its own first record.
            (What::Moved(block), _) => {
                let offset = self.offset(*block);
                let bytes = disc.bytes(offset, record::DOT_BYTES)?;
                let dot = Record::parse(&bytes)
                    .filter(|record| record.is_dot() && record.part().0 == *block)
                    .ok_or_else(|| broken(offset, "no folder where one is said to be"))?;
                (offset, dot.size)
            }
            (_, Some((block, size))) => (self.offset(*block), *size),
            _ => return Err(broken(0, "a folder without a place")),
        };
        Ok(Folder { offset, len: u64::from(len) })
    }

    fn extents(&self, disc: Disc<'_>, entry: &Entry) -> Result<Vec<Extent>, ImageError> {
        let at = self.offset(entry.parts.first().map_or(0, |part| part.0));
        if let Some(what) = entry.fault {
            return Err(fault(at, ImageErrorKind::Unsupported(what)));
        }
        let mut extents = Vec::new();
        for (block, len) in &entry.parts {
            let extent = Extent { offset: Some(self.offset(*block)), len: u64::from(*len) };
            stream::push(&mut extents, extent, at)?;
        }
        stream::fit(&mut extents, entry.size, disc, at)?;
        Ok(extents)
    }
}
