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
use crate::lab::wire::{Namespace, Tap};
use crate::process::{Background, tail};

const GLOBAL_HEADER_BYTES: usize = 24;
const RECORD_HEADER_BYTES: usize = 16;
const LINK_TYPE_ETHERNET: u32 = 1;
/// What leaves a host on DHCP's ports; and its TFTP option acknowledgements, so that a host which is silent on DHCP
/// does not look like a capture that does not work.
const OUTGOING: &str = "udp and (port 67 or port 68 or port 4011 or udp[8:2] = 6)";

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
    /// Starts recording UDP and HTTP on a tap; returns when nothing can be missed any more.
    pub(crate) fn start(tap: &Tap, folder: &Path) -> Result<Self> {
        let what = format!("udp or tcp port {}", web::PORT);
        Self::record(tap, &tap.interface, &[&what], folder)
    }

    /// Starts recording what leaves a host for DHCP. Not in promiscuous mode: the host must not hear more than in life.
    pub(crate) fn start_outgoing(host: &Namespace, folder: &Path) -> Result<Self> {
        let port = Tap { namespace: host.clone(), interface: "eth0".to_owned() };
        Self::record(&port, "outgoing", &["-p", "-Q", "out", OUTGOING], folder)
    }

    fn record(port: &Tap, stem: &str, what: &[&str], folder: &Path) -> Result<Self> {
        let file = folder.join(format!("{stem}.pcap"));
        let name = file.to_string_lossy();
        // The kernel's ring has slots of the size to be kept: with room for the largest packet there were so few that
        // a busy computer lost frames.
        let fixed = "tcpdump --immediate-mode -U -n -B 32768 -s 2048 -Z root";
        let mut words: Vec<&str> = fixed.split(' ').collect();
        words.extend(["-i", &port.interface, "-w", &name]);
        words.extend_from_slice(what);
        let log = folder.join(format!("{stem}.tcpdump.log"));
        let mut process = Background::start(port.namespace.command(&words), "tcpdump", &log)?;
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

    /// Ends the recording and returns all of it; an error if the kernel had to leave a frame out.
    pub(crate) fn finish(&mut self) -> Result<Vec<Frame>> {
        self.process.stop()?;
        let said = self.process.printed();
        if !said.lines().any(|line| line == "0 packets dropped by kernel") {
            return fail(format!("the capture is not complete: {}", tail(&said, 3)));
        }
        self.read()
    }

    /// Every frame recorded until now.
    pub(crate) fn frames(&mut self) -> Result<Vec<Frame>> {
        self.process.check_alive()?;
        self.read()
    }

    fn read(&self) -> Result<Vec<Frame>> {
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
