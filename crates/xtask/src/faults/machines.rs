//! Real firmware boots into a fault: what the server tells of it, at once in its log and afterwards by `explain`.

use core::time::Duration;
use std::time::Instant;

use super::cases::drop_port;
use super::ground::Ground;
use super::programs::LOADERS;
use super::{Play, Set};
use crate::error::{Result, fail};
use crate::interrupt;
use crate::lab::firmware::Machine;
use crate::lab::vm::{Vm, mac_text};
use crate::lab::wire::{SERVER_ADDRESS, Tap};
use crate::process::tail;

/// Emulated firmware takes half a minute until it asks, and silence is told after 40 s.
const PATIENCE: Duration = Duration::from_secs(200);
const LOOK_EVERY: Duration = Duration::from_millis(500);

pub(super) const PLAYS: &[Play] = &[
    Play { name: "uefi-option-60", act: option_60 },
    Play { name: "uefi-tftp-dropped", act: tftp_dropped },
    Play { name: "uefi-mtu", act: mtu },
    Play { name: "uefi-wrong-file", act: wrong_file },
    Play { name: "bios-denied", act: denied },
];

fn option_60(set: &Set<'_>) -> Result<String> {
    let mut ground = Ground::build(set)?;
    ground.dhcp(&["--dhcp-option-force=60,PXEClient"])?;
    ground.serve_well("proxy")?;
    boot(
        &ground,
        Machine::X64Uefi,
        &["silent: ", "another DHCP server", "sends option 60 \"PXEClient\" itself"],
    )
}

fn tftp_dropped(set: &Set<'_>) -> Result<String> {
    let mut ground = Ground::build(set)?;
    ground.dhcp(&[])?;
    ground.serve_well("proxy")?;
    drop_port(&ground, "69")?;
    let parts = ["silent: ", "asked for no file", "a firewall drops UDP port 69"];
    boot(&ground, Machine::X64Uefi, &parts)
}

/// What lies between carries less than both ends say; EDK2 asks for the largest blocks that an Ethernet has room for.
fn mtu(set: &Set<'_>) -> Result<String> {
    let mut ground = Ground::build(set)?;
    ground.dhcp(&[])?;
    ground.serve_well("proxy")?;
    // What leaves as one piece, to be cut by a card that is not there, passes every MTU.
    ground.boot.ip("link set eth0 gso_max_segs 1")?;
    let tap = tap(&ground, Machine::X64Uefi)?;
    ground.wire.lan().ip(&format!("link set {} mtu 1300", tap.interface))?;
    let parts = [
        "failed ipxe.efi: a block of 1468 bytes was sent",
        "never acknowledged, although it acknowledged the options",
        "packets of 1500 bytes are lost on the way",
        "carries smaller packets (MTU) than both ends",
        "block_size_max = 1024",
    ];
    boot_at(&ground, Machine::X64Uefi, &tap, &parts)
}

fn wrong_file(set: &Set<'_>) -> Result<String> {
    let mut ground = Ground::build(set)?;
    let file = format!("--dhcp-boot=undionly.kpxe,,{SERVER_ADDRESS}");
    ground.dhcp(&[&file])?;
    ground.serve_well("observe")?;
    let parts = ["undionly.kpxe to x64-uefi, and that is a program for BIOS"];
    let told = boot(&ground, Machine::X64Uefi, &parts)?;
    // The same words.
    ground.doctor(&[])?.names_first("wrong-architecture", "undionly.kpxe to x")?;
    Ok(told)
}

fn denied(set: &Set<'_>) -> Result<String> {
    let mut ground = Ground::build(set)?;
    ground.dhcp(&[])?;
    let mac = mac_text(Machine::Bios.hardware_address());
    ground.serve("proxy", &format!("[[host]]\nmac = \"{mac}\"\nboot = false\n\n{LOADERS}"))?;
    boot(&ground, Machine::Bios, &["denied"])
}

/// Switches a machine on, and waits for a line of its story that holds all of `parts`; `explain` must hold them too.
fn boot(ground: &Ground<'_>, machine: Machine, parts: &[&str]) -> Result<String> {
    boot_at(ground, machine, &tap(ground, machine)?, parts)
}

fn tap(ground: &Ground<'_>, machine: Machine) -> Result<Tap> {
    ground.wire.tap(&format!("t-{}", machine.name()))
}

/// The same, plugged in here.
fn boot_at(ground: &Ground<'_>, machine: Machine, tap: &Tap, parts: &[&str]) -> Result<String> {
    let vm = Vm::start(machine, tap, &ground.folder)?;
    let mac = mac_text(machine.hardware_address());
    let deadline = Instant::now() + PATIENCE;
    let told = loop {
        let story: Vec<String> =
            ground.story().into_iter().filter(|line| line.starts_with(&mac)).collect();
        let holds = |line: &&String| parts.iter().all(|part| line.contains(part));
        if let Some(line) = story.iter().find(holds) {
            break line.clone();
        }
        if Instant::now() > deadline {
            let (story, screen) = (tail(&story.join("\n"), 8), tail(&vm.screen(), 6));
            return fail(format!(
                "nothing told of {parts:?} in {PATIENCE:?}; the story:\n{story}\nthe screen:\n{screen}"
            ));
        }
        interrupt::pause(LOOK_EVERY)?;
    };
    drop(vm);
    for part in parts {
        ground.explains(&mac, part)?;
        ground.page_tells(&mac, part)?;
    }
    Ok(told)
}
