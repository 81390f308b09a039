//! Requests: what begins a transfer, and what is refused.

use super::*;

#[test]
fn a_read_with_options_from_start_to_end() {
    let mut bench = Bench::new();
    let file = content(1, 950);
    let id = bench.accept(peer(2000), READ_OPTIONS, file.clone()).unwrap();
    let sent = bench.drain();
    let option_ack = b"\0\x06tsize\x00950\0blksize\x00100\0windowsize\x004\0".to_vec();
    assert_eq!(sent, [(LocalPort::Transfer(id), peer(2000), option_ack)]);
    assert_eq!(bench.events(), []);
    bench.ack(id, peer(2000), 0).unwrap();
    let [Event::Started { transfer, size: 950, block_size: 100, window_size: 4, .. }] =
        bench.events()[..]
    else {
        panic!("started")
    };
    assert_eq!(transfer, id);
    let transmit = bench.transmit().unwrap();
    assert_eq!(transmit.segment_bytes, Some(104));
    assert_eq!(bench.out.len(), 4 * 104);
    assert_eq!(bench.out[4..104], file[..100]);
    assert_eq!(bench.out[3 * 104..3 * 104 + 4], [0, 3, 0, 4]);
    assert!(bench.transmit().is_none());
    bench.ack(id, peer(2000), 4).unwrap();
    assert_eq!(bench.blocks(), [5, 6, 7, 8]);
    bench.ack(id, peer(2000), 8).unwrap();
    let transmit = bench.transmit().unwrap();
    assert_eq!(transmit.segment_bytes, Some(104));
    assert_eq!(bench.out.len(), 104 + 54, "the last one is shorter");
    bench.now += 7 * MS;
    bench.ack(id, peer(2000), 10).unwrap();
    assert!(bench.transmit().is_none());
    let [Event::Finished { bytes: 950, blocks_sent: 10, blocks_resent: 0, elapsed, .. }] =
        bench.events()[..]
    else {
        panic!("finished")
    };
    assert_eq!(elapsed, 7 * MS);
    assert_eq!(bench.ack(id, peer(2000), 10), Err(Dropped::UnknownTransfer));
    assert_eq!(bench.server.poll_timeout(), None);
    assert_eq!(bench.server.transfers(), 0);
}

#[test]
fn files_of_odd_sizes_end_as_they_should() {
    for (size, sizes) in [
        (0, vec![0]),
        (1, vec![1]),
        (511, vec![511]),
        (512, vec![512, 0]),
        (513, vec![512, 1]),
        (1024, vec![512, 512, 0]),
    ] {
        let mut bench = Bench::new();
        let id = bench.accept(peer(2000), READ, content(2, size)).unwrap();
        let mut got = Vec::new();
        for block in 1.. {
            let sent = bench.drain();
            let [(_, _, datagram)] = &sent[..] else { break };
            let Ok(Packet::Data { block: number, payload }) = Packet::parse(datagram) else {
                panic!("DATA")
            };
            assert_eq!(number, block);
            got.push(payload.len());
            bench.ack(id, peer(2000), block).unwrap();
        }
        assert_eq!(got, sizes);
        assert!(matches!(bench.events().last(), Some(Event::Finished { .. })));
    }
}

#[test]
fn a_flood_of_one_request_is_answered_now_and_then() {
    let mut bench = Bench::new();
    bench.accept(peer(2000), READ, content(3, 100_000)).unwrap();
    let mut sent = bench.drain().len();
    for _ in 0..1000 {
        bench.now += MS;
        assert!(bench.server.handle_request(bench.now, peer(2000), READ).unwrap().is_none());
        sent += bench.drain().len();
    }
    assert_eq!(sent, 1 + 20);
    // From many ports of one address: a few transfers, and refusals no larger than the requests.
    let mut busy = 0;
    for port in 3000..4000 {
        busy += u32::from(bench.accept(peer(port), READ, content(3, 100_000)).is_err());
    }
    assert_eq!(busy, 1000 - u32::from(limits::UNPROVEN_PER_ADDRESS_MAX) + 1);
    for (port, _, datagram) in bench.drain() {
        assert!(port != LocalPort::Listener || datagram.len() <= READ.len());
    }
}

#[test]
fn a_client_that_begins_anew_from_its_port_is_served() {
    let mut bench = Bench::new();
    let first = bench.accept(peer(2001), READ_OPTIONS, content(5, 950)).unwrap();
    bench.drain();
    bench.ack(first, peer(2001), 0).unwrap();
    bench.drain();
    // The same request after some quiet: it was reset.
    bench.wait(3 * limits::RESTART_QUIET_MIN);
    let second = bench.accept(peer(2001), READ_OPTIONS, content(5, 950)).unwrap();
    assert_ne!(first, second);
    assert_eq!(bench.reason(), FailureReason::Superseded);
    // Another file at once: SLOF uses one port for everything.
    let other = b"\0\x01other\0octet\0";
    bench.accept(peer(2001), other, content(5, 1)).unwrap();
    assert_eq!(bench.reason(), FailureReason::Superseded);
    assert_eq!(bench.server.transfers(), 1);
}

#[test]
fn write_requests_and_what_cannot_be_read_get_an_error() {
    let mut bench = Bench::new();
    for (datagram, code) in [
        (&b"\0\x02file\0octet\0"[..], ErrorCode::ACCESS_VIOLATION),
        (b"\0\x01file\0mail\0", ErrorCode::ILLEGAL_OPERATION),
        (b"\0\x01file\0image\0", ErrorCode::ILLEGAL_OPERATION),
        (b"\0\x01file\0octet", ErrorCode::ILLEGAL_OPERATION),
        (b"\0\x02file", ErrorCode::ILLEGAL_OPERATION),
    ] {
        let handled = bench.server.handle_request(bench.now, peer(2000), datagram);
        assert!(handled.unwrap().is_none());
        assert_eq!(bench.error(), (LocalPort::Listener, peer(2000), code));
    }
    for dropped in [&b""[..], b"\0", b"\0\x09", b"\0\x04\0\0", b"\0\x05\0\0x\0", b"\0\x03\0\x01x"] {
        assert!(bench.server.handle_request(bench.now, peer(2000), dropped).is_err());
        assert_eq!(bench.drain(), []);
    }
    for source in
        ["255.255.255.255:2000", "0.0.0.0:2000", "224.0.0.1:2000", "192.0.2.1:0", "[ff02::1]:2000"]
    {
        let source: SocketAddr = source.parse().unwrap();
        let handled = bench.server.handle_request(bench.now, source, READ);
        assert!(matches!(handled, Err(Dropped::Source)), "{source}");
    }
}

#[test]
fn rejections_say_what_the_driver_says() {
    let mut bench = Bench::new();
    let request = bench.request(peer(2000), READ_OPTIONS);
    bench.server.reject(bench.now, request, ErrorCode::FILE_NOT_FOUND, "file not found");
    let sent = bench.drain();
    let expected = b"\0\x05\0\x01file not found\0".to_vec();
    assert_eq!(sent, [(LocalPort::Listener, peer(2000), expected)]);
    let request = bench.request(peer(2000), READ);
    bench.server.ignore(request);
    assert_eq!(bench.drain(), []);
    assert_eq!(bench.server.transfers(), 0);
}

#[test]
fn limits_of_the_path_and_of_the_family_bound_the_options() {
    let mut bench = Bench::new();
    let asked = b"\0\x01file\0octet\0blksize\x001468\0windowsize\x0064\0";
    let six: SocketAddr = "[2001:db8::1]:2000".parse().unwrap();
    bench.accept(six, asked, Vec::new()).unwrap();
    assert_eq!(bench.drain()[0].2, b"\0\x06blksize\x001448\0windowsize\x0064\0");
    let request = bench.request(peer(2000), asked);
    let mut info = ContentInfo::new(0);
    (info.block_size_max, info.window_size_max) = (Some(1000), Some(8));
    bench.server.accept(bench.now, request, info).unwrap();
    assert_eq!(bench.drain()[0].2, b"\0\x06blksize\x001000\0windowsize\x008\0");
}
