//! What the disk can do: no durable acknowledgement comes sooner than a flush.

use core::time::Duration;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::Path;
use std::time::Instant;

use super::search::percentile;

/// How long it is tried.
const LENGTH: Duration = Duration::from_secs(2);

/// Seconds that flushes of 4 KiB take.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Flushes {
    /// Half of them at most.
    pub median: f64,
    /// 99 of 100 at most.
    pub p99: f64,
}

/// Flushes a file in a folder again and again.
///
/// # Errors
/// If it cannot be written.
pub fn flushes(folder: &Path) -> io::Result<Flushes> {
    let path = folder.join("flushes");
    let mut file = File::create(&path)?;
    let (started, mut seconds) = (Instant::now(), Vec::new());
    while started.elapsed() < LENGTH {
        let one = Instant::now();
        file.write_all(&[1; 4096])?;
        file.sync_data()?;
        seconds.push(one.elapsed().as_secs_f64());
    }
    fs::remove_file(&path)?;
    Ok(Flushes { median: percentile(seconds.clone(), 50), p99: percentile(seconds, 99) })
}
