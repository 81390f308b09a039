use core::net::Ipv4Addr;
use std::fs;
use std::os::unix::fs::symlink;
use std::thread;
use std::time::{Duration, Instant};

use nix::fcntl::{Flock, FlockArg};

use super::*;

const PATIENCE: Duration = Duration::from_secs(20);

/// A folder for uploads beside others, removed at the end.
struct Place {
    base: PathBuf,
    uploads: Uploads,
}

impl Place {
    fn new(name: &str) -> Self {
        let base = std::env::temp_dir().join(format!("pxe-uploads-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&base);
        let folder = base.join("in");
        fs::create_dir_all(folder.join("sub")).expect("tree");
        Self { base, uploads: Uploads::new(folder, 1_000) }
    }

    fn begin_by(&self, name: &str, client: u8) -> Result<Receiving, UploadError> {
        let client = Ipv4Addr::new(192, 0, 2, client).into();
        self.uploads.begin(&UploadRequest { name: name.as_bytes(), size: None, client })
    }

    fn begin(&self, name: &str) -> Result<Receiving, UploadError> {
        self.begin_by(name, 1)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.uploads.folder.join(name)
    }

    /// Every name beneath the folder for uploads but `sub` itself.
    fn names(&self) -> Vec<String> {
        let list = |folder: PathBuf| {
            let entries = fs::read_dir(folder).expect("folder");
            entries.map(|entry| entry.expect("entry").file_name().into_string().expect("text"))
        };
        let mut names: Vec<String> = list(self.path("")).filter(|name| name != "sub").collect();
        names.extend(list(self.path("sub")).map(|name| format!("sub/{name}")));
        names.sort();
        names
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.base);
    }
}

fn finish(receiving: &mut Receiving) -> Result<(), UploadError> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match receiving.finish() {
            core::task::Poll::Ready(finished) => return finished,
            core::task::Poll::Pending => assert!(Instant::now() < deadline, "never finished"),
        }
        thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn a_file_has_its_name_when_it_is_whole_and_not_before() {
    let place = Place::new("whole");
    for name in ["core.1", "sub/core.2"] {
        let mut receiving = place.begin(name).expect("let in");
        assert!(!place.names().iter().any(|known| known.contains(".part")), "nothing yet");
        receiving.write_at(0, b"first ").expect("stored");
        receiving.write_at(6, b"second").expect("stored");
        assert!(!place.path(name).exists());
        finish(&mut receiving).expect("in place");
        assert_eq!(fs::read(place.path(name)).expect("file"), b"first second");
    }
    let mut empty = place.begin("empty").expect("let in");
    finish(&mut empty).expect("in place");
    assert_eq!(place.names(), ["core.1", "empty", "sub/core.2"]);
    assert_eq!(fs::read(place.path("empty")).expect("file"), b"");
}

#[test]
fn nothing_is_ever_overwritten() {
    let place = Place::new("exists");
    fs::write(place.path("old"), "old").expect("file");
    symlink("nowhere", place.path("dangling")).expect("link");
    for name in ["old", "sub", "dangling"] {
        assert_eq!(place.begin(name).err(), Some(UploadError::Exists), "{name}");
    }
    // One that appears meanwhile, and two clients that send the same.
    let mut first = place.begin("new").expect("let in");
    let mut second = place.begin("new").expect("let in");
    first.write_at(0, b"first").expect("stored");
    second.write_at(0, b"second").expect("stored");
    finish(&mut first).expect("in place");
    assert_eq!(finish(&mut second), Err(UploadError::Exists));
    assert_eq!(fs::read(place.path("new")).expect("file"), b"first");
    assert_eq!(place.names(), ["dangling", "new", "old"]);
}

#[test]
fn file_systems_that_only_link_overwrite_nothing_either() {
    let place = Place::new("link");
    let folder = Dir::open_ambient_dir(place.path(""), ambient_authority()).expect("folder");
    let part = Part::create(&folder).expect("part");
    part.link(OsStr::new("new")).expect("in place");
    part::sync_names(&folder).expect("synced");
    drop(part);
    let part = Part::create(&folder).expect("part");
    let error = part.link(OsStr::new("new")).expect_err("it is there");
    assert_eq!(upload_error(&error), UploadError::Exists);
    drop(part);
    assert_eq!(place.names(), ["new"]);
}

#[test]
fn an_upload_that_is_given_up_leaves_nothing() {
    let place = Place::new("aborted");
    let mut receiving = place.begin("sub/core").expect("let in");
    receiving.write_at(0, b"half").expect("stored");
    assert_eq!(place.names().len(), 1);
    drop(receiving);
    assert_eq!(place.names(), [""; 0]);
    // Also while the disk is at it: the file is whole and kept, or gone.
    let mut receiving = place.begin("core").expect("let in");
    receiving.write_at(0, b"all").expect("stored");
    assert!(receiving.finish().is_pending());
    drop(receiving);
    let deadline = Instant::now() + PATIENCE;
    while lock(&place.uploads.under_way).all > 0 {
        assert!(Instant::now() < deadline, "the thread never ends");
        thread::sleep(Duration::from_millis(1));
    }
    assert!(place.names().is_empty() || place.names() == ["core"], "{:?}", place.names());
}

#[test]
fn no_name_leads_outside() {
    let place = Place::new("outside");
    fs::create_dir(place.base.join("other")).expect("folder");
    symlink("../other", place.path("out")).expect("link");
    symlink(place.base.join("other"), place.path("absolute")).expect("link");
    symlink("sub", place.path("inside")).expect("link");
    for name in ["out/x", "absolute/x", "../other/x", "/etc/x", "sub/../../other/x"] {
        let refused = place.begin(name);
        assert!(matches!(refused, Err(UploadError::Refused(_))), "{name}: {refused:?}");
    }
    for name in ["missing/x", "sub/missing/x"] {
        assert_eq!(place.begin(name).err(), Some(UploadError::NoFolder), "{name}");
    }
    let mut inside = place.begin("inside/x").expect("a link may lead inside");
    finish(&mut inside).expect("in place");
    assert!(place.path("sub/x").is_file());
    assert_eq!(fs::read_dir(place.base.join("other")).expect("folder").count(), 0);
}

#[test]
fn sizes_and_numbers_are_limited() {
    let place = Place::new("limits");
    let client = Ipv4Addr::LOCALHOST.into();
    let sized = |bytes| {
        place.uploads.begin(&UploadRequest { name: b"big", size: Some(bytes), client }).map(drop)
    };
    assert_eq!(sized(1_000), Ok(()));
    assert_eq!(sized(1_001), Err(UploadError::TooLarge { bytes: 1_001, bytes_max: 1_000 }));

    let own: Vec<Receiving> = (0..UPLOADS_PER_CLIENT_MAX)
        .map(|n| place.begin(&format!("{n}")).expect("let in"))
        .collect();
    assert_eq!(place.begin("more").err(), Some(UploadError::Busy(UPLOADS_PER_CLIENT_MAX)));
    let others: Vec<Receiving> = (UPLOADS_PER_CLIENT_MAX..UPLOADS_MAX)
        .map(|n| place.begin_by(&format!("{n}"), 10 + n as u8).expect("let in"))
        .collect();
    assert_eq!(place.begin_by("more", 9).err(), Some(UploadError::Busy(UPLOADS_MAX)));
    drop(own);
    let mut last = place.begin("more").expect("room again");
    drop(others);
    // What is in its place does not count, though its client still waits to hear of it.
    finish(&mut last).expect("in place");
    assert_eq!(lock(&place.uploads.under_way).all, 0);
    assert!(lock(&place.uploads.under_way).by_client.is_empty());
}

#[test]
fn a_disk_without_room_is_said_so() {
    let place = Place::new("room");
    let huge = Uploads::new(place.path(""), u64::MAX);
    let client = Ipv4Addr::LOCALHOST.into();
    let request = UploadRequest { name: b"huge", size: Some(u64::MAX / 2), client };
    assert_eq!(huge.begin(&request).err(), Some(UploadError::Full));
}

#[test]
fn left_overs_are_swept_but_not_those_of_a_running_server() {
    let place = Place::new("sweep");
    for name in [".pxe-upload-1-0.part", "sub/.pxe-upload-1-1.part", "kept.part", ".pxe-upload-x"] {
        fs::write(place.path(name), "x").expect("file");
    }
    let running = place.path(".pxe-upload-2-0.part");
    fs::write(&running, "x").expect("file");
    let running = fs::File::open(&running).expect("file");
    let running = Flock::lock(running, FlockArg::LockExclusive).expect("lock");
    assert_eq!(place.uploads.sweep(), 2);
    assert_eq!(place.names(), [".pxe-upload-2-0.part", ".pxe-upload-x", "kept.part"]);
    drop(running);
    // Nobody can make us remove something at the next start.
    let refused = place.begin("sub/.pxe-upload-1-2.part");
    assert!(matches!(refused, Err(UploadError::Refused(_))), "{refused:?}");
}

#[test]
fn a_folder_that_is_not_there_is_named() {
    let uploads = Uploads::new("/nonexistent/uploads".into(), 1_000);
    let client = Ipv4Addr::LOCALHOST.into();
    let error = uploads.begin(&UploadRequest { name: b"x", size: None, client }).err();
    let said = error.expect("an error").to_string();
    assert!(said.contains("/nonexistent/uploads"), "{said}");
    assert_eq!(uploads.sweep(), 0);
}
