//! Which offers it keeps, and which it takes (`PxeBcDhcp4.c`).

use std::net::Ipv4Addr;

use crate::firmware::Machine;
use crate::firmware::edk2_dhcp4::Callback;
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

/// `PXEBC_OFFER_TYPE` for DHCP messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OfferType {
    DhcpOnly,
    DhcpPxe10,
    DhcpBinl,
    ProxyPxe10,
    ProxyBinl,
}

/// The offers and what was selected among them.
#[derive(Debug)]
pub(super) struct Offers {
    machine: Machine,
    era: Era,
    pub(super) cached: Vec<(OfferType, Vec<u8>)>,
    pub(super) is_proxy_received: bool,
    pub(super) selected: Option<usize>,
    pub(super) proxy: Option<OfferType>,
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
    pub(super) fn new(machine: Machine, era: Era) -> Self {
        Self {
            machine,
            era,
            cached: Vec::new(),
            is_proxy_received: false,
            selected: None,
            proxy: None,
        }
    }

    /// Of BINL.
    pub(super) fn servers_to_ask(&self) -> Vec<Ipv4Addr> {
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
pub(super) fn pxe_options(writer: Writer, machine: &Machine) -> Writer {
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
pub(super) fn offer_type(offer: &Reader<'_>) -> Option<OfferType> {
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
pub(super) fn boot_file(packet: &Reader<'_>) -> Option<Vec<u8>> {
    let name = packet.option(67).map(wire::up_to_nul).unwrap_or_else(|| packet.boot_file());
    (!name.is_empty()).then(|| name.to_vec())
}
