//! Bodies of the fuzz targets: each takes any bytes and asserts what must hold for all of them.

extern crate std;

use alloc::{
    borrow::Cow,
    string::{String, ToString},
    vec::Vec,
};
use core::net::Ipv4Addr;
use std::sync::LazyLock;

pub use crate::evidence::fuzz::evidence;
use crate::{
    Action, Arch, Asked, ClientFacts, Decision, Firmware, FolderBy, Generated, Host, IpxeFeatures,
    Policy, Remap, Rule, Target, When,
    limits::{
        ARCHS_MAX, FILE_NAME_BYTES_MAX, LOSERS_MAX, NAME_BYTES_MAX, REASONS_MAX, URL_BYTES_MAX,
    },
    names,
};

/// Any name: what is let through can be joined to a root.
pub fn normalise(data: &[u8]) {
    let Ok(name) = names::normalise(data) else { return };
    assert_name(&name.bytes);
    assert!(name.bytes.len() <= data.len());
    assert_eq!(name.cleaned, *name.bytes != *data);
    if let Some(length) = name.trimmed {
        assert!(0 < length && length < name.bytes.len());
        assert_name(name.trimmed_bytes());
    }
    // A clean name stays as it is, unless it begins like one more drive prefix.
    if name.bytes.get(1) != Some(&b':') {
        let again = names::normalise(&name.bytes);
        assert!(again.is_ok_and(|again| !again.cleaned && again.bytes == name.bytes));
    }
}

/// Any client and question, against a policy with everything in it and against an empty one.
pub fn decide(data: &[u8]) {
    let mut input = Input { rest: data };
    let client = Client::take(&mut input);
    let facts = client.facts();
    let kind = input.byte();
    let names_file = kind & 1 == 1;
    let asked = match kind & 3 {
        1 => Asked::Name(input.rest),
        3 => Asked::Upload(input.rest),
        _ => Asked::BootFile,
    };
    for policy in [&*FULL_POLICY, &*EMPTY_POLICY] {
        let decision = policy.decide(&facts, asked);
        check(policy, &facts, asked, &decision);
        if names_file {
            continue;
        }
        // Without loaders nobody is named a file or URL, except what a rule or host names.
        if policy.loader(Firmware::Bios).is_none() {
            let given = matches!(decision.action, Action::File { .. } | Action::Url(_));
            assert!(!given, "{decision:?}");
        }
    }
}

/// Any texts as a configuration: `build` lists faults or makes a policy that decides.
pub fn policy(data: &[u8]) {
    let mut input = Input { rest: data };
    let mut builder = Policy::builder();
    while !input.rest.is_empty() {
        let kind = input.byte();
        match kind % 6 {
            2 if kind >= 0xc0 => {
                builder.bait(&input.text());
            }
            2 if kind >= 0x80 => {
                builder.unknown_loader(&input.text());
            }
            3 if kind >= 0x80 => {
                let (text, replace) = (input.text(), input.text());
                let remap = match kind & 3 {
                    0 => Remap::prefix(text, replace),
                    1 => Remap::suffix(text, replace),
                    _ => Remap::regex(text, replace),
                };
                builder.remap(remap);
            }
            0 => {
                let name = input.text();
                builder.loader_named(&name, &input.text());
            }
            1 => {
                let mut host = Host::new(input.text());
                host.boot = kind & 0x40 == 0;
                host.loader = (kind & 0x80 != 0).then(|| input.text());
                host.folder = (kind & 0x20 != 0).then(|| input.text());
                host.target = (kind & 0x10 != 0).then(|| match kind & 0x80 {
                    0 => Target::Script(input.text()),
                    _ => Target::Image(input.text()),
                });
                builder.host(host);
            }
            2 => {
                builder.http_base(&input.text());
            }
            3 => {
                builder.ipxe_script(&input.text());
            }
            _ => {
                let rule = input.rule(kind);
                builder.rule(rule);
            }
        }
    }
    match builder.build() {
        Ok(policy) => {
            let facts = ClientFacts::new(&[0x52, 0x54, 0, 0xaa, 0, 1]);
            for asked in [Asked::BootFile, Asked::Name(data), Asked::Upload(data)] {
                check(&policy, &facts, asked, &policy.decide(&facts, asked));
            }
        }
        Err(faults) => {
            assert!(!faults.as_slice().is_empty());
            assert!(faults.iter().all(|fault| !fault.to_string().is_empty()));
        }
    }
}

fn check(policy: &Policy, facts: &ClientFacts<'_>, asked: Asked<'_>, decision: &Decision<'_>) {
    if decision.bait.is_none() {
        assert_eq!(policy.identify(facts), decision.identity);
    }
    let reasons = &decision.reasons;
    assert!(!reasons.is_empty() && reasons.len() <= REASONS_MAX);
    assert!(reasons.iter().filter(|reason| reason.is_loser()).count() <= LOSERS_MAX);
    assert!(reasons.last().is_some_and(|reason| !reason.is_loser()), "{reasons}");
    for line in reasons.to_string().lines() {
        assert!(line.len() > 8, "{line:?}");
    }
    if decision.target.is_some() {
        let generated = match &decision.action {
            Action::File { generated, .. } | Action::Script { generated, .. } => *generated,
            _ => None,
        };
        assert!(generated.is_some(), "nobody would read it: {decision:?}");
    }
    if let Some(folder) = &decision.folder {
        assert!(!matches!(asked, Asked::BootFile));
        assert_name(folder.as_bytes());
    }
    match (&decision.action, asked) {
        (Action::File { name, trimmed, generated, .. }, Asked::Name(_)) => {
            assert_name(name);
            let shown = trimmed.and_then(|length| name.get(..length)).unwrap_or(name);
            // PXELINUX's names are made for those alone who read them.
            match names::generated(shown) {
                Some(Generated::PxelinuxConfig) if generated.is_none() => {}
                made => assert_eq!(made, *generated),
            }
        }
        (
            Action::File { name, trimmed: None, instead: None, generated: None },
            Asked::Upload(_),
        ) => {
            assert_name(name);
        }
        (Action::File { name, trimmed: None, instead: None, generated: None }, Asked::BootFile) => {
            assert_name(name);
            assert!(name.len() <= FILE_NAME_BYTES_MAX);
            assert!(matches!(name, Cow::Borrowed(_)), "a boot file is not put together");
        }
        (Action::Url(url), Asked::BootFile) => assert!(url.len() <= URL_BYTES_MAX),
        (Action::Script { name, .. }, Asked::BootFile) => {
            assert!(decision.identity.runs_scripts());
            assert!(name.len() <= FILE_NAME_BYTES_MAX);
        }
        (Action::Script { .. } | Action::Hold, Asked::Name(_)) => {
            assert!(decision.bait.is_some(), "{decision:?}");
        }
        (Action::Deny, _) | (Action::Hold, Asked::BootFile) => {}
        other => assert!(other.0 == &Action::Deny, "{other:?} has no place here"),
    }
}

fn assert_name(name: &[u8]) {
    assert!(!name.is_empty() && name.len() <= NAME_BYTES_MAX);
    assert!(!name.contains(&b'\\') && !name.iter().any(u8::is_ascii_control));
    for component in name.split(|byte| *byte == b'/') {
        assert!(!matches!(component, b"" | b"." | b".."), "{name:?}");
    }
    if name.ends_with(b"autoexec.ipxe") && !name.ends_with(b"xautoexec.ipxe") {
        let exact = name.len() == b"autoexec.ipxe".len() || name.ends_with(b"/autoexec.ipxe");
        assert_eq!(names::generated(name).is_some(), exact);
        assert!(names::generated(name).is_none_or(|made| made == Generated::IpxeMenu));
    }
}

static FULL_POLICY: LazyLock<Policy> = LazyLock::new(full_policy);
static EMPTY_POLICY: LazyLock<Policy> = LazyLock::new(Policy::default);

/// A loader for every firmware, one host of each kind and rules of each kind; all texts are fixed and valid.
fn full_policy() -> Policy {
    let mut builder = Policy::builder();
    for firmware in Firmware::all() {
        builder.loader(*firmware, firmware.name());
    }
    let lab = When { subnet: Some("10.0.0.0/8".into()), ..When::any() };
    let own = When { user_class: Some("iPXE".into()), ..lab.clone() };
    let banned = When { mac: Some("66:*".into()), ..When::any() };
    builder
        .host(Host::new("52:54:00:aa:00:01").with_loader("own.efi").with_folder("hosts/own"))
        .folder_by(FolderBy::Mac)
        .host(Host::new("52:54:00:aa:00:02").without_boot())
        .host(Host::new("52:54:00:aa:00:03").with_target(Target::Local))
        .rule(Rule::deny(banned))
        .rule(Rule::file(own, "own.ipxe"))
        .rule(Rule::url(lab, "http://192.0.2.5/lab.efi"))
        .remap(Remap::prefix("boot/", "b/"))
        .remap(Remap::suffix(".0", ".kpxe"))
        .remap(Remap::regex("(?i)^efi/(.)", "$1$1/"))
        .bait("pxe-loader")
        .bait("iventoy_loader_*")
        .http_base("http://{server}:8080/boot");
    builder.build().unwrap_or_default()
}

/// A client read from bytes; owns what the facts borrow.
pub(crate) struct Client<'d> {
    hardware_address: &'d [u8],
    archs: Vec<Arch>,
    vendor_class: Option<Vec<u8>>,
    user_class: Option<&'d [u8]>,
    machine_id: Option<&'d [u8]>,
    ipxe: Option<IpxeFeatures>,
    addresses: [Option<Ipv4Addr>; 3],
}

impl<'d> Client<'d> {
    pub(crate) fn take(input: &mut Input<'d>) -> Self {
        let present = input.byte();
        let archs = input.chunk().chunks_exact(2).take(ARCHS_MAX);
        let archs = archs.map(|pair| match pair {
            [high, low] => Arch(u16::from_be_bytes([*high, *low])),
            _ => Arch(0),
        });
        let archs = archs.collect();
        let prefix: &[u8] = match present >> 6 {
            0 => b"PXEClient:Arch:",
            1 => b"HTTPClient:Arch:",
            2 => b"U-Boot",
            _ => b"",
        };
        let class = [prefix, input.chunk()].concat();
        Self {
            archs,
            vendor_class: (present & 1 != 0).then_some(class),
            hardware_address: input.chunk(),
            user_class: (present & 2 != 0).then(|| input.chunk()),
            machine_id: (present & 4 != 0).then(|| input.chunk()),
            ipxe: (present & 8 != 0)
                .then(|| IpxeFeatures::from_flags(input.chunk().iter().map(|code| (*code, 1)))),
            addresses: [input.address(present & 16), input.address(present & 32), None],
        }
    }

    pub(crate) fn facts(&self) -> ClientFacts<'_> {
        let [relay, address, link] = self.addresses;
        ClientFacts {
            hardware_address: self.hardware_address,
            archs: &self.archs,
            vendor_class: self.vendor_class.as_deref(),
            user_class: self.user_class,
            ipxe: self.ipxe,
            machine_id: self.machine_id,
            relay,
            address,
            link,
            ..ClientFacts::default()
        }
    }
}

pub(crate) struct Input<'d> {
    pub(crate) rest: &'d [u8],
}

impl<'d> Input<'d> {
    pub(crate) fn byte(&mut self) -> u8 {
        match self.rest.split_first() {
            Some((first, rest)) => {
                self.rest = rest;
                *first
            }
            None => 0,
        }
    }

    /// A length byte and so many bytes, or as many as there are.
    pub(crate) fn chunk(&mut self) -> &'d [u8] {
        let length = usize::from(self.byte()).min(self.rest.len());
        let (chunk, rest) = self.rest.split_at(length);
        self.rest = rest;
        chunk
    }

    fn text(&mut self) -> String {
        String::from_utf8_lossy(self.chunk()).into_owned()
    }

    fn address(&mut self, present: u8) -> Option<Ipv4Addr> {
        (present != 0).then(|| {
            let byte = self.byte();
            Ipv4Addr::new(byte, self.byte(), 0, 1)
        })
    }

    fn rule(&mut self, kind: u8) -> Rule {
        let conditions = self.byte();
        let when = When {
            arch: (conditions & 1 != 0).then(|| Vec::from([self.text()])),
            user_class: (conditions & 2 != 0).then(|| self.text()),
            vendor_class: (conditions & 4 != 0).then(|| self.text()),
            subnet: (conditions & 8 != 0).then(|| self.text()),
            mac: (conditions & 16 != 0).then(|| self.text()),
        };
        match kind % 6 {
            4 if conditions & 32 != 0 => Rule::deny(when),
            4 => Rule::url(when, self.text()),
            _ => Rule::file(when, self.text()),
        }
    }
}
