//! Prints every DHCP and TFTP message of a capture file (pcap or pcapng) as one readable block.
//!
//! ```sh
//! cargo run -p pxe-examples --bin decode_capture -- examples/captures/ipxe-bios-and-ovmf-x64-chain.pcap
//! sudo tcpdump -i eth0 -w boot.pcap port 67 or port 68 or port 69 or port 4011     # to take one
//! ```

mod frame;
mod tftp;

use std::error::Error;
use std::fs::File;
use std::io::{self, Write};
use std::{env, mem};

use pcap_parser::pcapng::Block;
use pcap_parser::{Linktype, PcapBlockOwned, PcapError, create_reader};
use pxe_dhcp::MessageView;

use crate::frame::Datagram;
use crate::tftp::Conversations;

/// Servers, clients and boot servers (RFC 951, PXE 2.1).
const DHCP_PORTS: [u16; 3] = [67, 68, 4011];
/// Room for the largest block of a capture; frames are far smaller.
const BUFFER_BYTES: usize = 1 << 20;

fn main() -> Result<(), Box<dyn Error>> {
    let path = env::args_os().nth(1).ok_or("usage: decode_capture FILE")?;
    let mut printer =
        Printer { out: io::stdout().lock(), frames: 0, tftp: Conversations::default() };
    read(File::open(path)?, |link, frame| printer.frame(link, frame))
}

/// Hands over each frame with the kind of its link.
fn read(
    file: File,
    mut each: impl FnMut(Linktype, &[u8]) -> io::Result<()>,
) -> Result<(), Box<dyn Error>> {
    let mut reader = create_reader(BUFFER_BYTES, file).map_err(|error| format!("{error:?}"))?;
    let mut links: Vec<Linktype> = Vec::new();
    let mut asked_more = false;
    loop {
        match reader.next() {
            Ok((used, block)) => {
                asked_more = false;
                match block {
                    PcapBlockOwned::LegacyHeader(header) => links = vec![header.network],
                    PcapBlockOwned::Legacy(packet) => {
                        each(link(&links, 0)?, captured(packet.data, packet.caplen))?;
                    }
                    PcapBlockOwned::NG(Block::SectionHeader(_)) => links.clear(),
                    PcapBlockOwned::NG(Block::InterfaceDescription(interface)) => {
                        links.push(interface.linktype);
                    }
                    PcapBlockOwned::NG(Block::EnhancedPacket(packet)) => {
                        each(link(&links, packet.if_id)?, captured(packet.data, packet.caplen))?;
                    }
                    PcapBlockOwned::NG(_) => {}
                }
                reader.consume(used);
            }
            Err(PcapError::Eof) => return Ok(()),
            Err(PcapError::Incomplete(_)) if !mem::replace(&mut asked_more, true) => {
                reader.refill().map_err(|error| format!("{error:?}"))?;
            }
            Err(error) => return Err(format!("the capture is damaged: {error:?}").into()),
        }
    }
}

fn link(links: &[Linktype], index: u32) -> io::Result<Linktype> {
    let found = usize::try_from(index).ok().and_then(|index| links.get(index));
    found.copied().ok_or_else(|| io::Error::other("a packet of an interface that is not described"))
}

/// The frame without what pads its block.
fn captured(data: &[u8], bytes: u32) -> &[u8] {
    usize::try_from(bytes).ok().and_then(|bytes| data.get(..bytes)).unwrap_or(data)
}

struct Printer<W> {
    out: W,
    frames: u64,
    tftp: Conversations,
}

impl<W: Write> Printer<W> {
    fn frame(&mut self, link: Linktype, frame: &[u8]) -> io::Result<()> {
        self.frames += 1;
        let Some(datagram) = Datagram::of(link, frame) else { return Ok(()) };
        if DHCP_PORTS.contains(&datagram.source.port())
            || DHCP_PORTS.contains(&datagram.destination.port())
        {
            self.heading("DHCP", &datagram)?;
            match MessageView::parse(datagram.payload) {
                Ok(view) => write!(self.out, "{view}"),
                Err(error) => writeln!(self.out, "unreadable: {error}"),
            }
        } else if let Some(text) = self.tftp.describe(&datagram) {
            self.heading("TFTP", &datagram)?;
            writeln!(self.out, "{text}")
        } else {
            Ok(())
        }
    }

    fn heading(&mut self, protocol: &str, datagram: &Datagram<'_>) -> io::Result<()> {
        let Datagram { source, destination, cut_off, .. } = datagram;
        let note = if *cut_off { ", cut off" } else { "" };
        writeln!(self.out, "\n#{} {protocol} {source} -> {destination}{note}", self.frames)
    }
}
