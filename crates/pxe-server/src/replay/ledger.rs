//! Packet by packet: what it is, what we would have answered, and the facts of each machine's boot.

use core::net::{IpAddr, Ipv4Addr, SocketAddr, SocketAddrV4};
use core::time::Duration;
use std::collections::{BTreeMap, HashMap};
use std::time::Instant;

use pxe_dhcp::{MessageType, MessageView, Operation};
use pxe_select::Ipxe;
use pxe_tftp::Packet as Tftp;
use serde::Serialize;

use super::clues::http_request;
use super::packet::{self, Packet};
use super::read::Frame;
use crate::diagnose::{self, Finding, Observed, Outcome, Read};
use crate::engine::{ClientId, Field, printable, reply_of_message};
use crate::next_boot::Pending;
use crate::rehearse::{Reaction, Rehearsal, describe_dhcp, describe_tftp};

/// Machines of one capture; of further ones nothing is said.
pub const MACHINES_OF_CAPTURE_MAX: usize = 4_096;
/// Packets of one capture that are shown.
pub const ENTRIES_MAX: usize = 20_000;
/// Requests for files of one machine that are looked at.
pub const READS_MAX: usize = 1_024;
/// Replies to one machine that are looked at.
pub const REPLIES_MAX: usize = 1_024;

/// What the capture tells.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    /// The address that we have in it.
    pub(super) address: Ipv4Addr,
    pub(super) frames: u64,
    /// The file goes on, or is torn.
    pub(super) is_cut: bool,
    pub(super) notes: Vec<String>,
    pub(super) packets: Vec<Entry>,
    pub(super) packets_left_out: u64,
    pub(super) machines: Vec<MachineReport>,
}

/// One packet that matters.
#[derive(Debug, Serialize)]
pub(super) struct Entry {
    /// Seconds since the first.
    pub(super) at: f64,
    pub(super) from: String,
    pub(super) to: String,
    pub(super) what: String,
    pub(super) fields: Vec<Field>,
    /// Whose it is: packets of machines that only want an address are not shown.
    #[serde(skip)]
    pub(super) client: ClientId,
    /// What we would have done about it, by mode; nothing about what servers send.
    pub(super) modes: BTreeMap<String, Reaction>,
}

/// One machine.
#[derive(Debug, Serialize)]
pub(super) struct MachineReport {
    pub(super) machine: String,
    pub(super) summary: String,
    /// What is ordered for its next boot, and counts in the answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) next_boot: Option<Pending>,
    pub(super) findings: Vec<Finding>,
}

pub(super) struct Ledger {
    rehearsals: Vec<Rehearsal>,
    begin: Instant,
    first: Duration,
    now: Duration,
    frames: u64,
    machines: BTreeMap<ClientId, Machine>,
    addresses: HashMap<Ipv4Addr, ClientId>,
    /// Which machine's which request a client's port belongs to.
    conversations: HashMap<SocketAddrV4, (ClientId, usize)>,
    entries: Vec<Entry>,
    left_out: u64,
    asks_ipv6: bool,
}

#[derive(Default)]
struct Machine {
    seen: Observed,
    /// Its last message was iPXE's.
    is_ipxe: bool,
}

impl Ledger {
    pub(super) fn new(rehearsals: Vec<Rehearsal>, begin: Instant, first: Duration) -> Self {
        Self {
            rehearsals,
            begin,
            first,
            now: first,
            frames: 0,
            machines: BTreeMap::new(),
            addresses: HashMap::new(),
            conversations: HashMap::new(),
            entries: Vec::new(),
            left_out: 0,
            asks_ipv6: false,
        }
    }

    pub(super) fn take(&mut self, frame: &Frame<'_>) {
        self.frames += 1;
        // Clocks that are set back do not make time run backwards.
        self.now = self.now.max(frame.at);
        match packet::read(frame.link, frame.bytes) {
            Some(Packet::Udp { source, destination, payload }) => {
                self.take_udp(source, destination, payload);
            }
            Some(Packet::Tcp { source, destination, payload }) => {
                self.take_http(source, destination, payload);
            }
            Some(Packet::Unreachable { said_to, destination })
                if matches!(destination.port(), 67 | 69 | 4011) =>
            {
                self.note_closed(said_to, destination);
            }
            Some(Packet::Refused { said_to, destination }) => {
                self.note_closed(said_to, destination)
            }
            Some(Packet::Dhcpv6) => self.asks_ipv6 = true,
            _ => {}
        }
    }

    fn seconds(&self) -> f64 {
        (self.now - self.first).as_secs_f64()
    }

    fn instant(&self) -> Instant {
        self.begin + (self.now - self.first)
    }

    fn take_udp(&mut self, source: SocketAddrV4, destination: SocketAddrV4, payload: &[u8]) {
        match (source.port(), destination.port()) {
            (_, 67 | 68 | 4011) | (67 | 4011, _) => self.take_dhcp(source, destination, payload),
            (_, 69) => self.take_request(source, destination, payload),
            _ if self.conversations.contains_key(&destination) => {
                self.take_answer(destination, payload)
            }
            _ if self.conversations.contains_key(&source) => self.take_ending(source, payload),
            _ => {}
        }
    }

    fn machine(&mut self, client: ClientId) -> Option<&mut Machine> {
        if !self.machines.contains_key(&client) && self.machines.len() >= MACHINES_OF_CAPTURE_MAX {
            return None;
        }
        Some(self.machines.entry(client).or_default())
    }

    fn client_of(&self, address: Ipv4Addr) -> ClientId {
        self.addresses.get(&address).copied().unwrap_or_else(|| ClientId::Address(address.into()))
    }

    fn take_dhcp(&mut self, source: SocketAddrV4, destination: SocketAddrV4, payload: &[u8]) {
        let Ok(view) = MessageView::parse(payload) else { return };
        let Some(client) = ClientId::from_hardware_address(view.hardware_address()) else { return };
        let (what, fields) = describe_dhcp(payload);
        let is_request = view.operation() == Operation::BootRequest;
        let mut modes = BTreeMap::new();
        if is_request {
            self.note_message(client, destination, &view);
        } else {
            self.note_reply(client, source, &view);
        }
        let firmware = self.machines.get(&client).and_then(|machine| machine.seen.firmware);
        let unicast = !destination.ip().is_broadcast();
        let (now, from) = (self.instant(), SocketAddr::V4(source));
        for server in &mut self.rehearsals {
            let mut reaction = server.pass(now);
            let port = if is_request { destination.port() } else { 68 };
            let taken = server.take_dhcp(now, from, port, unicast, payload);
            reaction.answers.extend(taken.answers);
            reaction.story.extend(taken.story);
            if is_request && firmware.is_some() {
                modes.insert(server.mode().to_string(), reaction);
            }
        }
        let what = format!("{what} of {client}");
        let what = if is_request { what } else { what.replace(" of ", " to ") };
        self.push(client, (source, destination), (what, fields), modes);
    }

    fn note_message(
        &mut self,
        client: ClientId,
        destination: SocketAddrV4,
        view: &MessageView<'_>,
    ) {
        let at = self.seconds();
        let identity = self.rehearsals.first().map(|server| server.identify(view));
        let address = view.client_address();
        if !address.is_unspecified() {
            self.addresses.insert(address, client);
        }
        let Some(machine) = self.machine(client) else { return };
        let Machine { seen, is_ipxe } = machine;
        if let Some(identity) = identity {
            *is_ipxe = identity.ipxe != Ipxe::Absent;
            seen.ipxe |= *is_ipxe;
            if !*is_ipxe || seen.firmware.is_none() {
                seen.firmware = identity.firmware.or(seen.firmware);
            }
        }
        seen.last_heard = at;
        seen.relayed |= !view.relay_address().is_unspecified();
        match view.message_type() {
            _ if destination.port() == 4011 => seen.boot_server_requests.push(*destination.ip()),
            Some(MessageType::DISCOVER) | None => seen.discovers.push(at),
            Some(MessageType::REQUEST) => seen.requests += 1,
            Some(MessageType::DECLINE) => seen.declines += 1,
            _ => {}
        }
        seen.discovers.truncate(READS_MAX);
        seen.boot_server_requests.truncate(READS_MAX);
    }

    fn note_reply(&mut self, client: ClientId, source: SocketAddrV4, view: &MessageView<'_>) {
        let set = |address: Ipv4Addr| (!address.is_unspecified()).then_some(address);
        let address = set(view.your_address());
        if let Some(address) = address {
            self.addresses.insert(address, client);
        }
        let Some(Machine { seen, is_ipxe }) = self.machine(client) else { return };
        if view.message_type() == Some(MessageType::NAK) {
            seen.naks += 1;
            return;
        }
        seen.boot_server_replies += u32::from(source.port() == 4011);
        let reply = reply_of_message(view, *source.ip(), *is_ipxe);
        if seen.replies.len() < REPLIES_MAX && !seen.replies.contains(&reply) {
            seen.replies.push(reply);
        }
    }

    fn take_request(&mut self, source: SocketAddrV4, destination: SocketAddrV4, payload: &[u8]) {
        let Ok(Tftp::ReadRequest(request)) = Tftp::parse(payload) else { return };
        let file = printable(request.file_name());
        let (what, fields) = describe_tftp(payload);
        let now = self.instant();
        let mut modes = BTreeMap::new();
        for server in &mut self.rehearsals {
            let mut reaction = server.pass(now);
            let taken = server.take_tftp(now, SocketAddr::V4(source), payload);
            reaction.answers.extend(taken.answers);
            reaction.story.extend(taken.story);
            modes.insert(server.mode().to_string(), reaction);
        }
        self.note_read(source, destination, file, false);
        let client = self.client_of(*source.ip());
        self.push(client, (source, destination), (what, fields), modes);
    }

    fn note_read(
        &mut self,
        source: SocketAddrV4,
        destination: SocketAddrV4,
        file: String,
        http: bool,
    ) {
        let (at, client) = (self.seconds(), self.client_of(*source.ip()));
        let Some(Machine { seen, .. }) = self.machine(client) else { return };
        seen.last_heard = at;
        let server = *destination.ip();
        let is_again = seen
            .reads
            .last()
            .is_some_and(|last| last.file == file && last.outcome == Outcome::Silence);
        if !is_again && seen.reads.len() < READS_MAX {
            seen.reads.push(Read { at, server, file, http, outcome: Outcome::Silence });
        }
        let index = seen.reads.len().saturating_sub(1);
        self.conversations.insert(source, (client, index));
    }

    fn read_of(&mut self, port: SocketAddrV4) -> Option<&mut Read> {
        let (client, index) = *self.conversations.get(&port)?;
        self.machines.get_mut(&client)?.seen.reads.get_mut(index)
    }

    fn take_answer(&mut self, to: SocketAddrV4, payload: &[u8]) {
        let Some(read) = self.read_of(to) else { return };
        match Tftp::parse(payload) {
            Ok(Tftp::Data { .. } | Tftp::OptionAck(_)) => read.outcome = Outcome::Answered,
            Ok(Tftp::Error { code, message }) => {
                read.outcome = Outcome::Refused(code.0, printable(message));
            }
            _ => {}
        }
    }

    /// The client's own packets: an error ends the transfer of its own will.
    fn take_ending(&mut self, from: SocketAddrV4, payload: &[u8]) {
        let at = self.seconds();
        if let Some((client, _)) = self.conversations.get(&from)
            && let Some(machine) = self.machines.get_mut(client)
        {
            machine.seen.last_heard = at;
        }
        if let (Ok(Tftp::Error { .. }), Some(read)) = (Tftp::parse(payload), self.read_of(from)) {
            read.outcome = Outcome::Probed;
        }
    }

    fn take_http(&mut self, source: SocketAddrV4, destination: SocketAddrV4, payload: &[u8]) {
        if let Some(rest) = payload.strip_prefix(b"HTTP/1.") {
            let status =
                rest.get(2..5).and_then(|status| core::str::from_utf8(status).ok()?.parse().ok());
            let (Some(read), Some(status)) = (self.read_of(destination), status) else { return };
            let status: u16 = status;
            read.outcome = if status < 400 {
                Outcome::Answered
            } else {
                Outcome::Refused(status, String::new())
            };
            return;
        }
        let Some((method, path, agent)) = http_request(payload) else { return };
        let now = self.instant();
        let mut modes = BTreeMap::new();
        for server in &mut self.rehearsals {
            let reaction = server.take_http(now, IpAddr::V4(*source.ip()), agent, path);
            modes.insert(server.mode().to_string(), reaction);
        }
        self.note_read(source, destination, printable(path), true);
        let what = format!("{method} {}", printable(path));
        let fields = vec![Field::new("user agent", printable(agent))];
        let client = self.client_of(*source.ip());
        self.push(client, (source, destination), (what, fields), modes);
    }

    fn note_closed(&mut self, said_to: Ipv4Addr, destination: SocketAddrV4) {
        let Some(client) = self.addresses.get(&said_to).copied() else { return };
        if let Some(machine) = self.machines.get_mut(&client)
            && !machine.seen.closed.contains(&destination)
            && machine.seen.closed.len() < 16
        {
            machine.seen.closed.push(destination);
        }
    }

    fn push(
        &mut self,
        client: ClientId,
        (from, to): (SocketAddrV4, SocketAddrV4),
        (what, fields): (String, Vec<Field>),
        modes: BTreeMap<String, Reaction>,
    ) {
        if self.entries.len() >= ENTRIES_MAX {
            self.left_out += 1;
            return;
        }
        let (at, from, to) = (self.seconds(), from.to_string(), to.to_string());
        self.entries.push(Entry { at, from, to, what, fields, client, modes });
    }

    pub(super) fn report(self, is_cut: bool, address: Ipv4Addr) -> Report {
        let end = self.seconds();
        let invents = self.rehearsals.iter().any(|server| server.invents_subnet);
        let invented =
            "in server mode addresses are made up: the configuration has no [[dhcp.subnet]]";
        let notes = invents.then(|| invented.to_owned()).into_iter().collect();
        let asks_ipv6 = self.asks_ipv6;
        let mut packets = self.entries;
        let boot = |client: &ClientId| {
            self.machines.get(client).is_some_and(|machine| boots(&machine.seen))
        };
        packets.retain(|packet| boot(&packet.client));
        let machines = self.machines.into_iter().filter(|(_, machine)| boots(&machine.seen));
        let machines = machines.map(|(client, Machine { mut seen, .. })| {
            (seen.end, seen.asks_ipv6) = (end, asks_ipv6);
            let (summary, findings) = (diagnose::summary(&seen), diagnose::findings(&seen));
            let next_boot = self.rehearsals.first().and_then(|server| server.order(client));
            MachineReport { machine: client.to_string(), summary, next_boot, findings }
        });
        Report {
            address,
            frames: self.frames,
            is_cut,
            notes,
            machines: machines.collect(),
            packets,
            packets_left_out: self.left_out,
        }
    }
}

/// Whether it tried to boot: others only want an address.
fn boots(seen: &Observed) -> bool {
    seen.firmware.is_some() || seen.ipxe || !seen.reads.is_empty()
}
