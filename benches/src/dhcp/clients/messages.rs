//! Messages of which only transaction, client and addresses differ: written once, then copied and filled in.

use core::net::Ipv4Addr;

use pxe_dhcp::{
    HardwareType, Message, MessageType, MessageView, Operation, OptionCode, SizeBudget,
};

use super::{GENERATOR, UNSPECIFIED, hardware_address, offset};
use crate::messages::samples;

/// A UEFI machine's DISCOVER.
const FIRMWARE: &str = "ipxe-bios-and-ovmf-x64-chain-025-discover";
/// What perfdhcp asks for: mask, broadcast, offset, routers, domain, servers of names, host name.
const WANTED: [u8; 7] = [1, 28, 2, 3, 15, 6, 12];
/// Values that no message has otherwise, so that their places can be found.
const REQUESTED: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 111);
const CHOSEN: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 222);

/// A message to be filled in.
#[derive(Clone, Debug)]
pub(super) struct Template {
    bytes: Vec<u8>,
    requested: Option<usize>,
    chosen: Option<usize>,
}

impl Template {
    pub(super) fn discover() -> Self {
        Self::of(&mut plain(MessageType::DISCOVER))
    }

    pub(super) fn request() -> Self {
        let mut message = plain(MessageType::REQUEST);
        message
            .push(OptionCode::REQUESTED_ADDRESS, &REQUESTED.octets())
            .push(OptionCode::SERVER_IDENTIFIER, &CHOSEN.octets());
        Self::of(&mut message)
    }

    /// What firmware sends that wants to boot, as by a relay.
    pub(super) fn firmware_discover() -> Self {
        let samples = samples();
        let sample = samples.iter().find(|sample| sample.name == FIRMWARE).expect("the sample");
        let view = MessageView::parse(&sample.datagram).expect("a golden vector");
        Self::of(&mut Message::from_view(&view))
    }

    fn of(message: &mut Message) -> Self {
        message.set_hops(1).set_relay_address(GENERATOR);
        let mut bytes = Vec::new();
        message.encode(SizeBudget::of_payload(576), &mut bytes).expect("a small message");
        let place = |value: Ipv4Addr| bytes.windows(4).position(|four| four == value.octets());
        let (requested, chosen) = (place(REQUESTED), place(CHOSEN));
        Self { bytes, requested, chosen }
    }

    /// Writes the message of a client; its length.
    pub(super) fn write(&self, out: &mut [u8], transaction: u32, client: u32) -> usize {
        let length = self.bytes.len();
        out[..length].copy_from_slice(&self.bytes);
        put(out, offset::TRANSACTION, &transaction.to_be_bytes());
        put(out, offset::HARDWARE_ADDRESS, &hardware_address(client));
        length
    }

    /// The same with the address and the server that the client chose.
    pub(super) fn write_choice(
        &self,
        out: &mut [u8],
        transaction: u32,
        client: u32,
        [requested, chosen]: [Ipv4Addr; 2],
    ) -> usize {
        let length = self.write(out, transaction, client);
        for (place, value) in [(self.requested, requested), (self.chosen, chosen)] {
            if let Some(place) = place {
                put(out, place, &value.octets());
            }
        }
        length
    }
}

fn put(out: &mut [u8], place: usize, value: &[u8]) {
    out[place..place + value.len()].copy_from_slice(value);
}

fn plain(kind: MessageType) -> Message {
    let mut message = Message::new(Operation::BootRequest);
    message
        .set_hardware(HardwareType::ETHERNET, &hardware_address(0))
        .expect("six octets")
        .set_client_address(UNSPECIFIED)
        .push(OptionCode::MESSAGE_TYPE, &[kind.0])
        .push(OptionCode::PARAMETER_REQUEST_LIST, &WANTED);
    message
}

#[cfg(test)]
mod unit {
    use super::*;

    #[test]
    fn a_request_says_what_was_chosen() {
        let mut out = [0; 768];
        let addresses = [Ipv4Addr::new(10, 65, 1, 2), Ipv4Addr::new(10, 64, 0, 1)];
        let length = Template::request().write_choice(&mut out, 7, 0x01_02_03, addresses);
        let view = MessageView::parse(&out[..length]).expect("a message");
        assert_eq!(view.message_type(), Some(MessageType::REQUEST));
        assert_eq!((view.transaction_id(), view.relay_address()), (7, GENERATOR));
        assert_eq!(view.hardware_address(), [0x52, 0x54, 0, 1, 2, 3]);
        assert_eq!(view.first(OptionCode::REQUESTED_ADDRESS), Some(&[10, 65, 1, 2][..]));
        assert_eq!(view.first(OptionCode::SERVER_IDENTIFIER), Some(&[10, 64, 0, 1][..]));
    }

    #[test]
    fn firmware_asks_through_the_relay() {
        let mut out = [0; 768];
        let length = Template::firmware_discover().write(&mut out, 9, 1);
        let view = MessageView::parse(&out[..length]).expect("a message");
        assert_eq!(view.relay_address(), GENERATOR);
        assert!(view.first(OptionCode::VENDOR_CLASS).is_some_and(|class| class.len() > 9));
    }
}
