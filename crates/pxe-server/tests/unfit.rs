//! Images that cannot boot on the machine that is to boot them: told before it is plugged in, in its story, and to doctor,
//! in the same words.
#![cfg(feature = "http")]

mod common;

use std::fs::File;
use std::process::Output;
use std::time::{Duration, SystemTime};

use common::{Client, Fetched, Folder, Server, fetch, program};
use pxe_dhcp::MessageType;

const MAC: [u8; 6] = [0x52, 0x54, 0, 0xaa, 0, 1];
const OTHER: [u8; 6] = [0x52, 0x54, 0, 0xaa, 0, 2];
const WHY: &str = "cannot boot on x64-uefi: it is made for arm64, not for x64";

/// An EFI application for this machine (PE format, "Machine Types").
fn efi(machine: u16) -> Vec<u8> {
    let mut program = vec![0; 512];
    let machine = machine.to_le_bytes();
    for (offset, bytes) in [
        (0, &b"MZ"[..]),
        (0x3c, &[0x40]),
        (0x40, b"PE\0\0"),
        (0x44, &machine),
        (0x58, &[0x0b, 2]),
        (0x9c, &[10]),
    ] {
        program[offset..offset + bytes.len()].copy_from_slice(bytes);
    }
    program
}

/// A loader for x64, a tool for ARM64 among the images, and what is no image.
fn folder(name: &str) -> Folder {
    let folder = Folder::new(name);
    folder.write("boot/ipxe.efi", &efi(0x8664));
    folder.write("images/arm.efi", &efi(0xaa64));
    folder.write("images/torn.iso", b"no ISO");
    // A file that was written to a moment ago may still be arriving.
    for image in ["arm.efi", "torn.iso"] {
        let past = SystemTime::now() - Duration::from_secs(60);
        let file = File::options().write(true).open(folder.0.join("images").join(image));
        file.and_then(|file| file.set_modified(past)).expect("a time");
    }
    folder
}

fn run(folder: &Folder, words: &[&str]) -> Output {
    let config = folder.0.join("pxe.toml");
    program().arg("--config").arg(config).args(words).output().expect("it runs")
}

fn said(folder: &Folder, words: &[&str]) -> String {
    String::from_utf8(run(folder, words).stdout).expect("text")
}

fn config(host: &str) -> String {
    format!(
        "root = \"boot\"\nimages = \"images\"\nstate = \"state\"\n[loaders]\nx64-uefi = \"ipxe.efi\"\n{host}"
    )
}

fn host(lines: &str) -> String {
    format!("[[host]]\nmac = \"52:54:00:aa:00:01\"\n{lines}\n")
}

#[test]
fn a_described_machine_is_told_that_its_image_cannot_boot() {
    let folder = folder("unfit-described");
    let explain = |lines: &str, arch: &str, more: &[&str]| {
        folder.write("pxe.toml", config(&host(lines)).as_bytes());
        let words = ["explain", "--arch", arch, "--mac", "52:54:00:aa:00:01"];
        said(&folder, &[&words[..], more].concat())
    };
    let meant = "\nbut     ! the machine cannot boot what it is meant to: ";
    for (lines, fault) in [
        ("image = \"arm.efi\"", format!("arm.efi (EFI program (arm.efi)) {WHY}")),
        ("image = \"torn.iso\"", "torn.iso is neither ISO 9660 nor UDF".to_owned()),
        ("image = \"gone.iso\"", "there is no image gone.iso".to_owned()),
        ("image = \"arm.efi#x\"", format!("arm.efi (EFI program (arm.efi)) {WHY}")),
    ] {
        for more in [&[][..], &["--ipxe"], &["--ask", "menu.ipxe"], &["--ask", "grub.cfg"]] {
            let text = explain(lines, "x64-uefi", more);
            assert!(text.contains(&format!("{meant}{fault}")), "{lines} {more:?}: {text}");
        }
    }
    let json = explain("image = \"arm.efi\"", "x64-uefi", &["--json"]);
    let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert!(json["fault"].as_str().is_some_and(|fault| fault.contains(WHY)), "{json}");
    // A menu that has nothing for it says so; on ARM there is something, and on the host's own disk always.
    let menu = explain("hostname = \"node1\"", "x64-uefi", &[]);
    assert!(
        menu.contains(&format!(
            "nothing in it boots this machine: arm.efi (EFI program (arm.efi)) {WHY}"
        )),
        "{menu}"
    );
    for (lines, arch) in
        [("image = \"arm.efi\"", "11"), ("hostname = \"a\"", "11"), ("boot = \"local\"", "7")]
    {
        let text = explain(lines, arch, &["--ipxe"]);
        assert!(text.contains("gets      menu.ipxe") && !text.contains("but "), "{lines}: {text}");
    }
    // An order for the next boot alone counts likewise.
    folder.write("pxe.toml", config("").as_bytes());
    assert!(run(&folder, &["next-boot", "52:54:00:aa:00:01", "image", "arm.efi"]).status.success());
    let text = explain("hostname = \"node1\"", "x64-uefi", &[]);
    assert!(text.contains(&format!("{meant}arm.efi (EFI program (arm.efi)) {WHY}")), "{text}");
}

#[test]
fn the_story_tells_of_an_image_that_cannot_boot_and_of_a_menu_without_one() {
    let folder = folder("unfit-story");
    let mut server = Server::start_top(
        &folder,
        "images = \"images\"\nstate = \"state\"\n",
        &format!("[loaders]\nx64-uefi = \"ipxe.efi\"\n{}", host("image = \"arm.efi\"")),
    );
    server.expect("image arm.efi: ");
    server.expect("image torn.iso is neither");
    let boot = |server: &Server, mac| {
        let client = Client::new(server, mac, 7);
        assert_eq!(client.boot_file(MessageType::REQUEST, server.boot_server), "ipxe.efi");
        assert!(matches!(fetch(server.tftp, b"menu.ipxe"), Fetched::Whole(_)));
    };
    boot(&server, MAC);
    let fault = format!(
        "52:54:00:aa:00:01 failed menu.ipxe: the machine cannot boot what it is meant to: arm.efi (EFI program (arm.efi)) {WHY}"
    );
    server.expect(&fault);
    // The verdict, since nothing comes after it.
    let explained = || {
        let mut text = String::new();
        for _ in 0..100 {
            text = said(&folder, &["explain", "52:54:00:aa:00:01"]);
            if text.contains("failed menu.ipxe") {
                break;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        text
    };
    let text = explained();
    assert!(text.contains(&format!("verdict   failed: {}", &fault[18..])), "{text}");
    boot(&server, OTHER);
    let line = server.expect("52:54:00:aa:00:02 requested menu.ipxe (");
    assert!(
        line.contains(&format!(
            "nothing in it boots this machine: arm.efi (EFI program (arm.efi)) {WHY}"
        )),
        "{line}"
    );
    assert!(line.contains("; torn.iso is neither"), "{line}");
    // People choose there, and the local disk is left: no fault.
    assert!(!server.log().contains("52:54:00:aa:00:02 failed"), "{}", server.log());
}
