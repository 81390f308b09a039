//! Whether anybody uses an address, before it is offered to a client that never had it.
//!
//! The driver asks on the wire; the DISCOVER waits here, at most [`PROBE_PATIENCE`], and is handed to the allocator
//! again with what was found.

use core::net::Ipv4Addr;
use core::time::Duration;
use std::collections::{HashMap, VecDeque};
use std::time::Instant;

use pxe_dhcp::respond::{HeldId, ServerRequest, ServerRequestKind};
use pxe_lease::{Probe, ProbeResult};

use super::DhcpServer;

/// How long an offer waits for probes, all that its client needs together.
pub const PROBE_PATIENCE: Duration = Duration::from_millis(200);

/// An address that is to be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AddressProbe {
    /// The address.
    pub address: Ipv4Addr,
    /// Index of the interface it is on link of: by ARP there. None for a network behind a relay: by ICMP echo.
    pub interface: Option<u32>,
}

/// What waits for probes. The allocator has at most `pxe_lease::limits::PROBES_IN_FLIGHT_MAX` of them at a time.
#[derive(Debug, Default)]
pub(super) struct Probing {
    waiting: HashMap<Ipv4Addr, Waiting>,
    /// To be asked.
    orders: VecDeque<AddressProbe>,
}

#[derive(Debug)]
struct Waiting {
    held: HeldId,
    until: Instant,
    /// Whom the address is for, if it has an Ethernet address: the one machine that may answer.
    client: Option<[u8; 6]>,
}

impl Probing {
    pub(super) fn next_end(&self) -> Option<Instant> {
        self.waiting.values().map(|waiting| waiting.until).min()
    }
}

impl DhcpServer {
    /// An address that somebody is to ask for now.
    pub(in crate::engine) fn poll_probe(&mut self) -> Option<AddressProbe> {
        self.probing.orders.pop_front()
    }

    /// Somebody uses an address: it answered, from this Ethernet address if that is known.
    pub(in crate::engine) fn handle_in_use(
        &mut self,
        now: Instant,
        address: Ipv4Addr,
        hardware: Option<[u8; 6]>,
    ) {
        let Some(waiting) = self.probing.waiting.get(&address) else { return };
        // A client that kept an address which another server gave it is in nobody's way.
        let is_client = hardware.is_some() && hardware == waiting.client;
        let result = if is_client { ProbeResult::Free } else { ProbeResult::InUse };
        self.end_probe(now, address, result);
    }

    /// An address could not be asked for, and its client need not wait.
    pub(in crate::engine) fn handle_unprobed(&mut self, now: Instant, address: Ipv4Addr) {
        self.end_probe(now, address, ProbeResult::Free);
    }

    /// Nobody answered in time.
    pub(super) fn end_silent_probes(&mut self, now: Instant) {
        let is_over = |(_, waiting): &(&Ipv4Addr, &Waiting)| waiting.until <= now;
        let over: Vec<_> = self.probing.waiting.iter().filter(is_over).map(|it| *it.0).collect();
        for address in over {
            self.end_probe(now, address, ProbeResult::Free);
        }
    }

    /// Keeps the message until the answer is there.
    pub(super) fn probe(
        &mut self,
        now: Instant,
        request: ServerRequest<'_>,
        probe: Probe,
        until: Instant,
    ) {
        let message = *request.message();
        let interface = message.received().interface;
        let is_on_link = message.relay().is_none() && interface != 0;
        let client = message.hardware_address().as_bytes().try_into().ok();
        let held = self.responder.hold(now, request);
        self.probing.waiting.insert(probe.address, Waiting { held, until, client });
        let interface = is_on_link.then_some(interface);
        self.probing.orders.push_back(AddressProbe { address: probe.address, interface });
    }

    /// The client asks again meanwhile: its last message is answered.
    pub(super) fn keep_probing(&mut self, now: Instant, request: ServerRequest<'_>, probe: Probe) {
        match self.probing.waiting.get_mut(&probe.address) {
            Some(waiting) => {
                let held = self.responder.hold(now, request);
                let earlier = core::mem::replace(&mut waiting.held, held);
                drop(self.responder.take_held(earlier));
            }
            None => self.responder.ignore(request),
        }
    }

    fn end_probe(&mut self, now: Instant, address: Ipv4Addr, result: ProbeResult) {
        let Some(waiting) = self.probing.waiting.remove(&address) else { return };
        // Nobody need be asked for what is known.
        self.probing.orders.retain(|order| order.address != address);
        self.allocator.handle_probed(self.clock.seconds(now), address, result);
        self.note_events();
        let Some(held) = self.responder.take_held(waiting.held) else { return };
        let request = held.request();
        let link = request.message().link().address;
        let Some(scope) = self.allocator.topology().scope_of(link) else {
            return self.responder.ignore(request);
        };
        match request.kind() {
            ServerRequestKind::Bootp => self.bootp(now, scope, request, waiting.until),
            _ => self.discover(now, scope, request, waiting.until),
        }
        self.note_events();
    }
}
