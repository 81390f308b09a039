//! What can be wrong with an image.

use std::io;

/// What is wrong, and where in the image.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[error("{kind} (at byte {offset} of the image)")]
pub struct ImageError {
    /// Where, in bytes from the start of the image.
    pub offset: u64,
    /// What.
    #[source]
    pub kind: ImageErrorKind,
}

impl ImageError {
    /// For a [`Tree`](crate::Tree) of one's own.
    #[must_use]
    pub const fn new(offset: u64, kind: ImageErrorKind) -> Self {
        Self { offset, kind }
    }
}

/// What is wrong with an image.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ImageErrorKind {
    /// It is no image of a kind that is read.
    #[error("neither ISO 9660 nor UDF")]
    NotAnImage,
    /// Something in it contradicts its format.
    #[error("{0}")]
    Broken(&'static str),
    /// It is sound, but has something that is not read.
    #[error("{0}")]
    Unsupported(&'static str),
    /// Something in it lies behind its end: it was cut off, or lies.
    #[error("the image ends before it should: is it downloaded whole?")]
    Truncated,
    /// Something in it is larger than a limit of ours.
    #[error("more than {max} {what}")]
    TooMuch {
        /// Of what, in the plural.
        what: &'static str,
        /// The limit.
        max: usize,
    },
    /// It cannot be read.
    #[error("cannot be read: {0}")]
    Io(#[from] io::Error),
}
