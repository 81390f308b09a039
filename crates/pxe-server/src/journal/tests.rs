use core::net::Ipv4Addr;

use pxe_select::Firmware;

use super::*;
use crate::engine::{Detail, Field, LeaseStep, Stage};

const MINUTE_MS: u64 = 60_000;

fn mac(number: u32) -> ClientId {
    let [a, b, c, d] = number.to_be_bytes();
    ClientId::Mac([2, 0, a, b, c, d])
}

fn address(last: u8) -> ClientId {
    ClientId::Address(Ipv4Addr::new(192, 0, 2, last).into())
}

fn event(client: ClientId, stage: Stage) -> Event {
    Event { client, repeated: false, stage, detail: None }
}

fn discovered() -> Stage {
    Stage::Discovered { firmware: Some(Firmware::X64Uefi), ipxe: false, reasons: String::new() }
}

fn offered() -> Stage {
    Stage::Offered { file: "ipxe.efi".into() }
}

fn requested(file: &str) -> Stage {
    Stage::Requested { file: file.into(), bytes: 1_000, why: String::new() }
}

fn delivered(file: &str) -> Stage {
    Stage::Delivered { file: file.into(), bytes: 1_000, elapsed: Duration::ZERO, resent_percent: 0 }
}

struct Told {
    journal: Arc<Journal>,
    now: Instant,
    ms: u64,
}

impl Told {
    fn new() -> Self {
        Self { journal: Journal::new(), now: Instant::now(), ms: 1_700_000_000_000 }
    }

    fn tell(&self, client: ClientId, stage: Stage) {
        self.journal.tell(self.now, self.ms, &event(client, stage));
    }

    fn pass(&mut self, ms: u64) {
        self.ms += ms;
        self.now += Duration::from_millis(ms);
    }

    fn summary(&self, client: ClientId) -> MachineSummary {
        self.journal.machine(&client.to_string()).expect("a story").summary
    }

    fn words(&self, client: ClientId) -> Vec<String> {
        let story = self.journal.machine(&client.to_string()).expect("a story");
        story.entries.into_iter().map(|entry| entry.stage).collect()
    }
}

#[test]
fn a_boot_is_followed_through_its_steps() {
    let mut told = Told::new();
    let start = told.ms;
    let ipxe =
        Stage::Discovered { firmware: Some(Firmware::X64Uefi), ipxe: true, reasons: String::new() };
    let script = Stage::Offered { file: "http://192.0.2.5/menu.ipxe".into() };
    for (stage, step, verdict) in [
        (discovered(), Step::Discovered, Verdict::Waiting),
        (offered(), Step::Offered, Verdict::Waiting),
        (Stage::Acknowledged { file: "ipxe.efi".into() }, Step::Asked, Verdict::Waiting),
        (Stage::Probed { file: "ipxe.efi".into() }, Step::LoaderAsked, Verdict::Waiting),
        (requested("ipxe.efi"), Step::LoaderAsked, Verdict::Busy),
        (delivered("ipxe.efi"), Step::LoaderDelivered, Verdict::Waiting),
        (ipxe, Step::LoaderDelivered, Verdict::Waiting),
        (script, Step::LoaderDelivered, Verdict::Waiting),
        (requested("menu.ipxe"), Step::Menu, Verdict::Busy),
        (delivered("menu.ipxe"), Step::Menu, Verdict::Waiting),
        (requested("vmlinuz"), Step::Kernel, Verdict::Busy),
        (
            Stage::Progress { file: "vmlinuz".into(), bytes: 500, size: 1_000 },
            Step::Kernel,
            Verdict::Busy,
        ),
        (delivered("vmlinuz"), Step::Kernel, Verdict::Ok),
        (requested("initrd.gz"), Step::Initrd, Verdict::Busy),
        (delivered("initrd.gz"), Step::Initrd, Verdict::Ok),
        (
            Stage::Booted { from: Ipv4Addr::new(192, 0, 2, 7).into(), known: true },
            Step::Booted,
            Verdict::Ok,
        ),
    ] {
        let text = stage.to_string();
        told.tell(mac(1), stage);
        let summary = told.summary(mac(1));
        assert_eq!((summary.step, summary.verdict), (Some(step), verdict), "{text}");
        assert_eq!(summary.text, text);
        told.pass(100);
    }
    let story = told.journal.machine(&mac(1).to_string()).expect("a story");
    let summary = &story.summary;
    assert_eq!(
        (summary.firmware.as_deref(), summary.runs.as_deref()),
        (Some("x64-uefi"), Some("iPXE"))
    );
    assert_eq!((summary.boots, summary.first_seen), (1, start));
    let steps: Vec<Step> = story.stages.iter().map(|stage| stage.step).collect();
    assert!(steps.is_sorted(), "{steps:?}");
    assert_eq!((steps.len(), story.stages[3].at), (9, start + 300));

    // Started anew, even within the minute in which the same step counts as a repetition.
    let again = Event { repeated: true, ..event(mac(1), discovered()) };
    told.journal.tell(told.now, told.ms, &again);
    let summary = told.summary(mac(1));
    assert_eq!((summary.boots, summary.step), (2, Some(Step::Discovered)));
    assert_eq!((summary.verdict, summary.progress), (Verdict::Waiting, None));
}

#[test]
fn what_went_wrong_is_the_verdict() {
    for (stage, verdict) in [
        (Stage::Held { reasons: "no loader".into() }, Verdict::Held),
        (Stage::Denied { reasons: "host entry 1".into() }, Verdict::Denied),
        (Stage::Failed { file: "x".into(), reason: "y".into() }, Verdict::Failed),
        (Stage::Missing { file: "x".into(), first: "x".into(), names: 1 }, Verdict::Failed),
        (
            Stage::Silent { what: "x".into(), causes: vec![], advice: "y", is_fault: true },
            Verdict::Silent,
        ),
        (Stage::Tried { file: "x".into() }, Verdict::Waiting),
    ] {
        let told = Told::new();
        told.tell(mac(1), discovered());
        told.tell(mac(1), stage);
        assert_eq!(told.summary(mac(1)).verdict, verdict);
    }
}

/// An address that we gave, and no file with it.
fn address_alone(step: LeaseStep) -> Stage {
    Stage::Leased { step, address: Ipv4Addr::new(192, 0, 2, 7), seconds: 3_600, file: None }
}

#[test]
fn an_address_alone_is_no_news_of_a_boot() {
    let end = |last: Stage| {
        let mut told = Told::new();
        for stage in [discovered(), offered(), requested("vmlinuz"), last] {
            told.tell(mac(1), stage);
        }
        // The operating system asks for its address, and goes on with it for days.
        for (step, pause) in [
            (LeaseStep::Offered, 1_000),
            (LeaseStep::Acknowledged, 3_600_000),
            (LeaseStep::Renewed, 3_600_000),
        ] {
            told.tell(mac(1), address_alone(step));
            told.pass(pause);
        }
        let summary = told.summary(mac(1));
        (summary.verdict, summary.boots, summary.step)
    };
    let kernel = Some(Step::Kernel);
    assert_eq!(end(delivered("vmlinuz")), (Verdict::Ok, 1, kernel));
    for (stage, verdict) in [
        (Stage::Held { reasons: "no loader".into() }, Verdict::Held),
        (Stage::Denied { reasons: "host entry 1".into() }, Verdict::Denied),
        (Stage::Failed { file: "x".into(), reason: "y".into() }, Verdict::Failed),
    ] {
        assert_eq!(end(stage), (verdict, 1, kernel));
    }
}

#[test]
fn a_silence_keeps_its_causes_apart_in_memory_and_in_the_file() {
    let told = Told::new();
    let (causes, what) = (vec!["of this", "of that"], "offered, never asked".into());
    let silent = Stage::Silent { what, causes, advice: "Do so.", is_fault: true };
    let line = serde_json::to_string(&Record::new(told.ms, &event(mac(1), silent.clone())));
    told.tell(mac(1), silent);
    let restored = Journal::new();
    restored.restore(vec![serde_json::from_str(&line.expect("JSON")).expect("a record")]);
    for journal in [&told.journal, &restored] {
        let entry = &journal.machine(&mac(1).to_string()).expect("a story").entries[0];
        assert_eq!(entry.text, "silent: offered, never asked");
        assert_eq!(
            (&entry.causes[..], entry.advice.as_deref()),
            (&["of this".into(), "of that".into()][..], Some("Do so."))
        );
    }
}

#[test]
fn repetitions_are_counted_and_progress_is_one_entry() {
    let mut told = Told::new();
    told.tell(mac(1), discovered());
    told.tell(mac(1), requested("a.efi"));
    told.tell(mac(1), requested("b.efi"));
    told.pass(700);
    for _ in 0..3 {
        let again = Event { repeated: true, ..event(mac(1), requested("a.efi")) };
        told.journal.tell(told.now, told.ms, &again);
    }
    for bytes in 1..100 {
        told.tell(mac(1), Stage::Progress { file: "b.efi".into(), bytes, size: 100 });
    }
    let story = told.journal.machine(&mac(1).to_string()).expect("a story");
    let repeats: Vec<_> =
        story.entries.iter().map(|entry| (&*entry.stage, entry.repeats)).collect();
    assert_eq!(repeats, [("discovered", 0), ("requested", 3), ("requested", 0), ("progress", 0)]);
    assert_eq!(story.entries[1].repeated_at, Some(told.ms));
    assert_eq!(story.summary.progress.expect("progress").bytes, 99);
}

#[test]
fn what_an_address_did_belongs_to_its_machine_once_that_is_known() {
    let mut told = Told::new();
    told.tell(address(7), requested("ipxe.efi"));
    assert_eq!(told.words(address(7)), ["requested"]);
    told.pass(1_000);
    told.tell(mac(1), discovered());
    let seven = Ipv4Addr::new(192, 0, 2, 7);
    told.tell(mac(1), Stage::Addressed { address: seven, server: None });
    assert_eq!(told.journal.counts().machines, 1);
    assert_eq!(told.words(mac(1)), ["requested", "discovered", "addressed"]);
    assert_eq!(told.words(address(7)), told.words(mac(1)), "found by its address");
    told.tell(address(7), delivered("ipxe.efi"));
    assert_eq!(told.words(mac(1)).last().map(String::as_str), Some("delivered"));
    // Another one takes the address.
    told.tell(mac(2), discovered());
    told.tell(mac(2), Stage::Addressed { address: seven, server: None });
    told.tell(address(7), requested("b.efi"));
    assert_eq!(told.words(mac(2)), ["discovered", "addressed", "requested"]);
    // Much later nobody can tell whose it is.
    told.pass(20 * MINUTE_MS);
    told.tell(address(7), requested("c.efi"));
    assert_eq!(told.words(mac(2)).len(), 3);
    let list: Vec<String> =
        told.journal.machines(&Filter::default()).into_iter().map(|machine| machine.id).collect();
    assert_eq!(list, [address(7).to_string(), mac(2).to_string(), mac(1).to_string()]);
}

#[test]
fn a_flood_of_strangers_pushes_nobody_out_who_boots() {
    let mut told = Told::new();
    let detail = || {
        let fields = (0..8).map(|_| Field::new("class (60)", "PXEClient:Arch:00007:UNDI:003016"));
        let reasons = (0..6).map(|number| format!("rule {number} does not apply: other firmware"));
        Some(Box::new(Detail {
            address: None,
            fields: Arc::new(fields.collect()),
            reasons: Arc::new(reasons.collect()),
        }))
    };
    // One is in the middle of it, one has only just been offered its file, one is to come.
    told.tell(mac(1), discovered());
    told.tell(mac(1), requested("ipxe.efi"));
    told.tell(mac(2), discovered());
    told.tell(mac(2), offered());
    for number in 0..100_000 {
        for stage in [discovered(), offered()] {
            let event = Event { detail: detail(), ..event(mac(1_000 + number), stage) };
            told.journal.tell(told.now, told.ms, &event);
        }
        if number % 1_000 == 0 {
            told.pass(100);
            let Counts { machines, strangers, bytes, .. } = told.journal.counts();
            assert!(machines <= STORIES_MAX && strangers <= STRANGERS_MAX);
            assert!(bytes <= JOURNAL_BYTES_MAX, "{bytes}");
        }
    }
    assert!(told.journal.counts().left_out > 90_000, "{:?}", told.journal.counts());
    // What nobody will read need not be put into words, and those who have a place need not suffer from it.
    let (journal, ms) = (Arc::clone(&told.journal), told.ms);
    let stranger = mac(3_000_000);
    assert!(!journal.keeps(ms, stranger, &discovered()) && journal.keeps(ms, mac(2), &offered()));
    assert!(journal.keeps(ms, stranger, &requested("ipxe.efi")), "it would find a place");
    assert!(journal.tell(told.now, ms, &event(stranger, discovered())).left_out);
    let given = Stage::Released { address: Ipv4Addr::LOCALHOST };
    assert!(!journal.tell(told.now, ms, &event(stranger, given)).left_out, "it needs no place");
    let again = Event { repeated: true, ..event(mac(2), discovered()) };
    let known = journal.tell(told.now, ms, &again);
    assert_eq!((known.firmware.as_deref(), known.left_out), (Some("x64-uefi"), false));
    told.tell(mac(1), delivered("ipxe.efi"));
    assert_eq!(told.words(mac(1)), ["discovered", "requested", "delivered"]);
    told.tell(mac(2), requested("ipxe.efi"));
    assert_eq!(told.words(mac(2)), ["discovered", "offered", "requested"]);
    told.tell(mac(3), requested("ipxe.efi"));
    assert_eq!(told.words(mac(3)), ["requested"], "fetching a file finds a place");
    // When the flood is over, strangers make room for strangers.
    told.pass(2 * MINUTE_MS);
    assert!(told.journal.keeps(told.ms, stranger, &discovered()));
    told.tell(mac(4), discovered());
    assert_eq!(told.words(mac(4)), ["discovered"]);
}

#[test]
fn bytes_are_bounded_and_counted_right() {
    let mut told = Told::new();
    let reasons: Arc<Vec<String>> = Arc::new((0..12).map(|_| "x".repeat(1_100)).collect());
    for number in 0..12_000 {
        let detail = Some(Box::new(Detail { reasons: reasons.clone(), ..Detail::default() }));
        let stage = requested(&format!("file{number}.efi"));
        let event = Event { detail, ..event(mac(number % 300), stage) };
        told.journal.tell(told.now, told.ms, &event);
        told.pass(10);
    }
    let Counts { bytes, machines, evicted, .. } = told.journal.counts();
    assert!(bytes <= JOURNAL_BYTES_MAX, "{bytes}");
    assert!(machines <= 300 && evicted > 0, "{machines} {evicted}");
    let story = told.journal.machine(&mac(11_999 % 300).to_string()).expect("the last one");
    assert!((1..=ENTRIES_PER_STORY_MAX).contains(&story.entries.len()));
    for entry in story.entries {
        let bytes: usize = entry.reasons.iter().map(String::len).sum();
        assert!(bytes <= ENTRY_BYTES_MAX && !entry.reasons.is_empty());
    }
}

#[test]
fn changes_wake_and_are_listed_once() {
    let told = Told::new();
    let (start, all) = told.journal.changes_since(0);
    assert!(all.is_empty());
    told.tell(mac(1), discovered());
    told.tell(mac(2), discovered());
    let (sequence, changed) = told.journal.changes_since(start);
    let ids = |list: Vec<MachineSummary>| list.into_iter().map(|it| it.id).collect::<Vec<_>>();
    assert_eq!(ids(changed), [mac(1).to_string(), mac(2).to_string()]);
    assert_eq!(told.journal.changes_since(sequence), (sequence, vec![]));
    assert_eq!(told.journal.wait(sequence, Duration::from_millis(1)), sequence);
    let waiter = {
        let journal = Arc::clone(&told.journal);
        std::thread::spawn(move || journal.wait(sequence, Duration::from_secs(60)))
    };
    told.tell(mac(1), offered());
    assert!(waiter.join().expect("woken") > sequence);
    assert_eq!(ids(told.journal.changes_since(sequence).1), [mac(1).to_string()]);
    assert_eq!(told.journal.changes_since(u64::MAX).1.len(), 2, "of an earlier run");
    let filter = Filter { text: Some("IPXE.efi".into()), ..Filter::default() };
    assert_eq!(ids(told.journal.machines(&filter)), [mac(1).to_string()]);
}

#[test]
fn subscribers_hear_everything() {
    #[derive(Default)]
    struct Words(Mutex<Vec<(String, Option<String>)>>);
    impl Sink for Words {
        fn take(&self, told: &super::Told<'_>) {
            let word = told.event.stage.word().to_owned();
            let told = (word, told.firmware.map(|it| it.to_string()));
            self.0.lock().expect("not poisoned").push(told);
        }
    }
    let told = Told::new();
    let words = Arc::new(Words::default());
    told.journal.subscribe(Arc::clone(&words) as Arc<dyn Sink>);
    told.tell(mac(1), discovered());
    told.tell(mac(1), delivered("x.efi"));
    let firmware = Some("x64-uefi".to_owned());
    let expected =
        [("discovered".to_owned(), firmware.clone()), ("delivered".to_owned(), firmware)];
    assert_eq!(*words.0.lock().expect("not poisoned"), expected);
}

#[test]
fn stories_go_on_after_a_restart() {
    let folder = tempfile::tempdir().expect("a folder");
    let told = Told::new();
    let keeper =
        Keeper::start(folder.path().to_owned(), Arc::clone(&told.journal)).expect("a keeper");
    told.tell(mac(1), discovered());
    told.tell(mac(1), offered());
    told.tell(mac(1), requested("ipxe.efi"));
    let before = told.journal.machine(&mac(1).to_string()).expect("a story");
    drop(keeper);

    let after = Told { journal: Journal::new(), now: told.now, ms: told.ms };
    let _keeper =
        Keeper::start(folder.path().to_owned(), Arc::clone(&after.journal)).expect("a keeper");
    let story = after.journal.machine(&mac(1).to_string()).expect("a story");
    let texts = |story: &MachineStory| -> Vec<(u64, String)> {
        story.entries.iter().map(|entry| (entry.at, entry.text.clone())).collect()
    };
    assert_eq!(texts(&story), texts(&before));
    assert_eq!(story.stages, before.stages);
    after.tell(mac(1), delivered("ipxe.efi"));
    assert_eq!(after.words(mac(1)), ["discovered", "offered", "requested", "delivered"]);
    assert_eq!(after.summary(mac(1)).boots, 1);
}
