//! UEFI HTTP Boot and iPXE: told a URL by DHCP, served by it, and heard of when they have booted.

use crate::common::{Client, Folder, Server};
use crate::wire::{ask, connect, get};

const MAC: [u8; 6] = [0x52, 0x54, 0, 0xaa, 0, 3];

/// The path of a URL of this server.
fn path(server: &Server, url: &str) -> String {
    let base = format!("http://127.0.0.1:{}", server.http);
    url.strip_prefix(&base).unwrap_or_else(|| panic!("{url} does not lead to {base}")).to_owned()
}

#[test]
fn uefi_http_boot_is_told_a_url_and_gets_the_file() {
    let folder = Folder::new("http-boot");
    for name in ["ipxe.efi", "ipxe32.efi", "ipxe-arm64.efi"] {
        folder.write(&format!("boot/{name}"), name.repeat(300).as_bytes());
    }
    let mut server = Server::start(&folder, "");
    for (arch, name) in [(16, "ipxe.efi"), (15, "ipxe32.efi"), (19, "ipxe-arm64.efi")] {
        let client = Client::new(&server, MAC, arch);
        let url = client.http_boot_url(server.dhcp);
        let path = path(&server, &url);
        assert_eq!(path, format!("/boot/{name}"));
        // As EDK2 does: the size first, then the file, on one connection.
        let mut wire = connect(server.http);
        let agent = "Accept: */*\r\nUser-Agent: UefiHttpBoot/1.0\r\n";
        let size = wire.ask("HEAD", &path, agent);
        let file = wire.ask("GET", &path, agent);
        assert_eq!(file.body, name.repeat(300).as_bytes());
        assert_eq!(size.header("Content-Length"), Some(&*file.body.len().to_string()));
        drop(client);
    }
    server.expect("52:54:00:aa:00:03 discovered x64-uefi-http");
    server.expect(&format!("offered http://127.0.0.1:{}/boot/ipxe.efi", server.http));
}

#[test]
fn ipxe_is_sent_to_its_menu_by_http_and_finds_everything_there() {
    let folder = Folder::new("http-menu");
    folder.write("boot/rescue.ipxe", b"#!ipxe\n");
    let mut server = Server::start(&folder, "");
    let client = Client::new(&server, MAC, 7);
    let url = client.script_url(server.dhcp);
    let menu = get(server.http, &path(&server, &url));
    let base = format!("http://127.0.0.1:{}/boot/", server.http);
    assert!(menu.text().contains(&format!("set base {base}\n")), "{}", menu.text());
    assert_eq!(get(server.http, &path(&server, &format!("{base}rescue.ipxe"))).text(), "#!ipxe\n");
    server.expect(&format!("52:54:00:aa:00:03 offered {base}menu.ipxe"));
}

#[test]
fn baits_stand_for_what_each_program_can_use() {
    let folder = Folder::new("http-baits");
    folder.write("boot/ipxe.efi", &b"loader".repeat(100));
    let mut server = Server::start(&folder, "");
    let http = server.http;
    let asked = |name: &str, agent: &str| {
        ask(http, "GET", &format!("/boot/{name}"), &format!("User-Agent: {agent}\r\n"))
    };
    // A running iPXE gets its script, not a loader again.
    let script = asked("pxe-loader", "iPXE/1.21.1+ (g43f8)");
    assert!(script.text().starts_with("#!ipxe\n"), "{}", script.head);
    server.expect("127.0.0.1 asked pxe-loader: menu.ipxe because");
    // Of firmware whose architecture nobody knows: no guess, and a word about when to ask again.
    let unknown = asked("pxe-loader", "UefiHttpBoot/1.0");
    assert_eq!((unknown.status(), unknown.header("Retry-After")), (503, Some("5")));
    server.expect("127.0.0.1 held: pxe-loader:");
    let named = asked("pxe-loader_uefi.efi", "UefiHttpBoot/1.0");
    assert_eq!(named.body, b"loader".repeat(100));
    assert_eq!(named.header("Content-Type"), Some("application/efi"));
    server.expect("127.0.0.1 delivered ipxe.efi (600 bytes");
}

#[test]
fn without_http_nothing_is_promised() {
    let folder = Folder::new("http-off");
    folder.write("boot/ipxe.efi", b"loader");
    let mut server = Server::start_http(&folder, "enabled = false\n", "", &[]);
    assert!(std::net::TcpStream::connect(("127.0.0.1", server.http)).is_err());
    let client = Client::new(&server, MAC, 7);
    assert_eq!(
        client.script_url(server.dhcp),
        format!("tftp://127.0.0.1:{}/menu.ipxe", server.tftp)
    );
    let request = client.http_boot_request();
    client.socket.send_to(&request, ("127.0.0.1", server.dhcp)).expect("send");
    server.expect("held");
    assert!(!server.log().contains("HTTP 0.0.0.0"), "{}", server.log());
}

#[test]
fn a_booted_machine_says_so() {
    let folder = Folder::new("booted");
    let mut server = Server::start(&folder, "");
    Client::new(&server, MAC, 7).introduce(server.boot_server);
    server.expect("52:54:00:aa:00:03 ");
    for (target, status) in [
        ("/booted?mac=52:54:00:aa:00:03", 200),
        ("/booted?mac=52-54-00-AA-00-04", 200),
        ("/booted?mac=nonsense%0d%0a", 400),
        ("/booted", 400),
    ] {
        assert_eq!(get(server.http, target).status(), status, "{target}");
    }
    assert_eq!(ask(server.http, "HEAD", "/booted?mac=52:54:00:aa:00:05", "").status(), 200);
    server.expect("52:54:00:aa:00:03 booted (told from 127.0.0.1)");
    server.expect("52:54:00:aa:00:04 booted (told from 127.0.0.1; we never heard of this machine");
    assert!(!server.log().contains("00:05"), "{}", server.log());
}
