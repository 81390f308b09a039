//! Real firmware boots into a fault: what the server tells of it, at once in its log and afterwards by `explain`.

use core::time::Duration;
use std::fs;
use std::time::Instant;

use super::cases::{ANOTHER, drop_port};
use super::ground::{Ground, filter};
use super::images::{self, OLD, OLD_CANNOT};
use super::programs::LOADERS;
use super::{Play, Set};
use crate::error::{Context as _, Result, fail};
use crate::interrupt;
use crate::lab::firmware::Machine;
use crate::lab::vm::{Vm, mac_text};
use crate::lab::wire::SERVER_ADDRESS;
use crate::process::tail;

/// Emulated firmware takes half a minute until it asks, and silence is told after 40 s.
const PATIENCE: Duration = Duration::from_secs(200);
const LOOK_EVERY: Duration = Duration::from_millis(500);

pub(super) const PLAYS: &[Play] = &[
    Play { name: "uefi-option-60", act: option_60 },
    Play { name: "uefi-two-proxies", act: two_proxies },
    Play { name: "uefi-file-beside-ours", act: file_beside_ours },
    Play { name: "uefi-tftp-dropped", act: tftp_dropped },
    Play { name: "uefi-mtu", act: mtu },
    Play { name: "uefi-wrong-file", act: wrong_file },
    Play { name: "bios-denied", act: denied },
    Play { name: "uefi-image", act: image },
];

fn option_60(set: &Set<'_>) -> Result<String> {
    let mut ground = Ground::build(set)?;
    ground.dhcp(&["--dhcp-option-force=60,PXEClient"])?;
    ground.serve_well("proxy")?;
    // What was heard, and what followed from it.
    boot(
        &ground,
        Machine::X64Uefi,
        &[
            &["rival: 10.77.0.1 sends option 60 \"PXEClient\" with its addresses"],
            &["silent: ", "another DHCP server", "sends option 60 \"PXEClient\" itself"],
        ],
    )
}

/// Firmware takes one of two proxies; whichever that is, both are named.
fn two_proxies(set: &Set<'_>) -> Result<String> {
    let mut ground = Ground::build(set)?;
    ground.dhcp(&[])?;
    ground.serve_well("proxy")?;
    // dnsmasq has two names for the architecture, and changed which is which.
    let services = ["x86-64_EFI", "BC_EFI"]
        .map(|arch| format!("--pxe-service={arch},another,another.efi,{ANOTHER}"));
    let words = ["--dhcp-range=10.77.0.0,proxy", &services[0], &services[1]];
    ground.other("another", ANOTHER, &words)?;
    let parts = ["rival: 2 proxies answer it: 10.77.0.2 and 10.77.0.3"];
    boot(&ground, Machine::X64Uefi, &[&parts])
}

/// The DHCP server names a file for others; our offer is taken before it, which is as it should be.
fn file_beside_ours(set: &Set<'_>) -> Result<String> {
    let mut ground = Ground::build(set)?;
    let file = format!("--dhcp-boot=undionly.kpxe,,{SERVER_ADDRESS}");
    ground.dhcp(&[&file])?;
    ground.serve_well("proxy")?;
    let parts =
        ["rival: 10.77.0.1 names undionly.kpxe to x64-uefi, and that is a program for BIOS"];
    boot(&ground, Machine::X64Uefi, &[&parts, &["delivered ipxe.efi"]])
}

fn tftp_dropped(set: &Set<'_>) -> Result<String> {
    let mut ground = Ground::build(set)?;
    ground.dhcp(&[])?;
    ground.serve_well("proxy")?;
    drop_port(&ground, "69")?;
    let parts = ["silent: ", "asked for no file", "a firewall drops UDP port 69"];
    let told = boot(&ground, Machine::X64Uefi, &[&parts])?;
    // A DHCP server that names no file is no rival.
    match ground.story().iter().find(|line| line.contains("rival: ")) {
        Some(line) => fail(format!("nobody competes with our offer, and it is told: {line}")),
        None => Ok(told),
    }
}

/// A switch carries less than both ends say; EDK2 asks for the largest blocks that an Ethernet has room for. The MTU of a
/// tap would not do: a window that the kernel hands on in one piece, for a card to cut, passes it.
fn mtu(set: &Set<'_>) -> Result<String> {
    let mut ground = Ground::build(set)?;
    ground.dhcp(&[])?;
    ground.serve_well("proxy")?;
    filter(ground.wire.lan(), "bridge", "forward", "meta length gt 1300 drop")?;
    let parts = [
        "failed ipxe.efi: a block of 1468 bytes was sent",
        "never acknowledged, although it acknowledged the options",
        "packets of 1500 bytes are lost on the way",
        "carries smaller packets (MTU) than both ends",
        "block_size_max = 1024",
    ];
    boot(&ground, Machine::X64Uefi, &[&parts])
}

fn wrong_file(set: &Set<'_>) -> Result<String> {
    let mut ground = Ground::build(set)?;
    let file = format!("--dhcp-boot=undionly.kpxe,,{SERVER_ADDRESS}");
    ground.dhcp(&[&file])?;
    ground.serve_well("observe")?;
    let parts = ["undionly.kpxe to x64-uefi, and that is a program for BIOS"];
    let told = boot(&ground, Machine::X64Uefi, &[&parts])?;
    // The same words.
    ground.doctor(&[])?.names_first("wrong-architecture", "undionly.kpxe to x")?;
    Ok(told)
}

fn denied(set: &Set<'_>) -> Result<String> {
    let mut ground = Ground::build(set)?;
    ground.dhcp(&[])?;
    let mac = mac_text(Machine::Bios.hardware_address());
    ground.serve("proxy", &format!("[[host]]\nmac = \"{mac}\"\nboot = false\n\n{LOADERS}"))?;
    boot(&ground, Machine::Bios, &[&["denied"]])
}

/// It is to boot an image that only a BIOS boots; its iPXE is that of the system's package.
fn image(set: &Set<'_>) -> Result<String> {
    let mut ground = Ground::build(set)?;
    ground.dhcp(&[])?;
    images::make(set)?;
    let placeholder = set.folder.join("boot/ipxe.efi");
    fs::remove_file(&placeholder).context(|| format!("removing {}", placeholder.display()))?;
    let mac = mac_text(Machine::X64Uefi.hardware_address());
    ground.serve("proxy", &format!("[[host]]\nmac = \"{mac}\"\nimage = \"{OLD}\"\n"))?;
    boot(&ground, Machine::X64Uefi, &[&["failed menu.ipxe", "meant to: old.iso", OLD_CANNOT]])
}

/// Switches a machine on, and waits until each of `lines` is a line of its story, by its parts; `explain` and the page
/// must hold them too. The first of the lines.
fn boot(ground: &Ground<'_>, machine: Machine, lines: &[&[&str]]) -> Result<String> {
    let tap = ground.wire.tap(&format!("t-{}", machine.name()))?;
    let vm = Vm::start(machine, &tap, &ground.folder)?;
    let mac = mac_text(machine.hardware_address());
    let deadline = Instant::now() + PATIENCE;
    let told = loop {
        let story: Vec<String> =
            ground.story().into_iter().filter(|line| line.starts_with(&mac)).collect();
        let told = |parts: &&[&str]| {
            story.iter().find(|line| parts.iter().all(|part| line.contains(part)))
        };
        if let Some(first) = lines.first().and_then(told)
            && lines.iter().all(|parts| told(parts).is_some())
        {
            break first.clone();
        }
        if Instant::now() > deadline {
            let (story, screen) = (tail(&story.join("\n"), 8), tail(&vm.screen(), 6));
            return fail(format!(
                "not all told of {lines:?} in {PATIENCE:?}; the story:\n{story}\nthe screen:\n{screen}"
            ));
        }
        interrupt::pause(LOOK_EVERY)?;
    };
    drop(vm);
    for part in lines.iter().copied().flatten() {
        ground.explains(&mac, part)?;
        ground.page_tells(&mac, part)?;
    }
    Ok(told)
}
