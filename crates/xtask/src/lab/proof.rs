//! When a boot counts as proven: the loader was named by whom it should be, came whole from our
//! server, and ran. And what must not happen on the way, whatever comes after it.

mod forbidden;
mod running;

use core::net::Ipv4Addr;
use core::time::Duration;
use std::fs;

use crate::lab::evidence::{Evidence, Transfer, base_name};
use crate::lab::firmware::Machine;
use crate::lab::packets::{ACK, DISCOVER, OFFER};
use crate::lab::wire::SERVER_ADDRESS;
use forbidden::forbidden;
use running::running;

/// A machine and the boot file that it must end with.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Seat {
    pub(crate) machine: Machine,
    pub(crate) loader: Loader,
}

/// A boot file and how it shows that it runs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Loader {
    /// Its name, without folders.
    pub(crate) name: &'static str,
    /// Files of which one has its exact content; none for what the server generates.
    pub(crate) from: &'static [&'static str],
    pub(crate) signs: Signs,
}

/// Who tells a machine what to fetch, and by which name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Naming {
    /// The server identifier (option 54) of whoever names it.
    pub(crate) by: Ipv4Addr,
    /// Where its messages come from on the machine's wire: itself, or a relay.
    pub(crate) through: Ipv4Addr,
    /// The name that stands for the loader; none where the loader's own is told.
    pub(crate) bait: Option<&'static str>,
    /// The first and the last address that it gives, where whoever names is also the DHCP server.
    pub(crate) gives: Option<[Ipv4Addr; 2]>,
}

/// What only this loader does once it runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Signs {
    /// iPXE: asks DHCP again as `iPXE`, then fetches the script that it is told.
    Ipxe,
    /// A script for an iPXE that is there already: its menu shows on the screen.
    IpxeMenu,
    /// PXELINUX: fetches its module, then searches a configuration by its own naming scheme.
    Pxelinux,
    /// GRUB: searches its modules' lists and its configuration.
    Grub,
    /// shim: fetches GRUB from where it came from itself, and GRUB then does as GRUB does.
    Shim { second_stage: &'static str, from: &'static [&'static str] },
    /// The same, and GRUB then fetches the configuration that we make and shows its menu.
    ShimMenu { second_stage: &'static str, from: &'static [&'static str] },
}

/// A proven boot.
#[derive(Debug, Clone)]
pub(crate) struct Proof {
    pub(crate) file: String,
    pub(crate) bytes: usize,
    /// When the running loader first showed itself, since the Unix epoch.
    pub(crate) ran_at: Duration,
}

/// What the evidence says so far.
#[derive(Debug)]
pub(crate) enum Verdict {
    Proven(Proof),
    /// Not yet: what is still to be seen.
    Waiting(&'static str),
    /// Never, whatever comes.
    Broken(String),
}

/// Judges one machine's boot by the frames on its tap and by its screen.
pub(crate) fn judge(seat: &Seat, naming: Naming, evidence: &Evidence, screen: &str) -> Verdict {
    if let Some(why) = forbidden(seat, naming, evidence) {
        return Verdict::Broken(why);
    }
    let loader = &seat.loader;
    let name = naming.bait.unwrap_or(loader.name);
    let arch = seat.machine.arch().to_be_bytes();
    let asked = evidence.dhcp.iter().any(|message| {
        !message.is_reply && message.message_type == DISCOVER && message.arch == arch
    });
    if !asked {
        return Verdict::Waiting("a DHCPDISCOVER of this architecture");
    }
    if let Some(wanted) = unnamed(naming, evidence, name) {
        return Verdict::Waiting(wanted);
    }
    let Some(transfer) = fetched(evidence, name) else {
        return Verdict::Waiting("the whole loader from our address");
    };
    if !matches_a_file(&transfer.content, loader.from) {
        let why = format!("{} arrived with other bytes than the file has", loader.name);
        return Verdict::Broken(why);
    }
    let done = transfer.completed.unwrap_or_default();
    match running(loader.signs, evidence, transfer, done, screen) {
        Ok(ran_at) => Verdict::Proven(Proof {
            file: String::from_utf8_lossy(&transfer.name).into_owned(),
            bytes: transfer.content.len(),
            ran_at,
        }),
        Err(wanted) => Verdict::Waiting(wanted),
    }
}

/// What is still to be seen before the machine was told what it had to be told.
fn unnamed(naming: Naming, evidence: &Evidence, name: &str) -> Option<&'static str> {
    let named = |kinds: &[u8]| {
        evidence.dhcp.iter().find(|message| {
            kinds.contains(&message.message_type)
                && message.is_reply
                && message.server == Some(naming.by)
                && *message.source.ip() == naming.through
                && message.boot_server == SERVER_ADDRESS
                && base_name(&message.file) == name.as_bytes()
        })
    };
    if naming.gives.is_none() {
        return match (named(&[OFFER, ACK]), naming.bait) {
            (Some(_), _) => None,
            (None, Some(_)) => {
                Some("an offer or acknowledgement of the DHCP server that names the bait and us")
            }
            (None, None) => Some("an offer or acknowledgement of ours that names the loader"),
        };
    }
    // Firmware boots from an OFFER, loaders read the ACK: both have to say it.
    match (named(&[OFFER]), named(&[ACK])) {
        (Some(offer), Some(ack)) if offer.your_address == ack.your_address => None,
        (Some(_), _) => {
            Some("an acknowledgement of ours, for the offered address, that names the loader")
        }
        (None, _) => Some("an offer of ours with an address that names the loader"),
    }
}

fn fetched<'e>(evidence: &'e Evidence, name: &str) -> Option<&'e Transfer> {
    evidence.completed().find(|transfer| {
        transfer.server == SERVER_ADDRESS && transfer.base_name() == name.as_bytes()
    })
}

fn matches_a_file(content: &[u8], files: &[&str]) -> bool {
    files.is_empty() || files.iter().any(|file| fs::read(file).is_ok_and(|is| is == content))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::packets::tests::{discover, reply};
    use crate::lab::packets::{DhcpSeen, NAK};

    const FOREIGN: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 1);
    const PROXY: Naming =
        Naming { by: SERVER_ADDRESS, through: SERVER_ADDRESS, bait: None, gives: None };
    const BAIT: Naming =
        Naming { by: FOREIGN, through: FOREIGN, bait: Some("pxe-loader"), gives: None };
    const SEAT: Seat = Seat {
        machine: Machine::X64Uefi,
        loader: Loader { name: "ipxe.efi", from: &[], signs: Signs::Ipxe },
    };

    fn verdict(replies: Vec<DhcpSeen>) -> Verdict {
        verdict_where(PROXY, replies)
    }

    fn verdict_where(naming: Naming, replies: Vec<DhcpSeen>) -> Verdict {
        let dhcp = [vec![discover(7)], replies].concat();
        judge(&SEAT, naming, &Evidence { dhcp, transfers: Vec::new() }, "")
    }

    #[test]
    fn a_bait_is_named_by_the_dhcp_server_and_by_nobody_else() {
        let waits_for_file =
            |verdict| matches!(verdict, Verdict::Waiting(what) if what.contains("whole loader"));
        let named = || reply(FOREIGN, OFFER, "pxe-loader");
        assert!(waits_for_file(verdict_where(BAIT, vec![named()])));
        let mut elsewhere = named();
        elsewhere.boot_server = FOREIGN;
        assert!(!waits_for_file(verdict_where(BAIT, vec![elsewhere])));
        let broken =
            |message| matches!(verdict_where(BAIT, vec![named(), message]), Verdict::Broken(_));
        assert!(broken(reply(FOREIGN, OFFER, "ipxe.efi")), "another name");
        assert!(broken(reply(SERVER_ADDRESS, OFFER, "")), "ours, which is to be silent");
        let mut relayed = reply(FOREIGN, OFFER, "");
        relayed.server = Some(SERVER_ADDRESS);
        assert!(broken(relayed), "ours, by a relay");
    }

    #[test]
    fn a_dhcp_server_gives_an_address_and_names_the_file_twice() {
        let [first, last] = crate::lab::wire::POOL;
        let naming = Naming { gives: Some([first, last]), ..PROXY };
        let given = |kind, address| {
            let mut message = reply(SERVER_ADDRESS, kind, "ipxe.efi");
            message.your_address = address;
            message
        };
        let waits = |replies| match verdict_where(naming, replies) {
            Verdict::Waiting(what) => what,
            other => panic!("{other:?}"),
        };
        assert!(waits(vec![given(OFFER, first)]).contains("acknowledgement"));
        assert!(waits(vec![given(OFFER, first), given(ACK, last)]).contains("offered address"));
        assert!(waits(vec![given(ACK, first)]).contains("an offer"));
        assert!(waits(vec![given(OFFER, first), given(ACK, first)]).contains("whole loader"));
        let broken = |message| matches!(verdict_where(naming, vec![message]), Verdict::Broken(_));
        assert!(broken(given(OFFER, Ipv4Addr::new(10, 77, 0, 9))), "not of the pool");
        assert!(broken(given(ACK, Ipv4Addr::UNSPECIFIED)), "no address");
        assert!(broken(given(NAK, Ipv4Addr::UNSPECIFIED)), "a refusal");
        assert!(broken(reply(FOREIGN, OFFER, "")), "another server");
    }

    #[test]
    fn another_machines_loader_breaks_the_proof() {
        let told = verdict(vec![reply(SERVER_ADDRESS, OFFER, "undionly.kpxe")]);
        assert!(matches!(told, Verdict::Broken(why) if why.contains("undionly.kpxe")));
    }

    #[test]
    fn an_address_or_a_refusal_from_the_proxy_breaks_the_proof() {
        let mut offer = reply(SERVER_ADDRESS, OFFER, "ipxe.efi");
        offer.your_address = Ipv4Addr::new(10, 77, 0, 9);
        assert!(matches!(verdict(vec![offer]), Verdict::Broken(why) if why.contains("address")));
        let nak = reply(SERVER_ADDRESS, NAK, "");
        assert!(matches!(verdict(vec![nak]), Verdict::Broken(why) if why.contains("NAK")));
    }

    #[test]
    fn a_file_named_by_somebody_else_proves_nothing() {
        let other = reply(FOREIGN, OFFER, "ipxe.efi");
        assert!(matches!(verdict(vec![other]), Verdict::Broken(_)));
        assert!(matches!(verdict(Vec::new()), Verdict::Waiting(_)));
    }

    #[test]
    fn an_offer_alone_is_not_enough() {
        let named = verdict(vec![reply(SERVER_ADDRESS, OFFER, "ipxe.efi")]);
        assert!(matches!(named, Verdict::Waiting(what) if what.contains("whole loader")));
    }

    #[test]
    fn a_machine_of_another_architecture_proves_nothing() {
        let dhcp = vec![discover(0), reply(SERVER_ADDRESS, OFFER, "ipxe.efi")];
        let judged = judge(&SEAT, PROXY, &Evidence { dhcp, transfers: Vec::new() }, "");
        assert!(matches!(judged, Verdict::Waiting(what) if what.contains("architecture")));
    }
}
