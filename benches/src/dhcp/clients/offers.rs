//! As many boot offers as a server can make, with a bounded number of questions open.

use core::time::Duration;
use std::io;
use std::time::Instant;

use nix::sys::socket::MsgFlags;
use pxe_dhcp::{MessageType, MessageView};

use super::messages::Template;
use super::{Clients, SENT_AT_ONCE};
use crate::tftp::batch::BATCH_DATAGRAMS_MAX;
use crate::tftp::machine::own_seconds;

/// Questions without an answer at a time: enough that the server always finds a whole batch.
const OPEN_MAX: u64 = 256;
/// If nothing comes for so long, what is open is lost.
const PATIENCE: Duration = Duration::from_millis(50);

/// What came.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Offers {
    /// Offers a second.
    pub rate: f64,
    /// Questions that were not answered.
    pub lost: u64,
    /// All questions.
    pub asked: u64,
    /// Share of the time that the generator was busy, from 0 to 1.
    pub generator_busy: f64,
    /// All offers.
    pub offers: u64,
}

impl Clients {
    /// Asks for offers for some time, by so many clients in turn.
    ///
    /// # Errors
    /// If the socket has one.
    pub fn offers(&mut self, length: Duration, clients: u32) -> io::Result<Offers> {
        let template = Template::firmware_discover();
        // What an earlier run left.
        while self.take_offers()? > 0 || self.wait(PATIENCE)? {}
        let (started, busy) = (Instant::now(), own_seconds());
        // Of those that are written off some may still come.
        let (mut asked, mut offers, mut written_off) = (0_u64, 0_u64, 0_u64);
        while started.elapsed() < length {
            let open = asked.saturating_sub(offers + written_off);
            for _ in 0..OPEN_MAX.saturating_sub(open).min(SENT_AT_ONCE as u64) {
                let number = asked as u32;
                self.outgoing.push(|bytes| template.write(bytes, number, number % clients.max(1)));
                asked += 1;
            }
            self.outgoing.flush(&self.socket)?;
            let came = self.take_offers()?;
            offers += came;
            if came == 0 && open >= OPEN_MAX && !self.wait(PATIENCE)? {
                written_off = asked - offers;
            }
        }
        let seconds = started.elapsed().as_secs_f64();
        let generator_busy = (own_seconds() - busy) / seconds;
        let mut late = 0;
        while self.wait(PATIENCE)? {
            late += self.take_offers()?;
        }
        let lost = asked.saturating_sub(offers + late);
        Ok(Offers {
            rate: offers as f64 / seconds,
            lost,
            asked,
            generator_busy,
            offers: offers + late,
        })
    }

    fn take_offers(&mut self) -> io::Result<u64> {
        let (most, flags) = (BATCH_DATAGRAMS_MAX, MsgFlags::MSG_DONTWAIT);
        let mut offers = 0;
        self.incoming.receive(&self.socket, most, flags, |_, reply| {
            let is_offer = MessageView::parse(reply)
                .is_ok_and(|view| view.message_type() == Some(MessageType::OFFER));
            offers += u64::from(is_offer);
        })?;
        Ok(offers)
    }
}
