use core::net::Ipv4Addr;

use pxe_image::Cpu;
use pxe_select::Firmware;

use super::*;
use crate::config::DhcpMode;
use crate::content::{Program, Unfit};
use crate::doctor::answer::{Answer, Class};
use crate::doctor::facts::{
    BootAnswer, Fetched, ImageSeen, Loader, Outcome, Reached, Segment, not_for,
};
use crate::doctor::question::Question;

const ROUTER: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
const US: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 5);
const OTHER: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 6);
const GIVEN: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 100);

/// The right file of each firmware that has one here.
fn right(question: &Question) -> &'static str {
    match (question.ipxe, question.firmware.is_http(), question.firmware.over_tftp()) {
        (true, _, _) => "http://192.0.2.5:8080/boot/menu.ipxe",
        (_, false, Firmware::Bios) => "undionly.kpxe",
        (_, false, Firmware::X86Uefi) => "ipxe32.efi",
        (_, false, Firmware::X64Uefi) => "ipxe.efi",
        (_, false, Firmware::Arm64Uefi) => "ipxe-arm64.efi",
        (_, true, Firmware::X64Uefi) => "http://192.0.2.5:8080/boot/ipxe.efi",
        _ => "",
    }
}

fn offer(question: usize) -> Answer {
    Answer {
        question,
        server: Some(ROUTER),
        source: Some(ROUTER),
        address: Some(GIVEN),
        mask: true,
        ..Answer::default()
    }
}

fn proxy(question: usize, server: Ipv4Addr, asked: &Question) -> Answer {
    Answer {
        question,
        server: Some(server),
        source: Some(server),
        next_server: Some(server),
        file: right(asked).to_owned(),
        class: if asked.firmware.is_http() { Class::Http } else { Class::Pxe },
        ..Answer::default()
    }
}

/// A router that gives addresses, and our proxy: all is well.
fn well() -> Facts {
    let questions = Question::all();
    let mut answers = Vec::new();
    let mut boot_answers = Vec::new();
    for (at, asked) in questions.iter().enumerate() {
        answers.push(offer(at));
        if right(asked).is_empty() {
            continue;
        }
        let named = proxy(at, US, asked);
        if named.needs_boot_server(asked) {
            let answer = Some(named.clone());
            boot_answers.push(BootAnswer {
                question: at,
                server: US,
                reached: Reached::Answered,
                answer,
            });
        }
        answers.push(named);
    }
    let segment = Segment {
        interface: "eth0".into(),
        address: US,
        mtu: Some(1_500),
        mac: [2, 0, 0, 0, 0, 1],
        questions,
        answers,
        boot_answers,
        by_relay: None,
        sent: 21,
        error: None,
    };
    let mut facts = Facts { segments: vec![segment], ..Facts::default() };
    facts.local.running = true;
    facts.local.configured = true;
    facts.local.own = vec![US];
    facts.files.push(fetched("ipxe.efi", &facts, Outcome::Delivered { size: None }));
    facts
}

fn place(facts: &Facts, firmware: Firmware) -> usize {
    let questions = &facts.segments[0].questions;
    questions.iter().position(|it| it.firmware == firmware && !it.ipxe).expect("asked")
}

fn fetched(file: &str, facts: &Facts, outcome: Outcome) -> Fetched {
    Fetched {
        server: US.to_string(),
        file: file.to_owned(),
        http: false,
        bait: None,
        told: vec![(0, place(facts, Firmware::X64Uefi))],
        outcome,
        program: None,
    }
}

fn faults(facts: &Facts) -> Vec<&'static str> {
    findings(facts).iter().filter(|it| it.is_fault).map(|it| it.id).collect()
}

fn find(facts: &Facts, id: &str) -> Finding {
    let list = findings(facts);
    let found = list.iter().find(|it| it.id == id);
    found.unwrap_or_else(|| panic!("no {id} in {list:#?}")).clone()
}

#[test]
fn a_healthy_network_has_no_fault() {
    assert_eq!(faults(&well()), <[&str; 0]>::default());
}

/// What a case changes of what was found.
type Change<'c> = dyn Fn(&mut Facts) + 'c;

#[test]
fn every_planted_fault_is_named_and_comes_first() {
    let cases: [(&str, &Change<'_>); 21] = [
        ("no-answer", &|it| it.segments[0].answers.clear()),
        ("proxy-only", &|it| it.segments[0].answers.retain(Answer::is_proxy)),
        ("container-without-broadcasts", &|it| {
            it.segments[0].answers.clear();
            it.local.container = true;
        }),
        ("relay-missing", &|it| it.segments[0].by_relay = Some((OTHER, Reached::Answered))),
        ("server-unheard", &|it| it.segments[0].by_relay = Some((OTHER, Reached::Silent))),
        ("own-server-silent", &|it| it.segments[0].answers.retain(|it| it.address.is_some())),
        ("pool-exhausted", &|it| it.local.pools = vec![("192.0.2.0/24".into(), 5, 5)]),
        ("two-proxies", &|it| {
            let asked = it.segments[0].questions.clone();
            let more = asked.iter().enumerate().filter(|(_, it)| it.firmware == Firmware::Bios);
            let more = more.map(|(at, it)| Answer { file: "x.0".into(), ..proxy(at, OTHER, it) });
            it.segments[0].answers.extend(more.collect::<Vec<_>>());
        }),
        ("two-dhcp-servers", &|it| {
            it.segments[0].answers.push(Answer { server: Some(OTHER), ..offer(0) });
        }),
        ("option-60-trap", &|it| {
            for answer in it.segments[0].answers.iter_mut().filter(|it| it.address.is_some()) {
                answer.class = Class::Pxe;
            }
        }),
        ("own-address-offered", &|it| it.segments[0].answers[0].address = Some(US)),
        ("own-address-in-pool", &|it| it.local.own_in_pool = vec![US]),
        ("host-denied", &|it| {
            it.local.denied = vec![("52:54:00:aa:00:01".into(), "host[1]".into())];
            it.local.asked_as = Some("52:54:00:aa:00:01".into());
        }),
        ("bait-nobody-listens", &|it| {
            it.files[0].bait = Some("pxe-loader".into());
            it.files[0].outcome = Outcome::Closed;
        }),
        ("port-closed", &|it| it.files[0].outcome = Outcome::Closed),
        ("file-silence", &|it| it.files[0].outcome = Outcome::Silent),
        ("file-refused", &|it| it.files[0].outcome = Outcome::Refused(1, "not found".into())),
        ("mtu-too-small", &|it| {
            it.files[0].outcome = Outcome::Stalled { block_size: 1_468, small_works: true };
        }),
        ("transfer-stalls", &|it| {
            it.files[0].outcome = Outcome::Stalled { block_size: 1_468, small_works: false };
        }),
        ("wrong-architecture", &|it| it.files[0].program = Some(Program::Efi(Some(Cpu::Arm64)))),
        ("loader-missing", &|it| it.local.missing = vec![(Firmware::Bios, "install it".into())]),
    ];
    for (id, plant) in cases {
        let mut facts = well();
        plant(&mut facts);
        let found = faults(&facts);
        assert_eq!(found.first(), Some(&id), "{found:?}");
        assert!(!find(&facts, id).advice.is_empty());
    }
}

#[test]
fn boot_servers_that_say_nothing_are_told_by_how() {
    let silent = |reached| {
        let mut facts = well();
        for word in &mut facts.segments[0].boot_answers {
            (word.reached, word.answer) = (reached, None);
        }
        facts
    };
    assert_eq!(faults(&silent(Reached::Silent)), ["boot-server-silent"]);
    let closed = find(&silent(Reached::Closed), "port-closed");
    assert!(closed.what.contains("192.0.2.5:4011"), "{}", closed.what);
    assert!(closed.firmware.len() > 2, "told once for all: {:?}", closed.firmware);
}

/// One that only names files by name, and to everybody the same.
#[test]
fn one_file_for_all_is_told_once_with_those_it_is_not_for() {
    let mut facts = well();
    facts.segments[0].answers.retain(|it| it.address.is_some());
    facts.local.running = false;
    for answer in &mut facts.segments[0].answers {
        (answer.file, answer.next_server) = ("undionly.kpxe".into(), Some(OTHER));
    }
    let list = findings(&facts);
    let wrong: Vec<&Finding> = list.iter().filter(|it| it.id == "wrong-architecture").collect();
    assert_eq!(wrong.len(), 1, "{wrong:#?}");
    assert!(wrong[0].firmware.iter().any(|it| it == "x64-uefi"), "{wrong:?}");
    assert!(wrong[0].firmware.iter().all(|it| it != "bios" && !it.ends_with("-http")));
    // Beside a proxy that names the right one it keeps nobody from booting.
    let mut facts = well();
    for answer in facts.segments[0].answers.iter_mut().filter(|it| it.address.is_some()) {
        (answer.file, answer.next_server) = ("undionly.kpxe".into(), Some(OTHER));
    }
    let of_x64 = find(&facts, "wrong-architecture");
    assert!(!of_x64.is_fault, "{of_x64:?}");
}

#[test]
fn a_disc_is_no_wrong_program() {
    let not_for = |file| not_for(Program::Other, Firmware::X64UefiHttp, file);
    assert_eq!(not_for("undionly.kpxe"), Some(Unfit::NoProgram));
    assert_eq!(not_for("debian.ISO"), None);
}

#[test]
fn this_machine_is_looked_at_too() {
    let mut facts = well();
    facts.local.loaders.push(Loader {
        firmware: Firmware::X64Uefi,
        file: "ipxe.efi".into(),
        path: "boot/ipxe.efi".into(),
        program: Some(Program::Efi(Some(Cpu::Arm64))),
        is_signed: false,
        secure_boot: Some("not signed".into()),
    });
    let image = |boots: &[Firmware]| ImageSeen {
        name: "a.iso".into(),
        title: "A".into(),
        boots: boots.to_vec(),
        not: vec![(Firmware::X64Uefi, "it boots by PC BIOS only".into())],
        by_ram_disk: Vec::new(),
        warnings: Vec::new(),
    };
    facts.local.images = vec![image(&[])];
    assert_eq!(faults(&facts), ["loader-wrong-architecture", "image-cannot-boot"]);
    facts.local.images = vec![image(&[Firmware::Bios])];
    let found = find(&facts, "image-cannot-boot");
    assert!(!found.is_fault && found.what.contains("x64-uefi"), "{}", found.what);
    assert!(!find(&facts, "loader-unsigned").is_fault);
}

#[test]
fn a_pool_that_is_full_explains_our_silence() {
    let mut facts = well();
    facts.local.mode = DhcpMode::Server;
    facts.segments[0].answers.clear();
    facts.local.pools = vec![("192.0.2.0/24".into(), 5, 5)];
    assert!(!faults(&facts).contains(&"own-server-silent"));
    assert!(faults(&facts).contains(&"pool-exhausted"));
}

#[test]
fn a_second_server_with_the_same_configuration_is_worth_knowing_and_no_fault() {
    let mut facts = well();
    let asked = facts.segments[0].questions.clone();
    let more = asked.iter().enumerate().map(|(at, it)| proxy(at, OTHER, it));
    facts.segments[0].answers.extend(more.collect::<Vec<_>>());
    let list = findings(&facts);
    assert!(list.iter().any(|it| it.id == "two-proxies"), "{list:?}");
    assert!(!list.iter().any(|it| it.is_fault), "{list:?}");
}
