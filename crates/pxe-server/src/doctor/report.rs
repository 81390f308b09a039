//! What doctor says, for programs: everything that was heard, and what to change.

use core::net::Ipv4Addr;

use pxe_select::Firmware;
use serde::Serialize;

use super::facts::{Facts, Fetched, Outcome, Segment};
use super::findings::{Finding, findings, servers_of};
use super::local::mac_text;
use crate::content::Program;

/// A whole report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Nothing that keeps machines from booting was found.
    pub is_clean: bool,
    /// What to change, the most important first; then what is worth knowing.
    pub findings: Vec<Finding>,
    /// Each interface that was asked on.
    pub segments: Vec<SegmentReport>,
    /// Files that were named, and what came of asking for them.
    pub files: Vec<FileReport>,
    /// Boot programs of this machine.
    pub loaders: Vec<LoaderReport>,
    /// Images of this machine.
    pub images: Vec<ImageReport>,
}

/// One interface.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SegmentReport {
    /// Its name.
    pub interface: String,
    /// Our address there.
    pub address: Ipv4Addr,
    /// The hardware address that was asked as.
    pub mac: String,
    /// DISCOVERs sent.
    pub discovers: u32,
    /// Who answered.
    pub servers: Vec<ServerReport>,
    /// What each firmware was told.
    pub firmware: Vec<FirmwareReport>,
}

/// A server that was heard.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ServerReport {
    /// Its address.
    pub server: Ipv4Addr,
    /// An address that it offered; none of a proxy.
    pub offers: Option<Ipv4Addr>,
    /// It names files without giving addresses.
    pub is_proxy: bool,
    /// It is on this machine.
    pub is_own: bool,
}

/// What one firmware was told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FirmwareReport {
    /// Its name: `x64-uefi`, or `iPXE on bios`.
    pub firmware: String,
    /// By whom, and which file; in the order of `servers`.
    pub named: Vec<NamedReport>,
}

/// What a server named.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NamedReport {
    /// The server.
    pub server: Ipv4Addr,
    /// The file, or none.
    pub file: Option<String>,
    /// Where it is to be fetched.
    pub next_server: Option<Ipv4Addr>,
    /// It was named on port 4011.
    pub by_boot_server: bool,
}

/// A file that was fetched, or not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FileReport {
    /// `tftp://192.0.2.5/ipxe.efi`
    pub url: String,
    /// What came of it, in words.
    pub outcome: String,
    /// It came, or its beginning.
    pub arrived: bool,
    /// What it is, in words.
    pub program: Option<String>,
}

/// A boot program of this machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LoaderReport {
    /// For which firmware.
    pub firmware: &'static str,
    /// The name that clients are told.
    pub file: String,
    /// Where it is.
    pub path: String,
    /// What it is, in words.
    pub program: Option<String>,
    /// What Secure Boot makes of it, in words; none if it is no EFI program.
    pub secure_boot: Option<String>,
}

/// An image of this machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ImageReport {
    /// Its file.
    pub name: String,
    /// What it is.
    pub title: String,
    /// Firmware that boots it over the network.
    pub boots: Vec<&'static str>,
    /// Firmware that starts it by itself in HTTP Boot, as a disk of memory.
    pub by_ram_disk: Vec<&'static str>,
    /// What will not work, and why.
    pub warnings: Vec<String>,
}

impl Report {
    /// Of these facts.
    pub fn of(facts: &Facts) -> Self {
        let findings = findings(facts);
        let loaders = facts.local.loaders.iter().map(|loader| LoaderReport {
            firmware: loader.firmware.name(),
            file: loader.file.clone(),
            path: loader.path.clone(),
            program: loader.program.map(program),
            secure_boot: loader.secure_boot.clone(),
        });
        let images = facts.local.images.iter().map(|image| ImageReport {
            name: image.name.clone(),
            title: image.title.clone(),
            boots: image.boots.iter().copied().map(Firmware::name).collect(),
            by_ram_disk: image.by_ram_disk.iter().copied().map(Firmware::name).collect(),
            warnings: image.warnings.clone(),
        });
        Self {
            is_clean: findings.iter().all(|finding| !finding.is_fault),
            findings,
            segments: facts.segments.iter().map(|segment| of_segment(facts, segment)).collect(),
            files: facts.files.iter().map(file).collect(),
            loaders: loaders.collect(),
            images: images.collect(),
        }
    }
}

fn of_segment(facts: &Facts, segment: &Segment) -> SegmentReport {
    let servers: Vec<Ipv4Addr> = servers_of(segment).into_iter().collect();
    let heard =
        |server: Ipv4Addr| segment.answers.iter().filter(move |it| it.server == Some(server));
    let server = |server: &Ipv4Addr| ServerReport {
        server: *server,
        offers: heard(*server).find_map(|answer| answer.address),
        is_proxy: heard(*server).any(super::answer::Answer::is_proxy),
        is_own: facts.local.own.contains(server),
    };
    let named = |at: usize, server: &Ipv4Addr| {
        let offer = heard(*server).find(|it| it.question == at);
        let asked = offer.and_then(super::answer::Answer::boot_server);
        let ack =
            segment.boot_answers.iter().find(|it| it.question == at && Some(it.server) == asked);
        let ack = ack.and_then(|it| it.answer.as_ref()).filter(|answer| !answer.file.is_empty());
        let word = ack.or(offer).filter(|answer| !answer.file.is_empty());
        NamedReport {
            server: *server,
            file: word.map(|answer| answer.file.clone()),
            next_server: word.and_then(super::answer::Answer::boot_server),
            by_boot_server: ack.is_some(),
        }
    };
    let firmware = segment.questions.iter().enumerate().map(|(at, question)| FirmwareReport {
        firmware: question.name(),
        named: servers.iter().map(|server| named(at, server)).collect(),
    });
    SegmentReport {
        interface: segment.interface.clone(),
        address: segment.address,
        mac: mac_text(segment.mac),
        discovers: segment.sent,
        firmware: firmware.collect(),
        servers: servers.iter().map(server).collect(),
    }
}

fn file(fetched: &Fetched) -> FileReport {
    let Fetched { server, file, http, .. } = fetched;
    let url = match (http, server.starts_with("https://")) {
        (true, true) => format!("{server}{file}"),
        (true, false) => format!("http://{server}{file}"),
        (false, _) => format!("tftp://{server}/{file}"),
    };
    let outcome = match &fetched.outcome {
        Outcome::Delivered { size: Some(size) } => format!("there, {size} bytes"),
        Outcome::Delivered { size: None } => "there".to_owned(),
        Outcome::Stalled { block_size, small_works: true } => {
            format!("blocks of {block_size} bytes do not arrive, blocks of 512 do")
        }
        Outcome::Stalled { .. } => "answered, and no block arrives".to_owned(),
        Outcome::Refused(code, text) => format!("refused: {code} {text}"),
        Outcome::Closed => "the port is closed".to_owned(),
        Outcome::Silent => "no answer".to_owned(),
        Outcome::NotTried(why) => format!("not asked: {why}"),
    };
    let arrived = matches!(fetched.outcome, Outcome::Delivered { .. });
    FileReport { url, outcome, arrived, program: fetched.program.map(program) }
}

fn program(program: Program) -> String {
    match program {
        Program::Efi(Some(cpu)) => format!("EFI program for {cpu}"),
        Program::Efi(None) => "EFI program for another processor".to_owned(),
        Program::Other => "no EFI program".to_owned(),
    }
}
