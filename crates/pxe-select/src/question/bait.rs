//! A bait: the file that DHCP would have named to this machine, as far as it is known which machine it is.

use alloc::borrow::Cow;

use super::Question;
use crate::{
    asker::Asker,
    bait::Bait,
    decision::Action,
    evidence::{
        Item, Origin, Pin, Said, Source, Verdict, WEIGHT_FRESH, WEIGHT_OBJECTION, WEIGHT_SUFFIX,
        weigh,
    },
    firmware::Firmware,
    identity::Ipxe,
    reason::Reason,
};

/// The evidence of a store, what the request itself says, and what the client says of itself.
const ITEMS_MAX: usize = 8;

/// The pieces of evidence about one request.
#[derive(Clone, Copy, Default)]
struct Pieces {
    items: [Option<Item>; ITEMS_MAX],
}

impl Pieces {
    fn push(&mut self, item: Item) {
        if let Some(slot) = self.items.iter_mut().find(|slot| slot.is_none()) {
            *slot = Some(item);
        }
    }

    fn iter(&self) -> impl Iterator<Item = Item> + Clone {
        self.items.into_iter().flatten()
    }

    /// The first piece that excludes `firmware`.
    fn objection(&self, firmware: Firmware) -> Option<Item> {
        self.iter().find(|item| item.weight >= WEIGHT_OBJECTION && !item.said.allows(firmware))
    }
}

impl<'p> Question<'p, '_, '_> {
    pub(super) fn by_bait(&mut self, bait: Bait, name: &[u8]) -> Action<'p> {
        self.bait = Some(bait);
        self.reasons.push(Reason::NameIsBait { firmware: bait.firmware });
        // A name is asked for: whatever a machine takes by DHCP, here it gets a file.
        self.identity.http = false;
        self.who_runs();
        let action =
            if self.identity.runs_scripts() { self.boot_file() } else { self.loader(bait) };
        let action = match action {
            Action::Url(_) => {
                self.reasons.push(Reason::HeldUrlForBait);
                Action::Hold
            }
            action => action,
        };
        let pinned = matches!(self.reasons.last(), Some(Reason::PinnedForBoot));
        if let Action::File { name: file, .. } = &action
            && !self.identity.runs_scripts()
            && !pinned
        {
            let directory = name.get(..bait.directory_bytes).unwrap_or_default();
            self.pin = Some(Pin::new(file.to_vec(), directory.to_vec(), self.identity.firmware));
        }
        action
    }

    /// The shape of a request tells which program runs *now*; what was heard may be of the one before it. Where the
    /// shape is unknown, evidence names an iPXE only if it was heard a moment ago.
    fn who_runs(&mut self) {
        let asker = self.facts.asker;
        if asker != Asker::Unknown {
            self.reasons.push(Reason::AskedBy { asker });
        }
        match (asker, self.identity.ipxe) {
            (Asker::Ipxe, Ipxe::Absent) => {
                self.reasons.push(Reason::IpxeByShape);
                self.identity.ipxe = Ipxe::Complete;
            }
            (Asker::Ipxe | Asker::Unknown, _) | (_, Ipxe::Absent) => {}
            (_, Ipxe::Complete | Ipxe::Incomplete(_)) => {
                self.reasons.push(Reason::FirmwareByShape);
                self.identity.ipxe = Ipxe::Absent;
            }
        }
    }

    fn loader(&mut self, bait: Bait) -> Action<'p> {
        let shape = self.facts.asker.item();
        if let Some(pin) = self.facts.pin.filter(|pin| pin.open && fits(pin, bait, shape)) {
            self.reasons.push(Reason::PinnedForBoot);
            self.identity.firmware = pin.firmware;
            let name = Cow::Owned(pin.file.clone());
            return Action::File { name, trimmed: None, instead: None, generated: None };
        }
        let pieces = self.pieces(bait, shape);
        if self.facts.origin != Origin::Itself {
            self.reasons.push(Reason::Whose { origin: self.facts.origin });
        }
        for item in pieces.iter().filter(|item| !matches!(item.source, Source::Shape(_))) {
            self.reasons.push(Reason::Evidence { item });
        }
        match weigh(pieces.iter()) {
            Verdict::Firmware(firmware) => {
                let stated = self.identity.firmware.map(Firmware::over_tftp);
                if stated != Some(firmware.over_tftp()) {
                    self.identity.firmware = Some(firmware);
                }
                self.boot_file()
            }
            verdict => self.unknown(bait, &pieces, verdict),
        }
    }

    fn pieces(&self, bait: Bait, shape: Option<Item>) -> Pieces {
        let mut pieces = Pieces::default();
        if self.facts.origin == Origin::Itself
            && let Some(firmware) = self.identity.firmware
        {
            let said = Said::Firmware(firmware);
            let source = Source::Given;
            pieces.push(Item { said, source, age_s: 0, weight: WEIGHT_FRESH });
        }
        for item in self.facts.evidence {
            pieces.push(*item);
        }
        if let Some(firmware) = bait.firmware {
            let (said, source) = (Said::Firmware(firmware), Source::Suffix);
            pieces.push(Item { said, source, age_s: 0, weight: WEIGHT_SUFFIX });
        }
        if let Some(item) = shape {
            pieces.push(item);
        }
        pieces
    }

    /// No firmware: what is configured for that, and never a guess.
    fn unknown(&mut self, bait: Bait, pieces: &Pieces, verdict: Verdict) -> Action<'p> {
        self.identity.firmware = None;
        if let Some(named) = bait.firmware
            && let Some(item) = pieces.objection(named)
        {
            self.reasons.push(Reason::WrongBait { named, said: item.said });
            return Action::Deny;
        }
        // An entry that is about this machine, whatever its firmware, is no guess.
        if verdict == Verdict::TooLittle
            && let Some(action) = self.by_host_or_rule()
        {
            return action;
        }
        if let Some(loader) = &self.policy.unknown {
            self.reasons.push(Reason::UnknownGetsLoader);
            return super::file(&loader.file);
        }
        self.reasons.push(match verdict {
            Verdict::Conflict => Reason::HeldConflict,
            _ => Reason::HeldTooLittle,
        });
        Action::Hold
    }
}

/// Whether a pin can be this request's: neither its suffix nor its shape may exclude the firmware it was made for.
fn fits(pin: &Pin, bait: Bait, shape: Option<Item>) -> bool {
    let Some(firmware) = pin.firmware else { return bait.firmware.is_none() };
    bait.firmware.is_none_or(|named| Said::Firmware(named).allows(firmware))
        && shape.is_none_or(|item| item.said.allows(firmware))
}
