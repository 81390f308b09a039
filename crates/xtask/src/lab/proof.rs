//! When a boot counts as proven: the loader was named by our server, came whole from our server,
//! and ran. And what must not happen on the way, whatever comes after it.

use core::time::Duration;
use std::fs;

use crate::lab::evidence::{ACK, DISCOVER, DhcpSeen, Evidence, OFFER, Transfer, base_name};
use crate::lab::firmware::Machine;
use crate::lab::wire::SERVER_ADDRESS;

/// DHCPNAK, which a proxy never sends.
const NAK: u8 = 6;
/// An offer this long after its DISCOVER was held back.
const DELAY_MIN: Duration = Duration::from_millis(1_400);

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
}

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
pub(crate) fn judge(seat: &Seat, evidence: &Evidence, screen: &str) -> Verdict {
    if let Some(why) = forbidden(seat, evidence) {
        return Verdict::Broken(why);
    }
    let loader = &seat.loader;
    let arch = seat.machine.arch().to_be_bytes();
    let asked = evidence.dhcp.iter().any(|message| {
        !message.is_reply && message.message_type == DISCOVER && message.arch == arch
    });
    if !asked {
        return Verdict::Waiting("a DHCPDISCOVER of this architecture");
    }
    let named = evidence.dhcp.iter().any(|message| {
        let carries = matches!(message.message_type, OFFER | ACK) && message.is_reply;
        carries
            && *message.source.ip() == SERVER_ADDRESS
            && message.boot_server == SERVER_ADDRESS
            && base_name(&message.file) == loader.name.as_bytes()
    });
    if !named {
        return Verdict::Waiting("an offer or acknowledgement of ours that names the loader");
    }
    let Some(transfer) = fetched(evidence, loader.name) else {
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

/// What no machine may see: an address or a refusal from our proxy, another machine's program,
/// and a boot file by the DHCP server that is supposed to know nothing of booting.
fn forbidden(seat: &Seat, evidence: &Evidence) -> Option<String> {
    for message in evidence.dhcp.iter().filter(|message| message.is_reply) {
        let ours = *message.source.ip() == SERVER_ADDRESS;
        if ours && !message.your_address.is_unspecified() && message.message_type == OFFER {
            return Some(format!("our proxy gave out the address {}", message.your_address));
        }
        if ours && message.message_type == NAK {
            return Some("our proxy sent a NAK".to_owned());
        }
        if !ours && !message.file.is_empty() {
            return Some(format!("a file was named by {}, not by us", message.source));
        }
    }
    let first_loader = fetched(evidence, seat.loader.name).and_then(|loader| loader.completed);
    let other = evidence.dhcp.iter().find(|message| {
        message.is_reply
            && first_loader.is_none_or(|done| message.at <= done)
            && !message.file.is_empty()
            && base_name(&message.file) != seat.loader.name.as_bytes()
    });
    if let Some(message) = other {
        let file = String::from_utf8_lossy(&message.file);
        return Some(format!("{} was told to boot {file}", seat.machine.name()));
    }
    evidence.completed().find_map(|transfer| {
        let machine = transfer.coff_machine()?;
        (seat.machine.coff_machine() != Some(machine)).then(|| {
            let name = String::from_utf8_lossy(&transfer.name);
            format!("{} got {name}, a program for machine {machine:#06x}", seat.machine.name())
        })
    })
}

fn fetched<'e>(evidence: &'e Evidence, name: &str) -> Option<&'e Transfer> {
    evidence.completed().find(|transfer| {
        transfer.server == SERVER_ADDRESS && transfer.base_name() == name.as_bytes()
    })
}

fn matches_a_file(content: &[u8], files: &[&str]) -> bool {
    files.is_empty() || files.iter().any(|file| fs::read(file).is_ok_and(|is| is == content))
}

/// When the loader first did what only it does, or what is still to be seen.
fn running(
    signs: Signs,
    evidence: &Evidence,
    loader: &Transfer,
    done: Duration,
    screen: &str,
) -> Result<Duration, &'static str> {
    let later = |transfer: &&Transfer| transfer.at >= done;
    match signs {
        Signs::Ipxe => {
            let asked = evidence.dhcp.iter().find(|message| {
                !message.is_reply
                    && message.at >= done
                    && message.message_type == DISCOVER
                    && message.user_class.windows(4).any(|word| word == b"iPXE")
            });
            let asked = asked.ok_or("iPXE's own DHCPDISCOVER")?;
            let script = evidence.completed().filter(later).find(|transfer| {
                transfer.server == SERVER_ADDRESS && transfer.content.starts_with(b"#!ipxe")
            });
            script.map(|_| asked.at).ok_or("iPXE's script, whole and from our address")
        }
        Signs::IpxeMenu => {
            let title = menu_title(&loader.content).ok_or("a menu in the script")?;
            if screen.contains(title) { Ok(done) } else { Err("the script's menu on the screen") }
        }
        Signs::Pxelinux => {
            let module = fetched(evidence, "ldlinux.c32").filter(|module| later(module));
            module.ok_or("PXELINUX's module ldlinux.c32")?;
            let search = |transfer: &&Transfer| transfer.name.starts_with(b"pxelinux.cfg/");
            let asked = evidence.transfers.iter().filter(later).find(search);
            asked.map(|asked| asked.at).ok_or("PXELINUX's search in pxelinux.cfg/")
        }
        Signs::Grub => grub_search(evidence, done).ok_or("GRUB's search for its configuration"),
        Signs::Shim { second_stage, from } => {
            let grub = fetched(evidence, second_stage).filter(|grub| later(grub));
            let grub = grub.filter(|grub| matches_a_file(&grub.content, from));
            let grub = grub.and_then(|grub| grub.completed);
            let grub = grub.ok_or("shim's second stage, whole and from our address")?;
            let prompt = screen.contains("grub>").then_some(grub);
            grub_search(evidence, grub).or(prompt).ok_or("GRUB's search or prompt")
        }
    }
}

/// GRUB's first request of its own. Beside a DHCP server that fills in its own `siaddr` it goes to
/// that server: it proves that GRUB runs all the same.
fn grub_search(evidence: &Evidence, since: Duration) -> Option<Duration> {
    let own = |transfer: &&Transfer| {
        let name = transfer.name.to_ascii_lowercase();
        transfer.at >= since
            && [&b".lst"[..], b".cfg", b".mod"].iter().any(|ending| name.ends_with(ending))
            && name.windows(4).any(|word| word == b"grub")
    };
    evidence.transfers.iter().find(own).map(|transfer| transfer.at)
}

/// The title of the first menu in an iPXE script, up to its first variable.
fn menu_title(script: &[u8]) -> Option<&str> {
    let script = core::str::from_utf8(script).ok()?;
    let title = script.lines().find_map(|line| line.trim().strip_prefix("menu "))?;
    let title = title.split("${").next().unwrap_or(title).trim();
    (!title.is_empty()).then_some(title)
}

#[cfg(test)]
mod tests {
    use core::net::{Ipv4Addr, SocketAddrV4};

    use super::*;

    const SEAT: Seat = Seat {
        machine: Machine::X64Uefi,
        loader: Loader { name: "ipxe.efi", from: &[], signs: Signs::Ipxe },
    };

    fn reply(source: Ipv4Addr, message_type: u8, file: &str) -> DhcpSeen {
        DhcpSeen {
            at: Duration::from_secs(1),
            source: SocketAddrV4::new(source, 67),
            is_reply: true,
            message_type,
            your_address: Ipv4Addr::UNSPECIFIED,
            boot_server: source,
            file: file.as_bytes().to_vec(),
            user_class: Vec::new(),
            arch: Vec::new(),
            vendor: Vec::new(),
        }
    }

    fn discover(arch: u16) -> DhcpSeen {
        let mut message = reply(Ipv4Addr::UNSPECIFIED, DISCOVER, "");
        message.is_reply = false;
        message.arch = arch.to_be_bytes().to_vec();
        message
    }

    fn verdict(replies: Vec<DhcpSeen>) -> Verdict {
        let dhcp = [vec![discover(7)], replies].concat();
        judge(&SEAT, &Evidence { dhcp, transfers: Vec::new() }, "")
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
        let other = reply(Ipv4Addr::new(10, 77, 0, 1), OFFER, "ipxe.efi");
        assert!(matches!(verdict(vec![other]), Verdict::Broken(_)));
        assert!(matches!(verdict(Vec::new()), Verdict::Waiting(_)));
    }

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

    #[test]
    fn an_offer_alone_is_not_enough() {
        let named = verdict(vec![reply(SERVER_ADDRESS, OFFER, "ipxe.efi")]);
        assert!(matches!(named, Verdict::Waiting(what) if what.contains("whole loader")));
    }

    #[test]
    fn a_machine_of_another_architecture_proves_nothing() {
        let dhcp = vec![discover(0), reply(SERVER_ADDRESS, OFFER, "ipxe.efi")];
        let judged = judge(&SEAT, &Evidence { dhcp, transfers: Vec::new() }, "");
        assert!(matches!(judged, Verdict::Waiting(what) if what.contains("architecture")));
    }

    #[test]
    fn the_title_is_what_the_screen_can_show() {
        let script = b"#!ipxe\n:top\nmenu Boot from ${net0/ip}\nitem a A\n";
        assert_eq!(menu_title(script), Some("Boot from"));
        assert_eq!(menu_title(b"#!ipxe\nshell\n"), None);
    }
}
