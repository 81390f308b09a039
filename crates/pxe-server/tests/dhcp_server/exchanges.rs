//! Every exchange of RFC 2131 with the real program.

use core::net::Ipv4Addr;
use std::net::UdpSocket;

use pxe_dhcp::{MessageType, OptionCode};

use crate::client::Client;
use crate::common::Folder;
use crate::stage::{SUBNET, US, enter, serve};

#[test]
fn an_address_is_given_renewed_and_given_back() {
    if !enter("exchanges::an_address_is_given_renewed_and_given_back") {
        return;
    }
    let folder = Folder::new("dora");
    let host =
        "[[host]]\nmac = \"52:54:00:aa:00:07\"\naddress = \"10.9.2.7\"\nhostname = \"seven\"\n";
    let mut server = serve(&folder, &format!("{SUBNET}{host}"));
    let mut client = Client::new(&server, 1);
    client.arch = Some(7);
    let offer = client.discover();
    assert_eq!(client.discover().address, offer.address, "offers are stable");
    let request = client.taking(&offer);
    let ack = client.ask(&request);
    assert_eq!((ack.kind, ack.address), (Some(MessageType::ACK), offer.address));
    for reply in [&offer, &ack] {
        assert_eq!(reply.file, "ipxe.efi", "named in OFFER and ACK alike");
        assert_eq!(reply.option(1), Some(vec![255, 255, 0, 0]));
        assert!(reply.is_leased_for(3600));
        assert_eq!(reply.option(6), Some(vec![10, 9, 0, 2, 10, 9, 0, 3]));
        assert_eq!(reply.option(54), Some(US.octets().to_vec()));
        assert_eq!(reply.option(60), None, "without option 43 it would make UEFI wait for 4011");
    }

    // It asks for its file from its address: the story is of one machine.
    let port = server.tftp;
    let fetched = std::thread::spawn(move || {
        let socket = UdpSocket::bind((ack.address, 0)).expect("its address");
        socket.send_to(b"\0\x01ipxe.efi\0octet\0", (US, port)).expect("sent");
        let mut buffer = [0; 600];
        let (bytes, from) = socket.recv_from(&mut buffer).expect("a block");
        socket.send_to(&[0, 4, 0, 1], from).expect("sent");
        buffer[4..bytes].to_vec()
    });
    assert_eq!(fetched.join().expect("fetched"), b"ipxe.efi");
    server.expect("52:54:00:aa:00:01 delivered ipxe.efi");

    let mut there = Client::bound(&server, offer.address, server.dhcp + 1, 1);
    let mut renew = there.message(MessageType::REQUEST);
    renew.set_client_address(offer.address);
    let renewed = there.ask(&renew);
    assert_eq!((renewed.kind, renewed.address), (Some(MessageType::ACK), offer.address));

    let mut inform = there.message(MessageType::INFORM);
    inform.set_client_address(offer.address);
    let informed = there.ask(&inform);
    assert_eq!((informed.kind, informed.option(51)), (Some(MessageType::ACK), None));
    assert_eq!(informed.option(15), Some(b"lab.example".to_vec()));

    let mut release = there.message(MessageType::RELEASE);
    release.set_client_address(offer.address);
    there.send(&release);
    server.expect(&format!("released {}", offer.address));

    let mut reserved = Client::new(&server, 7);
    let ack = reserved.lease();
    assert_eq!(ack.address, Ipv4Addr::new(10, 9, 2, 7));
    assert_eq!(ack.option(12), Some(b"seven".to_vec()));
    assert_eq!(ack.file, "", "an ordinary client is told nothing to boot");
    assert_eq!(server.stop(), Some(0));
}

#[test]
fn no_is_said_where_it_is_due_and_nothing_else() {
    if !enter("exchanges::no_is_said_where_it_is_due_and_nothing_else") {
        return;
    }
    let folder = Folder::new("nak");
    let small = "[[dhcp.subnet]]\nnetwork = \"10.9.0.0/16\"\npool = [\"10.9.1.1-10.9.1.2\"]\n";
    let mut server = serve(&folder, &format!("{small}authoritative = true\n"));
    let mut one = Client::new(&server, 1);
    let ack = one.lease();

    let mut two = Client::new(&server, 2);
    let wrong_network = two.coming_back(Ipv4Addr::new(192, 168, 7, 7));
    assert_eq!(two.ask(&wrong_network).kind, Some(MessageType::NAK));
    let of_another = two.coming_back(ack.address);
    assert_eq!(two.ask(&of_another).kind, Some(MessageType::NAK));
    server.expect(&format!("52:54:00:aa:00:02 refused {}: another client has", ack.address));
    let mut other_server = two.message(MessageType::REQUEST);
    other_server.push(OptionCode::REQUESTED_ADDRESS, &[10, 9, 1, 2]);
    other_server.push(OptionCode::SERVER_IDENTIFIER, &[10, 9, 0, 99]);
    two.ask_in_vain(&other_server);

    // A forged RELEASE comes from elsewhere, or speaks of another's address.
    let mut forged = two.message(MessageType::RELEASE);
    forged.set_client_address(ack.address);
    two.ask_in_vain(&forged);
    let before = one.coming_back(ack.address);
    assert_eq!(one.ask(&before).kind, Some(MessageType::ACK));

    // It declines what it got, and gets another.
    let declined = two.lease();
    let mut decline = two.message(MessageType::DECLINE);
    decline.push(OptionCode::REQUESTED_ADDRESS, &declined.address.octets());
    decline.push(OptionCode::SERVER_IDENTIFIER, &US.octets());
    two.send(&decline);
    server.expect(&format!("declined {}: another machine uses it", declined.address));
    let again = two.message(MessageType::DISCOVER);
    two.ask_in_vain(&again);
    server.expect("all 2 addresses are in use");
    assert_eq!(server.log().matches("are in use, new clients").count(), 1, "one clear warning");

    let mut bootp = Client::new(&server, 9);
    let mut request = bootp.message(MessageType::DISCOVER);
    request.remove(OptionCode::MESSAGE_TYPE);
    bootp.ask_in_vain(&request);
    server.expect("it speaks BOOTP: reserve an address for it");
}

#[test]
fn a_relay_gets_its_answers_for_the_network_it_names() {
    if !enter("exchanges::a_relay_gets_its_answers_for_the_network_it_names") {
        return;
    }
    let folder = Folder::new("relay");
    let far = "[[dhcp.subnet]]\nnetwork = \"10.77.0.0/24\"\npool = [\"10.77.0.10-10.77.0.20\"]\n\
               bootp = true\noptions = { ntp-servers = \"10.77.0.3\" }\nalways = [\"ntp-servers\"]\n";
    let mut server = serve(&folder, &format!("{SUBNET}{far}"));
    let relay = Ipv4Addr::new(10, 9, 0, 77);
    let mut client = Client::bound(&server, relay, 0, 5);
    // Circuit "c1", link selection (RFC 3527), and its own port (RFC 8357).
    let information = [1, 2, b'c', b'1', 5, 4, 10, 77, 0, 1, 19, 0];
    let mut discover = client.message(MessageType::DISCOVER);
    discover.set_relay_address(relay);
    discover.push(OptionCode::RELAY_AGENT_INFORMATION, &information);
    let offer = client.ask(&discover);
    assert_eq!(offer.address.octets()[..3], [10, 77, 0]);
    assert_eq!(offer.option(82), Some(information.to_vec()), "echoed byte for byte");
    assert_eq!(offer.option(42), Some(vec![10, 77, 0, 3]));
    let mut request = client.taking(&offer);
    request.set_relay_address(relay);
    request.push(OptionCode::RELAY_AGENT_INFORMATION, &information);
    assert_eq!(client.ask(&request).kind, Some(MessageType::ACK));

    let mut stray = client.message(MessageType::DISCOVER);
    stray.set_relay_address(Ipv4Addr::new(172, 16, 0, 1));
    client.ask_in_vain(&stray);
    server.expect("it is on the network of 172.16.0.1, and no [[dhcp.subnet]] has that address");

    let mut bootp = Client::bound(&server, relay, 0, 6);
    let mut request = bootp.message(MessageType::DISCOVER);
    request.remove(OptionCode::MESSAGE_TYPE);
    request.set_relay_address(relay);
    request.push(OptionCode::RELAY_AGENT_INFORMATION, &information);
    let reply = bootp.ask(&request);
    assert_eq!((reply.kind, reply.option(51)), (None, None));
    assert_eq!(reply.address.octets()[..3], [10, 77, 0]);
    server.expect("for ever");
}

#[test]
fn reservations_have_options_of_their_own() {
    if !enter("exchanges::reservations_have_options_of_their_own") {
        return;
    }
    let folder = Folder::new("reserved");
    let reserved = "options = { ntp-servers = \"10.9.0.3\", 26 = 1500 }\n\
        [[dhcp.subnet.reservation]]\naddress = \"10.9.3.1\"\nclient_id = \"0x00aabb\"\n\
        hostname = \"by-name\"\noptions = { ntp-servers = \"10.9.0.4\" }\n\
        [[dhcp.subnet.reservation]]\naddress = \"10.9.3.2\"\ncircuit_id = \"port 7\"\n\
        hostname = \"by-port\"\noptions = { log-servers = \"10.9.0.5\" }\nalways = [\"log-servers\"]\n\
        [[host]]\nmac = \"52:54:00:aa:00:03\"\nhostname = \"by-mac\"\n";
    let server = serve(&folder, &format!("{SUBNET}{reserved}"));

    let mut by_name = Client::new(&server, 1);
    let mut discover = by_name.message(MessageType::DISCOVER);
    discover.push(OptionCode::CLIENT_IDENTIFIER, &[0, 0xaa, 0xbb]);
    let offer = by_name.ask(&discover);
    assert_eq!(offer.address, Ipv4Addr::new(10, 9, 3, 1));
    assert_eq!(offer.option(12), Some(b"by-name".to_vec()));
    assert_eq!(offer.option(42), Some(vec![10, 9, 0, 4]), "over the subnet's");
    assert_eq!(offer.option(15), Some(b"lab.example".to_vec()), "what it does not set stays");

    let relay = Ipv4Addr::new(10, 9, 0, 77);
    let mut by_port = Client::bound(&server, relay, 0, 2);
    let mut at_port = |last| {
        by_port.mac[5] = last;
        let mut discover = by_port.message(MessageType::DISCOVER);
        discover.set_relay_address(relay);
        // Its own port (RFC 8357).
        let information = [&[1, 6][..], b"port 7", &[19, 0]].concat();
        discover.push(OptionCode::RELAY_AGENT_INFORMATION, &information);
        by_port.ask(&discover)
    };
    let offer = at_port(2);
    assert_eq!(offer.address, Ipv4Addr::new(10, 9, 3, 2));
    assert_eq!(offer.option(12), Some(b"by-port".to_vec()));
    assert_eq!(offer.option(7), Some(vec![10, 9, 0, 5]), "unasked");
    assert_eq!(offer.option(42), Some(vec![10, 9, 0, 3]), "the subnet's");
    let other = at_port(3);
    assert_eq!(other.option(12), Some(b"by-mac".to_vec()), "a host's own go first");

    let offer = Client::new(&server, 4).discover();
    let own = [12, 7].map(|code| offer.option(code));
    assert_eq!((own, offer.option(42)), ([None, None], Some(vec![10, 9, 0, 3])));
}
