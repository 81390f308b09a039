//! One fetch by a real client, and the many that are made, some at a time.

use core::sync::atomic::{AtomicUsize, Ordering};
use core::time::Duration;
use std::fs;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Instant;

use super::files::{Files, difference};
use super::programs::{Client, Way};
use super::scene::{Family, Place, Ports, Scene, address};
use crate::error::{Result, fail};
use crate::interrupt;
use crate::process::{Background, describe, tail};

/// Generous: an idle machine needs four seconds for the largest file.
const PATIENCE: Duration = Duration::from_secs(90);
const LOOK_EVERY: Duration = Duration::from_millis(2);
/// A client and the server by turns keep less than two processors busy.
const AT_ONCE: usize = 3;

/// One file by one client, fetched or sent.
#[derive(Debug, Clone)]
pub(crate) struct Fetch {
    pub(crate) client: &'static Client,
    pub(crate) way: &'static Way,
    pub(crate) file: String,
    pub(crate) family: Family,
    pub(crate) ports: Ports,
    pub(crate) place: Place,
}

/// Where things are.
#[derive(Debug)]
pub(crate) struct Folders {
    /// What is served, and sent.
    pub(crate) root: PathBuf,
    /// What was fetched.
    pub(crate) out: PathBuf,
}

/// What came of it.
#[derive(Debug)]
pub(crate) struct Fetched {
    pub(crate) outcome: Result<()>,
    pub(crate) took: Duration,
}

/// Makes all of them, and returns what came of each in the same order.
pub(crate) fn all(
    fetches: &[Fetch],
    scene: &Scene,
    files: &Files,
    folder: &Folders,
) -> Result<Vec<Fetched>> {
    let next = AtomicUsize::new(0);
    let done = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::SeqCst);
                    let Some(fetch) = fetches.get(number) else { return };
                    let started = Instant::now();
                    let outcome = fetch.make(number, scene, files, folder);
                    let fetched = Fetched { outcome, took: started.elapsed() };
                    done.lock().unwrap_or_else(PoisonError::into_inner).push((number, fetched));
                }
            });
        }
    });
    interrupt::check()?;
    let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    done.sort_by_key(|(number, _)| *number);
    Ok(done.into_iter().map(|(_, fetched)| fetched).collect())
}

impl Fetch {
    /// Fetches the file, or sends it, and compares what arrived.
    fn make(&self, number: usize, scene: &Scene, files: &Files, folder: &Folders) -> Result<()> {
        interrupt::check()?;
        // Of its own, since several are on their way.
        let name = format!("{number}-{}", self.file);
        let (asked, local, arrives) = match self.way.sends {
            true => (&name, folder.root.join(&self.file), scene.uploads(self.ports)?.join(&name)),
            false => (&self.file, folder.out.join(&name), folder.out.join(&name)),
        };
        let log = folder.out.join(format!("{number}.log"));
        let server = address(self.ports, self.place, self.family);
        let words = self.way.words(server, asked, &local.to_string_lossy());
        let command = scene.clients.command(&words);
        let line = describe(&command);
        let mut process = Background::start(command, self.client.name, &log)?;
        let problem = match ended(&mut process)? {
            None => Some(format!("it did not end in {PATIENCE:?}")),
            Some(status) if !status.success() => Some(status.to_string()),
            Some(_) => match fs::read(&arrives) {
                Ok(got) => difference(files.content(&self.file), &got),
                Err(why) => Some(format!("it ended well, but no file arrived: {why}")),
            },
        };
        let said = tail(&process.printed(), 2);
        let _ = fs::remove_file(&arrives);
        let _ = fs::remove_file(&log);
        match problem {
            None => Ok(()),
            Some(problem) => fail(self.complaint(&line, &problem, &said)),
        }
    }

    fn complaint(&self, line: &str, problem: &str, said: &str) -> String {
        let Self { client, way, file, family, ports, place } = self;
        let whence = match place {
            Place::First => "",
            Place::Second => ", from the server's second address",
            Place::Narrow => ", over the narrow link",
        };
        format!(
            "{} ({}), {file} by {}, {}{whence}: {problem}\n    {line}\n    it said: {}",
            client.name,
            way.what,
            family.name(),
            ports.line(),
            if said.is_empty() { "nothing" } else { said },
        )
    }
}

/// How a program ended; `None` if it did not, in good time.
fn ended(process: &mut Background) -> Result<Option<std::process::ExitStatus>> {
    let deadline = Instant::now() + PATIENCE;
    while Instant::now() < deadline {
        if let Some(status) = process.exited()? {
            return Ok(Some(status));
        }
        interrupt::check()?;
        thread::sleep(LOOK_EVERY);
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::super::programs::CLIENTS;
    use super::*;

    #[test]
    fn a_complaint_says_who_what_where_and_how() {
        let fetch = Fetch {
            client: &CLIENTS[0],
            way: &CLIENTS[0].ways[1],
            file: "bytes-513".to_owned(),
            family: Family::V6,
            ports: Ports::Single,
            place: Place::Second,
        };
        let text = fetch.complaint("curl …", "12 bytes instead of 513", "curl: (71)");
        for part in [
            "curl (no options)",
            "bytes-513 by IPv6, single_port = true, from the server's second address",
            "12 bytes instead of 513",
            "\n    curl …\n",
            "it said: curl: (71)",
        ] {
            assert!(text.contains(part), "{part} is not in: {text}");
        }
    }
}
