//! What the engine asks of whoever holds the files. The server's answer is
//! [`crate::content::Files`]; a test's may be a map in memory.

use core::net::IpAddr;
use core::task::Poll;
use std::io::{self, IoSliceMut};
use std::sync::Arc;

use pxe_select::Generated;

use super::event::Stage;
use super::recipient::Recipient;

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
    /// Make it up even if there is one.
    pub goes_first: bool,
    /// For whom it is made up.
    pub recipient: &'a Recipient,
    /// What this name stands for, if that is a text: then nothing is looked for.
    pub text: Option<&'a Arc<[u8]>>,
    /// Our address as this client sees it, for the links in a generated text.
    pub server: IpAddr,
}

/// What a machine that gets a text should have found in it and does not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shortfall {
    /// What it is, and why: in plain words.
    pub why: String,
    /// It was to boot just that; else people choose, and the local disk is left.
    pub is_meant: bool,
}

impl Shortfall {
    /// As a sentence.
    #[must_use]
    pub fn text(&self) -> String {
        let Self { why, is_meant } = self;
        match is_meant {
            true => format!("the machine cannot boot what it is meant to: {why}"),
            false => format!("nothing in it boots this machine: {why}"),
        }
    }

    /// What the story tells once the machine has `file`, the text; where people choose, that it asked for it says it all.
    #[must_use]
    pub fn ending(&self, file: &str) -> Option<Stage> {
        let failed = || Stage::Failed { file: file.to_owned(), reason: self.text() };
        self.is_meant.then(failed)
    }

    /// What a story tells of why it gets the text.
    #[must_use]
    pub fn beside(&self, why: String) -> String {
        match (self.is_meant, why.is_empty()) {
            (true, _) => why,
            (false, true) => self.text(),
            (false, false) => format!("{why}; {}", self.text()),
        }
    }
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

/// A file that a client wants to send, after the decision.
#[derive(Clone, Copy, Debug)]
pub struct UploadRequest<'a> {
    /// Name beneath the folder for uploads, normalised like [`ContentRequest::name`].
    pub name: &'a [u8],
    /// Its size in bytes, if the client announced one.
    pub size: Option<u64>,
    /// Who sends it.
    pub client: IpAddr,
}

/// An upload that was let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Upload {
    /// Names it in [`ContentStore::write_at`], [`ContentStore::finish`] and [`ContentStore::close`].
    pub id: ContentId,
    /// Most bytes it may have.
    pub bytes_max: u64,
}

/// Why a file that a client sends is not stored.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UploadError {
    /// There is no folder for uploads.
    #[error("this server takes no uploads (tftp.uploads names no folder)")]
    Off,
    /// A file of that name is there already, or by now.
    #[error("a file of that name exists, and none is ever overwritten")]
    Exists,
    /// The folder that its name is in does not exist; none is made.
    #[error("the folder it belongs into does not exist")]
    NoFolder,
    /// It is larger than files may be.
    #[error("it has {bytes} bytes, and at most {bytes_max} are allowed (tftp.upload_bytes_max)")]
    TooLarge {
        /// Its size, in bytes.
        bytes: u64,
        /// What is allowed.
        bytes_max: u64,
    },
    /// The disk is as full as uploads may make it.
    #[error("too little room is left on the disk")]
    Full,
    /// As many files are being sent as may be at once.
    #[error("{0} files are being sent already, which is as many as may be at once")]
    Busy(usize),
    /// The name leads out of the folder, or the system forbids to write there.
    #[error("it may not be written: {0}")]
    Refused(String),
    /// The system reported an error.
    #[error("it could not be written: {0}")]
    Failed(String),
}

/// Holds the files that clients may fetch, and takes those they send.
pub trait ContentStore {
    /// Opens what `request` names.
    fn open(&mut self, request: &ContentRequest<'_>) -> Result<Opened, ContentError>;

    /// What a text that was made up lacks. A store without this method makes none up for machines.
    fn shortfall(&self, _id: ContentId) -> Option<Shortfall> {
        None
    }

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

    /// Lets a file in that a client wants to send. Nothing is written before the first
    /// [`write_at`](Self::write_at). A store without this method takes no uploads.
    fn create(&mut self, _request: &UploadRequest<'_>) -> Result<Upload, UploadError> {
        Err(UploadError::Off)
    }

    /// Stores bytes of an upload at `offset`, which is where the last ones ended.
    fn write_at(&mut self, _id: ContentId, _offset: u64, _bytes: &[u8]) -> Result<(), UploadError> {
        Err(UploadError::Off)
    }

    /// The upload is whole: puts it in its place for good. Asked again while it is pending.
    fn finish(&mut self, _id: ContentId) -> Poll<Result<(), UploadError>> {
        Poll::Ready(Err(UploadError::Off))
    }

    /// Gives an opened content back; of an upload that was not finished nothing remains.
    fn close(&mut self, id: ContentId);
}
