//! Packet loss on a wire, by a rule of the bridge. What a tap shows is what the machine got.

use crate::error::{Context as _, Failure, Result};
use crate::lab::wire::Wire;
use crate::process::capture;

/// Drops this share of all frames that cross the bridge, in both directions.
pub(crate) fn lose(wire: &Wire, percent: u8) -> Result<()> {
    for rule in rules(percent) {
        capture(&mut wire.lan().command(&["nft", &rule])).context(|| {
            "setting up packet loss (the kernel needs nf_tables for bridges and numgen: \
             modprobe -a nf_tables nft_numgen)"
                .to_owned()
        })?;
    }
    Ok(())
}

/// How many frames were dropped until now.
pub(crate) fn lost(wire: &Wire) -> Result<u64> {
    let words = ["nft", "list", "chain", "bridge", "loss", "forward"];
    let listing = capture(&mut wire.lan().command(&words))?;
    dropped(&listing).ok_or_else(|| Failure::new(format!("no counter in: {listing}")))
}

fn dropped(listing: &str) -> Option<u64> {
    let (_, after) = listing.split_once("counter packets ")?;
    after.split_whitespace().next()?.parse().ok()
}

fn rules(percent: u8) -> [String; 3] {
    [
        "add table bridge loss".to_owned(),
        "add chain bridge loss forward { type filter hook forward priority 0 ; }".to_owned(),
        format!("add rule bridge loss forward numgen random mod 100 < {percent} counter drop"),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_counter_is_read_from_the_listing() {
        let listing = "\t\tnumgen random mod 100 < 5 counter packets 151 bytes 9817 drop\n";
        assert_eq!(dropped(listing), Some(151));
        assert_eq!(dropped("table bridge loss {}"), None);
    }

    #[test]
    fn the_rule_names_the_share() {
        let [.., rule] = rules(5);
        assert!(rule.contains("mod 100 < 5") && rule.ends_with("drop"), "{rule}");
    }
}
