//! Baits: what was heard of a machine, and how it asks, decide which loader a common name stands for.

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

mod one_machine {
    use super::*;

    #[test]
    fn each_gets_its_own_loader_for_the_same_name() {
        for (arch, asker, file) in [
            (0, Asker::BiosRom, "undionly.kpxe"),
            (0, Asker::Unknown, "undionly.kpxe"),
            (6, Asker::Edk2, "ipxe32.efi"),
            (7, Asker::Edk2, "ipxe.efi"),
            (9, Asker::Edk2Like, "ipxe.efi"),
            (11, Asker::Edk2, "debian/bootnetaa64.efi"),
            // U-Boot that looks for an EFI program asks with its own TFTP.
            (11, Asker::Uboot, "debian/bootnetaa64.efi"),
            // The same machine by HTTP.
            (16, Asker::Edk2, "ipxe.efi"),
        ] {
            let mut net = Net::new(policy());
            net.boot(NOW, &MAC, arch);
            net.ask(NOW + SECOND, b"/PXE-Loader.efi", asker).is(file);
        }
    }

    #[test]
    fn by_whatever_ties_the_address_to_it() {
        let heard = |net: &mut Net| net.hear(NOW, Source::Relayed, &MAC, 7, None);
        let mut net = Net::new(policy());
        heard(&mut net);
        net.ask(NOW, b"pxe-loader", Asker::Edk2).is_held("too little");
        net.evidence.hear_reply(NOW, &MAC, ADDRESS);
        net.ask(NOW, b"pxe-loader", Asker::Edk2).is("ipxe.efi");

        let mut net = Net::new(policy());
        heard(&mut net);
        net.ask_as(NOW, b"pxe-loader", Asker::Edk2, Some(&MAC)).is("ipxe.efi");
        net.ask_as(NOW, b"pxe-loader", Asker::Edk2, Some(&OTHER)).is_held("too little");
    }

    #[test]
    fn nothing_heard_is_held_and_never_a_bios_file() {
        let mut net = Net::new(policy());
        for asker in [Asker::Unknown, Asker::Edk2, Asker::BiosRom, Asker::Curl, Asker::Grub] {
            net.ask(NOW, b"pxe-loader", asker).is_held("_bios, _ia32, _uefi, _aa64");
        }
    }

    #[test]
    fn a_running_ipxe_gets_its_script_heard_or_not() {
        let mut net = Net::new(policy());
        net.ask(NOW, b"pxe-loader", Asker::Ipxe).is("menu.ipxe");
        net.boot(NOW, &MAC, 7);
        net.ask(NOW, b"pxe-loader", Asker::Ipxe).is("menu.ipxe");
        net.ask(NOW, b"pxe-loader_uefi", Asker::Ipxe).is("menu.ipxe");
        // And the firmware of its next boot, although only iPXE was heard since, its loader.
        let archs = [Arch(7)];
        let mut facts = ClientFacts::new(&MAC);
        (facts.archs, facts.user_class) = (&archs, Some(&b"iPXE"[..]));
        facts.address = Some(ADDRESS);
        net.evidence.hear(NOW + SECOND, Source::Request, 99, &facts);
        net.ask(NOW + 2 * SECOND, b"pxe-loader", Asker::Edk2).is("ipxe.efi");
    }

    #[test]
    fn in_a_shape_that_is_not_known_only_an_ipxe_just_heard_is_one() {
        let archs = [Arch(7)];
        let mut facts = ClientFacts::new(&MAC);
        (facts.archs, facts.user_class) = (&archs, Some(&b"iPXE"[..]));
        facts.ipxe = Some(IpxeFeatures::from_flags([0x13, 0x15, 0x24, 0x27].map(|code| (code, 1))));
        facts.address = Some(ADDRESS);
        for (asker, after, file) in [
            (Asker::Unknown, 13, "menu.ipxe"),
            (Asker::Unknown, 60, "ipxe.efi"),
            (Asker::Edk2Like, 13, "ipxe.efi"),
            (Asker::Curl, 13, "ipxe.efi"),
        ] {
            let mut net = Net::new(policy());
            net.evidence.hear(NOW, Source::Request, 1, &facts);
            let at = NOW + after * SECOND;
            net.ask_as(at, b"pxe-loader", asker, Some(&MAC)).is(file);
        }
    }

    #[test]
    fn a_stripped_ipxe_gets_a_full_one() {
        let mut net = Net::new(policy());
        let archs = [Arch(0)];
        let mut facts = ClientFacts::new(&MAC);
        (facts.archs, facts.user_class) = (&archs, Some(&b"iPXE"[..]));
        facts.address = Some(ADDRESS);
        net.evidence.hear(NOW, Source::Request, 99, &facts);
        let answer = net.ask(NOW, b"pxe-loader", Asker::Ipxe);
        answer.is("undionly.kpxe");
        assert!(answer.reasons.contains("lacks"), "{}", answer.reasons);
    }

    #[test]
    fn facts_that_the_client_states_itself_need_no_store() {
        let policy = policy();
        let archs = [Arch(16)];
        let mut facts = ClientFacts::new(&MAC);
        facts.archs = &archs;
        facts.vendor_class = Some(b"HTTPClient:Arch:00016:UNDI:003000");
        facts.asker = Asker::of_user_agent(b"UefiHttpBoot/1.0");
        let decision = policy.decide(&facts, Asked::Name(b"boot/pxe-loader.efi"));
        assert_eq!(decision.action.target().as_deref(), Some("ipxe.efi"));
        assert!(decision.bait.is_some());
    }

    #[test]
    fn a_real_name_stays_what_it_is() {
        let mut net = Net::new(policy());
        net.boot(NOW, &MAC, 7);
        for name in ["undionly.kpxe", "boot/custom.efi", "pxe-loader.cfg"] {
            net.ask(NOW, name.as_bytes(), Asker::Edk2).is(name);
        }
    }

    #[test]
    fn hosts_and_rules_decide_as_they_do_for_dhcp() {
        let mut builder = builder();
        let mut lab = When::any();
        lab.subnet = Some("10.77.0.0/24".into());
        let mut x64 = lab.clone();
        x64.arch = Some(vec!["x64-uefi".into()]);
        lab.user_class = Some("iPXE".into());
        builder
            .host(Host::new("52:54:00:aa:00:01").with_loader("own.efi"))
            .host(Host::new("52:54:00:aa:00:02").without_boot())
            .rule(Rule::file(x64, "lab.efi"))
            .rule(Rule::url(lab, "http://192.0.2.5/menu"));
        let mut net = Net::new(builder.build().unwrap());
        // The host's own loader needs no firmware, only the machine.
        net.ask_as(NOW, b"pxe-loader", Asker::Unknown, Some(&MAC)).is("own.efi");
        net.ask_as(NOW, b"pxe-loader", Asker::Edk2, Some(&OTHER)).is_denied("boot = false");
        let third = [0x52, 0x54, 0, 0xaa, 0, 3];
        net.boot(NOW, &third, 7);
        net.ask(NOW, b"pxe-loader", Asker::Edk2).is("lab.efi");
        let archs = [Arch(7)];
        let mut facts = ClientFacts::new(&third);
        (facts.archs, facts.user_class, facts.address) =
            (&archs, Some(&b"iPXE"[..]), Some(ADDRESS));
        let can = [0x13, 0x15, 0x24, 0x27].map(|code| (code, 1));
        facts.ipxe = Some(IpxeFeatures::from_flags(can));
        net.evidence.hear(NOW, Source::Request, 99, &facts);
        net.ask(NOW, b"pxe-loader", Asker::Ipxe).is_held("give that rule a file");
    }

    #[test]
    fn a_loader_for_the_unknown() {
        let mut builder = builder();
        builder.unknown_loader("rescue.efi");
        let mut net = Net::new(builder.build().unwrap());
        net.ask(NOW, b"pxe-loader", Asker::Edk2).is("rescue.efi");
        net.boot(NOW, &MAC, 7);
        net.evidence.delivered(NOW, IpAddr::V4(ADDRESS), &MAC);
        let mut fresh = Net::new(builder.build().unwrap());
        fresh.boot(NOW, &MAC, 7);
        fresh.ask(NOW, b"pxe-loader", Asker::Edk2).is("ipxe.efi");
        // Conflict counts as unknown, a wrong suffix does not.
        fresh.ask(NOW, b"pxe-loader", Asker::BiosRom).is("rescue.efi");
        fresh.ask(NOW, b"pxe-loader_bios", Asker::Edk2).is_denied("_uefi");
    }
}

mod contradictions {
    use super::*;

    #[test]
    fn the_shape_of_the_request_objects() {
        let mut net = Net::new(policy());
        net.boot(NOW, &MAC, 0);
        net.ask(NOW, b"pxe-loader", Asker::Edk2).is_held("contradicts");
        let mut net = Net::new(policy());
        net.boot(NOW, &MAC, 11);
        net.ask(NOW, b"pxe-loader", Asker::BiosRom).is_held("contradicts");
    }

    #[test]
    fn a_suffix_for_another_machine_is_refused_with_the_setting_to_mend() {
        // Nothing heard: `off` mode.
        let mut net = Net::new(policy());
        net.ask(NOW, b"pxe-loader_uefi", Asker::Edk2).is("ipxe.efi");
        net.ask(NOW, b"pxe-loader-aa64.efi", Asker::Uboot).is("debian/bootnetaa64.efi");
        net = Net::new(policy());
        net.ask(NOW, b"pxe-loader_bios.0", Asker::Unknown).is("undionly.kpxe");
        net = Net::new(policy());
        for asker in [Asker::Edk2, Asker::Edk2Like, Asker::Shim, Asker::Uboot] {
            let answer = net.ask(NOW, b"pxe-loader_bios", asker);
            answer.is_denied("architectures 7 and 9 to the one ending in _uefi");
            answer.is_denied("the DHCP server names the bait ending in _bios to a");
        }
        for name in [&b"pxe-loader_uefi"[..], b"iventoy_loader_16000-aa64", b"pxe-loader_ia32.efi"]
        {
            net.ask(NOW, name, Asker::BiosRom)
                .is_denied("architecture 0 to the one ending in _bios");
        }
        // Heard: the architecture itself is known.
        net.boot(NOW, &MAC, 11);
        net.ask(NOW, b"pxe-loader_uefi", Asker::Edk2)
            .is_denied("to a arm64-uefi machine: set its option 67 for architecture 11 to the one ending in _aa64");
    }

    #[test]
    fn a_machine_that_changed_its_firmware_is_believed() {
        let mut net = Net::new(policy());
        net.boot(NOW, &MAC, 0);
        net.boot(NOW + 5 * SECOND, &MAC, 7);
        net.ask(NOW + 6 * SECOND, b"pxe-loader", Asker::Edk2).is("ipxe.efi");
    }

    #[test]
    fn two_statements_that_may_have_changed_places_are_held_unless_the_shape_tells() {
        let mut net = Net::new(policy());
        net.boot(NOW, &MAC, 7);
        // A relay's copy of the boot before arrives late.
        net.hear(NOW + 9 * SECOND, Source::Relayed, &MAC, 0, None);
        net.ask(NOW + 10 * SECOND, b"pxe-loader", Asker::Unknown).is_held("contradicts");
        net.ask(NOW + 10 * SECOND, b"pxe-loader", Asker::Edk2).is("ipxe.efi");
    }

    #[test]
    fn machines_at_one_address_are_told_apart_by_shape_or_suffix_only() {
        let mut net = Net::new(policy());
        net.boot(NOW, &MAC, 7);
        net.boot(NOW + SECOND, &OTHER, 0);
        let held = net.ask(NOW + 2 * SECOND, b"pxe-loader", Asker::Unknown);
        held.is_held("contradicts");
        assert!(held.reasons.contains("two machines used this address"), "{}", held.reasons);
        net.ask(NOW + 2 * SECOND, b"pxe-loader", Asker::Edk2).is("ipxe.efi");
        let mut net = Net::new(policy());
        net.boot(NOW, &MAC, 7);
        net.boot(NOW + SECOND, &OTHER, 11);
        net.ask(NOW + 2 * SECOND, b"pxe-loader", Asker::Edk2).is_held("contradicts");
        net.ask(NOW + 2 * SECOND, b"pxe-loader_aa64", Asker::Edk2).is("debian/bootnetaa64.efi");
        let known = net.known(NOW + 2 * SECOND, b"pxe-loader", Asker::Edk2, None);
        assert_eq!(known.as_facts().origin, Origin::Shared);
        assert!(known.hardware_address().is_empty(), "it could be either");
        // Neither is one of them taken for the iPXE that runs on the other.
        let mut net = Net::new(policy());
        net.boot(NOW, &OTHER, 0);
        let archs = [Arch(0)];
        let mut facts = ClientFacts::new(&MAC);
        (facts.archs, facts.user_class) = (&archs, Some(&b"iPXE"[..]));
        facts.ipxe = Some(IpxeFeatures::from_flags([0x13, 0x15, 0x18, 0x27].map(|code| (code, 1))));
        facts.address = Some(ADDRESS);
        net.evidence.hear(NOW + SECOND, Source::Request, 1, &facts);
        net.ask(NOW + 2 * SECOND, b"pxe-loader", Asker::Unknown).is("undionly.kpxe");
        // Of the same kind, it does not matter which one it is.
        let mut net = Net::new(policy());
        net.boot(NOW, &MAC, 7);
        net.boot(NOW + SECOND, &OTHER, 7);
        net.ask(NOW + 2 * SECOND, b"pxe-loader", Asker::Edk2).is("ipxe.efi");
    }
}

mod age {
    use super::*;

    #[test]
    fn an_address_is_another_machines_soon_unless_the_neighbour_table_has_it() {
        let mut net = Net::new(policy());
        net.boot(NOW, &MAC, 0);
        let later = NOW + 26 * SECOND;
        let held = net.ask(later, b"pxe-loader", Asker::Unknown);
        held.is_held("too little");
        assert!(held.reasons.contains("26 s ago"), "{}", held.reasons);
        net.ask_as(later, b"pxe-loader", Asker::Unknown, Some(&MAC)).is("undionly.kpxe");
    }

    #[test]
    fn a_machine_that_only_the_neighbour_table_knew_keeps_its_name_in_the_log() {
        let mut net = Net::new(policy());
        let last = |net: &Net, at| {
            net.known(at, b"grubaa64.efi", Asker::Shim, None).last_hardware_address().to_vec()
        };
        net.ask_as(NOW, b"pxe-loader_uefi", Asker::Edk2, Some(&MAC)).is("ipxe.efi");
        assert_eq!(last(&net, NOW + SECOND), MAC);
        assert_eq!(last(&net, NOW + 2 * DAY), b"", "by now it can be anybody");
        net.boot(NOW + 3 * SECOND, &OTHER, 0);
        assert_eq!(last(&net, NOW + 4 * SECOND), OTHER, "who came after it");
    }

    #[test]
    fn what_a_machine_said_long_ago_needs_a_shape_that_agrees() {
        for (days, asker, boots) in [
            (0, Asker::Unknown, true),
            (6, Asker::Unknown, true),
            (8, Asker::Unknown, false),
            (8, Asker::Edk2, true),
            (89, Asker::Edk2, true),
            (91, Asker::Edk2, false),
        ] {
            let mut net = Net::new(policy());
            net.boot(NOW, &MAC, 7);
            let answer = net.ask_as(NOW + days * DAY, b"pxe-loader", asker, Some(&MAC));
            if boots { answer.is("ipxe.efi") } else { answer.is_held("too little") }
        }
    }

    #[test]
    fn an_address_taken_over_is_the_new_machines() {
        let mut net = Net::new(policy());
        net.boot(NOW, &MAC, 0);
        net.ask(NOW, b"pxe-loader", Asker::Unknown).is("undionly.kpxe");
        net.evidence.delivered(NOW + SECOND, IpAddr::V4(ADDRESS), &MAC);
        net.boot(NOW + 20 * SECOND, &OTHER, 7);
        net.ask(NOW + 21 * SECOND, b"pxe-loader", Asker::Unknown).is("ipxe.efi");
        net.evidence.hear_leaving(NOW + 22 * SECOND, &OTHER, ADDRESS);
        net.ask(NOW + 22 * SECOND, b"pxe-loader", Asker::Unknown).is_held("too little");
        // By a machine that does not boot: nothing is left of the old one.
        let mut net = Net::new(policy());
        net.boot(NOW, &MAC, 0);
        net.ask(NOW, b"pxe-loader", Asker::Unknown).is("undionly.kpxe");
        let mut laptop = ClientFacts::new(&OTHER);
        laptop.address = Some(ADDRESS);
        assert_eq!(net.evidence.hear(NOW + SECOND, Source::Request, 99, &laptop), None);
        net.evidence.delivered(NOW + SECOND, IpAddr::V4(ADDRESS), &MAC);
        let facts = net.known(NOW + SECOND, b"x", Asker::Unknown, None);
        assert_eq!(facts.hardware_address(), OTHER);
    }

    #[test]
    fn a_boot_that_got_its_loader_is_over() {
        let mut net = Net::new(policy());
        net.boot(NOW, &MAC, 0);
        net.ask(NOW, b"pxe-loader", Asker::Unknown).is("undionly.kpxe");
        net.evidence.delivered(NOW + SECOND, IpAddr::V4(ADDRESS), &MAC);
        // Firmware that repeats itself at once is still the same.
        net.ask(NOW + 3 * SECOND, b"pxe-loader", Asker::Unknown).is("undionly.kpxe");
        // Later it may be another machine that has the address now, and was not heard.
        net.ask(NOW + 30 * SECOND, b"pxe-loader", Asker::Unknown).is_held("too little");
        net.boot(NOW + 31 * SECOND, &MAC, 0);
        net.ask(NOW + 32 * SECOND, b"pxe-loader", Asker::Unknown).is("undionly.kpxe");
    }

    #[test]
    fn a_boot_that_is_over_ends_no_other() {
        let mut net = Net::new(policy());
        net.boot(NOW, &MAC, 7);
        net.ask(NOW, b"pxe-loader", Asker::Edk2).is("ipxe.efi");
        // Another machine takes the address while the first one loads; then the first one's iPXE is heard.
        net.boot(NOW + 10, &OTHER, 6);
        net.evidence.delivered(NOW + SECOND, IpAddr::V4(ADDRESS), &MAC);
        net.ask(NOW + 2 * SECOND, b"pxe-loader", Asker::Edk2).is("ipxe32.efi");
        net.evidence.delivered(NOW + 2 * SECOND, IpAddr::V4(ADDRESS), &[]);
        net.boot(NOW + 3 * SECOND, &MAC, 7);
        net.ask(NOW + 4 * SECOND, b"pxe-loader", Asker::Edk2).is_held("contradicts");
    }

    #[test]
    fn a_late_copy_of_a_heard_message_is_no_news() {
        let mut net = Net::new(policy());
        net.boot(NOW, &MAC, 0);
        net.ask(NOW, b"pxe-loader", Asker::Unknown).is("undionly.kpxe");
        net.evidence.delivered(NOW + SECOND, IpAddr::V4(ADDRESS), &MAC);
        // The iPXE that it got takes the address as well, and has its script.
        net.hear(NOW + 3 * SECOND, Source::Request, &MAC, 0, Some(ADDRESS));
        net.evidence.delivered(NOW + 16 * SECOND, IpAddr::V4(ADDRESS), &MAC);
        net.exchange -= 1;
        // A relay's copy comes after the boot is over. Another machine, not heard yet, has the address by then.
        net.exchange -= 1;
        net.hear(NOW + 19 * SECOND, Source::Relayed, &MAC, 0, Some(ADDRESS));
        net.ask(NOW + 20 * SECOND, b"pxe-loader", Asker::Unknown).is_held("too little");
        // Firmware that always has the same number boots again all the same.
        net.exchange -= 1;
        net.hear(NOW + 40 * SECOND, Source::Relayed, &MAC, 0, Some(ADDRESS));
        net.ask(NOW + 41 * SECOND, b"pxe-loader", Asker::Unknown).is("undionly.kpxe");
    }

    #[test]
    fn a_clock_that_was_set_back_makes_nothing_young_for_ever() {
        let mut net = Net::new(policy());
        net.boot(NOW, &MAC, 0);
        let text = net.evidence.export();
        let before = NOW - 400 * DAY;
        let (evidence, imported) = Evidence::import(before, text.as_bytes()).unwrap();
        assert_eq!((imported.kept, imported.old, imported.broken), (2, 0, 0));
        net.evidence = evidence;
        net.ask(before + 61 * SECOND, b"pxe-loader", Asker::Unknown).is_held("too little");
    }
}

mod pinned {
    use super::*;

    #[test]
    fn probe_and_transfer_get_the_same_file_whatever_comes_between() {
        let mut net = Net::new(policy());
        net.boot(NOW, &MAC, 7);
        net.ask(NOW + 10, b"pxe-loader", Asker::Edk2).is("ipxe.efi");
        // Contradicting evidence about the same machine.
        net.hear(NOW + 12, Source::Relayed, &MAC, 6, None);
        let again = net.ask(NOW + 25, b"pxe-loader", Asker::Edk2);
        again.is("ipxe.efi");
        assert!(again.reasons.contains("one boot, one loader"), "{}", again.reasons);
        // Six tries of four seconds, and a slow download.
        net.ask(NOW + 300 * SECOND, b"pxe-loader", Asker::Edk2).is("ipxe.efi");
    }

    #[test]
    fn another_boot_is_decided_anew() {
        let mut net = Net::new(policy());
        net.boot(NOW, &MAC, 7);
        net.ask(NOW, b"pxe-loader", Asker::Edk2).is("ipxe.efi");
        net.boot(NOW + 20 * SECOND, &MAC, 6);
        net.ask(NOW + 21 * SECOND, b"pxe-loader", Asker::Edk2).is("ipxe32.efi");
        // Or after so long a time that it cannot be the same.
        let mut net = Net::new(policy());
        net.boot(NOW, &MAC, 7);
        net.ask(NOW, b"pxe-loader", Asker::Edk2).is("ipxe.efi");
        net.ask(NOW + 601 * SECOND, b"pxe-loader", Asker::Edk2).is_held("too little");
    }

    #[test]
    fn a_pin_is_one_machines() {
        let mut net = Net::new(policy());
        net.boot(NOW, &MAC, 7);
        net.ask(NOW, b"pxe-loader", Asker::Edk2).is("ipxe.efi");
        net.ask_as(NOW, b"pxe-loader", Asker::Edk2, Some(&OTHER)).is_held("too little");
        net.hear(NOW + SECOND, Source::Request, &OTHER, 6, Some(ADDRESS));
        net.ask(NOW + SECOND, b"pxe-loader", Asker::Edk2).is_held("contradicts");
        // Neither does it answer what its machine cannot have asked.
        let mut net = Net::new(policy());
        net.boot(NOW, &MAC, 7);
        net.ask(NOW, b"pxe-loader", Asker::Edk2).is("ipxe.efi");
        net.ask(NOW, b"pxe-loader", Asker::BiosRom).is_held("contradicts");
        net.ask(NOW, b"pxe-loader_aa64", Asker::Edk2).is_denied("_uefi");
        net.ask(NOW, b"pxe-loader", Asker::Ipxe).is("menu.ipxe");
    }

    #[test]
    fn a_pin_is_not_for_another_machine_that_boots_from_the_same_address() {
        let mut net = Net::new(policy());
        net.boot(NOW, &OTHER, 0);
        net.boot(NOW + 1, &MAC, 11);
        net.ask(NOW + 2, b"pxe-loader", Asker::Unknown).is_held("contradicts");
        net.ask(NOW + 3, b"pxe-loader", Asker::Edk2).is("debian/bootnetaa64.efi");
        net.ask(NOW + 20, b"pxe-loader", Asker::Edk2).is("debian/bootnetaa64.efi");
        net.evidence.delivered(NOW + SECOND, IpAddr::V4(ADDRESS), &MAC);
        net.ask(NOW + 4 * SECOND, b"pxe-loader", Asker::Unknown).is("undionly.kpxe");
    }

    #[test]
    fn companions_are_looked_for_beside_the_loader() {
        let mut net = Net::new(policy());
        net.boot(NOW, &MAC, 11);
        net.ask(NOW, b"tftp/pxe-loader.efi", Asker::Edk2).is("debian/bootnetaa64.efi");
        net.evidence.delivered(NOW + SECOND, IpAddr::V4(ADDRESS), &MAC);
        let policy = policy();
        let ask = |name: &'static [u8], asker| {
            let query = Query::new(IpAddr::V4(ADDRESS), asker);
            let known = net.evidence.look_up(NOW + 20 * SECOND, &query);
            match policy.decide(&known.as_facts(), Asked::Name(name)).action {
                Action::File { name, instead, .. } => {
                    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
                    (text(&name), instead.map(|name| text(&name)))
                }
                other => panic!("{other:?}"),
            }
        };
        let both = |first: &str, second: &str| (first.to_owned(), Some(second.to_owned()));
        for name in [&b"tftp/grubaa64.efi"[..], b"tftp//grubaa64.efi", b"\\tftp\\grubaa64.efi"] {
            let beside = both("debian/grubaa64.efi", "tftp/grubaa64.efi");
            assert_eq!(ask(name, Asker::Shim), beside);
            // Firmware that names a real file gets it, if it is there.
            let real = both("tftp/grubaa64.efi", "debian/grubaa64.efi");
            assert_eq!(ask(name, Asker::Edk2), real);
        }
        let revocations = both("debian/revocations_sku.efi", "tftp/revocations_sku.efi");
        assert_eq!(ask(b"tftp/revocations_sku.efi", Asker::Shim), revocations);
        let grub = both("debian/grub/grub.cfg", "tftp/grub/grub.cfg");
        assert_eq!(ask(b"/tftp/grub/grub.cfg", Asker::Grub), grub);
        assert_eq!(ask(b"elsewhere/x", Asker::Grub), ("elsewhere/x".to_owned(), None));
    }
}

mod kept {
    use super::*;

    #[test]
    fn evidence_survives_a_restart() {
        let mut net = Net::new(policy());
        net.boot(NOW, &MAC, 7);
        net.ask(NOW, b"b/pxe-loader", Asker::Edk2).is("ipxe.efi");
        net.hear(NOW, Source::Relayed, &OTHER, 11, Some(Ipv4Addr::new(10, 1, 0, 9)));
        let text = net.evidence.export();
        let (read, imported) = Evidence::import(NOW + SECOND, text.as_bytes()).unwrap();
        assert_eq!((imported.broken, imported.old), (0, 0), "{text}");
        assert_eq!(read.export(), text);
        net.evidence = read;
        let again = net.ask(NOW + SECOND, b"b/pxe-loader", Asker::Edk2);
        again.is("ipxe.efi");
        assert!(again.reasons.contains("one boot, one loader"), "{}", again.reasons);
        net.ask_as(NOW + DAY, b"pxe-loader", Asker::Edk2, Some(&OTHER))
            .is("debian/bootnetaa64.efi");
    }

    #[test]
    fn hostile_text_is_counted_and_left_out() {
        assert!(Evidence::import(NOW, b"").is_err());
        assert!(Evidence::import(NOW, b"pxe-evidence 2\n").is_err());
        for broken in [
            "m",
            "m 5254 x d f 7 - - - - - -",
            "m 525400aa0001 1 d f 7,7,7,7,7 - - - - - -",
            "m 525400aa0001 1 d f 7 zz - - - - -",
            "m 525400aa0001 1 d f 7 - - - - - - more",
            "m 00112233445566778899aabbccddeeff00 1 d f 7 - - - - - -",
            "a 10.0.0.300 525400aa0001 1 c",
            "a ::1 525400aa0001 1 c",
            "p 10.0.0.1 - 1 - - 2e2e2f78",
            "p 10.0.0.1 - 1 - 2e2e2f 78",
            "p 10.0.0.1 - 1 - 61 78",
            "p 10.0.0.1 - 1 - - .",
            "x",
            "\u{fffd}\u{0}",
        ] {
            let text = format!("pxe-evidence 1\n{broken}\n");
            let (evidence, imported) = Evidence::import(NOW, text.as_bytes()).unwrap();
            assert_eq!((imported.broken, imported.kept, imported.old), (1, 0, 0), "{broken}");
            assert!(evidence.is_empty(), "{broken}");
        }
        let long =
            format!("pxe-evidence 1\nm 525400aa0001 1 d f 7 {} - - - - -\n", "61".repeat(5000));
        assert_eq!(Evidence::import(NOW, long.as_bytes()).unwrap().1.broken, 1);
        let old = format!("pxe-evidence 1\nm 525400aa0001 {} d f 7 - - - - - -\n", NOW - 91 * DAY);
        assert_eq!(Evidence::import(NOW, old.as_bytes()).unwrap().1.old, 1);
    }

    #[test]
    fn a_full_store_forgets_those_unheard_for_longest() {
        let mut net = Net::new(policy());
        let machines = pxe_select::limits::MACHINES_MAX;
        for number in 0..machines as u32 + 10 {
            let [_, b, c, d] = number.to_be_bytes();
            let address = Ipv4Addr::new(10, b, c, d);
            net.hear(NOW, Source::Request, &[2, 0, 0, b, c, d], 7, Some(address));
        }
        assert_eq!(net.evidence.len(), (machines, pxe_select::limits::ADDRESSES_MAX));
        let ask = |last| {
            net.evidence
                .look_up(NOW, &Query::new(IpAddr::V4(Ipv4Addr::new(10, 0, 0, last)), Asker::Edk2))
        };
        assert_eq!(ask(3).as_facts().origin, Origin::Nobody);
        assert_ne!(ask(11).as_facts().origin, Origin::Nobody);
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
