//! Clients that take everything, refuse everything, or give back what is not theirs.

use core::net::Ipv4Addr;
use core::time::Duration;
use std::time::Instant;

use pxe_dhcp::{MessageType, OptionCode};

use crate::client::{Client, Reply};
use crate::common::{Folder, PATIENCE, Server};
use crate::stage::{US, enter, serve};

/// So many declines of one client are believed, and so many percent of a pool are set aside (`pxe_lease::limits`).
const BELIEVED_OF_ONE: usize = 3;
const ASIDE_PERCENT_MAX: usize = 25;
const POOL: usize = 40;

fn subnet(pool: &str) -> String {
    format!(
        "[[dhcp.subnet]]\nnetwork = \"10.9.0.0/16\"\npool = [\"{pool}\"]\nlease = \"1h\"\n\
         authoritative = true\n"
    )
}

fn release(client: &mut Client, address: Ipv4Addr) {
    let mut release = client.message(MessageType::RELEASE);
    release.set_client_address(address);
    release.push(OptionCode::SERVER_IDENTIFIER, &US.octets());
    client.send(&release);
}

/// What is given back is free once that is stored; until then there is silence.
fn offered_soon(client: &mut Client) -> Ipv4Addr {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let discover = client.message(MessageType::DISCOVER);
        client.send(&discover);
        if let Some(offer) = client.reply(Duration::from_millis(200)) {
            return offer.address;
        }
        assert!(Instant::now() < deadline, "no offer");
    }
}

#[test]
fn an_exhausted_pool_is_silence_one_warning_and_recovery() {
    if !enter("abuse::an_exhausted_pool_is_silence_one_warning_and_recovery") {
        return;
    }
    let folder = Folder::new("exhausted");
    let mut server = serve(&folder, &subnet("10.9.1.1-10.9.1.4"));
    let leases: Vec<Reply> = (1..=4).map(|last| Client::new(&server, last).lease()).collect();
    let mut crowd: Vec<Client> = (100..120).map(|last| Client::new(&server, last)).collect();
    for client in &mut crowd {
        let discover = client.message(MessageType::DISCOVER);
        client.send(&discover);
    }
    server.expect("all 4 addresses are in use, new clients get no answer");
    let mut last = crowd.pop().expect("there are twenty");
    let discover = last.message(MessageType::DISCOVER);
    last.ask_in_vain(&discover);
    assert_eq!(server.log().matches("addresses are in use, new clients").count(), 1, "told once");

    // Whoever has an address keeps it.
    let mut there = Client::bound(&server, leases[0].address, server.dhcp + 1, 1);
    let mut renew = there.message(MessageType::REQUEST);
    renew.set_client_address(leases[0].address);
    assert_eq!(there.ask(&renew).kind, Some(MessageType::ACK));
    release(&mut there, leases[0].address);
    server.expect(&format!("released {}", leases[0].address));
    assert_eq!(offered_soon(&mut last), leases[0].address);
    server.expect("there are free addresses again");
}

fn decline(server: &mut Server, client: &mut Client) -> Ipv4Addr {
    let address = client.lease().address;
    let mut decline = client.message(MessageType::DECLINE);
    decline.push(OptionCode::REQUESTED_ADDRESS, &address.octets());
    decline.push(OptionCode::SERVER_IDENTIFIER, &US.octets());
    client.send(&decline);
    let mac = client.mac.map(|byte| format!("{byte:02x}")).join(":");
    server.expect(&format!("{mac} declined {address}"));
    address
}

#[test]
fn a_storm_of_declines_leaves_most_of_the_pool() {
    if !enter("abuse::a_storm_of_declines_leaves_most_of_the_pool") {
        return;
    }
    let folder = Folder::new("declines");
    let mut server = serve(&folder, &subnet("10.9.1.1-10.9.1.40"));
    let set_aside = |server: &mut Server| server.log().matches("so it is set aside").count();

    // One that refuses whatever it gets: in the end it is not believed, and gets the same again.
    let mut one = Client::new(&server, 1);
    let refused: Vec<Ipv4Addr> = (0..8).map(|_| decline(&mut server, &mut one)).collect();
    let mut different = refused.clone();
    different.sort_unstable();
    different.dedup();
    assert_eq!(different.len(), BELIEVED_OF_ONE + 1, "{refused:?}");
    assert_eq!(set_aside(&mut server), BELIEVED_OF_ONE);

    // Many that do, as one attacker with many addresses looks.
    for last in 50..75 {
        let mut client = Client::new(&server, last);
        decline(&mut server, &mut client);
    }
    assert_eq!(set_aside(&mut server), POOL * ASIDE_PERCENT_MAX / 100);
    server.expect("which is ignored");

    for last in 200..205 {
        Client::new(&server, last).lease();
    }
}

#[test]
fn a_forged_release_frees_nothing() {
    if !enter("abuse::a_forged_release_frees_nothing") {
        return;
    }
    let folder = Folder::new("forged");
    let mut server = serve(&folder, &subnet("10.9.1.1-10.9.1.1"));
    let address = Client::new(&server, 1).lease().address;
    let elsewhere = Ipv4Addr::new(10, 9, 7, 7);

    // With the owner's hardware address from elsewhere, and from its address with another one.
    release(&mut Client::bound(&server, elsewhere, 0, 1), address);
    release(&mut Client::bound(&server, address, 0, 2), address);
    // From its address, for another server.
    let mut wrong_server = Client::bound(&server, address, 0, 1);
    let mut message = wrong_server.message(MessageType::RELEASE);
    message.set_client_address(address);
    message.push(OptionCode::SERVER_IDENTIFIER, &[10, 9, 0, 99]);
    wrong_server.send(&message);

    let mut other = Client::new(&server, 3);
    let discover = other.message(MessageType::DISCOVER);
    other.ask_in_vain(&discover);
    assert!(!server.log().contains("released"), "{}", server.log());

    release(&mut Client::bound(&server, address, 0, 1), address);
    server.expect(&format!("52:54:00:aa:00:01 released {address}"));
    assert_eq!(offered_soon(&mut other), address);
}
