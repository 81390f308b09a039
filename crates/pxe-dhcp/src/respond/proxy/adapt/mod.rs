//! The memory behind [`ProxyStyles::Adaptive`](super::ProxyStyles): which style each client is being
//! tried with, which one worked, and what worked for others of the same maker.
//!
//! A client is known by its hardware address *and* the style that suits its requests, because one
//! card may boot as a BIOS ROM now and as UEFI later.

mod makers;
mod trial;

use core::num::NonZeroUsize;
use core::time::Duration;
use std::hash::RandomState;
use std::time::Instant;

use lru::LruCache;

use self::makers::Makers;
use self::trial::Trial;
use super::{HardwareAddress, ProxyStyle};
use crate::respond::limits::ADAPTED_CLIENTS_MAX;

pub(super) use self::trial::Choice;

const CLIENTS: NonZeroUsize = NonZeroUsize::new(ADAPTED_CLIENTS_MAX).unwrap();
/// Age at which a client is forgotten, and what worked for it.
const CLIENT_AGE: Duration = Duration::from_secs(30 * 24 * 3600);
/// Forgotten clients that one DISCOVER clears away, so that none pays for all.
const FORGOTTEN_PER_DISCOVER: usize = 4;
/// The styles that suit some request and are worth trying others after
/// ([`ProxyStyle::for_request`]).
const USUAL: [ProxyStyle; 2] = [ProxyStyle::Binl, ProxyStyle::JustBoot];

/// What shows that an offer was believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FollowUp {
    /// A REQUEST on port 4011.
    BootServer,
    /// A choice from the menu.
    BootItem,
    /// A file was asked for; or what was in the file is running by now and asks in its turn.
    Fetch,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Key {
    client: HardwareAddress,
    usual: ProxyStyle,
}

#[derive(Debug)]
struct Client {
    worked: Option<ProxyStyle>,
    trial: Option<Trial>,
    heard: Instant,
}

/// Clients and makers, each bounded; whoever is unheard for longest makes room.
#[derive(Debug)]
pub(super) struct Adaptation {
    clients: LruCache<Key, Client, RandomState>,
    makers: Makers,
}

impl Adaptation {
    pub(super) fn new() -> Self {
        // Grows as clients come: room for all of them at once would cost an idle server a megabyte.
        let mut clients = LruCache::unbounded_with_hasher(RandomState::new());
        clients.resize(CLIENTS);
        Self { clients, makers: Makers::new() }
    }

    /// Whether styles other than `usual` are worth trying.
    pub(super) fn knows(usual: ProxyStyle) -> bool {
        USUAL.contains(&usual)
    }

    /// The style for a DISCOVER of `client`, which will now be offered it.
    pub(super) fn discover(
        &mut self,
        now: Instant,
        client: HardwareAddress,
        usual: ProxyStyle,
        transaction_id: u32,
    ) -> Choice {
        self.forget(now);
        let unknown = || Client { worked: None, trial: None, heard: now };
        let known = self.clients.get_or_insert_mut(Key { client, usual }, unknown);
        known.heard = now;
        known.trial.take_if(|trial| trial.is_over(now));
        let (makers, worked) = (&mut self.makers, known.worked);
        let trial = known.trial.get_or_insert_with(|| match worked {
            Some(style) => Trial::new(now, usual, style),
            None => match makers.habit(now, &client, usual) {
                Some((style, machines)) if style != usual => {
                    Trial::on_hearsay(now, usual, style, machines)
                }
                _ => Trial::new(now, usual, usual),
            },
        });
        trial.discover(now, transaction_id)
    }

    /// Something shows that `client` believed an offer. Returns the style that worked, if that is
    /// news and not simply what suits its requests.
    pub(super) fn follow_up(
        &mut self,
        now: Instant,
        client: HardwareAddress,
        follow_up: FollowUp,
    ) -> Option<ProxyStyle> {
        let waiting = |usual: &ProxyStyle| {
            let known = self.clients.peek(&Key { client, usual: *usual })?;
            known.trial.as_ref().filter(|trial| !trial.is_over(now))?.waiting_since()
        };
        let usual = USUAL
            .into_iter()
            .filter_map(|usual| Some((waiting(&usual)?, usual)))
            .max_by_key(|(since, _)| *since)
            .map(|(_, usual)| usual)?;
        let known = self.clients.peek_mut(&Key { client, usual })?;
        let style = known.trial.take()?.credit(follow_up);
        let before = known.worked.replace(style);
        self.makers.note(now, &client, usual, before, style);
        (before != Some(style) && style != usual).then_some(style)
    }

    /// `client` requested the address that a DHCP server offered it.
    pub(super) fn take_address(&mut self, client: HardwareAddress) {
        self.each_trial(client, Trial::take_address);
    }

    /// An offer to `client` was not sent after all.
    pub(super) fn withdraw(&mut self, client: HardwareAddress) {
        self.each_trial(client, Trial::withdraw);
    }

    /// Clients remembered.
    pub(super) fn len(&self) -> usize {
        self.clients.len()
    }

    /// A hardware address has one trial, or two if its machine boots in both ways.
    fn each_trial(&mut self, client: HardwareAddress, act: impl Fn(&mut Trial)) {
        for usual in USUAL {
            let known = self.clients.peek_mut(&Key { client, usual });
            if let Some(trial) = known.and_then(|known| known.trial.as_mut()) {
                act(trial);
            }
        }
    }

    fn forget(&mut self, now: Instant) {
        for _ in 0..FORGOTTEN_PER_DISCOVER {
            let oldest = self.clients.peek_lru();
            let is_aged = |(_, known): (&Key, &Client)| {
                now.saturating_duration_since(known.heard) > CLIENT_AGE
            };
            if !oldest.is_some_and(is_aged) {
                return;
            }
            self.clients.pop_lru();
        }
    }
}

#[cfg(test)]
mod tests;
