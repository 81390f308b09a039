//! The models send what real firmware was seen to send: the same options in the same order, with
//! the same values, but for what names the machine. Captures are those of `pxe-dhcp`'s vectors.

use std::path::Path;
use std::time::Instant;

use pxe_sim::firmware::Machine;
use pxe_sim::firmware::edk2_http::Edk2Http;
use pxe_sim::firmware::edk2_pxe::{Edk2Pxe, Era};
use pxe_sim::firmware::ipxe::{Build, Ipxe};
use pxe_sim::firmware::uboot::{ProxySupport, UBoot};
use pxe_sim::network::{Datagram, Node, Outbox};
use pxe_sim::wire::Reader;

/// Options that name the machine or its network card.
const IDENTITY: &[u8] = &[61, 97];

fn capture(name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../pxe-dhcp/tests/vectors");
    let path = folder.join(format!("{name}.bin"));
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The first datagram a model sends.
fn first(mut model: impl Node) -> Datagram {
    let now = Instant::now();
    let mut out = Outbox::default();
    model.handle_timeout(now, &mut out);
    let (_, datagram) = out.into_sends().into_iter().next().expect("a DISCOVER");
    datagram
}

#[track_caller]
fn check(model: impl Node, name: &str, skip_values_of: &[u8]) {
    let sent = first(model);
    let captured = capture(name);
    let model = Reader::new(&sent.payload).expect("a DISCOVER");
    let real = Reader::new(&captured).expect("a DISCOVER");
    assert_eq!(model.broadcast(), real.broadcast(), "broadcast flag");
    let shape = |reader: &Reader<'_>| -> Vec<(u8, Vec<u8>)> {
        let named = |code| IDENTITY.contains(&code) || skip_values_of.contains(&code);
        reader
            .options()
            .map(|(code, value)| match named(code) {
                true => (code, vec![]),
                false => (code, value.to_vec()),
            })
            .collect()
    };
    assert_eq!(shape(&model), shape(&real), "{name}");
}

#[test]
fn edk2_pxe() {
    for (arch, name) in [
        (6, "ovmf-ia32-grub-001-discover"),
        (7, "ipxe-bios-and-ovmf-x64-chain-025-discover"),
        (11, "aavmf-arm64-shim-then-http-001-discover"),
    ] {
        let model = Edk2Pxe::new(Machine::new(1, arch), Era::Current, Instant::now());
        check(model, name, &[]);
    }
}

#[test]
fn edk2_http() {
    for (arch, name) in
        [(16, "ovmf-x64-http-001-discover"), (19, "aavmf-arm64-shim-then-http-037-discover")]
    {
        // One byte of option 55 is whatever was on the stack.
        check(Edk2Http::new(Machine::new(1, arch), Instant::now()), name, &[55]);
    }
}

#[test]
fn ipxe() {
    // Option 175 names the network card and the build's features.
    for (arch, build, name) in [
        (0, Build::Rom, "ipxe-bios-and-ovmf-x64-chain-001-discover"),
        (7, Build::Chained, "ipxe-bios-and-ovmf-x64-chain-050-discover"),
    ] {
        check(Ipxe::new(Machine::new(1, arch), build, Instant::now()), name, &[175]);
    }
}

#[test]
fn u_boot() {
    for (arch, class, name) in [
        (0x16, "U-Boot.armv8", "uboot-arm64-002-discover"),
        (11, "PXEClient:Arch:00011:UNDI:003000", "uboot-arm64-027-discover"),
    ] {
        let machine = Machine::new(1, arch);
        let model = UBoot::new(machine, class, ProxySupport::Absent, Instant::now());
        check(model, name, &[]);
    }
}
