//! Files sent to the server: what it does about each thing that can come.

mod support;

use core::task::Poll;
use core::time::Duration;
use std::time::Instant;

use pxe_tftp::{
    BlockSource, Busy, Dropped, ErrorCode, Event, FailureReason, LocalPort, Packet, ReadFailure,
    Server, ServerConfig, TransferId, UploadInfo, WriteFailure, limits,
};
use support::peer;

fn config() -> ServerConfig {
    let mut config = ServerConfig::default();
    config.uploads_max = 4;
    config
}

/// One file at a time, and what is to go wrong with it.
#[derive(Default)]
struct Store {
    bytes: Vec<u8>,
    finished: usize,
    write: Option<WriteFailure>,
    finish: Option<WriteFailure>,
    /// Times it is still busy when it is asked whether the file is in place.
    syncs_left: u32,
}

impl BlockSource for Store {
    fn read_at(&mut self, _: TransferId, _: u64, _: &mut [u8]) -> Result<usize, ReadFailure> {
        panic!("an upload is not read")
    }

    fn write_at(&mut self, _: TransferId, offset: u64, bytes: &[u8]) -> Result<(), WriteFailure> {
        assert_eq!(offset, self.bytes.len() as u64);
        self.write.map_or(Ok(()), Err)?;
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }

    fn finish(&mut self, _: TransferId) -> Poll<Result<(), WriteFailure>> {
        if let Some(failure) = self.finish {
            return Poll::Ready(Err(failure));
        }
        if let Some(left) = self.syncs_left.checked_sub(1) {
            self.syncs_left = left;
            return Poll::Pending;
        }
        self.finished += 1;
        Poll::Ready(Ok(()))
    }
}

struct Bench {
    now: Instant,
    server: Server,
    store: Store,
    out: Vec<u8>,
}

impl Bench {
    fn new() -> Self {
        let server = Server::new(config());
        Self { now: Instant::now(), server, store: Store::default(), out: Vec::new() }
    }

    fn request(&mut self, port: u16, tail: &[u8]) -> Result<TransferId, Busy> {
        let datagram = [b"\0\x02file\0", tail].concat();
        let request = self.server.handle_request(self.now, peer(port), &datagram);
        let request = request.unwrap().expect("a new request");
        assert!(request.is_upload());
        assert_eq!(request.file_name(), b"file");
        self.server.accept_upload(self.now, request, UploadInfo::new(10_000))
    }

    /// The next datagram.
    fn sent(&mut self) -> Option<(LocalPort, Packet<'_>)> {
        let transmit = self.server.poll_transmit(self.now, &mut self.store, &mut self.out)?;
        Some((transmit.port, Packet::parse(&self.out).unwrap()))
    }

    fn acked(&mut self) -> Option<u16> {
        match self.sent()? {
            (LocalPort::Transfer(_), Packet::Ack { block }) => Some(block),
            other => panic!("{other:?}"),
        }
    }

    fn error(&mut self) -> u16 {
        match self.sent() {
            Some((_, Packet::Error { code, .. })) => code.0,
            other => panic!("{other:?}"),
        }
    }

    fn data(&mut self, id: TransferId, block: u16, payload: &[u8]) -> Result<(), Dropped> {
        let mut datagram = Vec::new();
        Packet::Data { block, payload }.encode(&mut datagram);
        self.server.handle_datagram(self.now, id, peer(2000), &datagram)
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

    fn timeout(&mut self) {
        let deadline = self.server.poll_timeout().expect("a deadline");
        assert!(deadline > self.now);
        self.now = deadline;
        self.server.handle_timeout(self.now);
    }
}

#[test]
fn write_requests_are_refused_unless_they_are_allowed() {
    let mut server = Server::new(ServerConfig::default());
    let now = Instant::now();
    let asked = server.handle_request(now, peer(2000), b"\0\x02file\0octet\0").unwrap();
    assert!(asked.is_none(), "it does not reach the driver");
    let mut out = Vec::new();
    server.poll_transmit(now, &mut Store::default(), &mut out).unwrap();
    assert!(matches!(
        Packet::parse(&out).unwrap(),
        Packet::Error { code: ErrorCode::ACCESS_VIOLATION, .. }
    ));
}

#[test]
fn lockstep_without_options() {
    let mut bench = Bench::new();
    let id = bench.request(2000, b"octet\0").unwrap();
    assert_eq!(bench.acked(), Some(0));
    bench.data(id, 1, &[1; 512]).unwrap();
    assert_eq!(bench.acked(), Some(1));
    assert!(matches!(bench.events()[..], [Event::Started { size: 0, block_size: 512, .. }]));
    bench.data(id, 2, b"end").unwrap();
    assert_eq!(bench.store.finished, 0, "not before it is acknowledged");
    assert_eq!(bench.acked(), Some(2));
    assert_eq!(bench.store.finished, 1);
    assert_eq!(bench.store.bytes, [&[1; 512][..], b"end"].concat());
    assert!(matches!(bench.events()[..], [Event::Stored { bytes: 515, .. }]));
    // The acknowledgement was lost: the client hears it again until it is surely gone.
    bench.now += Duration::from_secs(5);
    bench.data(id, 2, b"end").unwrap();
    assert_eq!(bench.acked(), Some(2));
    bench.timeout();
    assert!(matches!(bench.events()[..], [Event::Finished { bytes: 515, .. }]));
    assert_eq!((bench.store.finished, bench.server.transfers()), (1, 0));
}

#[test]
fn options_are_answered_before_the_first_block_and_windows_at_their_end() {
    let mut bench = Bench::new();
    let tail = b"octet\0tsize\x00350\0blksize\x00100\0windowsize\x003\0timeout\x002\0";
    let id = bench.request(2000, tail).unwrap();
    match bench.sent() {
        Some((_, Packet::OptionAck(options))) => assert_eq!(
            options.as_bytes(),
            b"tsize\x00350\0blksize\x00100\0windowsize\x003\0timeout\x002\0"
        ),
        other => panic!("{other:?}"),
    }
    for (block, acked) in [(1, None), (2, None), (3, Some(3))] {
        bench.data(id, block, &[7; 100]).unwrap();
        assert_eq!(bench.acked(), acked, "{block}");
    }
    bench.data(id, 4, &[7; 50]).unwrap();
    assert_eq!(bench.acked(), Some(4), "the end is acknowledged within a window");
    assert!(matches!(bench.events()[..], [Event::Started { size: 350, .. }, Event::Stored { .. }]));
}

#[test]
fn gaps_and_repetitions() {
    let mut bench = Bench::new();
    let id = bench.request(2000, b"octet\0blksize\x008\0windowsize\x004\0").unwrap();
    bench.sent();
    bench.data(id, 1, &[1; 8]).unwrap();
    bench.data(id, 3, &[3; 8]).unwrap();
    assert_eq!(bench.acked(), Some(1), "a gap is reported");
    bench.data(id, 4, &[4; 8]).unwrap();
    assert_eq!(bench.acked(), None, "once");
    bench.data(id, 2, &[2; 8]).unwrap();
    bench.data(id, 1, &[1; 8]).unwrap();
    assert_eq!(bench.acked(), None, "an old block right after an answer");
    bench.now += limits::REACKNOWLEDGE_INTERVAL_MIN;
    bench.data(id, 1, &[1; 8]).unwrap();
    assert_eq!(bench.acked(), Some(2), "an old block later: our answer was lost");
    bench.data(id, 3, &[3; 8]).unwrap();
    bench.timeout();
    assert_eq!(bench.acked(), Some(3), "the rest of the window was lost");
    bench.data(id, 4, b"").unwrap();
    assert_eq!(bench.acked(), Some(4));
    let file: Vec<u8> = [1, 2, 3].into_iter().flat_map(|byte| [byte; 8]).collect();
    assert_eq!(bench.store.bytes, file);
}

#[test]
fn nobody_gets_more_than_four_answers_without_sending_data() {
    let mut bench = Bench::new();
    let request = b"\0\x02file\0octet\0blksize\x001000\0";
    bench.request(2000, &request[7..]).unwrap();
    let (mut packets, mut bytes) = (0, 0);
    while bench.server.transfers() > 0 {
        while bench.sent().is_some() {
            packets += 1;
            bytes += bench.out.len();
            // Copies of the request draw no more than one answer in a while.
            let copy = bench.server.handle_request(bench.now, peer(2000), request);
            assert!(copy.unwrap().is_none());
        }
        bench.timeout();
    }
    assert_eq!(packets, 1 + limits::OPENING_RESENDS_MAX);
    assert!(bytes <= 4 * request.len());
    assert_eq!(bench.reason(), FailureReason::NeverAcknowledged);
}

#[test]
fn a_silent_client_is_given_up() {
    let mut bench = Bench::new();
    let id = bench.request(2000, b"octet\0").unwrap();
    bench.sent();
    let start = bench.now;
    bench.data(id, 1, &[0; 512]).unwrap();
    let mut repeated = 0;
    while bench.server.transfers() > 0 {
        while bench.sent().is_some() {
            repeated += 1;
        }
        bench.timeout();
    }
    assert_eq!(bench.now - start, limits::NO_PROGRESS_MAX);
    assert!((4..=6).contains(&repeated), "{repeated}");
    assert_eq!(bench.reason(), FailureReason::NoProgress);
    assert_eq!(bench.store.finished, 0);
}

#[test]
fn what_cannot_be_stored_is_said() {
    for (failure, code) in [
        (WriteFailure::Full, 3),
        (WriteFailure::Exists, 6),
        (WriteFailure::Refused, 2),
        (WriteFailure::Failed, 0),
    ] {
        for at_end in [false, true] {
            let mut bench = Bench::new();
            let id = bench.request(2000, b"octet\0").unwrap();
            bench.sent();
            let slot = if at_end { &mut bench.store.finish } else { &mut bench.store.write };
            *slot = Some(failure);
            bench.data(id, 1, b"short").unwrap();
            assert_eq!(bench.error(), code);
            assert_eq!(bench.reason(), FailureReason::NotStored(failure));
        }
    }
}

#[test]
fn files_that_are_too_large_or_not_as_announced_are_refused() {
    let mut bench = Bench::new();
    let id = bench.request(2000, b"octet\0").unwrap();
    bench.sent();
    for block in 1..=19 {
        bench.data(id, block, &[0; 512]).unwrap();
        assert_eq!(bench.acked(), Some(block));
    }
    bench.data(id, 20, &[0; 512]).unwrap();
    assert_eq!(bench.error(), 3);
    assert_eq!(bench.reason(), FailureReason::TooLarge);
    assert!(bench.store.bytes.len() <= 10_000);

    let id = bench.request(2000, b"octet\0tsize\x0010\0").unwrap();
    bench.sent();
    bench.data(id, 1, b"eleven byte").unwrap();
    assert_eq!(bench.error(), 0);
    assert_eq!(bench.reason(), FailureReason::SizeMismatch);

    let id = bench.request(2000, b"octet\0").unwrap();
    bench.sent();
    bench.data(id, 1, &[0; 513]).unwrap();
    assert_eq!(bench.error(), 4);
    assert_eq!(bench.reason(), FailureReason::BlockTooLarge);
    assert_eq!(bench.store.finished, 0);
}

#[test]
fn a_slow_disk_holds_back_the_last_acknowledgement_alone() {
    let mut bench = Bench::new();
    let id = bench.request(2000, b"octet\0").unwrap();
    bench.sent();
    bench.store.syncs_left = 3;
    bench.data(id, 1, b"end").unwrap();
    let start = bench.now;
    while bench.store.finished == 0 {
        assert_eq!(bench.acked(), None, "not before the file is in place");
        // The client is impatient: nothing is stored twice.
        bench.data(id, 1, b"end").unwrap();
        bench.timeout();
        if bench.store.syncs_left == 0 {
            assert_eq!(bench.acked(), Some(1));
        }
    }
    assert!(bench.now - start <= 3 * limits::FINISH_INTERVAL, "{:?}", bench.now - start);
    assert_eq!(bench.store.bytes, b"end");
    assert!(matches!(bench.events()[..], [Event::Started { .. }, Event::Stored { bytes: 3, .. }]));

    // One that never ends is given up like a client that went away.
    let mut bench = Bench::new();
    let id = bench.request(2000, b"octet\0").unwrap();
    bench.sent();
    bench.store.syncs_left = u32::MAX;
    bench.data(id, 1, b"end").unwrap();
    while bench.server.transfers() > 0 {
        assert_eq!(bench.acked(), None);
        bench.timeout();
    }
    assert_eq!(bench.reason(), FailureReason::NoProgress);
}

#[test]
fn a_long_upload_tells_how_far_it_is() {
    let mut bench = Bench::new();
    let id = bench.request(2000, b"octet\0tsize\x002048\0").unwrap();
    bench.sent();
    for block in 1..=3 {
        bench.now += limits::PROGRESS_INTERVAL_MIN / 2;
        bench.data(id, block, &[0; 512]).unwrap();
        bench.acked();
    }
    let progress: Vec<(u64, u64)> = bench
        .events()
        .iter()
        .filter_map(|event| match event {
            Event::Progress { bytes, size, .. } => Some((*bytes, *size)),
            _ => None,
        })
        .collect();
    assert_eq!(progress, [(512, 2048)]);
}

#[test]
fn text_is_turned_into_our_bytes() {
    let mut bench = Bench::new();
    let id = bench.request(2000, b"netascii\0blksize\x008\0tsize\x0099\0").unwrap();
    assert!(
        matches!(bench.sent(), Some((_, Packet::OptionAck(o))) if o.as_bytes() == b"blksize\x008\0")
    );
    for (block, part) in [(1, &b"one\r\ntw\r"[..]), (2, b"\0o\r\nthr\r"), (3, b"\n\r")] {
        bench.data(id, block, part).unwrap();
        bench.acked();
    }
    assert_eq!(bench.store.bytes, b"one\ntw\ro\nthr\n\r");
    assert_eq!(bench.store.finished, 1);
}

#[test]
fn only_so_many_at_once_and_stored_ones_do_not_count() {
    let mut bench = Bench::new();
    let first = bench.request(2000, b"octet\0").unwrap();
    for port in 2001..2004 {
        bench.request(port, b"octet\0").unwrap();
    }
    assert_eq!(bench.request(2004, b"octet\0"), Err(Busy::Uploads));
    while bench.sent().is_some() {}
    bench.data(first, 1, b"all").unwrap();
    assert_eq!(bench.acked(), Some(1));
    bench.request(2004, b"octet\0").unwrap();
    assert_eq!(bench.request(2005, b"octet\0"), Err(Busy::Uploads));
}

#[test]
fn a_copy_of_the_request_does_not_begin_the_file_again() {
    let mut bench = Bench::new();
    let id = bench.request(2000, b"octet\0").unwrap();
    bench.sent();
    bench.data(id, 1, &[1; 512]).unwrap();
    bench.acked();
    let copy = |bench: &mut Bench| {
        bench
            .server
            .handle_request(bench.now, peer(2000), b"\0\x02file\0octet\0")
            .unwrap()
            .is_none()
    };
    assert!(copy(&mut bench), "a late copy");
    bench.data(id, 2, b"end").unwrap();
    bench.acked();
    bench.now += Duration::from_secs(2);
    assert!(copy(&mut bench), "even when all is stored");
    assert_eq!(bench.store.finished, 1);
    // But another file from the same port is another upload.
    bench.store.bytes.clear();
    let other = b"\0\x02other\0octet\0";
    let request = bench.server.handle_request(bench.now, peer(2000), other).unwrap().unwrap();
    bench.server.accept_upload(bench.now, request, UploadInfo::new(10_000)).unwrap();
    assert!(bench.events().iter().any(|event| matches!(event, Event::Finished { bytes: 515, .. })));
}

#[test]
fn a_second_window_before_the_first_was_stored_is_like_loss() {
    let mut bench = Bench::new();
    let id = bench.request(2000, b"octet\0windowsize\x002\0").unwrap();
    bench.sent();
    bench.data(id, 1, &[1; 512]).unwrap();
    bench.data(id, 2, &[2; 512]).unwrap();
    assert_eq!(bench.data(id, 3, &[3; 512]), Err(Dropped::Unexpected));
    assert_eq!(bench.acked(), Some(2));
    bench.data(id, 3, &[3; 512]).unwrap();
}

#[test]
fn an_error_of_the_client_ends_it_and_a_reader_sends_no_data() {
    let mut bench = Bench::new();
    let id = bench.request(2000, b"octet\0").unwrap();
    bench.sent();
    let mut datagram = Vec::new();
    Packet::Ack { block: 0 }.encode(&mut datagram);
    let taken = bench.server.handle_datagram(bench.now, id, peer(2000), &datagram);
    assert_eq!(taken, Err(Dropped::Unexpected));
    datagram.clear();
    Packet::Error { code: ErrorCode(0), message: b"stop" }.encode(&mut datagram);
    bench.server.handle_datagram(bench.now, id, peer(2000), &datagram).unwrap();
    assert!(matches!(bench.reason(), FailureReason::ClientError { .. }));
}
