//! What the client does about each thing that can come.

use core::net::SocketAddr;
use core::time::Duration;
use std::time::Instant;

use pxe_tftp::{Client, ClientConfig, ErrorCode, Packet, TransferError, limits};

const REQUEST: &[u8] = b"\0\x01file\0octet\0tsize\x000\0blksize\x001448\0windowsize\x0016\0";

fn server(port: u16) -> SocketAddr {
    SocketAddr::from(([192, 0, 2, 1], port))
}

fn data(block: u16, payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    Packet::Data { block, payload }.encode(&mut out);
    out
}

fn begin() -> (Instant, Client) {
    let now = Instant::now();
    (now, Client::new(now, server(69), b"file", ClientConfig::default()).unwrap())
}

fn sent(client: &mut Client, now: Instant) -> Option<(SocketAddr, Vec<u8>)> {
    let mut out = Vec::new();
    let to = client.poll_transmit(now, &mut out)?;
    Some((to, out))
}

fn code(datagram: &[u8]) -> ErrorCode {
    match Packet::parse(datagram) {
        Ok(Packet::Error { code, .. }) => code,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_read_from_start_to_end() {
    let (now, mut client) = begin();
    assert_eq!(sent(&mut client, now), Some((server(69), REQUEST.to_vec())));
    assert_eq!(sent(&mut client, now), None);
    let answer = b"\0\x06tsize\x007\0blksize\x008\0windowsize\x002\0";
    assert_eq!(client.handle_datagram(now, server(4000), answer), Ok(None));
    assert_eq!(client.transfer_size(), Some(7));
    assert_eq!((client.block_size(), client.window_size()), (Some(8), Some(2)));
    assert_eq!(sent(&mut client, now), Some((server(4000), b"\0\x04\0\0".to_vec())));
    let datagram = data(1, b"1234567");
    let chunk = client.handle_datagram(now, server(4000), &datagram).unwrap().unwrap();
    assert_eq!((chunk.offset, chunk.payload, chunk.last), (0, &b"1234567"[..], true));
    assert_eq!(sent(&mut client, now), Some((server(4000), b"\0\x04\0\x01".to_vec())));
    assert!(client.is_complete() && !client.is_over());
    // The server missed the acknowledgement.
    let later = now + Duration::from_secs(1);
    assert_eq!(client.handle_datagram(later, server(4000), &datagram), Ok(None));
    assert_eq!(sent(&mut client, later), Some((server(4000), b"\0\x04\0\x01".to_vec())));
    let end = client.poll_timeout().unwrap();
    client.handle_timeout(end).unwrap();
    assert!(client.is_complete() && client.is_over());
    assert_eq!(client.poll_timeout(), None);
}

#[test]
fn a_server_without_options() {
    let (now, mut client) = begin();
    sent(&mut client, now);
    let datagram = data(1, &[7; 512]);
    let chunk = client.handle_datagram(now, server(4000), &datagram).unwrap().unwrap();
    assert!(!chunk.last);
    assert_eq!(client.window_size(), Some(1));
    assert_eq!(sent(&mut client, now), Some((server(4000), b"\0\x04\0\x01".to_vec())));
    let datagram = data(2, b"");
    let chunk = client.handle_datagram(now, server(4000), &datagram).unwrap().unwrap();
    assert_eq!((chunk.offset, chunk.last), (512, true));
}

#[test]
fn the_request_is_repeated_until_patience_ends() {
    let (start, mut client) = begin();
    let mut requests = 0;
    let error = loop {
        requests += u32::from(sent(&mut client, start).is_some());
        let deadline = client.poll_timeout().unwrap();
        if let Err(error) = client.handle_timeout(deadline) {
            break error;
        }
        assert!(client.poll_timeout().unwrap() > deadline);
    };
    assert_eq!(error, TransferError::TimedOut);
    assert_eq!(requests, limits::CLIENT_TRIES_MAX);
    assert!(client.is_over());
    assert_eq!(sent(&mut client, start), None);
}

#[test]
fn errors_end_it() {
    let (now, mut client) = begin();
    let error = client.handle_datagram(now, server(69), b"\0\x05\0\x01no such file\0").unwrap_err();
    let TransferError::Remote { code, message } = error else { panic!("{error}") };
    assert_eq!((code, message.as_bytes()), (ErrorCode::FILE_NOT_FOUND, &b"no such file"[..]));
    assert!(client.is_over());
    assert_eq!(sent(&mut client, now), None, "an ERROR is never answered");
}

#[test]
fn an_answer_with_other_options_is_refused() {
    let (now, mut client) = begin();
    sent(&mut client, now);
    let answer = b"\0\x06blksize\x002000\0";
    let error = client.handle_datagram(now, server(4000), answer);
    assert_eq!(error, Err(TransferError::OptionNegotiation));
    let (to, datagram) = sent(&mut client, now).unwrap();
    assert_eq!((to, code(&datagram)), (server(4000), ErrorCode::OPTION_NEGOTIATION));
    assert!(client.is_over());
}

#[test]
fn strangers_get_error_5_and_harm_nothing() {
    let (now, mut client) = begin();
    sent(&mut client, now);
    // Before the server answered, its other addresses are ignored.
    let stranger = SocketAddr::from(([192, 0, 2, 99], 4000));
    assert_eq!(client.handle_datagram(now, stranger, &data(1, b"x")), Ok(None));
    assert_eq!(sent(&mut client, now), None);
    client.handle_datagram(now, server(4000), b"\0\x06blksize\x008\0").unwrap();
    sent(&mut client, now);
    for _ in 0..5 {
        // A second transfer, from a copy of the request.
        client.handle_datagram(now, server(4001), b"\0\x06blksize\x008\0").unwrap();
    }
    let (to, datagram) = sent(&mut client, now).unwrap();
    assert_eq!((to, code(&datagram)), (server(4001), ErrorCode::UNKNOWN_TRANSFER_ID));
    assert_eq!(sent(&mut client, now), None);
    assert_eq!(client.handle_datagram(now, server(4001), b"\0\x05\0\0\0"), Ok(None));
    assert!(client.handle_datagram(now, server(4000), &data(1, b"x")).unwrap().is_some());
}

#[test]
fn blocks_that_are_too_large_and_sizes_that_are_wrong_are_errors() {
    let (now, mut client) = begin();
    client.handle_datagram(now, server(4000), b"\0\x06blksize\x008\0").unwrap();
    let error = client.handle_datagram(now, server(4000), &data(1, &[0; 9])).unwrap_err();
    assert_eq!(error, TransferError::BlockTooLarge(9));
    let (now, mut client) = begin();
    client.handle_datagram(now, server(4000), b"\0\x06tsize\x009\0").unwrap();
    let error = client.handle_datagram(now, server(4000), &data(1, &[0; 8])).unwrap_err();
    assert_eq!(error, TransferError::SizeMismatch { announced: 9, received: 8 });
}

#[test]
fn the_size_alone_can_be_asked_for() {
    let (now, mut client) = begin();
    client.handle_datagram(now, server(4000), b"\0\x06tsize\x009\0").unwrap();
    assert_eq!(client.transfer_size(), Some(9));
    client.abort(ErrorCode::OPTION_NEGOTIATION, "size only");
    let (to, datagram) = sent(&mut client, now).unwrap();
    assert_eq!((to, code(&datagram)), (server(4000), ErrorCode::OPTION_NEGOTIATION));
    assert!(client.is_over());
}

#[test]
fn names_that_cannot_be_sent_are_refused() {
    let now = Instant::now();
    assert!(Client::new(now, server(69), b"a\0b", ClientConfig::default()).is_err());
    assert!(Client::new(now, server(69), &[b'a'; 600], ClientConfig::default()).is_err());
}
