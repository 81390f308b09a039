//! `replay`: a capture put to the real engine in every mode, and what went wrong in it.

mod clues;
mod ledger;
mod packet;
mod print;
mod read;

use core::net::Ipv4Addr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use clap::Args;

use crate::cli;
use crate::config::{Config, Faults};
use crate::content::{Images, Loaders};
use crate::rehearse::{MODES, Rehearsal};
use ledger::Ledger;
pub use ledger::{ENTRIES_MAX, MACHINES_OF_CAPTURE_MAX, READS_MAX, REPLIES_MAX};
use packet::Packet;
pub use read::FRAMES_MAX;

/// Our address where neither the configuration nor the capture suggests one (TEST-NET-1, RFC 5737).
const US: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 254);

/// Options of `replay`.
#[derive(Clone, Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub struct ReplayOptions {
    /// The capture: pcap or pcapng
    #[arg(value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    file: PathBuf,
    /// The address this server has in it [default: `advertise`, else .254 of the network that is seen]
    #[arg(long, value_name = "ADDRESS")]
    address: Option<Ipv4Addr>,
    /// What went wrong only, and not each packet
    #[arg(long)]
    brief: bool,
    /// As JSON, for programs
    #[arg(long)]
    json: bool,
}

/// What answers leave out.
const INVENTORY_NOT_ASKED: &str = "the inventory (boot_api) says which machines boot and was not asked: answers are as if there \
     were none; `pxe-server explain --arch … --mac … --ask-inventory` asks it about one machine";

const EXAMPLES: &str = "\
Examples:
  Capture a machine that does not boot, on any host that hears it, and stop with Ctrl-C when it gives up:
    tcpdump -i eth0 -w boot.pcap 'port 67 or port 68 or port 69 or port 4011 or icmp or tcp port 8080'
  What went wrong, machine by machine, with causes and the next thing to do:
    pxe-server replay --brief boot.pcap
  The same with each packet, and what this server would have answered to it in every mode:
    pxe-server replay boot.pcap

Nothing is sent. Decisions are made with the configuration and the orders for next boots as they are now.";

/// Prints what the capture tells.
pub fn run(options: &ReplayOptions, config: &Config) -> ExitCode {
    cli::answer(replay(options, config))
}

/// The text, or JSON.
///
/// # Errors
/// What is wrong with the file or the configuration, in words.
pub fn replay(options: &ReplayOptions, config: &Config) -> Result<String, String> {
    let mut seen = None;
    read::frames(&options.file, &mut |frame| {
        if seen.is_none()
            && let Some(Packet::Udp { payload, .. }) = packet::read(frame.link, frame.bytes)
        {
            seen = clues::network(payload);
        }
    })?;
    let near = |address: Ipv4Addr| {
        let [a, b, c, _] = address.octets();
        Ipv4Addr::new(a, b, c, 254)
    };
    let told = options.address.or(config.advertise);
    let us = told.or_else(|| seen.map(near)).unwrap_or(US);
    let loaders = Loaders::search(config);
    // What a server has kept of them is enough: nobody waits for initrds here.
    let images = Images::new(config.images.clone()).kept_in(&config.state);
    images.look_at(|_| false, |_| false, 0);
    let images = Arc::new(images);
    let begin = Instant::now();
    let mut ledger = None;
    let mut faults = Vec::new();
    let is_cut = read::frames(&options.file, &mut |frame| {
        if !faults.is_empty() {
            return;
        }
        let ledger = ledger.get_or_insert_with(|| {
            let unix_ms = u64::try_from(frame.at.as_millis()).unwrap_or_default();
            let has = (&loaders, &images);
            let rehearse = |mode| Rehearsal::new(config, mode, has, (us, us), (begin, unix_ms));
            let rehearsals = MODES.into_iter().map(rehearse).collect::<Result<Vec<_>, _>>();
            let rehearsals = rehearsals.unwrap_or_else(|list| {
                faults = list;
                Vec::new()
            });
            Ledger::new(rehearsals, begin, frame.at)
        });
        ledger.take(frame);
    })?;
    if !faults.is_empty() {
        return Err(Faults { file: config.file.clone(), list: faults }.to_string());
    }
    let Some(ledger) = ledger else {
        return Err(format!("{} has no packets", options.file.display()));
    };
    let mut report = ledger.report(is_cut, us);
    if config.boot_api.is_some() {
        report.notes.push(INVENTORY_NOT_ASKED.to_owned());
    }
    if options.json {
        let text = serde_json::to_string_pretty(&report).map_err(|error| error.to_string())?;
        return Ok(text + "\n");
    }
    Ok(print::text(&report, options.brief))
}
