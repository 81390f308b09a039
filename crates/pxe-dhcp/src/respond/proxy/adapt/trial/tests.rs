use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use super::*;
use ProxyStyle::{Binl, Delayed, JustBoot, Menu};

/// When EDK2 and PXE ROMs send the DISCOVERs of one attempt, in seconds.
const ATTEMPT: [u64; 4] = [0, 4, 12, 28];

/// One client, and the clock.
struct Play {
    trial: Trial,
    start: Instant,
    now: Duration,
    transaction_id: u32,
    told: Vec<StyleReason>,
}

impl Play {
    fn of(trial: impl FnOnce(Instant) -> Trial) -> Self {
        let start = Instant::now();
        Self {
            trial: trial(start),
            start,
            now: Duration::ZERO,
            transaction_id: 1,
            told: Vec::new(),
        }
    }

    fn uefi() -> Self {
        Self::of(|now| Trial::new(now, Binl, Binl))
    }

    fn discover(&mut self) -> ProxyStyle {
        let choice = self.trial.discover(self.start + self.now, self.transaction_id);
        self.told.extend(choice.reason);
        choice.style
    }

    /// DISCOVERs `seconds` after the beginning of this attempt, and the initials of their styles. The
    /// next attempt begins a minute later.
    fn attempt(&mut self, seconds: &[u64]) -> String {
        let begin = self.now;
        let styles: Vec<ProxyStyle> = seconds
            .iter()
            .map(|after| {
                self.now = begin + Duration::from_secs(*after);
                self.discover()
            })
            .collect();
        self.now += Duration::from_secs(60);
        self.transaction_id += 1;
        styles.iter().map(|style| format!("{style:?}").remove(0)).collect()
    }
}

#[test]
fn each_style_has_two_rounds_and_each_attempt_begins_with_the_best() {
    let mut play = Play::uefi();
    assert_eq!(play.attempt(&ATTEMPT), "BBJJ");
    assert_eq!(play.attempt(&ATTEMPT), "BMMD");
    assert_eq!(play.attempt(&ATTEMPT), "BDBB");
    let ignored = |previous| StyleReason::Ignored { previous, rounds: 2 };
    let none = StyleReason::NoneWorked { tried: [Binl, JustBoot, Menu, Delayed] };
    assert_eq!(play.told, [ignored(Binl), ignored(JustBoot), ignored(Menu), none]);
    // It goes on for as long as the client does, and has nothing new to tell.
    assert_eq!(play.attempt(&ATTEMPT), "BJJM");
    for _ in 0..20 {
        play.attempt(&ATTEMPT);
    }
    assert_eq!(play.told.len(), 4);
}

#[test]
fn a_bios_begins_with_just_boot() {
    let mut play = Play::of(|now| Trial::new(now, JustBoot, JustBoot));
    assert_eq!(play.attempt(&ATTEMPT), "JJBB");
    assert_eq!(play.attempt(&ATTEMPT), "JMMD");
}

#[test]
fn clients_that_ask_for_ever_are_tried_with_everything() {
    let mut play = Play::uefi();
    let seconds: Vec<u64> = (0..12).map(|round| round * 10).collect();
    assert_eq!(play.attempt(&seconds), "BBJJMMDDBBJJ");
}

#[test]
fn short_attempts_get_on_too() {
    // One DISCOVER each: whoever changes its transaction id every time.
    let mut play = Play::uefi();
    let styles: String = (0..8).map(|_| play.attempt(&[0])).collect();
    assert_eq!(styles, "BBJJMMDD");
    // Two each: the first of an attempt is for those who only lacked an address.
    let mut play = Play::uefi();
    let attempts = [(); 7].map(|()| play.attempt(&[0, 4]));
    assert_eq!(attempts, ["BB", "BJ", "BJ", "BM", "BM", "BD", "BD"]);
}

#[test]
fn whoever_had_an_address_was_not_waiting_for_one() {
    let mut play = Play::uefi();
    let attempts = [(); 4].map(|()| {
        let styles = play.attempt(&[0, 4]);
        play.trial.take_address();
        styles
    });
    assert_eq!(attempts, ["BB", "JJ", "MM", "DD"]);
}

#[test]
fn copies_and_hasty_repetitions_belong_to_their_round() {
    let mut play = Play::uefi();
    let start = play.start;
    let mut at = |milliseconds| {
        let now = start + Duration::from_millis(milliseconds);
        play.trial.discover(now, 1).style
    };
    // U-Boot begins with 250 ms and doubles.
    let styles = [0, 250, 750, 1750, 3750, 7750, 15_750].map(&mut at);
    assert_eq!(styles, [Binl, Binl, Binl, Binl, Binl, JustBoot, JustBoot]);
    assert_eq!(at(15_750 + 1_999), JustBoot);
}

#[test]
fn the_same_transaction_id_after_a_long_silence_is_another_attempt() {
    let mut play = Play::uefi();
    assert_eq!(play.attempt(&ATTEMPT), "BBJJ");
    play.transaction_id -= 1;
    assert_eq!(play.attempt(&ATTEMPT), "BMMD");
}

#[test]
fn an_offer_that_never_left_was_not_ignored() {
    let mut play = Play::uefi();
    for _ in 0..5 {
        assert_eq!(play.discover(), Binl);
        play.trial.withdraw();
        play.now += Duration::from_secs(4);
    }
    assert_eq!(play.trial.waiting_since(), None);
    // A repetition of the same round that is answered does wait.
    play.now -= Duration::from_secs(3);
    assert_eq!(play.discover(), Binl);
    assert!(play.trial.waiting_since().is_some());
}

#[test]
fn hearsay_costs_one_round() {
    let mut play = Play::of(|now| Trial::on_hearsay(now, Binl, Menu, 3));
    assert_eq!(play.attempt(&ATTEMPT), "MBBJ");
    assert_eq!(play.told[0], StyleReason::SameMaker { machines: 3 });
    assert_eq!(play.told[1], StyleReason::Ignored { previous: Menu, rounds: 1 });
    assert_eq!(play.attempt(&ATTEMPT), "MJDD");
    // Refuted, it is forgotten.
    assert_eq!(play.attempt(&ATTEMPT), "BBJJ");
}

#[test]
fn what_worked_before_comes_first_and_the_usual_second() {
    let mut play = Play::of(|now| Trial::new(now, JustBoot, Delayed));
    assert_eq!(play.attempt(&ATTEMPT), "DDJJ");
    assert_eq!(play.attempt(&ATTEMPT), "DBBM");
}

#[test]
fn the_style_that_explains_what_follows_is_credited() {
    let mut play = Play::uefi();
    play.attempt(&ATTEMPT[..3]);
    // Offered BINL twice and "just boot" once.
    assert_eq!(play.trial.credit(FollowUp::BootServer), Binl);
    assert_eq!(play.trial.credit(FollowUp::Fetch), JustBoot);
    assert_eq!(play.trial.credit(FollowUp::BootItem), JustBoot, "there was no menu: the last");

    let mut play = Play::uefi();
    play.attempt(&ATTEMPT);
    play.attempt(&ATTEMPT);
    // BINL, a menu twice, and BINL late, which is the last.
    assert_eq!(play.trial.credit(FollowUp::BootServer), Delayed);
    assert_eq!(play.trial.credit(FollowUp::BootItem), Menu);
    assert_eq!(play.trial.credit(FollowUp::Fetch), Delayed, "nothing better explains it");

    let mut play = Play::of(|now| Trial::new(now, JustBoot, JustBoot));
    play.attempt(&ATTEMPT[..1]);
    assert_eq!(play.trial.credit(FollowUp::BootServer), JustBoot, "it was offered nothing else");
}

#[test]
fn a_trial_is_over_when_the_client_has_been_away() {
    let mut play = Play::uefi();
    let after = |minutes: u64| play.start + Duration::from_secs(minutes * 60);
    assert!(!play.trial.is_over(after(10)) && play.trial.is_over(after(20)));
    // With an address it has other things to do than to fail.
    play.trial.take_address();
    assert!(!play.trial.is_over(after(2)) && play.trial.is_over(after(5)));
}
