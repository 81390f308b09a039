//! What is made for one machine: given to it, and to nobody else who does not show the token of its boot.

use std::fs;
use std::net::Ipv4Addr;
use std::os::unix::fs::PermissionsExt;

use crate::common::{Client, Folder, Server};
use crate::wire::{connect_from, get};

const MAC: [u8; 6] = [0x52, 0x54, 0, 0xaa, 0, 1];
const STRANGER: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 9);

const CONFIG: &str = "\
[[host]]
mac = \"52:54:00:aa:00:01\"
hostname = \"node1\"
seed = \"ubuntu\"
vars = { disk = \"/dev/vda\" }
[[host]]
mac = \"52:54:00:aa:00:02\"
seed = \"ubuntu\"
[[host]]
mac = \"52:54:00:aa:00:03\"
seed = \"ubuntu\"
boot = false
";

fn start(name: &str) -> (Folder, Server) {
    let folder = Folder::new(name);
    let data = "{{ hostname }} {{ vars.disk }} {{ secrets.password }}\nnext {{ seed }}\n";
    folder.write("seeds/ubuntu/user-data", data.as_bytes());
    folder.write("secrets.toml", b"[all]\npassword = \"hunter2\"\n");
    let secrets = folder.0.join("secrets.toml");
    fs::set_permissions(secrets, fs::Permissions::from_mode(0o600)).expect("mode");
    // Top-level keys stand before the first table.
    let server = Server::start_top(&folder, "secrets = \"secrets.toml\"\n", CONFIG);
    (folder, server)
}

fn get_from(server: &Server, address: Ipv4Addr, path: &str) -> (u16, String) {
    let reply = connect_from(address, server.http).ask("GET", path, "");
    (reply.status(), reply.text().to_owned())
}

#[test]
fn a_machine_gets_its_seed_and_a_stranger_does_not() {
    let (_folder, mut server) = start("seeds");
    let path = "/seed/52:54:00:aa:00:01/user-data";
    // Nobody has said yet who it is.
    assert_eq!(get(server.http, path).status(), 403);
    server.expect("seed/52-54-00-aa-00-01/user-data: it is 52:54:00:aa:00:01's, and nobody knows that 127.0.0.1 is");
    let client = Client::new(&server, MAC, 7);
    client.introduce(server.boot_server);
    server.expect("52:54:00:aa:00:01 ");
    drop(client);
    let mut reply = get(server.http, path);
    while reply.status() == 403 {
        // The datagram is on its way.
        reply = get(server.http, path);
    }
    let text = reply.text().to_owned();
    let origin = format!("http://127.0.0.1:{}", server.http);
    let begin = format!("node1 /dev/vda hunter2\nnext {origin}/seed/52-54-00-aa-00-01/");
    assert!(reply.status() == 200 && text.starts_with(&begin), "{text}");
    assert_eq!(get_from(&server, STRANGER, path).0, 403);
    // Another machine's is not for this one either, nor what is there for nobody.
    assert_eq!(get(server.http, "/seed/52:54:00:aa:00:02/user-data").status(), 403);
    server.expect("and 127.0.0.1 is another machine");
    for (name, status) in [("meta-data", 200), ("vendor-data", 404), ("../x", 404), ("", 404)] {
        let path = format!("/seed/52-54-00-aa-00-01/{name}");
        assert_eq!(get(server.http, &path).status(), status, "{path}");
    }
    // With the token of its boot the machine may have it from wherever it is.
    let token = text.trim_end().trim_end_matches('/').rsplit('/').next().expect("a token");
    assert_eq!(token.len(), 32);
    let with = |token: &str| format!("/seed/52-54-00-aa-00-01/{token}/user-data");
    assert_eq!(get_from(&server, STRANGER, &with(token)), (200, text.clone()));
    assert_eq!(get_from(&server, STRANGER, &with(&"0".repeat(32))).0, 403);
    let other = format!("/seed/52-54-00-aa-00-02/{token}/user-data");
    assert_eq!(get_from(&server, STRANGER, &other).0, 403);
    server.expect("that is not the token of a boot of 52:54:00:aa:00:02");
    server.expect("52:54:00:aa:00:01 delivered seed/52-54-00-aa-00-01/user-data");
    let log = server.log();
    assert!(!log.contains(token) && !log.contains("hunter2"), "{log}");
}

#[test]
fn a_fault_of_a_template_is_told_and_one_that_must_not_boot_gets_none() {
    let (folder, mut server) = start("seeds-faults");
    folder.write("seeds/ubuntu/ks.cfg", b"a\nb {{ vars.ram }}\n");
    let client = Client::new(&server, MAC, 7);
    client.boot_file(pxe_dhcp::MessageType::REQUEST, server.boot_server);
    server.expect("acknowledged ");
    drop(client);
    assert_eq!(get(server.http, "/seed/525400aa0001/ks.cfg").status(), 500);
    server.expect(
        "failed seed/52-54-00-aa-00-01/ks.cfg: ubuntu/ks.cfg, line 2: `vars.ram` is not defined",
    );
    folder.write("seeds/ubuntu/ks.cfg", b"mended\n");
    assert_eq!(get(server.http, "/seed/525400aa0001/ks.cfg").text(), "mended\n");
    let banned = Client::new(&server, [0x52, 0x54, 0, 0xaa, 0, 3], 7);
    banned.introduce(server.boot_server);
    drop(banned);
    let path = "/seed/52-54-00-aa-00-03/user-data";
    while !server.log().contains("52:54:00:aa:00:03 denied") {
        assert_eq!(get(server.http, path).status(), 403);
    }
}
