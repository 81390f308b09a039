//! One boot after the other against the real program.

mod common;

use common::{Client, Fetched, Folder, Server, fetch};
use pxe_dhcp::MessageType;

const MAC: [u8; 6] = [0x52, 0x54, 0, 0xaa, 0, 1];

#[test]
fn each_firmware_is_named_its_own_file_and_gets_it() {
    let folder = Folder::new("boot");
    for name in ["undionly.kpxe", "ipxe.efi", "ipxe32.efi", "ipxe-arm64.efi"] {
        folder.write(&format!("boot/{name}"), name.repeat(300).as_bytes());
    }
    let mut server = Server::start(&folder, "");
    for (arch, file) in [
        (0, "undionly.kpxe"),
        (7, "ipxe.efi"),
        (9, "ipxe.efi"),
        (6, "ipxe32.efi"),
        (11, "ipxe-arm64.efi"),
    ] {
        let client = Client::new(&server, MAC, arch);
        assert_eq!(client.boot_file(MessageType::DISCOVER, server.dhcp), file, "offer to {arch}");
        assert_eq!(
            client.boot_file(MessageType::REQUEST, server.boot_server),
            file,
            "boot server to {arch}"
        );
        assert_eq!(
            fetch(server.tftp, file.as_bytes()),
            Fetched::Whole(file.repeat(300).into_bytes())
        );
    }
    server.expect("52:54:00:aa:00:01 delivered ipxe-arm64.efi");
    assert_eq!(server.stop(), Some(0));
}

#[test]
fn unknown_firmware_gets_no_guess_and_the_log_says_why() {
    let folder = Folder::new("unknown");
    folder.write("boot/undionly.kpxe", b"bios");
    let mut server = Server::start(&folder, "");
    let client = Client::new(&server, MAC, 0x7777);
    client.socket.set_read_timeout(Some(core::time::Duration::from_millis(300))).expect("timeout");
    let request = client.request(MessageType::DISCOVER, core::net::Ipv4Addr::UNSPECIFIED);
    client.socket.send_to(&request, common::loopback(server.dhcp)).expect("send");
    let line = server.expect("52:54:00:aa:00:01 held");
    assert!(client.socket.recv_from(&mut [0; 2048]).is_err(), "an answer after: {line}");
}

#[test]
fn hosts_and_rules_win_over_loaders_and_a_denied_machine_gets_nothing() {
    let folder = Folder::new("rules");
    for name in ["ipxe.efi", "own.efi", "rule.efi"] {
        folder.write(&format!("boot/{name}"), name.as_bytes());
    }
    let mut server = Server::start(
        &folder,
        "[[host]]\nmac = \"52:54:00:aa:00:01\"\nloader = \"own.efi\"\n\
         [[host]]\nmac = \"52:54:00:aa:00:02\"\nboot = false\n\
         [[rule]]\nwhen = { arch = [\"x64-uefi\"], mac = \"52:54:00:bb:*\" }\nfile = \"rule.efi\"\n",
    );
    let own = Client::new(&server, MAC, 7);
    assert_eq!(own.boot_file(MessageType::DISCOVER, server.dhcp), "own.efi");
    drop(own);
    let ruled = Client::new(&server, [0x52, 0x54, 0, 0xbb, 0, 1], 7);
    assert_eq!(ruled.boot_file(MessageType::DISCOVER, server.dhcp), "rule.efi");
    drop(ruled);
    let denied = Client::new(&server, [0x52, 0x54, 0, 0xaa, 0, 2], 7);
    let request = denied.request(MessageType::DISCOVER, core::net::Ipv4Addr::UNSPECIFIED);
    denied.socket.send_to(&request, common::loopback(server.dhcp)).expect("send");
    server.expect("52:54:00:aa:00:02 denied");
}

#[test]
fn menus_are_made_from_what_lies_in_the_root() {
    let folder = Folder::new("menus");
    folder.write("boot/rescue.ipxe", b"#!ipxe\n");
    folder.write("boot/debian/vmlinuz", b"kernel");
    folder.write("boot/debian/initrd.gz", b"initrd");
    let server = Server::start(&folder, "");
    let text = |name: &str| match fetch(server.tftp, name.as_bytes()) {
        Fetched::Whole(bytes) => String::from_utf8(bytes).expect("text"),
        other => panic!("{name}: {other:?}"),
    };
    for name in ["menu.ipxe", "autoexec.ipxe", "/menu.ipxe"] {
        let menu = text(name);
        assert!(menu.starts_with("#!ipxe\n") && menu.contains("rescue.ipxe"), "{menu}");
        assert!(menu.contains(&format!("tftp://127.0.0.1:{}/", server.tftp)), "{menu}");
    }
    for name in ["grub.cfg", "/grub/grub.cfg", "debian-installer/arm64/grub/grub.cfg"] {
        assert!(text(name).contains("linux /debian/vmlinuz"), "{name}");
    }
    folder.write("boot/menu.ipxe", b"#!ipxe\nshell\n");
    assert_eq!(text("menu.ipxe"), "#!ipxe\nshell\n", "the real file takes the menu's place");
}

#[test]
fn an_idle_server_is_small() {
    let folder = Folder::new("small");
    let server = Server::start(&folder, "");
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.pid())).expect("status");
    let kilobytes = |name: &str| -> u64 {
        let value = status.lines().find_map(|line| line.strip_prefix(name)).expect(name);
        value.trim().trim_end_matches(" kB").parse().expect("a number of kilobytes")
    };
    let own = kilobytes("RssAnon:");
    assert!(own < 3_000, "{own} kB of its own");
    // The code of a build for debugging is several times as large as that of a release.
    let resident = kilobytes("VmRSS:");
    assert!(cfg!(debug_assertions) || resident < 10_000, "{resident} kB resident");
}
