//! How our offers are phrased, seen on the wire.

use core::time::Duration;

use crate::lab::evidence::Evidence;
use crate::lab::packets::{DISCOVER, DhcpSeen, OFFER};
use crate::lab::wire::SERVER_ADDRESS;

/// An offer this long after its DISCOVER was held back.
const DELAY_MIN: Duration = Duration::from_millis(1_400);

/// A way to phrase proxy offers, as the wire shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    /// Option 43 that says "boot this at once".
    JustBoot,
    /// Option 43 with a menu.
    Menu,
    /// Long after the DISCOVER.
    Delayed,
}

impl Style {
    /// Whether our first offer was phrased otherwise, and how.
    pub(crate) fn refuted_by(self, evidence: &Evidence) -> Option<String> {
        let ours = |message: &&DhcpSeen| {
            message.is_reply
                && message.message_type == OFFER
                && *message.source.ip() == SERVER_ADDRESS
        };
        let offer = evidence.dhcp.iter().find(ours)?;
        let asked = evidence
            .dhcp
            .iter()
            .rfind(|message| message.message_type == DISCOVER && message.at <= offer.at)?;
        let after = offer.at - asked.at;
        let shows = match self {
            Self::JustBoot => offer.vendor == [6, 1, 8, 255],
            // Discovery control 3, and us as the boot server of type 0x8000.
            Self::Menu => offer.vendor.starts_with(&[6, 1, 3, 8, 7, 0x80, 0, 1]),
            Self::Delayed => after >= DELAY_MIN,
        };
        (!shows).then(|| {
            format!("no {self:?} offer: option 43 {:02x?}, {after:?} after it", offer.vendor)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::packets::tests::{discover, reply};

    #[test]
    fn the_style_of_an_offer_is_seen_on_the_wire() {
        let mut offer = reply(SERVER_ADDRESS, OFFER, "ipxe.efi");
        let seen = |offer: &DhcpSeen| {
            let dhcp = vec![discover(7), offer.clone()];
            let evidence = Evidence { dhcp, transfers: Vec::new() };
            [Style::JustBoot, Style::Menu, Style::Delayed]
                .map(|style| style.refuted_by(&evidence).is_none())
        };
        assert_eq!(seen(&offer), [false; 3]);
        offer.vendor = vec![6, 1, 8, 255];
        assert_eq!(seen(&offer), [true, false, false]);
        offer.vendor = vec![6, 1, 3, 8, 7, 0x80, 0, 1, 10, 77, 0, 1, 255];
        assert_eq!(seen(&offer), [false, true, false]);
        offer.at += Duration::from_millis(1_500);
        assert_eq!(seen(&offer), [false, true, true]);
    }
}
