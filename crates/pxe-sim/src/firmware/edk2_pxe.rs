//! EDK2's PXE base code for IPv4 (`NetworkPkg/UefiPxeBcDxe/PxeBcDhcp4.c`).

use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::Instant;

use super::edk2_dhcp4::{Callback, Dhcp4, Progress, acceptable};
use super::edk2_menu::{self, Discovery, Selected};
use super::{BOOT_SERVER_PORT, Boot, CachedPackets, Machine, Outcome, Schedule};
use crate::network::{Arrival, Datagram, Node, Outbox};
use crate::wire::{self, Reader, Writer, sub_option, sub_options};

/// Which years' code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Era {
    /// Since 2017-04 (commit 8cdd559be6).
    Current,
    /// 2010-11 (a3bcde70e6) to 2017-04: `PxeBcCacheDhcp4Offer` keeps a proxy offer with PXE
    /// sub-options only if it already has one, that is never.
    Years2010To2017,
}

/// `PXEBC_OFFER_MAX_NUM`.
const OFFERS_MAX: usize = 16;
/// `PXEBC_DHCP4_DISCOVER_INIT_TIMEOUT` and its increments, `PXEBC_DHCP4_DISCOVER_RETRIES`.
const BOOT_SERVER_TIMEOUTS_MS: &[u64] = &[1_000, 2_000, 3_000, 4_000];

/// `PXEBC_OFFER_TYPE` for DHCP messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum OfferType {
    DhcpOnly,
    DhcpPxe10,
    DhcpBinl,
    ProxyPxe10,
    ProxyBinl,
}

/// The offers and what was selected among them.
#[derive(Debug)]
struct Offers {
    machine: Machine,
    era: Era,
    cached: Vec<(OfferType, Vec<u8>)>,
    is_proxy_received: bool,
    selected: Option<usize>,
    proxy: Option<OfferType>,
}

impl Callback for Offers {
    /// `PxeBcBuildDhcp4Options`; `PxeBcDhcp4CallBack` sets option 57 in DISCOVER and leaves
    /// 0xff00 in REQUEST.
    fn options(&self, writer: Writer, message_type: u8) -> Writer {
        let size = if message_type == wire::DISCOVER { 1472_u16 } else { 0xff00 };
        pxe_options(writer.option(57, &size.to_be_bytes()), &self.machine)
    }

    /// `PxeBcCacheDhcp4Offer`.
    fn cache_offer(&mut self, offer: &[u8]) {
        if self.cached.len() == OFFERS_MAX {
            return;
        }
        let Some(reader) = Reader::new(offer) else { return };
        let Some(kind) = offer_type(&reader) else { return };
        if reader.your_address().is_unspecified() {
            self.is_proxy_received = true;
            let first = !self.cached.iter().any(|(cached, _)| *cached == kind);
            match (kind, self.era) {
                (OfferType::ProxyBinl, _) => {}
                // A proxy offer that is neither is cached nowhere: `OfferCount` of its type is 0.
                (OfferType::ProxyPxe10, Era::Current) if first => {}
                _ => return,
            }
        }
        self.cached.push((kind, offer.to_vec()));
    }

    /// `PxeBcSelectDhcp4Offer`.
    fn select(&mut self) -> Option<Vec<u8>> {
        let first = |kind| self.cached.iter().position(|(cached, _)| *cached == kind);
        let plain = first(OfferType::DhcpOnly);
        let proxy = |kind| plain.filter(|_| first(kind).is_some());
        let (selected, proxy) = if let Some(offer) = first(OfferType::DhcpPxe10) {
            (offer, None)
        } else if let Some(offer) = proxy(OfferType::ProxyPxe10) {
            (offer, Some(OfferType::ProxyPxe10))
        } else if let Some(offer) = first(OfferType::DhcpBinl) {
            (offer, None)
        } else if let Some(offer) = proxy(OfferType::ProxyBinl) {
            (offer, Some(OfferType::ProxyBinl))
        } else {
            let with_file = |(kind, offer): &(OfferType, Vec<u8>)| {
                *kind == OfferType::DhcpOnly
                    && Reader::new(offer).is_some_and(|offer| boot_file(&offer).is_some())
            };
            (self.cached.iter().position(with_file)?, None)
        };
        self.selected = Some(selected);
        self.proxy = proxy;
        Some(self.cached[selected].1.clone())
    }
}

impl Offers {
    fn servers_to_ask(&self) -> Vec<Ipv4Addr> {
        let asks = |(kind, offer): &(OfferType, Vec<u8>)| {
            let wanted = match self.proxy {
                Some(proxy) => *kind == proxy,
                None => *kind == OfferType::DhcpBinl,
            };
            let offer = Reader::new(offer).filter(|_| wanted)?;
            // `PxeBcRetryBinlOffer`: siaddr, else the server identifier.
            match offer.server_address() {
                Ipv4Addr::UNSPECIFIED => offer.server_identifier(),
                server => Some(server),
            }
        };
        self.cached.iter().filter_map(asks).collect()
    }
}

/// `PxeBcBuildDhcp4Options`.
fn pxe_options(writer: Writer, machine: &Machine) -> Writer {
    const REQUEST_LIST: [u8; 35] = [
        1, 2, 3, 4, 5, 6, 12, 13, 15, 17, 18, 22, 23, 28, 40, 41, 42, 43, 50, 51, 54, 58, 59, 60,
        66, 67, 97, 128, 129, 130, 131, 132, 133, 134, 135,
    ];
    writer
        .option(55, &REQUEST_LIST)
        .option(97, &machine.machine_id())
        .option(94, &[1, 3, 0])
        .option(93, &machine.arch.to_be_bytes())
        .option(60, &machine.vendor_class("PXEClient", "003000"))
}

/// `PxeBcParseDhcp4Packet`; none for what it discards.
fn offer_type(offer: &Reader<'_>) -> Option<OfferType> {
    let proxy = offer.your_address().is_unspecified();
    if !offer.has_class(b"PXEClient") {
        // A proxy offer without class ends in `PxeOfferTypeDhcpOnly`, cached by nobody.
        return Some(OfferType::DhcpOnly);
    }
    let vendor = offer.option(43).unwrap_or_default();
    let has = |code| sub_option(vendor, code).is_some();
    if sub_options(vendor).any(|(code, _)| (6..=10).contains(&code)) {
        return Some(if proxy { OfferType::ProxyPxe10 } else { OfferType::DhcpPxe10 });
    }
    if (1..=5).all(has) {
        return None;
    }
    Some(if proxy { OfferType::ProxyBinl } else { OfferType::DhcpBinl })
}

/// Option 67 before the header's `file`.
fn boot_file(packet: &Reader<'_>) -> Option<Vec<u8>> {
    let name = packet.option(67).map(wire::up_to_nul).unwrap_or_else(|| packet.boot_file());
    (!name.is_empty()).then(|| name.to_vec())
}

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
        let offers = Offers {
            machine,
            era,
            cached: Vec::new(),
            is_proxy_received: false,
            selected: None,
            proxy: None,
        };
        Self { machine, dhcp: Dhcp4::new(machine, offers, start), stage: Stage::Dora }
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
