//! The second half of a boot: a model's firmware, once it knows what to fetch, fetches it by TFTP
//! as that firmware does, and is done when the file is there.

use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::time::Instant;

use pxe_tftp::{Client, ClientConfig, ErrorCode};

use crate::engine::parse_tftp_url;
use crate::firmware::{Boot, Outcome};
use crate::network::{Arrival, Datagram, Node, Outbox};

const TFTP_PORT: u16 = 69;

/// How a firmware reads a file (the options of its requests are in the TFTP reference, section 2).
#[derive(Clone, Copy, Debug)]
pub struct TftpHabit {
    /// Asks for the size first, in a transfer that it aborts at once.
    probe: bool,
    ask_size: bool,
    block_size: u16,
    timeout_s: Option<u8>,
    window_size: Option<u16>,
    first_port: u16,
}

impl TftpHabit {
    /// EDK2 since 2018: a probe ended by error 8, then blocks of 1468 and a window of 4.
    pub const EDK2: Self = Self {
        probe: true,
        ask_size: false,
        block_size: 1468,
        timeout_s: None,
        window_size: Some(4),
        first_port: 1284,
    };
    /// iPXE: blocks of 1432, the size, no window.
    pub const IPXE: Self = Self {
        probe: false,
        ask_size: true,
        block_size: 1432,
        timeout_s: None,
        window_size: None,
        first_port: 2593,
    };
    /// Intel Boot Agent: a probe, then blocks of 1456.
    pub const INTEL_ROM: Self = Self {
        probe: true,
        ask_size: false,
        block_size: 1456,
        timeout_s: None,
        window_size: None,
        first_port: 2070,
    };
    /// U-Boot: a timeout of 5 s, blocks of 1468.
    pub const U_BOOT: Self = Self {
        probe: false,
        ask_size: false,
        block_size: 1468,
        timeout_s: Some(5),
        window_size: None,
        first_port: 1900,
    };
    /// Raspberry Pi 4: the size, blocks of 1024.
    pub const RASPBERRY_PI: Self = Self {
        probe: false,
        ask_size: true,
        block_size: 1024,
        timeout_s: None,
        window_size: None,
        first_port: 6970,
    };

    fn config(&self, probing: bool) -> ClientConfig {
        let mut config = ClientConfig::default();
        config.ask_size = self.ask_size || probing;
        config.block_size = Some(self.block_size);
        config.timeout_s = self.timeout_s;
        config.window_size = self.window_size;
        config
    }
}

/// A model with its TFTP client behind it.
pub struct Fetching<M> {
    model: M,
    habit: TftpHabit,
    transfer: Option<Transfer>,
    outcome: Option<Outcome>,
}

struct Transfer {
    boot: Boot,
    server: Ipv4Addr,
    name: Vec<u8>,
    client: Client,
    port: u16,
    probing: bool,
    content: Vec<u8>,
}

impl<M: Node> Fetching<M> {
    /// `model`, which fetches what it boots after `habit`.
    #[must_use]
    pub fn new(model: M, habit: TftpHabit) -> Self {
        Self { model, habit, transfer: None, outcome: None }
    }

    /// Begins the transfer once the model knows what to fetch.
    fn follow_model(&mut self, now: Instant) {
        if self.transfer.is_some() || self.outcome.is_some() {
            return;
        }
        match self.model.outcome() {
            None => {}
            Some(Outcome::Failed(reason)) => self.outcome = Some(Outcome::Failed(reason)),
            Some(Outcome::Boot(boot)) => {
                let (server, name) =
                    parse_tftp_url(&boot.file).unwrap_or_else(|| (boot.server, boot.file.clone()));
                let probing = self.habit.probe;
                self.transfer = Some(Transfer {
                    client: self.client(now, server, &name, probing),
                    boot: boot.clone(),
                    server,
                    name,
                    port: self.habit.first_port,
                    probing,
                    content: Vec::new(),
                });
            }
        }
    }

    fn client(&self, now: Instant, server: Ipv4Addr, name: &[u8], probing: bool) -> Client {
        let server = SocketAddr::V4(SocketAddrV4::new(server, TFTP_PORT));
        Client::new(now, server, name, self.habit.config(probing)).expect("a name that fits")
    }

    /// Reads the size in the answer to the probe, aborts, and begins anew from the next port.
    fn after_probe(&mut self, now: Instant, out: &mut Outbox) {
        let Some(transfer) = &mut self.transfer else { return };
        if !transfer.probing || transfer.client.transfer_size().is_none() {
            return;
        }
        transfer.client.abort(ErrorCode(8), "User aborted the transfer");
        self.drain(now, out);
        let Some(transfer) = &self.transfer else { return };
        let client = self.client(now, transfer.server, &transfer.name, false);
        if let Some(transfer) = &mut self.transfer {
            transfer.client = client;
            transfer.probing = false;
            transfer.port += 1;
        }
    }

    fn drain(&mut self, now: Instant, out: &mut Outbox) {
        let Some(transfer) = &mut self.transfer else { return };
        let mut payload = Vec::new();
        while let Some(SocketAddr::V4(destination)) =
            transfer.client.poll_transmit(now, &mut payload)
        {
            let source = SocketAddrV4::new(transfer.boot.address, transfer.port);
            out.send(0, Datagram { source, destination, link: None, payload: payload.clone() });
        }
    }

    fn fail(&mut self, reason: &pxe_tftp::TransferError, out: &mut Outbox) {
        out.note(format!("TFTP: {reason}"));
        self.outcome = Some(Outcome::Failed("PXE-T: the file did not come"));
    }
}

impl<M: Node> Node for Fetching<M> {
    fn handle_datagram(&mut self, now: Instant, arrival: &Arrival<'_>, out: &mut Outbox) {
        if self.transfer.is_none() {
            self.model.handle_datagram(now, arrival, out);
            self.follow_model(now);
            self.drain(now, out);
            return;
        }
        let Some(transfer) = &mut self.transfer else { return };
        if arrival.destination.port() != transfer.port {
            return;
        }
        let source = SocketAddr::V4(arrival.source);
        let result = transfer.client.handle_datagram(now, source, arrival.payload);
        match result {
            Ok(None) => {}
            Ok(Some(_)) if transfer.probing => {
                let reason = "User aborted download: the probe drew no size";
                self.outcome = Some(Outcome::Failed(reason));
            }
            Ok(Some(chunk)) => {
                assert_eq!(chunk.offset, transfer.content.len() as u64, "a gap in the file");
                transfer.content.extend_from_slice(chunk.payload);
                if chunk.last {
                    let mut boot = transfer.boot.clone();
                    boot.server = transfer.server;
                    boot.file = transfer.name.clone();
                    boot.content = Some(core::mem::take(&mut transfer.content));
                    self.outcome = Some(Outcome::Boot(boot));
                }
            }
            Err(reason) => self.fail(&reason, out),
        }
        self.after_probe(now, out);
        self.drain(now, out);
    }

    fn poll_timeout(&self) -> Option<Instant> {
        match &self.transfer {
            None => self.model.poll_timeout().filter(|_| self.outcome.is_none()),
            Some(transfer) => transfer.client.poll_timeout(),
        }
    }

    fn handle_timeout(&mut self, now: Instant, out: &mut Outbox) {
        match &mut self.transfer {
            None => {
                self.model.handle_timeout(now, out);
                self.follow_model(now);
            }
            Some(transfer) => {
                if let Err(reason) = transfer.client.handle_timeout(now)
                    && self.outcome.is_none()
                {
                    self.fail(&reason, out);
                }
            }
        }
        self.drain(now, out);
    }

    fn outcome(&self) -> Option<&Outcome> {
        self.outcome.as_ref()
    }
}
