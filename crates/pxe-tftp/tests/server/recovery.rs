//! Losses, repetitions and strangers: what is sent again, and when.

use super::*;

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
