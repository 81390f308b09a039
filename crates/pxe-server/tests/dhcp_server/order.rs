//! What an answer tells its client is told to the journal before the answer leaves: another loop that serves the file
//! this client then asks for cannot tell of it first.

use core::net::{Ipv4Addr, SocketAddr};
use std::collections::HashMap;
use std::net::UdpSocket;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use pxe_dhcp::{
    HardwareType, Message, MessageType, MessageView, Operation, OptionCode, SizeBudget,
};
use pxe_server::config::Config;
use pxe_server::content::{self, Files, Loaders};
use pxe_server::driver::interfaces::SharedInterfaces;
use pxe_server::driver::{Crew, Driver, First, Ports};
use pxe_server::engine::{self, ClientId, Engine, EngineConfig, LeaseStep, Stage};
use pxe_server::journal::{Journal, Sink, Told};
use pxe_server::{addresses, leases, policy, serve};

use crate::common::{Folder, PATIENCE, free_ports};
use crate::stage::{SUBNET, US, enter};

const RELAY: Ipv4Addr = Ipv4Addr::new(10, 9, 0, 9);
/// More than one call sends, and more than one batch receives.
const CLIENTS: u8 = 70;
/// Option 82 with sub-option 19, empty: answers come to the port that the relay sends from (RFC 8357).
const ANY_PORT: [u8; 2] = [19, 0];

/// A relay that looks at what has come whenever something is told. On the loopback a datagram has come when it is sent.
struct Relay {
    socket: UdpSocket,
    came: Mutex<Came>,
}

#[derive(Default)]
struct Came {
    /// The addresses in answers, by machine and kind of answer.
    answers: HashMap<(ClientId, MessageType), Ipv4Addr>,
    told: usize,
    /// What was told when its answer had come already.
    late: Vec<String>,
}

impl Relay {
    fn look(&self, came: &mut Came) {
        let mut buffer = [0; 2048];
        while let Ok(bytes) = self.socket.recv(&mut buffer) {
            let view = MessageView::parse(&buffer[..bytes]).expect("an answer");
            let client = ClientId::from_hardware_address(view.hardware_address()).expect("whose");
            let kind = view.message_type().expect("a DHCP message");
            came.answers.insert((client, kind), view.your_address());
        }
    }

    fn send(&self, mac: [u8; 6], kind: MessageType, address: Option<Ipv4Addr>, to: SocketAddr) {
        let mut message = Message::new(Operation::BootRequest);
        message.set_hardware(HardwareType::ETHERNET, &mac).expect("an address");
        message.set_hops(1).set_relay_address(RELAY);
        message.push(OptionCode::MESSAGE_TYPE, &[kind.0]);
        if let Some(address) = address {
            message.push(OptionCode::REQUESTED_ADDRESS, &address.octets());
            message.push(OptionCode::SERVER_IDENTIFIER, &US.octets());
        }
        message.push(OptionCode::RELAY_AGENT_INFORMATION, &ANY_PORT);
        let mut bytes = Vec::new();
        message.encode(SizeBudget::for_request(None), &mut bytes).expect("encodes");
        self.socket.send_to(&bytes, to).expect("sent");
    }

    /// The address that each machine was told, as soon as all were.
    fn all(&self, kind: MessageType) -> Vec<([u8; 6], Ipv4Addr)> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let mut came = self.came.lock().expect("a lock");
            self.look(&mut came);
            let answer = |mac| Some((mac, *came.answers.get(&(ClientId::Mac(mac), kind))?));
            let all: Vec<_> = macs().filter_map(answer).collect();
            if all.len() == usize::from(CLIENTS) {
                return all;
            }
            drop(came);
            assert!(Instant::now() < deadline, "only {} answers of {kind}", all.len());
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

impl Sink for Relay {
    fn take(&self, told: &Told<'_>) {
        let Stage::Leased { step, .. } = told.event.stage else { return };
        let kind = match step {
            LeaseStep::Offered => MessageType::OFFER,
            _ => MessageType::ACK,
        };
        let mut came = self.came.lock().expect("a lock");
        self.look(&mut came);
        came.told += 1;
        if came.answers.contains_key(&(told.event.client, kind)) {
            came.late.push(format!("{} {kind}", told.event.client));
        }
    }
}

fn macs() -> impl Iterator<Item = [u8; 6]> {
    (1..=CLIENTS).map(|last| [0x52, 0x54, 0, 0xaa, 0, last])
}

/// A loop of this very process, which tells the sink on its thread.
fn driver(folder: &Folder, port: u16, sink: Arc<Relay>) -> Driver {
    let place = folder.0.display();
    let text = format!(
        "interfaces = [\"lo\"]\nroot = \"{place}\"\nstate = \"{place}\"\n[tftp]\nenabled = false\n[dhcp]\n\
         mode = \"server\"\nport = {port}\nboot_port = {}\n{SUBNET}",
        port + 2
    );
    let config = Config::parse(&text).expect("a sound configuration");
    let loaders = Loaders::search(&config);
    let shared = engine::Shared::new(policy::build(&config, &loaders).expect("a policy"));
    let plan = addresses::build(&config).expect("sound subnets").expect("a plan");
    let (settings, leasing) = leases::prepare(&config, plan).expect("a store");
    let engine_config = EngineConfig { server: Some(settings), ..EngineConfig::default() };
    let engine = Engine::new(engine_config, shared);
    let ports = Ports::bind(&config, 1).expect("free ports").remove(0);
    let served = serve::served_interfaces(&config).expect("the loopback");
    let files = Files::new(config.root, Arc::new(content::Shared::new(loaders)), 69);
    let journal = Journal::new();
    journal.subscribe(sink);
    let first = First { leasing: Some(leasing), ..First::default() };
    let interfaces = Arc::new(SharedInterfaces::new(served));
    Driver::new(ports, engine, files, interfaces, &Crew::default(), journal, first).expect("a loop")
}

#[test]
fn what_an_answer_tells_is_told_before_it_leaves() {
    if !enter("order::what_an_answer_tells_is_told_before_it_leaves") {
        return;
    }
    let folder = Folder::new("order");
    let socket = UdpSocket::bind((RELAY, 0)).expect("the relay");
    socket.set_nonblocking(true).expect("an option");
    let relay = Arc::new(Relay { socket, came: Mutex::default() });
    let (port, _, _) = free_ports();
    let driver = driver(&folder, port, Arc::clone(&relay));
    // It ends with the process, which runs this test alone.
    std::thread::spawn(|| driver.run());
    let server = SocketAddr::from((US, port));
    macs().for_each(|mac| relay.send(mac, MessageType::DISCOVER, None, server));
    for (mac, address) in relay.all(MessageType::OFFER) {
        relay.send(mac, MessageType::REQUEST, Some(address), server);
    }
    relay.all(MessageType::ACK);
    let came = relay.came.lock().expect("a lock");
    assert_eq!(came.told, 2 * usize::from(CLIENTS));
    assert!(came.late.is_empty(), "told when it had come already: {:?}", came.late);
}
