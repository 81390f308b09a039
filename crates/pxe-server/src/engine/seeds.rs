//! Who may have what was made for a machine: the machine itself, as far as that can be known.

use core::net::IpAddr;
use std::time::Instant;

use pxe_select::{Action, Asked, Beside, ClientFacts, Link, Origin};

use super::client::ClientId;
use super::event::{Stage, one_line};
use super::inventory::WantedBy;
use super::shared::Shared;
use super::tokens::BootToken;

/// Who was heard to take an address longer ago may have left it since, in seconds. Firmware and installers ask DHCP
/// right before they fetch.
const HEARD_WITHIN_S: u32 = 3_600;

/// Asks whether what was made for `mac` may go to `peer`, who may have `shown` a token; else what its story tells.
///
/// # Errors
/// The refusal, for the story.
pub fn may_have(
    shared: &Shared,
    now: Instant,
    peer: IpAddr,
    mac: [u8; 6],
    shown: Option<BootToken>,
    what: &str,
) -> Result<ClientId, (ClientId, Stage)> {
    let policy = shared.policy();
    let known = shared.look_up_closely(now, peer);
    let is_known = known.hardware_address() == mac
        && match known.as_facts().origin {
            Origin::Address { link: Link::Neighbour, .. } => true,
            Origin::Address { age_s, .. } => age_s <= HEARD_WITHIN_S,
            _ => false,
        };
    let has_token = shown.is_some_and(|token| shared.is_token(now, mac, token));
    if !is_known && !has_token {
        let client = ClientId::from_hardware_address(known.hardware_address())
            .unwrap_or(ClientId::Address(peer));
        let owner = ClientId::Mac(mac);
        let reason = match (shown, known.hardware_address()) {
            (Some(_), _) => format!("that is not the token of a boot of {owner}"),
            (None, []) => format!(
                "it is {owner}'s, and nobody knows that {peer} is that machine: its DHCP was not heard here within \
                 the hour, and it is not on a network of this server"
            ),
            (None, _) => format!("it is {owner}'s, and {peer} is another machine"),
        };
        return Err((client, Stage::Failed { file: what.to_owned(), reason }));
    }
    let client = ClientId::Mac(mac);
    let mut facts = ClientFacts::new(&mac);
    let order = shared.orders().of_file(now, &mac);
    let beside = Beside::new(order.as_ref().map(|order| &order.boots));
    facts.inventory = shared.inventory(now, &mac, WantedBy::Files);
    let decision = policy.decide_beside(&facts, beside, Asked::Name(b"seed"));
    match decision.action {
        Action::Deny => Err((client, Stage::Denied { reasons: one_line(&decision.reasons) })),
        _ => Ok(client),
    }
}
