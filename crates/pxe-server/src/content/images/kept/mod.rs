//! What is known of images, kept in the state folder: a restart reads none of them again that did not change.
//!
//! A file of lines, each a JSON object: first which program wrote it, then one for each image. It is replaced as a whole,
//! and read without trust: what is not understood, is too long or is of another program is left out, and costs no more
//! than another look at those images.

mod shape;

use core::sync::atomic::{AtomicBool, Ordering};
use std::collections::HashMap;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::{env, fs, io};

use log::{debug, info, warn};
use serde::{Deserialize, Serialize};

use super::{Catalogue, IMAGES_MAX, ImageInfo, State, Version};
use crate::state;
use shape::Shape;

/// Bytes of the file, and of memory while it is read; images that find no room in it are looked at again.
pub const KNOWN_IMAGES_BYTES_MAX: usize = 32 << 20;
/// Bytes of what is kept of one image: twenty times the usual. Of which there is more is looked at again.
pub const KNOWN_IMAGE_BYTES_MAX: usize = 64 << 10;

const FILE: &str = "images";
/// Of the lines. A change of their form is another number.
const FORMAT: u32 = 1;

/// Images by name, as they were found.
pub(super) type Remembered = HashMap<String, ImageInfo>;

/// Which program wrote a file. What an image is depends on rules and on code, so another program's word is not taken.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Writer {
    format: u32,
    rules: u64,
    /// Size of the program's file and when it was made, so that somebody who works on the code is not misled.
    program: Option<(u64, i64)>,
}

/// One image.
#[derive(Serialize, Deserialize)]
struct Line {
    name: String,
    file: Version,
    beside: Option<Version>,
    label: String,
    has_files: bool,
    is: Shape,
}

/// The file.
#[derive(Debug)]
pub(super) struct Kept {
    folder: PathBuf,
    writer: Writer,
    changed: AtomicBool,
    failing: AtomicBool,
}

impl Kept {
    pub(super) fn new(folder: &Path) -> Self {
        // Asked now: an update may put another program in this one's place while it runs.
        let program = env::current_exe().and_then(fs::metadata).ok();
        let program = program.map(|metadata| (metadata.size(), metadata.mtime()));
        let rules = pxe_image::recognise::built_in_stamp();
        Self {
            folder: folder.to_owned(),
            writer: Writer { format: FORMAT, rules, program },
            changed: AtomicBool::new(false),
            failing: AtomicBool::new(false),
        }
    }

    /// What an earlier run found out.
    pub(super) fn load(&self) -> Remembered {
        let path = self.folder.join(FILE);
        match state::read(&path, KNOWN_IMAGES_BYTES_MAX) {
            Ok(text) => {
                let remembered = self.parse(&text);
                debug!("{} images known from {}", remembered.len(), path.display());
                remembered
            }
            Err(error) => {
                if error.kind() != io::ErrorKind::NotFound {
                    warn!("{} cannot be read: {error}; images are looked at anew", path.display());
                }
                Remembered::new()
            }
        }
    }

    fn parse(&self, text: &[u8]) -> Remembered {
        let mut lines = text.split(|byte| *byte == b'\n');
        let writer = lines.next().and_then(|line| serde_json::from_slice::<Writer>(line).ok());
        if writer.as_ref() != Some(&self.writer) {
            return Remembered::new();
        }
        let lines = lines.filter(|line| line.len() <= KNOWN_IMAGE_BYTES_MAX).take(IMAGES_MAX);
        lines.filter_map(|line| serde_json::from_slice::<Line>(line).ok()?.read()).collect()
    }

    /// Something new was found out.
    pub(super) fn note_change(&self) {
        self.changed.store(true, Ordering::Relaxed);
    }

    /// Writes the file anew if it lacks something. A failure is told once, and its end.
    pub(super) fn save(&self, catalogue: &Catalogue) {
        if !self.changed.swap(false, Ordering::Relaxed) {
            return;
        }
        let written = state::replace(&self.folder, FILE, &self.text(catalogue));
        let folder = self.folder.display();
        match (&written, self.failing.swap(written.is_err(), Ordering::Relaxed)) {
            (Ok(()), true) => info!("what images are can be kept in {folder} again"),
            (Err(error), false) => warn!(
                "cannot keep in {folder} what images are: {error}; they are looked at again after a restart"
            ),
            _ => {}
        }
    }

    fn text(&self, catalogue: &Catalogue) -> String {
        let mut text = serde_json::to_string(&self.writer).unwrap_or_default();
        text.push('\n');
        for (name, info) in &catalogue.images {
            let line = Line::of(name, info).and_then(|line| serde_json::to_string(&line).ok());
            let Some(line) = line.filter(|line| line.len() <= KNOWN_IMAGE_BYTES_MAX) else {
                continue;
            };
            if text.len() + line.len() >= KNOWN_IMAGES_BYTES_MAX {
                break;
            }
            text.push_str(&line);
            text.push('\n');
        }
        text
    }
}

impl Line {
    /// Of an image that is known for good: what is broken is looked at again, and so is what could not be read.
    fn of(name: &str, info: &ImageInfo) -> Option<Self> {
        let State::Ready { label, has_files, recognition: Some(known) } = &info.state else {
            return None;
        };
        info.lasting.then_some(())?;
        Some(Self {
            name: name.to_owned(),
            file: info.version,
            beside: info.beside,
            label: label.clone(),
            has_files: *has_files,
            is: Shape::of(known)?,
        })
    }

    fn read(self) -> Option<(String, ImageInfo)> {
        let Self { name, file, beside, label, has_files, is } = self;
        let recognition = Some(Arc::new(is.read()?));
        let state = State::Ready { label, has_files, recognition };
        Some((name, ImageInfo { size: file.size(), state, version: file, beside, lasting: true }))
    }
}

#[cfg(test)]
mod tests;
