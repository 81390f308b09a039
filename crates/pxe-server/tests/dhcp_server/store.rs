//! A store that fails: no lease is acknowledged that is not durable, and it comes back by itself.

use std::process::Command;

use pxe_dhcp::MessageType;

use crate::client::Client;
use crate::common::{Folder, program};
use crate::stage::{SUBNET, enter, serve};

/// Lets the files of a process grow up to so many bytes, as a full disk would.
fn limit_files(pid: u32, bytes: &str) {
    let pid = pid.to_string();
    let status = Command::new("prlimit")
        .args(["--pid", &pid, &format!("--fsize={bytes}:unlimited")])
        .status()
        .expect("prlimit runs: it is in util-linux");
    assert!(status.success());
}

#[test]
fn a_full_disk_stops_acknowledgements_until_there_is_room() {
    if !enter("store::a_full_disk_stops_acknowledgements_until_there_is_room") {
        return;
    }
    let folder = Folder::new("full");
    let mut server = serve(&folder, SUBNET);
    let mut one = Client::new(&server, 1);
    let ack = one.lease();
    limit_files(server.pid(), "4096");
    let mut two = Client::new(&server, 2);
    let offer = two.discover();
    let request = two.taking(&offer);
    two.ask_in_vain(&request);
    server.expect("the lease store failed, no new leases until it is back");
    // What is durable already may be said again: it extends nothing.
    let mut there = Client::bound(&server, ack.address, server.dhcp + 1, 1);
    let mut renew = there.message(MessageType::REQUEST);
    renew.set_client_address(ack.address);
    let renewed = there.ask(&renew);
    assert_eq!(renewed.kind, Some(MessageType::ACK));
    limit_files(server.pid(), "unlimited");
    server.expect("the lease store works again");
    let request = two.taking(&offer);
    assert_eq!(two.ask(&request).kind, Some(MessageType::ACK));
    assert_eq!(server.log().matches("the lease store failed").count(), 1, "told once");
}

#[test]
fn a_store_that_cannot_be_had_is_refused_at_once() {
    if !enter("store::a_store_that_cannot_be_had_is_refused_at_once") {
        return;
    }
    let folder = Folder::new("locked");
    let server = serve(&folder, SUBNET);
    let mut again = program();
    let ports = format!(
        "interfaces = [\"lo\"]\nroot = \"boot\"\n[dhcp]\nport = 6701\nboot_port = 6703\n[tftp]\nport = 6705\n\
         [http]\nenabled = false\n{SUBNET}"
    );
    folder.write("other.toml", ports.as_bytes());
    again.arg("--config").arg(folder.0.join("other.toml")).args(["--mode", "server"]);
    let refused = again.output().expect("it runs");
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(1), "{said}");
    assert!(
        said.contains(&format!("another pxe-server (pid {}) works with the folder ", server.pid())),
        "{said}"
    );

    let broken = Folder::new("broken");
    broken.write("state/leases.redb", &[7; 9000]);
    broken.write("pxe.toml", ports.as_bytes());
    let mut damaged = program();
    damaged.arg("--config").arg(broken.0.join("pxe.toml")).args(["--mode", "server", "check"]);
    let checked = damaged.output().expect("it runs");
    let said = String::from_utf8_lossy(&checked.stderr).into_owned();
    assert_eq!(checked.status.code(), Some(2), "{said}");
    assert!(said.contains("is damaged or no lease store"), "{said}");
}
