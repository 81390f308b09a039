//! Reading ten boot facts of a DISCOVER, by us and by dhcproto.
//!
//! All competitors see the same datagrams and hand over the same ten options: 53, 55, 60, 61, 77, 82, 93, 94, 97 and
//! 175. Each hands them over in the form it has them in, which is where they differ: owned dhcproto has parsed
//! values, borrowed dhcproto raw ones, we have both.

use core::hint::black_box;

use dhcproto::v4::{self, Decodable as _, borrowed};
use pxe_dhcp::{BootFacts, MessageView};

/// The options that are read.
const FACTS: [u8; 10] = [53, 55, 60, 61, 77, 82, 93, 94, 97, 175];

/// A way to read a message; the facts go to [`black_box`].
pub type Reader = fn(&[u8]);

/// The competitors: a name and what it does.
pub const READERS: [(&str, Reader); 4] = [
    ("pxe-dhcp", ours),
    ("dhcproto owned", dhcproto_owned),
    ("dhcproto borrowed, at sight", dhcproto_borrowed),
    ("dhcproto borrowed, kept", dhcproto_borrowed_kept),
];

/// Checks the message once and reads everything in one more pass.
pub fn ours(datagram: &[u8]) {
    let view = MessageView::parse(datagram).expect("a sample");
    let facts: BootFacts<'_> = view.boot_facts();
    black_box(facts.message_type);
    black_box(facts.parameter_request_list);
    black_box(facts.vendor_class);
    black_box(facts.client_identifier);
    black_box(facts.user_class);
    black_box(facts.relay_agent_information);
    black_box(facts.archs);
    black_box(facts.network_interface);
    black_box(facts.machine_id);
    black_box(facts.ipxe);
}

/// Decodes every option into owned values, then looks ten of them up.
fn dhcproto_owned(datagram: &[u8]) {
    let message = v4::Message::from_bytes(datagram).expect("a sample");
    for fact in FACTS {
        black_box(message.opts().get(v4::OptionCode::from(fact)));
    }
}

/// One pass over the options; each fact is used where it is met, so nothing is stored.
fn dhcproto_borrowed(datagram: &[u8]) {
    let message = borrowed::Message::new(datagram).expect("a sample");
    for option in message.opts() {
        if is_fact(option.code()) {
            black_box(option.data());
        }
    }
}

/// One pass over the options; the facts are kept for use after it, as ours are.
fn dhcproto_borrowed_kept(datagram: &[u8]) {
    let message = borrowed::Message::new(datagram).expect("a sample");
    let mut kept: [Option<borrowed::DhcpOption<'_>>; FACTS.len()] = Default::default();
    for option in message.opts() {
        if let Some(slot) = slot_of(option.code()) {
            kept[slot] = Some(option);
        }
    }
    black_box(&kept);
}

const fn is_fact(code: v4::OptionCode) -> bool {
    slot_of(code).is_some()
}

const fn slot_of(code: v4::OptionCode) -> Option<usize> {
    Some(match code {
        v4::OptionCode::MessageType => 0,
        v4::OptionCode::ParameterRequestList => 1,
        v4::OptionCode::ClassIdentifier => 2,
        v4::OptionCode::ClientIdentifier => 3,
        v4::OptionCode::UserClass => 4,
        v4::OptionCode::RelayAgentInformation => 5,
        v4::OptionCode::ClientSystemArchitecture => 6,
        v4::OptionCode::ClientNetworkInterface => 7,
        v4::OptionCode::ClientMachineIdentifier => 8,
        v4::OptionCode::Unknown(175) => 9,
        _ => return None,
    })
}

#[cfg(test)]
mod unit {
    use std::collections::BTreeMap;

    use dhcproto::v4::{Encodable as _, Encoder};

    use super::*;
    use crate::messages::samples;

    type Facts = BTreeMap<u8, Vec<u8>>;

    fn of_ours(datagram: &[u8]) -> Facts {
        let view = MessageView::parse(datagram).unwrap();
        let facts = view.boot_facts();
        let mut found = Facts::new();
        let mut put = |code, value: Option<&[u8]>| {
            if let Some(value) = value {
                found.insert(code, value.to_owned());
            }
        };
        put(53, facts.message_type.map(|kind| [kind.0]).as_ref().map(<[u8; 1]>::as_slice));
        put(55, facts.parameter_request_list);
        put(60, facts.vendor_class);
        put(61, facts.client_identifier);
        put(77, facts.user_class);
        put(82, facts.relay_agent_information);
        let archs: Vec<u8> = facts.archs.iter().flat_map(|arch| arch.to_be_bytes()).collect();
        put(93, (!archs.is_empty()).then_some(&archs[..]));
        let interface = facts.network_interface.map(|it| [it.kind, it.major, it.minor]);
        put(94, interface.as_ref().map(<[u8; 3]>::as_slice));
        put(97, facts.machine_id);
        put(175, facts.ipxe);
        found
    }

    fn of_owned(datagram: &[u8]) -> Facts {
        let message = v4::Message::from_bytes(datagram).unwrap();
        let mut found = Facts::new();
        for fact in FACTS {
            if let Some(option) = message.opts().get(v4::OptionCode::from(fact)) {
                let mut encoded = Vec::new();
                option.encode(&mut Encoder::new(&mut encoded)).unwrap();
                found.insert(fact, encoded[2..].to_owned());
            }
        }
        found
    }

    fn of_borrowed(datagram: &[u8]) -> Facts {
        let message = borrowed::Message::new(datagram).unwrap();
        let facts = message.opts().filter(|option| is_fact(option.code()));
        facts.map(|option| (option.code().into(), option.data().to_owned())).collect()
    }

    #[test]
    fn all_competitors_read_the_same_facts() {
        let mut seen = Facts::new();
        for sample in samples() {
            let facts = of_ours(&sample.datagram);
            assert_eq!(of_owned(&sample.datagram), facts, "{}", sample.name);
            assert_eq!(of_borrowed(&sample.datagram), facts, "{}", sample.name);
            seen.extend(facts);
        }
        assert!(seen.keys().copied().eq(FACTS), "no sample has some of {FACTS:?}: {seen:?}");
    }

    #[test]
    fn each_fact_has_a_slot_of_its_own() {
        let slots: Vec<_> = FACTS.iter().map(|fact| slot_of((*fact).into())).collect();
        assert!(slots.into_iter().eq((0..FACTS.len()).map(Some)));
        assert!((0..=u8::MAX).filter(|code| slot_of((*code).into()).is_some()).eq(FACTS));
    }
}
