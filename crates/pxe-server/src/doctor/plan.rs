//! When what is sent: every question by broadcast, once or twice, and never more. Sans-IO.
//!
//! # Run loop
//! Send what [`Plan::poll_transmit`] gives until it gives nothing, hand every datagram to [`Plan::handle_datagram`], and
//! come back at [`Plan::poll_timeout`]; when that gives nothing, it is over.

use core::net::Ipv4Addr;
use core::time::Duration;
use std::collections::BTreeSet;
use std::time::Instant;

use pxe_dhcp::MessageView;

use super::answer::{self, Answer};
use super::question::Question;

/// Answers kept for one question; two servers and two proxies are many.
pub const ANSWERS_PER_QUESTION_MAX: usize = 16;
/// Between two questions: some servers drop what comes while they work on the same client.
const PAUSE: Duration = Duration::from_millis(60);
/// What is waited for before a question is asked again.
const AGAIN_AFTER: Duration = Duration::from_secs(2);
/// After the last question of all: dnsmasq looks for three seconds whether an address is in use before it offers it.
const LAST_WAIT: Duration = Duration::from_millis(3_500);

/// The questions of one segment.
#[derive(Clone, Debug)]
pub struct Plan {
    questions: Vec<Question>,
    mac: [u8; 6],
    /// Transaction number of the first question; they count on from there.
    base: u32,
    /// Places that wait to be asked, last one first.
    waiting: Vec<usize>,
    due: Option<Instant>,
    again: bool,
    answers: Vec<Answer>,
    sent: u32,
}

impl Plan {
    /// Begins at `now`. `base` is random; one hardware address is used for all questions, so that a DHCP server sets
    /// one address aside at most.
    pub fn new(now: Instant, mac: [u8; 6], base: u32, questions: Vec<Question>) -> Self {
        let waiting = (0..questions.len()).rev().collect();
        let (answers, due) = (Vec::new(), Some(now));
        Self { questions, mac, base, waiting, due, again: false, answers, sent: 0 }
    }

    /// The next DISCOVER, if it is time: its bytes replace the content of `out`.
    pub fn poll_transmit(&mut self, now: Instant, out: &mut Vec<u8>) -> bool {
        let Some(due) = self.due.filter(|due| *due <= now) else { return false };
        let Some(at) = self.waiting.pop() else {
            self.finish_round(due);
            return false;
        };
        let Some(question) = self.questions.get(at) else { return false };
        let number = self.base.wrapping_add(u32::try_from(at).unwrap_or_default());
        // A message of fixed size always fits.
        let fits = question.discover(self.mac, number, None, out).is_ok();
        self.sent += 1;
        let pause = match (self.waiting.is_empty(), self.again) {
            (false, _) => PAUSE,
            (true, false) => AGAIN_AFTER,
            (true, true) => LAST_WAIT,
        };
        self.due = Some(now + pause);
        fits
    }

    fn finish_round(&mut self, now: Instant) {
        if self.again {
            self.due = None;
            return;
        }
        self.again = true;
        self.waiting = self.unsettled();
        // Nobody has anything to add: one more wait would teach nothing.
        self.due = (!self.waiting.is_empty()).then_some(now);
    }

    /// Questions that not everybody answered who gives addresses: a packet may be lost. Where nobody does, all of them.
    fn unsettled(&self) -> Vec<usize> {
        let givers = |at: Option<usize>| -> BTreeSet<Option<Ipv4Addr>> {
            let of = self.answers.iter().filter(|it| at.is_none_or(|at| it.question == at));
            of.filter(|it| it.address.is_some()).map(|it| it.server).collect()
        };
        let everybody = givers(None);
        let places = (0..self.questions.len()).rev();
        places.filter(|at| everybody.is_empty() || givers(Some(*at)) != everybody).collect()
    }

    /// Takes a datagram of port 68. What does not answer a question of ours is nothing to us.
    pub fn handle_datagram(&mut self, source: Ipv4Addr, datagram: &[u8]) {
        let Ok(view) = MessageView::parse(datagram) else { return };
        let number = view.transaction_id().wrapping_sub(self.base);
        let at = usize::try_from(number).unwrap_or(usize::MAX);
        if at >= self.questions.len() || view.hardware_address() != self.mac {
            return;
        }
        let Some(answer) = answer::read(&view, source, at) else { return };
        let own = self.answers.iter().filter(|it| it.question == at);
        let is_known = own.clone().any(|it| {
            it.server == answer.server && it.address.is_some() == answer.address.is_some()
        });
        if !is_known && own.count() < ANSWERS_PER_QUESTION_MAX {
            self.answers.push(answer);
        }
    }

    /// When to come back; none when it is over.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.due
    }

    /// DISCOVERs sent.
    pub fn sent(&self) -> u32 {
        self.sent
    }

    /// What was asked and what was heard.
    pub fn finish(self) -> (Vec<Question>, Vec<Answer>) {
        (self.questions, self.answers)
    }
}

#[cfg(test)]
mod tests {
    use pxe_dhcp::{Message, MessageType, OptionCode, SizeBudget};

    use super::*;

    const MAC: [u8; 6] = [2, 0x70, 0x78, 0, 0, 1];
    const SERVER: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);

    fn offer(request: &[u8]) -> Vec<u8> {
        let view = MessageView::parse(request).expect("a DISCOVER");
        let mut message = Message::reply_to(&view, MessageType::OFFER);
        message
            .set_your_address(Ipv4Addr::new(192, 0, 2, 100))
            .push(OptionCode::SERVER_IDENTIFIER, &SERVER.octets());
        let mut out = Vec::new();
        message.encode(SizeBudget::default(), &mut out).expect("fits");
        out
    }

    /// Runs a plan against servers that answer what they like; what was sent, and how long it took.
    fn run(mut answer: impl FnMut(usize) -> bool) -> (Plan, Vec<Vec<u8>>, Duration) {
        let start = Instant::now();
        let mut now = start;
        let mut plan = Plan::new(now, MAC, 0xffff_fff0, Question::all());
        let (mut sent, mut out) = (Vec::new(), Vec::new());
        while let Some(due) = plan.poll_timeout() {
            now = now.max(due);
            if plan.poll_transmit(now, &mut out) {
                sent.push(out.clone());
                if answer(sent.len()) {
                    plan.handle_datagram(SERVER, &offer(&out));
                }
            }
        }
        (plan, sent, now - start)
    }

    #[test]
    fn who_is_answered_asks_once() {
        let questions = Question::all().len();
        let (plan, sent, took) = run(|_| true);
        assert_eq!((sent.len(), plan.sent() as usize), (questions, questions));
        assert!(took < Duration::from_secs(5), "{took:?}");
        let (_, answers) = plan.finish();
        assert_eq!(answers.len(), questions);
        for datagram in sent {
            let view = MessageView::parse(&datagram).expect("a message");
            assert_eq!(view.message_type(), Some(MessageType::DISCOVER));
            assert_eq!(view.hardware_address(), MAC);
            assert!(
                view.flags().broadcast() && view.first(OptionCode::REQUESTED_ADDRESS).is_none()
            );
        }
    }

    #[test]
    fn silence_is_asked_twice_and_never_more() {
        let questions = Question::all().len();
        let (plan, sent, took) = run(|_| false);
        assert_eq!(sent.len(), 2 * questions);
        assert!(plan.finish().1.is_empty() && took < Duration::from_secs(12), "{took:?}");
        // A packet was lost.
        let (plan, sent, _) = run(|at| at != 3);
        assert_eq!((sent.len(), plan.finish().1.len()), (questions + 1, questions));
    }

    #[test]
    fn answers_to_others_and_repeated_ones_are_nothing() {
        let mut plan = Plan::new(Instant::now(), MAC, 7, Question::all());
        let mut out = Vec::new();
        assert!(plan.poll_transmit(Instant::now(), &mut out));
        let mut other = offer(&out);
        // The last octet of `chaddr`, then of `xid`.
        for at in [33, 7] {
            other[at] ^= 0x80;
            plan.handle_datagram(SERVER, &other);
            other[at] ^= 0x80;
        }
        plan.handle_datagram(SERVER, &out);
        plan.handle_datagram(SERVER, b"");
        assert!(plan.answers.is_empty());
        for _ in 0..3 {
            plan.handle_datagram(SERVER, &other);
        }
        assert_eq!(plan.answers.len(), 1);
    }

    #[test]
    fn every_question_is_told_apart_by_the_one_decision() {
        let policy = pxe_select::Policy::builder().build().expect("policy");
        for question in Question::all() {
            let class = question.vendor_class();
            let archs = [question.arch];
            let mut facts = pxe_select::ClientFacts::new(&MAC);
            facts.archs = &archs;
            facts.vendor_class = Some(&class);
            if question.firmware == pxe_select::Firmware::Rpi {
                facts.machine_id = Some(b"\0RPi4\0\0\0\0\0\0\0\0\0\0\0\0");
            }
            let identity = policy.identify(&facts);
            assert_eq!(identity.firmware, Some(question.firmware), "{question:?}");
        }
    }
}
