//! What the server does about each thing that can come.

mod support;

use core::net::SocketAddr;
use core::time::Duration;
use std::time::Instant;

use pxe_tftp::{
    BlockSource, Busy, ContentInfo, Dropped, ErrorCode, Event, FailureReason, LocalPort, Packet,
    ReadFailure, Request, Server, ServerConfig, TransferId, Transmit, limits,
};
use support::{Files, MS, content, peer};

const READ: &[u8] = b"\0\x01file\0octet\0";
const READ_OPTIONS: &[u8] = b"\0\x01file\0octet\0tsize\x000\0blksize\x00100\0windowsize\x004\0";

struct Bench {
    now: Instant,
    server: Server,
    files: Files,
    out: Vec<u8>,
}

impl Bench {
    fn new() -> Self {
        Self::with(ServerConfig::default())
    }

    fn with(config: ServerConfig) -> Self {
        let server = Server::new(config);
        Self { now: Instant::now(), server, files: Files::default(), out: Vec::new() }
    }

    fn request<'d>(&mut self, from: SocketAddr, datagram: &'d [u8]) -> Request<'d> {
        self.server.handle_request(self.now, from, datagram).unwrap().expect("a new request")
    }

    fn accept(
        &mut self,
        from: SocketAddr,
        datagram: &[u8],
        file: Vec<u8>,
    ) -> Result<TransferId, Busy> {
        let request = self.request(from, datagram);
        let info = ContentInfo::new(file.len() as u64);
        let id = self.server.accept(self.now, request, info)?;
        let slots = self.files.0.len().max(id.index() + 1);
        self.files.0.resize(slots, Vec::new());
        self.files.0[id.index()] = file;
        Ok(id)
    }

    fn transmit(&mut self) -> Option<Transmit> {
        self.server.poll_transmit(self.now, &mut self.files, &mut self.out)
    }

    /// The datagrams to be sent now.
    fn drain(&mut self) -> Vec<(LocalPort, SocketAddr, Vec<u8>)> {
        let mut sent = Vec::new();
        while let Some(transmit) = self.transmit() {
            for datagram in self.out.chunks(transmit.segment_bytes.unwrap_or(usize::MAX)) {
                sent.push((transmit.port, transmit.peer, datagram.to_vec()));
            }
        }
        sent
    }

    /// Numbers of the blocks to be sent now.
    fn blocks(&mut self) -> Vec<u16> {
        let sent = self.drain();
        let number = |datagram: &[u8]| match Packet::parse(datagram) {
            Ok(Packet::Data { block, .. }) => block,
            other => panic!("{other:?}"),
        };
        sent.iter().map(|(_, _, datagram)| number(datagram)).collect()
    }

    fn error(&mut self) -> (LocalPort, SocketAddr, ErrorCode) {
        let [(port, to, datagram)] = &self.drain()[..] else { panic!("one datagram") };
        match Packet::parse(datagram) {
            Ok(Packet::Error { code, .. }) => (*port, *to, code),
            other => panic!("{other:?}"),
        }
    }

    fn ack(&mut self, id: TransferId, from: SocketAddr, block: u16) -> Result<(), Dropped> {
        let mut datagram = Vec::new();
        Packet::Ack { block }.encode(&mut datagram);
        self.server.handle_datagram(self.now, id, from, &datagram)
    }

    fn send_error(&mut self, id: TransferId, from: SocketAddr, code: u16, message: &[u8]) {
        let mut datagram = Vec::new();
        Packet::Error { code: ErrorCode(code), message }.encode(&mut datagram);
        self.server.handle_datagram(self.now, id, from, &datagram).unwrap();
    }

    fn events(&mut self) -> Vec<Event> {
        core::iter::from_fn(|| self.server.poll_event()).collect()
    }

    fn reason(&mut self) -> FailureReason {
        match self.events().pop() {
            Some(Event::Failed { reason, .. }) => reason,
            other => panic!("{other:?}"),
        }
    }

    /// Lets time pass as a driver does, and returns what was sent.
    fn wait(&mut self, time: Duration) -> Vec<(LocalPort, SocketAddr, Vec<u8>)> {
        let end = self.now + time;
        let mut sent = self.drain();
        while let Some(deadline) = self.server.poll_timeout().filter(|&deadline| deadline <= end) {
            assert!(deadline >= self.now);
            self.now = deadline;
            self.server.handle_timeout(self.now);
            sent.extend(self.drain());
            let next = self.server.poll_timeout();
            assert!(next.is_none_or(|next| next > self.now), "a timer in the past");
        }
        self.now = end;
        sent
    }
}

#[test]
fn a_read_with_options_from_start_to_end() {
    let mut bench = Bench::new();
    let file = content(1, 950);
    let id = bench.accept(peer(2000), READ_OPTIONS, file.clone()).unwrap();
    let sent = bench.drain();
    let option_ack = b"\0\x06tsize\x00950\0blksize\x00100\0windowsize\x004\0".to_vec();
    assert_eq!(sent, [(LocalPort::Transfer(id), peer(2000), option_ack)]);
    assert_eq!(bench.events(), []);
    bench.ack(id, peer(2000), 0).unwrap();
    let [Event::Started { transfer, size: 950, block_size: 100, window_size: 4, .. }] =
        bench.events()[..]
    else {
        panic!("started")
    };
    assert_eq!(transfer, id);
    let transmit = bench.transmit().unwrap();
    assert_eq!(transmit.segment_bytes, Some(104));
    assert_eq!(bench.out.len(), 4 * 104);
    assert_eq!(bench.out[4..104], file[..100]);
    assert_eq!(bench.out[3 * 104..3 * 104 + 4], [0, 3, 0, 4]);
    assert!(bench.transmit().is_none());
    bench.ack(id, peer(2000), 4).unwrap();
    assert_eq!(bench.blocks(), [5, 6, 7, 8]);
    bench.ack(id, peer(2000), 8).unwrap();
    let transmit = bench.transmit().unwrap();
    assert_eq!(transmit.segment_bytes, Some(104));
    assert_eq!(bench.out.len(), 104 + 54, "the last one is shorter");
    bench.now += 7 * MS;
    bench.ack(id, peer(2000), 10).unwrap();
    assert!(bench.transmit().is_none());
    let [Event::Finished { bytes: 950, blocks_sent: 10, blocks_resent: 0, elapsed, .. }] =
        bench.events()[..]
    else {
        panic!("finished")
    };
    assert_eq!(elapsed, 7 * MS);
    assert_eq!(bench.ack(id, peer(2000), 10), Err(Dropped::UnknownTransfer));
    assert_eq!(bench.server.poll_timeout(), None);
    assert_eq!(bench.server.transfers(), 0);
}

#[test]
fn files_of_odd_sizes_end_as_they_should() {
    for (size, sizes) in [
        (0, vec![0]),
        (1, vec![1]),
        (511, vec![511]),
        (512, vec![512, 0]),
        (513, vec![512, 1]),
        (1024, vec![512, 512, 0]),
    ] {
        let mut bench = Bench::new();
        let id = bench.accept(peer(2000), READ, content(2, size)).unwrap();
        let mut got = Vec::new();
        for block in 1.. {
            let sent = bench.drain();
            let [(_, _, datagram)] = &sent[..] else { break };
            let Ok(Packet::Data { block: number, payload }) = Packet::parse(datagram) else {
                panic!("DATA")
            };
            assert_eq!(number, block);
            got.push(payload.len());
            bench.ack(id, peer(2000), block).unwrap();
        }
        assert_eq!(got, sizes);
        assert!(matches!(bench.events().last(), Some(Event::Finished { .. })));
    }
}

#[test]
fn an_address_that_never_answers_costs_four_small_packets() {
    for (request, packet_bytes_max) in [(READ, 516), (READ_OPTIONS, READ_OPTIONS.len() + 20)] {
        let mut bench = Bench::new();
        bench.accept(peer(2000), request, content(3, 100_000)).unwrap();
        let sent = bench.wait(Duration::from_secs(3600));
        assert_eq!(sent.len(), 1 + usize::from(limits::OPENING_RESENDS_MAX));
        assert!(sent.iter().all(|(_, _, datagram)| datagram.len() <= packet_bytes_max));
        assert_eq!(bench.reason(), FailureReason::NeverAcknowledged);
        assert_eq!(bench.server.poll_timeout(), None);
    }
}

/// Its acknowledgement was lost, and all our repetitions with it, or it does not answer those: U-Boot if its one NACK
/// is lost. After 5 s it repeats itself.
#[test]
fn a_client_that_repeats_its_first_acknowledgement_after_5_s_is_still_served() {
    for (request, first, blocks) in [(READ, 1, vec![2]), (READ_OPTIONS, 0, vec![1, 2, 3, 4])] {
        let mut bench = Bench::new();
        let id = bench.accept(peer(2000), request, content(3, 100_000)).unwrap();
        bench.wait(5000 * MS);
        bench.ack(id, peer(2000), first).unwrap();
        assert_eq!(bench.blocks(), blocks);
    }
}

#[test]
fn a_flood_of_one_request_is_answered_now_and_then() {
    let mut bench = Bench::new();
    bench.accept(peer(2000), READ, content(3, 100_000)).unwrap();
    let mut sent = bench.drain().len();
    for _ in 0..1000 {
        bench.now += MS;
        assert!(bench.server.handle_request(bench.now, peer(2000), READ).unwrap().is_none());
        sent += bench.drain().len();
    }
    assert_eq!(sent, 1 + 20);
    // From many ports of one address: a few transfers, and refusals no larger than the requests.
    let mut busy = 0;
    for port in 3000..4000 {
        busy += u32::from(bench.accept(peer(port), READ, content(3, 100_000)).is_err());
    }
    assert_eq!(busy, 1000 - u32::from(limits::UNPROVEN_PER_ADDRESS_MAX) + 1);
    for (port, _, datagram) in bench.drain() {
        assert!(port != LocalPort::Listener || datagram.len() <= READ.len());
    }
}

#[test]
fn a_lost_option_ack_is_sent_again_on_request_and_by_timer() {
    let mut bench = Bench::new();
    let id = bench.accept(peer(2000), READ_OPTIONS, content(4, 950)).unwrap();
    let first = bench.drain();
    bench.now += 250 * MS;
    assert!(bench.server.handle_request(bench.now, peer(2000), READ_OPTIONS).unwrap().is_none());
    assert_eq!(bench.drain(), first);
    assert_eq!(bench.wait(limits::RETRANSMIT_INITIAL), first);
    bench.ack(id, peer(2000), 0).unwrap();
    assert_eq!(bench.blocks(), [1, 2, 3, 4]);
    // And a copy of the request that comes late is no reason for anything.
    assert!(bench.server.handle_request(bench.now, peer(2000), READ_OPTIONS).unwrap().is_none());
    assert_eq!(bench.blocks(), []);
}

#[test]
fn a_client_that_begins_anew_from_its_port_is_served() {
    let mut bench = Bench::new();
    let first = bench.accept(peer(2001), READ_OPTIONS, content(5, 950)).unwrap();
    bench.drain();
    bench.ack(first, peer(2001), 0).unwrap();
    bench.drain();
    // The same request after some quiet: it was reset.
    bench.wait(3 * limits::RESTART_QUIET_MIN);
    let second = bench.accept(peer(2001), READ_OPTIONS, content(5, 950)).unwrap();
    assert_ne!(first, second);
    assert_eq!(bench.reason(), FailureReason::Superseded);
    // Another file at once: SLOF uses one port for everything.
    let other = b"\0\x01other\0octet\0";
    bench.accept(peer(2001), other, content(5, 1)).unwrap();
    assert_eq!(bench.reason(), FailureReason::Superseded);
    assert_eq!(bench.server.transfers(), 1);
}

#[test]
fn write_requests_and_what_cannot_be_read_get_an_error() {
    let mut bench = Bench::new();
    for (datagram, code) in [
        (&b"\0\x02file\0octet\0"[..], ErrorCode::ACCESS_VIOLATION),
        (b"\0\x01file\0mail\0", ErrorCode::ILLEGAL_OPERATION),
        (b"\0\x01file\0image\0", ErrorCode::ILLEGAL_OPERATION),
        (b"\0\x01file\0octet", ErrorCode::ILLEGAL_OPERATION),
        (b"\0\x02file", ErrorCode::ILLEGAL_OPERATION),
    ] {
        let handled = bench.server.handle_request(bench.now, peer(2000), datagram);
        assert!(handled.unwrap().is_none());
        assert_eq!(bench.error(), (LocalPort::Listener, peer(2000), code));
    }
    for dropped in [&b""[..], b"\0", b"\0\x09", b"\0\x04\0\0", b"\0\x05\0\0x\0", b"\0\x03\0\x01x"] {
        assert!(bench.server.handle_request(bench.now, peer(2000), dropped).is_err());
        assert_eq!(bench.drain(), []);
    }
    for source in
        ["255.255.255.255:2000", "0.0.0.0:2000", "224.0.0.1:2000", "192.0.2.1:0", "[ff02::1]:2000"]
    {
        let source: SocketAddr = source.parse().unwrap();
        let handled = bench.server.handle_request(bench.now, source, READ);
        assert!(matches!(handled, Err(Dropped::Source)), "{source}");
    }
}

#[test]
fn rejections_say_what_the_driver_says() {
    let mut bench = Bench::new();
    let request = bench.request(peer(2000), READ_OPTIONS);
    bench.server.reject(bench.now, request, ErrorCode::FILE_NOT_FOUND, "file not found");
    let sent = bench.drain();
    let expected = b"\0\x05\0\x01file not found\0".to_vec();
    assert_eq!(sent, [(LocalPort::Listener, peer(2000), expected)]);
    let request = bench.request(peer(2000), READ);
    bench.server.ignore(request);
    assert_eq!(bench.drain(), []);
    assert_eq!(bench.server.transfers(), 0);
}

#[test]
fn a_foreign_source_gets_error_5_and_harms_nothing() {
    let mut bench = Bench::new();
    let id = bench.accept(peer(2000), READ_OPTIONS, content(6, 950)).unwrap();
    bench.drain();
    bench.ack(id, peer(2000), 0).unwrap();
    bench.drain();
    assert_eq!(bench.ack(id, peer(2001), 4), Err(Dropped::ForeignSource));
    let expected = (LocalPort::Transfer(id), peer(2001), ErrorCode::UNKNOWN_TRANSFER_ID);
    assert_eq!(bench.error(), expected);
    // An ERROR is never answered with an ERROR, and does not end what is not its sender's.
    let handled = bench.server.handle_datagram(bench.now, id, peer(2001), b"\0\x05\0\0x\0");
    assert_eq!(handled, Err(Dropped::ForeignSource));
    assert_eq!(bench.drain(), []);
    // A flood of strangers is answered up to a limit.
    for port in 3000..9000 {
        let _ = bench.ack(id, peer(port), 1);
    }
    assert!(bench.drain().len() <= limits::STRAY_ERRORS_PER_SECOND_MAX as usize);
    bench.ack(id, peer(2000), 4).unwrap();
    assert_eq!(bench.blocks(), [5, 6, 7, 8]);
}

#[test]
fn a_repeated_acknowledgement_repeats_nothing_without_a_window() {
    let mut bench = Bench::new();
    let id = bench.accept(peer(2000), READ, content(7, 5000)).unwrap();
    assert_eq!(bench.blocks(), [1]);
    bench.ack(id, peer(2000), 1).unwrap();
    assert_eq!(bench.blocks(), [2]);
    for _ in 0..10 {
        bench.ack(id, peer(2000), 1).unwrap();
        assert_eq!(bench.blocks(), []);
    }
    bench.ack(id, peer(2000), 2).unwrap();
    assert_eq!(bench.blocks(), [3]);
}

#[test]
fn the_timer_repeats_the_window_with_longer_and_longer_waits() {
    let mut bench = Bench::new();
    let id = bench.accept(peer(2000), READ_OPTIONS, content(8, 5000)).unwrap();
    bench.drain();
    bench.now += 2 * MS;
    bench.ack(id, peer(2000), 0).unwrap();
    assert_eq!(bench.blocks(), [1, 2, 3, 4]);
    for wait in [50, 100, 200, 400, 800, 1600, 3200, 4000, 4000, 4000, 4000, 4000] {
        assert_eq!(bench.server.poll_timeout(), Some(bench.now + wait * MS));
        bench.now += wait * MS;
        bench.server.handle_timeout(bench.now);
        assert_eq!(bench.blocks(), [1, 2, 3, 4]);
    }
    bench.wait(limits::NO_PROGRESS_MAX);
    assert_eq!(bench.server.poll_timeout(), None);
    let last = bench.events().pop();
    let Some(Event::Failed { reason, bytes: 0, blocks_sent, blocks_resent, .. }) = last else {
        panic!("{last:?}")
    };
    assert_eq!(reason, FailureReason::NoProgress);
    assert_eq!((blocks_sent, blocks_resent), (13 * 4, 12 * 4));
}

#[test]
fn a_negotiated_timeout_bounds_the_wait() {
    let mut bench = Bench::new();
    let request = b"\0\x01file\0octet\0timeout\x001\0";
    let id = bench.accept(peer(2000), request, content(8, 5000)).unwrap();
    bench.drain();
    bench.now += 2 * MS;
    bench.ack(id, peer(2000), 0).unwrap();
    let sent = bench.wait(Duration::from_secs(20));
    assert!(sent.len() >= 20, "{}", sent.len());
}

#[test]
fn a_missing_last_acknowledgement_is_success() {
    let mut bench = Bench::new();
    let id = bench.accept(peer(2000), READ_OPTIONS, content(9, 150)).unwrap();
    bench.drain();
    bench.ack(id, peer(2000), 0).unwrap();
    let sent = bench.wait(Duration::from_secs(60));
    assert_eq!(sent.len(), 2 * (1 + limits::FINAL_RESENDS_MAX as usize));
    let last = bench.events().pop();
    assert!(matches!(last, Some(Event::Finished { last_ack_missing: true, bytes: 150, .. })));
    // The same if the client is gone.
    let id = bench.accept(peer(2000), READ_OPTIONS, content(9, 150)).unwrap();
    bench.drain();
    bench.ack(id, peer(2000), 0).unwrap();
    bench.drain();
    bench.server.handle_unreachable(bench.now, id);
    let last = bench.events().pop();
    assert!(matches!(last, Some(Event::Finished { last_ack_missing: true, .. })));
}

#[test]
fn a_client_that_asks_again_has_not_got_what_was_sent_last() {
    let mut bench = Bench::new();
    let id = bench.accept(peer(2000), READ_OPTIONS, content(9, 150)).unwrap();
    bench.drain();
    bench.ack(id, peer(2000), 0).unwrap();
    // EDK2 repeats itself every four seconds: the only block of 100 bytes is too large for the way.
    for _ in 0..10 {
        bench.wait(Duration::from_secs(4));
        let _ = bench.ack(id, peer(2000), 0);
    }
    let last = bench.events().pop();
    let Some(Event::Failed { reason: FailureReason::NoProgress, bytes, repeated_acks, .. }) = last
    else {
        panic!("{last:?}")
    };
    assert_eq!((bytes, repeated_acks), (0, 7));
    // One that goes on is not waited for so long.
    let id = bench.accept(peer(2000), READ_OPTIONS, content(9, 150)).unwrap();
    bench.drain();
    bench.ack(id, peer(2000), 0).unwrap();
    bench.drain();
    bench.ack(id, peer(2000), 0).unwrap();
    bench.wait(Duration::from_secs(10));
    let last = bench.events().pop();
    assert!(matches!(last, Some(Event::Finished { last_ack_missing: true, .. })), "{last:?}");
}

#[test]
fn a_client_that_gives_up_says_how_long_it_asked() {
    let mut bench = Bench::new();
    let id = bench.accept(peer(2000), READ_OPTIONS, content(9, 5000)).unwrap();
    bench.drain();
    bench.ack(id, peer(2000), 0).unwrap();
    for _ in 0..3 {
        bench.wait(Duration::from_secs(1));
        bench.ack(id, peer(2000), 0).unwrap();
    }
    // iPXE closes so, whatever happened before.
    bench.send_error(id, peer(2000), 0, b"TFTP Aborted");
    let last = bench.events().pop();
    let Some(Event::ProbeEnded { bytes: 0, blocks_sent, blocks_resent, repeated_acks: 3, .. }) =
        last
    else {
        panic!("{last:?}")
    };
    assert!(blocks_resent > 4 && blocks_sent == blocks_resent + 4, "{blocks_sent} {blocks_resent}");
}

#[test]
fn a_closed_port_ends_the_transfer_at_once() {
    let mut bench = Bench::new();
    let id = bench.accept(peer(2000), READ_OPTIONS, content(9, 5000)).unwrap();
    bench.drain();
    bench.server.handle_unreachable(bench.now, id);
    assert_eq!(bench.reason(), FailureReason::Unreachable);
    bench.server.handle_unreachable(bench.now, id);
    assert_eq!(bench.events(), []);
}

#[test]
fn probes_end_well_and_errors_do_not() {
    let mut bench = Bench::new();
    let id = bench.accept(peer(2000), READ_OPTIONS, content(10, 5000)).unwrap();
    bench.drain();
    bench.send_error(id, peer(2000), 8, b"User aborted the transfer");
    let ended = bench.events();
    assert!(matches!(ended[..], [Event::ProbeEnded { bytes: 0, .. }]), "{ended:?}");
    // GRUB closes in the middle.
    let id = bench.accept(peer(2000), READ_OPTIONS, content(10, 5000)).unwrap();
    bench.drain();
    bench.ack(id, peer(2000), 0).unwrap();
    bench.drain();
    bench.ack(id, peer(2000), 4).unwrap();
    bench.send_error(id, peer(2000), 0, b"closed");
    let ended = bench.events();
    assert!(matches!(ended[..], [Event::Started { .. }, Event::ProbeEnded { bytes: 400, .. }]));
    let id = bench.accept(peer(2000), READ_OPTIONS, content(10, 5000)).unwrap();
    bench.drain();
    bench.send_error(id, peer(2000), 3, b"no room");
    let FailureReason::ClientError { code, message } = bench.reason() else { panic!("an error") };
    assert_eq!((code, message.as_bytes()), (ErrorCode::DISK_FULL, &b"no room"[..]));
    // A late copy of a request: the client is served by another transfer and says so.
    let id = bench.accept(peer(2000), READ_OPTIONS, content(10, 5000)).unwrap();
    bench.drain();
    bench.send_error(id, peer(2000), 5, b"");
    assert_eq!(bench.reason(), FailureReason::UnwantedCopy);
    assert_eq!(bench.drain(), [], "an ERROR is never answered");
}

#[test]
fn one_error_5_in_the_middle_is_forgiven() {
    let mut bench = Bench::new();
    let id = bench.accept(peer(2000), READ_OPTIONS, content(10, 5000)).unwrap();
    bench.drain();
    bench.ack(id, peer(2000), 0).unwrap();
    bench.drain();
    bench.send_error(id, peer(2000), 5, b"Wrong block number");
    bench.ack(id, peer(2000), 4).unwrap();
    assert_eq!(bench.blocks(), [5, 6, 7, 8]);
    bench.send_error(id, peer(2000), 5, b"Wrong block number");
    assert!(matches!(bench.reason(), FailureReason::ClientError { .. }));
}

#[test]
fn a_file_that_shrinks_ends_in_an_error_not_in_padding() {
    let mut bench = Bench::new();
    let id = bench.accept(peer(2000), READ_OPTIONS, content(11, 5000)).unwrap();
    bench.drain();
    bench.ack(id, peer(2000), 0).unwrap();
    assert_eq!(bench.blocks(), [1, 2, 3, 4]);
    bench.files.0[id.index()].truncate(650);
    bench.ack(id, peer(2000), 4).unwrap();
    let (port, to, code) = bench.error();
    assert_eq!((port, to, code), (LocalPort::Transfer(id), peer(2000), ErrorCode::NOT_DEFINED));
    assert_eq!(bench.reason(), FailureReason::ContentChanged);
}

#[test]
fn an_unreadable_file_ends_in_an_error() {
    struct Broken;
    impl BlockSource for Broken {
        fn read_at(&mut self, _: TransferId, _: u64, _: &mut [u8]) -> Result<usize, ReadFailure> {
            Err(ReadFailure::Failed)
        }
    }
    let mut bench = Bench::new();
    bench.accept(peer(2000), READ, content(11, 5000)).unwrap();
    let transmit = bench.server.poll_transmit(bench.now, &mut Broken, &mut bench.out).unwrap();
    assert_eq!(transmit.peer, peer(2000));
    assert!(matches!(Packet::parse(&bench.out), Ok(Packet::Error { .. })));
    assert_eq!(bench.reason(), FailureReason::ContentFailed);
}

#[test]
fn the_end_is_told_after_the_last_words() {
    let mut bench = Bench::new();
    let id = bench.accept(peer(2000), READ_OPTIONS, content(12, 5000)).unwrap();
    bench.drain();
    bench.server.abort(bench.now, id, ErrorCode::NOT_DEFINED, "shutting down");
    assert_eq!(bench.events(), []);
    let sent = bench.drain();
    let expected = b"\0\x05\0\0shutting down\0".to_vec();
    assert_eq!(sent, [(LocalPort::Transfer(id), peer(2000), expected)]);
    assert_eq!(bench.reason(), FailureReason::Aborted(ErrorCode::NOT_DEFINED));
}

#[test]
fn places_are_dense_and_used_again_but_ids_are_not() {
    let mut bench = Bench::new();
    let mut ids = Vec::new();
    for round in 0..50 {
        let id = bench.accept(peer(2000 + round), READ, Vec::new()).unwrap();
        assert!(id.index() < 2);
        assert!(!ids.contains(&id));
        ids.push(id);
        bench.drain();
        bench.ack(id, peer(2000 + round), 1).unwrap();
        // Until the driver knows of the end, its place is not given to another transfer.
        let other = bench.accept(peer(3000 + round), READ, Vec::new()).unwrap();
        assert_ne!(other.index(), id.index());
        bench.drain();
        bench.ack(other, peer(3000 + round), 1).unwrap();
        ids.push(other);
        bench.events();
        assert_eq!(bench.ack(id, peer(2000 + round), 1), Err(Dropped::UnknownTransfer));
    }
}

#[test]
fn limits_are_kept() {
    let mut config = ServerConfig::default();
    (config.transfers_max, config.transfers_per_address_max) = (5, 3);
    config.unproven_per_address_max = 2;
    let mut bench = Bench::with(config);
    let first = bench.accept(peer(2000), READ, content(13, 5000)).unwrap();
    bench.accept(peer(2001), READ, content(13, 5000)).unwrap();
    assert_eq!(bench.accept(peer(2002), READ, Vec::new()), Err(Busy::UnprovenOfAddress));
    bench.drain();
    bench.ack(first, peer(2000), 1).unwrap();
    bench.accept(peer(2002), READ, content(13, 5000)).unwrap();
    assert_eq!(bench.accept(peer(2003), READ, Vec::new()), Err(Busy::TransfersOfAddress));
    let other = |last| SocketAddr::from(([198, 51, 100, last], 2000));
    bench.accept(other(1), READ, content(13, 5000)).unwrap();
    bench.accept(other(2), READ, content(13, 5000)).unwrap();
    bench.drain();
    assert_eq!(bench.accept(other(3), READ, Vec::new()), Err(Busy::Transfers));
    assert_eq!(bench.error(), (LocalPort::Listener, other(3), ErrorCode::NOT_DEFINED));
    bench.wait(Duration::from_secs(120));
    bench.events();
    assert_eq!(bench.server.transfers(), 0);
    assert!(bench.accept(peer(2002), READ, Vec::new()).is_ok());
}

#[test]
fn limits_of_the_path_and_of_the_family_bound_the_options() {
    let mut bench = Bench::new();
    let asked = b"\0\x01file\0octet\0blksize\x001468\0windowsize\x0064\0";
    let six: SocketAddr = "[2001:db8::1]:2000".parse().unwrap();
    bench.accept(six, asked, Vec::new()).unwrap();
    assert_eq!(bench.drain()[0].2, b"\0\x06blksize\x001448\0windowsize\x0064\0");
    let request = bench.request(peer(2000), asked);
    let mut info = ContentInfo::new(0);
    (info.block_size_max, info.window_size_max) = (Some(1000), Some(8));
    bench.server.accept(bench.now, request, info).unwrap();
    assert_eq!(bench.drain()[0].2, b"\0\x06blksize\x001000\0windowsize\x008\0");
}

#[test]
fn bursts_are_bounded_and_transfers_take_turns() {
    let mut config = ServerConfig::default();
    (config.window_size_max, config.block_size_max) = (500, 65464);
    let mut bench = Bench::with(config);
    let small = b"\0\x01file\0octet\0blksize\x0064\0windowsize\x00200\0";
    let large = b"\0\x01file\0octet\0blksize\x0060000\0windowsize\x003\0";
    let one = bench.accept(peer(2000), small, content(14, 200_000)).unwrap();
    let two = bench.accept(peer(2001), large, content(14, 500_000)).unwrap();
    bench.drain();
    bench.ack(one, peer(2000), 0).unwrap();
    bench.ack(two, peer(2001), 0).unwrap();
    let mut turns = Vec::new();
    while let Some(transmit) = bench.transmit() {
        let LocalPort::Transfer(id) = transmit.port else { panic!("a transfer") };
        let segment_bytes = transmit.segment_bytes.unwrap_or(bench.out.len());
        let segments = bench.out.len().div_ceil(segment_bytes);
        assert!(segments <= limits::BURST_SEGMENTS_MAX);
        assert!(bench.out.len() <= limits::BURST_BYTES_MAX);
        turns.push((id, segments));
    }
    let expected = [(one, 64), (two, 1), (one, 64), (two, 1), (one, 64), (two, 1), (one, 8)];
    assert_eq!(turns, expected);
}

#[test]
fn ten_thousand_transfers_are_told_apart() {
    let mut config = ServerConfig::default();
    config.transfers_per_address_max = u16::MAX;
    config.unproven_per_address_max = u16::MAX;
    config.transfers_per_prefix_max = u16::MAX;
    config.unproven_per_prefix_max = u16::MAX;
    let mut bench = Bench::with(config);
    let file = content(15, 700);
    let ids: Vec<TransferId> = (0..10_000)
        .map(|index| bench.accept(peer(2000 + index), READ, file.clone()).unwrap())
        .collect();
    assert_eq!(bench.drain().len(), 10_000);
    for (index, id) in (2000..).zip(&ids) {
        bench.ack(*id, peer(index), 1).unwrap();
    }
    assert_eq!(bench.drain().len(), 10_000);
    for (index, id) in (2000..).zip(&ids) {
        bench.ack(*id, peer(index), 2).unwrap();
    }
    let ended = bench.events().iter().filter(|event| event.is_end()).count();
    assert_eq!(ended, 10_000);
}

#[test]
fn a_driver_that_cannot_send_is_not_taken_for_a_silent_client() {
    let mut bench = Bench::new();
    let id = bench.accept(peer(2000), READ_OPTIONS, content(16, 5000)).unwrap();
    bench.drain();
    bench.now += MS;
    bench.ack(id, peer(2000), 0).unwrap();
    // Nothing is taken for a second.
    for _ in 0..100 {
        bench.now += 10 * MS;
        bench.server.handle_timeout(bench.now);
    }
    assert_eq!(bench.blocks(), [1, 2, 3, 4]);
    assert_eq!(bench.server.poll_timeout(), Some(bench.now + 50 * MS), "no back-off");
}

#[test]
fn one_port_serves_everybody_where_it_must() {
    let mut config = ServerConfig::default();
    config.single_port = true;
    let mut bench = Bench::with(config);
    let (first, second) = (peer(1), peer(2));
    for from in [first, second] {
        bench.accept(from, READ, content(1, 600)).unwrap();
    }
    assert_eq!(bench.drain().len(), 2, "each gets its first block");
    let acknowledge = |bench: &mut Bench, from, block: u8| {
        bench.server.handle_request(bench.now, from, &[0, 4, 0, block]).map(|_| ())
    };
    acknowledge(&mut bench, first, 1).unwrap();
    let sent = bench.drain();
    assert_eq!(sent.len(), 1);
    assert_eq!((sent[0].1, &sent[0].2[..4]), (first, &[0, 3, 0, 2][..]));
    // A client of a transfer that is over, or never was, is told so; an ERROR never is.
    let stranger = peer(3);
    assert_eq!(acknowledge(&mut bench, stranger, 1), Err(Dropped::UnknownTransfer));
    let sent = bench.drain();
    assert_eq!(sent.len(), 1);
    assert_eq!((sent[0].1, &sent[0].2[..4]), (stranger, &[0, 5, 0, 5][..]));
    assert!(bench.server.handle_request(bench.now, stranger, b"\0\x05\0\x05x\0").is_err());
    assert!(bench.drain().is_empty());
}

#[test]
fn the_request_port_takes_only_requests_where_transfers_have_their_own() {
    let mut bench = Bench::new();
    bench.accept(peer(1), READ, content(1, 600)).unwrap();
    bench.drain();
    let acknowledged = bench.server.handle_request(bench.now, peer(1), &[0, 4, 0, 1]);
    assert!(matches!(acknowledged, Err(Dropped::NotARequest)));
    assert!(bench.drain().is_empty());
}

#[test]
fn a_long_transfer_tells_its_progress_now_and_then() {
    let mut bench = Bench::new();
    let id = bench.accept(peer(1), READ, content(1, 10_000)).unwrap();
    bench.drain();
    let mut told = Vec::new();
    for block in 1..=15 {
        bench.wait(Duration::from_millis(900));
        bench.ack(id, peer(1), block).unwrap();
        bench.drain();
        told.extend(bench.events().into_iter().filter_map(|event| match event {
            Event::Progress { bytes, size, .. } => Some((bytes, size)),
            _ => None,
        }));
    }
    assert_eq!(told, [(6 * 512, 10_000), (12 * 512, 10_000)]);
}

#[test]
fn a_network_that_never_answers_leaves_room_for_others() {
    let mut config = ServerConfig::default();
    (config.unproven_per_prefix_max, config.transfers_per_prefix_max) = (3, 4);
    let mut bench = Bench::with(config);
    let host = |network: u8, host: u8| SocketAddr::from(([10, 0, network, host], 2000));
    let ids: Vec<_> = (1..4)
        .map(|number| bench.accept(host(1, number), READ, content(1, 600)).unwrap())
        .collect();
    assert_eq!(bench.accept(host(1, 9), READ, content(1, 600)), Err(Busy::UnprovenOfPrefix));
    bench.accept(host(2, 1), READ, content(1, 600)).unwrap();
    bench.drain();
    for (id, number) in ids.iter().zip(1..) {
        bench.ack(*id, host(1, number), 1).unwrap();
    }
    bench.accept(host(1, 9), READ, content(1, 600)).unwrap();
    assert_eq!(bench.accept(host(1, 10), READ, content(1, 600)), Err(Busy::TransfersOfPrefix));
    // Ended transfers are forgotten.
    bench.drain();
    for (id, number) in ids.iter().zip(1..) {
        bench.ack(*id, host(1, number), 2).unwrap();
    }
    bench.events();
    bench.accept(host(1, 10), READ, content(1, 600)).unwrap();
}
