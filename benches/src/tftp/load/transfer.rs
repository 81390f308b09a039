//! One file on its way: a client machine, its socket and its checksum.

use core::net::{Ipv4Addr, SocketAddr};
use std::io;
use std::net::UdpSocket;
use std::time::Instant;

use crc32fast::Hasher;
use nix::sys::socket::{MsgFlags, setsockopt, sockopt};
use pxe_tftp::{Client, ClientConfig};

use super::Plan;
use crate::tftp::batch::{BATCH_DATAGRAMS_MAX, Batch};
use crate::tftp::files::{Random, Wanted};

/// What becomes of a transfer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Next {
    Wait,
    /// All these bytes came, and they are right.
    Complete(u64),
    Failed(String),
}

/// One transfer.
pub(super) struct Transfer {
    client: Client,
    socket: UdpSocket,
    /// The port that answered; the socket is connected to it.
    server: Option<SocketAddr>,
    wanted: Wanted,
    crc: Hasher,
    loss: Loss,
    hold: Hold,
    /// Messages taken by one call: a window and one more, which shows that nothing is left.
    most: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Hold {
    /// Stops with the first block.
    Armed,
    Held,
    Off,
}

impl Transfer {
    /// Opens a socket; nothing is sent yet. `number` says which of all transfers it is.
    pub(super) fn open(
        plan: &Plan,
        address: Ipv4Addr,
        wanted: usize,
        number: (usize, usize),
    ) -> io::Result<Self> {
        let socket = UdpSocket::bind((address, 0))?;
        socket.set_nonblocking(true)?;
        if plan.join {
            setsockopt(&socket, sockopt::UdpGroSegment, &true)?;
        }
        let wanted = plan.files[wanted].clone();
        let mut config = ClientConfig::default();
        config.block_size = Some(plan.block_size);
        config.window_size = (plan.window > 1).then_some(plan.window);
        let client = Client::new(Instant::now(), plan.server, &wanted.name, config);
        let client = client.map_err(io::Error::other)?;
        Ok(Self {
            client,
            socket,
            server: None,
            wanted,
            crc: Hasher::new(),
            loss: Loss::new(plan.loss_permille, number),
            hold: if plan.hold { Hold::Armed } else { Hold::Off },
            most: (usize::from(plan.window) + 1).min(BATCH_DATAGRAMS_MAX),
        })
    }

    pub(super) const fn socket(&self) -> &UdpSocket {
        &self.socket
    }

    pub(super) const fn is_answered(&self) -> bool {
        self.server.is_some()
    }

    pub(super) fn is_held(&self) -> bool {
        self.hold == Hold::Held
    }

    pub(super) const fn release(&mut self) {
        self.hold = Hold::Off;
    }

    /// Takes all datagrams that wait and answers them.
    pub(super) fn receive(
        &mut self,
        now: Instant,
        batch: &mut Batch<()>,
        out: &mut Vec<u8>,
        datagrams: &mut [u64; 2],
    ) -> Next {
        if self.server.is_none() {
            let next = self.receive_first(now, out, datagrams);
            if next != Next::Wait || self.server.is_none() {
                return next;
            }
        }
        let Some(server) = self.server else { return Next::Wait };
        let Self { client, socket, wanted, crc, loss, hold, most, .. } = self;
        let mut next = Next::Wait;
        loop {
            let taken = batch.receive(socket, *most, MsgFlags::MSG_DONTWAIT, |_, datagram| {
                if next == Next::Wait && !loss.strikes_arrival() {
                    next = take(client, wanted, crc, now, server, datagram);
                    if *hold == Hold::Armed && client.received_bytes() > 0 {
                        *hold = Hold::Held;
                    }
                    if *hold != Hold::Held {
                        datagrams[1] += transmit(client, socket, Some(server), loss, now, out);
                    }
                }
            });
            match taken {
                Ok(taken) => datagrams[0] += taken.datagrams as u64,
                // An ICMP message for something sent earlier: the timers decide.
                Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => continue,
                Err(error) => return Next::Failed(format!("receive: {error}")),
            }
            if next != Next::Wait || taken.is_ok_and(|taken| taken.drained) {
                return next;
            }
        }
    }

    /// Waits for the first answer, which may come from any port; from then on only that port is heard.
    fn receive_first(&mut self, now: Instant, out: &mut Vec<u8>, datagrams: &mut [u64; 2]) -> Next {
        let mut buffer = [0; 2048];
        loop {
            let (bytes, source) = match self.socket.recv_from(&mut buffer) {
                Ok(found) => found,
                Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => continue,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Next::Wait,
                Err(error) => return Next::Failed(format!("receive: {error}")),
            };
            datagrams[0] += 1;
            if self.loss.strikes_arrival() {
                continue;
            }
            let Self { client, wanted, crc, .. } = self;
            let next = take(client, wanted, crc, now, source, &buffer[..bytes]);
            if next != Next::Wait {
                return next;
            }
            // It knows its server when it is no longer asking.
            if client.block_size().is_some() {
                if let Err(error) = self.socket.connect(source) {
                    return Next::Failed(format!("connect: {error}"));
                }
                self.server = Some(source);
                datagrams[1] += self.send(now, out);
                return Next::Wait;
            }
        }
    }

    /// Sends what the machine has to say; how many datagrams.
    pub(super) fn send(&mut self, now: Instant, out: &mut Vec<u8>) -> u64 {
        if self.is_held() {
            return 0;
        }
        transmit(&mut self.client, &self.socket, self.server, &mut self.loss, now, out)
    }

    pub(super) fn handle_timeout(&mut self, now: Instant) -> Next {
        if self.is_held() || self.client.poll_timeout().is_none_or(|due| now < due) {
            return Next::Wait;
        }
        match self.client.handle_timeout(now) {
            Ok(()) => Next::Wait,
            Err(error) => failed(&self.client, &error),
        }
    }
}

fn take(
    client: &mut Client,
    wanted: &Wanted,
    crc: &mut Hasher,
    now: Instant,
    source: SocketAddr,
    datagram: &[u8],
) -> Next {
    let chunk = match client.handle_datagram(now, source, datagram) {
        Ok(Some(chunk)) => chunk,
        Ok(None) => return Next::Wait,
        Err(error) => return failed(client, &error),
    };
    crc.update(chunk.payload);
    if !chunk.last {
        return Next::Wait;
    }
    let (bytes, crc) = (client.received_bytes(), crc.clone().finalize());
    if (bytes, crc) == (wanted.bytes, wanted.crc) {
        return Next::Complete(bytes);
    }
    Next::Failed(format!(
        "{bytes} bytes with CRC {crc:08x} came, not {} with {:08x}",
        wanted.bytes, wanted.crc
    ))
}

fn transmit(
    client: &mut Client,
    socket: &UdpSocket,
    connected: Option<SocketAddr>,
    loss: &mut Loss,
    now: Instant,
    out: &mut Vec<u8>,
) -> u64 {
    let mut sent = 0;
    while let Some(destination) = client.poll_transmit(now, out) {
        sent += 1;
        if loss.strikes_departure() {
            continue;
        }
        // What cannot be sent is lost, and the timers repair it.
        let _ = match connected {
            Some(_) => socket.send(out),
            None => socket.send_to(out, destination),
        };
    }
    sent
}

fn failed(client: &Client, error: &pxe_tftp::TransferError) -> Next {
    Next::Failed(format!("after {} bytes: {error}", client.received_bytes()))
}

/// Loses datagrams. Arrivals and departures have a sequence each, the same for every server.
struct Loss {
    permille: u16,
    arrivals: Random,
    departures: Random,
}

impl Loss {
    fn new(permille: u16, (client, file): (usize, usize)) -> Self {
        let seed = (client as u64) << 32 | (file as u64) << 1;
        let (arrivals, departures) = (Random::new(seed), Random::new(seed | 1));
        let [arrivals, departures] =
            [arrivals, departures].map(|mut random| Random::new(random.next()));
        Self { permille, arrivals, departures }
    }

    fn strikes_arrival(&mut self) -> bool {
        self.permille > 0 && self.arrivals.next() % 1000 < self.permille.into()
    }

    fn strikes_departure(&mut self) -> bool {
        self.permille > 0 && self.departures.next() % 1000 < self.permille.into()
    }
}
