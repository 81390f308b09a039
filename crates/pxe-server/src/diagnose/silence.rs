//! Silence where the next step should have come. Causes are those of the firmware sources and reports collected in the
//! project's notes on DHCP and PXE ("time-line failure table"), likeliest first.

use super::offers::{OPTION_60_TRAP, TWO_PROXIES, WRONG_ARCHITECTURE};

/// Which step did not come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Silence {
    /// Proxy offers were sent, and nothing came of them.
    OfferedNeverAsked,
    /// It took an address from another DHCP server, and came neither to our boot server port nor for its file.
    AddressedNeverCame,
    /// It got its file's name on the boot server port, and never asked for the file.
    AcknowledgedNeverFetched,
    /// It was offered an address with its file, and took neither.
    LeaseNeverTaken,
    /// It has an address and its file's name from us, and never asked for the file.
    LeasedNeverFetched,
    /// Its DHCP messages are heard, and it never asks us for a file (`observe`).
    HeardNeverAsked,
    /// It asked for the size of its boot program, and never for the program.
    ProbedNeverRead,
    /// It has its boot program, and was never heard again.
    LoaderNeverHeard,
    /// It has its boot program, and its firmware began anew instead of that.
    LoaderNotStarted,
    /// It has a script or a menu, and asked for nothing since.
    MenuNothingChosen,
}

impl Silence {
    /// What came last and what did not follow, as a sentence without its period. `times` counts what came last.
    pub fn what(self, times: u32, file: &str, seconds: u64) -> String {
        let times = match times {
            0 | 1 => "once".to_owned(),
            2 => "twice".to_owned(),
            times => format!("{times} times"),
        };
        match self {
            Self::OfferedNeverAsked => format!(
                "offered {file} {times}, never asked: no request to any DHCP server was heard, none on the boot \
                 server port, none for a file"
            ),
            Self::AddressedNeverCame => format!(
                "it took an address from another DHCP server, and then came neither to our boot server port nor for \
                 {file} within {seconds} s"
            ),
            Self::AcknowledgedNeverFetched => {
                format!(
                    "told on the boot server port to fetch {file}, it asked for no file within {seconds} s"
                )
            }
            Self::LeaseNeverTaken => {
                format!("offered an address and {file} {times}, it took neither")
            }
            Self::LeasedNeverFetched => {
                format!(
                    "it has its address from us and was told to fetch {file}, but asked for no file within {seconds} s"
                )
            }
            Self::HeardNeverAsked => {
                format!(
                    "heard {times} asking for an address, it asked us for no file within {seconds} s"
                )
            }
            Self::ProbedNeverRead => {
                format!(
                    "it asked for the size of {file} only, and did not read it within {seconds} s"
                )
            }
            Self::LoaderNeverHeard => {
                format!("it has {file}, and was not heard again within {seconds} s")
            }
            Self::LoaderNotStarted => format!(
                "it has {file}, and {seconds} s later its firmware began anew: the program did not start, or gave up"
            ),
            Self::MenuNothingChosen => {
                format!("it has {file}, and asked for nothing more within {} minutes", seconds / 60)
            }
        }
    }

    /// What causes that, likeliest first; each continues "because".
    pub fn causes(self) -> &'static [&'static str] {
        match self {
            Self::OfferedNeverAsked => &[
                "no DHCP server gives it an address: a proxy offer alone boots nothing (PXE-E52)",
                "our offers do not reach it: a firewall, DHCP snooping on a switch, or a relay that takes no answer from us",
                "another DHCP server's offer names a boot file or a class of its own, which firmware takes before ours",
                "its firmware does not believe this style of offer (PXE-E16)",
            ],
            Self::AddressedNeverCame => &[
                "the DHCP server sends option 60 \"PXEClient\" itself: remove option 60 there, firmware then asks that \
                 server on port 4011 and not us",
                "the DHCP server names a boot server and file (options 66 and 67, next-server), which firmware takes before ours",
                "UDP port 4011 of this machine is closed by a firewall (PXE-E55)",
                "the offer it chose came from another proxy",
            ],
            Self::AcknowledgedNeverFetched | Self::LeasedNeverFetched => &[
                "a firewall drops UDP port 69 (or TCP, for a URL) on its way to this machine",
                "the address it was told is not one it can reach: see `advertise`",
                "the answer does not reach it, or too late (firmware waits one second at first)",
            ],
            Self::LeaseNeverTaken => &[
                "another DHCP server was faster, and it took that one's address",
                "our offers do not reach it: a firewall, DHCP snooping on a switch, or a relay that takes no answer from us",
                "the link is not ready for traffic yet (spanning tree): set the switch port to portfast",
            ],
            Self::HeardNeverAsked => &[
                "its DHCP server does not name this machine (option 66 or next-server) with the bait as file (option 67)",
                "its DHCP server gives it no address",
                "a firewall drops UDP port 69 on its way to this machine",
            ],
            Self::ProbedNeverRead => &[
                "the file is larger than its firmware has room for",
                "packets of this size are lost on the way: compare MTU, or lower `tftp.block_size_max`",
                "somebody aborted the boot",
            ],
            Self::LoaderNeverHeard => &[
                "Secure Boot refuses the file: it is not signed by a key this machine trusts",
                "the file is for another architecture than this machine's",
                "the program has no driver for this network card: for iPXE try snponly.efi or undionly.kpxe",
                "the switch port takes long to come up again (spanning tree): set it to portfast",
                "the program needs nothing more from us: then all is well",
            ],
            Self::LoaderNotStarted => &[
                "Secure Boot refuses the file, which is not signed by a key this machine trusts: its screen says \"Access \
                 Denied\" or \"Security Violation\"",
                "the file is for another architecture than this machine's",
                "the program found nothing that it could boot, and went back to the firmware",
                "somebody switched the machine off and on",
            ],
            Self::MenuNothingChosen => &[
                "somebody sits before the menu",
                "the menu went on to the local disk: then all is well",
                "what was chosen is fetched from another server",
            ],
        }
    }

    /// The same with those first of which there is proof: what was `seen`, by its ids.
    pub fn causes_after(self, seen: &[&str]) -> Vec<&'static str> {
        let all = self.causes();
        let is_proven = |at: &usize| seen.iter().any(|id| self.cause_of(id) == Some(*at));
        let (proven, others): (Vec<_>, Vec<_>) = (0..all.len()).partition(is_proven);
        proven.into_iter().chain(others).filter_map(|at| all.get(at).copied()).collect()
    }

    /// Which of the causes another server's offer proves.
    fn cause_of(self, id: &str) -> Option<usize> {
        match (self, id) {
            (Self::OfferedNeverAsked, OPTION_60_TRAP | WRONG_ARCHITECTURE) => Some(2),
            (Self::AddressedNeverCame, OPTION_60_TRAP) => Some(0),
            (Self::AddressedNeverCame, WRONG_ARCHITECTURE) => Some(1),
            (Self::AddressedNeverCame, TWO_PROXIES) => Some(3),
            _ => None,
        }
    }

    /// The next thing to do, one sentence.
    pub fn advice(self) -> &'static str {
        match self {
            Self::OfferedNeverAsked => {
                "See that a DHCP server serves this segment and that UDP 67, 68 and 4011 pass in both directions."
            }
            Self::AddressedNeverCame => {
                "Capture its boot (tcpdump -w boot.pcap port 67 or port 68 or port 4011) and let `pxe-server replay boot.pcap` say which offer it took."
            }
            Self::AcknowledgedNeverFetched | Self::LeasedNeverFetched => {
                "Try `pxe-server fetch tftp://ADDRESS/FILE` from another machine of that segment."
            }
            Self::LeaseNeverTaken => {
                "Look for other DHCP servers: the log names those that were found at the start."
            }
            Self::HeardNeverAsked => {
                "`pxe-server snippet` prints what to enter at its DHCP server."
            }
            Self::ProbedNeverRead => {
                "Try a smaller boot program, or another style of it for this firmware."
            }
            Self::LoaderNeverHeard => {
                "Look at its screen; then try another boot program in `[loaders]` for this firmware."
            }
            Self::LoaderNotStarted => {
                "With Secure Boot name a signed shim in `[loaders]` (docs/loaders.md), or switch it off on that machine; \
                 `pxe-server check` says which loaders are signed."
            }
            Self::MenuNothingChosen => "Look at its screen if it should have booted something.",
        }
    }

    /// Whether it is a fault for certain enough to be warned of.
    pub fn is_fault(self) -> bool {
        !matches!(self, Self::MenuNothingChosen | Self::HeardNeverAsked)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_seen_comes_first() {
        let silence = Silence::AddressedNeverCame;
        assert_eq!(silence.causes_after(&[]), silence.causes());
        for (id, words) in [
            (OPTION_60_TRAP, "the DHCP server sends option 60"),
            (WRONG_ARCHITECTURE, "the DHCP server names a boot server and file"),
            (TWO_PROXIES, "the offer it chose came from another proxy"),
        ] {
            let causes = silence.causes_after(&[id]);
            assert!(causes[0].starts_with(words), "{causes:?}");
            assert_eq!(causes.len(), silence.causes().len());
        }
        let causes = Silence::OfferedNeverAsked.causes_after(&[OPTION_60_TRAP]);
        assert!(causes[0].starts_with("another DHCP server's offer names"), "{causes:?}");
        // Both are told, in the order of what is likelier.
        let causes = silence.causes_after(&[TWO_PROXIES, OPTION_60_TRAP]);
        assert!(causes[0].contains("option 60") && causes[1].contains("another proxy"));
    }
}
