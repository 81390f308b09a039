//! Replies on their way out: what may leave now, and what is held back until its time.

use alloc::collections::VecDeque;
use alloc::vec::Vec;
use std::time::Instant;

use super::Transmit;
use super::limits::{OFFER_DELAY, OFFERS_DELAYED_MAX, REPLY_AGE_MAX};

/// An event of a reply that can also tell that the reply was never sent.
pub(super) trait Discard {
    fn into_discarded(self) -> Self;
}

/// One reply, and the event that its way out makes.
#[derive(Debug)]
pub(super) struct Reply<E> {
    pub(super) transmit: Transmit,
    pub(super) bytes: Vec<u8>,
    pub(super) event: E,
}

#[derive(Debug)]
struct Queued<E> {
    /// For a ready reply: since when. For a delayed one: from when.
    at: Instant,
    reply: Reply<E>,
}

/// Two queues, each in the order of time, because what waits waits equally long; and the buffers of
/// what has left, at most as many as both queues hold.
#[derive(Debug)]
pub(super) struct Replies<E> {
    ready: VecDeque<Queued<E>>,
    ready_max: usize,
    delayed: VecDeque<Queued<E>>,
    spare: Vec<Vec<u8>>,
}

impl<E: Discard> Replies<E> {
    /// No replies, and room for `ready_max` that may leave at once.
    pub(super) fn new(ready_max: usize) -> Self {
        Self { ready: VecDeque::new(), ready_max, delayed: VecDeque::new(), spare: Vec::new() }
    }

    /// An empty buffer, used before if possible.
    pub(super) fn buffer(&mut self) -> Vec<u8> {
        let mut bytes = self.spare.pop().unwrap_or_default();
        bytes.clear();
        bytes
    }

    /// Takes a buffer back.
    pub(super) fn recycle(&mut self, bytes: Vec<u8>) {
        self.spare.push(bytes);
    }

    /// Queues a reply that may leave at once; returns the event of one that made room for it.
    pub(super) fn push(&mut self, now: Instant, reply: Reply<E>) -> Option<E> {
        let full = self.ready.len() == self.ready_max;
        let lost = full.then(|| self.ready.pop_front()).flatten();
        self.ready.push_back(Queued { at: now, reply });
        lost.map(|lost| self.discard(lost))
    }

    /// Queues an offer that leaves [`OFFER_DELAY`] from now; returns the event of one that made
    /// room for it.
    pub(super) fn push_delayed(&mut self, now: Instant, reply: Reply<E>) -> Option<E> {
        let full = self.delayed.len() == OFFERS_DELAYED_MAX;
        let lost = full.then(|| self.delayed.pop_front()).flatten();
        self.delayed.push_back(Queued { at: now + OFFER_DELAY, reply });
        lost.map(|lost| self.discard(lost))
    }

    /// Takes the next reply: its bytes replace the content of `out`.
    pub(super) fn pop(&mut self, out: &mut Vec<u8>) -> Option<(Transmit, E)> {
        let Reply { transmit, bytes, event } = self.ready.pop_front()?.reply;
        out.clear();
        out.extend_from_slice(&bytes);
        self.spare.push(bytes);
        Some((transmit, event))
    }

    /// When something happens by itself: a delayed offer is due, or a ready reply too old.
    pub(super) fn next_change(&self) -> Option<Instant> {
        let expiry = self.ready.front().map(|oldest| oldest.at + REPLY_AGE_MAX);
        let due = self.delayed.front().map(|next| next.at);
        expiry.into_iter().chain(due).min()
    }

    /// Discards one reply that is too old; returns its event.
    pub(super) fn expire(&mut self, now: Instant) -> Option<E> {
        let expiry = self.ready.front()?.at + REPLY_AGE_MAX;
        let old = (expiry <= now).then(|| self.ready.pop_front()).flatten()?;
        Some(self.discard(old))
    }

    /// Makes one delayed offer ready whose time has come; returns false if there is none, and the
    /// event of a reply that was lost by it: one that made room, or the offer itself if its time
    /// came and went unnoticed.
    pub(super) fn release(&mut self, now: Instant) -> (bool, Option<E>) {
        let is_due = self.delayed.front().is_some_and(|next| next.at <= now);
        let Some(due) = is_due.then(|| self.delayed.pop_front()).flatten() else {
            return (false, None);
        };
        if due.at + REPLY_AGE_MAX <= now {
            return (true, Some(self.discard(due)));
        }
        (true, self.push(now, due.reply))
    }

    #[cfg(feature = "_fuzz")]
    pub(super) fn delayed(&self) -> usize {
        self.delayed.len()
    }

    fn discard(&mut self, lost: Queued<E>) -> E {
        self.spare.push(lost.reply.bytes);
        lost.reply.event.into_discarded()
    }

    /// Address and size of each spare buffer.
    #[cfg(test)]
    pub(super) fn spares(&self) -> Vec<(*const u8, usize)> {
        self.spare.iter().map(|spare| (spare.as_ptr(), spare.capacity())).collect()
    }
}
