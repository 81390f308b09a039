//! Captures of real firmware through evidence and decision: each machine would have got its own loader for the one
//! bait name, whatever it asked for then.

mod common;

use std::fs;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;
use std::time::{Duration, Instant};

use common::{US, baited_policy};
use pcap_parser::traits::PcapReaderIterator;
use pcap_parser::{LegacyPcapReader, PcapBlockOwned, PcapError};
use pxe_select::{Asked, Asker};
use pxe_server::engine::{
    Arrival, Choice, ClientId, Engine, EngineConfig, Introduction, Output, Shared, SocketId, Stage,
    decide,
};
use pxe_sim::engine::MemoryFiles;
use pxe_tftp::{Mode, Packet};

/// One frame: when, and its IPv4 packet.
struct Captured {
    at: Duration,
    packet: Vec<u8>,
}

fn frames(file: &str) -> Vec<Captured> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/captures").join(file);
    let capture = fs::File::open(path).expect("a capture");
    let mut reader = LegacyPcapReader::new(65_536, capture).expect("a pcap file");
    let mut frames = Vec::new();
    loop {
        match reader.next() {
            Ok((read, block)) => {
                if let PcapBlockOwned::Legacy(block) = block
                    && let Some(packet) = block.data.get(14..)
                    && block.data[12..14] == [8, 0]
                {
                    let at = Duration::new(block.ts_sec.into(), block.ts_usec * 1000);
                    frames.push(Captured { at, packet: packet.to_vec() });
                }
                reader.consume(read);
            }
            Err(PcapError::Eof) => return frames,
            Err(PcapError::Incomplete(_)) => {
                reader.refill().expect("readable");
            }
            Err(error) => panic!("{error:?}"),
        }
    }
}

/// The server that listens, and what it would have said.
struct Replay {
    engine: Engine,
    files: MemoryFiles,
    told: Vec<String>,
}

impl Replay {
    fn new() -> Self {
        let engine = Engine::new(EngineConfig::default(), Shared::new(baited_policy()));
        Self { engine, files: MemoryFiles::default(), told: Vec::new() }
    }

    fn take(&mut self, now: Instant, packet: &[u8]) {
        let header = usize::from(packet[0] & 15) * 4;
        let source = Ipv4Addr::new(packet[12], packet[13], packet[14], packet[15]);
        let transport = &packet[header..];
        let short = |at: usize| u16::from_be_bytes([transport[at], transport[at + 1]]);
        match (packet[9], short(2)) {
            (17, 67 | 68) => {
                let from = SocketAddr::from((source, short(0)));
                let local = IpAddr::V4(US);
                let arrival =
                    Arrival { source: from, local, interface: 1, mtu: None, unicast: None };
                let payload = &transport[8..];
                let socket = SocketId::Observer;
                self.engine.handle_datagram(now, socket, &arrival, payload, &mut self.files);
            }
            (17, 69) => self.request(now, source, short(0), &transport[8..]),
            (6, _) => {
                let payload = &transport[usize::from(transport[12] >> 4) * 4..];
                if payload.starts_with(b"GET ") || payload.starts_with(b"HEAD ") {
                    let text = String::from_utf8_lossy(payload);
                    let agent = text.lines().find_map(|line| line.strip_prefix("User-Agent: "));
                    let asker = Asker::of_user_agent(agent.unwrap_or_default().as_bytes());
                    self.ask(now, source, asker, b"boot/pxe-loader");
                }
            }
            _ => {}
        }
        let mut out = Vec::new();
        assert!(self.engine.poll_transmit(now, &mut self.files, &mut out).is_none());
        while let Some(output) = self.engine.poll_output() {
            if let Output::Event(event) = output
                && let Stage::Heard { .. } = event.stage
            {
                let line = format!("{} {}", event.client, event.stage);
                self.tell(line.split(" (").next().expect("a first part").to_owned());
            }
        }
    }

    /// Firmware asks for its bait; what runs then asks for what it asked for.
    fn request(&mut self, now: Instant, source: Ipv4Addr, port: u16, datagram: &[u8]) {
        let Ok(Packet::ReadRequest(request)) = Packet::parse(datagram) else { return };
        let options = request.options().iter().map(|option| (option.name, option.value));
        let asker = Asker::of_request(request.mode() == Mode::Octet, options, port);
        let name: &[u8] = match asker {
            Asker::Shim | Asker::Slof => request.file_name(),
            _ => b"pxe-loader",
        };
        self.ask(now, source, asker, name);
    }

    fn ask(&mut self, now: Instant, source: Ipv4Addr, asker: Asker, name: &[u8]) {
        let shared = self.engine.shared();
        let (asked, said) = (Asked::Name(name), Introduction::default());
        let (client, choice) = decide(shared, now, source.into(), asker, asked, said);
        let name = String::from_utf8_lossy(name).into_owned();
        let answer = match choice {
            Choice::Open(wanted, _) => {
                let file = &wanted.tries().first().expect("a name").name;
                String::from_utf8_lossy(file).into_owned()
            }
            Choice::Silence(stage) | Choice::Refuse(stage) | Choice::Missing(stage) => {
                stage.to_string()
            }
        };
        assert!(matches!(client, ClientId::Mac(_)), "{client} is somebody");
        self.tell(format!("{client} asks {name} as {asker}: {answer}"));
    }

    fn tell(&mut self, line: String) {
        if self.told.last() != Some(&line) {
            self.told.push(line);
        }
    }
}

fn replay(file: &str) -> Vec<String> {
    let frames = frames(file);
    assert!(frames.len() > 10, "{file}: {} frames", frames.len());
    let mut replay = Replay::new();
    let (start, first) = (Instant::now(), frames[0].at);
    for frame in &frames {
        replay.take(start + frame.at.saturating_sub(first), &frame.packet);
    }
    replay.told
}

/// What the folder of the captures says each of them is.
#[test]
fn every_capture_comes_to_its_verdict() {
    for (file, expected) in [
        (
            "ipxe-bios-and-ovmf-x64-chain.pcap",
            &[
                "52:54:00:aa:00:01 heard bios running iPXE",
                "52:54:00:aa:00:01 asks pxe-loader as iPXE: menu.ipxe",
                "52:54:00:aa:00:02 heard x64-uefi",
                "52:54:00:aa:00:02 asks pxe-loader as UEFI firmware: debian/bootnetx64.efi",
                "52:54:00:aa:00:02 heard x64-uefi running iPXE",
                "52:54:00:aa:00:02 asks pxe-loader as iPXE: menu.ipxe",
            ][..],
        ),
        (
            "ovmf-ia32-grub.pcap",
            &[
                "52:54:00:aa:00:04 heard x86-uefi",
                "52:54:00:aa:00:04 asks pxe-loader as UEFI firmware: ipxe32.efi",
            ],
        ),
        (
            "aavmf-arm64-shim-then-http.pcap",
            &[
                "52:54:00:aa:00:03 heard arm64-uefi",
                "52:54:00:aa:00:03 asks pxe-loader as UEFI firmware: debian/bootnetaa64.efi",
                "52:54:00:aa:00:03 asks revocations_sku.efi as shim: debian/revocations_sku.efi",
                "52:54:00:aa:00:03 asks revocations_sbat.efi as shim: debian/revocations_sbat.efi",
                "52:54:00:aa:00:03 asks shim_certificate_0.efi as shim: debian/shim_certificate_0.efi",
                "52:54:00:aa:00:03 asks grubaa64.efi as shim: debian/grubaa64.efi",
                "52:54:00:aa:00:03 heard arm64-uefi-http",
            ],
        ),
        (
            "ovmf-x64-pxev4-pxev6-httpv4-no-answer.pcap",
            &["52:54:00:aa:00:12 heard x64-uefi", "52:54:00:aa:00:12 heard x64-uefi-http"],
        ),
        (
            "ovmf-x64-http.pcap",
            &[
                "52:54:00:aa:00:13 heard x64-uefi-http",
                "52:54:00:aa:00:13 asks boot/pxe-loader as UEFI firmware: debian/bootnetx64.efi",
                "52:54:00:aa:00:13 heard x64-uefi running iPXE",
                "52:54:00:aa:00:13 asks boot/pxe-loader as iPXE: menu.ipxe",
                "52:54:00:aa:00:13 asks pxe-loader as iPXE: menu.ipxe",
            ],
        ),
        (
            "uboot-arm64.pcap",
            &[
                "52:52:52:52:52:52 heard arm64-uboot",
                "52:52:52:52:52:52 asks pxe-loader as U-Boot: boot.scr.uimg",
                "52:52:52:52:52:52 heard arm64-uefi",
                "52:52:52:52:52:52 asks pxe-loader as U-Boot: debian/bootnetaa64.efi",
            ],
        ),
        ("s390-netboot.pcap", &["52:54:00:aa:00:23 heard s390x"]),
        ("slof-ppc64.pcap", &["52:54:00:aa:00:22 heard ppc64-of"]),
    ] {
        let mut told = replay(file);
        // SLOF and IBM Z search for a configuration of their own, which is served as it is.
        told.retain(|line| !line.contains("pxelinux.cfg/"));
        assert_eq!(told, expected, "{file}");
    }
}

#[test]
fn every_capture_is_in_the_table() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/captures");
    let count = fs::read_dir(folder).expect("a folder").count();
    assert_eq!(count, 8, "a new capture needs its verdict above");
}
