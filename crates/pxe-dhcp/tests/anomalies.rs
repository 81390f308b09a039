//! Every oddity is kept, listed with its place, and fatal in strict decoding only.

use pxe_dhcp::AnomalyKind::{self, *};
use pxe_dhcp::{Area, DecodeErrorKind, MessageKind, MessageType, MessageView, OptionCode};

const COOKIE: [u8; 4] = [99, 130, 83, 99];
/// Where the options begin.
const OPTIONS: usize = 240;
const FILE: usize = 108;
const SNAME: usize = 44;

/// An Ethernet request with these bytes behind the magic cookie.
fn datagram(options: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0; 236];
    bytes[..3].copy_from_slice(&[1, 1, 6]);
    bytes[28..34].copy_from_slice(&[0x52, 0x54, 0, 0xaa, 0, 1]);
    bytes.extend_from_slice(&COOKIE);
    bytes.extend_from_slice(options);
    bytes
}

fn anomalies(bytes: &[u8]) -> Vec<(usize, AnomalyKind)> {
    let view = MessageView::parse(bytes).expect("a decodable message");
    let found: Vec<_> = view.anomalies().map(|it| (it.offset, it.kind)).collect();
    let strict = MessageView::parse_strict(bytes).map(|_| ()).map_err(|error| {
        let DecodeErrorKind::Anomaly(kind) = error.kind else {
            panic!("strict decoding refuses otherwise: {error}");
        };
        (error.offset, kind)
    });
    assert_eq!(strict.err(), found.first().copied());
    found
}

#[track_caller]
fn assert_only(bytes: &[u8], offset: usize, kind: AnomalyKind) {
    assert_eq!(anomalies(bytes), [(offset, kind)]);
}

/// Checks what is found in options that begin with a DISCOVER; offsets count from behind it.
#[track_caller]
fn assert_in_options(options: &[u8], offset: usize, kind: AnomalyKind) {
    let mut bytes = vec![53, 1, 1];
    bytes.extend_from_slice(options);
    assert_only(&datagram(&bytes), OPTIONS + 3 + offset, kind);
}

#[test]
fn a_clean_message_has_none() {
    assert_eq!(anomalies(&datagram(&[53, 1, 1, 0, 0, 61, 2, 0, 9, 255, 0, 0])), []);
}

#[test]
fn only_three_faults_make_a_datagram_undecodable() {
    let fault = |bytes: &[u8]| {
        let error = MessageView::parse(bytes).map(|_| ()).unwrap_err();
        (error.offset, error.kind)
    };
    let clean = datagram(&[53, 1, 1, 255]);
    for cut in 0..236 {
        let kind = DecodeErrorKind::HeaderTruncated;
        assert_eq!(fault(&clean[..cut]), (cut, kind));
    }
    for operation in [0, 3, 255] {
        let mut bytes = clean.clone();
        bytes[0] = operation;
        let kind = DecodeErrorKind::Operation(operation);
        assert_eq!(fault(&bytes), (0, kind));
    }
    for length in [17, 255] {
        let mut bytes = clean.clone();
        bytes[2] = length;
        let kind = DecodeErrorKind::HardwareAddressLength(length);
        assert_eq!(fault(&bytes), (2, kind));
    }
}

#[test]
fn in_the_header() {
    let clean = datagram(&[53, 1, 1, 255]);
    let mut bytes = clean.clone();
    bytes[2] = 0;
    assert_only(&bytes, 2, HardwareAddressMissing);
    bytes[1] = 32;
    assert_eq!(anomalies(&bytes), [], "InfiniBand has no address in chaddr");
    let mut bytes = clean;
    bytes[10..12].copy_from_slice(&[0xff, 0x80]);
    assert_only(&bytes, 10, ReservedFlags(0x7f80));
    assert!(MessageView::parse(&bytes).expect("a message").flags().broadcast());
}

#[test]
fn a_guid_as_hardware_address_is_none() {
    let mut bytes = datagram(&[53, 1, 1, 255]);
    bytes[2] = 16;
    assert_eq!(anomalies(&bytes), []);
    assert_eq!(MessageView::parse(&bytes).expect("a message").hardware_address().len(), 16);
}

#[test]
fn at_the_end() {
    assert_in_options(&[], 0, EndMissing(Area::Options));
    assert_in_options(&[0, 0], 2, EndMissing(Area::Options));
    assert_in_options(&[255, 0, 0, 7, 0], 3, AfterEnd(Area::Options));
    assert_in_options(&[12], 0, Truncated(OptionCode::HOST_NAME));
    assert_in_options(&[12, 3, b'a', b'b'], 0, Truncated(OptionCode::HOST_NAME));
}

#[test]
fn what_precedes_a_truncated_option_is_read() {
    let bytes = datagram(&[53, 1, 1, 60, 2, b'a', b'b', 12, 200, 1]);
    let view = MessageView::parse(&bytes).expect("a message");
    assert_eq!(view.message_type(), Some(MessageType::DISCOVER));
    assert_eq!(view.first(OptionCode::VENDOR_CLASS), Some(&b"ab"[..]));
    assert_eq!(view.first(OptionCode::HOST_NAME), None);
}

#[test]
fn lengths_of_known_options() {
    let length = |code, bytes| Length { code: OptionCode(code), bytes };
    assert_in_options(&[12, 0, 255], 0, ZeroLength(OptionCode::HOST_NAME));
    assert_in_options(&[200, 0, 255], 0, ZeroLength(OptionCode(200)));
    assert_in_options(&[1, 3, 255, 255, 255, 255], 0, length(1, 3));
    assert_in_options(&[6, 5, 1, 2, 3, 4, 5, 255], 0, length(6, 5));
    assert_in_options(&[57, 1, 9, 255], 0, length(57, 1));
    assert_in_options(&[61, 1, 0, 255], 0, length(61, 1));
    assert_in_options(&[93, 3, 0, 0, 7, 255], 0, length(93, 3));
    assert_in_options(&[97, 2, 0, 7, 255], 0, length(97, 2));
    assert_in_options(&[121, 4, 0, 1, 2, 3, 255], 0, length(121, 4));
    // Rapid Commit is the one option whose length is zero.
    let mut rapid = vec![53, 1, 1, 80, 0, 255];
    assert_eq!(anomalies(&datagram(&rapid)), []);
    rapid.splice(4..5, [1, 9]);
    assert_only(&datagram(&rapid), OPTIONS + 3, length(80, 1));
}

#[test]
fn lengths_are_those_of_joined_values() {
    // Two addresses split inside the first: legal by RFC 3396.
    assert_eq!(anomalies(&datagram(&[53, 1, 1, 6, 3, 1, 2, 3, 6, 5, 4, 5, 6, 7, 8, 255])), []);
    // Two message types join to two bytes; reported once, at the first.
    let bytes = datagram(&[53, 1, 1, 53, 1, 3, 255]);
    assert_only(&bytes, OPTIONS, Length { code: OptionCode::MESSAGE_TYPE, bytes: 2 });
    let view = MessageView::parse(&bytes).expect("a message");
    assert_eq!(view.message_type(), Some(MessageType::DISCOVER), "the first one counts");
}

/// Found by fuzzing: the joined value of these is one octet, whatever the first instance says.
#[test]
fn empty_instances_of_the_message_type_do_not_count() {
    let empty = ZeroLength(OptionCode::MESSAGE_TYPE);
    let bytes = datagram(&[53, 0, 53, 1, 3, 255]);
    assert_only(&bytes, OPTIONS, empty);
    let view = MessageView::parse(&bytes).expect("a message");
    assert_eq!(view.message_type(), Some(MessageType::REQUEST));
    assert_eq!(view.boot_facts().message_type, Some(MessageType::REQUEST));
    let mut bytes = datagram(&[53, 0, 52, 0, 52, 1, 1, 255]);
    bytes[FILE..FILE + 4].copy_from_slice(&[53, 1, 3, 255]);
    let view = MessageView::parse(&bytes).expect("a message");
    assert_eq!(view.message_type(), Some(MessageType::REQUEST));
    let bytes = datagram(&[53, 0, 255]);
    let view = MessageView::parse(&bytes).expect("a message");
    assert_eq!((view.kind(), view.message_type()), (MessageKind::Dhcp, None));
}

#[test]
fn values() {
    assert_only(&datagram(&[53, 1, 99, 255]), OPTIONS, AnomalyKind::MessageType(99));
    assert_in_options(&[52, 1, 4, 255], 0, OverloadValue(4));
    assert_in_options(&[55, 3, 1, 0, 3, 255], 0, RequestedCode(0));
    assert_in_options(&[55, 3, 1, 255, 3, 255], 0, RequestedCode(255));
}

#[test]
fn overload_reads_file_then_sname() {
    let mut bytes = datagram(&[53, 1, 1, 52, 1, 3, 12, 1, b'a', 255]);
    bytes[FILE..FILE + 4].copy_from_slice(&[12, 1, b'b', 255]);
    bytes[SNAME..SNAME + 4].copy_from_slice(&[12, 1, b'c', 255]);
    assert_eq!(anomalies(&bytes), []);
    let view = MessageView::parse(&bytes).expect("a message");
    assert_eq!(view.option(OptionCode::HOST_NAME).as_deref(), Some(&b"abc"[..]));
    assert_eq!((view.boot_file(), view.server_name()), (&[][..], &[][..]));
    let places: Vec<_> = view.options().map(|option| (option.area, option.offset)).collect();
    assert_eq!(
        places,
        [
            (Area::Options, OPTIONS),
            (Area::Options, OPTIONS + 3),
            (Area::Options, OPTIONS + 6),
            (Area::BootFile, FILE),
            (Area::ServerName, SNAME),
        ]
    );
    // The message type may itself stand in an overloaded field.
    let mut bytes = datagram(&[52, 1, 1, 255]);
    bytes[FILE..FILE + 4].copy_from_slice(&[53, 1, 3, 255]);
    let view = MessageView::parse(&bytes).expect("a message");
    assert_eq!((view.kind(), view.message_type()), (MessageKind::Dhcp, Some(MessageType::REQUEST)));
}

#[test]
fn faults_of_overload() {
    // No END in `file`: nothing but padding there.
    let mut bytes = datagram(&[53, 1, 1, 52, 1, 1, 255]);
    assert_only(&bytes, 236, EndMissing(Area::BootFile));
    bytes[FILE..FILE + 4].copy_from_slice(&[52, 1, 3, 255]);
    let found = anomalies(&bytes);
    let length = Length { code: OptionCode::OVERLOAD, bytes: 2 };
    assert_eq!(found[0], (OPTIONS + 3, length));
    let misplaced = OverloadMisplaced(Area::BootFile);
    assert_eq!(found[1..], [(FILE, misplaced)]);
    let view = MessageView::parse(&bytes).expect("a message");
    assert!(view.options().all(|option| option.area != Area::ServerName));
    // An option of `sname` does not run on into `file`.
    let mut bytes = datagram(&[53, 1, 1, 52, 1, 2, 255]);
    bytes[FILE - 2..FILE].copy_from_slice(&[12, 9]);
    assert_only(&bytes, FILE - 2, Truncated(OptionCode::HOST_NAME));
}

#[test]
fn bootp() {
    // RFC 951: no cookie. GRUB sends 64 zero bytes; a bare header is accepted too.
    let mut bytes = datagram(&[]);
    bytes.truncate(236);
    let view = MessageView::parse(&bytes).expect("a message");
    assert_eq!((view.kind(), view.options().count()), (MessageKind::Bootp, 0));
    assert_only(&bytes, 236, VendorAreaShort(0));
    bytes.extend_from_slice(&[0; 64]);
    assert_eq!(anomalies(&bytes), []);
    // A cookie cut short is no cookie.
    let short = datagram(&[]);
    assert_eq!(MessageView::parse(&short[..239]).expect("a message").kind(), MessageKind::Bootp);
    // RFC 1497: a cookie, no message type.
    let mut bytes = datagram(&[1, 4, 255, 255, 255, 0, 255]);
    bytes.resize(300, 0);
    let view = MessageView::parse(&bytes).expect("a message");
    assert_eq!((view.kind(), view.message_type()), (MessageKind::BootpVendor, None));
    assert_eq!(anomalies(&bytes), []);
    // A message type of the wrong length is DHCP that says nothing.
    let bytes = datagram(&[53, 2, 1, 1, 255]);
    let view = MessageView::parse(&bytes).expect("a message");
    assert_eq!((view.kind(), view.message_type()), (MessageKind::Dhcp, None));
}

#[test]
fn names_end_at_nul_or_at_their_field() {
    let mut bytes = datagram(&[53, 1, 1, 255]);
    bytes[FILE..236].fill(b'f');
    bytes[SNAME..FILE].fill(b's');
    let view = MessageView::parse(&bytes).expect("a message");
    assert_eq!((view.boot_file().len(), view.server_name().len()), (128, 64));
    bytes[FILE + 5] = 0;
    bytes[SNAME] = 0;
    let view = MessageView::parse(&bytes).expect("a message");
    assert_eq!((view.boot_file(), view.server_name()), (&b"fffff"[..], &b""[..]));
}
