//! SIGHUP: new subnets and rules, and nothing lost.

use std::fs;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use pxe_dhcp::MessageType;

use crate::client::Client;
use crate::common::{Folder, Server};
use crate::stage::{SUBNET, enter, serve};

fn rewrite(server: &Server, folder: &Folder, from: &str, to: &str) {
    let file = folder.0.join("pxe.toml");
    let text = fs::read_to_string(&file).expect("the configuration");
    assert!(text.contains(from), "{text}");
    fs::write(&file, text.replace(from, to)).expect("written");
    kill(Pid::from_raw(server.pid().cast_signed()), Signal::SIGHUP).expect("SIGHUP");
}

#[test]
fn a_new_configuration_loses_no_lease_and_no_exchange() {
    if !enter("reload::a_new_configuration_loses_no_lease_and_no_exchange") {
        return;
    }
    let folder = Folder::new("reload");
    let mut server = serve(&folder, SUBNET);
    let (mut one, mut two) = (Client::new(&server, 1), Client::new(&server, 2));
    let ack = one.lease();
    let offer = two.discover();

    rewrite(&server, &folder, "lease = \"1h\"", "lease = \"2h\"");
    server.expect("the configuration was read again");
    let request = two.taking(&offer);
    let taken = two.ask(&request);
    assert_eq!((taken.kind, taken.address), (Some(MessageType::ACK), offer.address));
    assert_eq!(taken.option(51), Some(7200_u32.to_be_bytes().to_vec()), "the new lease time");
    let back = one.coming_back(ack.address);
    assert_eq!(one.ask(&back).kind, Some(MessageType::ACK));

    rewrite(&server, &folder, "lease = \"2h\"", "lease = \"2 weeks\"");
    server.expect("everything stays as it was");
    server.expect("expected a time like");
    let back = one.coming_back(ack.address);
    assert_eq!(one.ask(&back).option(51), Some(7200_u32.to_be_bytes().to_vec()));

    let host = "lease = \"3h\"\n[[host]]\nmac = \"52:54:00:aa:00:03\"\naddress = \"10.9.3.3\"\n\
                [[dhcp.subnet]]\nnetwork = \"10.10.0.0/24\"";
    // Further keys of the first subnet come behind it, and are of the second then.
    rewrite(&server, &folder, "lease = \"2 weeks\"", host);
    let mut three = Client::new(&server, 3);
    let deadline = std::time::Instant::now() + crate::common::PATIENCE;
    while server.log().matches("was read again").count() < 2 {
        assert!(std::time::Instant::now() < deadline, "{}", server.log());
        std::thread::sleep(core::time::Duration::from_millis(10));
    }
    assert_eq!(three.lease().address, core::net::Ipv4Addr::new(10, 9, 3, 3));
}
