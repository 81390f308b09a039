//! A machine of which nothing was ever heard: what that means here.

use core::net::{IpAddr, Ipv4Addr};

use serde::Serialize;

use crate::state::time;

/// What is known where a machine is not.
#[derive(Clone, Debug)]
pub struct Unheard {
    /// Whose story was asked for.
    pub machine: String,
    /// Machines that were heard.
    pub others: usize,
    /// Whether DHCP is listened to at all.
    pub hears_dhcp: bool,
    /// The UDP port where DHCP messages come in.
    pub port: u16,
    /// The interfaces that are served, and our address on each.
    pub served: Vec<(String, Ipv4Addr)>,
    /// The address that clients are told, if it is none of those.
    pub advertised: Option<Ipv4Addr>,
    /// Relays that brought us messages of other machines.
    pub relays: Vec<IpAddr>,
    /// Whether the server runs.
    pub run: Run,
}

/// Whether the server runs, and since when, in milliseconds of UNIX time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Run {
    /// Nobody knows.
    Unknown,
    /// It never did.
    Never,
    /// It does not; when it was started last.
    Ended(u64),
    /// Since then.
    Since(u64),
}

/// What was seen, what causes that, and what to do, in words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "admin", derive(utoipa::ToSchema))]
pub struct Explanation {
    /// What was seen, as a sentence without its period.
    pub what: String,
    /// What causes that, likeliest first; each continues "because".
    pub causes: Vec<String>,
    /// The next thing to do.
    pub advice: String,
}

impl Unheard {
    /// The words.
    pub fn explanation(&self) -> Explanation {
        let others = match self.others {
            0 => "the journal has no machine at all".to_owned(),
            1 => "the journal has one other machine".to_owned(),
            others => format!("it is none of the {others} machines in the journal"),
        };
        let what = format!("nothing was ever heard of {}: {others}", self.machine);
        Explanation { what, causes: self.causes(), advice: self.advice() }
    }

    fn causes(&self) -> Vec<String> {
        let mut causes = Vec::new();
        match self.run {
            Run::Never => causes.push(
                "no server ever ran with this state folder (`--config` names the configuration whose `state` is looked into)"
                    .to_owned(),
            ),
            Run::Ended(started) => causes.push(format!(
                "this server does not run: it was started last at {}, and has ended since",
                time(started)
            )),
            Run::Unknown | Run::Since(_) => {}
        }
        if !self.hears_dhcp {
            causes.push(
                "`dhcp.mode` is \"off\": a machine is heard only when it asks for a file by TFTP or HTTP"
                    .to_owned(),
            );
        }
        if self.hears_dhcp {
            causes.extend(self.dhcp_causes());
        }
        causes.push(
            "it asked nothing: it booted from its disk, has no link, or its firmware does not try the network"
                .to_owned(),
        );
        causes.push("its hardware address is another one: each card has its own".to_owned());
        if let Run::Since(started) = self.run {
            causes.push(format!("it asked before this server was started, at {}", time(started)));
        }
        causes
    }

    /// What keeps a DISCOVER from us.
    fn dhcp_causes(&self) -> [String; 3] {
        let helper = match self.address() {
            Some(address) => format!("`ip helper-address {address}` is missing on its router"),
            None => "its router needs our address as a helper address".to_owned(),
        };
        let heard: Vec<String> = self.relays.iter().map(ToString::to_string).collect();
        let heard = match &heard[..] {
            [] => "no relay was heard so far".to_owned(),
            heard => format!("relays heard so far: {}", heard.join(", ")),
        };
        let served: Vec<String> =
            self.served.iter().map(|(name, address)| format!("{name} ({address})")).collect();
        let served = match &served[..] {
            [] => "none is served now".to_owned(),
            served => format!("served are {}", served.join(", ")),
        };
        [
            format!(
                "it is in another network, whose relay does not name this server: {helper}, beside that of its DHCP \
                 server ({heard})"
            ),
            format!(
                "a firewall here or on the way drops UDP port {}, or a switch keeps its broadcasts in another VLAN",
                self.port
            ),
            format!("it is behind an interface that is not served: {served}"),
        ]
    }

    fn address(&self) -> Option<Ipv4Addr> {
        self.advertised.or_else(|| self.served.first().map(|(_, address)| *address))
    }

    fn advice(&self) -> String {
        if matches!(self.run, Run::Never | Run::Ended(_)) {
            return "Start it (`pxe-server serve`, or `systemctl start pxe-server`), and switch the machine on again."
                .to_owned();
        }
        match self.address() {
            Some(address) => format!(
                "Run `pxe-server doctor --server {address}` on another machine of its network: it says whether the relay is \
                 missing, or what else is."
            ),
            None => "See which interfaces there are: `pxe-server check`.".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const US: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 5);

    fn unheard() -> Unheard {
        Unheard {
            machine: "52:54:00:aa:00:09".into(),
            others: 3,
            hears_dhcp: true,
            port: 67,
            served: vec![("eth0".into(), US)],
            advertised: None,
            relays: vec![],
            run: Run::Since(1_700_000_000_000),
        }
    }

    /// The first cause that holds this, and how many there are.
    fn place(seen: &Unheard, part: &str) -> Option<usize> {
        seen.explanation().causes.iter().position(|cause| cause.contains(part))
    }

    #[test]
    fn a_missing_relay_is_named_with_what_was_heard() {
        let seen = unheard();
        let Explanation { what, advice, .. } = seen.explanation();
        assert!(what.contains("52:54:00:aa:00:09") && what.contains("none of the 3 machines"));
        assert_eq!(place(&seen, "`ip helper-address 192.0.2.5` is missing"), Some(0));
        assert_eq!(place(&seen, "no relay was heard so far"), Some(0));
        assert!(place(&seen, "served are eth0 (192.0.2.5)").is_some());
        assert!(place(&seen, "started, at 2023-11-14T22:13:20.000Z").is_some());
        assert!(advice.contains("pxe-server doctor --server 192.0.2.5"), "{advice}");
        let relays = vec![Ipv4Addr::new(10, 78, 0, 1).into()];
        let advertised = Some(Ipv4Addr::new(203, 0, 113, 5));
        let seen = Unheard { relays, advertised, ..seen };
        assert_eq!(place(&seen, "relays heard so far: 10.78.0.1"), Some(0));
        assert!(seen.explanation().advice.contains("--server 203.0.113.5"));
    }

    #[test]
    fn a_server_that_does_not_run_hears_nothing() {
        for (run, part) in [
            (Run::Never, "no server ever ran with this state folder"),
            (Run::Ended(0), "started last at 1970-01-01T00:00:00.000Z"),
        ] {
            let seen = Unheard { run, ..unheard() };
            assert_eq!(place(&seen, part), Some(0));
            assert!(seen.explanation().advice.starts_with("Start it"));
        }
        let seen = Unheard { hears_dhcp: false, ..unheard() };
        assert_eq!(place(&seen, "`dhcp.mode` is \"off\""), Some(0));
        assert_eq!(place(&seen, "helper-address"), None);
    }
}
