//! How the story says that a client's offers are phrased otherwise.

use core::fmt;

use pxe_dhcp::respond::{ProxyStyle, StyleReason};

/// What the story says behind the word of [`Stage::Phrased`](super::Stage::Phrased).
pub(super) fn phrased(
    f: &mut fmt::Formatter<'_>,
    style: ProxyStyle,
    reason: &StyleReason,
) -> fmt::Result {
    match reason {
        StyleReason::Ignored { rounds: 1, .. } => {
            write!(f, " {style}: one round of DISCOVER without a request")
        }
        StyleReason::Ignored { rounds: 2, .. } => {
            write!(f, " {style}: two rounds of DISCOVER without a request")
        }
        StyleReason::Ignored { rounds, .. } => {
            write!(f, " {style}: {rounds} rounds of DISCOVER without a request")
        }
        StyleReason::SameMaker { machines } => {
            write!(f, " {style} first: {machines} machines of the same maker took it")
        }
        StyleReason::Worked => write!(f, " on {style}: its first offer from now on"),
        StyleReason::NoneWorked { tried } => {
            f.write_str(" every style of offer")?;
            for (index, style) in tried.iter().enumerate() {
                write!(f, "{} {style}", if index == 0 { ":" } else { "," })?;
            }
            write!(
                f,
                "; beginning again with {style}. Does a DHCP server give it an address, and does \
                 every switch let our offers through? Else name its boot file on the DHCP server"
            )
        }
        _ => write!(f, " {style}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Stage;

    #[test]
    fn styles_are_told_in_words() {
        let say = |style, reason| Stage::Phrased { style, reason }.to_string();
        assert_eq!(
            say(
                ProxyStyle::JustBoot,
                StyleReason::Ignored { previous: ProxyStyle::Binl, rounds: 2 }
            ),
            "trying option 43 'just boot': two rounds of DISCOVER without a request"
        );
        assert_eq!(
            say(ProxyStyle::Menu, StyleReason::SameMaker { machines: 3 }),
            "trying a full menu first: 3 machines of the same maker took it"
        );
        assert_eq!(
            say(ProxyStyle::Delayed, StyleReason::Worked),
            "settled on a delayed offer: its first offer from now on"
        );
        let tried = [ProxyStyle::Binl, ProxyStyle::JustBoot, ProxyStyle::Menu, ProxyStyle::Delayed];
        let none = say(ProxyStyle::Binl, StyleReason::NoneWorked { tried });
        let begin = "ignored every style of offer: BINL without option 43, option 43 'just boot', \
                     a full menu, a delayed offer; beginning again with BINL";
        assert!(none.starts_with(begin), "{none}");
    }
}
