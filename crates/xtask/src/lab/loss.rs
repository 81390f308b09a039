//! Packet loss on a wire, by a rule of the bridge. What a tap shows is what the machine got.

use crate::error::{Context as _, Result};
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
    fn the_rule_names_the_share() {
        let [.., rule] = rules(5);
        assert!(rule.contains("mod 100 < 5") && rule.ends_with("drop"), "{rule}");
    }
}
