//! The program, started and stopped.

use core::sync::atomic::{AtomicU16, Ordering};
use std::fs;
use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, TcpListener, UdpSocket};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::time::Instant;

use super::{Folder, PATIENCE};

/// Ports of this test process: `cargo test` runs the tests of a file in threads of one process, and
/// files one after the other.
static NEXT_PORT: AtomicU16 = AtomicU16::new(0);

/// Five ports nobody holds: server, client (server + 1), boot server, TFTP, and behind it HTTP (TCP).
pub fn free_ports() -> (u16, u16, u16) {
    // A hundred ports for each process, below those the system deals out.
    let base = 10_000 + (std::process::id() % 220) as u16 * 100;
    loop {
        let port = base.wrapping_add(NEXT_PORT.fetch_add(10, Ordering::Relaxed));
        let free = |port| UdpSocket::bind((Ipv4Addr::UNSPECIFIED, port)).is_ok();
        let http_is_free = TcpListener::bind((Ipv4Addr::UNSPECIFIED, port + 4)).is_ok();
        if (port..port + 4).all(free) && http_is_free {
            return (port, port + 2, port + 3);
        }
    }
}

/// A server under test.
pub struct Server {
    child: Child,
    log: Receiver<String>,
    seen: Vec<String>,
    pub dhcp: u16,
    pub boot_server: u16,
    pub tftp: u16,
    pub http: u16,
}

impl Server {
    /// Starts it over `root`, with `extra` at the end of its configuration, and waits for `ready`.
    pub fn start(folder: &Folder, extra: &str) -> Self {
        Self::start_with(folder, extra, &[])
    }

    /// The same with flags.
    pub fn start_with(folder: &Folder, extra: &str, flags: &[&str]) -> Self {
        Self::start_http(folder, "", extra, flags)
    }

    /// The same with keys that stand before every table.
    pub fn start_top(folder: &Folder, top: &str, extra: &str) -> Self {
        Self::start_all(folder, top, "", extra, &[])
    }

    /// The same with lines for its `[http]`.
    pub fn start_http(folder: &Folder, http_lines: &str, extra: &str, flags: &[&str]) -> Self {
        Self::start_all(folder, "", http_lines, extra, flags)
    }

    fn start_all(
        folder: &Folder,
        top: &str,
        http_lines: &str,
        extra: &str,
        flags: &[&str],
    ) -> Self {
        let (dhcp, boot_server, tftp) = free_ports();
        let http = tftp + 1;
        let root = folder.0.join("boot");
        fs::create_dir_all(&root).expect("root");
        let config = folder.0.join("pxe.toml");
        let http_table = match cfg!(feature = "http") {
            true => format!("[http]\nlisten = \"0.0.0.0:{http}\"\n{http_lines}"),
            false => String::new(),
        };
        // Several servers run at once here, and the page has one port if nobody says otherwise.
        let page = match extra.contains("[admin]") {
            true => "",
            false => "[admin]\nenabled = false\n",
        };
        let text = format!(
            "interfaces = [\"lo\"]\nroot = \"boot\"\n{top}[dhcp]\nport = {dhcp}\nboot_port = {boot_server}\n\
             {http_table}{page}[tftp]\nport = {tftp}\n{extra}"
        );
        fs::write(&config, text).expect("config");
        let config = config.to_string_lossy();
        let arguments: Vec<&str> = ["--config", &*config].iter().chain(flags).copied().collect();
        let (child, log) = spawn(&arguments);
        let mut server = Self { child, log, seen: Vec::new(), dhcp, boot_server, tftp, http };
        server.expect("ready");
        server
    }

    /// Waits for a line of the log that contains `text`.
    pub fn expect(&mut self, text: &str) -> String {
        if let Some(line) = self.seen.iter().find(|line| line.contains(text)) {
            return line.clone();
        }
        let deadline = Instant::now() + PATIENCE;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let Ok(line) = self.log.recv_timeout(left) else {
                panic!("no line with {text:?} in the log:\n{}", self.seen.join("\n"));
            };
            self.seen.push(line.clone());
            if line.contains(text) {
                return line;
            }
        }
    }

    /// The log so far.
    pub fn log(&mut self) -> String {
        self.seen.extend(self.log.try_iter());
        self.seen.join("\n")
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// SIGTERM, and the exit code.
    pub fn stop(mut self) -> Option<i32> {
        let pid = nix::unistd::Pid::from_raw(self.child.id().cast_signed());
        nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM).expect("kill");
        self.child.wait().expect("wait").code()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pxe-server"));
    command.env_remove("RUST_LOG").env_remove("JOURNAL_STREAM");
    command
}

fn spawn(arguments: &[&str]) -> (Child, Receiver<String>) {
    let mut child = program()
        .args(arguments)
        .stderr(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .expect("the server starts");
    let stderr = child.stderr.take().expect("stderr");
    let (sender, log) = mpsc::channel();
    std::thread::spawn(move || {
        for line in BufReader::new(stderr).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                break;
            }
        }
    });
    (child, log)
}
