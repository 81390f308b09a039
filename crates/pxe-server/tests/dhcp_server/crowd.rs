//! Thousands of clients behind a relay that knows two servers, played by one thread.

use core::net::Ipv4Addr;
use core::time::Duration;
use std::collections::{BTreeMap, VecDeque};
use std::io::ErrorKind;
use std::net::UdpSocket;
use std::time::Instant;

use pxe_dhcp::{
    HardwareType, Message, MessageType, MessageView, Operation, OptionCode, SizeBudget,
};

use crate::common::Server;
use crate::stage::US;

/// The relay.
const RELAY: Ipv4Addr = Ipv4Addr::new(10, 9, 0, 77);
/// Replies are to come to the port that asks (RFC 8357).
const ANY_PORT: [u8; 2] = [19, 0];
/// Clients that ask at a time.
const AT_ONCE: usize = 200;
const ASK_AGAIN: Duration = Duration::from_millis(300);

/// One of the two servers.
pub(crate) type Which = usize;

/// What a client is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Looking,
    Taking(Which, Ipv4Addr),
    Extending(Ipv4Addr),
}

#[derive(Clone, Copy, Debug)]
struct Asking {
    state: State,
    xid: u32,
    since: Instant,
    rounds: u32,
}

/// What a client has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Holding {
    pub(crate) address: Ipv4Addr,
    pub(crate) from: Which,
}

/// All clients, by number.
pub(crate) struct Crowd {
    relays: [UdpSocket; 2],
    servers: [(Ipv4Addr, u16); 2],
    asking: BTreeMap<u32, Asking>,
    waiting: VecDeque<(u32, State)>,
    pub(crate) held: BTreeMap<u32, Holding>,
    owners: BTreeMap<Ipv4Addr, u32>,
    xid: u32,
    /// First leases since the last look.
    pub(crate) granted: [u32; 2],
    pub(crate) extended: u32,
    pub(crate) refused: u32,
}

impl Crowd {
    /// `identifiers` are what the servers call themselves.
    pub(crate) fn new(servers: [&Server; 2], identifiers: [Ipv4Addr; 2]) -> Self {
        let relay = || {
            let socket = UdpSocket::bind((RELAY, 0)).expect("the relay");
            socket.set_nonblocking(true).expect("an option");
            socket
        };
        Self {
            relays: [relay(), relay()],
            servers: [0, 1].map(|which| (identifiers[which], servers[which].dhcp)),
            asking: BTreeMap::new(),
            waiting: VecDeque::new(),
            held: BTreeMap::new(),
            owners: BTreeMap::new(),
            xid: 0,
            granted: [0; 2],
            extended: 0,
            refused: 0,
        }
    }

    /// These clients want a lease. Even ones prefer the first server.
    pub(crate) fn want(&mut self, clients: impl IntoIterator<Item = u32>) {
        self.waiting.extend(clients.into_iter().map(|client| (client, State::Looking)));
    }

    /// These want theirs for longer, and ask whoever hears it.
    pub(crate) fn extend(&mut self, clients: impl IntoIterator<Item = u32>) {
        for client in clients {
            let address = self.held[&client].address;
            self.waiting.push_back((client, State::Extending(address)));
        }
    }

    /// Whether everybody has what it wants.
    pub(crate) fn is_done(&self) -> bool {
        self.asking.is_empty() && self.waiting.is_empty()
    }

    /// Plays until `until`, or until everybody has what it wants.
    pub(crate) fn play(&mut self, until: Instant) {
        while !self.is_done() && Instant::now() < until {
            let now = Instant::now();
            while self.asking.len() < AT_ONCE
                && let Some((client, state)) = self.waiting.pop_front()
            {
                self.begin(client, state, 0);
            }
            let late: Vec<(u32, Asking)> = self
                .asking
                .iter()
                .filter(|(_, asking)| now.duration_since(asking.since) > ASK_AGAIN)
                .map(|(client, asking)| (*client, *asking))
                .collect();
            for (client, asking) in late {
                let state = match asking.state {
                    State::Taking(..) => State::Looking,
                    state => state,
                };
                self.begin(client, state, asking.rounds + 1);
            }
            if !self.receive() {
                std::thread::sleep(Duration::from_millis(1));
            }
        }
    }

    /// Takes what has come; whether anything has.
    fn receive(&mut self) -> bool {
        let mut buffer = [0; 2048];
        let mut any = false;
        for which in 0..2 {
            // Refused by a port is what a relay hears of a server that was killed.
            while let Some(bytes) = match self.relays[which].recv(&mut buffer) {
                Ok(bytes) => Some(bytes),
                Err(error) if error.kind() == ErrorKind::WouldBlock => None,
                Err(error) => panic!("the relay: {error}"),
            } {
                any = true;
                self.take(which, &buffer[..bytes]);
            }
        }
        any
    }

    fn take(&mut self, which: Which, reply: &[u8]) {
        let view = MessageView::parse_strict(reply).expect("a well-formed reply");
        let mac = view.hardware_address();
        let client = u32::from_be_bytes([mac[2], mac[3], mac[4], mac[5]]);
        let (kind, address) = (view.message_type(), view.your_address());
        let asking = self.asking.get(&client).copied();
        let is_answer = asking.is_some_and(|asking| asking.xid == view.transaction_id());
        match kind {
            Some(MessageType::OFFER) if is_answer => {
                let asking = asking.expect("it asks");
                // It waits for the server that it prefers, once.
                let is_preferred = which == preferred(client) || asking.rounds > 0;
                if asking.state == State::Looking && is_preferred {
                    self.begin(client, State::Taking(which, address), asking.rounds);
                }
            }
            // A promise counts also for whoever has given up waiting for it.
            Some(MessageType::ACK) => self.note_promise(client, which, address, is_answer),
            Some(MessageType::NAK) if is_answer => {
                self.refused += 1;
                let state = asking.expect("it asks").state;
                assert!(!matches!(state, State::Extending(_)), "{client} may not keep {state:?}");
                self.begin(client, State::Looking, 0);
            }
            _ => {}
        }
    }

    fn note_promise(&mut self, client: u32, from: Which, address: Ipv4Addr, is_answer: bool) {
        let before = self.owners.insert(address, client);
        assert!(
            before.is_none_or(|before| before == client),
            "{address} was given to {before:?}, and then to {client} by server {from}"
        );
        let had = self.held.insert(client, Holding { address, from });
        if let Some(had) = had.filter(|had| had.address != address) {
            self.owners.remove(&had.address);
        }
        match had {
            Some(_) => self.extended += 1,
            None => self.granted[from] += 1,
        }
        if is_answer {
            if let Some(Asking { state: State::Extending(asked), .. }) = self.asking.get(&client) {
                assert_eq!(address, *asked, "{client} asked to keep its address");
            }
            self.asking.remove(&client);
        }
    }

    /// Asks both servers, as a relay with two addresses does.
    fn begin(&mut self, client: u32, state: State, rounds: u32) {
        self.xid += 1;
        let asking = Asking { state, xid: self.xid, since: Instant::now(), rounds };
        self.asking.insert(client, asking);
        let bytes = self.message(client, state);
        for which in 0..2 {
            // One that was killed refuses.
            let _ = self.relays[which].send_to(&bytes, (US, self.servers[which].1));
        }
    }

    fn message(&self, client: u32, state: State) -> Vec<u8> {
        let kind = match state {
            State::Looking => MessageType::DISCOVER,
            State::Taking(..) | State::Extending(_) => MessageType::REQUEST,
        };
        let [a, b, c, d] = client.to_be_bytes();
        let mut message = Message::new(Operation::BootRequest);
        message.set_hardware(HardwareType::ETHERNET, &[0x52, 0x54, a, b, c, d]).expect("address");
        message.set_transaction_id(self.xid);
        message.set_relay_address(RELAY);
        message.push(OptionCode::MESSAGE_TYPE, &[kind.0]);
        match state {
            State::Looking => {}
            State::Taking(which, address) => {
                message.push(OptionCode::REQUESTED_ADDRESS, &address.octets());
                message.push(OptionCode::SERVER_IDENTIFIER, &self.servers[which].0.octets());
            }
            State::Extending(address) => {
                message.set_client_address(address);
            }
        }
        message.push(OptionCode::RELAY_AGENT_INFORMATION, &ANY_PORT);
        let mut bytes = Vec::new();
        message.encode(SizeBudget::for_request(None), &mut bytes).expect("encodes");
        bytes
    }
}

fn preferred(client: u32) -> Which {
    usize::from(!client.is_multiple_of(2))
}
