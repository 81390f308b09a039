//! Web hooks: stage events as JSON to whoever wants them, signed, in order, again where the receiver is away.
//!
//! Each receiver has a thread and a bounded queue of its own, so that one that hangs delays neither machines nor other
//! receivers. The signature is that of <https://www.standardwebhooks.com>, so that receivers have libraries for it.

mod queue;
mod receiver;
mod sender;
mod signature;

use std::io;
use std::sync::Arc;
use std::thread;

use crate::engine::Weight;
use crate::journal::{Record, Sink, Told};
pub use queue::WEBHOOK_QUEUE_EVENTS_MAX;
use queue::{Notice, Queue};
pub use receiver::Receivers;
use sender::Sender;
pub use sender::{WEBHOOK_PAUSE_MAX, WEBHOOK_TRIES_MAX};
pub(crate) use signature::key;

/// Whoever is told. Dropping it ends the threads; what waits then is not told.
pub struct Webhooks {
    hooks: Vec<Arc<Hook>>,
}

/// One receiver, as the journal knows it.
struct Hook {
    stages: Vec<String>,
    queue: Arc<Queue>,
}

impl Webhooks {
    /// Starts a thread for each receiver.
    ///
    /// # Errors
    /// If no thread can be had.
    pub fn start(receivers: Receivers) -> io::Result<Self> {
        let mut hooks = Vec::new();
        for (index, mut receiver) in receivers.0.into_iter().enumerate() {
            let queue = Arc::new(Queue::default());
            let stages = core::mem::take(&mut receiver.stages);
            let mut sender = Sender::new(receiver, Arc::clone(&queue));
            let name = format!("webhook-{}", index + 1);
            thread::Builder::new().name(name).spawn(move || sender.run())?;
            hooks.push(Arc::new(Hook { stages, queue }));
        }
        Ok(Self { hooks })
    }

    /// For [`crate::journal::Journal::subscribe`].
    pub fn sinks(&self) -> impl Iterator<Item = Arc<dyn Sink>> {
        self.hooks.iter().map(|hook| Arc::clone(hook) as Arc<dyn Sink>)
    }
}

impl Drop for Webhooks {
    fn drop(&mut self) {
        self.hooks.iter().for_each(|hook| hook.queue.close());
    }
}

impl Sink for Hook {
    fn take(&self, told: &Told<'_>) {
        let Told { unix_ms, event, firmware, repeated, .. } = *told;
        let stage = &event.stage;
        let wanted = match &*self.stages {
            [] => stage.weight() != Weight::Detail,
            stages => stages.iter().any(|word| word == stage.word()),
        };
        if !wanted || repeated {
            return;
        }
        let mut record = Record::new(unix_ms, event);
        // What packets said is for the journal.
        record.fields = Arc::default();
        record.reasons = Arc::default();
        record.firmware = firmware.map(|firmware| firmware.to_string());
        self.queue.push(Notice(Box::new(record)));
    }
}
