//! What the engine tells of transfers, in virtual time: no sockets, no files, no waiting.

use core::net::{IpAddr, Ipv4Addr, SocketAddr};
use core::task::Poll;
use core::time::Duration;
use std::collections::HashMap;
use std::io;
use std::time::Instant;

use pxe_select::{Host, Policy};
use pxe_server::engine::{
    Arrival, ContentError, ContentId, ContentRequest, ContentStore, Engine, EngineConfig, Opened,
    Output, Shared, SocketId, Upload, UploadError, UploadRequest,
};
use pxe_tftp::{Packet, ServerConfig, TransferId};

const SECOND: Duration = Duration::from_secs(1);
const CLIENT: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 77));

/// Files of zeros by name, and one upload.
#[derive(Default)]
struct Store {
    sizes: HashMap<&'static [u8], u64>,
    open: Vec<u64>,
    closed: usize,
    broken: bool,
}

impl ContentStore for Store {
    fn open(&mut self, request: &ContentRequest<'_>) -> Result<Opened, ContentError> {
        let size = *self.sizes.get(request.name).ok_or(ContentError::NotFound)?;
        self.open.push(size);
        Ok(Opened { id: ContentId(self.open.len() - 1), size })
    }

    fn read_at(&mut self, id: ContentId, offset: u64, into: &mut [u8]) -> io::Result<usize> {
        if self.broken {
            return Err(io::Error::other("the disk is on fire"));
        }
        let left = usize::try_from(self.open[id.0] - offset).unwrap_or(usize::MAX);
        Ok(into.len().min(left))
    }

    fn create(&mut self, request: &UploadRequest<'_>) -> Result<Upload, UploadError> {
        assert_eq!(request.client, CLIENT);
        self.open.push(0);
        Ok(Upload { id: ContentId(self.open.len() - 1), bytes_max: 1 << 20 })
    }

    fn write_at(&mut self, _: ContentId, _: u64, _: &[u8]) -> Result<(), UploadError> {
        if self.broken { Err(UploadError::Full) } else { Ok(()) }
    }

    fn finish(&mut self, _: ContentId) -> Poll<Result<(), UploadError>> {
        Poll::Ready(Ok(()))
    }

    fn close(&mut self, _: ContentId) {
        self.closed += 1;
    }
}

struct Bench {
    now: Instant,
    engine: Engine,
    store: Store,
    out: Vec<u8>,
    /// The transfer of the last datagram sent.
    transfer: Option<TransferId>,
    told: Vec<String>,
    port: u16,
}

impl Bench {
    fn new(files: &[(&'static str, u64)]) -> Self {
        let mut policy = Policy::builder();
        policy.host(Host::new("52:54:00:aa:00:01"));
        let mut tftp = ServerConfig::default();
        tftp.uploads_max = 16;
        let config = EngineConfig { tftp, ..EngineConfig::default() };
        let engine = Engine::new(config, Shared::new(policy.build().expect("a sound policy")));
        let sizes = files.iter().map(|(name, size)| (name.as_bytes(), *size)).collect();
        let store = Store { sizes, ..Store::default() };
        let (now, out, told) = (Instant::now(), Vec::new(), Vec::new());
        Self { now, engine, store, out, transfer: None, told, port: 2_000 }
    }

    fn take(&mut self, socket: SocketId, datagram: &[u8]) {
        let arrival = Arrival {
            source: SocketAddr::new(CLIENT, self.port),
            local: Ipv4Addr::new(192, 0, 2, 5).into(),
            interface: 1,
            mtu: None,
            unicast: None,
        };
        self.engine.handle_datagram(self.now, socket, &arrival, datagram, &mut self.store);
        self.drain();
    }

    /// Lets everything out; the last datagram stays in `out`.
    fn drain(&mut self) {
        let mut out = Vec::new();
        while let Some(transmit) = self.engine.poll_transmit(self.now, &mut self.store, &mut out) {
            if let SocketId::Transfer(transfer) = transmit.socket {
                self.transfer = Some(transfer);
            }
            self.out.clone_from(&out);
        }
        while let Some(output) = self.engine.poll_output() {
            if let Output::Event(event) = output {
                self.told.push(event.stage.to_string());
            }
        }
    }

    /// A request from a new port.
    fn ask(&mut self, opcode: u8, name: &str, options: &[u8]) {
        self.port += 1;
        let datagram = [&[0, opcode], name.as_bytes(), b"\0octet\0", options].concat();
        self.take(SocketId::Tftp, &datagram);
    }

    fn answer(&mut self, packet: Packet<'_>) {
        let mut datagram = Vec::new();
        packet.encode(&mut datagram);
        let transfer = self.transfer.expect("a transfer");
        self.take(SocketId::Transfer(transfer), &datagram);
    }

    fn ack(&mut self, block: u16) {
        self.answer(Packet::Ack { block });
    }

    fn error(&mut self, code: u16, message: &[u8]) {
        self.answer(Packet::Error { code: pxe_tftp::ErrorCode(code), message });
    }

    /// Time passes, and what is due is done.
    fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        while let Some(due) = self.engine.poll_timeout().filter(|due| *due <= end) {
            assert!(due >= self.now, "a timer in the past");
            self.now = due;
            self.engine.handle_timeout(self.now, &mut self.store);
            self.drain();
        }
        self.now = end;
    }

    fn told(&mut self) -> Vec<String> {
        core::mem::take(&mut self.told)
    }
}

#[test]
fn a_long_transfer_tells_tenths_and_a_slow_one_minutes() {
    let mut bench = Bench::new(&[("big", 1000 * 512)]);
    bench.ask(1, "big", b"");
    assert_eq!(bench.told(), ["requested big (512000 bytes)"]);
    // 1 % a second.
    for block in 1..=350 {
        bench.now += SECOND / 10;
        bench.ack(block);
    }
    // At least 5 s lie between two looks at a transfer.
    let told = bench.told();
    let percents: Vec<&str> =
        told.iter().filter_map(|line| line.strip_prefix("progress big ")).collect();
    assert_eq!(percents, ["10 % of 512000 bytes", "20 % of 512000 bytes", "30 % of 512000 bytes"]);
    // 1 % in 20 s: no tenth in two minutes, so each minute is told.
    for block in 351..=410_u16 {
        bench.now += SECOND * 2;
        bench.ack(block);
    }
    let minutes = ["progress big 38 % of 512000 bytes", "progress big 41 % of 512000 bytes"];
    assert_eq!(bench.told(), minutes);
    for block in 411..=1001 {
        bench.ack(block);
    }
    let told = bench.told();
    let [delivered] = &told[..] else { panic!("{told:?}") };
    assert_eq!(delivered, "delivered big (512000 bytes in 155000 ms, 3 kB/s)");
    assert_eq!(bench.store.closed, 1);
}

#[test]
fn ends_say_why() {
    let mut bench = Bench::new(&[("f", 5_000)]);
    // A size probe, as EDK2 makes it.
    bench.ask(1, "f", b"tsize\x000\0");
    bench.error(8, b"User aborted the transfer");
    assert_eq!(bench.told(), ["requested f (5000 bytes)", "probed f"]);
    // GRUB closes a file of which it has read enough.
    bench.ask(1, "f", b"");
    bench.ack(1);
    bench.error(0, b"closed");
    assert_eq!(bench.told(), ["requested f (5000 bytes)", "closed f after 512 bytes"]);
    bench.ask(1, "f", b"");
    bench.ack(1);
    bench.error(3, b"no room here");
    let told = bench.told();
    assert_eq!(
        told[1],
        "failed f: the client reported error 3 (disk full): no room here (after 512 of 5000 bytes)"
    );
    // Timed out: in the middle, and before the first acknowledgement.
    bench.ask(1, "f", b"");
    bench.ack(1);
    bench.ack(2);
    bench.pass(SECOND * 60);
    let told = bench.told();
    assert_eq!(told[1], "failed f: the client stopped answering (after 1024 of 5000 bytes)");
    bench.ask(1, "f", b"");
    bench.pass(SECOND * 60);
    let told = bench.told();
    assert_eq!(told[1], "failed f: the client never answered (after 0 of 5000 bytes)");
    // Ours is the fault.
    bench.ask(1, "f", b"");
    bench.store.broken = true;
    bench.ack(1);
    let told = bench.told();
    assert_eq!(
        told[1],
        "failed f: the file could not be read: the disk is on fire (after 512 of 5000 bytes)"
    );
    // Refused.
    bench.ask(1, "../f", b"");
    let told = bench.told();
    assert!(told[0].starts_with("denied: ") && told[0].contains("climbs out"), "{told:?}");
    assert_eq!(bench.store.closed, bench.store.open.len(), "everything was given back");
}

#[test]
fn blocks_sent_again_are_told_with_the_rate() {
    let mut bench = Bench::new(&[("f", 10 * 512)]);
    bench.ask(1, "f", b"");
    bench.ack(1);
    bench.pass(SECOND * 2);
    for block in 2..=11 {
        bench.ack(block);
    }
    let told = bench.told();
    let last = told.last().expect("an end");
    assert!(last.starts_with("delivered f (5120 bytes in 2000 ms, "), "{last}");
    assert!(last.ends_with(" % sent again)"), "{last}");
}

#[test]
fn uploads_tell_their_beginning_their_way_and_their_end() {
    let mut bench = Bench::new(&[]);
    bench.ask(2, "core", b"tsize\x005123\0");
    assert_eq!(bench.told(), ["uploading core (5123 bytes)"]);
    for block in 1..=10 {
        bench.now += SECOND;
        bench.answer(Packet::Data { block, payload: &[0; 512] });
    }
    bench.answer(Packet::Data { block: 11, payload: b"end" });
    let told = bench.told();
    assert_eq!(
        told,
        [
            "progress core 39 % of 5123 bytes",
            "progress core 89 % of 5123 bytes",
            "stored core (5123 bytes in 10000 ms)"
        ]
    );
    // Its client may have missed the last acknowledgement; the end of that wait is no news.
    bench.pass(SECOND * 60);
    assert_eq!((bench.told(), bench.store.closed), (vec![], 1));

    bench.ask(2, "core", b"");
    bench.answer(Packet::Data { block: 1, payload: &[0; 512] });
    bench.pass(SECOND * 60);
    let told = bench.told();
    assert_eq!(told[0], "uploading core");
    assert_eq!(told[1], "failed core: not stored: the client stopped answering (after 512 bytes)");

    bench.ask(2, "core", b"");
    bench.store.broken = true;
    bench.answer(Packet::Data { block: 1, payload: b"all" });
    let told = bench.told();
    assert_eq!(
        told[1],
        "failed core: not stored: too little room is left on the disk (after 0 bytes)"
    );
    assert_eq!(bench.out[..4], [0, 5, 0, 3], "the client is told error 3");
    assert_eq!(bench.store.closed, 3);
}

#[test]
fn a_search_is_told_when_it_ends_in_vain_and_never_when_it_finds() {
    let mut bench = Bench::new(&[("found", 1)]);
    for name in ["a", "b", "c"] {
        bench.ask(1, name, b"");
        assert_eq!(bench.out[..4], [0, 5, 0, 1], "refused at once");
        bench.pass(SECOND);
    }
    let told = bench.told();
    assert!(told.iter().all(|line| line.starts_with("tried ")), "{told:?}");
    bench.ask(1, "found", b"");
    bench.ack(1);
    bench.pass(SECOND * 60);
    assert!(bench.told().iter().all(|line| !line.contains("missing")));

    bench.ask(1, "d", b"");
    bench.pass(SECOND * 2);
    bench.ask(1, "e", b"");
    bench.pass(SECOND * 2);
    assert_eq!(bench.told().len(), 2);
    bench.pass(SECOND * 60);
    assert_eq!(bench.told(), ["missing e, and d before it"]);
    bench.ask(1, "f", b"");
    bench.pass(SECOND * 60);
    assert_eq!(
        bench.told(),
        ["tried f: there is no such file", "missing f: there is no such file"]
    );
}
