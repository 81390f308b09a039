//! What `explain` tells of machines that the real program saw, also after it was killed; and of described ones.

mod common;

use std::time::{Duration, Instant};

use common::{Client, Fetched, Folder, Server, efi, fetch, program};
use pxe_dhcp::MessageType;

const MAC: [u8; 6] = [0x52, 0x54, 0, 0xaa, 0, 1];

/// What `explain` prints, its exit code being 0.
fn explain(folder: &Folder, arguments: &[&str]) -> String {
    let config = folder.0.join("pxe.toml");
    let ran = program().arg("--config").arg(config).arg("explain").args(arguments).output();
    let ran = ran.expect("it runs");
    let [said, errors] = [ran.stdout, ran.stderr].map(|it| String::from_utf8(it).expect("text"));
    assert!(ran.status.success(), "{said}{errors}");
    said
}

/// The same until it says this, for at most the second that the journal may lag behind.
fn explain_until(folder: &Folder, machine: &str, text: &str) -> String {
    let begin = Instant::now();
    loop {
        let config = folder.0.join("pxe.toml");
        let ran = program().arg("--config").arg(config).args(["explain", machine]).output();
        let said = String::from_utf8(ran.expect("it runs").stdout).expect("text");
        if said.contains(text) {
            return said;
        }
        assert!(begin.elapsed() < common::PATIENCE, "no {text:?} in:\n{said}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn a_story_is_told_while_the_server_runs_survives_its_death_and_goes_on() {
    let folder = Folder::new("journal");
    folder.write("boot/ipxe.efi", &[7; 3_000]);
    let rules = "[[rule]]\nwhen = { arch = [\"bios\"] }\nfile = \"undionly.kpxe\"\n";
    let server = Server::start(&folder, rules);
    let client = Client::new(&server, MAC, 7);
    assert_eq!(client.boot_file(MessageType::DISCOVER, server.dhcp), "ipxe.efi");
    assert_eq!(client.boot_file(MessageType::REQUEST, server.boot_server), "ipxe.efi");
    assert_eq!(fetch(server.tftp, b"ipxe.efi"), Fetched::Whole(vec![7; 3_000]));
    let said = explain_until(&folder, "52:54:00:aa:00:01", "delivered ipxe.efi");
    for text in [
        "machine   52:54:00:aa:00:01\n",
        "firmware  x64-uefi, running firmware\n",
        "verdict   waiting: delivered ipxe.efi",
        "class (60) PXEClient:Arch:00007:UNDI:003000",
        "- rule 1 does not apply",
        "acknowledged ipxe.efi",
        "requested ipxe.efi (3000 bytes)",
    ] {
        assert!(said.contains(text), "no {text:?} in:\n{said}");
    }
    // `Drop` kills it with SIGKILL.
    drop((client, server));
    let line = "\n{\"at\":1,\"client\":\"52:54:00:aa:00:01\",\"stage\":\"torn";
    let path = folder.0.join("state/journal");
    let mut text = std::fs::read(&path).expect("the journal");
    text.extend(line.as_bytes());
    std::fs::write(&path, text).expect("torn");

    let mut server = Server::start(&folder, rules);
    server.expect("go on: 1");
    let client = Client::new(&server, MAC, 7);
    assert_eq!(client.boot_file(MessageType::DISCOVER, server.dhcp), "ipxe.efi");
    let said = explain_until(&folder, "52-54-00-AA-00-01", "boots     2\n");
    assert!(said.contains("delivered ipxe.efi") && !said.contains("torn"), "{said}");
    let json = explain(&folder, &["--json", "52:54:00:aa:00:01"]);
    let story: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(story["summary"]["firmware"], "x64-uefi");
    let stages: Vec<&str> = story["entries"]
        .as_array()
        .expect("entries")
        .iter()
        .map(|entry| entry["stage"].as_str().expect("a word"))
        .collect();
    let all = ["discovered", "offered", "acknowledged", "requested", "delivered", "discovered"];
    assert_eq!(stages[..6], all, "{json}");
    assert_eq!(server.stop(), Some(0));
}

#[test]
fn a_described_machine_is_told_of_a_file_that_is_not_there_or_not_for_it() {
    let folder = Folder::new("there");
    let rule =
        b"root = \"boot\"\n[[rule]]\nwhen = { arch = [\"x64-uefi\"] }\nfile = \"/own.efi\"\n";
    folder.write("pxe.toml", rule);
    let lacks = "\nbut     ! there is no own.efi in ";
    assert!(explain(&folder, &["--arch", "x64-uefi"]).contains(lacks));
    folder.write("boot/own.efi", &efi::program(efi::ARM64));
    let said = explain(&folder, &["--arch", "x64-uefi", "--json"]);
    assert!(said.contains("own.efi is a program for arm64, and x64-uefi is x64"), "{said}");
    folder.write("boot/own.efi", &efi::program(efi::X64));
    let said = explain(&folder, &["--arch", "x64-uefi"]);
    assert!(said.contains("gets      ") && !said.contains("but "), "{said}");
}

#[test]
fn a_described_machine_is_told_every_rule_and_every_mode() {
    let folder = Folder::new("described");
    folder.write("boot/ipxe.efi", b"x");
    folder.write(
        "pxe.toml",
        b"root = \"boot\"\nadvertise = \"10.9.8.7\"\n[loaders]\nx64-uefi = \"ipxe.efi\"\n\
          [[rule]]\nwhen = { subnet = \"10.2.0.0/16\" }\nfile = \"far.efi\"\n\
          [[rule]]\nwhen = { mac = \"02:*\" }\nfile = \"own.efi\"\n",
    );
    let said = explain(&folder, &["--arch", "x64-uefi", "--relay", "10.1.0.1"]);
    for text in [
        "taken for x64-uefi\ngets      ipxe.efi\n",
        "- rule 1 does not apply",
        "- rule 2 does not apply",
        "in proxy mode (as configured)\n  OFFER from 10.9.8.7:67 to 10.1.0.1:67\n",
        "  ACK from 10.9.8.7:4011 to 192.0.2.100:68\n",
        "in server mode, with a [[dhcp.subnet]]; the address is made up\n",
        "your address             10.1.0.",
        "in observe mode\n  sends nothing by DHCP\n",
        "asks for pxe-loader, and gets ipxe.efi",
        "in off mode\n  sends nothing by DHCP\n",
    ] {
        assert!(said.contains(text), "no {text:?} in:\n{said}");
    }
    let json = explain(&folder, &["--arch", "7", "--mac", "02:00:00:00:00:01", "--json"]);
    let told: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!((&told["gets"], &told["ipxe"]), (&"own.efi".into(), &false.into()));
    let asked = explain(&folder, &["--arch", "x64-uefi", "--ipxe", "--ask", "pxe-loader"]);
    assert!(asked.contains("gets      menu.ipxe") && !asked.contains("in proxy mode"), "{asked}");
    let http = explain(&folder, &["--arch", "x64-uefi", "--class", "HTTPClient"]);
    assert!(http.contains("gets      http://10.9.8.7:8080/boot/ipxe.efi"), "{http}");
}

#[test]
fn what_cannot_be_explained_is_told_with_the_next_thing_to_do() {
    let folder = Folder::new("unexplained");
    folder.write("pxe.toml", b"");
    for (arguments, text) in [
        (&["52:54:00:aa:00:09"][..], "is none of the 0 machines in the journal"),
        (&["nobody"], "neither a hardware address (52:54:00:aa:00:01) nor an IP address"),
        (&["--arch", "x64"], "there are bios, x86-uefi, x64-uefi"),
        (&["--arch", "bios", "--mac", "x"], "is no MAC address"),
        (&[], "--arch"),
    ] {
        let config = folder.0.join("pxe.toml");
        let ran = program().arg("--config").arg(config).arg("explain").args(arguments).output();
        let ran = ran.expect("it runs");
        let errors = String::from_utf8(ran.stderr).expect("text");
        assert!(!ran.status.success() && errors.contains(text), "{arguments:?}: {errors}");
    }
}
