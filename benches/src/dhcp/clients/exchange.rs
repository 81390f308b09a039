//! Four-way exchanges at a given rate, whether the server keeps up or not.

use core::net::Ipv4Addr;
use core::time::Duration;
use std::io;
use std::time::Instant;

use nix::sys::socket::MsgFlags;
use pxe_dhcp::{MessageType, MessageView, OptionCode};

use super::messages::Template;
use super::{Clients, Outgoing, SENT_AT_ONCE};
use crate::dhcp::search::{Load, percentile};
use crate::tftp::batch::BATCH_DATAGRAMS_MAX;
use crate::tftp::machine::own_seconds;

/// An exchange that takes longer is lost.
const PATIENCE: Duration = Duration::from_secs(1);
/// How long we sleep at most while nothing comes.
const NAP: Duration = Duration::from_micros(200);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Idle,
    Discovering,
    Requesting,
}

/// Where a client is.
#[derive(Clone, Copy, Debug)]
struct Slot {
    step: Step,
    transaction: u32,
    began: Duration,
}

/// All clients, each in at most one exchange.
struct Run {
    slots: Vec<Slot>,
    discover: Template,
    request: Template,
    begun: u32,
    delays: Vec<f64>,
}

impl Clients {
    /// Begins `rate` exchanges a second for some seconds, by so many clients in turn.
    ///
    /// # Errors
    /// If the socket has one.
    pub fn exchanges(&mut self, rate: f64, seconds: u32, clients: u32) -> io::Result<Load> {
        let idle = Slot { step: Step::Idle, transaction: 0, began: Duration::ZERO };
        let mut run = Run {
            slots: vec![idle; clients.max(1) as usize],
            discover: Template::discover(),
            request: Template::request(),
            begun: 0,
            delays: Vec::new(),
        };
        let sending = Duration::from_secs(seconds.into());
        let (started, busy) = (Instant::now(), own_seconds());
        let mut busy_sending = 0.0;
        loop {
            let now = started.elapsed();
            if now < sending {
                let due = (now.as_secs_f64() * rate) as u32;
                let some = due.saturating_sub(run.begun).min(SENT_AT_ONCE as u32);
                (0..some).for_each(|_| run.begin(now, &mut self.outgoing));
                busy_sending = own_seconds() - busy;
            } else if now > sending + PATIENCE || run.delays.len() == run.begun as usize {
                break;
            }
            let Self { socket, incoming, outgoing } = self;
            let (most, flags) = (BATCH_DATAGRAMS_MAX, MsgFlags::MSG_DONTWAIT);
            let taken =
                incoming.receive(socket, most, flags, |_, reply| run.take(now, reply, outgoing))?;
            outgoing.flush(socket)?;
            if taken.datagrams == 0 {
                self.wait(NAP)?;
            }
        }
        let seconds = f64::from(seconds);
        let exchanges = run.delays.len() as u64;
        Ok(Load {
            asked: rate,
            offered: f64::from(run.begun) / seconds,
            completed: exchanges as f64 / seconds,
            p99: percentile(run.delays, 99),
            generator_busy: busy_sending / seconds,
            exchanges,
        })
    }
}

impl Run {
    fn client_of(&self, transaction: u32) -> u32 {
        transaction % self.slots.len() as u32
    }

    fn begin(&mut self, now: Duration, outgoing: &mut Outgoing) {
        // Counts up, so the clients have their turns and no answer to an earlier exchange fits.
        let transaction = self.begun;
        self.begun += 1;
        let client = self.client_of(transaction);
        self.slots[client as usize] = Slot { step: Step::Discovering, transaction, began: now };
        outgoing.push(|bytes| self.discover.write(bytes, transaction, client));
    }

    fn take(&mut self, now: Duration, reply: &[u8], outgoing: &mut Outgoing) {
        let Ok(view) = MessageView::parse(reply) else { return };
        let transaction = view.transaction_id();
        let client = self.client_of(transaction);
        let slot = &mut self.slots[client as usize];
        if slot.transaction != transaction {
            return;
        }
        match (slot.step, view.message_type()) {
            (Step::Discovering, Some(MessageType::OFFER)) => {
                let Some(chosen) = server_of(&view) else { return };
                slot.step = Step::Requesting;
                let choice = [view.your_address(), chosen];
                outgoing
                    .push(|bytes| self.request.write_choice(bytes, transaction, client, choice));
            }
            (Step::Requesting, Some(MessageType::ACK)) => {
                slot.step = Step::Idle;
                let took = now.saturating_sub(slot.began);
                if took <= PATIENCE {
                    self.delays.push(took.as_secs_f64());
                }
            }
            _ => {}
        }
    }
}

fn server_of(view: &MessageView<'_>) -> Option<Ipv4Addr> {
    let octets: [u8; 4] = view.first(OptionCode::SERVER_IDENTIFIER)?.try_into().ok()?;
    Some(octets.into())
}
