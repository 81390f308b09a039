//! The steps of each machine, whichever loop sees them: what is news, and who reads it.

use core::net::Ipv4Addr;
use std::time::Instant;

use super::{Audience, Shared};
use crate::engine::client::ClientId;
use crate::engine::clients::OurOffer;
use crate::engine::detail::Detail;
use crate::engine::event::{Event, Stage};

impl Shared {
    /// Asks these readers what they read; without any, everything is told. Only the first call counts.
    pub fn set_audience(&self, audience: Box<dyn Audience>) {
        // Set once, before the loops run.
        let _ = self.audience.set(audience);
    }

    /// The client was offered a file by the loop that has the DHCP ports.
    pub(in crate::engine) fn expect_fetch(&self, now: Instant, id: ClientId, offer: OurOffer) {
        self.lock().clients.expect_fetch(now, id, offer);
    }

    /// What it was offered in this transaction, if that was its last.
    pub(in crate::engine) fn offer(&self, id: ClientId, exchange: u32) -> Option<OurOffer> {
        self.lock().clients.offer(id, exchange)
    }

    /// Whether this is yet to be told in this boot of the client, of this server's offer.
    pub(in crate::engine) fn is_new_rival(
        &self,
        now: Instant,
        id: ClientId,
        rival: (&'static str, Ipv4Addr),
    ) -> bool {
        self.lock().clients.is_new_rival(now, id, rival)
    }

    /// The client asks one of the loops, or HTTP, for a file.
    pub fn note_fetch(&self, id: ClientId) {
        self.lock().clients.note_fetch(id);
    }

    /// For the loop that made the offers: the next client that came for what it was offered.
    pub(in crate::engine) fn next_fetch(&self) -> Option<ClientId> {
        self.lock().clients.next_fetch()
    }

    pub(in crate::engine) fn is_repeated(&self, now: Instant, id: ClientId, stage: &Stage) -> bool {
        self.lock().clients.is_repeated(now, id, stage)
    }

    /// Whether this client has a story already.
    pub fn knows(&self, id: ClientId) -> bool {
        self.lock().clients.knows(id)
    }

    /// One step of a client's story. `detail` is asked for news that somebody reads.
    pub fn event(
        &self,
        now: Instant,
        client: ClientId,
        stage: Stage,
        detail: impl FnOnce() -> Option<Detail>,
    ) -> Event {
        let repeated = self.is_repeated(now, client, &stage);
        self.step(client, stage, repeated, detail)
    }

    /// The same for one that has rules of its own for what is a repetition.
    pub(in crate::engine) fn step(
        &self,
        client: ClientId,
        stage: Stage,
        repeated: bool,
        detail: impl FnOnce() -> Option<Detail>,
    ) -> Event {
        let audience = self.audience.get();
        let is_read = || audience.is_none_or(|readers| readers.reads(client, &stage));
        let detail = if repeated || !is_read() { None } else { detail().map(Box::new) };
        Event { client, repeated, stage, detail }
    }

    /// A client asked for a file that is not there: told when its search has ended.
    pub fn missed(&self, now: Instant, id: ClientId, file: &str) {
        self.lock().searches.missed(now, id, file);
    }

    /// A client got a file: whatever it looked for before, it goes on.
    pub fn found(&self, id: ClientId) {
        self.lock().searches.found(id);
    }

    /// The searches that have ended in vain, and when the next one may have.
    pub fn ended_searches(&self, now: Instant) -> (Vec<(ClientId, Stage)>, Option<Instant>) {
        self.lock().searches.ended(now)
    }
}

#[cfg(test)]
mod tests {
    use pxe_select::Policy;

    use super::*;

    /// Reads of machines that fetch files, and of no others.
    struct Picky;

    impl Audience for Picky {
        fn reads(&self, _: ClientId, stage: &Stage) -> bool {
            stage.word() == "requested"
        }
    }

    #[test]
    fn what_nobody_reads_is_not_put_into_words() {
        let shared = Shared::new(Policy::default());
        let (now, client) = (Instant::now(), ClientId::Mac([2, 0, 0, 0, 0, 1]));
        let offered = || Stage::Offered { file: "ipxe.efi".into() };
        let asked = || Stage::Requested { file: "ipxe.efi".into(), bytes: 1, why: String::new() };
        let told = |stage| shared.event(now, client, stage, || Some(Detail::default()));
        assert!(told(offered()).detail.is_some(), "there is no audience yet");
        assert!(told(offered()).detail.is_none(), "it is a repetition");
        shared.set_audience(Box::new(Picky));
        let other = ClientId::Mac([2, 0, 0, 0, 0, 2]);
        let event = shared.event(now, other, offered(), || unreachable!("nobody reads it"));
        assert_eq!((event.repeated, event.detail), (false, None));
        assert!(shared.event(now, other, offered(), || None).repeated, "it counts all the same");
        assert!(told(asked()).detail.is_some());
    }
}
