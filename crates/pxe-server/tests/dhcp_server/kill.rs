//! Killed under load, again and again: what was acknowledged is kept, and no address has two owners.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use pxe_dhcp::MessageType;

use crate::client::Client;
use crate::common::{Folder, Server};
use crate::stage::{enter, serve};

const ROUNDS: u32 = 100;
const CLIENTS: u8 = 40;
const SUBNET: &str = "[[dhcp.subnet]]\nnetwork = \"10.9.0.0/16\"\n\
                      pool = [\"10.9.1.1-10.9.1.250\"]\nlease = \"1h\"\nauthoritative = true\n";

/// Steps of a xorshift generator, so that a failure can be repeated.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}

fn kill(server: Server) {
    let pid = nix::unistd::Pid::from_raw(server.pid().cast_signed());
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGKILL).expect("killed");
    drop(server);
}

/// One client's exchange as far as it comes; the address that was acknowledged.
fn try_lease(client: &mut Client) -> Option<Ipv4Addr> {
    let patience = Duration::from_millis(50);
    let discover = client.message(MessageType::DISCOVER);
    client.send(&discover);
    let offer = client.reply(patience)?;
    let request = client.taking(&offer);
    client.send(&request);
    let ack = client.reply(patience)?;
    assert_eq!(ack.kind, Some(MessageType::ACK));
    Some(ack.address)
}

#[test]
fn no_acknowledged_lease_is_lost() {
    if !enter("kill::no_acknowledged_lease_is_lost") {
        return;
    }
    let seed = std::env::var("PXE_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed = seed.unwrap_or(0x5eed_1ea5_e5e7_0001_u64);
    println!("PXE_SEED={seed}");
    let mut random = Random(seed);
    let folder = Folder::new("kill");
    let mut acknowledged: BTreeMap<u8, Ipv4Addr> = BTreeMap::new();
    for round in 0..ROUNDS {
        let server = serve(&folder, SUBNET);
        // Some ask first for what they had; all of that must still be theirs.
        for (last, address) in &acknowledged {
            if random.below(4) == 0 {
                let mut client = Client::new(&server, *last);
                let back = client.coming_back(*address);
                let ack = client.ask(&back);
                assert_eq!((ack.kind, ack.address), (Some(MessageType::ACK), *address), "{round}");
            }
        }
        // The end comes from another thread, at any moment of an exchange.
        let end = Instant::now() + Duration::from_micros(500 + random.below(60_000));
        let pid = nix::unistd::Pid::from_raw(server.pid().cast_signed());
        let killer = std::thread::spawn(move || {
            std::thread::sleep(end.saturating_duration_since(Instant::now()));
            nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGKILL).expect("killed");
        });
        while Instant::now() < end {
            let last = 1 + random.below(u64::from(CLIENTS)) as u8;
            let mut client = Client::new(&server, last);
            let Some(address) = try_lease(&mut client) else { continue };
            let before = acknowledged.insert(last, address);
            assert!(
                before.is_none_or(|before| before == address),
                "{round}: {last} lost {before:?}"
            );
        }
        killer.join().expect("the killer");
        drop(server);
        let mut owners: Vec<_> = acknowledged.values().collect();
        owners.sort_unstable();
        owners.dedup();
        assert_eq!(owners.len(), acknowledged.len(), "{round}: an address has two owners");
    }
    let server = serve(&folder, SUBNET);
    for (last, address) in &acknowledged {
        let mut client = Client::new(&server, *last);
        assert_eq!(client.discover().address, *address);
    }
    assert!(acknowledged.len() > 10, "hardly anybody got an address: {acknowledged:?}");
    kill(server);
}
