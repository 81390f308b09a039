//! Whose request for a file it is, and which names may answer it: the decision asked, and its answer
//! put into the order in which names are tried.

use core::net::IpAddr;
use std::time::Instant;

use pxe_select::{Action, Asked, Asker, Decision, Generated};
use pxe_tftp::{Mode, Request};

use super::event::{ClientId, Stage, one_line, printable};
use super::shared::Shared;

/// Names that answer one request: the first that is there.
#[derive(Debug)]
pub struct Wanted {
    names: Vec<Vec<u8>>,
    generated: Option<Generated>,
}

impl Wanted {
    /// `None` when the decision names no file.
    fn of(decision: &Decision<'_>) -> Option<Self> {
        match &decision.action {
            Action::File { name, trimmed, instead, generated } => {
                let mut names = vec![name.to_vec()];
                // Some ROMs append garbage to the name they were told (docs/quirks.md).
                names.extend(trimmed.and_then(|kept| name.get(..kept)).map(<[u8]>::to_vec));
                names.extend(instead.as_ref().map(|name| name.to_vec()));
                Some(Self { names, generated: *generated })
            }
            Action::Script { name, generated } => {
                Some(Self { names: vec![name.as_bytes().to_vec()], generated: *generated })
            }
            _ => None,
        }
    }

    /// The names in their order, each with what to generate in its place: nothing while another is
    /// left that may be there.
    pub fn attempts(&self) -> impl Iterator<Item = (&[u8], Option<Generated>)> {
        let last = self.names.len().saturating_sub(1);
        let generated = move |index| self.generated.filter(|_| index == last);
        self.names.iter().enumerate().map(move |(index, name)| (&name[..], generated(index)))
    }
}

/// How a request for a file was decided, with the step that the client's story tells.
#[derive(Debug)]
pub enum Choice {
    /// These names; with a step if they stand for a bait.
    Open(Wanted, Option<Stage>),
    /// Refused.
    Refuse(Stage),
    /// No such file for this client.
    Missing(Stage),
    /// No answer, so that the client asks again.
    Silence(Stage),
}

/// Asks the one decision about a requested name, the same for TFTP and HTTP: `requested` is a TFTP file
/// name as it came, or the path of a URL below the root, percent-decoded; `asker` is what the shape of
/// the request tells ([`Asker::of_request`], [`Asker::of_user_agent`]).
pub fn decide(
    shared: &Shared,
    now: Instant,
    peer: IpAddr,
    asker: Asker,
    requested: &[u8],
) -> (ClientId, Choice) {
    let policy = shared.policy();
    let bait = policy.bait(requested);
    let known = shared.look_up(now, &policy, peer, asker, bait);
    let client = ClientId::from_hardware_address(known.hardware_address());
    let client = client.unwrap_or(ClientId::Address(peer));
    let decision = policy.decide(&known.as_facts(), Asked::Name(requested));
    if let Some(pin) = decision.pin.clone() {
        shared.pin(now, peer, known.hardware_address(), pin);
    }
    (client, choose(&decision, requested))
}

fn choose(decision: &Decision<'_>, requested: &[u8]) -> Choice {
    // Most requests are for ordinary names, whose reasons nobody reads.
    let asked = || printable(requested);
    let reasons = || one_line(&decision.reasons);
    let is_bait = decision.bait.is_some();
    if let Some(wanted) = Wanted::of(decision) {
        let file = || wanted.names.first().map(|name| printable(name)).unwrap_or_default();
        let baited =
            is_bait.then(|| Stage::Baited { asked: asked(), file: file(), reasons: reasons() });
        return Choice::Open(wanted, baited);
    }
    match (&decision.action, is_bait) {
        (Action::Deny, true) => Choice::Refuse(Stage::Failed { file: asked(), reason: reasons() }),
        (Action::Deny, false) => Choice::Refuse(Stage::Denied { reasons: reasons() }),
        (Action::Hold, true) => {
            Choice::Silence(Stage::HeldBait { asked: asked(), reasons: reasons() })
        }
        _ => Choice::Missing(Stage::Failed { file: asked(), reason: reasons() }),
    }
}

/// Which program makes this request.
pub(super) fn asker(request: &Request<'_>, port: u16) -> Asker {
    let options = request.raw_options().iter().map(|option| (option.name, option.value));
    Asker::of_request(request.mode() == Mode::Octet, options, port)
}
