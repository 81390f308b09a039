//! EDK2's UEFI HTTP Boot for IPv4 (`NetworkPkg/HttpBootDxe/HttpBootDhcp4.c`).

use std::net::Ipv4Addr;
use std::time::Instant;

use super::edk2_dhcp4::{Callback, Dhcp4, Progress};
use super::{Boot, CachedPackets, Machine, Outcome};
use crate::network::{Arrival, Node, Outbox};
use crate::wire::{self, Reader, Writer};

/// `HTTP_BOOT_OFFER_MAX_NUM`.
const OFFERS_MAX: usize = 16;

/// `HTTP_BOOT_OFFER_TYPE`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum OfferType {
    DhcpOnly,
    DhcpDns,
    DhcpIpUri,
    DhcpIpUriDns,
    DhcpNameUriDns,
    ProxyIpUri,
    ProxyNameUri,
}

#[derive(Debug)]
struct Offers {
    machine: Machine,
    cached: Vec<(OfferType, Vec<u8>)>,
    /// The packet that holds the URI.
    uri: Option<Vec<u8>>,
}

impl Callback for Offers {
    /// `HttpBootBuildDhcp4Options`. The byte at index 24 of the parameter request list is never
    /// written there; it holds what was on the stack.
    fn options(&self, writer: Writer, message_type: u8) -> Writer {
        const REQUEST_LIST: [u8; 28] = [
            1, 2, 3, 4, 5, 6, 12, 13, 15, 17, 18, 22, 23, 28, 40, 41, 42, 43, 50, 51, 54, 58, 59,
            60, 255, 66, 67, 97,
        ];
        let size = if message_type == wire::DISCOVER { 1472_u16 } else { 0xff00 };
        writer
            .option(57, &size.to_be_bytes())
            .option(55, &REQUEST_LIST)
            .option(97, &self.machine.machine_id())
            .option(94, &[1, 3, 0])
            .option(93, &self.machine.arch.to_be_bytes())
            .option(60, &self.machine.vendor_class("HTTPClient", "003000"))
    }

    /// `HttpBootCacheDhcp4Offer`.
    fn cache_offer(&mut self, offer: &[u8]) {
        let kind = Reader::new(offer).and_then(|offer| offer_type(&offer));
        if let Some(kind) = kind.filter(|_| self.cached.len() < OFFERS_MAX) {
            self.cached.push((kind, offer.to_vec()));
        }
    }

    /// `HttpBootSelectDhcpOffer`.
    fn select(&mut self) -> Option<Vec<u8>> {
        use OfferType::{
            DhcpDns, DhcpIpUri, DhcpIpUriDns, DhcpNameUriDns, DhcpOnly, ProxyIpUri, ProxyNameUri,
        };
        let first = |kind| {
            self.cached.iter().find(|(cached, _)| *cached == kind).map(|(_, offer)| offer.clone())
        };
        for alone in [DhcpIpUri, DhcpIpUriDns, DhcpNameUriDns] {
            if let Some(offer) = first(alone) {
                self.uri = Some(offer.clone());
                return Some(offer);
            }
        }
        for (dhcp, proxy) in
            [(DhcpOnly, ProxyIpUri), (DhcpDns, ProxyIpUri), (DhcpDns, ProxyNameUri)]
        {
            if let (Some(offer), Some(uri)) = (first(dhcp), first(proxy)) {
                self.uri = Some(uri);
                return Some(offer);
            }
        }
        None
    }
}

/// `HttpBootParseDhcp4Packet`.
fn offer_type(offer: &Reader<'_>) -> Option<OfferType> {
    let proxy = offer.your_address().is_unspecified();
    let dns = offer.option(6).is_some();
    if !offer.has_class(b"HTTPClient") {
        // A proxy offer of another class is nothing.
        return (!proxy).then_some(if dns { OfferType::DhcpDns } else { OfferType::DhcpOnly });
    }
    let Some(uri) = uri(offer) else {
        return (!proxy).then_some(if dns { OfferType::DhcpDns } else { OfferType::DhcpOnly });
    };
    let by_address = host(&uri)?.parse::<Ipv4Addr>().is_ok();
    match (proxy, by_address, dns) {
        (true, true, _) => Some(OfferType::ProxyIpUri),
        (true, false, _) => Some(OfferType::ProxyNameUri),
        (false, true, true) => Some(OfferType::DhcpIpUriDns),
        (false, true, false) => Some(OfferType::DhcpIpUri),
        (false, false, true) => Some(OfferType::DhcpNameUriDns),
        (false, false, false) => None,
    }
}

/// Option 67, else `file`; it must be an http or https URL.
fn uri(offer: &Reader<'_>) -> Option<String> {
    let name = offer.option(67).map_or_else(|| offer.boot_file(), wire::up_to_nul);
    let name = String::from_utf8(name.to_vec()).ok()?;
    host(&name).is_some().then_some(name)
}

/// The host part of an http or https URL.
fn host(uri: &str) -> Option<&str> {
    let rest = uri.strip_prefix("http://").or_else(|| uri.strip_prefix("https://"))?;
    let authority = rest.split('/').next()?;
    authority.split(':').next().filter(|host| !host.is_empty())
}

/// One machine in its HTTP Boot attempt.
#[derive(Debug)]
pub struct Edk2Http {
    dhcp: Dhcp4<Offers>,
    outcome: Option<Outcome>,
}

impl Edk2Http {
    /// A machine that begins at `start`.
    #[must_use]
    pub fn new(machine: Machine, start: Instant) -> Self {
        let offers = Offers { machine, cached: Vec::new(), uri: None };
        Self { dhcp: Dhcp4::new(machine, offers, start), outcome: None }
    }

    fn settle(&mut self) {
        match &self.dhcp.progress {
            Progress::Running => {}
            Progress::Failed(reason) => self.outcome = Some(Outcome::Failed(reason)),
            Progress::Bound(ack) => {
                let packet = self.dhcp.callback.uri.as_deref().and_then(Reader::new);
                let address = Reader::new(ack).map(|ack| ack.your_address());
                self.outcome = Some(match (packet.and_then(|packet| uri(&packet)), address) {
                    (Some(uri), Some(address)) => Outcome::Boot(Boot {
                        server: Ipv4Addr::UNSPECIFIED,
                        file: uri.into_bytes(),
                        address,
                        cached: CachedPackets { ack: ack.clone(), ..CachedPackets::default() },
                        content: None,
                    }),
                    _ => Outcome::Failed("EFI_NOT_FOUND: no URI"),
                });
            }
        }
    }
}

impl Node for Edk2Http {
    fn handle_datagram(&mut self, _now: Instant, arrival: &Arrival<'_>, out: &mut Outbox) {
        if self.outcome.is_none() {
            self.dhcp.handle_datagram(arrival, out);
            self.settle();
        }
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.dhcp.poll_timeout().filter(|_| self.outcome.is_none())
    }

    fn handle_timeout(&mut self, now: Instant, out: &mut Outbox) {
        if self.outcome.is_none() {
            self.dhcp.handle_timeout(now, out);
            self.settle();
        }
    }

    fn outcome(&self) -> Option<&Outcome> {
        self.outcome.as_ref()
    }
}
