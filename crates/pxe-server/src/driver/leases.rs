//! The first loop between the engine and the lease store.

use core::time::Duration;
use std::io;
use std::time::Instant;

use log::warn;

use super::asker::{Answer, Question};
use super::store::{FLUSH_PATIENCE, LOAD_PATIENCE, Told};
use super::{Driver, Outgoing, TRANSMITS_PER_WAKE_MAX};
use crate::state::unix_ms;

/// How long DHCP messages may wait to be read before new clients are put off. They would fill the socket's buffer, and
/// of those who are half done so many would be lost that fewer get their lease, not more.
const DHCP_BEHIND_MAX: Duration = Duration::from_millis(100);

impl Driver {
    /// After the DHCP port was read, and there is more.
    pub(super) fn note_backlog(&mut self, now: Instant, is_more: bool) {
        let since = is_more.then(|| *self.behind_since.get_or_insert(now));
        self.behind_since = since;
        let is_behind = since.is_some_and(|since| now - since > DHCP_BEHIND_MAX);
        self.engine.set_behind(is_behind);
    }

    /// Reads the store before clients are told that we are ready. One that cannot be read now is read later.
    pub(super) fn load_leases(&mut self) {
        let Some(store) = &mut self.store else { return };
        let now = Instant::now();
        while let Some(told) = store.wait(now + LOAD_PATIENCE) {
            let is_over = matches!(told, Told::Loaded | Told::Unread);
            take(&mut self.engine, now, told);
            if is_over {
                return;
            }
        }
    }

    /// Takes what the store has told, and hands it what waits if it is idle.
    pub(super) fn exchange_with_store(&mut self, now: Instant) -> io::Result<()> {
        let Some(store) = &mut self.store else { return Ok(()) };
        let engine = &mut self.engine;
        engine.set_time(now, unix_ms());
        self.control.note_store(engine.is_store_away());
        if store.is_dead() {
            return Err(io::Error::other("the lease store's thread has ended"));
        }
        while let Some(told) = store.poll() {
            take(engine, now, told);
        }
        if store.is_idle()
            && let Some(batch) = engine.poll_commit(now)
        {
            store.store(batch);
        }
        Ok(())
    }

    /// Answers other threads.
    pub(super) fn attend(&mut self, now: Instant) {
        while let Ok(asked) = self.asked.try_recv() {
            let answer = match asked.question {
                Question::Leases => Answer::Leases(self.engine.leases().cloned().collect()),
                Question::Pools => Answer::Pools(self.engine.pools(now)),
                Question::Release(address) => match self.engine.release(now, address) {
                    Ok(()) => Answer::Done,
                    Err(why) => Answer::Refused(why),
                },
                Question::Reload => match self.reload(now) {
                    Ok(()) => Answer::Done,
                    Err(faults) => Answer::Faults(faults),
                },
            };
            // Whoever asked may have gone.
            let _ = asked.answer.send(answer);
        }
    }

    /// Asks whether anybody uses the addresses that are to be offered, and takes the answers.
    pub(super) fn attend_probes(&mut self, now: Instant) {
        let Self { prober, engine, ports, poll, .. } = self;
        if !prober.receive(|address, hardware| engine.handle_in_use(now, address, hardware)) {
            ports.mark_pending();
        }
        while let Some(probe) = engine.poll_probe() {
            if !prober.ask(poll.registry(), probe) {
                engine.handle_unprobed(now, probe.address);
            }
        }
    }

    /// At the end of the program: whoever was to be acknowledged still is, and what was released is kept.
    pub(super) fn flush_leases(&mut self, out: &mut Outgoing) {
        let deadline = Instant::now() + FLUSH_PATIENCE;
        while Instant::now() < deadline {
            let now = Instant::now();
            let Some(store) = &mut self.store else { return };
            if store.is_idle() {
                match self.engine.poll_commit(now) {
                    Some(batch) => store.store(batch),
                    None => return,
                }
            }
            let Some(told) = store.wait(deadline) else { break };
            let failed = matches!(told, Told::Committed(_, Err(_)));
            take(&mut self.engine, now, told);
            while !self.transmit(now, TRANSMITS_PER_WAKE_MAX, out) {}
            if failed {
                break;
            }
        }
        warn!("stopped without having stored the last changes of leases");
    }
}

fn take(engine: &mut crate::engine::Engine, now: Instant, told: Told) {
    match told {
        Told::Records(records) => {
            for record in records {
                engine.handle_record(record);
            }
        }
        Told::Loaded => engine.handle_loaded(),
        Told::Unread => {}
        Told::Committed(batch, result) => engine.handle_committed(now, batch, result),
    }
}
