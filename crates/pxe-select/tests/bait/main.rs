//! Baits: what was heard of a machine, and how it asks, decide which loader a common name stands for.

mod age;
mod contradictions;
mod kept;
mod one_machine;
mod pinned;

use core::net::{IpAddr, Ipv4Addr};

use pxe_select::{
    Action, Arch, Asked, Asker, ClientFacts, DEFAULT_BAITS, Decision, Evidence, Firmware, Host,
    IpxeFeatures, Known, Origin, OwnedFacts, Policy, PolicyBuilder, Query, Reason, Rule, Source,
    When,
};

const MAC: [u8; 6] = [0x52, 0x54, 0, 0xaa, 0, 1];
const OTHER: [u8; 6] = [0x52, 0x54, 0, 0xaa, 0, 2];
const ADDRESS: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 104);
/// Some day, in milliseconds.
const NOW: u64 = 1_760_000_000_000;
const SECOND: u64 = 1_000;
const DAY: u64 = 86_400 * SECOND;

fn builder() -> PolicyBuilder {
    let mut builder = Policy::builder();
    builder
        .loader(Firmware::Bios, "undionly.kpxe")
        .loader(Firmware::X86Uefi, "ipxe32.efi")
        .loader(Firmware::X64Uefi, "ipxe.efi")
        .loader(Firmware::Arm64Uefi, "debian/bootnetaa64.efi");
    for bait in DEFAULT_BAITS {
        builder.bait(bait);
    }
    builder
}

fn policy() -> Policy {
    builder().build().unwrap()
}

/// A network that is heard.
struct Net {
    policy: Policy,
    evidence: Evidence,
    /// Each message is of an exchange of its own.
    exchange: u32,
}

impl Net {
    fn new(policy: Policy) -> Self {
        Self { policy, evidence: Evidence::new(), exchange: 1000 }
    }

    /// A PXE message of `mac`.
    fn hear(&mut self, at: u64, source: Source, mac: &[u8], arch: u16, address: Option<Ipv4Addr>) {
        let archs = [Arch(arch)];
        let mut facts = ClientFacts::new(mac);
        facts.archs = &archs;
        facts.vendor_class = Some(b"PXEClient");
        facts.address = address;
        self.exchange += 1;
        self.evidence.hear(at, source, self.exchange, &facts).unwrap();
    }

    /// A whole exchange: DISCOVER, then the REQUEST for `ADDRESS`.
    fn boot(&mut self, at: u64, mac: &[u8], arch: u16) {
        self.hear(at, Source::Discover, mac, arch, None);
        self.hear(at, Source::Request, mac, arch, Some(ADDRESS));
    }

    fn known(&self, at: u64, name: &[u8], asker: Asker, neighbour: Option<&[u8]>) -> Known {
        let query = Query::new(IpAddr::V4(ADDRESS), asker).with_neighbour(neighbour);
        self.evidence.look_up(at, &query.with_bait(self.policy.bait(name)))
    }

    fn ask(&mut self, at: u64, name: &[u8], asker: Asker) -> Answer {
        self.ask_as(at, name, asker, None)
    }

    fn ask_as(&mut self, at: u64, name: &[u8], asker: Asker, neighbour: Option<&[u8]>) -> Answer {
        let known = self.known(at, name, asker, neighbour);
        let decision = self.policy.decide(&known.as_facts(), Asked::Name(name));
        let pin = decision.pin.clone();
        let answer = Answer::from(&decision);
        if let Some(pin) = pin {
            self.evidence.pin(at, IpAddr::V4(ADDRESS), known.hardware_address(), pin);
        }
        answer
    }
}

/// A decision without what it borrows.
#[derive(Debug, PartialEq, Eq)]
struct Answer {
    target: Option<String>,
    held: bool,
    reasons: String,
}

impl From<&Decision<'_>> for Answer {
    fn from(decision: &Decision<'_>) -> Self {
        Self {
            target: decision.action.target().map(|target| target.into_owned()),
            held: decision.action == Action::Hold,
            reasons: decision.reasons.to_string(),
        }
    }
}

impl Answer {
    #[track_caller]
    fn is(&self, file: &str) {
        assert_eq!(self.target.as_deref(), Some(file), "{}", self.reasons);
    }

    #[track_caller]
    fn is_held(&self, why: &str) {
        assert!(self.held && self.reasons.contains(why), "{self:?}");
    }

    #[track_caller]
    fn is_denied(&self, why: &str) {
        assert!(!self.held && self.target.is_none() && self.reasons.contains(why), "{self:?}");
    }
}

#[test]
fn reasons_tell_the_whole_story() {
    let mut net = Net::new(policy());
    net.boot(NOW, &MAC, 7);
    let answer = net.ask(NOW + 3 * SECOND, b"pxe-loader", Asker::Edk2);
    for part in [
        "the name is a bait",
        "asked by UEFI firmware",
        "it requested this address 3 s ago",
        "x64-uefi: its REQUEST was heard 3 s ago",
        "the loader for x64-uefi",
    ] {
        assert!(answer.reasons.contains(part), "{part} is not in\n{}", answer.reasons);
    }
    let facts = OwnedFacts::new(&ClientFacts::new(&MAC));
    let decision = net.policy.decide(&facts.as_facts(), Asked::Name(b"pxe-loader"));
    assert_eq!(decision.reasons.last(), Some(&Reason::HeldTooLittle));
}

#[test]
fn baits_of_a_configuration_are_checked() {
    let mut builder = builder();
    builder.bait("*").bait("no/slash").unknown_loader("../x");
    let faults: Vec<String> =
        builder.build().unwrap_err().iter().map(ToString::to_string).collect();
    assert_eq!(faults.len(), 3, "{faults:?}");
    assert!(faults[0].starts_with("bait 3, bait: `*` is no bait name"), "{faults:?}");
    assert!(faults[2].starts_with("select, unknown: "), "{faults:?}");
}
