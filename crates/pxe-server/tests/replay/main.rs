//! `replay` of every capture of the repository, word for word. `UPDATE_GOLDEN=1` writes the expected texts anew: read the
//! difference before you keep it.

mod made;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::{env, fs};

use made::Made;
use serde_json::Value;

/// A policy with everything named, so that it is the same on every machine.
const CONFIG: &str = "\
root = \"boot\"
[loaders]
bios = \"undionly.kpxe\"
x86-uefi = \"ipxe32.efi\"
x64-uefi = \"ipxe.efi\"
arm64-uefi = \"grubaa64.efi\"
arm64-uboot = \"boot.scr.uimg\"
ppc64-of = \"grub.elf\"
s390x = \"kernel.s390\"
[[rule]]
when = { mac = \"02:*\" }
file = \"never.efi\"
";

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join("pxe.toml"), CONFIG).expect("written");
        fs::create_dir(folder.path().join("boot")).expect("a root");
        for name in ["ipxe.efi", "grubaa64.efi", "ok.txt"] {
            fs::write(folder.path().join("boot").join(name), name).expect("written");
        }
        Self(folder)
    }

    fn replay(&self, capture: &Path, flags: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_pxe-server"));
        let config = self.0.path().join("pxe.toml");
        command.arg("--config").arg(config).arg("replay").arg(capture).args(flags);
        command.env_remove("RUST_LOG").output().expect("it runs")
    }

    fn text(&self, capture: &Path, flags: &[&str]) -> String {
        let ran = self.replay(capture, flags);
        let errors = String::from_utf8_lossy(&ran.stderr);
        assert!(ran.status.success(), "{}: {errors}", capture.display());
        String::from_utf8(ran.stdout).expect("text")
    }
}

fn captures() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/captures");
    let mut list: Vec<PathBuf> = fs::read_dir(folder)
        .expect("captures")
        .map(|entry| entry.expect("a file").path())
        .collect();
    list.retain(|path| path.extension().is_some_and(|extension| extension == "pcap"));
    list.sort();
    list
}

#[test]
fn every_capture_has_its_text() {
    let folder = Folder::new();
    let captures = captures();
    assert_eq!(captures.len(), 8, "a new capture needs its text");
    for capture in captures {
        let name = capture.file_stem().expect("a name").to_string_lossy().into_owned();
        let golden = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/replay/golden")
            .join(format!("{name}.txt"));
        let text = folder.text(&capture, &[]);
        if env::var_os("UPDATE_GOLDEN").is_some() {
            fs::write(&golden, &text).expect("written");
        }
        let expected = fs::read_to_string(&golden).unwrap_or_default();
        assert!(text == expected, "{name} differs from {}; it is now:\n{text}", golden.display());
    }
}

#[test]
fn diagnoses_are_right() {
    let folder = Folder::new();
    let ids = |name: &str| -> Vec<(String, Vec<String>)> {
        let capture = captures().into_iter().find(|path| path.to_string_lossy().contains(name));
        let json = folder.text(&capture.expect("a capture"), &["--json"]);
        let report: Value = serde_json::from_str(&json).expect("JSON");
        let machines = report["machines"].as_array().expect("machines").iter();
        let text = |value: &Value| value.as_str().expect("text").to_owned();
        let ids = |machine: &Value| {
            let findings = machine["findings"].as_array().expect("findings").iter();
            (text(&machine["machine"]), findings.map(|finding| text(&finding["id"])).collect())
        };
        machines.map(ids).collect()
    };
    for (name, expected) in [
        ("ipxe-bios-and-ovmf", &[("52:54:00:aa:00:01", &[][..]), ("52:54:00:aa:00:02", &[])][..]),
        ("aavmf", &[("52:54:00:aa:00:03", &["file-refused", "dhcpv6"])]),
        ("ovmf-x64-pxev4", &[("52:54:00:aa:00:12", &["no-boot-information", "dhcpv6"])]),
        ("ovmf-x64-http", &[("52:54:00:aa:00:13", &["file-silence"])]),
        ("s390", &[("52:54:00:aa:00:23", &["no-boot-information", "answers-not-captured"])]),
    ] {
        let expected: Vec<(String, Vec<String>)> = expected
            .iter()
            .map(|(machine, ids)| {
                ((*machine).to_owned(), ids.iter().map(|id| (*id).to_owned()).collect())
            })
            .collect();
        assert_eq!(ids(name), expected, "{name}");
    }
}

/// The faults of a capture that was made here, and what was seen of the first of them.
fn faults(made: &Made) -> (Vec<String>, String) {
    let folder = Folder::new();
    let path = folder.0.path().join("made.pcap");
    fs::write(&path, &made.pcap).expect("written");
    let report: Value = serde_json::from_str(&folder.text(&path, &["--json"])).expect("JSON");
    let findings = report["machines"][0]["findings"].as_array().expect("findings");
    let faults = findings.iter().filter(|finding| finding["is_fault"] == true);
    let faults: Vec<&Value> = faults.collect();
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    let first = faults.first().map(|finding| text(&finding["what"])).unwrap_or_default();
    (faults.iter().map(|finding| text(&finding["id"])).collect(), first)
}

#[test]
fn blocks_that_are_too_large_for_the_way_are_told() {
    let mut made = Made::new();
    made.discover().offer().ask("ipxe.efi", 1_468).ack(0).data(1, 1_468).pass(1).data(1, 1_468);
    made.pass(3).ack(0).data(1, 1_468).give_up();
    let (ids, first) = faults(&made);
    assert_eq!(ids, ["large-packets-lost"]);
    assert!(first.starts_with("of ipxe.efi from 192.0.2.5 a block of 1468 bytes was sent 3 times"));
    assert!(first.ends_with("once more: packets of 1500 bytes are lost on the way"), "{first}");
    // One that arrives at last, and one that is small.
    for (bytes, ack) in [(1_468, Some(1)), (512, None)] {
        let mut made = Made::new();
        made.discover().offer().ask("ipxe.efi", bytes).ack(0);
        made.data(1, bytes.into()).pass(1).data(1, bytes.into());
        if let Some(block) = ack {
            made.ack(block);
        }
        assert_eq!(faults(&made).0, [""; 0], "{bytes}");
    }
}

#[test]
fn a_program_that_its_firmware_did_not_start_is_told() {
    let mut made = Made::new();
    made.discover().offer().fetch("shimx64.efi").pass(3).discover();
    let (ids, first) = faults(&made);
    assert_eq!(ids, ["loader-not-started"]);
    assert!(first.starts_with("it has shimx64.efi, and 3 s later its firmware began anew"));
    // It fetched more, it has not all of it, it is another boot.
    let mut more = Made::new();
    more.discover().offer().fetch("shimx64.efi").fetch("grub.cfg").discover();
    let mut part = Made::new();
    part.discover().offer().ask("shimx64.efi", 1_468).ack(0).data(1, 1_468).ack(1).discover();
    let mut later = Made::new();
    later.discover().offer().fetch("shimx64.efi").pass(3_600).discover();
    for made in [more, part, later] {
        let ids = faults(&made).0;
        assert!(!ids.contains(&"loader-not-started".to_owned()), "{ids:?}");
    }
}

/// The same packets as pcapng, by the little of it that is needed: section, interface, packets.
fn as_pcapng(pcap: &[u8]) -> Vec<u8> {
    let word = |at: usize| u32::from_le_bytes(pcap[at..at + 4].try_into().expect("four bytes"));
    assert_eq!(word(0), 0xa1b2_c3d4, "microseconds, little-endian");
    let mut out = Vec::new();
    let mut block = |kind: u32, body: &[u8]| {
        let length = (12 + body.len().next_multiple_of(4)) as u32;
        out.extend(kind.to_le_bytes());
        out.extend(length.to_le_bytes());
        out.extend(body);
        out.resize(out.len().next_multiple_of(4), 0);
        out.extend(length.to_le_bytes());
    };
    let unknown_length = [0xff; 8];
    block(0x0a0d_0d0a, &[&[0x4d, 0x3c, 0x2b, 0x1a, 1, 0, 0, 0], &unknown_length[..]].concat());
    block(1, &[1, 0, 0, 0, 0, 0, 4, 0]);
    let mut at = 24;
    while at < pcap.len() {
        let (seconds, micros, length) = (word(at), word(at + 4), word(at + 8) as usize);
        let time = u64::from(seconds) * 1_000_000 + u64::from(micros);
        let frame = &pcap[at + 16..at + 16 + length];
        let mut body = Vec::new();
        for word in [0, (time >> 32) as u32, time as u32, length as u32, length as u32] {
            body.extend(word.to_le_bytes());
        }
        body.extend(frame);
        block(6, &body);
        at += 16 + length;
    }
    out
}

#[test]
fn pcapng_says_the_same() {
    let folder = Folder::new();
    for capture in captures() {
        let other = folder.0.path().join("other.pcapng");
        fs::write(&other, as_pcapng(&fs::read(&capture).expect("a capture"))).expect("written");
        assert_eq!(folder.text(&other, &[]), folder.text(&capture, &[]), "{}", capture.display());
    }
}

#[test]
fn a_torn_capture_is_read_as_far_as_it_goes() {
    let folder = Folder::new();
    let whole = fs::read(&captures()[1]).expect("a capture");
    let path = folder.0.path().join("torn.pcap");
    for end in [24, 30, 40, 100, 400, 1_001, whole.len() - 1] {
        fs::write(&path, &whole[..end]).expect("written");
        let ran = folder.replay(&path, &[]);
        let said = String::from_utf8_lossy(&ran.stdout).into_owned();
        let errors = String::from_utf8_lossy(&ran.stderr).into_owned();
        assert!(ran.status.code().is_some_and(|code| code < 2), "{end}: {said}{errors}");
        assert!(!errors.contains("panicked"), "{end}: {errors}");
        if end > 400 {
            assert!(said.contains("note: the capture is torn"), "{end}: {said}{errors}");
        }
    }
    // Noise in the packets: whatever it says, it says it.
    for seed in 0..40_usize {
        let mut broken = whole.clone();
        for step in 0..60 {
            let at = 24 + (seed * 7_919 + step * 104_729) % (broken.len() - 24);
            broken[at] ^= (1 + seed * 31 + step) as u8;
        }
        fs::write(&path, &broken).expect("written");
        let ran = folder.replay(&path, &[]);
        assert!(!String::from_utf8_lossy(&ran.stderr).contains("panicked"), "seed {seed}");
    }
}

#[test]
fn what_is_no_capture_is_told() {
    let folder = Folder::new();
    for (content, text) in [
        (&b""[..], "is empty"),
        (b"hello, this is no capture at all", "is neither pcap nor pcapng"),
    ] {
        let path = folder.0.path().join("file");
        fs::write(&path, content).expect("written");
        let ran = folder.replay(&path, &[]);
        let errors = String::from_utf8_lossy(&ran.stderr);
        assert!(ran.status.code() == Some(1) && errors.contains(text), "{errors}");
    }
    let ran = folder.replay(Path::new("/no/such/file"), &[]);
    assert!(String::from_utf8_lossy(&ran.stderr).contains("cannot be read"));
}
