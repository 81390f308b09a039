//! DHCP servers of others, which our server must live beside and cannot touch.

use std::collections::VecDeque;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::{Duration, Instant};

use crate::network::{Arrival, Datagram, Node, Outbox};
use crate::wire::{self, Reader, Writer};

const SERVER_PORT: u16 = 67;
const CLIENT_PORT: u16 = 68;

/// What a foreign server says about booting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Habit {
    /// Nothing at all: a home router.
    AddressesOnly,
    /// Its own address in `siaddr` and no file: dnsmasq, Windows.
    PointsAtItself,
    /// Option 60 `PXEClient` without option 43 and nobody on port 4011: a Windows DHCP server
    /// whose deployment service has moved away.
    ClassTrap,
    /// The address of somebody else in `siaddr` and one file for every machine: all that the page of a
    /// router's DHCP server has room for (options 66 and 67).
    NamesOneFile {
        /// Whose address.
        server: Ipv4Addr,
        /// The file.
        file: &'static str,
    },
}

/// A DHCP server with a pool.
#[derive(Debug)]
pub struct ForeignDhcp {
    address: Ipv4Addr,
    mask: Ipv4Addr,
    habit: Habit,
    first: Ipv4Addr,
    /// The n-th address of the pool belongs to the n-th client.
    clients: Vec<Vec<u8>>,
    /// What an offer takes: time to ping the address first.
    offer_delay: Duration,
    offers: VecDeque<(Instant, Datagram)>,
    /// Deaf before this time: a server that starts with everybody else after a power failure.
    from: Option<Instant>,
}

impl ForeignDhcp {
    /// A server at `address` that gives addresses from `first` on.
    #[must_use]
    pub fn new(address: Ipv4Addr, first: Ipv4Addr, habit: Habit) -> Self {
        let mask = Ipv4Addr::new(255, 255, 255, 0);
        Self {
            address,
            mask,
            habit,
            first,
            clients: Vec::new(),
            offer_delay: Duration::ZERO,
            offers: VecDeque::new(),
            from: None,
        }
    }

    /// The same, but it pings an address for so long before it offers it.
    #[must_use]
    pub fn with_offer_delay(mut self, delay: Duration) -> Self {
        self.offer_delay = delay;
        self
    }

    /// The same, but it hears nothing before `from`.
    #[must_use]
    pub fn starting(mut self, from: Instant) -> Self {
        self.from = Some(from);
        self
    }

    fn lease(&mut self, request: &Reader<'_>) -> Ipv4Addr {
        let client = request.hardware_address();
        let known = self.clients.iter().position(|known| known == client);
        let number = known.unwrap_or_else(|| {
            self.clients.push(client.to_vec());
            self.clients.len() - 1
        });
        Ipv4Addr::from(u32::from(self.first) + number as u32)
    }

    fn reply(&mut self, request: &Reader<'_>, message_type: u8) -> (Ipv4Addr, Vec<u8>) {
        let address = self.lease(request);
        let mut writer = Writer::new(2, request.transaction_id(), request.hardware_address())
            .your_address(address)
            .relay_address(request.relay_address());
        if request.broadcast() {
            writer = writer.broadcast();
        }
        writer = match self.habit {
            Habit::AddressesOnly => writer,
            Habit::PointsAtItself | Habit::ClassTrap => writer.server_address(self.address),
            Habit::NamesOneFile { server, file } => {
                writer.server_address(server).boot_file(file.as_bytes())
            }
        };
        writer = writer
            .option(53, &[message_type])
            .option(54, &self.address.octets())
            .option(51, &3600_u32.to_be_bytes())
            .option(58, &1800_u32.to_be_bytes())
            .option(59, &3150_u32.to_be_bytes())
            .option(1, &self.mask.octets())
            .option(3, &self.address.octets());
        if self.habit == Habit::ClassTrap && request.has_class(b"PXEClient") {
            writer = writer.option(60, b"PXEClient");
        }
        if let Some(relay) = request.option(82) {
            writer = writer.option(82, relay);
        }
        (address, writer.finish(300))
    }
}

impl Node for ForeignDhcp {
    fn handle_datagram(&mut self, now: Instant, arrival: &Arrival<'_>, out: &mut Outbox) {
        if arrival.destination.port() != SERVER_PORT || self.from.is_some_and(|from| now < from) {
            return;
        }
        let Some(request) = Reader::new(arrival.payload) else { return };
        let answer = match (request.operation(), request.message_type()) {
            (1, Some(wire::DISCOVER)) => wire::OFFER,
            (1, Some(wire::REQUEST)) => {
                let ours = request.server_identifier().is_none_or(|server| server == self.address);
                // Boot server discovery is nothing to a DHCP server.
                if !ours || request.option(43).is_some() {
                    return;
                }
                wire::ACK
            }
            _ => return,
        };
        let (address, payload) = self.reply(&request, answer);
        let (destination, link) = if !request.relay_address().is_unspecified() {
            (SocketAddrV4::new(request.relay_address(), SERVER_PORT), None)
        } else if request.broadcast() {
            (SocketAddrV4::new(Ipv4Addr::BROADCAST, CLIENT_PORT), None)
        } else {
            let mac = <[u8; 6]>::try_from(request.hardware_address()).ok();
            (SocketAddrV4::new(address, CLIENT_PORT), mac)
        };
        let source = SocketAddrV4::new(self.address, SERVER_PORT);
        let datagram = Datagram { source, destination, link, payload };
        if answer == wire::OFFER && self.offer_delay > Duration::ZERO {
            self.offers.push_back((now + self.offer_delay, datagram));
        } else {
            out.send(0, datagram);
        }
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.offers.front().map(|(due, _)| *due)
    }

    fn handle_timeout(&mut self, now: Instant, out: &mut Outbox) {
        while self.offers.front().is_some_and(|(due, _)| *due <= now) {
            if let Some((_, offer)) = self.offers.pop_front() {
                out.send(0, offer);
            }
        }
    }
}
