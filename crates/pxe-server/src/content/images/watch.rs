//! When to look at the folder of images again: when the system says that something changed, and now and then anyway,
//! since network file systems say nothing.

use core::time::Duration;
use std::io;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Weak};
use std::thread;
use std::time::Instant;

use log::debug;
use notify::{RecommendedWatcher, RecursiveMode, Watcher};

use super::Images;
use super::scan::SETTLE;
use crate::content::root::Which;

/// How often the folder is looked at if nothing is said of it.
const LOOK_EVERY: Duration = Duration::from_secs(30);
/// How often a folder that is not there is looked for: nobody says when it comes.
const LOOK_FOR_EVERY: Duration = Duration::from_secs(2);
/// How often what was found out is kept while more is to be found out.
const KEPT_EVERY: Duration = Duration::from_secs(10);
/// After a change: more of them usually follow.
const DEBOUNCE: Duration = Duration::from_millis(300);

impl Images {
    /// Follows the folder in a thread of its own, for as long as somebody has the images.
    ///
    /// # Errors
    /// If no thread can be had.
    pub fn follow(images: &Arc<Self>) -> io::Result<()> {
        let images = Arc::downgrade(images);
        thread::Builder::new().name("images".to_owned()).spawn(move || follow(&images))?;
        Ok(())
    }
}

fn follow(images: &Weak<Images>) {
    // One place: that something changed is all that counts.
    let (change, changes) = sync_channel(1);
    let mut watched: Option<(Which, RecommendedWatcher)> = None;
    let mut kept_at = Instant::now();
    loop {
        let Some(images) = images.upgrade() else { return };
        // Before the look, so that nothing between the two is missed. The folder may have come only now, or be another
        // one than that which is watched.
        let there = images.root.which();
        if watched.as_ref().map(|(which, _)| *which) != there {
            watched = there.and_then(|which| Some((which, watch(&images, &change)?)));
        }
        let arriving = images.scan();
        let mut is_changed = false;
        // Whatever changes meanwhile is looked at first.
        while !is_changed && images.recognise_next() {
            is_changed = changes.try_recv().is_ok();
            if kept_at.elapsed() >= KEPT_EVERY {
                images.keep();
                kept_at = Instant::now();
            }
        }
        if !is_changed {
            images.keep();
        }
        drop(images);
        if !is_changed {
            let most = match there {
                None => LOOK_FOR_EVERY,
                Some(_) if arriving => SETTLE,
                Some(_) => LOOK_EVERY,
            };
            wait(&changes, most);
        }
    }
}

fn watch(images: &Images, change: &SyncSender<()>) -> Option<RecommendedWatcher> {
    let change = change.clone();
    let said = move |event: notify::Result<notify::Event>| {
        // That somebody reads is no change, and we read all the time.
        if event.is_ok_and(|event| event.kind.is_access()) {
            return;
        }
        let _ = change.try_send(());
    };
    let watched = notify::recommended_watcher(said).and_then(|mut watcher| {
        watcher.watch(&images.path, RecursiveMode::Recursive)?;
        Ok(watcher)
    });
    watched.inspect_err(|error| debug!("changes of images are not told: {error}")).ok()
}

/// Until something changed and nothing more has for a moment, or until it is time anyway.
fn wait(changes: &Receiver<()>, most: Duration) {
    let deadline = Instant::now() + most;
    if changes.recv_timeout(most) == Err(RecvTimeoutError::Timeout) {
        return;
    }
    // A long copy changes all the time, and is not waited for.
    while Instant::now() < deadline && changes.recv_timeout(DEBOUNCE).is_ok() {}
}
