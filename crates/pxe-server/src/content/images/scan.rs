//! One look at the whole folder.

use core::num::NonZero;
use core::sync::atomic::{AtomicUsize, Ordering};
use core::time::Duration;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::SystemTime;

use cap_std::fs::Dir;
use log::{info, warn};

use super::examine::examine;
use super::{Catalogue, IMAGES_MAX, ImageInfo, Images, State, Version, is_image};

/// A file that was written to this short a time ago may still be arriving.
pub(super) const SETTLE: Duration = Duration::from_secs(2);
/// Names read in one look: bounds its time, whatever else lies in the folder.
const NAMES_READ_MAX: usize = 20_000;
/// Images that are looked at side by side: they wait for the disk most of the time.
const LOOKS_MAX: usize = 8;

impl Images {
    /// Looks at the folder, at new and changed images more closely, and tells of what is new. Whether some are still
    /// arriving.
    pub(super) fn scan(&self) -> bool {
        let before = self.catalogue();
        let (names, truncated) = self.names();
        let next = AtomicUsize::new(0);
        let found = Mutex::new(BTreeMap::new());
        let looks = thread::available_parallelism().map_or(1, NonZero::get).min(LOOKS_MAX);
        let look = || {
            while let Some(name) = names.get(next.fetch_add(1, Ordering::Relaxed)) {
                if let Some(info) = self.look(name, &before) {
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
        let arriving = images.values().any(|info| info.state == State::Arriving);
        let after = Catalogue { images, truncated };
        tell(&before, &after);
        *self.catalogue.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(after);
        arriving
    }

    /// What is known of an image, or what a look at it tells; `None` if it cannot be opened.
    fn look(&self, name: &str, before: &Catalogue) -> Option<ImageInfo> {
        let (file, metadata) = self.root.open(name.as_bytes(), None).ok()?;
        let (size, version) = (metadata.len(), Version::of(&metadata));
        let known = before.images.get(name).filter(|known| known.version == version);
        if let Some(known) = known.filter(|known| known.state != State::Arriving) {
            return Some(known.clone());
        }
        // What is dated in the future has arrived too.
        let age = metadata.modified().ok().and_then(|it| SystemTime::now().duration_since(it).ok());
        let is_settled = age.is_none_or(|age| age >= SETTLE);
        let state = if is_settled { examine(name, file, &metadata) } else { State::Arriving };
        Some(ImageInfo { size, state, version })
    }

    /// Names of the images in the folder and in folders in it, in their order.
    fn names(&self) -> (Vec<String>, bool) {
        let Some(folder) = self.root.folder() else { return (Vec::new(), false) };
        let mut walk = Walk { names: Vec::new(), read: 0 };
        let folders = walk.folder(folder, "");
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
        match &info.state {
            State::Arriving => {}
            State::Ready { label, .. } if label.is_empty() => info!("image {name}"),
            State::Ready { label, .. } => info!("image {name}: {label}"),
            State::Broken(why) => warn!("image {name} {why}"),
        }
    }
    for name in before.images.keys().filter(|name| !after.images.contains_key(*name)) {
        info!("image {name} is gone");
    }
    if after.truncated && !before.truncated {
        warn!("more than {IMAGES_MAX} images: the last are not listed");
    }
}

#[cfg(test)]
mod tests {
    use std::fs::{self, File};
    use std::time::Instant;

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
        let ready = State::Ready { label: String::new(), has_files: false };
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

    #[test]
    fn five_hundred_images_take_less_than_two_seconds() {
        let folder = tempfile::tempdir().expect("a folder");
        for number in 0..500 {
            let path = folder.path().join(format!("{number}.img"));
            File::create(&path).and_then(|file| file.set_len(2 << 30)).expect("a sparse file");
            old(&path);
        }
        let images = Images::new(folder.path().to_owned());
        let began = Instant::now();
        images.scan();
        assert_eq!(states(&images).len(), 500);
        assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
    }
}
