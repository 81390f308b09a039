//! Nobody answers, or not the one who should.

use core::net::Ipv4Addr;

use super::Finding;
use crate::config::DhcpMode;
use crate::doctor::facts::{Facts, Local, Reached, Segment};

pub(super) fn look(facts: &Facts, list: &mut Vec<Finding>) {
    for segment in &facts.segments {
        if let Some(error) = &segment.error {
            let what = format!("{} could not be asked: {error}", segment.interface);
            let advice = "Run it as root, or give the program its rights: sudo setcap \
                          cap_net_bind_service,cap_net_raw=+ep pxe-server";
            list.push(Finding::fault("not-asked", what, advice));
            continue;
        }
        list.extend(segment_silence(&facts.local, segment));
        list.extend(own_silence(&facts.local, segment));
    }
    for (network, used, size) in &facts.local.pools {
        if used >= size && *size > 0 {
            list.push(Finding::fault(
                "pool-exhausted",
                format!("all addresses of the network are in use: none of the {size} of {network} is free"),
                "Widen `pool` of its [[dhcp.subnet]], shorten `lease`, or free one: pxe-server leases release ADDRESS",
            ));
        }
    }
}

fn segment_silence(local: &Local, segment: &Segment) -> Option<Finding> {
    let Segment { interface, sent, answers, .. } = segment;
    let expected = segment.by_relay.filter(|(server, _)| !is_heard(segment, &[*server]));
    let unheard = expected.and_then(|(server, reached)| unheard(interface, server, reached));
    if unheard.is_some() {
        return unheard;
    }
    if answers.is_empty() && local.container {
        return Some(Finding::fault(
            "container-without-broadcasts",
            format!(
                "nobody answered {sent} DISCOVERs on {interface}, and this program runs in a container, which \
                 broadcasts of the network outside do not reach"
            ),
            "Give the container the host's network (docker run --network host), or an interface of its own on the \
             network (macvlan).",
        ));
    }
    if answers.is_empty() {
        let what = format!("nobody answered {sent} DISCOVERs on {interface} (PXE-E51)");
        let causes = [
            "no DHCP server is in this segment, and no relay (helper address) leads to one",
            "a firewall or DHCP snooping drops questions or answers",
            "the DHCP server has no free address",
        ];
        let advice = "Start with the DHCP server: see that it hears the DISCOVER.";
        return Some(Finding::fault("no-answer", what, advice).because(&causes));
    }
    let only_proxies = answers.iter().all(|answer| answer.address.is_none());
    only_proxies.then(|| {
        let what = format!(
            "a proxy answers on {interface}, and no DHCP server: machines get no address (PXE-E52)"
        );
        let causes = [
            "the DHCP server has no free address, or is not running",
            "no DHCP server is in this segment, and no relay leads to one",
        ];
        let advice =
            "A proxy gives no addresses: a DHCP server must be in the segment or behind a relay.";
        Finding::fault("proxy-only", what, advice).because(&causes)
    })
}

/// A server that should be heard answers no DISCOVER: what it says when it is asked as a relay would ask.
fn unheard(interface: &str, server: Ipv4Addr, reached: Reached) -> Option<Finding> {
    let how = match reached {
        Reached::NotTried => return None,
        Reached::Answered => {
            return Some(Finding::fault(
                "relay-missing",
                format!(
                    "{server} answers when it is asked as a relay would ask, and no DISCOVER of this segment \
                     ({interface}) brings an answer of it: no relay forwards them"
                ),
                format!(
                    "On the router of this segment add {server} as a helper address, beside the DHCP server's \
                     (`ip helper-address {server}`)."
                ),
            ));
        }
        Reached::Closed => "its UDP port 67 is closed",
        Reached::Silent => "nor to a question as a relay would send it",
    };
    let what = format!("{server} answers no DISCOVER on {interface}, {how}");
    let causes = [
        "pxe-server does not run there, or in a mode that does not answer DHCP",
        "a firewall there drops UDP port 67",
        "no route leads there, or none back",
    ];
    let advice = format!("On {server} see that pxe-server runs and UDP port 67 is open.");
    Some(Finding::fault("server-unheard", what, advice).because(&causes))
}

/// Our own server runs here and says nothing.
fn own_silence(local: &Local, segment: &Segment) -> Option<Finding> {
    let answers_dhcp = matches!(local.mode, DhcpMode::Proxy | DhcpMode::Server);
    let is_full = local.pools.iter().any(|(_, used, size)| used >= size);
    if !local.running || !answers_dhcp || is_full || is_heard(segment, &local.own) {
        return None;
    }
    let what = format!(
        "pxe-server runs on this machine in {} mode, and answers no DISCOVER on {}",
        local.mode, segment.interface
    );
    let mut causes = vec![
        "a firewall drops UDP port 67 on this machine",
        "`interfaces` does not name this interface",
        "no machine here is given anything: rules deny, or loaders are missing",
    ];
    if local.mode == DhcpMode::Server {
        causes.push("no [[dhcp.subnet]] is this segment's");
    }
    let advice = "Open UDP ports 67, 69 and 4011 here; then look at its log, with -v for more.";
    Some(Finding::fault("own-server-silent", what, advice).because(&causes))
}

fn is_heard(segment: &Segment, servers: &[Ipv4Addr]) -> bool {
    let named = segment.answers.iter().flat_map(|answer| [answer.server, answer.source]);
    named.flatten().any(|server| servers.contains(&server))
}
