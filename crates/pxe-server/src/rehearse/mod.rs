//! What this server would answer, without a socket: the real engine in any of its modes, fed with datagrams and the time
//! by whoever asks. `explain` feeds it a described machine, `replay` a capture.

use core::net::{IpAddr, Ipv4Addr, SocketAddr};
use core::time::Duration;
use std::sync::Arc;
use std::time::Instant;

use pxe_dhcp::MessageView;
use pxe_dhcp::respond::ServerConfig;
use pxe_lease::LeaseStore;
use pxe_lease::store::MemoryStore;
use pxe_select::{Asked, Asker, Identity};
use serde::Serialize;

use crate::config::{Config, DhcpMode, Fault};
use crate::content::{self, Files, Images, ImagesAsked, Loaders, Menus};
use crate::engine::{
    self, Arrival, Choice, ClientId, Engine, Field, InventoryAnswer, InventorySettings, Output,
    OwnAddress, ServerSettings, Shared, SocketId, Stage,
};
pub use crate::engine::{describe_dhcp, describe_tftp};
use crate::next_boot::{NextBoots, Pending, Rehearsed};
use crate::{addresses, policy, serve};

/// The modes, in the order in which they are told.
pub const MODES: [DhcpMode; 4] =
    [DhcpMode::Proxy, DhcpMode::Server, DhcpMode::Observe, DhcpMode::Off];

/// A server in one of its modes.
pub struct Rehearsal {
    mode: DhcpMode,
    engine: Engine,
    files: Files,
    leases: MemoryStore,
    address: Ipv4Addr,
    /// What an inventory says of one machine.
    inventory: Option<([u8; 6], InventoryAnswer)>,
    /// Whether the addresses it gives are made up, since the configuration has no subnet.
    pub invents_subnet: bool,
}

/// What it does about one datagram.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Reaction {
    /// What it would send.
    pub answers: Vec<Answer>,
    /// What the machine's story would say.
    pub story: Vec<String>,
}

/// A datagram that would be sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Answer {
    /// Where from.
    pub from: String,
    /// Where to.
    pub to: String,
    /// What it is (`DHCPOFFER`, `OACK`, …).
    pub what: String,
    /// Its fields, as far as they matter.
    pub fields: Vec<Field>,
}

impl Rehearsal {
    /// A server of this configuration in another mode, at `address`, with images as the last look at them has it. Gives
    /// addresses from the network around `link` if the configuration has no subnet.
    ///
    /// # Errors
    /// The faults of the configuration.
    pub fn new(
        config: &Config,
        mode: DhcpMode,
        (loaders, images): (&Loaders, &Arc<Images>),
        (address, link): (Ipv4Addr, Ipv4Addr),
        (now, unix_ms): (Instant, u64),
    ) -> Result<Self, Vec<Fault>> {
        let mut config = config.clone();
        config.dhcp.mode = mode;
        // What clients in captures and descriptions speak to.
        (config.dhcp.port, config.dhcp.boot_port, config.tftp.port) = (67, 4011, 69);
        config.advertise = Some(address);
        let invents_subnet = mode == DhcpMode::Server && config.dhcp.addresses.subnets.is_empty();
        if invents_subnet {
            config.dhcp.addresses.subnets = invented(link)?;
        }
        let policy = policy::build(&config, loaders)?;
        let plan = addresses::build(&config)?;
        let mut engine_config = serve::engine_config(&config, true, 1);
        engine_config.server = plan.map(|plan| {
            let responder = ServerConfig::default();
            ServerSettings { responder, plan, unix_ms, now }
        });
        let shared = Shared::new(policy);
        shared.set_images(Arc::new(ImagesAsked(Images::new(config.images.clone()))));
        // Of the state folder, as a running server reads them.
        shared.orders().set(Box::new(Rehearsed(NextBoots::new(&config))));
        let mut engine = Engine::new(engine_config, shared);
        engine.set_own_addresses(vec![OwnAddress { interface: 0, address }]);
        engine.handle_loaded();
        let contents = content::Shared::new(loaders.clone()).with_images(Arc::clone(images));
        contents.set_menus(Menus::load(&config)?);
        let files = Files::new(config.root.clone(), Arc::new(contents), config.tftp.port);
        let leases = MemoryStore::default();
        Ok(Self { mode, engine, files, leases, address, inventory: None, invents_subnet })
    }

    /// An inventory is asked, as the server asks it: this is what it says of a machine. Without it there is none.
    pub fn set_inventory(&mut self, fresh_for: Duration, mac: [u8; 6], answer: InventoryAnswer) {
        self.engine.shared().set_inventory(InventorySettings { fresh_for });
        self.inventory = Some((mac, answer));
    }

    /// Answers for the inventory; whether it was asked.
    fn look_up(&mut self, now: Instant) -> bool {
        let mut is_asked = false;
        while let Some(mac) = self.engine.poll_lookup() {
            if let Some((_, answer)) = self.inventory.as_ref().filter(|(known, _)| *known == mac) {
                self.engine.handle_lookup(now, mac, answer.clone());
                is_asked = true;
            }
        }
        is_asked
    }

    /// Which mode.
    pub fn mode(&self) -> DhcpMode {
        self.mode
    }

    /// What is ordered for a machine's next boot, which counts in every decision about it.
    pub fn order(&self, client: ClientId) -> Option<Pending> {
        let ClientId::Mac(mac) = client else { return None };
        self.engine.shared().orders().standing(mac).as_ref().map(Pending::of)
    }

    /// What a client's message is taken for.
    pub fn identify(&self, view: &MessageView<'_>) -> Identity {
        let facts = engine::facts_of_message(view, self.address, None);
        self.engine.shared().policy().identify(&facts.as_facts())
    }

    /// A datagram to a DHCP port of the wire: 67 or 4011, or 68 for what servers send. What is not for a server of this mode
    /// is not heard.
    pub fn take_dhcp(
        &mut self,
        now: Instant,
        source: SocketAddr,
        port: u16,
        is_unicast: bool,
        datagram: &[u8],
    ) -> Reaction {
        let socket = match (self.mode, port) {
            (DhcpMode::Off, _) => return Reaction::default(),
            (DhcpMode::Observe, 67 | 68) => SocketId::Observer,
            (DhcpMode::Proxy, 68) if !is_unicast => SocketId::Observer,
            (DhcpMode::Proxy | DhcpMode::Server, 67) => SocketId::Dhcp,
            (DhcpMode::Proxy | DhcpMode::Server, 4011) => SocketId::BootServer,
            _ => return Reaction::default(),
        };
        self.take(now, socket, source, is_unicast, datagram)
    }

    /// A datagram to the TFTP port. Only its first answer is looked at: the transfer ends with it.
    pub fn take_tftp(&mut self, now: Instant, source: SocketAddr, datagram: &[u8]) -> Reaction {
        self.take(now, SocketId::Tftp, source, true, datagram)
    }

    /// A request for a path of the HTTP server.
    pub fn take_http(
        &mut self,
        now: Instant,
        source: IpAddr,
        agent: &[u8],
        path: &[u8],
    ) -> Reaction {
        let path = path.strip_prefix(b"/").unwrap_or(path);
        let name = path.strip_prefix(b"boot/").unwrap_or(path);
        let text = self.ask(now, source, Asker::of_user_agent(agent), name);
        Reaction { answers: Vec::new(), story: vec![text] }
    }

    /// What somebody who asks for this name gets, in words.
    pub fn ask(&mut self, now: Instant, source: IpAddr, asker: Asker, name: &[u8]) -> String {
        let decide = |engine: &Engine| {
            let said = engine::Introduction::default();
            engine::decide(engine.shared(), now, source, asker, Asked::Name(name), said)
        };
        let (client, choice) = match (decide(&self.engine), self.look_up(now)) {
            (decided, false) => decided,
            (_, true) => decide(&self.engine),
        };
        let shown = engine::printable(name);
        match choice {
            Choice::Open(wanted, _) => {
                let file = wanted.tries().first().map(|tried| engine::printable(&tried.name));
                match file {
                    Some(file) if file != shown => {
                        format!("{client} asks for {shown}, and gets {file}")
                    }
                    _ => format!("{client} gets {shown}"),
                }
            }
            Choice::Refuse(stage) => format!("{client} is refused: {stage}"),
            Choice::Missing(stage) => format!("{client} gets nothing: {stage}"),
            Choice::Silence(stage) => format!("{client} gets no answer: {stage}"),
        }
    }

    /// Time passes: what is sent late is sent.
    pub fn pass(&mut self, until: Instant) -> Reaction {
        let mut reaction = Reaction::default();
        while let Some(due) = self.engine.poll_timeout().filter(|due| *due <= until) {
            self.engine.handle_timeout(due, &mut self.files);
            self.drain(due, &mut reaction);
        }
        reaction
    }

    fn take(
        &mut self,
        now: Instant,
        socket: SocketId,
        source: SocketAddr,
        is_unicast: bool,
        datagram: &[u8],
    ) -> Reaction {
        let arrival = Arrival {
            source,
            local: IpAddr::V4(self.address),
            interface: 1,
            mtu: Some(1500),
            unicast: Some(is_unicast),
        };
        self.engine.handle_datagram(now, socket, &arrival, datagram, &mut self.files);
        self.look_up(now);
        let mut reaction = Reaction::default();
        self.drain(now, &mut reaction);
        reaction
    }

    fn drain(&mut self, now: Instant, reaction: &mut Reaction) {
        let mut out = Vec::new();
        let mut transfers = Vec::new();
        loop {
            while let Some(batch) = self.engine.poll_commit(now) {
                let stored = self.leases.apply(&batch.records);
                self.engine.handle_committed(now, batch.id, stored);
            }
            let Some(sent) = self.engine.poll_transmit(now, &mut self.files, &mut out) else {
                break;
            };
            let bytes = out.get(..sent.segment_bytes.unwrap_or(out.len())).unwrap_or(&out);
            let (port, (what, fields)) = match sent.socket {
                SocketId::Dhcp | SocketId::Observer => ("67".to_owned(), describe_dhcp(bytes)),
                SocketId::BootServer => ("4011".to_owned(), describe_dhcp(bytes)),
                SocketId::Tftp => ("69".to_owned(), describe_tftp(bytes)),
                SocketId::Transfer(transfer) => {
                    if transfers.contains(&transfer) {
                        continue;
                    }
                    transfers.push(transfer);
                    ("a port of its own".to_owned(), describe_tftp(bytes))
                }
            };
            let (from, to) = (format!("{}:{port}", self.address), sent.destination.to_string());
            let from = if port.starts_with('a') { port } else { from };
            reaction.answers.push(Answer { from, to, what, fields });
        }
        while let Some(output) = self.engine.poll_output() {
            if let Output::Event(event) = output {
                reaction.story.push(line(event.client, &event.stage));
            }
        }
        // Nobody here acknowledges anything: that it ends is no part of the answer.
        for transfer in transfers {
            self.engine.fail_transfer(now, transfer, &mut self.files);
            while self.engine.poll_transmit(now, &mut self.files, &mut out).is_some() {}
            while self.engine.poll_output().is_some() {}
        }
    }
}

fn line(client: ClientId, stage: &Stage) -> String {
    format!("{client} {stage}")
}

/// A network around an address, with a pool.
fn invented(link: Ipv4Addr) -> Result<Vec<crate::config::SubnetConfig>, Vec<Fault>> {
    let [a, b, c, _] = link.octets();
    let text = format!(
        "[dhcp]\nmode = \"server\"\n[[dhcp.subnet]]\nnetwork = \"{a}.{b}.{c}.0/24\"\n\
         pool = [\"{a}.{b}.{c}.100-{a}.{b}.{c}.200\"]\n"
    );
    let config = Config::parse(&text).map_err(|faults| faults.list)?;
    Ok(config.dhcp.addresses.subnets)
}
