//! Many transfers at once: places, limits, turns.

use super::*;

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
