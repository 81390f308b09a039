//! Who is measured, and how each is started with its best settings.

use core::net::{Ipv4Addr, SocketAddr};
use core::time::Duration;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::Instant;

use clap::ValueEnum;

use super::bare::{self, Sockets};
use super::files::{Files, Wanted};
use super::load::Plan;
use super::machine::Cores;
use super::process::Process;

/// Port of every server but dnsmasq, which knows no other than 69.
const PORT: u16 = 6969;
/// Transfers that servers with a limit are told to allow.
const TRANSFERS: &str = "12000";
/// How long a server may take until it answers.
const START_PATIENCE: Duration = Duration::from_secs(5);
/// Size of the file that is asked for to see whether a server is there, in bytes.
const PROBE_BYTES: u64 = 1000;

/// A server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Server {
    /// pxe-server
    Ours,
    /// The bare sender
    Bare,
    /// tftpd from crates.io
    RsTftpd,
    /// dnsmasq
    Dnsmasq,
    /// atftpd
    Atftpd,
    /// tftpd-hpa
    TftpdHpa,
}

impl Server {
    /// All, we first.
    pub const ALL: [Self; 6] =
        [Self::Ours, Self::Bare, Self::RsTftpd, Self::Dnsmasq, Self::Atftpd, Self::TftpdHpa];

    /// What tables call it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ours => "pxe-server",
            Self::Bare => "bare sender",
            Self::RsTftpd => "rs-tftpd",
            Self::Dnsmasq => "dnsmasq",
            Self::Atftpd => "atftpd",
            Self::TftpdHpa => "tftpd-hpa",
        }
    }

    /// Whether it has a process for each transfer.
    const fn forks(self) -> bool {
        matches!(self, Self::TftpdHpa)
    }

    /// Whether it is somebody else's.
    pub const fn is_peer(self) -> bool {
        !matches!(self, Self::Ours | Self::Bare)
    }
}

/// Where servers are and what they serve.
#[derive(Clone, Debug)]
pub struct Lab {
    /// Our program.
    pub server: PathBuf,
    /// The program with the bare sender in it.
    pub benches: PathBuf,
    /// How the bare sender works.
    pub sockets: Sockets,
    /// Where `tftpd`, and Debian packages unpacked, are looked for before the system's folders.
    pub peers: PathBuf,
    /// The files.
    pub files: Files,
    /// Lines for the `[tftp]` table of our configuration.
    pub settings: Vec<String>,
    /// Where everybody runs.
    pub cores: Cores,
}

/// A server that answers.
#[derive(Debug)]
pub struct Running {
    /// The process.
    pub process: Process,
    /// Where requests go.
    pub address: SocketAddr,
}

impl Lab {
    /// Starts a server and waits until it answers.
    ///
    /// # Errors
    /// If the program is not there, or does not answer in time.
    pub fn start(&self, server: Server) -> io::Result<Running> {
        let command = self.command(server)?;
        let log = self.files.root().with_extension(format!("{}.log", server.name()));
        let process = Process::start(command, server.forks(), &self.cores, &log)?;
        let port = if server == Server::Dnsmasq { 69 } else { PORT };
        let mut running = Running { process, address: (Ipv4Addr::LOCALHOST, port).into() };
        let deadline = Instant::now() + START_PATIENCE;
        let probe = Plan {
            files: self.wanted(server, PROBE_BYTES, 512)?,
            patience: Duration::from_millis(100),
            ..Plan::single(running.address)
        };
        while Instant::now() < deadline && running.process.is_alive() {
            thread::sleep(Duration::from_millis(20));
            if probe.run(&mut || ())?.complete == 1 {
                return Ok(running);
            }
        }
        let printed = fs::read_to_string(&log).unwrap_or_default();
        let last = printed.trim_end().lines().last().unwrap_or("it printed nothing").to_owned();
        Err(io::Error::other(format!("it does not answer; {last}")))
    }

    /// The files of a size, as a server names them.
    ///
    /// # Errors
    /// If they cannot be written.
    pub fn wanted(&self, server: Server, bytes: u64, block_size: u16) -> io::Result<Vec<Wanted>> {
        match server {
            Server::Bare => Ok(vec![bare::wanted(bytes, block_size)]),
            _ => self.files.of(bytes),
        }
    }

    fn command(&self, server: Server) -> io::Result<Command> {
        let root = self.files.root();
        let port = PORT.to_string();
        let mut command = match server {
            Server::Ours => return self.ours(),
            Server::Bare => Command::new(&self.benches),
            Server::RsTftpd => self.peer("tftpd")?,
            Server::Dnsmasq => self.peer("dnsmasq")?,
            Server::Atftpd => self.peer("atftpd")?,
            Server::TftpdHpa => self.peer("in.tftpd")?,
        };
        match server {
            Server::Ours => &mut command,
            Server::Bare => {
                let sockets = self.sockets.to_possible_value();
                let sockets = sockets.as_ref().map_or("one", |it| it.get_name()).to_owned();
                command.args(["bare-sender", "--port", &port, "--sockets", &sockets])
            }
            Server::RsTftpd => command
                .args(["--ip-address", "127.0.0.1", "--read-only", "--port", &port, "--directory"])
                .arg(root),
            Server::Dnsmasq => command
                .args(["--keep-in-foreground", "--conf-file=/dev/null", "--pid-file", "--port=0"])
                .args(["--user=root", "--listen-address=127.0.0.1", "--bind-interfaces"])
                .args(["--enable-tftp", "--quiet-tftp", "--log-facility=-"])
                .arg(format!("--tftp-max={TRANSFERS}"))
                .arg(format!("--tftp-root={}", root.display())),
            Server::Atftpd => command
                .args(["--daemon", "--no-fork", "--bind-address", "127.0.0.1", "--port", &port])
                .args(["--user", "root.root", "--group", "root", "--maxthread", TRANSFERS])
                .args(["--no-multicast", "--verbose=1", "--logfile", "/dev/null"])
                .arg(root),
            Server::TftpdHpa => command
                .args(["--foreground", "--user", "root", "--secure", "--blocksize", "1468"])
                .arg("--address")
                .arg(format!("127.0.0.1:{port}"))
                .arg(root),
        };
        Ok(command)
    }

    fn ours(&self) -> io::Result<Command> {
        let root = self.files.root();
        let config = root.with_extension("toml");
        let settings = self.settings.join("\n");
        let text = format!(
            "interfaces = [\"lo\"]\nroot = {root:?}\n[dhcp]\nmode = \"off\"\n\
             [http]\nenabled = false\n[tftp]\nport = {PORT}\ntransfers_max = {TRANSFERS}\n{settings}\n"
        );
        fs::write(&config, text)?;
        let mut command = Command::new(existing(&self.server)?);
        command.arg("--config").arg(config);
        Ok(command)
    }

    /// A peer's program: installed by cargo, unpacked from its package, or of the system.
    fn peer(&self, program: &str) -> io::Result<Command> {
        let packages = ["tftpd-hpa/usr/sbin", "atftpd/usr/sbin"];
        let own = ["bin"].into_iter().chain(packages).map(|folder| self.peers.join(folder));
        let system = ["/usr/sbin", "/usr/bin", "/usr/local/sbin", "/usr/local/bin"];
        let folders = own.chain(system.map(PathBuf::from));
        let found = folders.map(|folder| folder.join(program)).find(|path| path.is_file());
        let found = found.ok_or_else(|| io::Error::other(format!("{program} is not installed")))?;
        let mut command = Command::new(found);
        // Libraries of unpacked packages.
        if let Some(libraries) = library_folder(&self.peers) {
            command.env("LD_LIBRARY_PATH", libraries);
        }
        Ok(command)
    }
}

fn existing(program: &Path) -> io::Result<&Path> {
    if program.is_file() {
        return Ok(program);
    }
    let text = "is not there: `cargo build --release -p pxe-server`, or name another by --server";
    Err(io::Error::other(format!("{} {text}", program.display())))
}

/// `usr/lib/x86_64-linux-gnu` or its like.
fn library_folder(peers: &Path) -> Option<PathBuf> {
    let folders =
        fs::read_dir(peers.join("libwrap0/usr/lib")).ok()?.flatten().map(|entry| entry.path());
    folders.into_iter().find(|path| path.to_string_lossy().ends_with("-linux-gnu"))
}
