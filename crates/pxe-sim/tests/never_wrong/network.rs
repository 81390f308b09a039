//! Addresses and who has them, and the server that listens.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use pxe_select::{DEFAULT_BAITS, Firmware, Policy};
use pxe_server::engine::{Arrival, Engine, EngineConfig, Neighbours, Shared, SocketId, Transmit};
use pxe_sim::engine::MemoryFiles;
use pxe_sim::random::Random;

use crate::machine::{Machine, Place, Seen, Shape};

const US: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 5);
/// Addresses of one network: few, so that they are soon used again.
const POOL: u8 = 200;
const LOADERS: [(Firmware, &str); 5] = [
    (Firmware::Bios, "undionly.kpxe"),
    (Firmware::X86Uefi, "ipxe32.efi"),
    (Firmware::X64Uefi, "ipxe.efi"),
    (Firmware::Arm64Uefi, "debian/bootnetaa64.efi"),
    (Firmware::Arm64Uboot, "boot.scr.uimg"),
];

/// How a fetch ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Reply {
    /// With the file of this name.
    File(String),
    Silence,
    /// Refused, with this datagram.
    Error(String),
}

fn error(datagram: &[u8]) -> Reply {
    Reply::Error(datagram.escape_ascii().to_string())
}

/// Who has which address of our link, as a neighbour table sees it.
#[derive(Clone, Default)]
struct Table(Arc<Mutex<BTreeMap<IpAddr, [u8; 6]>>>);

impl Neighbours for Table {
    fn hardware_address(&self, address: IpAddr) -> Option<[u8; 6]> {
        self.0.lock().expect("no panic").get(&address).copied()
    }
}

pub(crate) struct Network {
    engine: Engine,
    files: MemoryFiles,
    start: Instant,
    table: Table,
    /// Free addresses of each network by its second number, those given back first are used first.
    free: BTreeMap<u8, VecDeque<Ipv4Addr>>,
    used: BTreeSet<Ipv4Addr>,
    out: Vec<u8>,
}

impl Network {
    pub(crate) fn new(random: &mut Random) -> Self {
        let mut policy = Policy::builder();
        for (firmware, file) in LOADERS {
            policy.loader(firmware, file);
        }
        for bait in DEFAULT_BAITS {
            policy.bait(bait);
        }
        let shared = Shared::new(policy.build().expect("a sound policy"));
        let table = Table::default();
        shared.set_neighbours(Box::new(table.clone()));
        let sizes = LOADERS.iter().map(|(_, file)| (*file, 300));
        let files = MemoryFiles::new(sizes.chain([("debian/grubaa64.efi", 300)]));
        let mut free: BTreeMap<u8, VecDeque<Ipv4Addr>> = BTreeMap::new();
        for network in 0..8 {
            let addresses = (10..10 + POOL).map(|last| Ipv4Addr::new(10, network, 0, last));
            let mut addresses: VecDeque<_> = addresses.collect();
            addresses.rotate_left(random.below(u64::from(POOL)) as usize);
            free.insert(network, addresses);
        }
        Self {
            engine: Engine::new(EngineConfig::default(), shared),
            files,
            start: Instant::now(),
            table,
            free,
            used: BTreeSet::new(),
            out: Vec::new(),
        }
    }

    /// The address of a boot: one that was given back, or the one that another machine has.
    pub(crate) fn take_address(
        &mut self,
        _at: u64,
        machine: &Machine,
        shared: Option<Ipv4Addr>,
    ) -> Ipv4Addr {
        let network = match machine.place {
            Place::Link => 0,
            Place::Relay(number) => number,
            // Inner addresses: every network behind a translation has the same.
            Place::Translated(_) => {
                return Ipv4Addr::new(192, 168, 0, (machine.number % 250) as u8);
            }
        };
        if let Some(shared) = shared {
            return shared;
        }
        let free = self.free.get_mut(&network).expect("a network");
        let address = free.pop_front().unwrap_or_else(|| panic!("network {network} is full"));
        self.used.insert(address);
        address
    }

    pub(crate) fn give_back(&mut self, machine: &Machine) {
        let Some(address) = machine.address else { return };
        if self.used.remove(&address) {
            // Young ones first: the worst that a server could do.
            self.free.get_mut(&address.octets()[1]).expect("a network").push_front(address);
        }
    }

    /// The neighbour table learns of machines of our link when they take their address.
    pub(crate) fn owns(&self, machine: &Machine) {
        if let (Place::Link, Some(address)) = (machine.place, machine.address) {
            let mut table = self.table.0.lock().expect("no panic");
            table.insert(address.into(), machine.mac());
        }
    }

    pub(crate) fn hear(&mut self, at: u64, seen: &Seen) {
        let source = SocketAddr::from((seen.relay.unwrap_or(Ipv4Addr::UNSPECIFIED), 68));
        self.give(at, SocketId::Observer, source, &seen.bytes);
        // A block that waits for its acknowledgement may be due; DHCP never is.
        while self.transmit(at).is_some() {}
    }

    /// Fetches a name as firmware does: the size first if that is its habit, then the file.
    pub(crate) fn fetch(&mut self, at: u64, machine: &Machine, shape: Shape, name: &str) -> Reply {
        let address = match machine.place {
            Place::Translated(number) => Ipv4Addr::new(203, 0, 113, number),
            _ => machine.address.expect("it has booted"),
        };
        let mut port = shape.port;
        let mut promised = None;
        if let Some(options) = shape.probe {
            let peer = SocketAddr::from((address, port));
            match self.request(at, peer, name, options) {
                None => return Reply::Silence,
                Some((Some(transfer), reply)) if reply[1] == 6 => {
                    promised = Some(reply.len());
                    self.give(
                        at,
                        transfer.socket,
                        peer,
                        b"\0\x05\0\x08User aborted the transfer\0",
                    );
                    while self.transmit(at).is_some() {}
                }
                Some((_, reply)) => return error(&reply),
            }
            port += 1;
        }
        let peer = SocketAddr::from((address, port));
        // 15 ms lie between EDK2's probe and its request.
        let Some((transfer, reply)) = self.request(at + 15, peer, name, shape.read) else {
            assert!(promised.is_none(), "a probe was answered and its read is not: {machine:?}");
            return Reply::Silence;
        };
        match (transfer, reply[1]) {
            (Some(transfer), 3 | 6) => self.read(at + 16, peer, &transfer, reply),
            _ => error(&self.out),
        }
    }

    fn request(
        &mut self,
        at: u64,
        peer: SocketAddr,
        name: &str,
        options: &str,
    ) -> Option<(Option<Transmit>, Vec<u8>)> {
        let datagram = [b"\0\x01", name.as_bytes(), b"\0octet\0", options.as_bytes()].concat();
        self.give(at, SocketId::Tftp, peer, &datagram);
        let transmit = self.transmit(at)?;
        let reply = self.out.clone();
        Some((matches!(transmit.socket, SocketId::Transfer(_)).then_some(transmit), reply))
    }

    fn read(&mut self, at: u64, peer: SocketAddr, to: &Transmit, mut reply: Vec<u8>) -> Reply {
        let mut content = Vec::new();
        loop {
            let block = match reply[1] {
                6 => 0,
                3 => {
                    content.extend_from_slice(&reply[4..]);
                    reply[3]
                }
                _ => return error(&reply),
            };
            self.give(at, to.socket, peer, &[0, 4, 0, block]);
            // Every file fits into one block of the size that its reader asks for.
            if reply[1] == 3 {
                while self.transmit(at).is_some() {}
                while self.engine.poll_output().is_some() {}
                let text = String::from_utf8_lossy(&content).into_owned();
                return Reply::File(text.lines().next().unwrap_or_default().to_owned());
            }
            if self.transmit(at).is_none() {
                return Reply::Silence;
            }
            reply.clone_from(&self.out);
        }
    }

    fn give(&mut self, at: u64, socket: SocketId, source: SocketAddr, datagram: &[u8]) {
        let now = self.now(at);
        self.engine.handle_timeout(now, &mut self.files);
        let arrival = Arrival { source, local: US.into(), interface: 1, mtu: None, unicast: None };
        self.engine.handle_datagram(now, socket, &arrival, datagram, &mut self.files);
        while self.engine.poll_output().is_some() {}
    }

    fn transmit(&mut self, at: u64) -> Option<Transmit> {
        let now = self.now(at);
        let transmit = self.engine.poll_transmit(now, &mut self.files, &mut self.out)?;
        assert!(
            matches!(transmit.socket, SocketId::Tftp | SocketId::Transfer(_)),
            "we only listen: {transmit:?}"
        );
        Some(transmit)
    }

    fn now(&self, at: u64) -> Instant {
        self.start + Duration::from_millis(at)
    }
}
