//! One look at the whole folder.

use core::num::NonZero;
use core::sync::atomic::{AtomicUsize, Ordering};
use core::time::Duration;
use std::collections::BTreeMap;
use std::fs::{File, Metadata};
use std::io::Read;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::SystemTime;

use cap_std::fs::Dir;
use log::{info, warn};
use pxe_image::recognise::Recognition;

use super::examine::{examine, recognised};
use super::kept::{Kept, Remembered};
use super::{Catalogue, IMAGES_MAX, ImageInfo, Images, State, Version, is_image};

/// A file that was written to this short a time ago may still be arriving.
pub(super) const SETTLE: Duration = Duration::from_secs(2);
/// Names read in one look: bounds its time, whatever else lies in the folder.
const NAMES_READ_MAX: usize = 20_000;
/// Bytes of the file beside an image.
const BESIDE_BYTES_MAX: u64 = 64 << 10;
/// Images that are looked at side by side: they wait for the disk most of the time.
const LOOKS_MAX: usize = 8;

impl Images {
    /// Looks at the folder, at new and changed images more closely, and tells of what is new. Whether some are still
    /// arriving.
    pub(super) fn scan(&self) -> bool {
        let before = self.catalogue();
        let after = Arc::new(self.seen(&before, &self.remembered()));
        let arriving = after.images.values().any(|info| info.state == State::Arriving);
        self.set_catalogue(Arc::clone(&after));
        tell(&before, &after);
        arriving
    }

    /// What is kept of the images of a folder that was not looked at before: that of the start, one that has come back.
    fn remembered(&self) -> Remembered {
        let (Some(kept), Some(which)) = (&self.kept, self.root.which()) else {
            return Remembered::new();
        };
        let before = self.looked_at.lock().unwrap_or_else(PoisonError::into_inner).replace(which);
        if before == Some(which) { Remembered::new() } else { kept.load() }
    }

    /// What the folder holds now, without a word about it: whether each image is whole, and what it is if that is kept.
    pub fn survey(&self) -> Catalogue {
        let remembered = self.kept.as_ref().map(Kept::load).unwrap_or_default();
        self.seen(&Catalogue::default(), &remembered)
    }

    /// The same, and what each is, of as many as `looks_max` that have to be read for it. May take seconds for each.
    pub fn recognise_all(&self, looks_max: usize) -> Catalogue {
        self.surveyed(|_| true, |_| false, looks_max)
    }

    /// The same for those that are `wanted`, until one is `enough`, and makes that the catalogue: for who has no thread that
    /// follows the folder.
    pub fn look_at(
        &self,
        wanted: impl Fn(&str) -> bool,
        enough: impl Fn(&Recognition) -> bool,
        looks_max: usize,
    ) {
        self.set_catalogue(Arc::new(self.surveyed(wanted, enough, looks_max)));
    }

    fn surveyed(
        &self,
        wanted: impl Fn(&str) -> bool,
        enough: impl Fn(&Recognition) -> bool,
        looks_max: usize,
    ) -> Catalogue {
        let mut catalogue = self.survey();
        let is_enough = |info: &ImageInfo| match &info.state {
            State::Ready { recognition: Some(known), .. } => enough(known),
            _ => false,
        };
        if catalogue.images.values().any(|info| is_enough(info)) {
            return catalogue;
        }
        let waiting = catalogue.images.iter_mut().filter(|(name, it)| it.waits() && wanted(name));
        for (name, info) in waiting.take(looks_max) {
            *info = Arc::new(self.recognise(name, info));
            if is_enough(info) {
                break;
            }
        }
        catalogue
    }

    /// What the folder holds. What did not change since `before`, or since it was kept, is not looked at again.
    fn seen(&self, before: &Catalogue, remembered: &Remembered) -> Catalogue {
        let (names, truncated) = self.names();
        let next = AtomicUsize::new(0);
        let found = Mutex::new(BTreeMap::new());
        let looks = thread::available_parallelism().map_or(1, NonZero::get).min(LOOKS_MAX);
        let look = || {
            while let Some(name) = names.get(next.fetch_add(1, Ordering::Relaxed)) {
                if let Some(info) = self.look(name, before, remembered) {
                    let mut found = found.lock().unwrap_or_else(PoisonError::into_inner);
                    found.insert(name.clone(), info);
                }
            }
        };
        thread::scope(|scope| {
            for _ in 1..looks.min(names.len().max(1)) {
                scope.spawn(look);
            }
            look();
        });
        let images = found.into_inner().unwrap_or_else(PoisonError::into_inner);
        Catalogue { images, truncated }
    }

    fn set_catalogue(&self, catalogue: Arc<Catalogue>) {
        *self.catalogue.write().unwrap_or_else(PoisonError::into_inner) = catalogue;
    }

    /// Finds out what the next image is of which that is not known yet; whether there was one. One at a time, so that
    /// machines that boot have the processor, and changes are seen in between.
    pub(super) fn recognise_next(&self) -> bool {
        let catalogue = self.catalogue();
        let mut waiting = catalogue.images.iter().filter(|(_, info)| info.waits());
        let Some((name, info)) = waiting.next() else { return false };
        let info = Arc::new(self.recognise(name, info));
        let mut after = Catalogue::clone(&catalogue);
        after.images.insert(name.clone(), Arc::clone(&info));
        self.set_catalogue(Arc::new(after));
        // Whoever reads that it is known finds it so.
        tell_state(name, &info.state);
        if let Some(kept) = self.kept.as_ref().filter(|_| info.lasting) {
            kept.note_change();
        }
        true
    }

    /// Keeps what was found out since this was called last.
    pub(super) fn keep(&self) {
        if let Some(kept) = &self.kept {
            kept.save(&self.catalogue());
        }
    }

    /// An image that is whole, and now also what it is.
    fn recognise(&self, name: &str, info: &ImageInfo) -> ImageInfo {
        let known = |state, lasting| ImageInfo { state, lasting, ..info.clone() };
        let Ok((file, metadata)) = self.root.open(name.as_bytes(), None) else {
            return known(State::Arriving, false);
        };
        if Version::of(&metadata) != info.version {
            // It changed, and the next look sees it.
            return known(State::Arriving, false);
        }
        let beside = self.beside(name).and_then(|(file, _)| text(&file));
        match (recognised(name, file, info.size, beside.as_deref()), &info.state) {
            (Ok((recognition, lasting)), State::Ready { label, has_files, .. }) => {
                let (label, has_files) = (label.clone(), *has_files);
                let recognition = Some(Arc::new(recognition));
                known(State::Ready { label, has_files, recognition }, lasting)
            }
            (Ok(_), state) => known(state.clone(), false),
            (Err(why), _) => known(State::Broken(why), false),
        }
    }

    /// The file beside an image that says more of it: `debian.iso.toml`, or `debian.toml`.
    fn beside(&self, name: &str) -> Option<(File, Metadata)> {
        let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
        let open = |name: &str| self.root.open(format!("{name}.toml").as_bytes(), None).ok();
        open(name).or_else(|| open(stem))
    }

    /// What is known of an image, or what a look at it tells; `None` if it cannot be opened.
    fn look(
        &self,
        name: &str,
        before: &Catalogue,
        remembered: &Remembered,
    ) -> Option<Arc<ImageInfo>> {
        let (file, metadata) = self.root.open(name.as_bytes(), None).ok()?;
        let (size, version) = (metadata.len(), Version::of(&metadata));
        let beside = self.beside(name).map(|(_, metadata)| Version::of(&metadata));
        let is_same = |known: &&Arc<ImageInfo>| (known.version, known.beside) == (version, beside);
        let known = before.images.get(name).filter(is_same);
        if let Some(known) = known.filter(|known| known.state != State::Arriving) {
            return Some(Arc::clone(known));
        }
        let is_as_before = |kept: &&ImageInfo| {
            version.is_as_before_restart(&kept.version)
                && match (&beside, &kept.beside) {
                    (Some(now), Some(then)) => now.is_as_before_restart(then),
                    (now, then) => now.is_none() && then.is_none(),
                }
        };
        if let Some(kept) = remembered.get(name).filter(is_as_before) {
            return Some(Arc::new(ImageInfo { version, beside, ..kept.clone() }));
        }
        // What is dated in the future has arrived too.
        let age = metadata.modified().ok().and_then(|it| SystemTime::now().duration_since(it).ok());
        let is_settled = age.is_none_or(|age| age >= SETTLE);
        let state = if is_settled { examine(name, file, &metadata) } else { State::Arriving };
        Some(Arc::new(ImageInfo { size, state, version, beside, lasting: false }))
    }

    /// Names of the images in the folder and in folders in it, in their order.
    fn names(&self) -> (Vec<String>, bool) {
        let Some(folder) = self.root.folder() else { return (Vec::new(), false) };
        let mut walk = Walk { names: Vec::new(), read: 0 };
        let folders = walk.folder(&folder, "");
        for name in folders {
            if let Ok(inner) = folder.open_dir(&name) {
                walk.folder(&inner, &format!("{name}/"));
            }
        }
        walk.names.sort_unstable();
        let truncated = walk.names.len() > IMAGES_MAX || walk.read >= NAMES_READ_MAX;
        walk.names.truncate(IMAGES_MAX);
        (walk.names, truncated)
    }
}

/// The content of a small file; `None` if it is large or no text.
fn text(file: &File) -> Option<String> {
    let mut text = String::new();
    let read = file.take(BESIDE_BYTES_MAX + 1).read_to_string(&mut text).ok()?;
    (read as u64 <= BESIDE_BYTES_MAX).then_some(text)
}

struct Walk {
    names: Vec<String>,
    read: usize,
}

impl Walk {
    /// Takes the images of a folder; returns the folders in it.
    fn folder(&mut self, folder: &Dir, prefix: &str) -> Vec<String> {
        let mut folders = Vec::new();
        for entry in folder.entries().into_iter().flatten().flatten() {
            if self.read >= NAMES_READ_MAX {
                break;
            }
            self.read += 1;
            // A name that is no text can be in no URL of a menu.
            let Ok(name) = entry.file_name().into_string() else { continue };
            if name.starts_with('.') || name.contains(char::is_control) {
                continue;
            }
            // `metadata` of the folder follows links, within the folder of images only.
            match folder.metadata(Path::new(&name)) {
                Ok(metadata) if metadata.is_dir() => folders.push(name),
                Ok(metadata) if metadata.is_file() && is_image(name.as_bytes()) => {
                    self.names.push(format!("{prefix}{name}"));
                }
                _ => {}
            }
        }
        folders
    }
}

/// Says what changed between two looks.
fn tell(before: &Catalogue, after: &Catalogue) {
    for (name, info) in &after.images {
        let known = before.images.get(name);
        if known.is_some_and(|known| known.state == info.state && known.size == info.size) {
            continue;
        }
        tell_state(name, &info.state);
    }
    for name in before.images.keys().filter(|name| !after.images.contains_key(*name)) {
        info!("image {name} is gone");
    }
    if after.truncated && !before.truncated {
        warn!("more than {IMAGES_MAX} images: the last are not listed");
    }
}

fn tell_state(name: &str, state: &State) {
    match state {
        // Told when it is known what it is.
        State::Arriving | State::Ready { recognition: None, .. } => {}
        State::Ready { recognition: Some(known), .. } => {
            info!("image {name}: {}", known.title);
            for warning in &known.warnings {
                warn!("image {name}: {warning}");
            }
        }
        State::Broken(why) => warn!("image {name} {why}"),
    }
}

impl ImageInfo {
    /// It is not known yet what it is.
    pub(in crate::content) fn is_awaited(&self) -> bool {
        self.state == State::Arriving || self.waits()
    }

    /// It is whole, and what it is is not known yet.
    fn waits(&self) -> bool {
        matches!(self.state, State::Ready { recognition: None, .. })
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn old(path: &Path) {
        let time = SystemTime::now() - Duration::from_secs(60);
        File::options()
            .write(true)
            .open(path)
            .and_then(|file| file.set_modified(time))
            .expect("a time");
    }

    fn states(images: &Images) -> Vec<(String, State)> {
        let catalogue = images.catalogue();
        catalogue.images.iter().map(|(name, info)| (name.clone(), info.state.clone())).collect()
    }

    #[test]
    fn a_folder_is_followed_as_it_changes() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("images");
        let images = Images::new(path.clone());
        assert!(!images.scan() && states(&images).is_empty(), "it is not there yet");
        fs::create_dir_all(path.join("tools/deeper")).expect("folders");
        for name in ["b.efi", "a.txt", ".c.iso", "tools/t.img", "tools/deeper/d.iso"] {
            fs::write(path.join(name), b"content").expect("written");
            old(&path.join(name));
        }
        fs::write(path.join("x.iso"), b"no ISO").expect("written");
        assert!(images.scan(), "one is arriving");
        let ready = State::Ready { label: String::new(), has_files: false, recognition: None };
        let expected = |last: Option<State>| {
            let mut all = vec![("b.efi".to_owned(), ready.clone())];
            all.push(("tools/t.img".to_owned(), ready.clone()));
            all.extend(last.map(|state| ("x.iso".to_owned(), state)));
            all
        };
        assert_eq!(states(&images), expected(Some(State::Arriving)));
        old(&path.join("x.iso"));
        assert!(!images.scan());
        let broken = "is neither ISO 9660 nor UDF: is it downloaded whole?".to_owned();
        assert_eq!(states(&images), expected(Some(State::Broken(broken))));
        fs::remove_file(path.join("x.iso")).expect("removed");
        assert!(!images.scan());
        assert_eq!(states(&images), expected(None));
    }

    /// Bytes that this thread has read since it began.
    fn bytes_read() -> u64 {
        let io = fs::read_to_string("/proc/thread-self/io").expect("Linux counts them");
        let read = io.lines().find_map(|line| line.strip_prefix("rchar: "));
        read.and_then(|bytes| bytes.parse().ok()).expect("a number")
    }

    #[test]
    fn five_hundred_large_images_are_looked_at_by_their_heads_and_only_once() {
        const IMAGES: usize = 500;
        // For the places where disks of several kinds keep what tells them.
        const LOOK_BYTES_MAX: u64 = 256 << 10;
        let folder = tempfile::tempdir().expect("a folder");
        for number in 0..IMAGES {
            let path = folder.path().join(format!("{number}.img"));
            File::create(&path).and_then(|file| file.set_len(2 << 30)).expect("a sparse file");
            old(&path);
        }
        let images = Images::new(folder.path().to_owned());
        let (nothing, nothing_kept) = (Catalogue::default(), Remembered::new());
        let before = bytes_read();
        images.look("7.img", &nothing, &nothing_kept).expect("it is there");
        let read = bytes_read() - before;
        assert!((512..LOOK_BYTES_MAX).contains(&read), "{read} bytes");
        images.scan();
        let first = images.catalogue();
        assert_eq!(first.images.len(), IMAGES);
        images.scan();
        let second = images.catalogue();
        let is_kept = |(name, info): (&String, &Arc<ImageInfo>)| {
            second.images.get(name).is_some_and(|again| Arc::ptr_eq(info, again))
        };
        assert!(first.images.iter().all(is_kept), "one was looked at again");
    }
}
