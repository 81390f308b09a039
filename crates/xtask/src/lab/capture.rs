//! What went over a machine's tap: recorded by tcpdump, read back here.
//!
//! On the tap and not on the bridge: a capture there would make the bridge promiscuous, and would
//! show frames that the machine never got.

use core::time::Duration;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use crate::error::{Context as _, Result, fail};
use crate::interrupt;
use crate::lab::web;
use crate::lab::wire::Tap;
use crate::process::Background;

const GLOBAL_HEADER_BYTES: usize = 24;
const RECORD_HEADER_BYTES: usize = 16;
const LINK_TYPE_ETHERNET: u32 = 1;

/// A running capture.
#[derive(Debug)]
pub(crate) struct Capture {
    process: Background,
    file: PathBuf,
}

/// One frame as it was seen on the tap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Frame {
    /// Since the Unix epoch.
    pub(crate) at: Duration,
    pub(crate) bytes: Vec<u8>,
}

impl Capture {
    /// Starts recording UDP and HTTP; returns when nothing can be missed any more.
    pub(crate) fn start(tap: &Tap, folder: &Path) -> Result<Self> {
        let file = folder.join(format!("{}.pcap", tap.interface));
        let name = file.to_string_lossy();
        let filter = format!("udp or tcp port {}", web::PORT);
        let words = [
            "tcpdump",
            "--immediate-mode",
            "-U",
            "-n",
            "-B",
            "16384",
            "-s",
            "0",
            "-Z",
            "root",
            "-i",
            &tap.interface,
            "-w",
            &name,
            &filter,
        ];
        let log = folder.join(format!("{}.tcpdump.log", tap.interface));
        let mut process = Background::start(tap.namespace.command(&words), "tcpdump", &log)?;
        // tcpdump opens its file after the interface, so a header means that it listens.
        let deadline = Instant::now() + Duration::from_secs(30);
        while fs::metadata(&file).map_or(0, |facts| facts.len()) < GLOBAL_HEADER_BYTES as u64 {
            process.check_alive()?;
            if Instant::now() > deadline {
                return fail("tcpdump did not start to record");
            }
            interrupt::pause(Duration::from_millis(50))?;
        }
        Ok(Self { process, file })
    }

    /// Every frame recorded until now.
    pub(crate) fn frames(&mut self) -> Result<Vec<Frame>> {
        self.process.check_alive()?;
        let bytes = fs::read(&self.file).context(|| format!("reading {}", self.file.display()))?;
        frames(&bytes)
    }
}

/// Reads a pcap file. A last record that is still being written is left out.
fn frames(bytes: &[u8]) -> Result<Vec<Frame>> {
    let Some((header, mut rest)) = bytes.split_at_checked(GLOBAL_HEADER_BYTES) else {
        return fail("not a capture: shorter than its header");
    };
    let big_endian = match header[..4] {
        [0xa1, 0xb2, 0xc3, 0xd4] => true,
        [0xd4, 0xc3, 0xb2, 0xa1] => false,
        _ => return fail("not a capture that tcpdump writes (microseconds)"),
    };
    let number = |from: &[u8]| {
        let octets = [from[0], from[1], from[2], from[3]];
        if big_endian { u32::from_be_bytes(octets) } else { u32::from_le_bytes(octets) }
    };
    if number(&header[20..]) != LINK_TYPE_ETHERNET {
        return fail("not a capture of Ethernet");
    }
    let mut found = Vec::new();
    while let Some((record, after)) = rest.split_at_checked(RECORD_HEADER_BYTES) {
        let length = number(&record[8..]) as usize;
        let Some((frame, after)) = after.split_at_checked(length) else { break };
        let at = Duration::new(number(record).into(), number(&record[4..]) * 1000);
        found.push(Frame { at, bytes: frame.to_vec() });
        rest = after;
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(records: &[&[u8]]) -> Vec<u8> {
        let mut bytes = vec![0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0];
        bytes.extend([0; 8]);
        bytes.extend([0, 0, 4, 0, 1, 0, 0, 0]);
        for record in records {
            let length = u32::try_from(record.len()).unwrap().to_le_bytes();
            bytes.extend([7, 0, 0, 0, 5, 0, 0, 0]);
            bytes.extend(length);
            bytes.extend(length);
            bytes.extend(*record);
        }
        bytes
    }

    #[test]
    fn records_come_out_in_order_with_their_times() {
        let read = frames(&file(&[b"one", b"three"])).unwrap();
        assert_eq!(read.len(), 2);
        assert_eq!(read[0], Frame { at: Duration::new(7, 5000), bytes: b"one".to_vec() });
        assert_eq!(read[1].bytes, b"three");
    }

    #[test]
    fn a_record_being_written_is_left_out() {
        let whole = file(&[b"one", b"three"]);
        for cut in GLOBAL_HEADER_BYTES..whole.len() {
            let read = frames(&whole[..cut]).unwrap();
            assert_eq!(read.len(), usize::from(cut >= GLOBAL_HEADER_BYTES + 19), "cut at {cut}");
        }
    }

    #[test]
    fn other_files_are_refused() {
        assert!(frames(b"short").is_err());
        assert!(frames(&[0; 24]).is_err());
        let mut loopback = file(&[]);
        loopback[20] = 0;
        assert!(frames(&loopback).is_err());
    }
}
