//! A port for each transfer, or one for all.

use super::*;

#[test]
fn one_port_serves_everybody_where_it_must() {
    let mut config = ServerConfig::default();
    config.single_port = true;
    let mut bench = Bench::with(config);
    let (first, second) = (peer(1), peer(2));
    for from in [first, second] {
        bench.accept(from, READ, content(1, 600)).unwrap();
    }
    assert_eq!(bench.drain().len(), 2, "each gets its first block");
    let acknowledge = |bench: &mut Bench, from, block: u8| {
        bench.server.handle_request(bench.now, from, &[0, 4, 0, block]).map(|_| ())
    };
    acknowledge(&mut bench, first, 1).unwrap();
    let sent = bench.drain();
    assert_eq!(sent.len(), 1);
    assert_eq!((sent[0].1, &sent[0].2[..4]), (first, &[0, 3, 0, 2][..]));
    // A client of a transfer that is over, or never was, is told so; an ERROR never is.
    let stranger = peer(3);
    assert_eq!(acknowledge(&mut bench, stranger, 1), Err(Dropped::UnknownTransfer));
    let sent = bench.drain();
    assert_eq!(sent.len(), 1);
    assert_eq!((sent[0].1, &sent[0].2[..4]), (stranger, &[0, 5, 0, 5][..]));
    assert!(bench.server.handle_request(bench.now, stranger, b"\0\x05\0\x05x\0").is_err());
    assert!(bench.drain().is_empty());
}

#[test]
fn the_request_port_takes_only_requests_where_transfers_have_their_own() {
    let mut bench = Bench::new();
    bench.accept(peer(1), READ, content(1, 600)).unwrap();
    bench.drain();
    let acknowledged = bench.server.handle_request(bench.now, peer(1), &[0, 4, 0, 1]);
    assert!(matches!(acknowledged, Err(Dropped::NotARequest)));
    assert!(bench.drain().is_empty());
}
