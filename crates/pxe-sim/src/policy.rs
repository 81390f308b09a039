//! The policy of `pxe-select` as the decision of a [`ProxyServer`](crate::server::ProxyServer).

use std::net::Ipv4Addr;

use pxe_dhcp::respond::{ProxyRequest, ProxyStyle};
use pxe_dhcp::{BootFacts, MessageView};
use pxe_select::{Action, Arch, Asked, ClientFacts, Firmware, IpxeFeatures, Policy};

use crate::server::Verdict;
use crate::wire;

/// What `policy` says to `request`, put into words for the responder. `server` fills `{server}` in
/// URLs.
#[must_use]
pub fn decide(policy: &Policy, server: Ipv4Addr, request: &ProxyRequest<'_>) -> Option<Verdict> {
    decide_for(policy, server, request.view(), request.facts())
}

/// The same, of any message.
#[must_use]
pub fn decide_for(
    policy: &Policy,
    server: Ipv4Addr,
    view: &MessageView<'_>,
    facts: &BootFacts<'_>,
) -> Option<Verdict> {
    let archs: Vec<Arch> = facts.archs.iter().map(Arch).collect();
    let mut client = ClientFacts::new(view.hardware_address());
    client.archs = &archs;
    client.vendor_class = facts.vendor_class;
    client.user_class = facts.user_class;
    client.machine_id = facts.machine_id;
    client.ipxe = facts.ipxe.map(|value| {
        let flags = wire::sub_options(value);
        IpxeFeatures::from_flags(
            flags.map(|(code, value)| (code, value.first().copied().unwrap_or(0))),
        )
    });
    let relay = view.relay_address();
    client.relay = (!relay.is_unspecified()).then_some(relay);
    let decision = policy.decide(&client, Asked::BootFile);
    let file = match decision.action {
        Action::File { name, .. } => name.into_owned(),
        Action::Url(url) => url.replace("{server}", &server.to_string()).into_bytes(),
        Action::Script { name, .. } => name.as_bytes().to_vec(),
        Action::Deny | Action::Hold => return None,
    };
    let pi = decision.identity.firmware == Some(Firmware::Rpi);
    Some(Verdict { file, style: pi.then_some(ProxyStyle::RaspberryPi) })
}
