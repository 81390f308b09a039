//! What a responder has done, for logs, metrics and the story of each client.

use core::net::Ipv4Addr;

use super::{ProxyAnswer, ProxyRequest, RequestKind};
use crate::respond::queue::Discard;
use crate::respond::{ClientClass, HardwareAddress, ProxyStyle, Transmit};

/// Something a [`ProxyResponder`](super::ProxyResponder) did.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProxyEvent {
    /// An OFFER was handed over for sending.
    Offered(Answered),
    /// An ACK to a boot-server request was handed over for sending.
    Acknowledged(Answered),
    /// A reply was never sent: the queue was full, or nobody took it in time. The client asks again.
    Discarded(Answered),
    /// A client's offers are phrased otherwise from now on ([`ProxyStyles::Adaptive`]).
    ///
    /// [`ProxyStyles::Adaptive`]: super::ProxyStyles::Adaptive
    StyleChanged(StyleChange),
}

/// A client that is offered another style than before, or than its request suggests.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StyleChange {
    /// The client's hardware address.
    pub client: HardwareAddress,
    /// The style from now on.
    pub style: ProxyStyle,
    /// Why.
    pub reason: StyleReason,
}

/// Why a client gets another style.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StyleReason {
    /// The client ignored the style before this one: it repeated its DISCOVER, and asked neither
    /// port 4011 nor for a file.
    Ignored {
        /// What it ignored.
        previous: ProxyStyle,
        /// For how many rounds of DISCOVER.
        rounds: u8,
    },
    /// All styles were ignored, and the trial begins again. Said once, until something works or the
    /// client has been away.
    NoneWorked {
        /// What was tried, in order.
        tried: [ProxyStyle; 4],
    },
    /// It is new to us, and other machines of its maker took this style and no other.
    SameMaker {
        /// How many of them are known.
        machines: u16,
    },
    /// The style worked, and is the first this client gets from now on.
    Worked,
}

/// One reply and whom it was for.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answered {
    /// The client's hardware address.
    pub client: HardwareAddress,
    /// `xid` of the exchange.
    pub transaction_id: u32,
    /// What was asked.
    pub kind: RequestKind,
    /// Which protocol the client speaks.
    pub class: ClientClass,
    /// How the answer was phrased.
    pub style: ProxyStyle,
    /// The server the client was sent to: `siaddr`'s meaning after all rules.
    pub server: Ipv4Addr,
    /// The relay in between, if any.
    pub relay: Option<Ipv4Addr>,
    /// Where the reply went.
    pub transmit: Transmit,
    /// Its length, in bytes of UDP payload.
    pub bytes: usize,
}

impl ProxyEvent {
    pub(super) fn answered(
        request: &ProxyRequest<'_>,
        answer: &ProxyAnswer<'_>,
        style: ProxyStyle,
        transmit: Transmit,
        bytes: usize,
    ) -> Self {
        let view = request.view();
        let relay = view.relay_address();
        let answered = Answered {
            client: HardwareAddress::of(view),
            transaction_id: view.transaction_id(),
            kind: request.kind(),
            class: request.class(),
            style,
            server: answer.next_server.unwrap_or(answer.server),
            relay: (!relay.is_unspecified()).then_some(relay),
            transmit,
            bytes,
        };
        match request.kind() {
            RequestKind::Discover => Self::Offered(answered),
            RequestKind::BootServer | RequestKind::BootItem(_) => Self::Acknowledged(answered),
        }
    }
}

impl Discard for ProxyEvent {
    fn into_discarded(self) -> Self {
        match self {
            Self::Offered(answered) | Self::Acknowledged(answered) | Self::Discarded(answered) => {
                Self::Discarded(answered)
            }
            Self::StyleChanged(_) => self,
        }
    }
}
