//! For whom a text is made: what the request's address tells, and what the client says of itself.

use core::net::IpAddr;

use pxe_select::{Arch, Asker, ClientFacts, Decision, Firmware, Target};

/// Architectures by iPXE's settings `platform` and `buildarch` (ipxe.org/cfg/buildarch) and their number in option 93.
const BUILDS: [(&str, &str, Arch); 8] = [
    ("pcbios", "i386", Arch(0)),
    ("pcbios", "x86_64", Arch(0)),
    ("efi", "i386", Arch(6)),
    ("efi", "x86_64", Arch(7)),
    ("efi", "arm32", Arch(10)),
    ("efi", "arm64", Arch(11)),
    ("efi", "riscv64", Arch(27)),
    ("efi", "loong64", Arch(39)),
];

/// What a client says of itself in the query of a URL that we gave it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Introduction {
    /// Its hardware address.
    pub mac: Option<[u8; 6]>,
    /// Its firmware.
    pub arch: Option<Arch>,
    /// Its memory, in MiB.
    pub memory_mib: Option<u32>,
    /// It says anything at all about who it is, even if it was not understood.
    pub is_given: bool,
    /// It knows the menu's password; that was checked.
    pub unlocked: bool,
}

impl Introduction {
    /// From the pairs of a query. What is not known or broken counts as not said.
    pub fn of_pairs<'q>(
        pairs: impl IntoIterator<Item = (&'q str, &'q str)>,
        mac: impl Fn(&str) -> Option<[u8; 6]>,
    ) -> Self {
        let mut said = Self::default();
        let (mut platform, mut build) = ("", "");
        for (name, value) in pairs {
            match name {
                "mac" => (said.mac, said.is_given) = (mac(value), true),
                "platform" => platform = value,
                "buildarch" => build = value,
                "memsize" => said.memory_mib = value.parse().ok(),
                _ => {}
            }
        }
        let known = BUILDS.iter().find(|(on, of, _)| (*on, *of) == (platform, build));
        said.arch = known.map(|(_, _, arch)| *arch);
        said
    }

    /// What was known of whoever has the address, with what it says of itself instead where it says it: behind a router
    /// nothing else is known, and a loader knows its own network card.
    pub(super) fn facts<'f>(
        &'f self,
        known: &ClientFacts<'f>,
        archs: &'f mut [Arch; 1],
    ) -> Option<ClientFacts<'f>> {
        let mac = self.mac.as_ref()?;
        let mut facts = if known.hardware_address == mac { *known } else { ClientFacts::new(mac) };
        facts.address = known.address;
        facts.asker = known.asker;
        if let Some(arch) = self.arch {
            archs[0] = arch;
            facts.archs = archs;
            facts.vendor_class = None;
        }
        Some(facts)
    }
}

/// For whom a text is made, and what it is to say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recipient {
    /// Its hardware address, where it is known.
    pub mac: Option<[u8; 6]>,
    /// Its firmware, where it is known.
    pub firmware: Option<Firmware>,
    /// Its address.
    pub address: Option<IpAddr>,
    /// What it says of itself.
    pub said: Introduction,
    /// The program that asks.
    pub asker: Asker,
    /// What it boots, if a host entry says so: then no file goes before the text.
    pub target: Option<Target>,
}

impl Recipient {
    pub(crate) fn new(
        peer: IpAddr,
        facts: &ClientFacts<'_>,
        said: Introduction,
        decision: &Decision<'_>,
    ) -> Self {
        Self {
            mac: facts.hardware_address.try_into().ok(),
            firmware: decision.identity.firmware,
            address: Some(peer),
            said,
            asker: facts.asker,
            target: decision.target.cloned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(query: &str) -> Introduction {
        let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        Introduction::of_pairs(pairs, |text| (text == "right").then_some([1; 6]))
    }

    #[test]
    fn what_is_said_is_read_and_what_is_not_known_left_out() {
        let all = said("mac=right&platform=efi&buildarch=arm64&memsize=2047&x=1");
        assert_eq!((all.mac, all.arch, all.memory_mib), (Some([1; 6]), Some(Arch(11)), Some(2047)));
        assert_eq!((said("mac=wrong").mac, said("mac=wrong").is_given), (None, true));
        for odd in ["", "platform=efi", "platform=efi&buildarch=vax", "memsize=&platform="] {
            assert_eq!(said(odd), Introduction::default(), "{odd}");
        }
    }

    #[test]
    fn each_build_is_the_firmware_of_its_name() {
        let policy = pxe_select::Policy::default();
        for (platform, build, arch) in BUILDS {
            let mut facts = ClientFacts::new(&[2, 0, 0, 0, 0, 1]);
            let archs = [arch];
            facts.archs = &archs;
            let firmware = policy.identify(&facts).firmware.expect("a firmware").name();
            let of_build = match (platform, build) {
                ("pcbios", _) => "bios".to_owned(),
                (_, "i386") => "x86-uefi".to_owned(),
                (_, "x86_64") => "x64-uefi".to_owned(),
                (_, other) => format!("{other}-uefi"),
            };
            assert_eq!(firmware, of_build);
        }
    }
}
