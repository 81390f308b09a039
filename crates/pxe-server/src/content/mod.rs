//! The files: beneath the root, the system's loader packages, and texts made up from the root.
//! Rules about paths live here only.

mod listing;
mod loaders;
mod menu;
pub(crate) mod pe;
mod root;

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;

use pxe_select::Generated;

use crate::engine::{ContentError, ContentId, ContentRequest, ContentStore, Opened};
pub use loaders::{FoundLoader, Loaders, MissingLoader};
use root::Root;

/// The files that clients may fetch.
#[derive(Debug)]
pub struct Files {
    root: Root,
    loaders: Loaders,
    tftp_port: u16,
    open: Vec<Option<Content>>,
    free: Vec<usize>,
}

#[derive(Debug)]
enum Content {
    File(File),
    Text(Vec<u8>),
}

impl Files {
    /// Files beneath `root`, and `loaders` where the root lacks them.
    pub fn new(root: PathBuf, loaders: Loaders, tftp_port: u16) -> Self {
        Self { root: Root::new(root), loaders, tftp_port, open: Vec::new(), free: Vec::new() }
    }

    /// Other loaders were found.
    pub fn set_loaders(&mut self, loaders: Loaders) {
        self.loaders = loaders;
    }

    fn find(&mut self, request: &ContentRequest<'_>) -> Result<(Content, u64), ContentError> {
        let missing = match self.root.open(request.name) {
            Ok((file, size)) => return Ok((Content::File(file), size)),
            Err(ContentError::NotFound) => ContentError::NotFound,
            Err(error) => return Err(error),
        };
        if let Some(path) = self.loaders.system_file(request.name) {
            let (file, size) = root::open_system(path)?;
            return Ok((Content::File(file), size));
        }
        let Some(generated) = request.generated else { return Err(missing) };
        let listing = self.root.folder().map(listing::read).unwrap_or_default();
        let text = match generated {
            Generated::IpxeMenu => menu::ipxe(&listing, request.server, self.tftp_port),
            Generated::GrubConfig => menu::grub(&listing),
            _ => return Err(missing),
        };
        let size = text.len() as u64;
        Ok((Content::Text(text.into_bytes()), size))
    }
}

impl ContentStore for Files {
    fn open(&mut self, request: &ContentRequest<'_>) -> Result<Opened, ContentError> {
        let (content, size) = self.find(request)?;
        let index = self.free.pop().unwrap_or_else(|| {
            self.open.push(None);
            self.open.len() - 1
        });
        self.open[index] = Some(content);
        Ok(Opened { id: ContentId(index), size })
    }

    fn read_at(&mut self, id: ContentId, offset: u64, into: &mut [u8]) -> io::Result<usize> {
        match self.open.get(id.0).and_then(Option::as_ref) {
            Some(Content::File(file)) => read_full(file, offset, into),
            Some(Content::Text(text)) => {
                let from = usize::try_from(offset).unwrap_or(usize::MAX).min(text.len());
                let bytes = into.len().min(text.len() - from);
                into[..bytes].copy_from_slice(&text[from..from + bytes]);
                Ok(bytes)
            }
            None => Err(io::ErrorKind::NotFound.into()),
        }
    }

    fn close(&mut self, id: ContentId) {
        if self.open.get_mut(id.0).and_then(Option::take).is_some() {
            self.free.push(id.0);
        }
    }
}

/// Reads until `into` is full or the file ends.
fn read_full(file: &File, offset: u64, into: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < into.len() {
        match file.read_at(&mut into[filled..], offset + filled as u64) {
            Ok(0) => break,
            Ok(bytes) => filled += bytes,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}
