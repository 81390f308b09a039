//! Orders for one boot: a file for each machine in the state folder, so that they survive a restart, and so that the
//! command, the page, the server and people see the same.
//!
//! A file is written beside its place and renamed, with both flushed; it is read for each decision about its machine, and
//! removed when the order is spent. Whoever writes holds a lock, so that the end of one order never removes the next. For
//! machines without a file none is opened (`names.rs`).

mod command;
mod file;
mod names;
mod pending;
#[cfg(feature = "http")]
mod token;

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::UNIX_EPOCH;

use log::warn;
use pxe_select::{NextBoot, Target};

use crate::config::Config;
use crate::engine::{Gone, Once, Order, Orders, hyphenated};
use crate::state::unix_ms;
pub use command::{NextBootOptions, run};
pub use file::{parse, text};
use names::Names;
pub use pending::Pending;
pub(crate) use pending::Rehearsed;
#[cfg(feature = "http")]
pub use token::DoneTokens;

/// Folder of the orders, in the state folder.
const NEXT_BOOT_FOLDER: &str = "next-boot";
/// Bytes of one order.
pub const ORDER_BYTES_MAX: u64 = 4_096;
/// Orders that are given at the same time, each a small file.
pub const ORDERS_MAX: usize = 4_096;

/// Held by whoever writes orders, in the state folder.
const LOCK_FILE: &str = "next-boot.lock";

/// Why an order is not given.
#[derive(Debug, thiserror::Error)]
pub enum NextBootError {
    /// It cannot be booted.
    #[error("{0}")]
    Refused(String),
    /// The disk's fault.
    #[error("{} cannot be written: {error}", folder.display())]
    Disk {
        /// The folder of the orders.
        folder: PathBuf,
        /// What the system says.
        error: io::Error,
    },
}

/// The orders of a server, also while it runs.
#[derive(Clone, Debug)]
pub struct NextBoots {
    state: PathBuf,
    folder: PathBuf,
    names: Arc<Names>,
}

impl NextBoots {
    /// Those of this configuration.
    pub fn new(config: &Config) -> Self {
        Self::beneath(&config.state)
    }

    fn beneath(state: &Path) -> Self {
        let (state, folder) = (state.to_owned(), state.join(NEXT_BOOT_FOLDER));
        Self { state, folder, names: Arc::default() }
    }

    /// All of them, by address; those that cannot be read are left out.
    pub fn list(&self) -> Vec<([u8; 6], Order)> {
        let entries = fs::read_dir(&self.folder).into_iter().flatten().flatten();
        let macs = entries.filter_map(|entry| pxe_select::parse_mac(entry.file_name().to_str()?));
        let read = macs.take(ORDERS_MAX).filter_map(|mac| Some((mac, self.get(mac)?)));
        let mut all: Vec<_> = read.collect();
        all.sort_by_key(|(mac, _)| *mac);
        all
    }

    /// The order for a machine; none if there is none or it cannot be read.
    pub fn get(&self, mac: [u8; 6]) -> Option<Order> {
        let file = File::open(self.file(mac)).ok()?;
        let written = file.metadata().and_then(|metadata| metadata.modified()).ok()?;
        let mut text = String::new();
        file.take(ORDER_BYTES_MAX).read_to_string(&mut text).ok()?;
        let mut order = file::read(&text);
        match &mut order {
            // Written by hand.
            Some(order) if order.given_ms == 0 => {
                let since = written.duration_since(UNIX_EPOCH).unwrap_or_default();
                order.given_ms = u64::try_from(since.as_millis()).unwrap_or(u64::MAX);
            }
            Some(_) => {}
            None => warn!("{} is no order: {text:?}", self.file(mac).display()),
        }
        order
    }

    /// Why the orders cannot be seen, if that is so. That there is no folder yet is no reason.
    pub fn unreadable(&self) -> Option<String> {
        let error = fs::read_dir(&self.folder).err()?;
        (error.kind() != io::ErrorKind::NotFound).then(|| {
            let folder = self.folder.display();
            format!(
                "orders for next boots are left out: {folder} cannot be read ({error}); run this as the server's user"
            )
        })
    }

    /// Orders something for the next boot of a machine, instead of what was ordered before; durable on return.
    ///
    /// # Errors
    /// Nothing changed: it cannot be booted, there are too many orders, or the disk's fault.
    pub fn set(&self, mac: [u8; 6], boots: NextBoot, once: Once) -> Result<Order, NextBootError> {
        check(&boots, once).map_err(NextBootError::Refused)?;
        let order = Order { boots, once, given_ms: unix_ms() };
        let text = file::written(&order);
        // A name with a line break would be read as something else.
        if file::read(&text).as_ref() != Some(&order) {
            let problem = "its name does not fit in a line".to_owned();
            return Err(NextBootError::Refused(problem));
        }
        if text.len() as u64 > ORDER_BYTES_MAX {
            let problem = format!("it is longer than {ORDER_BYTES_MAX} bytes");
            return Err(NextBootError::Refused(problem));
        }
        if self.get(mac).is_none() && self.list().len() >= ORDERS_MAX {
            let problem = format!("there are {ORDERS_MAX} orders already");
            return Err(NextBootError::Refused(problem));
        }
        self.write(mac, &text).map_err(|error| self.failed(error))?;
        Ok(order)
    }

    /// Takes an order back, durably: whether there was one.
    ///
    /// # Errors
    /// The disk's; then it stands.
    pub fn clear(&self, mac: [u8; 6]) -> Result<bool, NextBootError> {
        let clear = || {
            if !self.file(mac).exists() {
                return Ok(false);
            }
            let lock = self.lock()?;
            let removed = remove(&self.file(mac))?;
            drop(lock);
            flush(&self.folder)?;
            Ok(removed)
        };
        clear().map_err(|error| self.failed(error))
    }

    fn failed(&self, error: io::Error) -> NextBootError {
        NextBootError::Disk { folder: self.folder.clone(), error }
    }

    fn file(&self, mac: [u8; 6]) -> PathBuf {
        self.folder.join(hyphenated(mac))
    }

    fn write(&self, mac: [u8; 6], text: &str) -> io::Result<()> {
        if !self.folder.is_dir() {
            fs::create_dir_all(&self.folder)?;
            flush(&self.state)?;
        }
        let lock = self.lock()?;
        let path = self.file(mac);
        let part = path.with_extension("part");
        let mut file = File::create(&part)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&part, &path)?;
        drop(lock);
        flush(&self.folder)
    }

    /// Others wait until this is dropped.
    fn lock(&self) -> io::Result<File> {
        let path = self.state.join(LOCK_FILE);
        let file = OpenOptions::new().create(true).truncate(false).write(true).open(path)?;
        file.lock()?;
        Ok(file)
    }
}

impl Orders for NextBoots {
    fn order(&self, mac: [u8; 6]) -> Option<Order> {
        if self.names.has(&self.folder, mac) == Some(false) { None } else { self.get(mac) }
    }

    fn is_any(&self) -> bool {
        let is_any = || fs::read_dir(&self.folder).is_ok_and(|mut them| them.next().is_some());
        self.names.is_any(&self.folder).unwrap_or_else(is_any)
    }

    fn spend(&self, mac: [u8; 6], given_ms: u64, gone: Gone) -> io::Result<bool> {
        if self.get(mac).is_none() {
            return Ok(false);
        }
        let lock = self.lock()?;
        if self.get(mac).is_none_or(|order| order.given_ms != given_ms) {
            return Ok(false);
        }
        let removed = remove(&self.file(mac))?;
        drop(lock);
        match gone {
            Gone::ForGood => flush(&self.folder)?,
            Gone::Soon => {
                let folder = self.folder.clone();
                let flushed = move || {
                    if let Err(error) = flush(&folder) {
                        warn!("{} cannot be flushed: {error}", folder.display());
                    }
                };
                thread::Builder::new().name("next-boot".to_owned()).spawn(flushed)?;
            }
        }
        Ok(removed)
    }
}

/// Whether it was there.
fn remove(path: &Path) -> io::Result<bool> {
    match fs::remove_file(path) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// Brings the names in a folder to the disk.
fn flush(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// As a host entry of the same would be checked; and what nobody sees delivered cannot be spent by that.
fn check(boots: &NextBoot, once: Once) -> Result<(), String> {
    let NextBoot::Boots(target) = boots else { return Ok(()) };
    if let (Target::Script(url), Once::Delivered) = (target, once)
        && Target::is_url(url)
    {
        return Err(format!("{url} is elsewhere: nobody here sees it delivered"));
    }
    let host = pxe_select::Host::new("02:00:00:00:00:01").with_target(target.clone());
    let mut policy = pxe_select::Policy::builder();
    policy.host(host);
    match policy.build() {
        Ok(_) => Ok(()),
        Err(errors) => {
            Err(errors.iter().map(|error| error.fault.to_string()).collect::<Vec<_>>().join("; "))
        }
    }
}

#[cfg(test)]
mod tests;
