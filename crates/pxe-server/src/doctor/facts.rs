//! Everything that a diagnosis rests on: what was asked and heard, and what is known of this machine.

use core::net::Ipv4Addr;

use pxe_select::Firmware;

use super::answer::Answer;
use super::question::Question;
use crate::config::DhcpMode;
use crate::content::{Program, Unfit};

/// All of it.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// Each interface that was asked on.
    pub segments: Vec<Segment>,
    /// Every file that was named, and what came of asking for it.
    pub files: Vec<Fetched>,
    /// This machine.
    pub local: Local,
}

/// What was heard on one interface.
#[derive(Clone, Debug)]
pub struct Segment {
    /// Its name.
    pub interface: String,
    /// Our address there.
    pub address: Ipv4Addr,
    /// Largest IP packet it carries, in bytes.
    pub mtu: Option<u32>,
    /// As whom it was asked.
    pub mac: [u8; 6],
    /// The questions.
    pub questions: Vec<Question>,
    /// The answers.
    pub answers: Vec<Answer>,
    /// What boot servers said on port 4011.
    pub boot_answers: Vec<BootAnswer>,
    /// What the server said to a question as a relay would bring it, if it was asked so.
    pub by_relay: Option<(Ipv4Addr, Reached)>,
    /// DISCOVERs sent.
    pub sent: u32,
    /// Why it could not be asked.
    pub error: Option<String>,
}

/// Whether something came back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reached {
    /// It answered.
    Answered,
    /// Its port is closed: ICMP said so.
    Closed,
    /// Nothing came.
    Silent,
    /// It could not be tried.
    NotTried,
}

/// A boot server's word, for a question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BootAnswer {
    /// Which question, by its place.
    pub question: usize,
    /// Who was asked.
    pub server: Ipv4Addr,
    /// What came back.
    pub reached: Reached,
    /// The answer, if one came.
    pub answer: Option<Answer>,
}

/// A file that somebody named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetched {
    /// The server as it was named, with its port if that is not the usual one.
    pub server: String,
    /// The name that was asked for.
    pub file: String,
    /// By HTTP.
    pub http: bool,
    /// The bait it stands for, if the name was made from one.
    pub bait: Option<String>,
    /// Who was told to fetch it, by segment and place of the question.
    pub told: Vec<(usize, usize)>,
    /// What came of it.
    pub outcome: Outcome,
    /// What it is, by its first bytes.
    pub program: Option<Program>,
}

/// What came of asking for a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It came, or its beginning, which is all that was wanted.
    Delivered {
        /// Its size in bytes, if the server says.
        size: Option<u64>,
    },
    /// The server answers, and large blocks do not arrive.
    Stalled {
        /// Bytes in a block that did not arrive.
        block_size: u16,
        /// Blocks of 512 bytes do.
        small_works: bool,
    },
    /// The server said no: code or status, and its words.
    Refused(u16, String),
    /// The port is closed.
    Closed,
    /// Nothing came.
    Silent,
    /// It could not be tried, and why.
    NotTried(String),
}

/// What is in a file that this firmware cannot start; none if it can, or nothing is known of it.
pub fn not_for(program: Program, firmware: Firmware, file: &str) -> Option<Unfit> {
    // UEFI HTTP Boot takes whole discs too.
    program.unfit_for(firmware).filter(|unfit| *unfit != Unfit::NoProgram || !is_disc(file))
}

fn is_disc(file: &str) -> bool {
    let file = file.to_ascii_lowercase();
    file.ends_with(".iso") || file.ends_with(".img")
}

/// What is known of this machine, its configuration and the server that runs on it.
#[derive(Clone, Debug, Default)]
pub struct Local {
    /// A server of ours runs here.
    pub running: bool,
    /// Its part in DHCP, by the configuration.
    pub mode: DhcpMode,
    /// Addresses of this machine.
    pub own: Vec<Ipv4Addr>,
    /// The server that should be heard, where `--server` names one.
    pub expected: Option<Ipv4Addr>,
    /// We run in a container.
    pub container: bool,
    /// Boot programs that are there.
    pub loaders: Vec<Loader>,
    /// Firmware without one: for which, and what to do.
    pub missing: Vec<(Firmware, String)>,
    /// Why a machine gets nothing from us: its address, and the reason.
    pub denied: Vec<(String, String)>,
    /// The machine that was asked about, if one was.
    pub asked_as: Option<String>,
    /// How full our pools are: network, used, size.
    pub pools: Vec<(String, u64, u64)>,
    /// Addresses of this machine that one of our pools would give away.
    pub own_in_pool: Vec<Ipv4Addr>,
    /// Images, and on which firmware each boots or why not.
    pub images: Vec<ImageSeen>,
    /// The boot server is configured here: what it lacks is a fault.
    pub configured: bool,
}

/// A boot program on this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loader {
    /// For which firmware it is taken.
    pub firmware: Firmware,
    /// The name clients are told.
    pub file: String,
    /// Where it is.
    pub path: String,
    /// What it is; none if it cannot be read.
    pub program: Option<Program>,
    /// It has a signature.
    pub is_signed: bool,
    /// What Secure Boot makes of it, in words; none if it is no EFI program.
    pub secure_boot: Option<String>,
}

/// An image on this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageSeen {
    /// Its file.
    pub name: String,
    /// What it is.
    pub title: String,
    /// Firmware that boots it.
    pub boots: Vec<Firmware>,
    /// Firmware that does not, and why.
    pub not: Vec<(Firmware, String)>,
    /// Firmware that starts it by itself in HTTP Boot, as a disk of memory.
    pub by_ram_disk: Vec<Firmware>,
    /// What will not work, and why.
    pub warnings: Vec<String>,
}
