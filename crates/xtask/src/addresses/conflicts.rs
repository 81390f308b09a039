//! Addresses that hosts have by their own configuration: the server asks for them before it offers them, and sets aside
//! what a client declines. The relay is ISC's, which adds option 82.

use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::time::Instant;

use super::bootp;
use super::scene::{Kind, Lan, Scene};
use super::udhcpc::Client;
use super::{seconds, with_story};
use crate::error::{Context as _, Result, fail};
use crate::lab::capture::{Capture, Frame};
use crate::lab::packets::Datagram;
use crate::lab::wire::Tap;

const RELAY_INFORMATION: u8 = 82;

pub(super) fn play(binary: &Path, folder: &Path) -> Result<()> {
    let folder = folder.join("conflicts");
    fs::create_dir_all(&folder).context(|| format!("making {}", folder.display()))?;
    let mut scene = Scene::build(binary, &folder, Kind::Crowded)?;
    let result = quarrel(&mut scene);
    with_story(&scene, result)?;
    scene.stop()
}

fn quarrel(scene: &mut Scene) -> Result<()> {
    let started = Instant::now();
    let port = Tap { namespace: scene.boot.clone(), interface: "eth0".to_owned() };
    let mut capture = Capture::start(&port, &scene.folder)?;
    for lan in Lan::ALL {
        let first = *lan.pool().start();
        let squatter =
            scene.host(lan, &format!("squat{}", u8::from(lan == Lan::Beyond)), lan.mac(90))?;
        squatter.add_address("eth0", first.into())?;
        squatter.ip(&format!("route add default via {}", lan.router()))?;

        let mut client = Client::new(scene, lan, "again", 91)?;
        let found = client.get(scene, &["-r", &first.to_string()])?;
        if found == first {
            return fail(format!("{} was given {first}, which another has", client.what()));
        }
        scene.find_told(&format!("{first} answers a probe"))?;

        // It had this address before, so that only it finds out who has it meanwhile.
        squatter.add_address("eth0", found.into())?;
        let other = client.get(scene, &["-a"])?;
        scene.find_told(&format!("{} declined {found}: another machine", client.mac))?;
        if [first, found].contains(&other) {
            return fail(format!("{} declined {found}, and was given {other}", client.what()));
        }
        println!(
            "  {}: {first} was found in use, {found} declined, {other} given, after {:.1} s",
            lan.title(),
            seconds(started)
        );
    }
    check_relay_information(&capture.finish()?)
}

/// What the relay adds comes back byte for byte, as the last option.
fn check_relay_information(frames: &[Frame]) -> Result<()> {
    let (mut asked, mut answers) = (HashMap::new(), 0);
    for datagram in frames.iter().filter_map(Datagram::read).filter(Datagram::is_dhcp) {
        let message = datagram.payload;
        let Some(relay) = message.get(24..28).filter(|relay| *relay != [0; 4]) else { continue };
        let exchange = (relay.to_vec(), message.get(4..8).map(<[u8]>::to_vec));
        let last = bootp::options(message).pop().filter(|(code, _)| *code == RELAY_INFORMATION);
        if message.first() == Some(&1) {
            asked.insert(exchange, last);
            continue;
        }
        let sent = asked.get(&exchange).cloned().flatten();
        if sent.is_none() || last != sent {
            return fail(format!("the relay sent {sent:?} as its option, and got {last:?} back"));
        }
        answers += 1;
    }
    if answers < 4 {
        return fail(format!("the capture has only {answers} answers to the relay"));
    }
    println!("  ISC dhcrelay got its option 82 back in {answers} answers");
    Ok(())
}
