//! `cargo xtask test --only dhcp-clients`: the DHCP clients of Linux, and BOOTP, get addresses of the built server, keep
//! them while it is killed and started again, and give them back; on its own wire and behind a relay. Then others have
//! some of the addresses.

mod bootp;
mod conflicts;
mod deaf;
mod programs;
mod scene;
mod told;
mod udhcpc;

use core::net::Ipv4Addr;
use core::time::Duration;
use std::fs;
use std::path::Path;
use std::time::Instant;

use self::bootp::Form;
use self::programs::{Files, PROGRAMS, Program, Release};
use self::scene::{Kind, Lan, Scene};
use self::told::{Call, Told};
use crate::error::{Context as _, Failure, Result, fail};
use crate::interrupt;
use crate::lab::vm::mac_text;
use crate::lab::wire::{Namespace, sweep_leftovers};
use crate::packages::{self, Need};
use crate::process::{Background, tail};
use crate::workspace::Workspace;

/// dnsmasq and dhcrelay are relays, tcpdump a BOOTP client's ear.
pub(crate) const NEEDS: &[&Need] = &[
    &packages::WIRE,
    &packages::DNSMASQ,
    &packages::DHCRELAY,
    &packages::TCPDUMP,
    &packages::DHCLIENT,
    &packages::BUSYBOX,
    &packages::DHCPCD,
];

/// Clients wait before they ask, ask again after some seconds, and look whether somebody has the address.
const PATIENCE: Duration = Duration::from_secs(60);
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// A client at work.
struct Client {
    program: &'static Program,
    lan: Lan,
    mac: String,
    host: Namespace,
    files: Files,
    told: Told,
    process: Background,
    address: String,
}

/// Runs the step.
pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    let binary = workspace.build_server()?;
    sweep_leftovers();
    let folder = workspace.target.join("dhcp-clients").join(std::process::id().to_string());
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).context(|| format!("making {}", folder.display()))?;
    let logs = || format!("logs in {}", folder.display());
    play(&binary, &folder).context(logs)?;
    conflicts::play(&binary, &folder).context(logs)?;
    // Kept where something failed.
    fs::remove_dir_all(&folder).context(|| format!("removing {}", folder.display()))
}

fn play(binary: &Path, folder: &Path) -> Result<()> {
    let mut scene = Scene::build(binary, folder, Kind::Ordinary)?;
    // They live in the scene's hosts, and end before it.
    let mut clients = Vec::new();
    let result = get_keep_release(&mut scene, &mut clients);
    drop(clients);
    with_story(&scene, result)?;
    scene.stop()
}

/// A failure, with what the server has to say about it.
fn with_story(scene: &Scene, result: Result<()>) -> Result<()> {
    result.map_err(|why| {
        let said = tail(&scene.story().join("\n"), 12);
        Failure::new(format!("{why}\n  the server said:\n{said}"))
    })
}

fn get_keep_release(scene: &mut Scene, clients: &mut Vec<Client>) -> Result<()> {
    let started = Instant::now();
    let mut number = 0;
    for lan in Lan::ALL {
        for program in &PROGRAMS {
            number += 1;
            clients.push(Client::start(scene, program, lan, number)?);
        }
    }
    for lan in Lan::ALL {
        try_bootp(scene, lan)?;
    }
    deaf::serve(scene)?;
    for client in clients.iter_mut() {
        let call = client.wait(scene, 0, is_bound)?;
        client.take(&call)?;
        client.find_told(&scene.story(), "acknowledged", " for ")?;
    }
    check_all_different(clients)?;
    println!("  {} clients have their leases after {:.1} s", clients.len(), seconds(started));

    scene.kill_server()?;
    let heard: Vec<usize> = clients.iter().map(|client| client.told.calls().len()).collect();
    for (client, heard) in clients.iter_mut().zip(heard) {
        let call = client.wait(scene, heard, |call| call.event.starts_with("re"))?;
        client.keep(&call)?;
        client.find_told(&scene.story_since_start(), "renewed", " for ")?;
    }
    println!("  each has renewed its own after kill -9, after {:.1} s", seconds(started));

    let listed = scene.leases()?;
    for client in clients.iter_mut() {
        if !listed.contains(&client.mac) || !listed.contains(&client.address) {
            return fail(format!("`leases` does not list {}:\n{listed}", client.what()));
        }
        client.release(scene)?;
    }
    let listed = scene.leases()?;
    if let Some(client) = clients.iter().find(|client| listed.contains(&client.mac)) {
        return fail(format!("{} gave its lease back, and has it:\n{listed}", client.what()));
    }
    println!("  all have given it back, after {:.1} s", seconds(started));
    Ok(())
}

fn seconds(since: Instant) -> f32 {
    since.elapsed().as_secs_f32()
}

fn is_bound(call: &Call) -> bool {
    ["bound", "reboot"].contains(&&*call.event)
}

fn check_all_different(clients: &[Client]) -> Result<()> {
    for (place, client) in clients.iter().enumerate() {
        if let Some(other) = clients[..place].iter().find(|other| other.address == client.address) {
            return fail(format!("{} and {} have one address", other.what(), client.what()));
        }
    }
    Ok(())
}

/// One with a reservation, one without; one with a cookie, one without.
fn try_bootp(scene: &mut Scene, lan: Lan) -> Result<()> {
    for (number, form) in [(0, Form::Bare), (40, Form::Cookie)] {
        let mac = lan.mac(number);
        let name = format!("bootp{}", u8::from(lan == Lan::Beyond) + number);
        let folder = scene.folder.join(&name);
        fs::create_dir_all(&folder).context(|| format!("making {}", folder.display()))?;
        let host = scene.host(lan, &name, mac)?;
        host.let_broadcast()?;
        let what = || format!("BOOTP ({form:?}) {}", lan.title());
        let reply = bootp::ask(&host, mac, form, &folder).context(what)?;
        let is_expected = match number {
            0 => reply.address == lan.reserved(),
            _ => lan.pool().contains(&reply.address),
        };
        if !is_expected {
            return fail(format!("{}: it was given {}", what(), reply.address));
        }
        let value = |code| reply.options.iter().find(|(known, _)| *known == code);
        let mask = value(1).is_some_and(|(_, mask)| *mask == [255, 255, 255, 0]);
        let of_dhcp = [51, 53, 58, 59].into_iter().find(|code| value(*code).is_some());
        if (form == Form::Cookie && !mask) || of_dhcp.is_some() {
            return fail(format!("{}: it was told {:?}", what(), reply.options));
        }
        let (mac, address) = (mac_text(mac), reply.address);
        let wanted = format!("{mac} acknowledged {address} for ever");
        if !scene.story().contains(&wanted) {
            return fail(format!("{}: the log does not say `{wanted}`", what()));
        }
    }
    println!("  BOOTP with and without cookie, {}", lan.title());
    Ok(())
}

impl Client {
    fn start(scene: &mut Scene, program: &'static Program, lan: Lan, number: u8) -> Result<Self> {
        let name = format!("{}{number}", program.name);
        let folder = scene.folder.join(&name);
        fs::create_dir_all(&folder).context(|| format!("making {}", folder.display()))?;
        let mac = lan.mac(number);
        let host = scene.host(lan, &name, mac)?;
        let told = Told::begin(&folder, program.script_configures)?;
        let files = Files { folder, script: told.script.clone() };
        program.prepare(&files)?;
        let command = program.command(&host, &files)?;
        let process = Background::start(command, program.title, &files.folder.join("log"))?;
        let (mac, address) = (mac_text(mac), String::new());
        Ok(Self { program, lan, mac, host, files, told, process, address })
    }

    fn what(&self) -> String {
        format!("{} {} ({})", self.program.title, self.lan.title(), self.mac)
    }

    /// Waits for such a call of the script behind the first `heard`.
    fn wait(
        &mut self,
        scene: &mut Scene,
        heard: usize,
        is_wanted: impl Fn(&Call) -> bool,
    ) -> Result<Call> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let found = self.told.calls().into_iter().skip(heard).find(&is_wanted);
            if let Some(call) = found {
                return Ok(call);
            }
            scene.check_alive()?;
            self.process.check_alive()?;
            if Instant::now() > deadline {
                let events: Vec<String> =
                    self.told.calls().into_iter().map(|call| call.event).collect();
                let (what, said) = (self.what(), tail(&self.process.printed(), 8));
                return fail(format!("{what} told {events:?} in {PATIENCE:?}; it said:\n{said}"));
            }
            interrupt::pause(LOOK_EVERY)?;
        }
    }

    /// Its first lease.
    fn take(&mut self, call: &Call) -> Result<()> {
        let address = self.program.address(call);
        let in_pool = address.parse::<Ipv4Addr>().is_ok_and(|it| self.lan.pool().contains(&it));
        if !in_pool {
            return fail(format!("{} has the address {address}", self.what()));
        }
        self.address = address.to_owned();
        self.check_options(call)
    }

    /// The same once more.
    fn keep(&self, call: &Call) -> Result<()> {
        let address = self.program.address(call);
        if address != self.address {
            let what = self.what();
            return fail(format!("{what} had {}, and was then given {address}", self.address));
        }
        self.check_options(call)
    }

    fn check_options(&self, call: &Call) -> Result<()> {
        match self.program.fault(call, &self.lan.lease()) {
            None => Ok(()),
            Some(why) => fail(format!("{}, {}: {why}", self.what(), call.event)),
        }
    }

    /// That the server's log tells it.
    fn find_told(&self, story: &[String], word: &str, end: &str) -> Result<()> {
        let wanted = format!("{} {word} {}{end}", self.mac, self.address);
        if story.iter().any(|line| line.starts_with(&wanted)) {
            return Ok(());
        }
        fail(format!("{}: the log does not say `{wanted}`", self.what()))
    }

    /// Gives the lease back, and waits until the server says so.
    fn release(&self, scene: &mut Scene) -> Result<()> {
        match self.program.release {
            Release::Signal(signal) => self.process.signal(signal),
            Release::Call(word) => {
                self.program.call_to_release(&self.host, &self.files, word)?;
            }
        }
        let deadline = Instant::now() + PATIENCE;
        loop {
            let told = self.find_told(&scene.story_since_start(), "released", "");
            if told.is_ok() || Instant::now() > deadline {
                return told;
            }
            scene.check_alive()?;
            interrupt::pause(LOOK_EVERY)?;
        }
    }
}
