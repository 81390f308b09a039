//! Before it becomes a DHCP server, ours asks whether another is there, and hears it.

mod common;

use std::cell::Cell;
use std::net::Ipv4Addr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use common::{FOREIGN, Lab, Place, US, policy};
use pxe_dhcp::respond::{ForeignProbe, Ports, ProbeVerdict, ProxyRequest};
use pxe_sim::foreign::Habit;
use pxe_sim::network::{Arrival, Impairment, Node, Outbox};
use pxe_sim::policy as decision;

const MAC: [u8; 6] = [0x02, 0, 0, 0, 0, 0x77];

/// A host that asks, and shows what it found.
struct Asker {
    probe: ForeignProbe,
    found: Rc<Cell<Option<ProbeVerdict>>>,
}

impl Asker {
    fn drive(&mut self, now: Instant, out: &mut Outbox) {
        self.probe.handle_timeout(now);
        let mut bytes = Vec::new();
        let transmit = self.probe.poll_transmit(now, &mut bytes).expect("a small message");
        if let Some(transmit) = transmit {
            out.broadcast(transmit.source_port, transmit.destination.port(), bytes);
        }
        self.found.set(self.probe.verdict());
    }
}

impl Node for Asker {
    fn handle_datagram(&mut self, now: Instant, arrival: &Arrival<'_>, out: &mut Outbox) {
        if arrival.destination.port() == 68 {
            self.probe.handle_datagram(arrival.source, arrival.payload);
            self.drive(now, out);
        }
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.probe.poll_timeout()
    }

    fn handle_timeout(&mut self, now: Instant, out: &mut Outbox) {
        self.drive(now, out);
    }
}

/// What a probe finds among the others of a network, after eight seconds.
fn found(lab: &mut Lab) -> Option<ProbeVerdict> {
    let shown = Rc::new(Cell::new(None));
    let own = vec![US, Ipv4Addr::new(192, 0, 2, 8)];
    let probe = ForeignProbe::new(lab.world.now(), Ports::default(), 0x0bad_cafe, MAC, own);
    lab.attach("asker", MAC, Asker { probe, found: Rc::clone(&shown) });
    lab.world.run_for(Duration::from_secs(8));
    shown.get()
}

#[test]
fn another_server_is_found_in_spite_of_losses() {
    let mut missed = 0;
    for seed in 0..100 {
        let impairment = Impairment::bad(100);
        let mut lab = Lab::new(seed, impairment, Place::SameLan, Habit::AddressesOnly);
        match found(&mut lab) {
            Some(ProbeVerdict::Found(server)) => assert_eq!(server.server, FOREIGN),
            Some(ProbeVerdict::Alone) => missed += 1,
            None => panic!("no verdict\n{}", lab.world.report()),
        }
    }
    // Three questions, each lost one way or the other in a fifth of cases.
    assert!(missed <= 5, "{missed} of 100");
}

#[test]
fn alone_is_alone_beside_proxies() {
    let policy = policy(true);
    let decide = move |request: &ProxyRequest<'_>| decision::decide(&policy, US, request);
    let proxy = pxe_sim::server::ProxyServer::new(decide);
    let mut lab = Lab::alone(1, Impairment::default(), Place::SameLan, proxy);
    assert_eq!(found(&mut lab), Some(ProbeVerdict::Alone));
}
