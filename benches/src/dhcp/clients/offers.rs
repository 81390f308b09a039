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
        let (started, busy) = (Instant::now(), own_seconds());
        let (mut asked, mut offers, mut lost) = (0_u64, 0_u64, 0_u64);
        while started.elapsed() < length {
            let open = asked - offers - lost;
            for _ in 0..(OPEN_MAX.saturating_sub(open)).min(SENT_AT_ONCE as u64) {
                let number = asked as u32;
                self.outgoing.push(|bytes| template.write(bytes, number, number % clients.max(1)));
                asked += 1;
            }
            self.outgoing.flush(&self.socket)?;
            let mut take = |reply: &[u8]| {
                let is_offer = MessageView::parse(reply)
                    .is_ok_and(|view| view.message_type() == Some(MessageType::OFFER));
                offers += u64::from(is_offer);
            };
            let (most, flags) = (BATCH_DATAGRAMS_MAX, MsgFlags::MSG_DONTWAIT);
            let taken = self.incoming.receive(&self.socket, most, flags, |_, reply| take(reply))?;
            if taken.datagrams == 0 && asked - offers - lost >= OPEN_MAX {
                let waiting = Instant::now();
                self.wait(PATIENCE)?;
                if waiting.elapsed() >= PATIENCE {
                    lost = asked - offers;
                }
            }
        }
        let seconds = started.elapsed().as_secs_f64();
        let generator_busy = (own_seconds() - busy) / seconds;
        Ok(Offers { rate: offers as f64 / seconds, lost, generator_busy, offers })
    }
}
