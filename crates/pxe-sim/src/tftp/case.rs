//! One transfer on one network, as a line of text: played, and judged.

mod text;

use std::net::Ipv4Addr;
use std::time::Duration;

use pxe_tftp::limits::{FINAL_RESENDS_MAX, GAP_QUIET_UNMEASURED};
use pxe_tftp::{ClientConfig, Event, ServerConfig};

use super::ours::{Ours, Stubborn};
use super::receivers::{Receiver, Style};
use super::server::TftpServer;
use super::station::{End, Peer, SERVER, Shared, Station};
use crate::network::{Accidents, Impairment, Interface, Node, World};
use crate::random::Random;

const CLIENT: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 10);
/// No transfer takes longer, on whatever network.
const PATIENCE: Duration = Duration::from_secs(3600);
/// Steps of a run, so that two sides that answer each other for ever fail the test.
const EVENTS_MAX: usize = 2_000_000;
/// How much later than others an overtaken datagram comes, in delays.
const DETOUR_DELAYS: u32 = 3;

/// Who fetches the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fetcher {
    /// A model of firmware.
    Firmware(Style),
    /// `pxe_tftp::Client`.
    Ours,
}

impl Fetcher {
    const OURS: &str = "ours";

    /// All of them.
    pub fn all() -> impl Iterator<Item = Self> {
        Style::ALL.iter().map(|&(style, _)| Self::Firmware(style)).chain([Self::Ours])
    }
}

/// One transfer on one network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Case {
    /// Who fetches.
    pub fetcher: Fetcher,
    /// Blocks in a window, as asked for.
    pub window: u16,
    /// Bytes in a block, as asked for.
    pub block_size: u16,
    /// Bytes of the file.
    pub bytes: usize,
    /// Datagrams lost, in 1000.
    pub loss: u16,
    /// Datagrams delivered twice, in 1000.
    pub doubled: u16,
    /// Datagrams that others overtake, in 1000.
    pub overtaken: u16,
    /// One way through the network, in microseconds.
    pub delay_us: u32,
    /// Bytes of the largest IP packet that comes through; any, if none is named.
    pub mtu: Option<u32>,
    /// All transfers by the listening port.
    pub single_port: bool,
    /// The client's machine is switched off after so many datagrams.
    pub client_hears: Option<u32>,
    /// The server's machine is switched off after so many datagrams.
    pub server_hears: Option<u32>,
    /// Of every accident, and of the file.
    pub seed: u64,
}

/// What was seen.
#[derive(Clone, Debug)]
pub struct Played {
    /// How it ended for the client; `None` if its machine was switched off before.
    pub end: Option<End>,
    /// From the request to the client's end, or to the moment when it was switched off.
    pub elapsed: Duration,
    /// Until nothing moved any more.
    pub until_rest: Duration,
    /// DATA packets sent.
    pub data_sent: u64,
    /// What befell the datagrams.
    pub accidents: Accidents,
    /// What the server told.
    pub events: Vec<Event>,
}

impl Case {
    /// A small file for EDK2 on a good network.
    #[must_use]
    pub fn plain() -> Self {
        Self {
            fetcher: Fetcher::Firmware(Style::Edk2),
            window: 4,
            block_size: 512,
            bytes: 10_000,
            loss: 0,
            doubled: 0,
            overtaken: 0,
            delay_us: 1000,
            mtu: None,
            single_port: false,
            client_hears: None,
            server_hears: None,
            seed: 0,
        }
    }

    /// Blocks of the file, an empty last one included.
    #[must_use]
    pub fn blocks(&self) -> u64 {
        (self.bytes / usize::from(self.block_size)) as u64 + 1
    }

    /// The bytes of the file.
    #[must_use]
    pub fn file(&self) -> Vec<u8> {
        content(self.seed, self.bytes)
    }

    /// The most DATA packets that what happened excuses: each datagram that was lost or overtaken costs a window
    /// and little more. What a patient receiver misses it asks for after seconds, in which the server has tried some
    /// times; and one that is gone does not repeat its last acknowledgement.
    #[must_use]
    pub fn data_max(&self, played: &Played) -> u64 {
        let window = u64::from(self.window).min(self.blocks());
        let tries = match self.fetcher {
            Fetcher::Firmware(Style::NackOnce | Style::Silent) => 6,
            // Patient only if its one NACK is lost as well.
            Fetcher::Firmware(Style::UBoot) => 3,
            Fetcher::Firmware(_) | Fetcher::Ours => 1,
        };
        let accidents = played.accidents.lost + played.accidents.overtaken;
        let unheard =
            |event: &Event| matches!(event, Event::Finished { last_ack_missing: true, .. });
        let end = match played.events.iter().any(unheard) {
            true => u64::from(FINAL_RESENDS_MAX) * window,
            false => 0,
        };
        // On a long path it repeats itself until it has learned how long.
        let round_trip = Duration::from_micros(2 * u64::from(self.delay_us));
        let learning = match round_trip > GAP_QUIET_UNMEASURED {
            true => 4 * window + 1,
            false => 0,
        };
        self.blocks() + accidents * (window + 2) * tries + end + learning
    }

    /// Plays the transfer until nothing moves any more.
    ///
    /// # Errors
    /// If something did not hold that holds for every transfer, however bad the network.
    pub fn play(&self) -> Result<Played, String> {
        self.play_in(&mut self.world(true))
    }

    /// The last `lines` lines of what happens in it.
    #[must_use]
    pub fn story(&self, lines: usize) -> String {
        let mut world = self.world(false);
        let _ = self.play_in(&mut world);
        let report = world.report();
        let all: Vec<_> = report.lines().collect();
        all[all.len().saturating_sub(lines)..].join("\n")
    }

    fn world(&self, quiet: bool) -> World {
        let delay = Duration::from_micros(self.delay_us.into());
        let impairment = Impairment {
            loss_permille: self.loss,
            duplicate_permille: self.doubled,
            reorder_permille: self.overtaken,
            delay_min: delay,
            delay_max: delay,
            detour: delay * DETOUR_DELAYS,
            mtu: self.mtu.map_or(usize::MAX, |mtu| mtu as usize),
        };
        let mut world = World::new(self.seed, impairment);
        if quiet {
            world.be_quiet();
        }
        world
    }

    /// Plays it with another configuration of our client, and another file, than the case says.
    ///
    /// # Errors
    /// As for [`play`](Self::play).
    pub fn play_ours(&self, config: ClientConfig, file: Vec<u8>) -> Result<Played, String> {
        let mut world = self.world(true);
        let peer = Ours::new(world.now(), config);
        self.play_with(&mut world, peer, file)
    }

    /// Plays it with our client in several attempts.
    ///
    /// # Errors
    /// As for [`play`](Self::play).
    pub fn play_stubborn(&self, attempts_max: u32) -> Result<Played, String> {
        let mut world = self.world(true);
        let peer = Stubborn::new(world.now(), self.client_config(), attempts_max);
        self.play_with(&mut world, peer, self.file())
    }

    fn client_config(&self) -> ClientConfig {
        let mut config = ClientConfig::default();
        config.block_size = Some(self.block_size);
        config.window_size = Some(self.window);
        config
    }

    fn play_in(&self, world: &mut World) -> Result<Played, String> {
        let now = world.now();
        match self.fetcher {
            Fetcher::Firmware(style) => {
                let peer = Receiver::new(now, style, self.block_size, self.window);
                self.play_with(world, peer, self.file())
            }
            Fetcher::Ours => {
                self.play_with(world, Ours::new(now, self.client_config()), self.file())
            }
        }
    }

    fn play_with<P: Peer + 'static>(
        &self,
        world: &mut World,
        peer: P,
        file: Vec<u8>,
    ) -> Result<Played, String> {
        let mut config = ServerConfig::default();
        config.single_port = self.single_port;
        let start = world.now();
        let server = TftpServer::new(config, file.clone()).that_hears(self.server_hears);
        let server = Shared::new(server);
        let station = Shared::new(Station::new(peer, CLIENT, start, self.client_hears));
        attach(world, "server", SERVER, server.clone());
        attach(world, "client", CLIENT, station.clone());
        let rests = world.run_until(PATIENCE, EVENTS_MAX, |_| false);
        let until_rest = world.elapsed();
        if !rests || until_rest >= PATIENCE {
            return Err("it does not end".to_owned());
        }
        let (end, ended, whole) = station.with(|station| {
            let whole = station.peer.content() == file;
            (station.peer.end().cloned(), station.ended(), whole)
        });
        if end.is_none() && self.client_hears.is_none() {
            return Err("the client has neither the file nor an error".to_owned());
        }
        if end == Some(End::Whole) && !whole {
            return Err("the client has other bytes than the server".to_owned());
        }
        if self.server_hears.is_none() {
            server.change(|server| {
                let leftover = server.leftover(world.now());
                match (server.violation(), leftover) {
                    (Some(violation), _) => Err(format!("the server: {violation}")),
                    (None, Some(leftover)) => Err(format!("left over in the server: {leftover}")),
                    (None, None) => Ok(()),
                }
            })?;
        }
        Ok(Played {
            end,
            elapsed: ended.map_or(until_rest, |ended| ended - start),
            until_rest,
            data_sent: server.with(TftpServer::data_sent),
            accidents: world.accidents(),
            events: server.with(|server| server.events().to_vec()),
        })
    }
}

/// Bytes that follow from a seed.
#[must_use]
pub fn content(seed: u64, bytes: usize) -> Vec<u8> {
    let mut random = Random::new(seed ^ 0xc0ff_ee00);
    let mut content = vec![0; bytes];
    for part in content.chunks_mut(size_of::<u64>()) {
        let word = random.next_u64().to_le_bytes();
        part.copy_from_slice(&word[..part.len()]);
    }
    content
}

/// Puts a node with one interface onto the network's only segment.
pub fn attach(world: &mut World, name: &str, address: Ipv4Addr, node: impl Node + 'static) {
    let segment = world.only_segment();
    let [.., last] = address.octets();
    let interface = Interface { segment, mac: [2, 0, 0, 0, 0, last], address };
    world.attach(name, vec![interface], node);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_case_plays_the_same_every_time() {
        let case: Case =
            "tftp-hpa window 4 loss 50 doubled 20 overtaken 20 seed 3".parse().unwrap();
        let (one, two) = (case.play().unwrap(), case.play().unwrap());
        assert_eq!((one.data_sent, one.until_rest), (two.data_sent, two.until_rest));
        assert_eq!(one.accidents, two.accidents);
        assert!(one.accidents.lost > 0);
        assert!(case.story(100_000).contains("OACK windowsize|4|"));
    }
}
