//! How transfers end, and what is told of them.

use super::*;

#[test]
fn a_missing_last_acknowledgement_is_success() {
    let mut bench = Bench::new();
    let id = bench.accept(peer(2000), READ_OPTIONS, content(9, 150)).unwrap();
    bench.drain();
    bench.ack(id, peer(2000), 0).unwrap();
    let sent = bench.wait(Duration::from_secs(60));
    assert_eq!(sent.len(), 2 * (1 + limits::FINAL_RESENDS_MAX as usize));
    let last = bench.events().pop();
    assert!(matches!(last, Some(Event::Finished { last_ack_missing: true, bytes: 150, .. })));
    // The same if the client is gone.
    let id = bench.accept(peer(2000), READ_OPTIONS, content(9, 150)).unwrap();
    bench.drain();
    bench.ack(id, peer(2000), 0).unwrap();
    bench.drain();
    bench.server.handle_unreachable(bench.now, id);
    let last = bench.events().pop();
    assert!(matches!(last, Some(Event::Finished { last_ack_missing: true, .. })));
}

#[test]
fn a_closed_port_ends_the_transfer_at_once() {
    let mut bench = Bench::new();
    let id = bench.accept(peer(2000), READ_OPTIONS, content(9, 5000)).unwrap();
    bench.drain();
    bench.server.handle_unreachable(bench.now, id);
    assert_eq!(bench.reason(), FailureReason::Unreachable);
    bench.server.handle_unreachable(bench.now, id);
    assert_eq!(bench.events(), []);
}

#[test]
fn probes_end_well_and_errors_do_not() {
    let mut bench = Bench::new();
    let id = bench.accept(peer(2000), READ_OPTIONS, content(10, 5000)).unwrap();
    bench.drain();
    bench.send_error(id, peer(2000), 8, b"User aborted the transfer");
    let ended = bench.events();
    assert!(matches!(ended[..], [Event::ProbeEnded { bytes: 0, .. }]), "{ended:?}");
    // GRUB closes in the middle.
    let id = bench.accept(peer(2000), READ_OPTIONS, content(10, 5000)).unwrap();
    bench.drain();
    bench.ack(id, peer(2000), 0).unwrap();
    bench.drain();
    bench.ack(id, peer(2000), 4).unwrap();
    bench.send_error(id, peer(2000), 0, b"closed");
    let ended = bench.events();
    assert!(matches!(ended[..], [Event::Started { .. }, Event::ProbeEnded { bytes: 400, .. }]));
    let id = bench.accept(peer(2000), READ_OPTIONS, content(10, 5000)).unwrap();
    bench.drain();
    bench.send_error(id, peer(2000), 3, b"no room");
    let FailureReason::ClientError { code, message } = bench.reason() else { panic!("an error") };
    assert_eq!((code, message.as_bytes()), (ErrorCode::DISK_FULL, &b"no room"[..]));
    // A late copy of a request: the client is served by another transfer and says so.
    let id = bench.accept(peer(2000), READ_OPTIONS, content(10, 5000)).unwrap();
    bench.drain();
    bench.send_error(id, peer(2000), 5, b"");
    assert_eq!(bench.reason(), FailureReason::UnwantedCopy);
    assert_eq!(bench.drain(), [], "an ERROR is never answered");
}

#[test]
fn a_file_that_shrinks_ends_in_an_error_not_in_padding() {
    let mut bench = Bench::new();
    let id = bench.accept(peer(2000), READ_OPTIONS, content(11, 5000)).unwrap();
    bench.drain();
    bench.ack(id, peer(2000), 0).unwrap();
    assert_eq!(bench.blocks(), [1, 2, 3, 4]);
    bench.files.0[id.index()].truncate(650);
    bench.ack(id, peer(2000), 4).unwrap();
    let (port, to, code) = bench.error();
    assert_eq!((port, to, code), (LocalPort::Transfer(id), peer(2000), ErrorCode::NOT_DEFINED));
    assert_eq!(bench.reason(), FailureReason::ContentChanged);
}

#[test]
fn an_unreadable_file_ends_in_an_error() {
    struct Broken;
    impl BlockSource for Broken {
        fn read_at(&mut self, _: TransferId, _: u64, _: &mut [u8]) -> Result<usize, ReadFailure> {
            Err(ReadFailure::Failed)
        }
    }
    let mut bench = Bench::new();
    bench.accept(peer(2000), READ, content(11, 5000)).unwrap();
    let transmit = bench.server.poll_transmit(bench.now, &mut Broken, &mut bench.out).unwrap();
    assert_eq!(transmit.peer, peer(2000));
    assert!(matches!(Packet::parse(&bench.out), Ok(Packet::Error { .. })));
    assert_eq!(bench.reason(), FailureReason::ContentFailed);
}

#[test]
fn the_end_is_told_after_the_last_words() {
    let mut bench = Bench::new();
    let id = bench.accept(peer(2000), READ_OPTIONS, content(12, 5000)).unwrap();
    bench.drain();
    bench.server.abort(bench.now, id, ErrorCode::NOT_DEFINED, "shutting down");
    assert_eq!(bench.events(), []);
    let sent = bench.drain();
    let expected = b"\0\x05\0\0shutting down\0".to_vec();
    assert_eq!(sent, [(LocalPort::Transfer(id), peer(2000), expected)]);
    assert_eq!(bench.reason(), FailureReason::Aborted(ErrorCode::NOT_DEFINED));
}

#[test]
fn a_long_transfer_tells_its_progress_now_and_then() {
    let mut bench = Bench::new();
    let id = bench.accept(peer(1), READ, content(1, 10_000)).unwrap();
    bench.drain();
    let mut told = Vec::new();
    for block in 1..=15 {
        bench.wait(Duration::from_millis(900));
        bench.ack(id, peer(1), block).unwrap();
        bench.drain();
        told.extend(bench.events().into_iter().filter_map(|event| match event {
            Event::Progress { bytes, size, .. } => Some((bytes, size)),
            _ => None,
        }));
    }
    assert_eq!(told, [(6 * 512, 10_000), (12 * 512, 10_000)]);
}
