use core::net::Ipv4Addr;

use pxe_select::Firmware;

use super::*;
use crate::engine::LeaseStep;

const MAC: ClientId = ClientId::Mac([0x52, 0x54, 0, 0xaa, 0, 1]);
const SECOND: Duration = Duration::from_secs(1);

/// A machine that is watched, in virtual time.
struct Bench {
    now: Instant,
    watcher: Watcher,
    told: Vec<String>,
}

impl Bench {
    fn new() -> Self {
        Self { now: Instant::now(), watcher: Watcher::default(), told: Vec::new() }
    }

    fn tell(&mut self, stage: Stage) -> &mut Self {
        self.watcher.handle_event(self.now, MAC, &stage);
        self
    }

    fn pass(&mut self, seconds: u64) -> &mut Self {
        let end = self.now + Duration::from_secs(seconds);
        while let Some(due) = self.watcher.poll_timeout().filter(|due| *due <= end) {
            assert!(due >= self.now, "a timer in the past");
            self.now = due;
            self.watcher.handle_timeout(due);
            while let Some((client, stage)) = self.watcher.poll_event() {
                assert_eq!(client, MAC);
                self.told.push(stage.to_string());
            }
        }
        self.now = end;
        self
    }

    /// That one silence was told, and begins like this.
    fn told(&mut self, text: &str) -> &mut Self {
        assert_eq!(self.told.len(), 1, "{:?}", self.told);
        let told = self.told.remove(0);
        assert!(told.starts_with(&format!("silent: {text}")), "{told}");
        assert!(told.contains(" because ") && told.ends_with('.'), "{told}");
        self
    }

    fn told_nothing(&mut self) -> &mut Self {
        assert!(self.told.is_empty(), "{:?}", self.told);
        self
    }
}

fn discovered(ipxe: bool) -> Stage {
    Stage::Discovered { firmware: Some(Firmware::X64Uefi), ipxe, reasons: String::new() }
}

fn offered(file: &str) -> Stage {
    Stage::Offered { file: file.into() }
}

fn addressed() -> Stage {
    let server = Some(Ipv4Addr::new(192, 0, 2, 1));
    Stage::Addressed { address: Ipv4Addr::new(192, 0, 2, 7), server }
}

fn acknowledged() -> Stage {
    Stage::Acknowledged { file: "ipxe.efi".into() }
}

fn leased(step: LeaseStep) -> Stage {
    let file = Some("ipxe.efi".into());
    Stage::Leased { step, address: Ipv4Addr::new(192, 0, 2, 7), seconds: 60, file }
}

fn requested(file: &str) -> Stage {
    Stage::Requested { file: file.into(), bytes: 9, why: String::new() }
}

fn delivered(file: &str) -> Stage {
    Stage::Delivered { file: file.into(), bytes: 9, elapsed: SECOND, resent_percent: 0 }
}

fn probed(file: &str) -> Stage {
    Stage::Probed { file: file.into() }
}

#[test]
fn offered_four_times_and_never_asked() {
    let mut bench = Bench::new();
    // The schedule of EDK2.
    for pause in [4, 8, 16, 32] {
        bench.tell(discovered(false)).tell(offered("ipxe.efi")).pass(pause).told_nothing();
    }
    bench.pass(20).told("offered ipxe.efi 4 times, never asked");
    // The next boot option, and the one behind it: it is the same trouble.
    for pause in [4, 8, 16, 32, 60] {
        bench.tell(discovered(false)).tell(offered("ipxe.efi")).pass(pause);
    }
    bench.told_nothing();
    bench
        .pass(700)
        .tell(discovered(false))
        .tell(offered("ipxe.efi"))
        .pass(60)
        .told("offered ipxe.efi once");
}

#[test]
fn one_that_tries_for_ever_without_a_pause_is_told_too() {
    let mut bench = Bench::new();
    for _ in 0..30 {
        bench.tell(discovered(false)).tell(offered("ipxe.efi")).pass(5);
    }
    bench.told("offered ipxe.efi 18 times, never asked");
}

#[test]
fn a_raspberry_pi_boots_from_an_offer_alone_under_an_address_nobody_heard_of() {
    let mut bench = Bench::new();
    let (firmware, reasons) = (Some(Firmware::Rpi), String::new());
    bench.tell(Stage::Discovered { firmware, ipxe: false, reasons });
    bench.tell(offered("bootcode.bin")).pass(900).told_nothing();
}

#[test]
fn an_address_of_another_server_and_nothing_behind_it() {
    let mut bench = Bench::new();
    bench
        .tell(discovered(false))
        .tell(offered("ipxe.efi"))
        .pass(4)
        .tell(addressed())
        .pass(39)
        .told_nothing();
    bench.pass(2).told("it took an address from another DHCP server");
}

#[test]
fn told_on_4011_and_no_file_asked() {
    let mut bench = Bench::new();
    bench
        .tell(discovered(false))
        .tell(offered("ipxe.efi"))
        .pass(4)
        .tell(addressed())
        .tell(acknowledged());
    bench
        .pass(45)
        .told("told on the boot server port to fetch ipxe.efi, it asked for no file within 40 s");
}

#[test]
fn a_lease_that_is_not_taken_and_one_that_leads_nowhere() {
    let mut bench = Bench::new();
    bench.tell(discovered(false)).tell(leased(LeaseStep::Offered)).pass(60);
    bench.told("offered an address and ipxe.efi once, it took neither");
    bench.tell(discovered(false)).tell(leased(LeaseStep::Offered)).pass(4);
    bench.tell(leased(LeaseStep::Acknowledged)).pass(45).told("it has its address from us");
    // The system that it boots takes an address too, and asks for the name of a boot file.
    bench.tell(discovered(false)).tell(leased(LeaseStep::Acknowledged)).tell(requested("vmlinuz"));
    bench.tell(delivered("vmlinuz")).tell(leased(LeaseStep::Acknowledged)).pass(900).told_nothing();
}

#[test]
fn heard_and_never_asked() {
    let mut bench = Bench::new();
    let heard = || Stage::Heard { firmware: None, ipxe: false, how: String::new() };
    bench.tell(heard()).pass(4).tell(heard()).pass(60);
    bench.told("heard twice asking for an address, it asked us for no file within 45 s");
}

#[test]
fn a_probe_and_no_more() {
    let mut bench = Bench::new();
    bench.tell(discovered(false)).tell(offered("ipxe.efi")).tell(probed("ipxe.efi")).pass(30);
    bench.told("it asked for the size of ipxe.efi only");
    // GRUB looks whether files are there, and then waits for whoever chooses.
    bench
        .tell(requested("grubx64.efi"))
        .tell(delivered("grubx64.efi"))
        .tell(probed("grub/x.mod"))
        .pass(900);
    bench.told_nothing();
}

#[test]
fn a_loader_that_is_never_heard_again() {
    let mut bench = Bench::new();
    bench.tell(discovered(false)).tell(offered("ipxe.efi")).tell(requested("ipxe.efi"));
    bench.pass(600).told_nothing();
    bench
        .tell(delivered("ipxe.efi"))
        .pass(89)
        .told_nothing()
        .pass(2)
        .told("it has ipxe.efi, and was not heard again");
    // What it was told to boot is its loader, whatever it is called.
    bench.tell(discovered(false)).tell(offered("boot/loader")).tell(delivered("loader")).pass(91);
    assert!(bench.told.is_empty(), "the same boot trouble within ten minutes: {:?}", bench.told);
    // A whole system in one file needs nothing more.
    bench.pass(900).tell(discovered(false)).tell(offered("uki.efi")).tell(Stage::Delivered {
        file: "uki.efi".into(),
        bytes: 90 << 20,
        elapsed: SECOND,
        resent_percent: 0,
    });
    bench.pass(900).told_nothing();
}

#[test]
fn a_menu_and_no_choice() {
    let mut bench = Bench::new();
    bench.tell(discovered(true)).tell(offered("menu.ipxe")).tell(requested("menu.ipxe"));
    bench.tell(delivered("menu.ipxe")).tell(delivered("logo.png")).pass(299).told_nothing();
    bench.pass(2).told("it has menu.ipxe, and asked for nothing more within 5 minutes");
}

#[test]
fn a_good_boot_is_never_silent() {
    let mut bench = Bench::new();
    bench.tell(discovered(false)).tell(offered("ipxe.efi")).pass(4);
    bench.tell(addressed()).tell(acknowledged()).tell(probed("ipxe.efi")).pass(1);
    bench.tell(requested("ipxe.efi")).pass(20).tell(delivered("ipxe.efi")).pass(30);
    bench.tell(discovered(true)).tell(offered("menu.ipxe")).pass(2).tell(addressed()).pass(2);
    bench.tell(requested("menu.ipxe")).tell(delivered("menu.ipxe")).pass(200);
    bench.tell(requested("vmlinuz")).pass(200).tell(delivered("vmlinuz"));
    bench.tell(requested("initrd.gz")).pass(200).tell(delivered("initrd.gz")).tell(addressed());
    bench.pass(10_000).told_nothing();
    assert!(bench.watcher.watched.is_empty() && bench.watcher.due.is_empty(), "forgotten at last");
}

#[test]
fn what_is_told_otherwise_is_no_silence() {
    for stage in [
        Stage::Held { reasons: "x".into() },
        Stage::Denied { reasons: "x".into() },
        Stage::Failed { file: "ipxe.efi".into(), reason: "x".into() },
        Stage::HeldBait { asked: "x".into(), reasons: "x".into() },
    ] {
        let mut bench = Bench::new();
        bench
            .tell(discovered(false))
            .tell(offered("ipxe.efi"))
            .tell(stage)
            .pass(900)
            .told_nothing();
    }
}

#[test]
fn watching_is_bounded() {
    let (now, mut watcher) = (Instant::now(), Watcher::default());
    for number in 0..2 * WATCHED_MAX as u32 {
        let [a, b, c, d] = number.to_be_bytes();
        let client = ClientId::Mac([2, 0, a, b, c, d]);
        watcher.handle_event(now, client, &discovered(false));
        watcher.handle_event(now, client, &offered("x.efi"));
    }
    assert_eq!((watcher.watched.len(), watcher.due.len()), (WATCHED_MAX, WATCHED_MAX));
    watcher.handle_timeout(now + 60 * SECOND);
    let told = core::iter::from_fn(|| watcher.poll_event()).count();
    assert_eq!(told, WATCHED_MAX);
}

#[test]
fn firmware_that_begins_anew_behind_its_loader_did_not_start_it() {
    let told = |bench: &mut Bench| {
        let told = core::iter::from_fn(|| bench.watcher.poll_event());
        told.map(|(_, stage)| stage.to_string()).collect::<Vec<_>>()
    };
    let given = |file: &str| {
        let mut bench = Bench::new();
        bench.tell(discovered(false)).tell(offered(file)).tell(delivered(file)).pass(60);
        bench
    };
    let mut refused = given("ipxe.efi");
    let told_at_once = told(refused.tell(discovered(false)));
    let [line] = &told_at_once[..] else { panic!("{told_at_once:?}") };
    assert!(line.starts_with("silent: it has ipxe.efi, and 60 s later its firmware began anew"));
    assert!(line.contains("Secure Boot refuses the file"), "{line}");
    // The next way to boot, with the same end.
    refused.tell(offered("ipxe.efi")).tell(delivered("ipxe.efi"));
    assert_eq!(told(refused.tell(discovered(false))), [""; 0].as_slice());
    // What runs asks for itself, or fetches more.
    assert_eq!(told(given("ipxe.efi").tell(discovered(true))), [""; 0].as_slice());
    let mut goes_on = given("shimx64.efi");
    goes_on.tell(delivered("grub/grub.cfg"));
    assert_eq!(told(goes_on.tell(discovered(false))), [""; 0].as_slice());
}

#[test]
fn a_program_for_others_is_told_at_once_and_once() {
    let mut bench = Bench::new();
    let delivered = |file: &str| Stage::Delivered {
        file: file.into(),
        bytes: 70_000,
        elapsed: SECOND,
        resent_percent: 0,
    };
    let drain = |bench: &mut Bench| {
        let told: Vec<Stage> =
            core::iter::from_fn(|| bench.watcher.poll_event()).map(|(_, stage)| stage).collect();
        told
    };
    bench.tell(discovered(false)).tell(delivered("undionly.kpxe"));
    let told = drain(&mut bench);
    let [Stage::Silent { what, is_fault: true, .. }] = &told[..] else { panic!("{told:?}") };
    assert_eq!(what, "we gave undionly.kpxe to x64-uefi, and that is a program for BIOS");
    bench.tell(discovered(false)).tell(delivered("undionly.kpxe"));
    assert_eq!(drain(&mut bench), []);
    // iPXE reads what it likes, and another machine got its own.
    let mut bench = Bench::new();
    bench.tell(discovered(false)).tell(delivered("ipxe.efi"));
    bench.tell(discovered(true)).tell(delivered("memdisk.0"));
    assert_eq!(drain(&mut bench), []);
}

/// Another server's offer is no step of the boot; it says why the next one does not come.
#[test]
fn what_was_seen_of_others_offers_comes_first_among_the_causes() {
    let rival = |id| Stage::Rival {
        id,
        server: Ipv4Addr::new(192, 0, 2, 3),
        what: "what".into(),
        advice: "Do so.",
        is_fault: true,
    };
    let first = "Likely because the offer it chose came from another proxy;";
    let boot = |bench: &mut Bench| {
        bench.tell(discovered(false)).tell(offered("ipxe.efi")).pass(4).tell(addressed());
    };
    let mut bench = Bench::new();
    boot(bench.tell(discovered(false)).tell(offered("ipxe.efi")).tell(rival("two-proxies")));
    bench.tell(rival("two-proxies")).pass(41);
    assert!(bench.told[0].contains(first), "{:?}", bench.told);
    bench.told("it took an address from another DHCP server");
    // It booted since, and nobody else was heard.
    bench.pass(700).tell(discovered(false)).tell(requested("ipxe.efi")).tell(delivered("ipxe.efi"));
    boot(&mut bench);
    bench.told.clear();
    bench.pass(41);
    assert!(!bench.told[0].contains(first), "{:?}", bench.told);
}
