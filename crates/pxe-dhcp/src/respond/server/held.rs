//! Requests whose answer waits for something durable.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use std::collections::HashMap;
use std::time::Instant;

use super::classify::ServerRequestKind;
use super::request::{HeldId, HeldRequest, ServerRequest};
use crate::respond::HardwareAddress;
use crate::respond::limits::{HELD_AGE_MAX, HELD_REQUESTS_MAX};

/// By what a repeated message is known. Clients collide in `xid`, so it is never that alone.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Key {
    transaction_id: u32,
    hardware_type: u8,
    hardware_address: HardwareAddress,
    kind: ServerRequestKind,
    /// Option 61 of a client without hardware address.
    identifier: Option<Box<[u8]>>,
}

impl Key {
    fn of(request: &ServerRequest<'_>) -> Self {
        let message = request.message();
        let hardware_address = message.hardware_address();
        let is_named = !hardware_address.as_bytes().is_empty();
        Self {
            transaction_id: message.view().transaction_id(),
            hardware_type: message.hardware_type().0,
            hardware_address,
            kind: request.kind(),
            identifier: message.client_identifier().filter(|_| !is_named).map(Into::into),
        }
    }
}

#[derive(Debug)]
struct Held {
    request: HeldRequest,
    since: Instant,
}

/// At most [`HELD_REQUESTS_MAX`] requests, in the order of their coming.
#[derive(Debug, Default)]
pub(super) struct HeldRequests {
    /// Ids grow, so their order is that of time.
    by_id: BTreeMap<HeldId, Held>,
    by_key: HashMap<Key, HeldId>,
    next_id: u64,
}

impl HeldRequests {
    /// Whether the same message is held already.
    pub(super) fn holds(&self, request: &ServerRequest<'_>) -> bool {
        !self.by_id.is_empty() && self.by_key.contains_key(&Key::of(request))
    }

    /// Keeps a request; returns the oldest one if it had to make room, or the same one if it was held
    /// already.
    pub(super) fn insert(
        &mut self,
        now: Instant,
        request: &ServerRequest<'_>,
    ) -> (HeldId, Option<HeldRequest>) {
        let lost = match self.by_key.get(&Key::of(request)) {
            Some(same) => self.take(*same),
            None if self.by_id.len() == HELD_REQUESTS_MAX => self.take_oldest(),
            None => None,
        };
        let id = HeldId(self.next_id);
        self.next_id += 1;
        self.by_key.insert(Key::of(request), id);
        self.by_id.insert(id, Held { request: HeldRequest::new(request), since: now });
        (id, lost)
    }

    pub(super) fn take(&mut self, id: HeldId) -> Option<HeldRequest> {
        let held = self.by_id.remove(&id)?;
        self.by_key.remove(&Key::of(&held.request.request()));
        Some(held.request)
    }

    /// When the oldest is given up.
    pub(super) fn next_expiry(&self) -> Option<Instant> {
        self.by_id.values().next().map(|oldest| oldest.since + HELD_AGE_MAX)
    }

    /// Gives one up that is too old.
    pub(super) fn expire(&mut self, now: Instant) -> Option<HeldRequest> {
        (self.next_expiry()? <= now).then(|| self.take_oldest()).flatten()
    }

    pub(super) fn len(&self) -> usize {
        self.by_id.len()
    }

    fn take_oldest(&mut self) -> Option<HeldRequest> {
        let oldest = *self.by_id.keys().next()?;
        self.take(oldest)
    }
}
