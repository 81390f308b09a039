//! What the folder of images holds, as it was when it was looked at last.

use std::collections::BTreeMap;
use std::sync::Arc;

use pxe_image::recognise::Recognition;

use super::Version;

/// Images of one server; further ones can be fetched, but are not listed.
pub const IMAGES_MAX: usize = 2_000;

/// The images, by name. Never changed: another look makes another one.
#[derive(Clone, Debug, Default)]
pub struct Catalogue {
    /// By name, as in URLs: with the folder that it is in, and `/`.
    pub images: BTreeMap<String, Arc<ImageInfo>>,
    /// There are more than [`IMAGES_MAX`].
    pub truncated: bool,
}

/// What is known of an image.
#[derive(Clone, Debug)]
pub struct ImageInfo {
    /// Bytes in all.
    pub size: u64,
    /// What can be said of it.
    pub state: State,
    pub(super) version: Version,
    /// The state of the file beside it that changes what is recognised.
    pub(super) beside: Option<Version>,
    /// All of it could be read, so that another look would find nothing else.
    pub(super) lasting: bool,
}

/// What can be said of an image.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum State {
    /// It was written to a moment ago: it is looked at when it is whole.
    Arriving,
    /// It can be used.
    Ready {
        /// The label of its volume, empty if it has none.
        label: String,
        /// Files inside it are served.
        has_files: bool,
        /// What it is, and how it boots, as soon as that is known.
        recognition: Option<Arc<Recognition>>,
    },
    /// It cannot be used, or not all of it: why, in plain words.
    Broken(String),
}
