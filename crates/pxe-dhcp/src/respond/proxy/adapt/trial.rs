//! One client's way through the styles: which it is offered next, and which one brought it in.
//!
//! The unit is a *round*: an answered DISCOVER and the silence until the next. Firmware repeats a
//! DISCOVER after 4, 8 and 16 seconds (PXE 2.1; EDK2 `mPxeDhcpTimeout`), so a round is what one
//! offer had to be believed in. Rounds of one transaction form an *attempt*: within it firmware
//! collects offers, and takes whichever it likes once it also has an address.

use core::time::Duration;
use std::time::Instant;

use super::FollowUp;
use crate::respond::proxy::{ProxyStyle, StyleReason};

/// Every style that firmware is tried with, in the order of trying.
pub(super) const LADDER: [ProxyStyle; 4] =
    [ProxyStyle::Binl, ProxyStyle::JustBoot, ProxyStyle::Menu, ProxyStyle::Delayed];

/// Rounds a style must be ignored for. One reply may be lost.
const ROUNDS_PER_STYLE: u8 = 2;
/// Rounds for a style that only other machines of the maker vouch for.
const ROUNDS_ON_HEARSAY: u8 = 1;
/// A DISCOVER this soon after the round began belongs to it: a copy by way of a relay, or a client
/// that waits less than firmware does (U-Boot 250 ms, iPXE 1 s). Firmware waits 4 s, give or take 1.
const ROUND_MIN: Duration = Duration::from_secs(2);
/// A longer silence than between any two DISCOVERs of one attempt (16 s, give or take 1). ROMs that
/// make their transaction id from their address use it again and again.
const ATTEMPT_GAP: Duration = Duration::from_secs(24);
/// An attempt of this many rounds may have failed for want of an address.
const ATTEMPT_ROUNDS_LATE: u8 = 2;
/// A DISCOVER this long after the last is not a repetition: the machine did something else since.
/// Long enough for firmware that tries IPv6 and HTTP on every port before it comes round again.
const REPEATED_WITHIN: Duration = Duration::from_secs(15 * 60);
/// The same for a client that took an address meanwhile: firmware that fails for want of a file is
/// back sooner, so this one has booted something, from its disk or from another boot server. An
/// offer of ours in another style might lure it away from that.
const REPEATED_WITH_ADDRESS_WITHIN: Duration = Duration::from_secs(3 * 60);

/// What one client is being offered.
#[derive(Debug)]
pub(super) struct Trial {
    /// What suits its request.
    usual: ProxyStyle,
    /// What it begins with: what worked before, here or at its neighbours, else `usual`.
    first: ProxyStyle,
    first_rounds: u8,
    /// Index into [`Self::style_at`], and rounds that style was ignored for.
    position: usize,
    ignored_rounds: u8,
    /// What the story has yet to say, as soon as the new style is really offered.
    untold: Option<StyleReason>,
    /// The story knows that nothing works; it need not hear so again.
    is_hopeless: bool,
    transaction_id: u32,
    attempt_rounds: u8,
    /// Styles offered in this attempt, a bit for each of [`LADDER`].
    offered: u8,
    /// A DHCP server's address was requested in this attempt.
    took_address: bool,
    round_began: Instant,
    heard: Instant,
    style: ProxyStyle,
    /// This round offers `first` once more, apart from its turn.
    is_revisit: bool,
    /// An offer went out, and nothing came of it yet.
    is_waiting: bool,
}

/// What to offer now, and what there is to tell about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::respond::proxy) struct Choice {
    pub(in crate::respond::proxy) style: ProxyStyle,
    pub(in crate::respond::proxy) reason: Option<StyleReason>,
}

impl Trial {
    /// Begins with what suits the request, or what worked for this very machine.
    pub(super) fn new(now: Instant, usual: ProxyStyle, first: ProxyStyle) -> Self {
        Self {
            usual,
            first,
            first_rounds: ROUNDS_PER_STYLE,
            position: 0,
            ignored_rounds: 0,
            untold: None,
            is_hopeless: false,
            transaction_id: 0,
            attempt_rounds: 0,
            offered: 0,
            took_address: false,
            round_began: now,
            heard: now,
            style: first,
            is_revisit: false,
            is_waiting: false,
        }
    }

    /// Begins with what worked for other machines of the same maker. This one may differ, so it
    /// loses one round by it at most.
    pub(super) fn on_hearsay(
        now: Instant,
        usual: ProxyStyle,
        first: ProxyStyle,
        machines: u16,
    ) -> Self {
        let untold = Some(StyleReason::SameMaker { machines });
        Self { first_rounds: ROUNDS_ON_HEARSAY, untold, ..Self::new(now, usual, first) }
    }

    /// Whether the client has been silent for so long that its next DISCOVER begins anew.
    pub(super) fn is_over(&self, now: Instant) -> bool {
        let within = match self.took_address {
            true => REPEATED_WITH_ADDRESS_WITHIN,
            false => REPEATED_WITHIN,
        };
        now.saturating_duration_since(self.heard) > within
    }

    /// When the present round began, if an offer of it still waits for its effect.
    pub(super) fn waiting_since(&self) -> Option<Instant> {
        self.is_waiting.then_some(self.round_began)
    }

    /// A DISCOVER is to be answered.
    pub(super) fn discover(&mut self, now: Instant, transaction_id: u32) -> Choice {
        let silence = now.saturating_duration_since(self.heard);
        let round_age = now.saturating_duration_since(self.round_began);
        self.heard = now;
        if self.attempt_rounds > 0 && round_age < ROUND_MIN {
            self.transaction_id = transaction_id;
            self.is_waiting = true;
            return Choice { style: self.style, reason: None };
        }
        if self.is_waiting && !self.is_revisit {
            self.count_ignored_round();
        }
        if self.attempt_rounds == 0
            || transaction_id != self.transaction_id
            || silence > ATTEMPT_GAP
        {
            self.begin_attempt(transaction_id);
        } else {
            self.is_revisit = false;
        }
        self.style = if self.is_revisit { self.first } else { self.style_at(self.position) };
        self.offered |= bit(self.style);
        self.attempt_rounds = self.attempt_rounds.saturating_add(1);
        self.round_began = now;
        self.is_waiting = true;
        let reason = if self.is_revisit { None } else { self.untold.take() };
        Choice { style: self.style, reason }
    }

    /// The offer of this round never left: nobody ignored it.
    pub(super) fn withdraw(&mut self) {
        self.is_waiting = false;
    }

    /// The client requested a DHCP server's address: there is one, and it is not late.
    pub(super) fn take_address(&mut self) {
        self.took_address = true;
    }

    /// The style that `follow_up` shows to have worked. An attempt may have seen several, and
    /// firmware that collects offers may prefer an earlier one.
    pub(super) fn credit(&self, follow_up: FollowUp) -> ProxyStyle {
        let explains = |style: ProxyStyle| match follow_up {
            FollowUp::BootServer => style.phrase(self.usual) == ProxyStyle::Binl,
            FollowUp::BootItem => style == ProxyStyle::Menu,
            FollowUp::Fetch => style.phrase(self.usual) == ProxyStyle::JustBoot,
        };
        if explains(self.style) {
            return self.style;
        }
        let earlier = LADDER.into_iter().filter(|style| self.offered & bit(*style) != 0);
        earlier.into_iter().find(|style| explains(*style)).unwrap_or(self.style)
    }

    fn count_ignored_round(&mut self) {
        self.ignored_rounds += 1;
        let rounds = if self.position == 0 { self.first_rounds } else { ROUNDS_PER_STYLE };
        if self.ignored_rounds < rounds {
            return;
        }
        let previous = self.style_at(self.position);
        self.ignored_rounds = 0;
        self.position += 1;
        let reason = if self.position < LADDER.len() {
            StyleReason::Ignored { previous, rounds }
        } else {
            let tried = [0, 1, 2, 3].map(|position| self.style_at(position));
            self.position = 0;
            if self.first_rounds == ROUNDS_ON_HEARSAY {
                (self.first, self.first_rounds) = (self.usual, ROUNDS_PER_STYLE);
            }
            StyleReason::NoneWorked { tried }
        };
        self.untold = (!self.is_hopeless).then_some(reason);
        self.is_hopeless |= self.position == 0;
    }

    /// An attempt may have come to nothing because the DHCP server was late, and not because of our
    /// offers. So the next one begins with what the client should like best, and goes on with the
    /// trial after that: who takes that style loses nothing by the trial.
    fn begin_attempt(&mut self, transaction_id: u32) {
        let was_late = self.attempt_rounds >= ATTEMPT_ROUNDS_LATE && !self.took_address;
        self.is_revisit = was_late && self.position > 0;
        self.transaction_id = transaction_id;
        self.attempt_rounds = 0;
        self.offered = 0;
        self.took_address = false;
    }

    /// The order of trying: `first`, what suits the request, and the others.
    fn style_at(&self, position: usize) -> ProxyStyle {
        let others =
            LADDER.into_iter().filter(|style| *style != self.first && *style != self.usual);
        let usual = (self.usual != self.first).then_some(self.usual);
        let mut order = core::iter::once(self.first).chain(usual).chain(others);
        order.nth(position).unwrap_or(self.first)
    }
}

/// The place of a style in [`LADDER`].
pub(super) fn slot(style: ProxyStyle) -> Option<usize> {
    LADDER.iter().position(|known| *known == style)
}

fn bit(style: ProxyStyle) -> u8 {
    slot(style).map_or(0, |slot| 1 << slot)
}

#[cfg(test)]
mod tests;
