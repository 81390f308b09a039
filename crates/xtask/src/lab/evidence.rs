//! A machine's boot, read from the frames on its tap.
//!
//! This is a second, independent reading of the wire: it uses none of the codecs under test, only
//! the few fields that a proof needs. Frames that do not parse are left out, which can make a
//! proof fail but never succeed.

use core::net::{Ipv4Addr, SocketAddrV4};
use core::time::Duration;

use crate::lab::capture::Frame;
use crate::lab::packets::{Datagram, DhcpSeen, until_nul};
use crate::lab::web;

const TFTP_PORT: u16 = 69;
/// RFC 1350; another size is agreed in the option acknowledgement (RFC 2348).
const TFTP_BLOCK_BYTES: usize = 512;

/// Everything about one machine that was on the wire.
#[derive(Debug, Default)]
pub(crate) struct Evidence {
    /// DHCP messages from and to the machine, in order.
    pub(crate) dhcp: Vec<DhcpSeen>,
    /// Files that the machine asked for by TFTP and HTTP, in order, with what came of them.
    pub(crate) transfers: Vec<Transfer>,
}

/// One read request and the bytes that came back.
#[derive(Debug, Clone)]
pub(crate) struct Transfer {
    pub(crate) at: Duration,
    pub(crate) server: Ipv4Addr,
    pub(crate) name: Vec<u8>,
    /// How often this request was sent.
    pub(crate) times_asked: usize,
    pub(crate) content: Vec<u8>,
    /// When the machine acknowledged the last block.
    pub(crate) completed: Option<Duration>,
    client: SocketAddrV4,
    block_bytes: usize,
    blocks: usize,
    last_block_seen: bool,
    /// An ERROR packet of either side has ended it.
    ended: bool,
}

impl Evidence {
    /// Reads a capture for the machine with this hardware address.
    pub(crate) fn read(frames: &[Frame], machine: [u8; 6]) -> Self {
        let mut evidence = Self::default();
        for frame in frames {
            let Some(datagram) = Datagram::read(frame) else { continue };
            if datagram.is_dhcp() {
                let message = DhcpSeen::read(&datagram);
                evidence.dhcp.extend(message.filter(|seen| seen.hardware_address == machine));
            } else if frame.bytes.starts_with(&machine) || frame.bytes[6..].starts_with(&machine) {
                evidence.note_tftp(&datagram);
            }
        }
        evidence.transfers.extend(web::transfers(frames, machine));
        evidence.transfers.sort_by_key(|transfer| transfer.at);
        evidence
    }

    /// The transfers that reached their end.
    pub(crate) fn completed(&self) -> impl Iterator<Item = &Transfer> {
        self.transfers.iter().filter(|transfer| transfer.completed.is_some())
    }

    fn note_tftp(&mut self, datagram: &Datagram<'_>) {
        let Some((&[0, opcode], body)) = datagram.payload.split_first_chunk::<2>() else { return };
        if opcode == 1 && datagram.destination.port() == TFTP_PORT {
            self.note_request(datagram, body);
            return;
        }
        let mine = |transfer: &&mut Transfer| {
            let (client, server) = (transfer.client, transfer.server);
            (client == datagram.source && server == *datagram.destination.ip())
                || (client == datagram.destination && server == *datagram.source.ip())
        };
        let Some(transfer) = self.transfers.iter_mut().rev().find(mine) else { return };
        match opcode {
            3 => transfer.note_data(body),
            4 => transfer.note_acknowledgement(datagram.at, body),
            5 => transfer.ended = true,
            6 => transfer.note_options(body),
            _ => {}
        }
    }

    fn note_request(&mut self, datagram: &Datagram<'_>, body: &[u8]) {
        let name = until_nul(body).to_vec();
        let client = datagram.source;
        let last = self.transfers.iter_mut().rev().find(|known| known.client == client);
        if let Some(known) = last
            && known.name == name
            && known.completed.is_none()
            && !known.ended
        {
            known.times_asked += 1;
            return;
        }
        self.transfers.push(Transfer {
            at: datagram.at,
            server: *datagram.destination.ip(),
            name,
            times_asked: 1,
            content: Vec::new(),
            completed: None,
            client,
            block_bytes: TFTP_BLOCK_BYTES,
            blocks: 0,
            last_block_seen: false,
            ended: false,
        });
    }
}

impl Transfer {
    /// A file that was asked for by HTTP, and when it was complete, if it was.
    pub(crate) fn by_http(
        (at, completed): (Duration, Option<Duration>),
        client: SocketAddrV4,
        server: Ipv4Addr,
        name: Vec<u8>,
        content: Vec<u8>,
    ) -> Self {
        let (block_bytes, blocks, last_block_seen, ended) = (0, 0, true, true);
        Self {
            at,
            server,
            name,
            times_asked: 1,
            content,
            completed,
            client,
            block_bytes,
            blocks,
            last_block_seen,
            ended,
        }
    }

    /// The COFF machine number, if the content is a PE file.
    pub(crate) fn coff_machine(&self) -> Option<u16> {
        coff_machine(&self.content)
    }

    /// The file name without its folders.
    pub(crate) fn base_name(&self) -> &[u8] {
        base_name(&self.name)
    }

    fn note_data(&mut self, body: &[u8]) {
        let Some((number, payload)) = body.split_first_chunk::<2>() else { return };
        let expected = (self.blocks + 1) & 0xffff;
        // Blocks out of order are repeats or come after a loss: the machine drops them too.
        if usize::from(u16::from_be_bytes(*number)) == expected && !self.last_block_seen {
            self.blocks += 1;
            self.content.extend_from_slice(payload);
            self.last_block_seen = payload.len() < self.block_bytes;
        }
    }

    fn note_acknowledgement(&mut self, at: Duration, body: &[u8]) {
        let Some((number, _)) = body.split_first_chunk::<2>() else { return };
        let last = usize::from(u16::from_be_bytes(*number)) == self.blocks & 0xffff;
        if last && self.last_block_seen && self.completed.is_none() {
            self.completed = Some(at);
        }
    }

    fn note_options(&mut self, body: &[u8]) {
        let mut words = body.split(|&byte| byte == 0);
        while let (Some(name), Some(value)) = (words.next(), words.next()) {
            let size = core::str::from_utf8(value).ok().and_then(|text| text.parse().ok());
            if let (true, Some(size)) = (name.eq_ignore_ascii_case(b"blksize"), size) {
                self.block_bytes = size;
            }
        }
    }
}

/// The COFF machine number of a PE file; `None` for every other content.
pub(crate) fn coff_machine(content: &[u8]) -> Option<u16> {
    if !content.starts_with(b"MZ") {
        return None;
    }
    let at = u32::from_le_bytes(*content.get(0x3c..)?.first_chunk()?);
    let header = content.get(usize::try_from(at).ok()?..)?;
    let machine = header.strip_prefix(b"PE\0\0")?.first_chunk()?;
    Some(u16::from_le_bytes(*machine))
}

/// A file name without its folders, whichever slash was used.
pub(crate) fn base_name(name: &[u8]) -> &[u8] {
    name.rsplit(|&byte| byte == b'/' || byte == b'\\').next().unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::efi;
    use crate::lab::packets::tests::{MACHINE, frame};

    const CLIENT: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(10, 77, 0, 100), 2070);
    const LISTENER: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(10, 77, 0, 2), 69);
    const TRANSFER: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(10, 77, 0, 2), 40000);

    fn data(number: u16, payload: &[u8]) -> Frame {
        let body = [&[0, 3][..], &number.to_be_bytes(), payload].concat();
        frame(TRANSFER, CLIENT, &body)
    }

    fn acknowledgement(number: u16) -> Frame {
        frame(CLIENT, TRANSFER, &[&[0, 4][..], &number.to_be_bytes()].concat())
    }

    fn request(name: &str) -> Frame {
        frame(CLIENT, LISTENER, format!("\0\u{1}{name}\0octet\0blksize\x004\0").as_bytes())
    }

    #[test]
    fn a_transfer_is_put_together_in_order_despite_loss_and_repeats() {
        let seen = [
            request("dir/a.efi"),
            request("dir/a.efi"),
            frame(TRANSFER, CLIENT, b"\0\x06blksize\x004\0"),
            data(1, b"abcd"),
            data(3, b"xy"),
            data(1, b"abcd"),
            data(2, b"efgh"),
            data(3, b"xy"),
            acknowledgement(3),
        ];
        let evidence = Evidence::read(&seen, MACHINE);
        assert_eq!(evidence.transfers.len(), 1);
        assert_eq!(evidence.transfers[0].times_asked, 2);
        let transfer = &evidence.transfers[0];
        assert_eq!(transfer.content, b"abcdefghxy");
        assert_eq!(transfer.base_name(), b"a.efi");
        assert!(transfer.completed.is_some());
    }

    #[test]
    fn without_the_last_acknowledgement_nothing_is_complete() {
        let seen = [request("a"), data(1, b"short"), acknowledgement(0)];
        let evidence = Evidence::read(&seen, MACHINE);
        assert_eq!(evidence.completed().count(), 0);
    }

    #[test]
    fn a_size_probe_and_the_real_request_are_two_transfers() {
        let probe_end = frame(CLIENT, TRANSFER, b"\0\x05\0\x08stop\0");
        let seen = [request("a"), probe_end, request("a"), data(1, b"abc"), acknowledgement(1)];
        let evidence = Evidence::read(&seen, MACHINE);
        assert_eq!(evidence.transfers.len(), 2);
        assert_eq!(evidence.completed().count(), 1);
    }

    #[test]
    fn another_machines_traffic_is_not_evidence() {
        let seen = [request("a"), data(1, b"abc"), acknowledgement(1)];
        assert!(Evidence::read(&seen, [9; 6]).transfers.is_empty());
    }

    #[test]
    fn cut_frames_are_left_out() {
        let whole = data(1, b"abcd").bytes;
        for cut in 0..whole.len() {
            let frame = Frame { at: Duration::ZERO, bytes: whole[..cut].to_vec() };
            let _ = Evidence::read(&[frame], MACHINE);
        }
    }

    #[test]
    fn pe_files_tell_their_machine() {
        assert_eq!(coff_machine(&efi::program(efi::X64, 0)), Some(efi::X64));
        assert_eq!(coff_machine(b"#!ipxe"), None);
        assert_eq!(coff_machine(b"MZ"), None);
    }
}
