//! busybox udhcpc, started again and again on one host.

use core::net::Ipv4Addr;
use std::fs;
use std::path::PathBuf;
use std::time::Instant;

use super::scene::{Lan, Scene};
use super::told::Told;
use super::{LOOK_EVERY, PATIENCE, is_bound};
use crate::error::{Context as _, Failure, Result, fail};
use crate::interrupt;
use crate::lab::vm::mac_text;
use crate::lab::wire::Namespace;
use crate::process::{Background, tail};

/// The client.
pub(super) struct Client {
    lan: Lan,
    pub(super) mac: String,
    pub(super) host: Namespace,
    folder: PathBuf,
    runs: u8,
}

impl Client {
    /// On a host of its own.
    pub(super) fn new(scene: &mut Scene, lan: Lan, name: &str, number: u8) -> Result<Self> {
        let name = format!("{name}{}", u8::from(lan == Lan::Beyond));
        let folder = scene.folder.join(&name);
        let mac = lan.mac(number);
        let host = scene.host(lan, &name, mac)?;
        Ok(Self { lan, mac: mac_text(mac), host, folder, runs: 0 })
    }

    pub(super) fn what(&self) -> String {
        format!("busybox udhcpc {} ({})", self.lan.title(), self.mac)
    }

    /// Runs the client with these words until it has an address; it goes without giving that back.
    pub(super) fn get(&mut self, scene: &mut Scene, words: &[&str]) -> Result<Ipv4Addr> {
        self.runs += 1;
        let folder = self.folder.join(self.runs.to_string());
        fs::create_dir_all(&folder).context(|| format!("making {}", folder.display()))?;
        let told = Told::begin(&folder, true)?;
        let script = told.script.to_string_lossy().into_owned();
        let fixed = ["busybox", "udhcpc", "-f", "-i", "eth0", "-T", "2", "-A", "1", "-s", &script];
        let command = self.host.command(&[&fixed[..], words].concat());
        let mut process = Background::start(command, "busybox udhcpc", &folder.join("log"))?;
        let deadline = Instant::now() + PATIENCE;
        loop {
            // The last: a client that declines has told of that address before.
            let calls = told.calls();
            if let Some(call) = calls.iter().rfind(|call| is_bound(call)) {
                let address = call.get("ip");
                return address
                    .parse()
                    .map_err(|_| Failure::new(format!("{} was given {address:?}", self.what())));
            }
            scene.check_alive()?;
            process.check_alive()?;
            if Instant::now() > deadline {
                let said = tail(&process.printed(), 8);
                return fail(format!("{} has no address; it said:\n{said}", self.what()));
            }
            interrupt::pause(LOOK_EVERY)?;
        }
    }
}
