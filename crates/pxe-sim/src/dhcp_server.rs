//! The DHCP server's responder with the simplest of allocators: one address for each client of a segment, in the
//! order of their coming, and a store that takes its time.

use std::collections::{BTreeMap, VecDeque};
use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::{Duration, Instant};

use pxe_dhcp::options::OptionSet;
use pxe_dhcp::respond::{
    BootAnswer, Denial, HeldId, Lease, Received, ServerAnswer, ServerConfig, ServerEvent,
    ServerInbound, ServerMessage, ServerPort, ServerRequest, ServerRequestKind, ServerResponder,
};

use crate::server::{BootServer, Meta, Outgoing, Verdict};

/// How long a lease takes to become durable.
const COMMIT: Duration = Duration::from_millis(5);
const LEASE_SECONDS: u32 = 3600;
const MASK: Ipv4Addr = Ipv4Addr::new(255, 255, 255, 0);
/// The last octet of the first address of each /24.
const FIRST: u8 = 100;

/// A client on a segment, by the segment's first three octets and its hardware address.
type Client = ([u8; 3], Vec<u8>);

/// A DHCP server with a function that decides what to boot; `None` gives an address and no more.
pub struct DhcpServer<D> {
    responder: ServerResponder,
    decide: D,
    options: OptionSet,
    leases: BTreeMap<Client, Ipv4Addr>,
    /// Clients whose lease is durable.
    durable: BTreeMap<Client, Ipv4Addr>,
    committing: VecDeque<(Instant, HeldId)>,
    notes: VecDeque<String>,
}

impl<D: FnMut(&ServerMessage<'_>) -> Option<Verdict>> DhcpServer<D> {
    /// A server that reaches clients by hardware address, or by broadcast only.
    #[must_use]
    pub fn new(reach_by_hardware_address: bool, decide: D) -> Self {
        let mut config = ServerConfig::default();
        config.reach_by_hardware_address = reach_by_hardware_address;
        let mut options = OptionSet::new();
        for (option, text) in [("domain-name-servers", "192.0.2.1"), ("domain-name", "lab.example")]
        {
            options.set(option, text).expect("a sound option");
        }
        Self {
            responder: ServerResponder::new(config),
            decide,
            options,
            leases: BTreeMap::new(),
            durable: BTreeMap::new(),
            committing: VecDeque::new(),
            notes: VecDeque::new(),
        }
    }

    fn answer(&mut self, now: Instant, local: Ipv4Addr, request: ServerRequest<'_>) {
        let message = request.message();
        let client = client_of(message);
        match request.kind() {
            ServerRequestKind::Discover | ServerRequestKind::Bootp => {
                let address = self.address_for(&client);
                self.accept(now, local, Some(address), request);
            }
            ServerRequestKind::Inform => self.accept(now, local, None, request),
            ServerRequestKind::Request(state) => {
                let asked = message.address();
                let denial = match self.leases.get(&client).copied() {
                    known if known == asked => {
                        let id = self.responder.hold(now, request);
                        self.committing.push_back((now + COMMIT, id));
                        return;
                    }
                    _ if !asked.is_some_and(|asked| asked.octets().starts_with(&client.0)) => {
                        Denial::WrongNetwork
                    }
                    Some(_) => Denial::OtherAddress,
                    None => Denial::Unknown,
                };
                let refused = self.responder.refuse(now, request, local, denial, true);
                self.notes.push_back(format!("{state:?} of {asked:?}: {denial}: {refused:?}"));
            }
            other => panic!("what is {other:?}?"),
        }
    }

    fn accept(
        &mut self,
        now: Instant,
        local: Ipv4Addr,
        address: Option<Ipv4Addr>,
        request: ServerRequest<'_>,
    ) {
        let verdict = (self.decide)(request.message());
        let layers = [&self.options];
        let mut answer = match address {
            Some(address) => {
                let spread = address.octets()[3];
                ServerAnswer::new(
                    local,
                    MASK,
                    Lease::new(address, LEASE_SECONDS).with_spread(spread),
                )
            }
            None => ServerAnswer::inform(local, MASK),
        };
        answer = answer.with_options(&layers);
        if let Some(verdict) = &verdict {
            let mut boot = BootAnswer::new(&verdict.file);
            boot.style = verdict.style;
            answer = answer.with_boot(boot);
        }
        if let Err(error) = self.responder.accept(now, request, &answer) {
            self.notes.push_back(format!("cannot answer: {error}"));
        }
    }

    fn address_for(&mut self, client: &Client) -> Ipv4Addr {
        if let Some(known) = self.leases.get(client) {
            return *known;
        }
        let [a, b, c] = client.0;
        let taken = self.leases.keys().filter(|(segment, _)| *segment == client.0).count();
        let address = Ipv4Addr::new(a, b, c, FIRST + taken as u8);
        self.leases.insert(client.clone(), address);
        address
    }

    fn commit(&mut self, now: Instant) {
        while self.committing.front().is_some_and(|(due, _)| *due <= now) {
            let Some((_, id)) = self.committing.pop_front() else { break };
            let Some(held) = self.responder.take_held(id) else { continue };
            let request = held.request();
            let message = request.message();
            let (address, client) = (message.address(), client_of(message));
            let local = message.received().local_address;
            self.durable.extend(address.map(|address| (client, address)));
            self.accept(now, local, address, request);
        }
    }

    /// What the responder did. An ACK of a lease that is not durable is a broken promise.
    fn read_events(&mut self) {
        while let Some(event) = self.responder.poll_event() {
            let ServerEvent::Acknowledged(answered) = event else { continue };
            if matches!(answered.kind, ServerRequestKind::Request(_)) {
                let durable = self.durable.values().any(|known| *known == answered.address);
                assert!(durable, "an ACK before its lease is durable: {answered:?}");
            }
        }
    }
}

impl<D: FnMut(&ServerMessage<'_>) -> Option<Verdict>> BootServer for DhcpServer<D> {
    fn handle_datagram(&mut self, now: Instant, meta: &Meta, datagram: &[u8]) {
        let port = match meta.port {
            67 => ServerPort::Dhcp,
            4011 => ServerPort::BootServer,
            _ => return,
        };
        let received = Received::new(meta.source, port, meta.local_address, meta.interface)
            .sent_as_unicast(meta.unicast);
        match self.responder.handle_datagram(now, &received, datagram) {
            Ok(ServerInbound::Request(request)) => {
                self.answer(now, meta.local_address, request);
            }
            // Nobody gets the address of another, so there is nothing to take back.
            Ok(ServerInbound::Notice(_, notice)) => {
                self.notes.push_back(format!("notes: {notice:?}"));
            }
            Ok(ServerInbound::Overheard(_, silence)) => {
                self.notes.push_back(format!("overhears: {silence:?}"));
            }
            Err(dropped) => self.notes.push_back(format!("drops: {dropped}")),
        }
    }

    fn poll_transmit(&mut self, now: Instant) -> Option<Outgoing> {
        let mut payload = Vec::new();
        let transmit = self.responder.poll_transmit(now, &mut payload)?;
        self.read_events();
        Some(Outgoing {
            source: SocketAddrV4::new(transmit.source_address, 67),
            destination: transmit.destination,
            interface: transmit.interface,
            link: transmit.link,
            payload,
        })
    }

    fn poll_timeout(&self) -> Option<Instant> {
        let commit = self.committing.front().map(|(due, _)| *due);
        commit.into_iter().chain(self.responder.poll_timeout()).min()
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.commit(now);
        self.responder.handle_timeout(now);
    }

    fn poll_note(&mut self) -> Option<String> {
        self.notes.pop_front()
    }
}

fn client_of(message: &ServerMessage<'_>) -> Client {
    let [a, b, c, _] = message.link().address.octets();
    ([a, b, c], message.hardware_address().as_bytes().to_vec())
}
