//! The networks that the tests of this folder run on.

#![allow(dead_code, unreachable_pub, reason = "each test file uses its own part")]

pub mod cases;
pub mod models;

use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use pxe_dhcp::respond::ProxyRequest;
use pxe_select::{DEFAULT_BAITS, Firmware, Policy, PolicyBuilder};
use pxe_sim::firmware::{Machine, Outcome};
use pxe_sim::foreign::{ForeignDhcp, Habit};
use pxe_sim::network::{HostId, Impairment, Interface, Mac, Node, SegmentId, World};
use pxe_sim::policy;
use pxe_sim::relay::Relay;
use pxe_sim::server::{BootServer, ProxyServer, ServerHost, Verdict};

/// Our server.
pub const US: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 5);
/// The DHCP server of somebody else.
pub const FOREIGN: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
/// The relay among the clients of the second LAN.
pub const RELAY: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 1);
/// Longer than any firmware is patient.
pub const PATIENCE: Duration = Duration::from_secs(300);
/// What iPXE gets.
pub const SCRIPT: &str = "menu.ipxe";

/// The loaders of the test, by firmware.
pub const LOADERS: &[(Firmware, &str)] = &[
    (Firmware::Bios, "undionly.kpxe"),
    (Firmware::X86Uefi, "ipxe32.efi"),
    (Firmware::X64Uefi, "debian/bootnetx64.efi"),
    (Firmware::Arm32Uefi, "ipxe-arm32.efi"),
    (Firmware::Arm64Uefi, "debian/bootnetaa64.efi"),
    (Firmware::Riscv64Uefi, "grubriscv64.efi"),
    (Firmware::Loong64Uefi, "grubloongarch64.efi"),
    (Firmware::Arm64Uboot, "boot.scr.uimg"),
    (Firmware::Rpi, "bootcode.bin"),
    (Firmware::X86UefiHttp, "http-ia32.efi"),
    (Firmware::X64UefiHttp, "http-x64.efi"),
    (Firmware::Arm32UefiHttp, "http-arm32.efi"),
    (Firmware::Arm64UefiHttp, "http-arm64.efi"),
    (Firmware::Riscv64UefiHttp, "http-riscv64.efi"),
    (Firmware::Loong64UefiHttp, "http-loong64.efi"),
];

/// The loader of `firmware`.
pub fn loader(firmware: Firmware) -> String {
    let (_, file) = LOADERS.iter().find(|(known, _)| *known == firmware).expect("a loader");
    match firmware.is_http() {
        true => format!("http://{US}:8080/boot/{file}"),
        false => (*file).to_owned(),
    }
}

/// A policy with all of [`LOADERS`]. With `http`, iPXE gets URLs too.
pub fn policy(http: bool) -> Policy {
    builder(http).build().expect("a sound policy")
}

/// The same where one bait stands for all of them.
pub fn baited_policy() -> Policy {
    let mut builder = builder(false);
    for bait in DEFAULT_BAITS {
        builder.bait(bait);
    }
    builder.build().expect("a sound policy")
}

fn builder(http: bool) -> PolicyBuilder {
    let mut builder = Policy::builder();
    for (firmware, file) in LOADERS {
        if http || !firmware.is_http() {
            builder.loader(*firmware, file);
        }
    }
    if http {
        builder.http_base("http://{server}:8080/boot/");
    }
    builder
}

/// Where the clients are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// On the servers' own segment.
    SameLan,
    /// Behind a relay that forwards to the foreign server and, second, to us.
    Relayed,
}

/// A network with a foreign DHCP server and our proxy, and room for clients.
pub struct Lab {
    pub world: World,
    pub server: HostId,
    servers: SegmentId,
    clients: SegmentId,
    machines: u8,
}

impl Lab {
    pub fn new(seed: u64, impairment: Impairment, place: Place, habit: Habit) -> Self {
        let policy = policy(true);
        let decide = move |request: &ProxyRequest<'_>| policy::decide(&policy, US, request);
        Self::with_decision(seed, impairment, place, habit, decide)
    }

    /// The same, with another decision than the policy's.
    pub fn with_decision(
        seed: u64,
        impairment: Impairment,
        place: Place,
        habit: Habit,
        decide: impl FnMut(&ProxyRequest<'_>) -> Option<Verdict> + 'static,
    ) -> Self {
        Self::with_server(seed, impairment, place, habit, ProxyServer::new(decide))
    }

    /// The same, with another server.
    pub fn with_server(
        seed: u64,
        impairment: Impairment,
        place: Place,
        habit: Habit,
        server: impl BootServer + 'static,
    ) -> Self {
        Self::with_foreign(seed, impairment, place, habit, |foreign, _| foreign, server)
    }

    /// The same, with changes to the foreign DHCP server, which are told the beginning.
    pub fn with_foreign(
        seed: u64,
        impairment: Impairment,
        place: Place,
        habit: Habit,
        change: impl FnOnce(ForeignDhcp, Instant) -> ForeignDhcp,
        server: impl BootServer + 'static,
    ) -> Self {
        let first = match place {
            Place::SameLan => Ipv4Addr::new(192, 0, 2, 100),
            Place::Relayed => Ipv4Addr::new(198, 51, 100, 100),
        };
        let foreign = |start| change(ForeignDhcp::new(FOREIGN, first, habit), start);
        Self::build(seed, impairment, place, Some(foreign), server)
    }

    /// The same without any DHCP server but ours.
    pub fn alone(
        seed: u64,
        impairment: Impairment,
        place: Place,
        server: impl BootServer + 'static,
    ) -> Self {
        let nobody = None::<fn(Instant) -> ForeignDhcp>;
        Self::build(seed, impairment, place, nobody, server)
    }

    fn build(
        seed: u64,
        impairment: Impairment,
        place: Place,
        foreign: Option<impl FnOnce(Instant) -> ForeignDhcp>,
        server: impl BootServer + 'static,
    ) -> Self {
        let mut world = World::new(seed, impairment);
        let servers = world.segment();
        if let Some(foreign) = foreign {
            let foreign = foreign(world.now());
            world.attach("foreign DHCP", vec![interface(servers, 1, FOREIGN)], foreign);
        }
        let server = ServerHost::new(server);
        let server = world.attach("our server", vec![interface(servers, 2, US)], server);
        let clients = match place {
            Place::SameLan => servers,
            Place::Relayed => {
                let clients = world.segment();
                let relay = Relay::new(RELAY, vec![FOREIGN, US]).with_circuit(b"eth1/7");
                let server_side = Ipv4Addr::new(192, 0, 2, 254);
                let interfaces =
                    vec![interface(clients, 3, RELAY), interface(servers, 4, server_side)];
                world.attach("relay", interfaces, relay);
                clients
            }
        };
        Self { world, server, servers, clients, machines: 10 }
    }

    /// A machine with a number of its own.
    pub fn machine(&mut self, arch: u16) -> Machine {
        self.machines += 1;
        let mut machine = Machine::new(self.machines, arch);
        machine.transaction_id = self.world.random().next_u32() & !1;
        machine
    }

    /// Puts a client on the clients' segment.
    pub fn attach(&mut self, name: &str, mac: Mac, node: impl Node + 'static) -> HostId {
        let interface = Interface { segment: self.clients, mac, address: Ipv4Addr::UNSPECIFIED };
        self.world.attach(name, vec![interface], node)
    }

    /// Puts another server into the servers' segment.
    pub fn attach_server(&mut self, name: &str, address: Ipv4Addr, node: impl Node + 'static) {
        let [.., number] = address.octets();
        self.world.attach(name, vec![interface(self.servers, number, address)], node);
    }

    /// Runs until `client` has an outcome.
    pub fn run(&mut self, client: HostId) -> Outcome {
        self.world.run(&[client], PATIENCE);
        match self.world.outcome(client) {
            Some(outcome) => outcome.clone(),
            None => panic!("the client never ends\n{}", self.world.report()),
        }
    }

    /// Fails with the transcript unless `client` ends with `file` from `server`.
    #[track_caller]
    pub fn expect_boot(&mut self, client: HostId, server: Ipv4Addr, file: &str) {
        let outcome = self.run(client);
        let report = || self.world.report();
        let Some(boot) = outcome.boot() else { panic!("{outcome:?}\n{}", report()) };
        let got = (boot.server, String::from_utf8_lossy(&boot.file).into_owned());
        assert_eq!(got, (server, file.to_owned()), "\n{}", report());
    }
}

fn interface(segment: SegmentId, number: u8, address: Ipv4Addr) -> Interface {
    Interface { segment, mac: [0x02, 0, 0, 0, 0, number], address }
}
