//! SIGHUP: new subnets and rules, and nothing lost.

use core::net::Ipv4Addr;
use core::time::Duration;
use std::fs;
use std::time::Instant;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use pxe_dhcp::MessageType;

use crate::client::Client;
use crate::common::{Folder, PATIENCE, Server};
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
    assert!(taken.is_leased_for(7200), "the new lease time");
    let back = one.coming_back(ack.address);
    assert_eq!(one.ask(&back).kind, Some(MessageType::ACK));

    rewrite(&server, &folder, "lease = \"2h\"", "lease = \"2 weeks\"");
    server.expect("everything stays as it was");
    server.expect("expected a time like");
    let back = one.coming_back(ack.address);
    assert!(one.ask(&back).is_leased_for(7200));

    let host = "lease = \"3h\"\n[[host]]\nmac = \"52:54:00:aa:00:03\"\naddress = \"10.9.3.3\"\n\
                [[dhcp.subnet]]\nnetwork = \"10.10.0.0/24\"";
    // Further keys of the first subnet come behind it, and are of the second then.
    rewrite(&server, &folder, "lease = \"2 weeks\"", host);
    server.expect("it gives nobody an address: there is neither a pool nor a reservation");
    let mut three = Client::new(&server, 3);
    wait_for(&mut server, 2);
    assert_eq!(three.lease().address, Ipv4Addr::new(10, 9, 3, 3));
}

fn wait_for(server: &mut Server, reloads: usize) {
    let deadline = Instant::now() + PATIENCE;
    while server.log().matches("was read again").count() < reloads {
        assert!(Instant::now() < deadline, "{}", server.log());
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn a_subnet_that_comes_back_has_its_leases() {
    if !enter("reload::a_subnet_that_comes_back_has_its_leases") {
        return;
    }
    // Where nobody is authoritative: whoever is not known is not answered.
    let subnet = "[[dhcp.subnet]]\nnetwork = \"10.9.0.0/16\"\npool = [\"10.9.1.1\"]\n";
    let elsewhere = "[[dhcp.subnet]]\nnetwork = \"10.10.0.0/24\"\npool = [\"10.10.0.1\"]\n";
    let folder = Folder::new("comes-back");
    let mut server = serve(&folder, subnet);
    let mut one = Client::new(&server, 1);
    let ack = one.lease();
    rewrite(&server, &folder, subnet, elsewhere);
    wait_for(&mut server, 1);
    let back = one.coming_back(ack.address);
    one.ask_in_vain(&back);
    rewrite(&server, &folder, elsewhere, subnet);
    has_again(&mut one, ack.address);
    assert_eq!(server.stop(), Some(0));

    // A server that began without it reads of it when it comes.
    let server = serve(&folder, elsewhere);
    rewrite(&server, &folder, elsewhere, subnet);
    has_again(&mut Client::new(&server, 1), ack.address);
    let mut two = Client::new(&server, 2);
    let discover = two.message(MessageType::DISCOVER);
    two.ask_in_vain(&discover);
}

/// The configuration and the store are read behind the client's back.
fn has_again(client: &mut Client, address: Ipv4Addr) {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let back = client.coming_back(address);
        client.send(&back);
        if let Some(reply) = client.reply(Duration::from_millis(100)) {
            assert_eq!((reply.kind, reply.address), (Some(MessageType::ACK), address));
            return;
        }
        assert!(Instant::now() < deadline, "{address} is not known");
    }
}
