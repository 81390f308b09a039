//! DHCP datagrams: facts in, the decision asked, the answer out.

use core::cell::OnceCell;
use core::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Instant;

use pxe_dhcp::observe::Observation;
use pxe_dhcp::respond::{
    Inbound, ProxyAnswer, ProxyEvent, ProxyRequest, ProxyStyle, Received, RequestKind, ServerPort,
};
use pxe_select::{Action, Asked, Beside, Decision, Firmware, Ipxe};

use super::client::ClientId;
use super::clients::OurOffer;
use super::detail::Detail;
use super::event::{Stage, one_line, printable};
use super::inventory::WantedBy;
use super::server::Taken;
use super::{Arrival, Engine, SocketId, Transmit};
use super::{facts, named, observe};

impl Engine {
    pub(super) fn handle_dhcp(
        &mut self,
        now: Instant,
        socket: SocketId,
        arrival: &Arrival,
        datagram: &[u8],
    ) {
        let (SocketAddr::V4(source), IpAddr::V4(local)) = (arrival.source, arrival.local) else {
            return;
        };
        self.learn_fetches(now);
        let port = match socket {
            SocketId::BootServer => ServerPort::BootServer,
            _ => ServerPort::Dhcp,
        };
        let mut received = Received::new(source, port, local, arrival.interface);
        received.unicast = arrival.unicast;
        if let (Some(server), ServerPort::Dhcp) = (&mut self.server, port) {
            let taken = server.handle_datagram(now, &received, datagram);
            self.drops.dhcp += u64::from(taken == Taken::Broken);
            self.collect_server();
            if taken != Taken::MenuChoice {
                return;
            }
        }
        let Some(proxy) = &mut self.proxy else { return };
        match proxy.handle_datagram(now, &received, datagram) {
            Ok(Inbound::Request(request)) => self.handle_boot_request(now, local, request),
            // A REQUEST to another server tells which address the client will have.
            Ok(Inbound::Overheard(view, _)) => {
                let observation = Observation::of(&view);
                self.hear(now, local, &view, observation);
                self.tell_addressed(now, &view, observation);
            }
            Err(_) => self.drops.dhcp += 1,
        }
    }

    /// Clients that came for their file have taken the offer they were made, whichever loop serves
    /// them.
    pub(super) fn learn_fetches(&mut self, now: Instant) {
        let Some(proxy) = &mut self.proxy else { return };
        while let Some(client) = self.shared.next_fetch() {
            if let Some(hardware_address) = client.hardware_address() {
                proxy.note_fetch(now, hardware_address);
            }
        }
        self.tell_styles(now);
    }

    /// Offers that are phrased otherwise than before. The rest of what the responder does was told
    /// when the request was decided.
    fn tell_styles(&mut self, now: Instant) {
        while let Some(event) = self.proxy.as_mut().and_then(|proxy| proxy.poll_event()) {
            let ProxyEvent::StyleChanged(change) = event else { continue };
            if let Some(client) = ClientId::from_hardware_address(change.client.as_bytes()) {
                let stage = Stage::Phrased { style: change.style, reason: change.reason };
                self.report(now, client, stage);
            }
        }
    }

    fn handle_boot_request(&mut self, now: Instant, local: Ipv4Addr, request: ProxyRequest<'_>) {
        let view = request.view();
        let Some(client) = ClientId::from_hardware_address(view.hardware_address()) else {
            self.drops.dhcp += 1;
            return self.ignore(request);
        };
        let address = facts::set(view.client_address());
        let known = facts::of_message(view, request.facts(), local, address);
        let policy = self.shared.policy();
        let mut facts = known.as_facts();
        let order = self.shared.orders().of_boot(view.hardware_address());
        facts.inventory = self.shared.inventory(now, view.hardware_address(), WantedBy::Dhcp);
        let beside = Beside::new(order.as_ref());
        facts.ram_disk = self.shared.ram_disk(&policy, view.hardware_address(), beside);
        let decision = policy.decide_beside(&facts, beside, Asked::BootFile);
        let server = self.advertise.unwrap_or(local);
        let file = named::boot_file(&policy, &decision, server, self.tftp_port);
        let stage = stage(&request, &decision, file.as_deref());
        let (firmware, ipxe) = (decision.identity.firmware, decision.identity.ipxe != Ipxe::Absent);
        let discovered = Stage::Discovered { firmware, ipxe, reasons: String::new() };
        let (source, exchange) =
            (observe::source(view, view.message_type()), view.transaction_id());
        self.shared.hear(now, source, exchange, &known.as_facts());
        let (view, reasons) = (*view, decision.reasons);
        // Put into words once, and only if one of the two steps is news.
        let said = OnceCell::new();
        let said = || said.get_or_init(|| Detail::of_message(&view)).clone();
        if request.kind() == RequestKind::Discover {
            self.report_with(now, client, discovered, || Some(said()));
        }
        let detail = || Some(said().with_reasons(&reasons));
        let is_discover = request.kind() == RequestKind::Discover;
        let Some(proxy) = &mut self.proxy else { return };
        match file {
            None => {
                proxy.ignore(request);
                self.report_with(now, client, stage, detail);
            }
            Some(file) => {
                let mut answer = ProxyAnswer::new(server, &file);
                if firmware == Some(Firmware::Rpi) {
                    answer.style = Some(ProxyStyle::RaspberryPi);
                }
                let accepted = proxy.accept(now, request, &answer);
                self.tell_styles(now);
                self.report_with(now, client, stage, || {
                    detail().map(|it| it.with_boot_server(server))
                });
                if let Err(error) = accepted {
                    let file = printable(&file);
                    self.report(now, client, Stage::Failed { file, reason: error.to_string() });
                }
                if is_discover {
                    let offer = OurOffer { exchange, firmware, ipxe, file };
                    self.shared.expect_fetch(now, client, offer);
                }
            }
        }
    }

    fn ignore(&mut self, request: ProxyRequest<'_>) {
        if let Some(proxy) = &mut self.proxy {
            proxy.ignore(request);
        }
    }

    pub(super) fn poll_dhcp(&mut self, now: Instant, out: &mut Vec<u8>) -> Option<Transmit> {
        self.tell_styles(now);
        if let Some(server) = &mut self.server {
            let transmit = server.poll_transmit(now, out);
            self.collect_server();
            if let Some(transmit) = transmit {
                return Some(on_the_wire(&transmit));
            }
        }
        let transmit = self.proxy.as_mut()?.poll_transmit(now, out)?;
        Some(on_the_wire(&transmit))
    }
}

fn on_the_wire(transmit: &pxe_dhcp::respond::Transmit) -> Transmit {
    Transmit {
        socket: match transmit.port {
            ServerPort::BootServer => SocketId::BootServer,
            ServerPort::Dhcp => SocketId::Dhcp,
        },
        destination: SocketAddr::V4(transmit.destination),
        source: IpAddr::V4(transmit.source_address),
        interface: transmit.interface,
        segment_bytes: None,
        link: transmit.link,
    }
}

fn stage(request: &ProxyRequest<'_>, decision: &Decision<'_>, file: Option<&[u8]>) -> Stage {
    let reasons = || one_line(&decision.reasons);
    match (file, &decision.action) {
        (Some(file), _) if request.kind() == RequestKind::Discover => {
            Stage::Offered { file: printable(file) }
        }
        (Some(file), _) => Stage::Acknowledged { file: printable(file) },
        (None, Action::Deny) => Stage::Denied { reasons: reasons() },
        (None, _) => Stage::Held { reasons: reasons() },
    }
}
