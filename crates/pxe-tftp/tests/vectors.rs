//! What real firmware sent is read as it was meant, and encodes to the same bytes.

use std::fs;
use std::path::Path;

use pxe_tftp::{ErrorCode, Mode, NegotiationLimits, Packet, RequestView, negotiate};

fn vector(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors").join(name);
    fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn request(datagram: &[u8]) -> RequestView<'_> {
    match Packet::parse(datagram) {
        Ok(Packet::ReadRequest(request)) => request,
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_vector_encodes_to_itself() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors");
    let mut count = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "bin") {
            continue;
        }
        let datagram = fs::read(&path).unwrap();
        let packet = Packet::parse(&datagram).unwrap();
        let mut out = Vec::new();
        packet.encode(&mut out);
        assert_eq!(out, datagram, "{}", path.display());
        count += 1;
    }
    assert_eq!(count, 21);
}

#[test]
fn requests_of_firmware() {
    // File, then name, block size, size asked, timeout, window.
    type Row = (&'static str, &'static str, u16, bool, Option<u8>, Option<u16>);
    let table: [Row; 13] = [
        ("edk2-arm64-rrq-probe.bin", "bootnetaa64.efi", 1468, true, None, Some(4)),
        ("edk2-arm64-rrq-read.bin", "bootnetaa64.efi", 1468, false, None, Some(4)),
        ("edk2-x64-rrq-probe.bin", "ipxe.efi", 1468, true, None, Some(4)),
        ("edk2-x64-rrq-read.bin", "ipxe.efi", 1468, false, None, Some(4)),
        ("edk2-ia32-rrq-probe.bin", "grubia32.efi", 1468, true, None, Some(4)),
        ("edk2-ia32-rrq-read.bin", "grubia32.efi", 1468, false, None, Some(4)),
        ("shim-rrq-revocations.bin", "revocations_sku.efi", 512, false, None, Some(4)),
        ("shim-rrq-grub.bin", "grubaa64.efi", 512, false, None, Some(4)),
        ("ipxe-rrq.bin", "boot.ipxe", 1432, true, None, None),
        ("s390-rrq.bin", "pxelinux.cfg/01-52-54-00-aa-00-23", 1428, false, None, None),
        ("slof-rrq.bin", "pxelinux.cfg/01-52-54-00-aa-00-22", 1428, false, None, None),
        ("slof-rrq-default.bin", "pxelinux.cfg/default", 1428, false, None, None),
        ("uboot-rrq.bin", "boot.scr.uimg", 1468, false, Some(5), None),
    ];
    for (file, name, block_size, asks_size, timeout_s, window_size) in table {
        let datagram = vector(file);
        let request = request(&datagram);
        assert_eq!(request.file_name(), name.as_bytes(), "{file}");
        assert_eq!(request.mode(), Mode::Octet, "{file}");
        let values = request.options().values();
        assert_eq!(values.block_size, Some(block_size), "{file}");
        assert_eq!(values.transfer_size, asks_size.then_some(0), "{file}");
        assert_eq!(values.timeout_s, timeout_s, "{file}");
        assert_eq!(values.window_size, window_size, "{file}");
    }
}

#[test]
fn other_packets() {
    let data = vector("dnsmasq-data-boot-ipxe.bin");
    let Ok(Packet::Data { block: 1, payload }) = Packet::parse(&data) else { panic!("DATA 1") };
    assert!(payload.starts_with(b"#!ipxe\n"));
    assert_eq!(payload.len(), 165);
    for name in ["edk2-arm64-ack-0.bin", "ipxe-ack-0.bin"] {
        assert_eq!(Packet::parse(&vector(name)), Ok(Packet::Ack { block: 0 }));
    }
    let message: &[u8] = b"User aborted the transfer";
    let end = Packet::Error { code: ErrorCode::OPTION_NEGOTIATION, message };
    assert_eq!(Packet::parse(&vector("edk2-arm64-error-probe-end.bin")), Ok(end));
    let missing = vector("dnsmasq-error-not-found.bin");
    let Ok(Packet::Error { code, .. }) = Packet::parse(&missing) else { panic!("an ERROR") };
    assert_eq!(code, ErrorCode::FILE_NOT_FOUND);
}

/// dnsmasq has another order in its answers, but the same options and values.
#[test]
fn our_answers_hold_what_dnsmasq_answered() {
    for (asked, answered, size) in [
        ("edk2-arm64-rrq-probe.bin", "dnsmasq-oack-to-edk2-probe.bin", 1_072_064),
        ("ipxe-rrq.bin", "dnsmasq-oack-to-ipxe.bin", 165),
    ] {
        let (asked, answered) = (vector(asked), vector(answered));
        let request = request(&asked);
        let Ok(Packet::OptionAck(theirs)) = Packet::parse(&answered) else { panic!("an OACK") };
        let ours =
            negotiate(request.options(), request.mode(), size, &NegotiationLimits::default());
        for option in theirs {
            let option_ack = Packet::parse(ours.option_ack().unwrap());
            let Ok(Packet::OptionAck(ours)) = option_ack else { panic!("an OACK") };
            assert!(ours.iter().any(|own| own == option), "{option:?} in {ours:?}");
        }
    }
}
