//! Messages that are none of our business, read for what they tell: who is there, and at which address.
//!
//! An observer has no state and no answer; whoever collects what it reads never speaks DHCP.
#![deny(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::unwrap_used
)]

use core::net::Ipv4Addr;

use crate::code::OptionCode;
use crate::error::DecodeError;
use crate::header::{MessageType, Operation};
use crate::view::MessageView;

/// What a message tells about the machine whose hardware address it carries.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Observation {
    /// The machine speaks.
    Client {
        /// What kind of message; `None` for BOOTP.
        message: Option<MessageType>,
        /// The address that it has, or takes with this message.
        address: Option<Ipv4Addr>,
    },
    /// A server gave it this address.
    Given {
        /// Which.
        address: Ipv4Addr,
    },
    /// The machine gives this address back, or refuses it.
    Left {
        /// Which.
        address: Ipv4Addr,
    },
    /// Nothing about a machine that could boot: an offer that may not be taken, a refusal, a server's question.
    Nothing,
}

impl Observation {
    /// Reads a datagram to or from any DHCP port.
    ///
    /// # Errors
    /// [`DecodeError`] when it is no BOOTP message.
    pub fn read(datagram: &[u8]) -> Result<(MessageView<'_>, Self), DecodeError> {
        let view = MessageView::parse(datagram)?;
        let observation = Self::of(&view);
        Ok((view, observation))
    }

    /// The same for a message that was parsed already.
    #[must_use]
    pub fn of(view: &MessageView<'_>) -> Self {
        let message = view.message_type();
        if view.operation() == Operation::BootReply {
            // An OFFER is a wish of the server; the machine may take another one.
            let given = matches!(message, None | Some(MessageType::ACK));
            let address = set(view.your_address()).filter(|_| given);
            return address.map_or(Self::Nothing, |address| Self::Given { address });
        }
        let address = match message {
            // What a DISCOVER asks for (option 50) it may not get.
            Some(MessageType::DISCOVER) => None,
            Some(MessageType::REQUEST) => requested(view).or_else(|| set(view.client_address())),
            None | Some(MessageType::INFORM) => set(view.client_address()),
            Some(MessageType::RELEASE) => {
                return set(view.client_address())
                    .map_or(Self::Nothing, |address| Self::Left { address });
            }
            Some(MessageType::DECLINE) => {
                return requested(view).map_or(Self::Nothing, |address| Self::Left { address });
            }
            Some(_) => return Self::Nothing,
        };
        Self::Client { message, address }
    }
}

fn requested(view: &MessageView<'_>) -> Option<Ipv4Addr> {
    let value = view.first(OptionCode::REQUESTED_ADDRESS)?;
    <[u8; 4]>::try_from(value).ok().map(Ipv4Addr::from).and_then(set)
}

fn set(address: Ipv4Addr) -> Option<Ipv4Addr> {
    (!address.is_unspecified() && !address.is_broadcast()).then_some(address)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::expect_used, reason = "a test says what it expects")]

    use super::*;
    use crate::{Message, SizeBudget};

    const ADDRESS: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 104);

    fn observe(message: &Message) -> Observation {
        let mut datagram = alloc::vec::Vec::new();
        message.encode(SizeBudget::default(), &mut datagram).expect("encodes");
        Observation::read(&datagram).expect("a message").1
    }

    fn request(kind: Option<MessageType>) -> Message {
        let mut message = Message::new(Operation::BootRequest);
        if let Some(kind) = kind {
            message.push(OptionCode::MESSAGE_TYPE, &[kind.0]);
        }
        message
    }

    #[test]
    fn who_takes_which_address() {
        let client = |message, address| Observation::Client { message, address };
        for (kind, expected) in [
            (MessageType::DISCOVER, client(Some(MessageType::DISCOVER), None)),
            (MessageType::REQUEST, client(Some(MessageType::REQUEST), Some(ADDRESS))),
            (MessageType::INFORM, client(Some(MessageType::INFORM), None)),
            (MessageType::DECLINE, Observation::Left { address: ADDRESS }),
            (MessageType::RELEASE, Observation::Nothing),
            (MessageType::LEASE_QUERY, Observation::Nothing),
        ] {
            let mut message = request(Some(kind));
            message.push(OptionCode::REQUESTED_ADDRESS, &ADDRESS.octets());
            assert_eq!(observe(&message), expected);
        }
        let mut release = request(Some(MessageType::RELEASE));
        release.set_client_address(ADDRESS);
        assert_eq!(observe(&release), Observation::Left { address: ADDRESS });
        for kind in [None, Some(MessageType::REQUEST), Some(MessageType::INFORM)] {
            let mut message = request(kind);
            assert_eq!(observe(&message), client(kind, None));
            message.set_client_address(ADDRESS);
            assert_eq!(observe(&message), client(kind, Some(ADDRESS)));
        }
    }

    #[test]
    fn only_what_was_given_counts() {
        for (kind, given) in [
            (Some(MessageType::ACK), true),
            (None, true),
            (Some(MessageType::OFFER), false),
            (Some(MessageType::NAK), false),
        ] {
            let mut message = Message::new(Operation::BootReply);
            if let Some(kind) = kind {
                message.push(OptionCode::MESSAGE_TYPE, &[kind.0]);
            }
            // A proxy's ACK gives none.
            assert_eq!(observe(&message), Observation::Nothing);
            message.set_your_address(ADDRESS);
            let expected = Observation::Given { address: ADDRESS };
            assert_eq!(observe(&message), if given { expected } else { Observation::Nothing });
        }
    }

    #[test]
    fn captured_messages() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors/");
        let read = |name: &str| {
            let path = alloc::format!("{folder}{name}.bin");
            let datagram = std::fs::read(path).expect("a vector");
            Observation::read(&datagram).expect("a message").1
        };
        let address = Some(ADDRESS);
        for (name, expected) in [
            (
                "001-discover",
                Observation::Client { message: Some(MessageType::DISCOVER), address: None },
            ),
            ("002-offer", Observation::Nothing),
            ("003-request", Observation::Client { message: Some(MessageType::REQUEST), address }),
            ("004-ack", Observation::Given { address: ADDRESS }),
        ] {
            assert_eq!(
                read(&alloc::format!("aavmf-arm64-shim-then-http-{name}")),
                expected,
                "{name}"
            );
        }
    }
}
