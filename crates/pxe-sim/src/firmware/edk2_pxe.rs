//! EDK2's PXE base code for IPv4 (`NetworkPkg/UefiPxeBcDxe/PxeBcDhcp4.c`).

mod offers;

use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::Instant;

use super::edk2_dhcp4::{Dhcp4, Progress, acceptable};
use super::edk2_menu::{self, Discovery, Selected};
use super::{BOOT_SERVER_PORT, Boot, CachedPackets, Machine, Outcome, Schedule};
use crate::network::{Arrival, Datagram, Node, Outbox};
use crate::wire::{self, Reader, Writer, sub_option};
pub use offers::Era;
use offers::{OfferType, Offers, boot_file, offer_type, pxe_options};

/// `PXEBC_DHCP4_DISCOVER_INIT_TIMEOUT` and its increments, `PXEBC_DHCP4_DISCOVER_RETRIES`.
const BOOT_SERVER_TIMEOUTS_MS: &[u64] = &[1_000, 2_000, 3_000, 4_000];

#[derive(Debug)]
enum Stage {
    Dora,
    /// `PxeBcDhcp4Discover` towards one server after the other.
    BootServer(AskBootServer),
    Done(Outcome),
}

#[derive(Debug)]
struct AskBootServer {
    servers: Vec<Ipv4Addr>,
    next: usize,
    transaction_id: u32,
    schedule: Schedule,
    /// The reply that will be read when the timeout is over.
    reply: Option<Vec<u8>>,
    address: Ipv4Addr,
    ack: Vec<u8>,
    /// A choice from the menu of this proxy offer; else BINL.
    choice: Option<(Discovery, Option<Vec<u8>>)>,
}

/// One machine in its PXE attempt.
#[derive(Debug)]
pub struct Edk2Pxe {
    machine: Machine,
    dhcp: Dhcp4<Offers>,
    stage: Stage,
}

impl Edk2Pxe {
    /// A machine that begins at `start`.
    #[must_use]
    pub fn new(machine: Machine, era: Era, start: Instant) -> Self {
        Self {
            machine,
            dhcp: Dhcp4::new(machine, Offers::new(machine, era), start),
            stage: Stage::Dora,
        }
    }

    /// `PxeBcHandleDhcp4Offer`.
    fn on_bound(&mut self, now: Instant, ack: Vec<u8>) {
        let offers = &self.dhcp.callback;
        let selected = offers.selected.map(|selected| &offers.cached[selected]);
        let Some((kind, _)) = selected else { return };
        let asks = *kind == OfferType::DhcpBinl || offers.proxy == Some(OfferType::ProxyBinl);
        let address = Reader::new(&ack).map_or(Ipv4Addr::UNSPECIFIED, |ack| ack.your_address());
        self.stage = if asks {
            let servers = offers.servers_to_ask();
            Stage::BootServer(self.ask(now, servers, address, ack, None))
        } else if offers.proxy == Some(OfferType::ProxyPxe10) {
            let proxy = offers.cached.iter().find(|(kind, _)| *kind == OfferType::ProxyPxe10);
            self.select(now, proxy.map(|(_, offer)| offer.clone()), address, ack)
        } else if *kind == OfferType::DhcpPxe10 {
            self.select(now, None, address, ack)
        } else if offers.is_proxy_received {
            // `SelectProxyType` is still its maximum: an ASSERT, or an index out of bounds.
            Stage::Done(Outcome::Failed("a proxy offer was discarded: mis-selected"))
        } else {
            Stage::Done(boot_info(None, None, address, ack))
        };
    }

    fn ask(
        &self,
        now: Instant,
        servers: Vec<Ipv4Addr>,
        address: Ipv4Addr,
        ack: Vec<u8>,
        choice: Option<(Discovery, Option<Vec<u8>>)>,
    ) -> AskBootServer {
        AskBootServer {
            servers,
            next: 0,
            transaction_id: self.machine.transaction_id + 1,
            schedule: Schedule::new(BOOT_SERVER_TIMEOUTS_MS, now),
            reply: None,
            address,
            ack,
            choice,
        }
    }

    /// `PxeBcDiscoverBootFile`, once there is an address: the menu, if the packet holds one.
    fn select(
        &self,
        now: Instant,
        proxy: Option<Vec<u8>>,
        address: Ipv4Addr,
        ack: Vec<u8>,
    ) -> Stage {
        let packet = proxy.as_ref().unwrap_or(&ack);
        let Some(reader) = Reader::new(packet) else {
            return Stage::Done(Outcome::Failed("no packet"));
        };
        let kind = offer_type(&reader);
        let selected = match kind {
            Some(OfferType::ProxyPxe10 | OfferType::DhcpPxe10) => {
                edk2_menu::select(&reader, boot_file(&reader).is_some())
            }
            _ => Selected::ThisFile,
        };
        match selected {
            Selected::ThisFile => Stage::Done(boot_info(proxy, None, address, ack)),
            Selected::Failed(reason) => Stage::Done(Outcome::Failed(reason)),
            Selected::Discover(discovery) => {
                let servers = discovery.servers.clone();
                Stage::BootServer(self.ask(now, servers, address, ack, Some((discovery, proxy))))
            }
        }
    }

    fn on_boot_server_timeout(&mut self, now: Instant, out: &mut Outbox) {
        let Stage::BootServer(asking) = &mut self.stage else { return };
        let reply = asking.reply.take();
        if reply.as_deref().and_then(Reader::new).is_some_and(|reply| is_answer(asking, &reply)) {
            let (address, ack) = (asking.address, core::mem::take(&mut asking.ack));
            self.stage = match asking.choice.take() {
                Some((_, proxy)) => Stage::Done(boot_info(proxy, reply, address, ack)),
                None => self.select(now, reply, address, ack),
            };
            return;
        }
        if reply.is_some() || !asking.schedule.again(now) {
            asking.next += 1;
            asking.schedule = Schedule::new(BOOT_SERVER_TIMEOUTS_MS, now);
            asking.schedule.again(now);
        }
        let Some(server) = asking.servers.get(asking.next) else {
            self.stage = Stage::Done(Outcome::Failed("EFI_NO_RESPONSE: port 4011 is silent"));
            return;
        };
        // New transaction id, no flags, from 4011 to 4011, with our address in ciaddr.
        let mut writer = Writer::new(1, asking.transaction_id, &self.machine.mac)
            .client_address(asking.address)
            .option(53, &[wire::REQUEST])
            .option(57, &1472_u16.to_be_bytes());
        if let Some((discovery, _)) = &asking.choice {
            writer = writer.option(43, &edk2_menu::boot_item(discovery.item_type));
        }
        out.send(
            0,
            Datagram {
                source: SocketAddrV4::new(asking.address, BOOT_SERVER_PORT),
                destination: SocketAddrV4::new(*server, BOOT_SERVER_PORT),
                link: None,
                payload: pxe_options(writer, &self.machine).finish(0),
            },
        );
    }
}

/// `PxeBcRetryBinlOffer`: a reply without file and without PXE sub-options is none.
/// `PxeBcDhcp4Discover`: one from a server that is not in the list is none either.
fn is_answer(asking: &AskBootServer, reply: &Reader<'_>) -> bool {
    match &asking.choice {
        Some((discovery, _)) => {
            let listed = discovery.servers.contains(&reply.server_address());
            (listed || !discovery.only_these) && boot_file(reply).is_some()
        }
        None => boot_file(reply).is_some() || offer_type(reply) == Some(OfferType::ProxyPxe10),
    }
}

/// `PxeBcDhcp4BootInfo`.
fn boot_info(
    proxy: Option<Vec<u8>>,
    pxe_reply: Option<Vec<u8>>,
    address: Ipv4Addr,
    ack: Vec<u8>,
) -> Outcome {
    let packet = pxe_reply.as_ref().or(proxy.as_ref()).unwrap_or(&ack);
    let Some(reader) = Reader::new(packet) else { return Outcome::Failed("no packet") };
    let Some(file) = boot_file(&reader) else {
        return Outcome::Failed("EFI_NOT_FOUND: no boot file");
    };
    let listed = sub_option(reader.option(43).unwrap_or_default(), 8)
        .and_then(|list| <[u8; 4]>::try_from(list.get(3..7)?).ok())
        .map(Ipv4Addr::from);
    let server = match (listed, reader.server_address()) {
        (Some(server), _) => server,
        (None, Ipv4Addr::UNSPECIFIED) => {
            reader.server_identifier().unwrap_or(Ipv4Addr::UNSPECIFIED)
        }
        (None, server) => server,
    };
    let cached = CachedPackets { ack, proxy_offer: proxy, pxe_reply };
    Outcome::Boot(Boot { server, file, address, cached, content: None })
}

impl Node for Edk2Pxe {
    fn handle_datagram(&mut self, now: Instant, arrival: &Arrival<'_>, out: &mut Outbox) {
        match &mut self.stage {
            Stage::Dora => {
                self.dhcp.handle_datagram(arrival, out);
                match core::mem::replace(&mut self.dhcp.progress, Progress::Running) {
                    Progress::Bound(ack) => self.on_bound(now, ack),
                    Progress::Failed(reason) => self.stage = Stage::Done(Outcome::Failed(reason)),
                    Progress::Running => {}
                }
            }
            Stage::BootServer(asking) => {
                let to_us = *arrival.destination.ip() == asking.address
                    || arrival.destination.ip().is_broadcast();
                if arrival.destination.port() != BOOT_SERVER_PORT || !to_us {
                    return;
                }
                // The first that matches wins; it is read when the timeout is over.
                let reply = acceptable(arrival.payload, &self.machine, asking.transaction_id);
                if let (Some(reply), None) = (reply, &asking.reply) {
                    asking.reply = Some(reply.bytes().to_vec());
                }
            }
            Stage::Done(_) => {}
        }
    }

    fn poll_timeout(&self) -> Option<Instant> {
        match &self.stage {
            Stage::Dora => self.dhcp.poll_timeout(),
            Stage::BootServer(asking) => asking.schedule.due(),
            Stage::Done(_) => None,
        }
    }

    fn handle_timeout(&mut self, now: Instant, out: &mut Outbox) {
        match &self.stage {
            Stage::Dora => {
                self.dhcp.handle_timeout(now, out);
                if let Progress::Failed(reason) = self.dhcp.progress {
                    self.stage = Stage::Done(Outcome::Failed(reason));
                }
            }
            Stage::BootServer(_) => self.on_boot_server_timeout(now, out),
            Stage::Done(_) => {}
        }
    }

    fn outcome(&self) -> Option<&Outcome> {
        match &self.stage {
            Stage::Done(outcome) => Some(outcome),
            Stage::Dora | Stage::BootServer(_) => None,
        }
    }
}
