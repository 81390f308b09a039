//! Files sent to the server over bad networks.

use std::net::Ipv4Addr;
use std::time::Duration;

use pxe_sim::network::{Impairment, World};
use pxe_sim::tftp::case::{attach, content};
use pxe_sim::tftp::senders::{Habit, Sender};
use pxe_sim::tftp::server::TftpServer;
use pxe_sim::tftp::station::{End, Peer as _, SERVER, Shared, Station};
use pxe_sim::tftp::trial::seeds;
use pxe_tftp::ServerConfig;

const CLIENT: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 10);
const PATIENCE: Duration = Duration::from_secs(3600);
const EVENTS_MAX: usize = 3_000_000;
/// Loss, copies and reordering, in 1000.
const NETWORKS: [(u16, u16, u16); 6] =
    [(0, 0, 0), (10, 0, 0), (50, 0, 0), (0, 20, 0), (0, 0, 10), (20, 20, 20)];

struct Sent {
    end: Option<End>,
    data_sent: u64,
    stored: Vec<Vec<u8>>,
}

/// One upload, until nothing moves any more.
fn send(
    what: &str,
    seed: u64,
    (loss_permille, duplicate_permille, reorder_permille): (u16, u16, u16),
    sender: impl FnOnce(&World) -> Sender,
) -> Sent {
    let delay = Duration::from_millis(1);
    let impairment = Impairment {
        loss_permille,
        duplicate_permille,
        reorder_permille,
        delay_min: delay,
        delay_max: delay,
        ..Impairment::default()
    };
    let mut world = World::new(seed, impairment);
    world.be_quiet();
    let mut config = ServerConfig::default();
    config.uploads_max = 4;
    config.single_port = seed % 2 == 1;
    let server = Shared::new(TftpServer::new(config, Vec::new()));
    let station = Station::new(sender(&world), CLIENT, world.now(), None);
    let station = Shared::new(station);
    attach(&mut world, "server", SERVER, server.clone());
    attach(&mut world, "client", CLIENT, station.clone());
    let rests = world.run_until(PATIENCE, EVENTS_MAX, |_| false);
    assert!(rests && world.elapsed() < PATIENCE, "no end: {what}, seed {seed}");
    let now = world.now();
    server.change(|server| {
        assert_eq!(server.violation(), None, "{what}, seed {seed}");
        assert_eq!(server.leftover(now), None, "{what}, seed {seed}");
    });
    Sent {
        end: station.with(|station| station.peer.end().cloned()),
        data_sent: station.with(|station| station.peer.data_sent()),
        stored: server.with(|server| server.stored().to_vec()),
    }
}

#[test]
fn over_a_bad_network_the_file_arrives_once_and_whole() {
    let habits = [
        (Habit::Apprentice, 1),
        (Habit::Modern, 1),
        (Habit::Windows, 2),
        (Habit::Windows, 4),
        (Habit::Windows, 16),
        (Habit::Windows, 64),
    ];
    let (mut sent_in_all, mut unsure) = (0, 0);
    for round in seeds(1) {
        let mut seed = round * 1000;
        for (habit, window) in habits {
            for network in NETWORKS {
                for (block_size, extra) in
                    [(8, 0), (8, 3), (512, 0), (512, 3), (1468, 0), (1468, 3)]
                {
                    seed += 1;
                    let what = format!("{habit:?} window {window} block {block_size} {network:?}");
                    let file = content(seed, usize::from(block_size) * 120 + extra);
                    let sent = send(&what, seed, network, |world| {
                        Sender::new(world.now(), habit, file.clone(), block_size, window)
                    });
                    // Its last block may be acknowledged in vain until we no longer wait for it.
                    assert!(sent.end.is_some(), "{what}, seed {seed}");
                    unsure += u32::from(sent.end != Some(End::Whole));
                    sent_in_all += 1;
                    assert!(sent.stored == [file], "{what}, seed {seed}");
                    let clean = network == (0, 0, 0);
                    assert!(!clean || sent.data_sent == 121, "{}: {what}", sent.data_sent);
                }
            }
        }
    }
    assert!(unsure * 100 <= sent_in_all, "{unsure} of {sent_in_all} clients do not know");
}

#[test]
fn on_a_network_that_loses_most_every_upload_still_ends() {
    for seed in seeds(40) {
        let network = (100 + 20 * (seed % 40) as u16, 50, 100);
        let file = content(seed, 20 * 1468 + 5);
        let sent = send("most is lost", seed, network, |world| {
            Sender::new(world.now(), Habit::Windows, file.clone(), 1468, 8)
        });
        // The last acknowledgement may be lost for good: then we have it and the client does not know.
        assert!(sent.end.is_some(), "seed {seed}");
        assert!(sent.stored.iter().all(|stored| *stored == file), "seed {seed}");
        let known = sent.end == Some(End::Whole);
        assert!(!known || !sent.stored.is_empty(), "acknowledged and not stored: seed {seed}");
    }
}

#[test]
fn block_numbers_roll_over() {
    let file = content(90_000, 8 * 70_000 + 1);
    let sent = send("rollover", 90_000, (2, 0, 0), |world| {
        Sender::new(world.now(), Habit::Windows, file.clone(), 8, 32)
    });
    assert!(sent.stored == [file]);
}
