//! Who is measured, and how each is started with its best settings, every time with an empty store.

use core::time::Duration;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use clap::ValueEnum;

use super::clients::Clients;
use super::wire::{MASK, NETWORK, POOL, SERVER, SERVER_INTERFACE, Wire};
use crate::tftp::machine::Cores;
use crate::tftp::process::Process;

/// How long a server may take until it answers.
const START_PATIENCE: Duration = Duration::from_secs(15);
/// Seconds that a lease lasts.
const LEASE_SECONDS: u32 = 43_200;

/// A DHCP server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Server {
    /// pxe-server
    Ours,
    /// Kea, its lease file written through to the disk
    KeaSync,
    /// Kea as it comes
    Kea,
    /// dnsmasq
    Dnsmasq,
}

impl Server {
    /// All, we first.
    pub const ALL: [Self; 4] = [Self::Ours, Self::KeaSync, Self::Kea, Self::Dnsmasq];

    /// What tables call it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ours => "pxe-server",
            Self::KeaSync => "Kea-sync",
            Self::Kea => "Kea",
            Self::Dnsmasq => "dnsmasq",
        }
    }

    /// How durable a lease is when it is acknowledged.
    pub const fn durability(self) -> &'static str {
        match self {
            Self::Ours => "embedded store: one commit with fsync for each batch, before its ACKs",
            Self::KeaSync => {
                "memfile, persist, lfc-interval 0, in a folder with `chattr +S`: each line is on the \
                 disk before its ACK. Kea has no such setting, the file system does it"
            }
            Self::Kea => {
                "the same without `chattr +S`: a line written before the ACK and never flushed, so a \
                 power cut loses what was acknowledged"
            }
            Self::Dnsmasq => {
                "the whole lease file written anew in place, and fsync, before the ACK: a power cut \
                 may leave a part of it"
            }
        }
    }

    /// The first rate that is tried, in exchanges a second: one that it surely can.
    pub const fn first_rate(self) -> f64 {
        match self {
            Self::Ours => 4000.0,
            Self::Kea => 2000.0,
            Self::KeaSync => 100.0,
            Self::Dnsmasq => 50.0,
        }
    }
}

/// Where servers are and where they run.
#[derive(Debug)]
pub struct Lab {
    /// The wire.
    pub wire: Wire,
    /// Our program.
    pub server: PathBuf,
    /// Configurations, lease stores and logs.
    pub folder: PathBuf,
    /// Where everybody runs.
    pub cores: Cores,
}

impl Lab {
    /// Starts a server with no leases, and waits until it answers.
    ///
    /// # Errors
    /// If it is not there, ends, or does not answer.
    pub fn start(&self, server: Server) -> io::Result<Process> {
        let folder = self.fresh(server.name())?;
        let command = match server {
            Server::Ours => self.ours(&folder, &subnet())?,
            Server::KeaSync => {
                write_through(&folder)?;
                self.kea(&folder)?
            }
            Server::Kea => self.kea(&folder)?,
            Server::Dnsmasq => self.dnsmasq(&folder)?,
        };
        self.launch(server.name(), command)
    }

    /// Starts ours in proxy mode.
    ///
    /// # Errors
    /// If it is not there, ends, or does not answer.
    pub fn start_proxy(&self) -> io::Result<Process> {
        let folder = self.fresh("proxy")?;
        let command = self.ours(&folder, "mode = \"proxy\"\n")?;
        self.launch("proxy", command)
    }

    fn launch(&self, name: &str, command: Command) -> io::Result<Process> {
        let log = self.folder.join(name).join("log");
        let mut process = Process::start(command, false, &self.cores, &log)?;
        let mut clients = Clients::bind()?;
        let deadline = Instant::now() + START_PATIENCE;
        while Instant::now() < deadline {
            if clients.probe()? {
                return Ok(process);
            }
            if !process.is_alive() {
                break;
            }
        }
        let why = if process.is_alive() { "does not answer" } else { "has ended" };
        let said = fs::read_to_string(&log).unwrap_or_default();
        let end = said.lines().rev().take(5).collect::<Vec<_>>().join("\n  ");
        Err(io::Error::other(format!("it {why}; its last words, last first:\n  {end}")))
    }

    fn fresh(&self, name: &str) -> io::Result<PathBuf> {
        let folder = self.folder.join(name);
        if folder.exists() {
            fs::remove_dir_all(&folder)?;
        }
        fs::create_dir_all(folder.join("boot"))?;
        Ok(folder)
    }

    /// `dhcp` goes behind `[dhcp]`.
    fn ours(&self, folder: &Path, dhcp: &str) -> io::Result<Command> {
        // Only its name counts: no file is fetched here.
        fs::write(folder.join("boot/ipxe.efi"), "ipxe.efi")?;
        let config = folder.join("pxe.toml");
        let text = format!(
            "interfaces = [{SERVER_INTERFACE:?}]\nroot = \"boot\"\nstate = \"state\"\n\
             [tftp]\nenabled = true\n[dhcp]\n{dhcp}"
        );
        fs::write(&config, text)?;
        let mut command = self.wire.beyond(&existing(&self.server)?);
        command.arg("--config").arg(config);
        Ok(command)
    }

    fn kea(&self, folder: &Path) -> io::Result<Command> {
        let [first, last] = POOL;
        let config = folder.join("kea.json");
        let leases = folder.join("leases.csv");
        // On the cores that the server has, two threads are what the figures of the goal were taken with.
        let text = format!(
            r#"{{ "Dhcp4": {{
            "interfaces-config": {{ "interfaces": [ "{SERVER_INTERFACE}/{SERVER}" ], "dhcp-socket-type": "udp" }},
            "multi-threading": {{ "enable-multi-threading": true, "thread-pool-size": 2, "packet-queue-size": 64 }},
            "lease-database": {{ "type": "memfile", "persist": true, "lfc-interval": 0, "name": {leases:?} }},
            "valid-lifetime": {LEASE_SECONDS}, "reservations-in-subnet": false,
            "subnet4": [ {{ "id": 1, "subnet": "{NETWORK}", "pools": [ {{ "pool": "{first} - {last}" }} ] }} ],
            "loggers": [ {{ "name": "kea-dhcp4", "severity": "ERROR", "output_options": [ {{ "output": "stdout" }} ] }} ]
            }} }}"#
        );
        fs::write(&config, text)?;
        // AppArmor on Debian and Ubuntu knows it by its path, and would not let it read this configuration.
        let copy = folder.join("kea-dhcp4");
        fs::copy(find("kea-dhcp4")?, &copy)?;
        let mut command = self.wire.beyond(&copy.to_string_lossy());
        command.arg("-c").arg(config);
        // It would write to /run and /var otherwise.
        for variable in ["KEA_PIDFILE_DIR", "KEA_LOCKFILE_DIR"] {
            command.env(variable, folder);
        }
        command.env("KEA_LOGGER_DESTINATION", "stdout");
        Ok(command)
    }

    fn dnsmasq(&self, folder: &Path) -> io::Result<Command> {
        let [first, last] = POOL;
        let mut command = self.wire.beyond(&find("dnsmasq")?.to_string_lossy());
        command
            .args(["--keep-in-foreground", "--conf-file=/dev/null", "--pid-file", "--port=0"])
            .args(["--user=root", "--quiet-dhcp", "--log-facility=-", "--no-ping"])
            .args(["--dhcp-authoritative", "--dhcp-lease-max=1000000", "--bind-interfaces"])
            .arg(format!("--interface={SERVER_INTERFACE}"))
            .arg(format!("--dhcp-range={first},{last},{MASK},{LEASE_SECONDS}"))
            .arg(format!("--dhcp-leasefile={}", folder.join("leases").display()));
        Ok(command)
    }
}

/// Files that are made in the folder from now on are on the disk when a write returns (chattr(1), attribute S).
fn write_through(folder: &Path) -> io::Result<()> {
    let output = Command::new("chattr").arg("+S").arg(folder).output()?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Err(io::Error::other(format!("its lease file cannot be made durable here: {said}")))
}

fn subnet() -> String {
    let [first, last] = POOL;
    format!(
        "mode = \"server\"\nignore_other_servers = true\n[[dhcp.subnet]]\nnetwork = \"{NETWORK}\"\npool = [\"{first}-{last}\"]\n\
         lease = \"{}h\"\n",
        LEASE_SECONDS / 3600
    )
}

fn existing(program: &Path) -> io::Result<String> {
    if program.is_file() {
        return Ok(program.to_string_lossy().into_owned());
    }
    let text = "is not there: `cargo build --release -p pxe-server`, or name another by --server";
    Err(io::Error::other(format!("{} {text}", program.display())))
}

/// A program of the system.
fn find(program: &str) -> io::Result<PathBuf> {
    let folders = ["/usr/sbin", "/usr/bin", "/usr/local/sbin", "/usr/local/bin"];
    let mut paths = folders.iter().map(|folder| Path::new(folder).join(program));
    let found = paths.find(|path| path.is_file());
    found.ok_or_else(|| io::Error::other(format!("{program} is not installed")))
}
