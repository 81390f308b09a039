//! The rows of the table: what is asked for, and what is to be reached.

use super::files::MIB;
use super::servers::Server;

/// One kind of work.
#[derive(Clone, Debug)]
pub struct Row {
    /// Its name, for `--row`.
    pub name: &'static str,
    /// Clients at once.
    pub clients: usize,
    /// Files each of them fetches.
    pub files_each: usize,
    /// Size of a file.
    pub bytes: u64,
    /// Window asked for, in blocks.
    pub window: u16,
    /// Datagrams lost in each direction, in thousandths.
    pub loss_permille: u16,
    /// All transfers wait for one another after their first block, and memory is looked at.
    pub hold: bool,
    /// Who takes part.
    pub servers: &'static [Server],
    /// What we are to reach.
    pub goals: &'static [Goal],
}

/// What we are to reach.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Goal {
    /// At least this many times the throughput of that server.
    Times(Server, f64),
    /// At least this many times the throughput of the best peer.
    TimesBestPeer(f64),
    /// Less processor time for a byte than every peer.
    LeastProcessorTime,
    /// At most so much more memory for each transfer than without any, in bytes.
    BytesPerTransfer(u64),
}

const ALL: &[Server] = &Server::ALL;

/// The table of the issue.
pub const ROWS: [Row; 6] = [
    Row {
        name: "one",
        clients: 1,
        files_each: 1,
        bytes: 64 * MIB,
        window: 16,
        loss_permille: 0,
        hold: false,
        servers: ALL,
        goals: &[
            Goal::Times(Server::RsTftpd, 3.3),
            Goal::Times(Server::Bare, 0.85),
            Goal::LeastProcessorTime,
        ],
    },
    Row {
        name: "window16",
        clients: 64,
        files_each: 8,
        bytes: MIB,
        window: 16,
        loss_permille: 0,
        hold: false,
        servers: ALL,
        goals: &[
            Goal::Times(Server::RsTftpd, 3.8),
            Goal::Times(Server::Bare, 0.85),
            Goal::LeastProcessorTime,
        ],
    },
    Row {
        name: "window1",
        clients: 1000,
        files_each: 2,
        bytes: MIB,
        window: 1,
        loss_permille: 0,
        hold: false,
        servers: ALL,
        goals: &[
            Goal::Times(Server::Dnsmasq, 1.1),
            Goal::Times(Server::Bare, 0.9),
            Goal::LeastProcessorTime,
        ],
    },
    Row {
        name: "window4",
        clients: 1000,
        files_each: 2,
        bytes: MIB,
        window: 4,
        loss_permille: 0,
        hold: false,
        servers: ALL,
        goals: &[Goal::Times(Server::Dnsmasq, 3.0), Goal::LeastProcessorTime],
    },
    Row {
        name: "open10000",
        clients: 10_000,
        files_each: 1,
        bytes: MIB / 16,
        window: 1,
        loss_permille: 0,
        hold: true,
        // The peers with a process or a thread for each transfer are left out of this.
        servers: &[Server::Ours, Server::Dnsmasq],
        goals: &[Goal::BytesPerTransfer(8192), Goal::LeastProcessorTime],
    },
    Row {
        name: "loss",
        clients: 64,
        files_each: 4,
        bytes: MIB,
        window: 16,
        loss_permille: 50,
        hold: false,
        servers: &[
            Server::Ours,
            Server::RsTftpd,
            Server::Dnsmasq,
            Server::Atftpd,
            Server::TftpdHpa,
        ],
        goals: &[Goal::TimesBestPeer(5.0), Goal::LeastProcessorTime],
    },
];

impl Row {
    /// The row with less work, to see that everything works.
    pub fn quick(mut self) -> Self {
        self.clients = self.clients.min(500).min(self.clients / 10 + 4);
        self.files_each = self.files_each.min(2);
        self.bytes = (self.bytes / 16).max(MIB / 16);
        self
    }

    /// Files in all.
    pub const fn files(&self) -> usize {
        self.clients * self.files_each
    }

    /// What it is, in a line.
    pub fn describe(&self) -> String {
        let size = if self.bytes.is_multiple_of(MIB) {
            format!("{} MiB", self.bytes / MIB)
        } else {
            format!("{} KiB", self.bytes / 1024)
        };
        let clients = if self.clients == 1 { "client" } else { "clients" };
        let loss = match self.loss_permille {
            0 => String::new(),
            permille => format!(", {} % lost each way", f64::from(permille) / 10.0),
        };
        let hold = if self.hold { ", all open at once" } else { "" };
        format!(
            "{}: {} × {size}, {} {clients}, window {}{loss}{hold}",
            self.name,
            self.files(),
            self.clients,
            self.window
        )
    }
}
