//! The encoder: its order, its budget, what it leaves out and what it refuses.

use std::net::Ipv4Addr;

use pxe_dhcp::{
    EncodeError, Flags, HardwareType, Message, MessageKind, MessageType, MessageView, Operation,
    OptionCode, SizeBudget,
};

fn encode(message: &Message, budget: SizeBudget) -> Vec<u8> {
    let mut out = Vec::new();
    let bytes = message.encode(budget, &mut out).expect("a message that fits");
    assert_eq!(bytes, out.len());
    assert_eq!(message.encoded_bytes(budget), Ok(bytes));
    out
}

fn codes(bytes: &[u8]) -> Vec<u8> {
    let view = MessageView::parse(bytes).expect("an encoded message");
    view.options().map(|option| option.code.0).collect()
}

fn request(options: &[(u8, &[u8])]) -> Vec<u8> {
    let mut message = Message::new(Operation::BootRequest);
    message
        .set_hardware(HardwareType::ETHERNET, &[1, 2, 3, 4, 5, 6])
        .expect("six bytes")
        .set_transaction_id(0xdead_beef)
        .set_hops(3)
        .set_seconds(900)
        .set_flags(Flags(0xff80))
        .set_relay_address(Ipv4Addr::new(198, 51, 100, 1));
    for (code, value) in options {
        message.push(OptionCode(*code), value);
    }
    encode(&message, SizeBudget::of_payload(1472))
}

#[test]
fn budgets() {
    let payload = |option| SizeBudget::for_request(option).payload_bytes();
    assert_eq!(payload(None), 548);
    assert_eq!(payload(Some(0)), 548);
    assert_eq!(payload(Some(576)), 548);
    assert_eq!(payload(Some(1472)), 1444);
    assert_eq!(payload(Some(1500)), 1472);
    // EDK2's REQUEST.
    assert_eq!(payload(Some(65280)), 1472);
    assert_eq!(SizeBudget::default().payload_bytes(), 548);
    assert_eq!(SizeBudget::of_payload(0).payload_bytes(), 300);
}

#[test]
fn a_reply_takes_over_what_identifies_the_exchange() {
    let relay = b"\x01\x03abc\x00\xff";
    let request = request(&[(53, &[1]), (61, &[0, 9]), (82, relay), (12, b"name")]);
    let view = MessageView::parse(&request).expect("a request");
    let bytes = encode(&Message::reply_to(&view, MessageType::OFFER), SizeBudget::default());
    let reply = MessageView::parse_strict(&bytes).expect("a clean reply");
    assert_eq!(reply.operation(), Operation::BootReply);
    assert_eq!(reply.message_type(), Some(MessageType::OFFER));
    assert_eq!(reply.transaction_id(), 0xdead_beef);
    assert_eq!(reply.hardware_address(), [1, 2, 3, 4, 5, 6]);
    assert_eq!(reply.relay_address(), Ipv4Addr::new(198, 51, 100, 1));
    assert_eq!((reply.hops(), reply.seconds(), reply.flags()), (0, 0, Flags::BROADCAST));
    assert_eq!(codes(&bytes), [53, 61, 82]);
    assert_eq!(reply.first(OptionCode::RELAY_AGENT_INFORMATION), Some(&relay[..]));
    assert_eq!(bytes.len(), 300);
}

#[test]
fn an_unusable_client_identifier_is_not_echoed() {
    let mut request = request(&[(53, &[1])]);
    request.truncate(240);
    request.extend_from_slice(&[53, 1, 1, 61, 1, 7, 82, 0, 255]);
    let view = MessageView::parse(&request).expect("a request");
    let bytes = encode(&Message::reply_to(&view, MessageType::OFFER), SizeBudget::default());
    assert_eq!(codes(&bytes), [53]);
}

#[test]
fn options_leave_in_one_order() {
    let mut message = Message::new(Operation::BootReply);
    for code in [82, 61, 43, 97, 60, 210, 12, 6, 3, 1, 59, 58, 51, 54, 53] {
        let bytes = if code == 53 { 1 } else { 4 };
        message.push(OptionCode(code), &[1; 4][..bytes]);
    }
    let expected = [53, 54, 51, 58, 59, 1, 3, 6, 12, 210, 60, 97, 43, 61, 82];
    assert_eq!(codes(&encode(&message, SizeBudget::default())), expected);
}

#[test]
fn a_second_push_replaces_and_remove_takes_out() {
    let mut message = Message::new(Operation::BootReply);
    message.push(OptionCode::HOST_NAME, b"one").push(OptionCode::MESSAGE_TYPE, &[2]);
    message.push(OptionCode::HOST_NAME, b"other");
    assert_eq!(message.value(OptionCode::HOST_NAME), Some(&b"other"[..]));
    assert_eq!(codes(&encode(&message, SizeBudget::default())), [53, 12]);
    message.remove(OptionCode::HOST_NAME);
    assert_eq!(codes(&encode(&message, SizeBudget::default())), [53]);
}

#[test]
fn reset_leaves_nothing_behind() {
    let request = request(&[(53, &[1]), (55, &[3])]);
    let view = MessageView::parse(&request).expect("a request");
    let mut message = Message::reply_to(&view, MessageType::OFFER);
    message.set_boot_file(b"file").expect("a name").set_server_name(b"name").expect("a name");
    message
        .push_padded(OptionCode::BOOT_FILE_NAME, b"x")
        .push_mandatory(OptionCode::HOST_NAME, b"y")
        .set_your_address(Ipv4Addr::LOCALHOST);
    message.reset_reply_to(&view, MessageType::ACK);
    let fresh = Message::reply_to(&view, MessageType::ACK);
    let budget = SizeBudget::default();
    assert_eq!(encode(&message, budget), encode(&fresh, budget));
}

#[test]
fn pad_follows_a_padded_option() {
    let mut message = Message::new(Operation::BootReply);
    message.push_octet(OptionCode::MESSAGE_TYPE, 2);
    message.push_padded(OptionCode::VENDOR_CLASS, b"HTTPClient").push(OptionCode(61), &[0, 1]);
    let bytes = encode(&message, SizeBudget::default());
    assert_eq!(bytes[243..245], [60, 10]);
    assert_eq!(bytes[255..260], [0, 61, 2, 0, 1]);
}

#[test]
fn a_terminated_string_has_one_nul_within_its_length() {
    let mut message = Message::new(Operation::BootReply);
    message.push_terminated(OptionCode::BOOT_FILE_NAME, b"ipxe.efi");
    assert_eq!(message.value(OptionCode::BOOT_FILE_NAME), Some(&b"ipxe.efi\0"[..]));
    message.push_terminated(OptionCode::BOOT_FILE_NAME, b"ipxe.efi\0");
    assert_eq!(message.value(OptionCode::BOOT_FILE_NAME), Some(&b"ipxe.efi\0"[..]));
}

/// Fillers of 100 bytes each, of which one budget holds two beside the mandatory options.
fn crowded(requested: &[u8]) -> Message {
    let request = request(&[(53, &[1]), (55, requested), (61, &[0; 9])]);
    let view = MessageView::parse(&request).expect("a request");
    let mut message = Message::reply_to(&view, MessageType::ACK);
    for code in [12, 15, 17, 209] {
        message.push(OptionCode(code), &[b'x'; 98]);
    }
    message.push(OptionCode::SUBNET_MASK, &[255; 4]);
    message
}

#[test]
fn what_was_not_asked_for_goes_first_then_the_least_wanted() {
    let budget = SizeBudget::default();
    let omitted = |message: &Message| -> Vec<u8> {
        message.omitted(budget).expect("it fits").map(|code| code.0).collect()
    };
    // 308 bytes of options less END: 53 (3), 1 (6), 61 (11) and two or more fillers of 100.
    assert_eq!(omitted(&crowded(&[17, 209, 1])), [12, 15]);
    assert_eq!(omitted(&crowded(&[209, 15, 12, 17])), [12, 17]);
    assert_eq!(omitted(&crowded(&[1])), [17, 209]);
    assert_eq!(encode(&crowded(&[1]), budget).len(), 300 + 161);
    let mut message = crowded(&[12, 15, 17]);
    message.push_mandatory(OptionCode(209), &[b'x'; 98]);
    assert_eq!(omitted(&message), [15, 17]);
}

#[test]
fn mandatory_options_that_do_not_fit_are_an_error() {
    let mut message = crowded(&[1]);
    message
        .push(OptionCode::RELAY_AGENT_INFORMATION, &[7; 255])
        .push(OptionCode::VENDOR_SPECIFIC, &[7; 100]);
    let mut out = Vec::new();
    let needed_bytes = 241 + 3 + 6 + 257 + 102;
    let error = EncodeError::NoRoom { needed_bytes, budget_bytes: 548 };
    assert_eq!(message.encode(SizeBudget::default(), &mut out), Err(error));
    assert!(out.is_empty());
    let bytes = encode(&message, SizeBudget::for_request(Some(1500)));
    assert_eq!(codes(&bytes).last(), Some(&82));
}

#[test]
fn the_buffer_must_hold_the_message() {
    let message = crowded(&[1]);
    let mut buffer = [0_u8; 299];
    let needed_bytes = message.encoded_bytes(SizeBudget::default()).expect("it fits");
    let error = EncodeError::BufferTooSmall { needed_bytes, buffer_bytes: 299 };
    assert_eq!(message.encode(SizeBudget::default(), &mut &mut buffer[..]), Err(error));
    assert_eq!(buffer, [0; 299]);
}

#[test]
fn what_firmware_would_drop_is_refused() {
    let fault = |code, value: &[u8]| {
        let mut message = Message::new(Operation::BootReply);
        message.push(OptionCode(code), value).push_octet(OptionCode::MESSAGE_TYPE, 2);
        message.encode(SizeBudget::of_payload(9000), &mut Vec::new()).unwrap_err()
    };
    let length = |code, bytes| EncodeError::ValueLength { code: OptionCode(code), bytes };
    assert_eq!(fault(12, b""), length(12, 0));
    assert_eq!(fault(200, b""), length(200, 0));
    assert_eq!(fault(1, &[1; 5]), length(1, 5));
    assert_eq!(fault(6, &[1; 6]), length(6, 6));
    assert_eq!(fault(61, &[1]), length(61, 1));
    for code in [0, 52, 255] {
        assert_eq!(fault(code, &[1]), EncodeError::Reserved(OptionCode(code)));
    }
    for code in [43, 67] {
        let error = EncodeError::ValueTooLong { code: OptionCode(code), bytes: 256 };
        assert_eq!(fault(code, &[1; 256]), error);
    }
}

#[test]
fn only_what_boot_clients_do_not_read_is_split() {
    let mut message = Message::new(Operation::BootReply);
    let value: Vec<u8> = (0..=255).cycle().take(600).collect();
    message.push_octet(OptionCode::MESSAGE_TYPE, 5).push(OptionCode::DOMAIN_SEARCH, &value);
    let bytes = encode(&message, SizeBudget::of_payload(1472));
    assert_eq!(codes(&bytes), [53, 119, 119, 119]);
    let view = MessageView::parse(&bytes).expect("a message");
    assert_eq!(view.option(OptionCode::DOMAIN_SEARCH).as_deref(), Some(&value[..]));
    assert!(!OptionCode::DOMAIN_NAME_SERVERS.may_split());
}

#[test]
fn names_must_fit_with_their_nul() {
    let mut message = Message::new(Operation::BootReply);
    assert!(message.set_boot_file(&[b'f'; 127]).is_ok());
    let error = EncodeError::Name { bytes: 128, field_bytes: 128 };
    assert_eq!(message.set_boot_file(&[b'f'; 128]).unwrap_err(), error);
    assert!(message.set_boot_file(b"a\0b").is_err());
    assert!(message.set_server_name(&[b's'; 63]).is_ok());
    assert!(message.set_server_name(&[b's'; 64]).is_err());
    let hardware = message.set_hardware(HardwareType::ETHERNET, &[1; 17]);
    assert_eq!(hardware.unwrap_err(), EncodeError::HardwareAddress(17));
    message.push_octet(OptionCode::MESSAGE_TYPE, 2);
    let bytes = encode(&message, SizeBudget::default());
    assert_eq!((bytes[107], bytes[235]), (0, 0));
}

#[test]
fn a_shorter_name_or_address_leaves_no_rest_of_the_longer() {
    let mut message = Message::new(Operation::BootReply);
    message.set_boot_file(b"a-long-name").expect("a name").set_boot_file(b"b").expect("a name");
    message.set_hardware(HardwareType::ETHERNET, &[9; 16]).expect("an address");
    message.set_hardware(HardwareType::ETHERNET, &[7; 6]).expect("an address");
    message.push_octet(OptionCode::MESSAGE_TYPE, 2);
    let bytes = encode(&message, SizeBudget::default());
    assert_eq!(bytes[108..236], *[&b"b"[..], &[0; 127]].concat());
    assert_eq!(bytes[28..44], *[&[7; 6][..], &[0; 10]].concat());
}

#[test]
fn bootp_replies_have_a_vendor_area_of_64_bytes() {
    let plain = request(&[(1, &[255; 4])]);
    let view = MessageView::parse(&plain).expect("a request");
    let mut reply = Message::bootp_reply_to(&view);
    assert_eq!(reply.kind(), MessageKind::BootpVendor);
    reply
        .push(OptionCode::SUBNET_MASK, &[255; 4])
        .push(OptionCode::LEASE_TIME, &[0; 4])
        .push(OptionCode::SERVER_IDENTIFIER, &[1; 4])
        .push(OptionCode::HOST_NAME, &[b'h'; 40])
        .push(OptionCode::DOMAIN_NAME, &[b'd'; 40]);
    let bytes = encode(&reply, SizeBudget::of_payload(1472));
    assert_eq!((bytes.len(), codes(&bytes)), (300, vec![1, 12]));
    // 59 bytes of options, END and the cookie fill the area to the last byte; one more is too many.
    let mut reply = Message::bootp_reply_to(&view);
    reply.push_mandatory(OptionCode::HOST_NAME, &[b'h'; 57]);
    let bytes = encode(&reply, SizeBudget::default());
    assert_eq!((bytes.len(), bytes[299]), (300, 255));
    reply.push_mandatory(OptionCode::HOST_NAME, &[b'h'; 58]);
    let error = EncodeError::NoRoom { needed_bytes: 301, budget_bytes: 300 };
    assert_eq!(reply.encoded_bytes(SizeBudget::of_payload(1472)), Err(error));
}

/// A BOOTP request with this option 82, in as many parts as it takes.
fn relayed(information: &[u8]) -> Vec<u8> {
    let mut bytes = request(&[]);
    bytes.truncate(240);
    for part in information.chunks(255) {
        bytes.extend([82, part.len() as u8]);
        bytes.extend(part);
    }
    bytes.push(255);
    bytes
}

#[test]
fn what_a_relay_takes_out_takes_nothing_from_a_bootp_client() {
    for relays_bytes in [6_usize, 58, 255, 600] {
        let information: Vec<u8> = (0..relays_bytes).map(|at| at as u8).collect();
        let relayed = relayed(&information);
        let view = MessageView::parse(&relayed).expect("a request");
        let mut reply = Message::bootp_reply_to(&view);
        reply.push(OptionCode::SUBNET_MASK, &[255; 4]).push(OptionCode::HOST_NAME, &[b'h'; 51]);
        let bytes = encode(&reply, SizeBudget::default());
        let relays = relays_bytes + 2 * relays_bytes.div_ceil(255);
        assert_eq!(bytes.len(), 300 + relays, "the client's 64 bytes are full");
        let answer = MessageView::parse_strict(&bytes).expect("a sound reply");
        let code = OptionCode::RELAY_AGENT_INFORMATION;
        assert_eq!(answer.option(code).as_deref(), Some(&information[..]), "byte for byte");
        assert_eq!(answer.option(OptionCode::HOST_NAME).as_deref(), Some(&[b'h'; 51][..]));
        // One byte more is too much for the client, whatever the relay has.
        reply.push(OptionCode::HOST_NAME, &[b'h'; 52]);
        let omitted: Vec<_> = reply.omitted(SizeBudget::default()).expect("fits").collect();
        assert_eq!(omitted, [OptionCode::HOST_NAME]);
    }
    // What no frame holds is an error.
    let relayed = relayed(&[7; 1298]);
    let reply = Message::bootp_reply_to(&MessageView::parse(&relayed).expect("a request"));
    let error = EncodeError::NoRoom { needed_bytes: 236 + 5 + 1310, budget_bytes: 1472 };
    assert_eq!(reply.encoded_bytes(SizeBudget::default()), Err(error));
}

#[test]
fn a_client_without_cookie_gets_none() {
    let mut bare = request(&[]);
    bare[236..].fill(0);
    let view = MessageView::parse(&bare).expect("a request");
    let mut reply = Message::bootp_reply_to(&view);
    reply.push(OptionCode::SUBNET_MASK, &[255; 4]);
    let bytes = encode(&reply, SizeBudget::default());
    assert_eq!((bytes.len(), reply.kind()), (300, MessageKind::Bootp));
    assert_eq!(bytes[236..], [0; 64]);
}
