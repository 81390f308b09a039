//! A client that hears no broadcasts gets its address all the same: the server sends to its hardware address.

use core::net::Ipv4Addr;
use std::fs;

use super::scene::{Lan, Scene};
use super::udhcpc::Client;
use crate::error::{Context as _, Result, fail};
use crate::lab::capture::Capture;
use crate::lab::packets::{ACK, Datagram, DhcpSeen, OFFER};
use crate::lab::vm::mac_text;
use crate::lab::wire::Tap;

pub(super) fn serve(scene: &mut Scene) -> Result<()> {
    let mut client = Client::new(scene, Lan::Near, "deaf", 92)?;
    scene.deafen(&client.host)?;
    let folder = scene.folder.join("deaf");
    fs::create_dir_all(&folder).context(|| format!("making {}", folder.display()))?;
    let port = Tap { namespace: client.host.clone(), interface: "eth0".to_owned() };
    let mut capture = Capture::start(&port, &folder)?;
    let address = client.get(scene, &[])?;
    let mut heard = Vec::new();
    for frame in capture.finish()? {
        let Some(datagram) = Datagram::read(&frame) else { continue };
        let Some(seen) = DhcpSeen::read(&datagram).filter(|seen| seen.is_reply) else { continue };
        let to = frame.bytes.first_chunk::<6>().map(|mac| mac_text(*mac)).unwrap_or_default();
        let at = datagram.destination;
        if to != client.mac || *at.ip() != address || at.port() != 68 {
            return fail(format!("{}: a reply goes to {to}, {at}", client.what()));
        }
        heard.push(seen.message_type);
    }
    if heard != [OFFER, ACK] || address == Ipv4Addr::UNSPECIFIED {
        return fail(format!("{} has {address} and heard {heard:?}", client.what()));
    }
    println!("  a client that hears no broadcasts was sent its lease by Ethernet address");
    Ok(())
}
