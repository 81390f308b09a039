//! Whose request for a file it is, and what becomes of it: the one decision asked.

use core::net::IpAddr;
use std::time::Instant;

use pxe_select::{Action, Arch, Asked, Asker, Beside, Decision, Generated, Inventory};
use pxe_tftp::{Mode, Request};

use super::client::ClientId;
use super::event::{Stage, one_line, printable};
use super::inventory::WantedBy;
use super::orders::LastPiece;
use super::recipient::{Introduction, Recipient};
use super::shared::Shared;
use super::wanted::Wanted;

/// How a request for a file was decided, with the step that the client's story tells.
#[derive(Debug)]
pub enum Choice {
    /// These names; and what is to be told if they stand for a bait.
    Open(Box<Wanted>, Option<Baited>),
    /// Refused.
    Refuse(Stage),
    /// No such file for this client.
    Missing(Stage),
    /// No answer, so that the client asks again.
    Silence(Stage),
}

/// A bait that got its file.
#[derive(Debug)]
pub struct Baited {
    /// The step of the story.
    pub stage: Stage,
    /// Whose boot it is, where that is certain.
    pub machine: Option<ClientId>,
}

/// Asks the one decision about a requested name, the same for TFTP and HTTP: [`Asked::Name`] holds a TFTP
/// file name as it came, or the path of a URL below the root, percent-decoded; `asker` is what the shape of
/// the request tells ([`Asker::of_request`], [`Asker::of_user_agent`]); `said` what the client says of itself.
pub fn decide(
    shared: &Shared,
    now: Instant,
    peer: IpAddr,
    asker: Asker,
    asked: Asked<'_>,
    said: Introduction,
) -> (ClientId, Choice) {
    let policy = shared.policy();
    let (bait, requested) = match asked {
        Asked::Name(name) => (policy.bait(name), name),
        Asked::Upload(name) => (None, name),
        _ => (None, &[][..]),
    };
    let known = shared.look_up(now, &policy, peer, asker, bait);
    // Whom nobody can tell for certain is called in the log by who was here last.
    let machine = ClientId::from_hardware_address(known.hardware_address());
    let client = machine
        .or_else(|| ClientId::from_hardware_address(known.last_hardware_address()))
        .unwrap_or(ClientId::Address(peer));
    let mut facts = known.as_facts();
    let order = shared.orders().of_file(now, known.hardware_address());
    facts.inventory = shared.inventory(now, known.hardware_address(), WantedBy::Files);
    let target = shared.inventory_target(facts.hardware_address);
    let beside =
        Beside::new(order.as_ref().map(|order| &order.boots)).with_inventory(target.as_ref());
    let (own_order, own_target);
    let mut decision = policy.decide_beside(&facts, beside, asked);
    let mut archs = [Arch(0)];
    // Whoever is refused by what we know of it is not let in by what it says.
    if decision.bait.is_none()
        && decision.action != Action::Deny
        && let Some(own) = said.facts(&facts, &mut archs)
    {
        facts = own;
        facts.inventory = shared.inventory(now, facts.hardware_address, WantedBy::Files);
        own_order = shared.orders().of_file(now, facts.hardware_address);
        own_target = shared.inventory_target(facts.hardware_address);
        let beside = Beside::new(own_order.as_ref().map(|order| &order.boots))
            .with_inventory(own_target.as_ref());
        decision = policy.decide_beside(&facts, beside, asked);
    }
    let client = ClientId::from_hardware_address(facts.hardware_address).unwrap_or(client);
    if let Some(pin) = decision.pin.clone() {
        shared.pin(now, peer, known.hardware_address(), pin);
    }
    let recipient = Recipient::new(peer, &facts, said, &decision);
    let mut choice = match script_of(&decision) {
        Some(mac) => machine_script(shared, now, mac, &decision, requested),
        None => choose(&decision, requested, machine, recipient),
    };
    // What somebody says of itself spends nobody's order.
    if let Choice::Open(wanted, _) = &mut choice
        && facts.hardware_address == known.hardware_address()
    {
        wanted.last_piece = LastPiece::of(known.hardware_address(), order.as_ref(), &decision);
    }
    (client, choice)
}

/// The machine whose own script this is.
fn script_of(decision: &Decision<'_>) -> Option<[u8; 6]> {
    match decision.action {
        Action::File { generated: Some(Generated::MachineScript(mac)), .. }
        | Action::Script { generated: Some(Generated::MachineScript(mac)), .. } => Some(mac),
        _ => None,
    }
}

/// The script that was made of what the inventory says.
fn machine_script(
    shared: &Shared,
    now: Instant,
    mac: [u8; 6],
    decision: &Decision<'_>,
    requested: &[u8],
) -> Choice {
    let file = printable(requested);
    match shared.inventory(now, &mac, WantedBy::Files) {
        Inventory::Boots => {}
        Inventory::Asked => {
            let reasons = "the inventory was asked and has not answered yet".to_owned();
            return Choice::Silence(Stage::HeldBait { asked: file, reasons });
        }
        _ => {
            let reason = "no inventory boots that machine".to_owned();
            return Choice::Missing(Stage::Failed { file, reason });
        }
    }
    match shared.machine_script(mac) {
        Some(text) => Choice::Open(Box::new(Wanted::text(file, decision, mac, text)), None),
        None => {
            let reason = "the inventory no longer boots that machine".to_owned();
            Choice::Missing(Stage::Failed { file, reason })
        }
    }
}

fn choose(
    decision: &Decision<'_>,
    requested: &[u8],
    machine: Option<ClientId>,
    recipient: Recipient,
) -> Choice {
    // Most requests are for ordinary names, whose reasons nobody reads.
    let asked = || printable(requested);
    let reasons = || one_line(&decision.reasons);
    let is_bait = decision.bait.is_some();
    if let Some(wanted) = Wanted::new(asked(), decision, recipient) {
        let file = || wanted.tries().first().map(|tried| printable(&tried.name));
        let baited = is_bait.then(|| {
            let file = file().unwrap_or_default();
            let stage = Stage::Baited { asked: asked(), file, reasons: reasons() };
            Baited { stage, machine }
        });
        return Choice::Open(Box::new(wanted), baited);
    }
    match (&decision.action, is_bait) {
        (Action::Deny, true) => Choice::Refuse(Stage::Failed { file: asked(), reason: reasons() }),
        (Action::Deny, false) => Choice::Refuse(Stage::Denied { reasons: reasons() }),
        (Action::Hold, true) => {
            Choice::Silence(Stage::HeldBait { asked: asked(), reasons: reasons() })
        }
        (Action::Hold, false) => Choice::Silence(Stage::Held { reasons: reasons() }),
        _ => Choice::Missing(Stage::Failed { file: asked(), reason: reasons() }),
    }
}

/// Which program makes this request.
pub(super) fn asker(request: &Request<'_>, port: u16) -> Asker {
    let options = request.raw_options().iter().map(|option| (option.name, option.value));
    Asker::of_request(request.mode() == Mode::Octet, options, port)
}
