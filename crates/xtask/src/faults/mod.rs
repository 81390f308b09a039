//! `cargo xtask test --only faults`: what goes wrong with network boot, planted on private wires, and found: by `doctor`
//! on every one of them, as a command and on the page, and by the story of a machine with real firmware where one booted
//! into it. What a page must show is looked for in a real browser.

mod cases;
mod ground;
mod images;
mod machines;
mod programs;
mod shown;
mod window;

use std::collections::VecDeque;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Instant;

use crate::error::{Context as _, Result, fail};
use crate::lab::wire::sweep_leftovers;
use crate::packages::{self, Need};
use crate::workspace::Workspace;
use window::Window;

/// dnsmasq is every other server; xorriso makes an image that boots nothing.
pub(crate) const NEEDS: &[&Need] = &[
    &packages::WIRE,
    &packages::DNSMASQ,
    &packages::IMAGES,
    &packages::CHROMIUM,
    &packages::CURL,
    &packages::QEMU_X86,
    &packages::QEMU_ROM,
    &packages::OVMF_X64,
    &packages::IPXE,
];

/// Played at once: each mostly waits.
const AT_ONCE: usize = 4;

/// Something to play.
struct Play {
    name: &'static str,
    act: fn(&Set<'_>) -> Result<String>,
}

/// What a play has.
struct Set<'s> {
    binary: &'s Path,
    window: &'s Window,
    /// For this play alone.
    folder: PathBuf,
}

/// The slow ones first.
fn plays() -> impl Iterator<Item = &'static Play> {
    machines::PLAYS.iter().chain(cases::PLAYS)
}

/// Runs the step.
pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    let binary = workspace.build_checked_server()?;
    sweep_leftovers();
    let folder = workspace.target.join("faults").join(std::process::id().to_string());
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).context(|| format!("making {}", folder.display()))?;
    let window = Window::open(&folder)?;
    let waiting: Mutex<VecDeque<&Play>> = Mutex::new(plays().collect());
    let failed = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some(play) = next(&waiting) {
                    if let Err(why) = one(play, &binary, &window, &folder) {
                        println!("  {} FAILED: {why}", play.name);
                        failed.lock().unwrap_or_else(PoisonError::into_inner).push(play.name);
                    }
                }
            });
        }
    });
    let failed = failed.into_inner().unwrap_or_else(PoisonError::into_inner);
    if !failed.is_empty() {
        return fail(format!("{}; logs in {}", failed.join(", "), folder.display()));
    }
    drop(window);
    // Kept where something failed.
    fs::remove_dir_all(&folder).context(|| format!("removing {}", folder.display()))
}

fn next<'p>(waiting: &Mutex<VecDeque<&'p Play>>) -> Option<&'p Play> {
    waiting.lock().unwrap_or_else(PoisonError::into_inner).pop_front()
}

fn one(play: &Play, binary: &Path, window: &Window, folder: &Path) -> Result<()> {
    crate::interrupt::check()?;
    let started = Instant::now();
    let folder: PathBuf = folder.join(play.name);
    fs::create_dir_all(&folder).context(|| format!("making {}", folder.display()))?;
    let said = (play.act)(&Set { binary, window, folder })?;
    println!("  {} ({:.0} s): {said}", play.name, started.elapsed().as_secs_f32());
    Ok(())
}
