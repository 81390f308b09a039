//! A proxyDHCP server on blocking `std` sockets: it names a boot file to network-boot firmware beside whatever DHCP
//! server there is, and never gives an address.
//!
//! ```sh
//! cargo build -p pxe-examples && sudo target/debug/proxy_std 192.0.2.5      # our address on that network
//! target/debug/proxy_std 127.0.0.1 10067 10068 14011 127.0.0.1              # without rights, on the loopback
//! ```
//!
//! The further arguments are the ports of servers, clients and boot servers, and where broadcasts go. `std` cannot
//! choose the interface of a broadcast, so this suits a machine with one network.

use std::error::Error;
use std::net::{Ipv4Addr, SocketAddrV4, UdpSocket};
use std::time::Instant;
use std::{env, io, thread};

use pxe_dhcp::respond::{
    Inbound, ProxyAnswer, ProxyConfig, ProxyRequest, ProxyResponder, Received, ServerPort,
};
use pxe_select::{Arch, Asked, ClientFacts, Decision, Firmware, IpxeFeatures, Policy};

fn main() -> Result<(), Box<dyn Error>> {
    let words: Vec<String> = env::args().skip(1).collect();
    let address =
        words.first().ok_or("usage: proxy_std ADDRESS [67 68 4011 [BROADCAST]]")?.parse()?;
    let broadcast = words.get(4).map_or(Ok(Ipv4Addr::BROADCAST), |word| word.parse())?;
    let port = |at: usize, number| words.get(at).map_or(Ok(number), |word| word.parse());
    let mut config = ProxyConfig::default();
    config.ports.server = port(1, 67)?;
    config.ports.client = port(2, 68)?;
    config.ports.boot_server = port(3, 4011)?;

    let dhcp = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, config.ports.server))?;
    let boot_server = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, config.ports.boot_server))?;
    println!("ready at {address}");
    // A responder that does not adapt its offers keeps no state of clients, so each socket can have one of its own.
    let here = Here { address, broadcast, config, policy: policy() };
    let second = here.clone();
    thread::spawn(move || second.serve(ServerPort::BootServer, &boot_server));
    Ok(here.serve(ServerPort::Dhcp, &dhcp)?)
}

#[derive(Clone)]
struct Here {
    address: Ipv4Addr,
    broadcast: Ipv4Addr,
    config: ProxyConfig,
    policy: Policy,
}

impl Here {
    fn serve(&self, port: ServerPort, socket: &UdpSocket) -> io::Result<()> {
        socket.set_broadcast(true)?;
        let mut responder = ProxyResponder::new(self.config.clone());
        let (mut buffer, mut reply) = ([0; 2048], Vec::new());
        loop {
            let (length, source) = socket.recv_from(&mut buffer)?;
            let std::net::SocketAddr::V4(source) = source else { continue };
            let received = Received::new(source, port, self.address, 0);
            match responder.handle_datagram(Instant::now(), &received, &buffer[..length]) {
                Ok(Inbound::Request(request)) => self.decide(&mut responder, request),
                Ok(Inbound::Overheard(view, why)) => {
                    println!(
                        "{:?} of {:02x?}: {why}",
                        view.message_type(),
                        view.hardware_address()
                    );
                }
                Err(dropped) => println!("dropped from {source}: {dropped}"),
            }
            while let Some(transmit) = responder.poll_transmit(Instant::now(), &mut reply) {
                let to = match transmit.destination {
                    all if all.ip().is_broadcast() => SocketAddrV4::new(self.broadcast, all.port()),
                    one => one,
                };
                if let Err(error) = socket.send_to(&reply, to) {
                    println!("cannot send to {to}: {error}");
                }
            }
            while responder.poll_event().is_some() {}
        }
    }

    fn decide(&self, responder: &mut ProxyResponder, request: ProxyRequest<'_>) {
        let decision = ask(&self.policy, &request);
        let client = request.view().hardware_address().to_vec();
        println!("{client:02x?}: {:?}\n{}", decision.action.target(), decision.reasons);
        match decision.action.target() {
            Some(file) => {
                let answer = ProxyAnswer::new(self.address, file.as_bytes());
                if let Err(error) = responder.accept(Instant::now(), request, &answer) {
                    println!("{client:02x?}: {error}");
                }
            }
            None => responder.ignore(request),
        }
    }
}

/// The two libraries do not know each other; this is all it takes to introduce them.
fn ask<'p>(policy: &'p Policy, request: &ProxyRequest<'_>) -> Decision<'p> {
    let wire = request.facts();
    let archs: Vec<Arch> = wire.archs.iter().map(Arch).collect();
    let mut facts = ClientFacts::new(request.view().hardware_address());
    facts.archs = &archs;
    facts.vendor_class = wire.vendor_class;
    facts.user_class = wire.user_class;
    facts.machine_id = wire.machine_id;
    facts.ipxe = wire.ipxe_options().map(|options| {
        IpxeFeatures::from_flags(options.features().iter().map(|feature| (feature.0, 1)))
    });
    policy.decide(&facts, Asked::BootFile)
}

fn policy() -> Policy {
    Policy::builder()
        .loader(Firmware::Bios, "undionly.kpxe")
        .loader(Firmware::X86Uefi, "ipxe32.efi")
        .loader(Firmware::X64Uefi, "ipxe.efi")
        .loader(Firmware::Arm64Uefi, "ipxe-arm64.efi")
        .ipxe_script("menu.ipxe")
        .build()
        .expect("these names are fine")
}
