use super::*;
use ProxyStyle::{Binl, Delayed, JustBoot, Menu};

const OUI: [u8; 3] = [0x00, 0x1b, 0x21];

fn client(number: u16) -> HardwareAddress {
    let [high, low] = number.to_be_bytes();
    let [a, b, c] = OUI;
    HardwareAddress::new(&[a, b, c, 0, high, low])
}

struct Lab {
    memory: Adaptation,
    now: Instant,
}

impl Lab {
    fn new() -> Self {
        Self { memory: Adaptation::new(), now: Instant::now() }
    }

    fn wait(&mut self, seconds: u64) {
        self.now += Duration::from_secs(seconds);
    }

    fn discover(&mut self, number: u16, usual: ProxyStyle) -> ProxyStyle {
        self.memory.discover(self.now, client(number), usual, 7).style
    }

    /// Lets a UEFI machine repeat its DISCOVER until it is offered `wanted`, and takes that.
    fn boot_by(&mut self, number: u16, wanted: ProxyStyle, follow_up: FollowUp) -> usize {
        for round in 1..=8 {
            let offered = self.discover(number, Binl);
            self.wait(4);
            if offered == wanted {
                self.memory.follow_up(self.now, client(number), follow_up);
                self.wait(3600);
                return round;
            }
        }
        panic!("{wanted:?} is never offered");
    }
}

#[test]
fn what_worked_comes_first_the_next_time() {
    let mut lab = Lab::new();
    assert_eq!(lab.boot_by(1, Menu, FollowUp::BootItem), 5);
    assert_eq!(lab.boot_by(1, Menu, FollowUp::BootItem), 1);
    // Its firmware was replaced: the menu fails, and what suits the request is tried next.
    assert_eq!(lab.boot_by(1, Binl, FollowUp::BootServer), 3);
    assert_eq!(lab.boot_by(1, Binl, FollowUp::BootServer), 1);
    // A month later nothing is known.
    assert_eq!(lab.boot_by(1, JustBoot, FollowUp::Fetch), 3);
    lab.wait(31 * 24 * 3600);
    lab.discover(2, Binl);
    assert_eq!(lab.memory.len(), 1, "the other machine is forgotten");
    assert_eq!(lab.discover(1, Binl), Binl);
}

#[test]
fn news_are_told_once_and_only_if_they_are_any() {
    let mut lab = Lab::new();
    lab.discover(1, Binl);
    let worked = lab.memory.follow_up(lab.now, client(1), FollowUp::BootServer);
    assert_eq!(worked, None, "nobody expected otherwise");
    for expected in [Some(JustBoot), None] {
        lab.wait(3600);
        while lab.discover(1, Binl) != JustBoot {
            lab.wait(4);
        }
        assert_eq!(lab.memory.follow_up(lab.now, client(1), FollowUp::Fetch), expected);
        let again = lab.memory.follow_up(lab.now, client(1), FollowUp::Fetch);
        assert_eq!(again, None, "the second file of the same boot");
    }
}

#[test]
fn two_machines_that_agree_speak_for_their_maker() {
    let mut lab = Lab::new();
    assert_eq!(lab.boot_by(1, JustBoot, FollowUp::Fetch), 3);
    assert_eq!(lab.boot_by(2, JustBoot, FollowUp::Fetch), 3, "one machine is no evidence");
    assert_eq!(lab.boot_by(3, JustBoot, FollowUp::Fetch), 1);
    assert_eq!(lab.discover(4, JustBoot), JustBoot, "BIOS ROMs are another matter");
    let other = HardwareAddress::new(&[0x3c, 0xec, 0xef, 0, 0, 1]);
    assert_eq!(lab.memory.discover(lab.now, other, Binl, 1).style, Binl, "another maker");
    let guid = HardwareAddress::new(&[&OUI[..], &[0; 13]].concat());
    assert_eq!(lab.memory.discover(lab.now, guid, Binl, 1).style, Binl, "no Ethernet address");
}

#[test]
fn a_maker_whose_machines_differ_speaks_for_none() {
    let mut lab = Lab::new();
    lab.boot_by(1, JustBoot, FollowUp::Fetch);
    lab.boot_by(2, JustBoot, FollowUp::Fetch);
    // The third differs, and loses one round by what the others said.
    assert_eq!(lab.boot_by(3, Binl, FollowUp::BootServer), 2);
    // From now on each begins with what suits it, or what is known of itself.
    assert_eq!(lab.boot_by(4, Binl, FollowUp::BootServer), 1);
    assert_eq!(lab.boot_by(3, Binl, FollowUp::BootServer), 1);
    assert_eq!(lab.boot_by(1, JustBoot, FollowUp::Fetch), 1);
}

#[test]
fn a_machine_counts_once_for_its_maker() {
    let mut lab = Lab::new();
    for _ in 0..5 {
        lab.boot_by(1, JustBoot, FollowUp::Fetch);
    }
    assert_eq!(lab.discover(2, Binl), Binl);
    lab.wait(3600);
    // It changes its mind, and with it the record.
    lab.boot_by(1, Menu, FollowUp::BootItem);
    lab.boot_by(2, Menu, FollowUp::BootItem);
    assert_eq!(lab.discover(3, Binl), Menu);
}

#[test]
fn one_card_may_boot_in_two_ways() {
    let mut lab = Lab::new();
    assert_eq!(lab.boot_by(1, Delayed, FollowUp::BootServer), 7);
    assert_eq!(lab.discover(1, JustBoot), JustBoot, "its BIOS ROM has its own memory");
    lab.wait(1);
    assert_eq!(lab.discover(1, Binl), Delayed);
    // What follows belongs to the later of the two.
    lab.memory.follow_up(lab.now, client(1), FollowUp::BootServer);
    lab.wait(4);
    assert_eq!(lab.discover(1, JustBoot), JustBoot);
    lab.wait(4);
    assert_eq!(lab.discover(1, JustBoot), Binl, "two rounds, both ignored");
}

#[test]
fn memory_is_bounded_and_the_oldest_go_first() {
    let mut lab = Lab::new();
    lab.boot_by(0, Menu, FollowUp::BootItem);
    lab.boot_by(1, Menu, FollowUp::BootItem);
    for number in 0..100_000_u32 {
        let [_, a, b, c] = number.to_be_bytes();
        let stranger = HardwareAddress::new(&[2, a, b, c, 0, 1]);
        lab.memory.discover(lab.now, stranger, Binl, number);
        lab.memory.follow_up(lab.now, stranger, FollowUp::BootServer);
        if number % 1_000 == 0 {
            assert_eq!(lab.discover(0, Binl), Menu, "whoever is heard is kept");
            lab.memory.follow_up(lab.now, client(0), FollowUp::BootItem);
        }
        assert!(lab.memory.len() <= ADAPTED_CLIENTS_MAX);
    }
    assert_eq!(lab.memory.len(), ADAPTED_CLIENTS_MAX);
    assert!(lab.memory.makers.len() <= crate::respond::limits::ADAPTED_MAKERS_MAX);
    assert_eq!(lab.discover(1, Binl), Menu, "its maker is still known");
    lab.wait(4);
    assert_eq!(lab.discover(1, Binl), Binl, "but it is not");
}

#[test]
fn entries_are_as_small_as_the_limits_say() {
    // An entry of the list has two pointers, one of the map two and a byte, at half load.
    let bytes = size_of::<Key>() + size_of::<Client>() + 2 * 8 + 2 * 17;
    assert!(bytes <= 190, "{bytes} bytes of a client");
}
