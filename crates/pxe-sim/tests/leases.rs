//! The whole server as the only DHCP server of its networks: every model of firmware boots from it, swarms of
//! machines on bad networks keep one owner for each address while it crashes and its disk fails, and nobody is told
//! what is not durable. The server model itself watches every ACK.

mod common;

use std::collections::HashMap;
use std::time::{Duration, Instant};

use common::cases::cases;
use common::{LOADERS, Lab, Place, US, policy};
use pxe_dhcp::options::OptionSet;
use pxe_dhcp::respond::{LeaseTimes, ServerConfig};
use pxe_dhcp::{HardwareType, Message, MessageType, Operation, OptionCode, SizeBudget};
use pxe_lease::{AllocatorConfig, SubnetConfig, Topology};
use pxe_server::engine::{
    AddressPlan, Arrival, Engine, EngineConfig, OwnAddress, ServerSettings, Shared, SocketId,
    SubnetPlan,
};
use pxe_sim::engine::MemoryFiles;
use pxe_sim::firmware::edk2_pxe::{Edk2Pxe, Era};
use pxe_sim::firmware::ipxe::{Build, Ipxe};
use pxe_sim::firmware::patient::{Patience, Patient};
use pxe_sim::lease_server::{Hardship, LeaseServer};
use pxe_sim::network::Impairment;
use pxe_sim::ordinary::Ordinary;
use pxe_sim::wire::{NAK, Reader};

fn plan(last: u8) -> AddressPlan {
    let subnet = |network: &str| {
        let mut subnet = SubnetConfig::new(format!("{network}.0/24").parse().expect("a subnet"));
        let pool = format!("{network}.100-{network}.{last}");
        subnet.pools.push(pool.parse().expect("a pool"));
        subnet.authoritative = true;
        subnet
    };
    let topology = Topology::new(&[subnet("192.0.2"), subnet("198.51.100")]).expect("sound");
    let mut options = OptionSet::new();
    options.set("domain-name", "lab.example").expect("an option");
    let subnet = SubnetPlan {
        mask: [255, 255, 255, 0].into(),
        times: LeaseTimes::new(60, 3600, 7200).expect("rising"),
        options,
        bootp: false,
    };
    AddressPlan {
        topology,
        allocator: AllocatorConfig::default(),
        subnets: vec![subnet.clone(), subnet],
        classes: Vec::new(),
        reserved: HashMap::new(),
        hosts: HashMap::new(),
    }
}

fn engine(last: u8, now: Instant, unix_ms: u64) -> Engine {
    engine_of(plan(last), now, unix_ms)
}

fn engine_of(plan: AddressPlan, now: Instant, unix_ms: u64) -> Engine {
    let responder = ServerConfig::default();
    let config = EngineConfig {
        proxy: Some(pxe_dhcp::respond::ProxyConfig::default()),
        server: Some(ServerSettings { responder, plan, unix_ms, now }),
        ..EngineConfig::default()
    };
    let mut engine = Engine::new(config, Shared::new(policy(false)));
    engine.set_own_addresses(vec![OwnAddress { interface: 0, address: US }]);
    engine
}

fn files() -> MemoryFiles {
    MemoryFiles::new(LOADERS.iter().map(|(_, file)| (*file, 700)))
}

fn lab(seed: u64, impairment: Impairment, place: Place, hardship: Hardship, last: u8) -> Lab {
    let begin = move |now, unix_ms| engine(last, now, unix_ms);
    Lab::alone(seed, impairment, place, LeaseServer::new(seed, hardship, files, begin))
}

#[test]
fn every_model_boots_from_our_addresses() {
    for place in [Place::SameLan, Place::Relayed] {
        // URLs are HTTP's to test.
        for case in cases().into_iter().filter(|case| !case.file.starts_with("http")) {
            let mut lab = lab(1, Impairment::default(), place, Hardship::default(), 200);
            let client = (case.attach)(&mut lab);
            let outcome = lab.run(client);
            let report =
                || format!("{}, {place:?}: {outcome:?}\n{}", case.name, lab.world.report());
            let Some(boot) = outcome.boot() else { panic!("{}", report()) };
            let file = String::from_utf8_lossy(&boot.file);
            let file = file.strip_prefix("tftp://192.0.2.5/").unwrap_or(&file);
            assert_eq!((boot.server, file), (case.server, &*case.file), "{}", report());
            assert!((100..=200).contains(&boot.address.octets()[3]), "{}", report());
        }
    }
}

/// Machines that are switched on again until they boot, and ordinary ones, all at once.
fn swarm(lab: &mut Lab, machines: u32) -> Vec<pxe_sim::network::HostId> {
    let mut clients = Vec::new();
    for number in 0..machines {
        let (machine, start) = (lab.machine([7, 0, 11][number as usize % 3]), lab.world.now());
        let again = move |attempt: u32| {
            let mut machine = machine;
            machine.transaction_id = machine.transaction_id.wrapping_add(attempt << 8);
            machine
        };
        clients.push(match number % 3 {
            0 => {
                let begin = move |attempt, at| Edk2Pxe::new(again(attempt), Era::Current, at);
                let patience = Patience { attempts: 12, pause: Duration::from_secs(3) };
                lab.attach("EDK2", machine.mac, Patient::new(patience, start, begin))
            }
            1 => {
                let begin = move |attempt, at| Ipxe::new(again(attempt), Build::Rom, at);
                let patience = Patience { attempts: 12, pause: Duration::from_secs(3) };
                lab.attach("iPXE", machine.mac, Patient::new(patience, start, begin))
            }
            _ => lab.attach("laptop", machine.mac, Ordinary::new(machine, b"MSFT 5.0", start)),
        });
    }
    clients
}

#[test]
fn a_crashing_server_on_a_bad_network_keeps_every_promise() {
    let mut crashes = 0;
    let mut booted = 0;
    let mut all = 0;
    for seed in 0..40 {
        let place = if seed % 2 == 0 { Place::SameLan } else { Place::Relayed };
        let hardship = Hardship {
            commit: Duration::from_millis(1 + seed * 7 % 50),
            failing_permille: [0, 50, 300][seed as usize % 3],
            crash_every: Some(Duration::from_millis(700)),
            down: Duration::from_millis(250),
        };
        let mut lab = lab(seed, Impairment::bad(20), place, hardship, 200);
        let clients = swarm(&mut lab, 24);
        lab.world.run(&clients, common::PATIENCE);
        let report = lab.world.report();
        crashes += report.matches("crashes").count();
        all += clients.len();
        let fine = |client: &&_| {
            lab.world.outcome(**client).is_some_and(|outcome| outcome.boot().is_some())
        };
        booted += clients.iter().filter(fine).count();
        for sent in lab.world.capture().iter().filter(|sent| sent.sender == lab.server) {
            let Some(reply) = Reader::new(&sent.datagram.payload) else { continue };
            assert!(!lab_is_own(&reply), "our own address is given away\n{report}");
        }
    }
    assert!(crashes > 100, "{crashes} crashes try nothing");
    assert!(booted * 100 >= all * 90, "{booted} of {all} got there");
}

#[test]
fn addresses_that_others_use_are_not_offered() {
    let mut conflicts = 0;
    for seed in 0..20 {
        let place = if seed % 2 == 0 { Place::SameLan } else { Place::Relayed };
        let begin = |now, unix_ms| {
            let mut plan = plan(140);
            plan.allocator.probe = true;
            engine_of(plan, now, unix_ms)
        };
        let hosts = (100..=140).filter(|host| host % 3 == 0);
        let squatters = hosts.flat_map(|host| [[192, 0, 2, host], [198, 51, 100, host]]);
        let server = LeaseServer::new(seed, Hardship::default(), files, begin)
            .beside(squatters.map(std::net::Ipv4Addr::from));
        let impairment = if seed < 10 { Impairment::default() } else { Impairment::bad(20) };
        let mut lab = Lab::alone(seed, impairment, place, server);
        let clients = swarm(&mut lab, 12);
        lab.world.run(&clients, common::PATIENCE);
        let report = lab.world.report();
        for client in &clients {
            let outcome = lab.world.outcome(*client);
            assert!(outcome.is_some_and(|it| it.boot().is_some()), "seed {seed}\n{report}");
        }
        conflicts += report.matches("answers a probe").count();
    }
    assert!(conflicts > 40, "{conflicts} conflicts try nothing");
}

#[test]
fn a_server_that_is_behind_serves_those_first_who_have_an_offer() {
    let message = |kind: MessageType, xid| {
        let mut message = Message::new(Operation::BootRequest);
        message.set_hardware(HardwareType::ETHERNET, &[2, 0, 0, 0, 0, xid]).expect("six bytes");
        message.set_transaction_id(xid.into());
        message.push(OptionCode::MESSAGE_TYPE, &[kind.0]);
        message
    };
    let now = Instant::now();
    let mut engine = engine(200, now, 1_700_000_000_000);
    engine.handle_loaded();
    let (mut files, mut out) = (files(), Vec::new());
    let arrival = Arrival {
        source: "0.0.0.0:68".parse().expect("an address"),
        local: US.into(),
        interface: 1,
        mtu: None,
        unicast: Some(false),
    };
    let mut ask = |engine: &mut Engine, message: &Message| {
        let mut bytes = Vec::new();
        message.encode(SizeBudget::default(), &mut bytes).expect("short");
        engine.handle_datagram(now, SocketId::Dhcp, &arrival, &bytes, &mut files);
        engine.poll_transmit(now, &mut files, &mut out).is_some().then(|| out.clone())
    };
    let offer = ask(&mut engine, &message(MessageType::DISCOVER, 1)).expect("an offer");
    let offered = Reader::new(&offer).expect("a message").your_address();
    engine.set_behind(true);
    assert!(ask(&mut engine, &message(MessageType::DISCOVER, 2)).is_none());
    assert_eq!(engine.drops().lost, 1);
    let mut request = message(MessageType::REQUEST, 1);
    request.push(OptionCode::REQUESTED_ADDRESS, &offered.octets());
    request.push(OptionCode::SERVER_IDENTIFIER, &US.octets());
    assert!(ask(&mut engine, &request).is_none(), "it is not durable yet");
    assert_eq!(engine.poll_commit(now).map(|batch| batch.records.len()), Some(1));
    engine.set_behind(false);
    assert!(ask(&mut engine, &message(MessageType::DISCOVER, 2)).is_some(), "it is not forgotten");
}

#[test]
fn of_several_addresses_of_an_interface_the_one_of_the_subnet_answers() {
    let now = Instant::now();
    let mut engine = engine(200, now, 1_700_000_000_000);
    let own = [(1, [10, 0, 0, 1]), (2, [198, 51, 100, 1]), (1, US.octets())];
    let own = own.map(|(interface, address)| OwnAddress { interface, address: address.into() });
    engine.set_own_addresses(own.to_vec());
    engine.handle_loaded();
    let (mut files, mut out) = (files(), Vec::new());
    let mut discover = |xid, interface, unicast| {
        let mut message = Message::new(Operation::BootRequest);
        message.set_hardware(HardwareType::ETHERNET, &[2, 0, 0, 0, 0, xid]).expect("six bytes");
        message.push(OptionCode::MESSAGE_TYPE, &[MessageType::DISCOVER.0]);
        let mut bytes = Vec::new();
        message.encode(SizeBudget::default(), &mut bytes).expect("short");
        let arrival = Arrival {
            source: "0.0.0.0:68".parse().expect("an address"),
            // The kernel names the first of the interface.
            local: std::net::Ipv4Addr::new(10, 0, 0, 1).into(),
            interface,
            mtu: None,
            unicast,
        };
        engine.handle_datagram(now, SocketId::Dhcp, &arrival, &bytes, &mut files);
        engine.poll_transmit(now, &mut files, &mut out)?;
        let reply = Reader::new(&out)?;
        let server = reply.option(OptionCode::SERVER_IDENTIFIER.0)?.to_vec();
        Some((reply.your_address().octets()[0], server))
    };
    assert_eq!(discover(1, 1, Some(false)), Some((192, US.octets().to_vec())));
    assert_eq!(discover(2, 1, None), Some((192, US.octets().to_vec())));
    assert_eq!(discover(3, 2, Some(false)), Some((198, vec![198, 51, 100, 1])));
    assert_eq!(discover(4, 3, Some(false)), None, "no subnet is there");
    assert_eq!(discover(5, 1, Some(true)), None, "it was sent to the other address alone");
}

fn lab_is_own(reply: &Reader<'_>) -> bool {
    reply.your_address() == US
}

#[test]
fn who_finds_no_address_is_met_with_silence_and_never_with_a_nak() {
    let mut lab = lab(7, Impairment::default(), Place::SameLan, Hardship::default(), 103);
    let clients = swarm(&mut lab, 12);
    lab.world.run(&clients, common::PATIENCE);
    let booted = clients
        .iter()
        .filter(|client| lab.world.outcome(**client).is_some_and(|it| it.boot().is_some()));
    // Laptops give theirs back, so that others may have them.
    assert!(booted.count() >= 4, "{}", lab.world.report());
    for sent in lab.world.capture().iter().filter(|sent| sent.sender == lab.server) {
        let reply = Reader::new(&sent.datagram.payload);
        assert_ne!(reply.and_then(|it| it.message_type()), Some(NAK), "{}", lab.world.report());
    }
    assert!(lab.world.report().contains("all 4 addresses are in use"), "{}", lab.world.report());
}
