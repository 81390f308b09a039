//! What the engine asks of whoever holds the files. The server's answer is
//! [`crate::content::Files`]; a test's may be a map in memory.

use core::net::IpAddr;
use std::io::{self, IoSliceMut};

use pxe_select::Generated;

/// An open file or generated text, until it is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ContentId(pub usize);

/// Something that can be read now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Opened {
    /// Names it in [`ContentStore::read_at`] and [`ContentStore::close`].
    pub id: ContentId,
    /// Its size, in bytes.
    pub size: u64,
}

/// What a client is to get, after the decision.
#[derive(Clone, Copy, Debug)]
pub struct ContentRequest<'a> {
    /// Name beneath the root, normalised: no leading slash, no `..`.
    pub name: &'a [u8],
    /// What to make up when no such file is there.
    pub generated: Option<Generated>,
    /// Our address as this client sees it, for the links in a generated text.
    pub server: IpAddr,
}

/// Why a name could not be opened.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ContentError {
    /// Neither a file nor a generated text has this name.
    #[error("no such file")]
    NotFound,
    /// It is there, but it is not a plain file, leads out of the root, or may not be read.
    #[error("not served: {0}")]
    Refused(String),
    /// It may work later: no free descriptor, an input/output error.
    #[error("cannot be opened now: {0}")]
    Unavailable(String),
}

/// Holds the files that clients may fetch.
pub trait ContentStore {
    /// Opens what `request` names.
    fn open(&mut self, request: &ContentRequest<'_>) -> Result<Opened, ContentError>;

    /// Fills `into` from `offset` and returns how many bytes there were; fewer than asked only at
    /// the end. An error ends the transfer.
    fn read_at(&mut self, id: ContentId, offset: u64, into: &mut [u8]) -> io::Result<usize>;

    /// Fills `blocks`, which follow each other in the file from `offset` on; one that cannot be filled
    /// is an error.
    fn read_row(
        &mut self,
        id: ContentId,
        mut offset: u64,
        blocks: &mut [IoSliceMut<'_>],
    ) -> io::Result<()> {
        for block in blocks {
            if self.read_at(id, offset, block)? != block.len() {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            offset += block.len() as u64;
        }
        Ok(())
    }

    /// Gives an opened content back.
    fn close(&mut self, id: ContentId);
}
