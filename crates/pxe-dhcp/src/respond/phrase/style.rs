//! The ways to phrase an offer in option 43. Firmware differs in which of them it understands.

use core::fmt;
use core::net::Ipv4Addr;

use super::{is_ipxe, menu};
use crate::options::PxeOptions;
use crate::{BootFacts, Message, MessageView, OptionCode};

/// How an offer is phrased to a [`ClientClass::Pxe`](super::ClientClass::Pxe) client, and when it
/// leaves.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ProxyStyle {
    /// No option 43. UEFI firmware then asks on port 4011, and every version of EDK2 can do that;
    /// those of 2010 to 2017 discard proxy offers with PXE sub-options
    /// (`PxeBcCacheDhcp4Offer`).
    Binl,
    /// Option 43 with `PXE_DISCOVERY_CONTROL` 8: take the boot file of this packet at once. For
    /// BIOS ROMs and iPXE; saves them port 4011.
    JustBoot,
    /// Option 43 with a menu, its prompt and the list of boot servers (PXE 2.1, sub-options 8 to
    /// 10): the client takes the first item at once and asks us for it, by name of the item. For
    /// ROMs that believe no offer without a menu.
    Menu,
    /// Option 43 with the one-item menu a Raspberry Pi looks for before it believes an offer.
    RaspberryPi,
    /// As the request suggests, but sent [`OFFER_DELAY`](crate::respond::OFFER_DELAY) later: for
    /// firmware that listens to proxies only once it has a DHCP server's offer. Where there is
    /// nothing to hold back, on port 4011, the same as the request suggests.
    Delayed,
}

/// Which style the offers have whose answer names none ([`ProxyAnswer::style`]). iPXE, HTTP Boot,
/// U-Boot and the Raspberry Pi keep their own style whatever is set here: what they take is known.
///
/// [`ProxyAnswer::style`]: crate::respond::ProxyAnswer::style
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ProxyStyles {
    /// What suits the request ([`ProxyRequest::default_style`](crate::respond::ProxyRequest::default_style)).
    /// Nothing is remembered of clients, so copies of a responder answer alike.
    #[default]
    ByRequest,
    /// What suits the request first; firmware that ignores it, two rounds of DISCOVER long, is
    /// offered the other styles in turn. What worked is remembered for each hardware address and
    /// each maker. The responder must hear ports 67 and 4011 both, and be told of files that
    /// clients fetch ([`ProxyResponder::note_fetch`](crate::respond::ProxyResponder::note_fetch)).
    Adaptive,
    /// This one for everybody.
    Only(ProxyStyle),
}

impl ProxyStyle {
    /// The style that suits the client in question as far as its request alone tells: iPXE and
    /// BIOS boot at once, a Raspberry Pi gets its menu, the rest is UEFI or indifferent.
    ///
    /// The boot ROM of a Raspberry Pi says that it is a BIOS. It is told apart by its hardware
    /// address, or by what option 97 begins with.
    #[must_use]
    pub fn for_request(view: &MessageView<'_>, facts: &BootFacts<'_>) -> Self {
        if is_ipxe(facts) {
            return Self::JustBoot;
        }
        let arch = first_arch(facts);
        let pi = has_raspberry_pi_fourcc(facts) || has_raspberry_pi_prefix(view);
        if arch == ARCH_RASPBERRY_PI || (arch == ARCH_BIOS && pi) {
            return Self::RaspberryPi;
        }
        if ARCHS_WITHOUT_EFI.contains(&arch) { Self::JustBoot } else { Self::Binl }
    }

    /// What stands in the packet: a delayed one says what a punctual one would say.
    pub(in crate::respond) fn phrase(self, usual: Self) -> Self {
        if self == Self::Delayed { usual } else { self }
    }
}

impl fmt::Display for ProxyStyle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Binl => "BINL without option 43",
            Self::JustBoot => "option 43 'just boot'",
            Self::Menu => "a full menu",
            Self::RaspberryPi => "the menu of a Raspberry Pi",
            Self::Delayed => "a delayed offer",
        })
    }
}

/// Adds option 43 as `phrase` wants it, if it wants it at all. `server` is where a menu's items are
/// asked for.
pub(in crate::respond) fn push(
    message: &mut Message,
    facts: &BootFacts<'_>,
    phrase: ProxyStyle,
    server: Ipv4Addr,
) {
    match phrase {
        ProxyStyle::Binl | ProxyStyle::Delayed => {}
        ProxyStyle::JustBoot => {
            message.push(OptionCode::VENDOR_SPECIFIC, &PxeOptions::JUST_BOOT);
        }
        ProxyStyle::Menu => {
            message.push_with(OptionCode::VENDOR_SPECIFIC, |value| menu::write(value, server));
        }
        ProxyStyle::RaspberryPi => {
            // The ROM of the Pi 3 wants the name with three blanks after it; boards that name
            // themselves in option 97 are newer and want it without.
            let menu = match has_raspberry_pi_fourcc(facts) {
                true => RASPBERRY_PI_MENU,
                false => RASPBERRY_PI_3_MENU,
            };
            message.push(OptionCode::VENDOR_SPECIFIC, menu);
        }
    }
}

/// The architecture that decides: the first entry of option 93 that the registry knows, else the
/// one in the text of option 60, else BIOS (a PXE client that says nothing is an old one).
fn first_arch(facts: &BootFacts<'_>) -> u16 {
    let listed = facts.archs.iter().find(|arch| *arch <= ARCH_REGISTERED_MAX);
    listed.or_else(|| facts.class()?.arch()).unwrap_or(ARCH_BIOS)
}

/// Option 97 of a Raspberry Pi 4 or 5: type 0, then `RPi4` or the like.
fn has_raspberry_pi_fourcc(facts: &BootFacts<'_>) -> bool {
    facts.machine_id.is_some_and(|id| id.starts_with(b"\0RPi"))
}

/// A hardware address from one of the maker's blocks.
fn has_raspberry_pi_prefix(view: &MessageView<'_>) -> bool {
    view.hardware_address().get(..3).is_some_and(|prefix| RASPBERRY_PI_PREFIXES.contains(&prefix))
}

/// Blocks of the IEEE registry (MA-L) held by Raspberry Pi Foundation, Trading and Ltd.
const RASPBERRY_PI_PREFIXES: [&[u8]; 7] = [
    &[0x28, 0xcd, 0xc1],
    &[0x2c, 0xcf, 0x67],
    &[0x88, 0xa2, 0x9e],
    &[0xb8, 0x27, 0xeb],
    &[0xd8, 0x3a, 0xdd],
    &[0xdc, 0xa6, 0x32],
    &[0xe4, 0x5f, 0x01],
];

/// x86 BIOS (IANA "Processor Architecture Types").
const ARCH_BIOS: u16 = 0;
const ARCH_RASPBERRY_PI: u16 = 41;
/// Highest assigned number.
const ARCH_REGISTERED_MAX: u16 = 41;
/// BIOS, NEC PC-98, Alpha, Arc x86, Intel Lean Client, BIOS over HTTP: ROMs of the PXE 1 era or in
/// their tradition.
const ARCHS_WITHOUT_EFI: [u16; 6] = [ARCH_BIOS, 1, 3, 4, 5, 20];

/// Discovery neither by broadcast nor multicast; prompt `PXE` with timeout 0; one item of type 0.
const RASPBERRY_PI_MENU: &[u8] = b"\x06\x01\x03\x0a\x04\0PXE\x09\x14\0\0\x11Raspberry Pi Boot\xff";
const RASPBERRY_PI_3_MENU: &[u8] =
    b"\x06\x01\x03\x0a\x04\0PXE\x09\x17\0\0\x14Raspberry Pi Boot   \xff";

/// End of the encapsulated space. Intel ROMs want it.
pub(in crate::respond) const END: u8 = 255;
