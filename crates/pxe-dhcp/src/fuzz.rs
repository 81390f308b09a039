//! Bodies of the fuzz targets: each takes any bytes and asserts what must hold for them. Private, not covered by
//! semantic versioning; `tests/corpus.rs` replays the corpora through them.

use alloc::vec::Vec;

use crate::options::{
    IpxeOption, IpxeOptions, IpxeOptionsBuilder, PxeOption, PxeOptions, PxeOptionsBuilder,
    RelayAgentInformation, RelayAgentInformationBuilder, RelayOption, UserClass, UserClassFraming,
};
use crate::{
    AnomalyKind, Area, EncodeError, Message, MessageKind, MessageView, OptionCode, SizeBudget,
};

/// Parses a message, reads everything, encodes it again and compares.
pub fn message(data: &[u8]) {
    let Ok(view) = MessageView::parse(data) else {
        return;
    };
    let rendered = alloc::format!("{view}{view:?}");
    assert!(!rendered.is_empty());
    let faults = view.anomalies().count();
    assert_eq!(MessageView::parse_strict(data).is_ok(), faults == 0);
    read_facts(&view);

    let budget = SizeBudget::of_payload(usize::MAX);
    let message = Message::from_view(&view);
    let mut out = Vec::new();
    match message.encode(budget, &mut out) {
        Ok(bytes) => assert_eq!(bytes, out.len()),
        // What cannot be written though nothing is wrong with it: 64 bytes of BOOTP options, and values that boot
        // clients would not join.
        Err(EncodeError::NoRoom { .. } | EncodeError::ValueTooLong { .. }) => return,
        Err(error) => panic!("a copy holds an option that cannot be encoded: {error}"),
    }
    let again = MessageView::parse(&out).expect("what the encoder writes can be read");
    // A message type of illegal length is not copied, and the copy is then BOOTP.
    if view.kind() != MessageKind::Dhcp || message.kind() == MessageKind::Dhcp {
        assert_same(&view, &again);
    }
    assert_well_formed(&again);
    let mut twice = Vec::new();
    Message::from_view(&again).encode(budget, &mut twice).expect("encoding is repeatable");
    assert_eq!(out, twice);
}

fn read_facts(view: &MessageView<'_>) {
    let facts = view.boot_facts();
    assert_eq!(facts.vendor_class, view.first(OptionCode::VENDOR_CLASS));
    assert_eq!(facts.user_class, view.first(OptionCode::USER_CLASS));
    let mut joined_bytes = [None; 256];
    for option in view.options() {
        *joined_bytes[usize::from(option.code.0)].get_or_insert(0) += option.value.len();
        let end = option.offset + 2 + option.value.len();
        assert_eq!(view.datagram()[option.offset], option.code.0);
        assert_eq!(&view.datagram()[option.offset + 2..end], option.value);
    }
    for (code, bytes) in (0..=255).map(OptionCode).zip(joined_bytes) {
        if bytes.is_some() {
            assert_eq!(view.option(code).map(|joined| joined.len()), bytes);
        }
    }
    if let Some(class) = facts.class() {
        let _ = (class.arch(), class.undi(), class.space());
    }
    if let Some(id) = facts.client_id() {
        let _ = (id.hardware(), id.duid());
    }
    if let Some(machine) = facts.machine() {
        assert_eq!(machine.uuid_big_endian().is_some(), machine.guid().is_some());
    }
}

/// Header fields and joined options survive, except empty options, which are never written.
fn assert_same(view: &MessageView<'_>, again: &MessageView<'_>) {
    assert_eq!(view.kind(), again.kind());
    assert_eq!(view.message_type(), again.message_type());
    assert_eq!(view.transaction_id(), again.transaction_id());
    assert_eq!(view.hardware_address(), again.hardware_address());
    assert_eq!(view.relay_address(), again.relay_address());
    assert_eq!(view.flags(), again.flags());
    assert_eq!(view.boot_file(), again.boot_file());
    assert_eq!(view.server_name(), again.server_name());
    for option in again.options() {
        assert_eq!(view.option(option.code), again.option(option.code));
    }
}

/// What holds for every message of the encoder.
fn assert_well_formed(view: &MessageView<'_>) {
    assert!(view.datagram().len() >= crate::limits::MESSAGE_BYTES_MIN);
    for anomaly in view.anomalies() {
        let encoder_made = match anomaly.kind {
            AnomalyKind::EndMissing(_)
            | AnomalyKind::AfterEnd(_)
            | AnomalyKind::Truncated(_)
            | AnomalyKind::ZeroLength(_)
            | AnomalyKind::OverloadValue(_)
            | AnomalyKind::OverloadMisplaced(_)
            | AnomalyKind::VendorAreaShort(_) => true,
            AnomalyKind::Length { code, bytes } => !code.firmware_length_rule().allows(bytes),
            _ => false,
        };
        assert!(!encoder_made, "{anomaly:?}");
    }
    assert!(view.options().all(|option| option.area == Area::Options));
}

/// Decodes option 43 in the PXE space, encodes it again and compares.
pub fn pxe_options(data: &[u8]) {
    let lenient = PxeOptions::new(data);
    let _ = alloc::format!("{lenient:?}");
    let _ = (lenient.discovery_control(), lenient.boot_item(), lenient.multicast_allocation());
    let _ = lenient.boot_servers().map(|servers| alloc::format!("{servers:?}"));
    let _ = lenient.boot_menu().map(|menu| alloc::format!("{menu:?}"));
    let Ok(options) = PxeOptions::decode(data) else {
        return;
    };
    let mut builder = PxeOptionsBuilder::new();
    for option in options.sub_options() {
        builder.push(PxeOption(option.code), option.value);
    }
    // Without END a value of 255 bytes is complete; with it, it no longer fits.
    if let Ok(value) = builder.finish() {
        let again = PxeOptions::decode(value).expect("what the builder writes can be read");
        assert!(options.sub_options().eq(again.sub_options()));
    } else {
        assert!(data.len() >= 255);
    }
}

/// Decodes option 77 in either framing, encodes it again and compares.
pub fn user_class(data: &[u8]) {
    let class = UserClass::new(data);
    assert!(class.items().all(|item| !item.is_empty() && class.contains(item)));
    let mut out = Vec::new();
    match class.framing() {
        UserClassFraming::Raw => assert!(class.items().flatten().eq(data)),
        UserClassFraming::Rfc3004 => {
            let items: Vec<&[u8]> = class.items().collect();
            UserClass::encode(items.iter().copied(), &mut out).expect("items fit");
            assert_eq!(out, data);
        }
    }
}

/// Decodes option 82, encodes it again and compares byte for byte.
pub fn relay_agent(data: &[u8]) {
    let lenient = RelayAgentInformation::new(data);
    let _ = (lenient.link_selection(), lenient.was_unicast(), lenient.reply_to_source_port());
    assert_eq!(lenient.as_bytes(), data);
    let Ok(information) = RelayAgentInformation::decode(data) else {
        return;
    };
    let mut builder = RelayAgentInformationBuilder::new();
    for option in information.sub_options() {
        builder.push(RelayOption(option.code), option.value);
    }
    match builder.finish() {
        Ok(value) => assert_eq!(value, data),
        Err(_) => assert!(data.len() > 255),
    }
}

/// Decodes option 175, encodes it again and compares.
pub fn ipxe_options(data: &[u8]) {
    let lenient = IpxeOptions::new(data);
    let features = lenient.features();
    assert_eq!(features.iter().count() == 0, features.is_empty());
    let _ = (lenient.version(), lenient.bus_id(), lenient.priority(), lenient.no_pxe_dhcp());
    let Ok(options) = IpxeOptions::decode(data) else {
        return;
    };
    let mut builder = IpxeOptionsBuilder::new();
    for option in options.sub_options() {
        builder.push(IpxeOption(option.code), option.value);
    }
    if let Ok(value) = builder.finish() {
        let again = IpxeOptions::decode(value).expect("what the builder writes can be read");
        assert!(options.sub_options().eq(again.sub_options()));
        assert_eq!(again.features(), features);
    } else {
        assert!(data.len() >= 255);
    }
}
