//! Delivers to one receiver, on a thread that may wait.

use core::hash::BuildHasher as _;
use core::time::Duration;
use std::hash::RandomState;
use std::sync::Arc;
use std::time::{Instant, SystemTime};

use log::{info, warn};
use ureq::Agent;

use super::queue::{Notice, Queue};
use super::receiver::Receiver;
use super::signature::sign;
use crate::outward;

/// How often one event is tried.
pub const WEBHOOK_TRIES_MAX: u32 = 8;
/// Until the second try; twice as long before each further one.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
/// Of one pause.
pub const WEBHOOK_PAUSE_MAX: Duration = Duration::from_secs(30);
/// Of one try: names looked up, connection made, answer read.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Receivers that are away are told of no more often.
const TROUBLE_TOLD_EVERY: Duration = Duration::from_secs(60);

pub(super) struct Sender {
    agent: Agent,
    url: String,
    /// What a log may tell of the URL.
    place: String,
    key: Option<Vec<u8>>,
    queue: Arc<Queue>,
    /// Makes the ids of senders differ: of other runs, other servers, and other hooks with the same receiver, which would
    /// take an event whose id it knows for one that came again.
    run: u64,
    delivered: u64,
    trouble: Trouble,
}

/// What went wrong since it was last told.
#[derive(Default)]
struct Trouble {
    last: String,
    given_up: u64,
    dropped: u64,
    told: Option<Instant>,
    /// When it was last told that the receiver is away.
    away_told: Option<Instant>,
}

enum Answer {
    Taken,
    /// It may take it later.
    Later(String),
    Never(String),
}

impl Sender {
    pub(super) fn new(receiver: Receiver, queue: Arc<Queue>) -> Self {
        let Receiver { url, key, roots, .. } = receiver;
        Self {
            agent: outward::agent(TIMEOUT, roots),
            place: outward::place(&url),
            run: RandomState::new().hash_one(&url),
            url,
            key,
            queue,
            delivered: 0,
            trouble: Trouble::default(),
        }
    }

    /// Until the queue is closed.
    pub(super) fn run(&mut self) {
        while let Some((notice, dropped)) = self.queue.pop() {
            self.trouble.dropped += dropped;
            let id = self.next_id();
            if !self.deliver(&id, &notice) {
                return;
            }
            self.tell();
        }
    }

    fn next_id(&mut self) -> String {
        self.delivered += 1;
        format!("pxe-{:016x}-{}", self.run, self.delivered)
    }

    /// Tries until it is taken or given up; false once the queue is closed.
    fn deliver(&mut self, id: &str, notice: &Notice) -> bool {
        let body = serde_json::to_vec(&notice.0).unwrap_or_default();
        let mut pause = FIRST_PAUSE;
        for attempt in 1..=WEBHOOK_TRIES_MAX {
            match self.post(id, &body) {
                Answer::Taken => return true,
                Answer::Never(why) => {
                    self.trouble.last = why;
                    break;
                }
                Answer::Later(why) => {
                    self.trouble.last = why;
                    self.tell_away();
                }
            }
            if attempt < WEBHOOK_TRIES_MAX {
                if !self.queue.pause(pause) {
                    return false;
                }
                pause = (pause * 2).min(WEBHOOK_PAUSE_MAX);
            }
        }
        self.trouble.given_up += 1;
        true
    }

    fn post(&self, id: &str, body: &[u8]) -> Answer {
        let now = unix_seconds();
        let mut request = self
            .agent
            .post(&self.url)
            .config()
            .max_redirects(0)
            .max_redirects_will_error(false)
            .build()
            .content_type("application/json")
            .header("webhook-id", id)
            .header("webhook-timestamp", now.to_string());
        if let Some(key) = &self.key {
            request = request.header("webhook-signature", sign(key, id, now, body));
        }
        match request.send(body) {
            Ok(response) => match response.status().as_u16() {
                200..=299 => Answer::Taken,
                408 | 425 | 429 | 500..=599 => Answer::Later(response.status().to_string()),
                _ => Answer::Never(response.status().to_string()),
            },
            Err(error) => Answer::Later(error.to_string()),
        }
    }

    /// Says at once that something is tried again, since it takes a minute until it is given up.
    fn tell_away(&mut self) {
        let Trouble { last, away_told, .. } = &mut self.trouble;
        let now = Instant::now();
        if away_told.is_some_and(|told| now < told + TROUBLE_TOLD_EVERY) {
            return;
        }
        *away_told = Some(now);
        let hint = match last.contains("UnknownIssuer") {
            true => "; `ca` names a file with the certificate of an authority of your own",
            false => "",
        };
        warn!("webhook {}: {last}{hint}; it is tried again", self.place);
    }

    /// Says what was not delivered, now and then.
    fn tell(&mut self) {
        let Trouble { last, given_up, dropped, told, .. } = &mut self.trouble;
        if *given_up + *dropped == 0 {
            return;
        }
        let now = Instant::now();
        if told.is_some_and(|told| now < told + TROUBLE_TOLD_EVERY) {
            return;
        }
        warn!(
            "webhook {}: {given_up} events were given up ({last}), and {dropped} found its queue full",
            self.place
        );
        (*given_up, *dropped, *told) = (0, 0, Some(now));
    }
}

impl Drop for Sender {
    fn drop(&mut self) {
        let Trouble { given_up, dropped, .. } = &self.trouble;
        if *given_up + *dropped > 0 {
            let count = given_up + dropped;
            info!("webhook {}: {count} more events were not delivered", self.place);
        }
    }
}

fn unix_seconds() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs()
}

#[cfg(test)]
mod tests {
    use ureq::tls::RootCerts;

    use super::*;

    #[test]
    fn hooks_with_one_receiver_never_share_an_id() {
        let mut hooks = [0; 2].map(|_| {
            let url = "https://receiver.example/hook".to_owned();
            let roots = RootCerts::PlatformVerifier;
            let receiver = Receiver { url, stages: Vec::new(), key: None, roots };
            Sender::new(receiver, Arc::default())
        });
        let ids: Vec<String> = (0..2).flat_map(|_| hooks.each_mut().map(Sender::next_id)).collect();
        let different: std::collections::HashSet<&String> = ids.iter().collect();
        assert_eq!(different.len(), 4, "{ids:?}");
    }
}
