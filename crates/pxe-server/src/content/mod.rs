//! The files: beneath the root, the system's loader packages, and texts made up from the root.
//! Rules about paths live here only.

mod cache;
mod cases;
mod cpu;
mod find;
mod images;
mod inside;
mod listing;
mod loaders;
mod menu;
mod open;
mod program;
mod root;
#[cfg(feature = "http")]
mod seeds;
pub(crate) mod signed;
mod uploads;

use core::task::Poll;
use std::io::{self, IoSliceMut};
use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};

use crate::engine::{
    ContentError, ContentId, ContentRequest, ContentStore, Opened, Shortfall, Upload, UploadError,
    UploadRequest,
};
use cache::Cache;
#[cfg(feature = "http")]
pub(crate) use cache::Stamp;
pub use cache::{CACHE_BYTES_MAX, CACHED_FILE_BYTES_MAX};
use cases::Cases;
pub use cases::{CASE_NAMES_MAX, FOLDER_NAMES_MAX};
pub(crate) use cpu::uefi_cpu;
pub use find::Finder;
pub(crate) use find::{IMAGES, Links, Made, host};
pub use images::{
    Catalogue, IMAGES_MAX, ImageInfo, Images, ImagesAsked, KNOWN_IMAGE_BYTES_MAX,
    KNOWN_IMAGES_BYTES_MAX, OPEN_IMAGES_MAX, State,
};
pub(crate) use images::{bootable, cannot_boot, image_named, starts_on};
pub use loaders::{FoundLoader, Loaders, MissingLoader};
pub use menu::Menus;
#[cfg(feature = "http")]
pub(crate) use menu::Unlock;
pub(crate) use open::Content;
pub use program::{Program, Unfit};
#[cfg(feature = "http")]
pub use seeds::{SEED_BYTES_MAX, Seeds, TEMPLATE_BYTES_MAX, TEMPLATE_STEPS_MAX};
#[cfg(feature = "http")]
pub(crate) use seeds::{SeedError, SeedFacts};
pub use uploads::{UPLOADS_MAX, UPLOADS_PER_CLIENT_MAX, Uploads};

/// What the files of all loops have in common.
#[derive(Debug)]
pub struct Shared {
    loaders: RwLock<Arc<Loaders>>,
    menus: RwLock<Arc<Menus>>,
    cache: Cache,
    cases: Option<Cases>,
    uploads: Option<Uploads>,
    images: Option<Arc<Images>>,
    #[cfg(feature = "http")]
    seeds: RwLock<Arc<Seeds>>,
}

impl Shared {
    /// With these loaders and an empty cache; names are taken as they are, and nobody may send files.
    pub fn new(loaders: Loaders) -> Self {
        let loaders = RwLock::new(Arc::new(loaders));
        Self {
            loaders,
            menus: RwLock::default(),
            cache: Cache::default(),
            cases: None,
            uploads: None,
            images: None,
            #[cfg(feature = "http")]
            seeds: RwLock::default(),
        }
    }

    /// The same, but a name that is not there is looked for in other spellings, upper and lower case alike.
    #[must_use]
    pub fn ignoring_case(self) -> Self {
        Self { cases: Some(Cases::default()), ..self }
    }

    /// The same, with a place for files that clients send.
    #[must_use]
    pub fn with_uploads(self, uploads: Uploads) -> Self {
        Self { uploads: Some(uploads), ..self }
    }

    /// The same, with a folder of images.
    #[must_use]
    pub fn with_images(self, images: Arc<Images>) -> Self {
        Self { images: Some(images), ..self }
    }

    /// Other loaders were found.
    pub fn set_loaders(&self, loaders: Loaders) {
        *self.loaders.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(loaders);
    }

    /// Menus are made in another way from now on.
    pub fn set_menus(&self, menus: Menus) {
        *self.menus.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(menus);
    }

    fn menus(&self) -> Arc<Menus> {
        Arc::clone(&self.menus.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Machines have other templates.
    #[cfg(feature = "http")]
    pub fn set_seeds(&self, seeds: Seeds) {
        *self.seeds.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(seeds);
    }

    fn loaders(&self) -> Arc<Loaders> {
        Arc::clone(&self.loaders.read().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The files that clients of one loop may fetch.
#[derive(Debug)]
pub struct Files {
    finder: Finder,
    tftp_port: u16,
    open: Vec<Option<Content>>,
    free: Vec<usize>,
}

impl Files {
    /// Files beneath `root`, and system loaders where the root lacks them.
    pub fn new(root: PathBuf, shared: Arc<Shared>, tftp_port: u16) -> Self {
        let finder = Finder::new(root, shared);
        Self { finder, tftp_port, open: Vec::new(), free: Vec::new() }
    }

    fn keep(&mut self, content: Content) -> ContentId {
        let index = self.free.pop().unwrap_or_else(|| {
            self.open.push(None);
            self.open.len() - 1
        });
        self.open[index] = Some(content);
        ContentId(index)
    }

    fn opened(&self, id: ContentId) -> io::Result<&Content> {
        let content = self.open.get(id.0).and_then(Option::as_ref);
        content.ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

impl Files {
    fn receiving(&mut self, id: ContentId) -> Result<&mut uploads::Receiving, UploadError> {
        match self.open.get_mut(id.0).and_then(Option::as_mut) {
            Some(Content::Upload(receiving)) => Ok(receiving),
            _ => Err(UploadError::Failed("it is not open".to_owned())),
        }
    }
}

impl ContentStore for Files {
    fn open(&mut self, request: &ContentRequest<'_>) -> Result<Opened, ContentError> {
        let links = Links::tftp(request.server, self.tftp_port);
        let &ContentRequest { goes_first, recipient, .. } = request;
        let made = request.generated.map(|generated| Made { generated, goes_first, recipient });
        let content = match request.text {
            Some(text) => Content::generated(Arc::clone(text)),
            None => self.finder.find(request.name, made, &links)?,
        };
        let size = content.size();
        Ok(Opened { id: self.keep(content), size })
    }

    fn shortfall(&self, id: ContentId) -> Option<Shortfall> {
        self.opened(id).ok()?.shortfall().cloned()
    }

    fn read_at(&mut self, id: ContentId, offset: u64, into: &mut [u8]) -> io::Result<usize> {
        self.opened(id)?.read_at(offset, into)
    }

    fn read_row(
        &mut self,
        id: ContentId,
        offset: u64,
        blocks: &mut [IoSliceMut<'_>],
    ) -> io::Result<()> {
        self.opened(id)?.read_row(offset, blocks)
    }

    fn create(&mut self, request: &UploadRequest<'_>) -> Result<Upload, UploadError> {
        let uploads = self.finder.uploads().ok_or(UploadError::Off)?;
        let bytes_max = uploads.bytes_max();
        let receiving = uploads.begin(request)?;
        Ok(Upload { id: self.keep(Content::Upload(receiving)), bytes_max })
    }

    fn write_at(&mut self, id: ContentId, offset: u64, bytes: &[u8]) -> Result<(), UploadError> {
        self.receiving(id)?.write_at(offset, bytes)
    }

    fn finish(&mut self, id: ContentId) -> Poll<Result<(), UploadError>> {
        self.receiving(id)?.finish()
    }

    fn close(&mut self, id: ContentId) {
        if self.open.get_mut(id.0).and_then(Option::take).is_some() {
            self.free.push(id.0);
        }
    }
}
