//! Many clients of one server, at once and one after another: nothing is left behind, and nothing grows.

use std::net::Ipv4Addr;
use std::time::Duration;

use pxe_sim::network::{Impairment, World};
use pxe_sim::tftp::case::{attach, content};
use pxe_sim::tftp::ours::Ours;
use pxe_sim::tftp::receivers::{Receiver, Style};
use pxe_sim::tftp::server::TftpServer;
use pxe_sim::tftp::station::{End, Peer, SERVER, Shared, Station};
use pxe_sim::tftp::trial::seeds;
use pxe_tftp::{ClientConfig, Event, FailureReason, ServerConfig};

const PATIENCE: Duration = Duration::from_secs(24 * 3600);
const EVENTS_MAX: usize = 3_000_000;

fn network(seed: u64, loss: u16) -> World {
    let delay = Duration::from_millis(1);
    let mut world = World::new(
        seed,
        Impairment {
            loss_permille: loss,
            duplicate_permille: loss / 2,
            reorder_permille: loss / 2,
            delay_min: delay,
            delay_max: delay,
            ..Impairment::default()
        },
    );
    world.be_quiet();
    world
}

fn address(number: usize) -> Ipv4Addr {
    Ipv4Addr::new(192, 0, 2, 2 + number as u8)
}

/// Clients of ours that all begin now.
fn at_once(world: &mut World, count: usize) -> Vec<Shared<Station<Ours>>> {
    let now = world.now();
    let begin = |number| {
        let peer = Ours::new(now, ClientConfig::default());
        let station = Shared::new(Station::new(peer, address(number), now, None));
        attach(world, "client", address(number), station.clone());
        station
    };
    (0..count).map(begin).collect()
}

/// The world at rest, and what there is to say against the server.
#[track_caller]
fn rest(world: &mut World, server: &Shared<TftpServer>, seed: u64) {
    assert!(world.run_until(PATIENCE, EVENTS_MAX, |_| false), "no rest: seed {seed}");
    let now = world.now();
    server.change(|server| {
        assert_eq!(server.violation(), None, "seed {seed}");
        assert_eq!(server.leftover(now), None, "seed {seed}");
    });
}

fn ends<P: Peer>(stations: &[Shared<Station<P>>], wanted: impl Fn(&End) -> bool) -> usize {
    let ended = |station: &&Shared<Station<P>>| {
        station.with(|station| station.peer.end().is_some_and(&wanted))
    };
    stations.iter().filter(ended).count()
}

#[test]
fn many_at_once_share_the_server() {
    const CLIENTS: usize = 200;
    for seed in seeds(1) {
        for single_port in [false, true] {
            let mut world = network(seed, 10);
            let mut config = ServerConfig::default();
            config.single_port = single_port;
            let file = content(seed, 100_000);
            let server = Shared::new(TftpServer::new(config, file.clone()));
            attach(&mut world, "server", SERVER, server.clone());
            let stations = at_once(&mut world, CLIENTS);
            rest(&mut world, &server, seed);
            assert_eq!(ends(&stations, |end| *end == End::Whole), CLIENTS, "seed {seed}");
            let whole = |station: &Shared<Station<Ours>>| {
                station.with(|station| station.peer.content() == file)
            };
            assert!(stations.iter().all(whole), "seed {seed}");
            let finished = server.with(|server| {
                server.events().iter().filter(|e| matches!(e, Event::Finished { .. })).count()
            });
            // A late copy of a request may have begun a transfer that nobody wants; each client has one that
            // finished.
            assert!(finished >= CLIENTS, "seed {seed}");
        }
    }
}

/// A server that may have few transfers serves any number of clients, one after another, however the ones before
/// ended: had it kept the count of one, or its place, it would be full soon.
#[test]
fn whatever_became_of_the_last_there_is_room_for_the_next() {
    const CLIENTS: usize = 150;
    for seed in seeds(2) {
        let mut world = network(seed, 30);
        let mut config = ServerConfig::default();
        config.transfers_max = 4;
        config.transfers_per_prefix_max = 4;
        config.unproven_per_prefix_max = 3;
        config.single_port = seed % 2 == 1;
        let server = Shared::new(TftpServer::new(config, content(seed, 20_000)));
        attach(&mut world, "server", SERVER, server.clone());
        let stations: Vec<_> = (0..CLIENTS)
            .map(|number| {
                let (style, _) = Style::ALL[number % Style::ALL.len()];
                let start = world.now() + Duration::from_secs(200) * number as u32;
                let peer = Receiver::new(start, style, 512, 4);
                // Two of three go in the middle, or before the first acknowledgement.
                let hears = (number % 3 > 0).then_some((number % 30) as u32);
                let station = Station::new(peer, address(number), start, hears);
                let station = Shared::new(station);
                attach(&mut world, "client", address(number), station.clone());
                station
            })
            .collect();
        rest(&mut world, &server, seed);
        let stayed = CLIENTS.div_ceil(3);
        assert!(ends(&stations, |end| *end == End::Whole) >= stayed, "seed {seed}");
        let index_max = server.with(TftpServer::index_max);
        assert!(index_max < 4, "a transfer at place {index_max}: seed {seed}");
    }
}

/// More at once than may be: the others are told so, and nothing of them is kept.
#[test]
fn those_for_whom_there_is_no_room_are_told() {
    const CLIENTS: usize = 40;
    for seed in seeds(4) {
        let mut world = network(seed, 20);
        let mut config = ServerConfig::default();
        config.transfers_max = 10;
        let server = Shared::new(TftpServer::new(config, content(seed, 50_000)));
        attach(&mut world, "server", SERVER, server.clone());
        let stations = at_once(&mut world, CLIENTS);
        rest(&mut world, &server, seed);
        let busy = |end: &End| matches!(end, End::Failed(why) if why.contains("busy"));
        let (whole, busy) = (ends(&stations, |end| *end == End::Whole), ends(&stations, busy));
        assert_eq!(whole + busy, CLIENTS, "seed {seed}");
        assert!(whole >= 10 && busy > 0, "{whole} and {busy}: seed {seed}");
        assert!(server.with(TftpServer::index_max) < 10, "seed {seed}");
    }
}

/// A forged request leads to a server that talks to itself for a while, and to no more.
#[test]
fn requests_of_nobody_age_out() {
    let mut world = network(0, 0);
    let server = Shared::new(TftpServer::new(ServerConfig::default(), content(0, 50_000)));
    attach(&mut world, "server", SERVER, server.clone());
    for number in 0..100 {
        let now = world.now();
        let peer = Receiver::new(now, Style::Edk2, 1468, 64);
        let station = Station::new(peer, address(number), now, Some(0));
        attach(&mut world, "nobody", address(number), station);
    }
    rest(&mut world, &server, 0);
    let never = server.with(|server| {
        let reason = |event: &&Event| {
            matches!(event, Event::Failed { reason: FailureReason::NeverAcknowledged, .. })
        };
        server.events().iter().filter(reason).count()
    });
    assert_eq!(never, 100);
    assert!(world.elapsed() <= Duration::from_secs(7), "{:?}", world.elapsed());
}
