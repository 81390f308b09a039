//! A wire with whatever stands on it, and `doctor`.

use core::net::Ipv4Addr;
use core::time::Duration;
use std::fs;
use std::path::PathBuf;

use super::window::Window;
use super::{Set, programs};
use crate::error::{Context as _, Failure, Result, fail};
use crate::interrupt;
use crate::lab::foreign::ForeignServer;
use crate::lab::server::{launch, message, toml_string};
use crate::lab::topology::site::{RELAY_ADDRESS, forward, relay};
use crate::lab::wire::{FOREIGN_ADDRESS, Namespace, POOL, SERVER_ADDRESS, Wire};
use crate::process::{Background, capture, describe, tail};

/// A host that is nobody's server.
const GUEST_ADDRESS: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 9);
const GUEST_BEYOND: Ipv4Addr = Ipv4Addr::new(10, 78, 0, 9);
const ROUTER_ADDRESS: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 254);
const JOURNAL_PATIENCE: Duration = Duration::from_secs(2);
const SERVERS_SEGMENT: &str = "br1";

/// The scene. Dropping it ends everything in it.
// Fields are dropped in order: programs first, the wire under them last.
pub(super) struct Ground<'s> {
    server: Option<Background>,
    /// On another host, for its page.
    pub(super) second: Option<Background>,
    others: Vec<ForeignServer>,
    _relay: Option<Background>,
    pub(super) boot: Namespace,
    pub(super) wire: Wire,
    pub(super) folder: PathBuf,
    pub(super) binary: PathBuf,
    pub(super) window: &'s Window,
}

/// What doctor said.
pub(super) struct Said {
    pub(super) code: i32,
    /// The report as JSON.
    pub(super) report: serde_json::Value,
}

impl<'s> Ground<'s> {
    /// A wire with the host of our server, and boot programs in its root.
    pub(super) fn build(set: &Set<'s>) -> Result<Self> {
        programs::equip(&set.folder.join("boot"))?;
        let mut wire = Wire::new()?;
        let boot = wire.host("boot", SERVER_ADDRESS)?;
        Ok(Self {
            server: None,
            second: None,
            others: Vec::new(),
            _relay: None,
            boot,
            wire,
            folder: set.folder.clone(),
            binary: set.binary.to_owned(),
            window: set.window,
        })
    }

    /// The servers on one segment, this one, and guests beyond a router whose relay knows the DHCP server alone.
    pub(super) fn build_routed(set: &Set<'s>) -> Result<(Self, Namespace)> {
        programs::equip(&set.folder.join("boot"))?;
        let mut wire = Wire::new()?;
        wire.add_segment(SERVERS_SEGMENT)?;
        let boot = wire.host_on(SERVERS_SEGMENT, "boot", SERVER_ADDRESS)?;
        let dhcp = wire.host_on(SERVERS_SEGMENT, "dhcp", FOREIGN_ADDRESS)?;
        for host in [&boot, &dhcp] {
            host.ip(&format!("route add 10.78.0.0/24 via {ROUTER_ADDRESS}"))?;
        }
        let router = wire.host("router", RELAY_ADDRESS)?;
        wire.plug(SERVERS_SEGMENT, &router, "eth1", Some(ROUTER_ADDRESS))?;
        forward(&router)?;
        let guest = wire.host("guest", GUEST_BEYOND)?;
        guest.ip(&format!("route add default via {RELAY_ADDRESS}"))?;
        let relay = relay(&router, &[FOREIGN_ADDRESS], &set.folder)?;
        let range = ["--dhcp-range=10.78.0.100,10.78.0.150,255.255.255.0,1h".to_owned()];
        let other = ForeignServer::start(&dhcp, &range, &set.folder)?;
        let ground = Self {
            server: None,
            second: None,
            others: vec![other],
            _relay: Some(relay),
            boot,
            wire,
            folder: set.folder.clone(),
            binary: set.binary.to_owned(),
            window: set.window,
        };
        Ok((ground, guest))
    }

    /// A DHCP server that gives addresses of the pool, with these words besides.
    pub(super) fn dhcp(&mut self, words: &[&str]) -> Result<()> {
        let [first, last] = POOL;
        let range = format!("--dhcp-range={first},{last},255.255.255.0,1h");
        self.other("dhcp", FOREIGN_ADDRESS, &[&[range.as_str()], words].concat())
    }

    /// Another server on a host of its own.
    pub(super) fn other(&mut self, name: &str, address: Ipv4Addr, words: &[&str]) -> Result<()> {
        let host = self.wire.host(name, address)?;
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        let folder = self.folder.join(name);
        fs::create_dir_all(&folder).context(|| format!("making {}", folder.display()))?;
        self.others.push(ForeignServer::start(&host, &words, &folder)?);
        Ok(())
    }

    /// A host that is nobody's server.
    pub(super) fn guest(&mut self) -> Result<Namespace> {
        self.wire.host("guest", GUEST_ADDRESS)
    }

    /// Starts our server in this mode, with more of a configuration.
    pub(super) fn serve(&mut self, mode: &str, more: &str) -> Result<()> {
        let root = toml_string(&self.folder.join("boot").to_string_lossy());
        let config = format!(
            "interfaces = [\"eth0\"]\nroot = {root}\n\n[dhcp]\nmode = \"{mode}\"\n\n{more}"
        );
        self.server = Some(launch(&self.boot, &self.binary, &["-v"], &config, &self.folder)?);
        Ok(())
    }

    /// The server with a program for every ordinary machine.
    pub(super) fn serve_well(&mut self, mode: &str) -> Result<()> {
        self.serve(mode, programs::LOADERS)
    }

    /// Ends our server.
    pub(super) fn stop(&mut self) {
        self.server = None;
    }

    /// Runs doctor on our server's host, with its configuration.
    pub(super) fn doctor(&self, flags: &[&str]) -> Result<Said> {
        let config = self.folder.join("server.toml");
        let config = config.to_string_lossy();
        let with = if self.server.is_some() { vec!["--config", &config] } else { Vec::new() };
        self.doctor_on(&self.boot, &[&with, flags].concat())
    }

    /// Runs doctor on a host.
    pub(super) fn doctor_on(&self, host: &Namespace, flags: &[&str]) -> Result<Said> {
        let binary = self.binary.to_string_lossy();
        let words = [&[&*binary, "doctor", "--json", "--interface", "eth0"], flags].concat();
        let mut command = host.command(&words);
        command.current_dir(&self.folder);
        let shown = describe(&command);
        let output = command.output().context(|| format!("running {shown}"))?;
        let _ = fs::write(self.folder.join("doctor.json"), &output.stdout);
        let report = serde_json::from_slice(&output.stdout).map_err(|error| {
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            Failure::new(format!("{shown}: no report ({error}): {}", tail(&said, 5)))
        })?;
        Ok(Said { code: output.status.code().unwrap_or(-1), report })
    }

    /// Any command of the server's program, with its configuration.
    pub(super) fn ask(&self, words: &[&str]) -> Result<String> {
        let (binary, config) = (self.binary.to_string_lossy(), self.folder.join("server.toml"));
        let config = config.to_string_lossy();
        let words = [&[&*binary, "--config", &config], words].concat();
        let output = self.boot.command(&words).current_dir(&self.folder).output();
        let output = output.context(|| format!("running {}", words.join(" ")))?;
        // Faults of the configuration are told in place of an answer; that nothing was heard of a machine is one.
        let told = [output.stdout, output.stderr].concat();
        Ok(String::from_utf8_lossy(&told).into_owned())
    }

    /// That `explain` tells of this machine, from the journal, in words that hold `part`.
    pub(super) fn explains(&self, mac: &str, part: &str) -> Result<()> {
        // The journal is written twice a second.
        interrupt::pause(JOURNAL_PATIENCE)?;
        self.explain_says(&[mac], part)
    }

    /// `explain` must say this of such a machine.
    pub(super) fn explains_kind(&self, firmware: &str, part: &str) -> Result<()> {
        self.explain_says(&["--arch", firmware], part)
    }

    /// The same of one machine with such firmware.
    pub(super) fn explains_described(&self, firmware: &str, mac: &str, part: &str) -> Result<()> {
        self.explain_says(&["--arch", firmware, "--mac", mac], part)
    }

    fn explain_says(&self, words: &[&str], part: &str) -> Result<()> {
        let explained = self.ask(&[&["explain"], words].concat())?;
        if explained.contains(part) {
            return Ok(());
        }
        let words = words.join(" ");
        fail(format!("`explain {words}` does not say {part:?}:\n{}", tail(&explained, 20)))
    }

    /// What our server's log says, line by line.
    pub(super) fn story(&self) -> Vec<String> {
        let printed = self.server.as_ref().map(Background::printed).unwrap_or_default();
        printed.lines().map(|line| message(line).to_owned()).collect()
    }
}

/// Has the kernel of a host look at what passes a hook: `rule` says what of it is dropped. Of `bridge`, it is a switch.
pub(super) fn filter(host: &Namespace, family: &str, hook: &str, rule: &str) -> Result<()> {
    let rules = [
        format!("add table {family} planted"),
        format!("add chain {family} planted here {{ type filter hook {hook} priority 0 ; }}"),
        format!("add rule {family} planted here {rule}"),
    ];
    for rule in rules {
        capture(&mut host.command(&["nft", &rule])).context(|| {
            format!("setting up a filter (the kernel needs nf_tables, for {family})")
        })?;
    }
    Ok(())
}

impl Said {
    fn findings(&self) -> impl Iterator<Item = &serde_json::Value> {
        self.report["findings"].as_array().into_iter().flatten()
    }

    fn ids(&self) -> Vec<String> {
        let faults = self.findings().filter(|it| it["is_fault"] == true);
        faults.map(|it| it["id"].as_str().unwrap_or_default().to_owned()).collect()
    }

    /// That nothing is wrong.
    pub(super) fn is_clean(&self) -> Result<String> {
        if self.code == 0 && self.report["is_clean"] == true {
            return Ok("nothing found, as it should be".to_owned());
        }
        fail(format!(
            "exit code {}, found {:?}: {}",
            self.code,
            self.ids(),
            self.report["findings"]
        ))
    }

    /// That this is the first thing to change, in words that hold `part`. Exit code 1.
    pub(super) fn names_first(&self, id: &str, part: &str) -> Result<String> {
        let first = self.findings().next();
        if first.is_some_and(|it| it["id"] == id && it["is_fault"] == true) && self.code == 1 {
            return self.names(id, part);
        }
        fail(format!("{id} is not the first of {:?} (exit code {})", self.ids(), self.code))
    }

    /// That this is found, in words that hold `part`; the words.
    pub(super) fn names(&self, id: &str, part: &str) -> Result<String> {
        let found: Vec<String> = self
            .findings()
            .filter(|it| it["id"] == id)
            .map(|it| it["what"].as_str().unwrap_or_default().to_owned())
            .collect();
        match found.iter().find(|what| what.contains(part)) {
            Some(what) => Ok(format!("{id}: {what}")),
            None => fail(format!("no {id} with {part:?} in {found:?}; faults: {:?}", self.ids())),
        }
    }
}
