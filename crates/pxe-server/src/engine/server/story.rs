//! What the story of a client tells of its address.

use core::fmt;
use core::net::Ipv4Addr;
use std::time::Instant;

use pxe_dhcp::respond::{RequestState, ServerMessage, ServerRequestKind};
use pxe_lease::{Ignored, Silence};

use super::DhcpServer;
use super::answer::{Boot, is_netboot, wants_to_boot};
use crate::engine::client::ClientId;
use crate::engine::detail::Detail;
use crate::engine::event::{Event, Stage};
use crate::engine::{EVENTS_MAX, LeaseStep};

/// Why a client gets no answer.
pub(super) enum Unserved {
    NoSubnet(Ipv4Addr),
    Bootp,
    Silence(Silence),
}

impl fmt::Display for Unserved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoSubnet(link) => {
                write!(f, "it is on the network of {link}, and no [[dhcp.subnet]] has that address")
            }
            Self::Bootp => f.write_str(
                "it speaks BOOTP: reserve an address for it, or set bootp = true for its subnet",
            ),
            Self::Silence(silence) => silence.fmt(f),
        }
    }
}

impl DhcpServer {
    pub(super) fn tell_given(
        &mut self,
        now: Instant,
        message: &ServerMessage<'_>,
        kind: ServerRequestKind,
        (address, seconds): (Ipv4Addr, u32),
        boot: &Boot,
    ) {
        let begins = matches!(kind, ServerRequestKind::Discover | ServerRequestKind::Bootp);
        if begins && is_netboot(message) {
            self.tell_boot(now, message, boot);
        }
        let extended = ServerRequestKind::Request(RequestState::Renewing) == kind
            || ServerRequestKind::Request(RequestState::Rebinding) == kind;
        let step = match kind {
            ServerRequestKind::Discover => LeaseStep::Offered,
            _ if extended => LeaseStep::Renewed,
            _ => LeaseStep::Acknowledged,
        };
        let stage = Stage::Leased { step, address, seconds, file: boot.shown() };
        self.tell_because(now, message, stage, Some(boot));
    }

    /// What kind of machine it is, and why it gets no file, if so.
    fn tell_boot(&mut self, now: Instant, message: &ServerMessage<'_>, boot: &Boot) {
        let (firmware, ipxe) = (boot.firmware, boot.ipxe);
        self.tell(now, message, Stage::Discovered { firmware, ipxe, reasons: String::new() });
        if let Some((is_denied, reasons)) = &boot.without {
            let reasons = reasons.clone();
            let stage =
                if *is_denied { Stage::Denied { reasons } } else { Stage::Held { reasons } };
            self.tell_because(now, message, stage, Some(boot));
        }
    }

    pub(super) fn tell_refused(&mut self, now: Instant, message: &ServerMessage<'_>, why: &str) {
        let address = message.address().unwrap_or(Ipv4Addr::UNSPECIFIED);
        self.tell(now, message, Stage::Refused { address, reason: why.to_owned() });
    }

    pub(super) fn tell_unserved(
        &mut self,
        now: Instant,
        message: &ServerMessage<'_>,
        why: &Unserved,
    ) {
        self.tell(now, message, Stage::Unserved { reason: why.to_string() });
    }

    pub(super) fn tell_released(
        &mut self,
        now: Instant,
        message: &ServerMessage<'_>,
        address: Ipv4Addr,
    ) {
        self.tell(now, message, Stage::Released { address });
    }

    pub(super) fn tell_declined(
        &mut self,
        now: Instant,
        message: &ServerMessage<'_>,
        address: Ipv4Addr,
        ignored: Option<Ignored>,
    ) {
        let ignored = ignored.map(|why| why.to_string());
        self.tell(now, message, Stage::Declined { address, ignored });
    }

    pub(super) fn tell_failed(
        &mut self,
        now: Instant,
        message: &ServerMessage<'_>,
        boot: &Boot,
        reason: &str,
    ) {
        let file = boot.shown().unwrap_or_default();
        self.tell(now, message, Stage::Failed { file, reason: reason.to_owned() });
    }

    fn tell(&mut self, now: Instant, message: &ServerMessage<'_>, stage: Stage) {
        self.tell_because(now, message, stage, None);
    }

    fn tell_because(
        &mut self,
        now: Instant,
        message: &ServerMessage<'_>,
        stage: Stage,
        boot: Option<&Boot>,
    ) {
        let Some(client) = ClientId::from_hardware_address(message.hardware_address().as_bytes())
        else {
            return;
        };
        if self.events.len() >= EVENTS_MAX {
            self.lost += 1;
            return;
        }
        // Whether an ordinary client repeats itself is not worth a place in the book of boots.
        let is_given = matches!(stage, Stage::Leased { .. });
        let address = match stage {
            Stage::Leased { address, .. } => Some(address),
            _ => None,
        };
        let detail = || {
            let detail = Detail::of_message(message.view()).with_address(address);
            let reasons = boot.and_then(|boot| boot.reasons.as_ref());
            let detail = match boot.and_then(|boot| boot.server) {
                Some(server) => detail.with_boot_server(server),
                None => detail,
            };
            Some(match reasons {
                Some(reasons) => detail.with_reasons(reasons),
                None => detail,
            })
        };
        let event = if wants_to_boot(message) || !is_given {
            self.shared.event(now, client, stage, detail)
        } else {
            Event { client, repeated: false, stage, detail: None }
        };
        self.events.push_back(event);
    }
}
