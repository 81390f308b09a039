//! A message of a client: on which network it is, and what the allocator says.

use core::net::Ipv4Addr;
use std::time::Instant;

use pxe_dhcp::observe::Observation;
use pxe_dhcp::respond::{
    Denial, LEASE_SECONDS_INFINITE, Received, RequestState, ServerInbound, ServerMessage,
    ServerNotice, ServerRequest, ServerRequestKind, ServerSilence,
};
use pxe_lease::{
    Client, Discovered, Granted, HardwareAddress, NakReason, Refused, RequestKind, Requested,
    Scope, Silence,
};

use super::DhcpServer;
use super::probing::PROBE_PATIENCE;
use super::story::Unserved;
use crate::engine::{facts, observe};

/// What became of a datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::engine) enum Taken {
    /// It was for us, or nobody's business.
    Done,
    /// A choice from a boot menu, which the boot server answers.
    MenuChoice,
    /// It is no DHCP message.
    Broken,
}

impl DhcpServer {
    pub(in crate::engine) fn handle_datagram(
        &mut self,
        now: Instant,
        received: &Received,
        datagram: &[u8],
    ) -> Taken {
        if !self.is_loaded {
            return Taken::Done;
        }
        let received = self.at_home(received);
        match self.responder.handle_datagram(now, &received, datagram) {
            Ok(ServerInbound::Request(request)) => self.handle_request(now, request),
            Ok(ServerInbound::Notice(message, notice)) => self.handle_notice(now, &message, notice),
            Ok(ServerInbound::Overheard(_, ServerSilence::MenuChoice)) => return Taken::MenuChoice,
            Ok(ServerInbound::Overheard(..)) => {}
            Err(_) => return Taken::Broken,
        }
        self.note_events();
        Taken::Done
    }

    fn handle_request(&mut self, now: Instant, request: ServerRequest<'_>) {
        let message = *request.message();
        self.hear(now, &message);
        let link = message.link();
        let Some(scope) = self.allocator.topology().scope_of(link.address) else {
            self.tell_unserved(now, &message, &Unserved::NoSubnet(link.address));
            return self.responder.ignore(request);
        };
        match request.kind() {
            // Its client asks again. Who was made an offer is served first: else all of them are served in part.
            ServerRequestKind::Discover if self.is_pressed() => {
                self.lost += 1;
                self.responder.ignore(request);
            }
            ServerRequestKind::Discover => {
                self.discover(now, scope, request, now + PROBE_PATIENCE);
            }
            ServerRequestKind::Request(state) => self.request(now, scope, state, request),
            ServerRequestKind::Inform => self.accept(now, request, None, scope.subnet),
            ServerRequestKind::Bootp => self.bootp(now, scope, request, now + PROBE_PATIENCE),
            _ => self.responder.ignore(request),
        }
    }

    /// `patience` ends the time that probes may take.
    pub(super) fn discover(
        &mut self,
        now: Instant,
        scope: Scope,
        request: ServerRequest<'_>,
        patience: Instant,
    ) {
        let message = *request.message();
        let (client, time) = (client_of(&message), self.clock.seconds(now));
        match self.allocator.discover(time, scope, &client, message.address()) {
            Discovered::Offer(offer) => {
                let seconds = self.lease_seconds(offer.subnet, &message);
                self.accept(now, request, Some((offer.address, seconds)), offer.subnet);
            }
            Discovered::Silent(silence) => self.stay_silent(now, request, silence),
            Discovered::Probe(probe) => self.probe(now, request, probe, patience),
            Discovered::Probing(probe) => self.keep_probing(now, request, probe),
        }
    }

    fn request(
        &mut self,
        now: Instant,
        scope: Scope,
        state: RequestState,
        request: ServerRequest<'_>,
    ) {
        let message = *request.message();
        let Some(address) = message.address() else { return self.responder.ignore(request) };
        let kind = match state {
            RequestState::Selecting => RequestKind::Selecting,
            RequestState::InitReboot => RequestKind::InitReboot,
            RequestState::Renewing => RequestKind::Renewing,
            RequestState::Rebinding => RequestKind::Rebinding,
        };
        let subnet = self.allocator.topology().scope_of(address).unwrap_or(scope).subnet;
        let seconds = self.lease_seconds(subnet, &message);
        self.ask_for(now, scope, request, (address, kind, seconds));
    }

    /// A client that takes what it is told, for ever.
    pub(super) fn bootp(
        &mut self,
        now: Instant,
        scope: Scope,
        request: ServerRequest<'_>,
        patience: Instant,
    ) {
        let message = *request.message();
        let (client, time) = (client_of(&message), self.clock.seconds(now));
        let is_reserved = self.allocator.topology().reserved_for(scope.network, &client).is_some();
        let may_have_any = self.plan.subnet(scope.subnet).is_some_and(|subnet| subnet.bootp);
        if !is_reserved && !may_have_any {
            self.tell_unserved(now, &message, &Unserved::Bootp);
            return self.responder.ignore(request);
        }
        match self.allocator.discover(time, scope, &client, message.address()) {
            Discovered::Offer(offer) => {
                let asked = (offer.address, RequestKind::Selecting, LEASE_SECONDS_INFINITE);
                self.ask_for(now, scope, request, asked);
            }
            Discovered::Silent(silence) => self.stay_silent(now, request, silence),
            Discovered::Probe(probe) => self.probe(now, request, probe, patience),
            Discovered::Probing(probe) => self.keep_probing(now, request, probe),
        }
    }

    fn ask_for(
        &mut self,
        now: Instant,
        scope: Scope,
        request: ServerRequest<'_>,
        (address, kind, seconds): (Ipv4Addr, RequestKind, u32),
    ) {
        let (client, time) = (client_of(request.message()), self.clock.seconds(now));
        match self.allocator.request(time, scope, &client, address, kind, seconds) {
            Requested::Commit(commit) => {
                let held = self.responder.hold(now, request);
                self.wait(commit, held);
            }
            Requested::Ack(granted) => self.grant(now, request, &granted),
            Requested::Nak(reason) => {
                self.refuse(now, request, denial(reason), &reason.to_string())
            }
            Requested::Silent(silence) => self.stay_silent(now, request, silence),
        }
    }

    /// A commit has ended.
    pub(super) fn finish(
        &mut self,
        now: Instant,
        request: ServerRequest<'_>,
        result: &Result<Granted, Refused>,
    ) {
        match result {
            Ok(granted) => self.grant(now, request, granted),
            Err(refused @ Refused::Taken) => {
                self.refuse(now, request, Denial::NotForClient, &refused.to_string());
            }
            // The client asks again; that the store is away is told once for all.
            Err(_) => self.responder.ignore(request),
        }
    }

    fn grant(&mut self, now: Instant, request: ServerRequest<'_>, granted: &Granted) {
        let lease = (granted.address, granted.lease_seconds);
        self.shared.hear_reply(
            now,
            request.message().hardware_address().as_bytes(),
            granted.address,
        );
        self.accept(now, request, Some(lease), granted.subnet);
    }

    /// The allocator has weighed whether we may say no.
    fn refuse(&mut self, now: Instant, request: ServerRequest<'_>, denial: Denial, reason: &str) {
        let message = *request.message();
        let server = self.server_address(&message);
        self.tell_refused(now, &message, reason);
        if self.responder.refuse(now, request, server, denial, true).is_err() {
            self.lost += 1;
        }
    }

    fn stay_silent(&mut self, now: Instant, request: ServerRequest<'_>, silence: Silence) {
        // Told once for all, when it began.
        if silence != Silence::StoreAway {
            self.tell_unserved(now, request.message(), &Unserved::Silence(silence));
        }
        self.responder.ignore(request);
    }

    fn handle_notice(&mut self, now: Instant, message: &ServerMessage<'_>, notice: ServerNotice) {
        let (client, time) = (client_of(message), self.clock.seconds(now));
        match notice {
            ServerNotice::Release { address } => {
                // A forged one changes nothing, and is not worth a line.
                let Ok(()) = self.allocator.release(time, &client, address) else { return };
                self.leave(now, message, address);
                self.tell_released(now, message, address);
            }
            ServerNotice::Decline { address } => {
                let declined = self.allocator.decline(time, &client, address);
                if declined.is_ok() {
                    self.leave(now, message, address);
                }
                self.tell_declined(now, message, address, declined.err());
            }
            ServerNotice::OtherChosen { .. } => {
                self.allocator.handle_other_chosen(&client);
                self.hear(now, message);
            }
            _ => {}
        }
    }

    /// What a message tells of its sender goes into the evidence, as in the other modes.
    fn hear(&self, now: Instant, message: &ServerMessage<'_>) {
        let view = message.view();
        if let Observation::Client { message: kind, address } = Observation::of(view) {
            let local = message.received().local_address;
            let known = facts::of_message(view, message.facts(), local, address);
            let source = observe::source(view, kind);
            self.shared.hear(now, source, view.transaction_id(), &known.as_facts());
        }
    }

    fn leave(&self, now: Instant, message: &ServerMessage<'_>, address: Ipv4Addr) {
        self.shared.hear_leaving(now, message.hardware_address().as_bytes(), address);
    }

    /// Our address as the client is told it.
    pub(super) fn server_address(&self, message: &ServerMessage<'_>) -> Ipv4Addr {
        self.advertise.unwrap_or_else(|| message.received().local_address)
    }

    fn lease_seconds(&self, subnet: pxe_lease::SubnetId, message: &ServerMessage<'_>) -> u32 {
        let times = self.plan.subnet(subnet).map(|subnet| subnet.times);
        times.map_or(0, |times| times.choose(message.requested_lease_seconds(), false))
    }
}

/// Who asks, as the allocator knows clients.
pub(super) fn client_of<'d>(message: &ServerMessage<'d>) -> Client<'d> {
    let address = message.hardware_address();
    let hardware = HardwareAddress::new(message.hardware_type().0, address.as_bytes());
    let mut client = Client::new(hardware).behind(message.circuit_id(), message.remote_id());
    client.identifier = message.client_identifier();
    client.host_name = message.host_name();
    client.netboot = message.class().is_some() || message.is_ipxe();
    client
}

fn denial(reason: NakReason) -> Denial {
    match reason {
        NakReason::WrongNetwork => Denial::WrongNetwork,
        NakReason::ReservedOther => Denial::OtherAddress,
        _ => Denial::NotForClient,
    }
}
