//! Reads a DISCOVER, says what it tells about booting, and builds the answer of a proxyDHCP server by hand.
//!
//! ```sh
//! cargo run -p pxe-examples --bin codec_embed              # a DISCOVER of an iPXE ROM
//! cargo run -p pxe-examples --bin codec_embed -- FILE      # any UDP payload
//! ```

use std::error::Error;
use std::{env, fs};

use pxe_dhcp::{Message, MessageType, MessageView, OptionCode, SizeBudget};

fn main() -> Result<(), Box<dyn Error>> {
    let datagram = match env::args_os().nth(1) {
        Some(file) => fs::read(file)?,
        None => IPXE_DISCOVER.to_vec(),
    };

    // The datagram is checked here; afterwards nothing can fail.
    let discover = MessageView::parse(&datagram)?;
    println!("{discover}");
    for anomaly in discover.anomalies() {
        println!("odd at byte {}: {}", anomaly.offset, anomaly.kind);
    }

    let facts = discover.boot_facts();
    let archs: Vec<u16> = facts.archs.iter().collect();
    println!("architectures {archs:?}, option 57 says {:?} bytes", facts.max_message_size);
    if let Some(ipxe) = facts.ipxe_options() {
        println!("this is iPXE; it can {:?}", ipxe.features());
    }

    // An OFFER without an address: `xid`, hardware address, flags, options 61 and 82 come from the request.
    let server = [192, 0, 2, 5];
    let mut offer = Message::reply_to(&discover, MessageType::OFFER);
    offer
        .set_server_address(server.into())
        .push(OptionCode::SERVER_IDENTIFIER, &server)
        .push(OptionCode::VENDOR_CLASS, b"PXEClient")
        .push_from(&discover, OptionCode::MACHINE_ID);
    offer.set_boot_file(b"menu.ipxe")?;

    let mut reply = Vec::new();
    offer.encode(SizeBudget::for_request(facts.max_message_size), &mut reply)?;
    println!("\n{}", MessageView::parse_strict(&reply)?);
    Ok(())
}

/// Frame 1 of `captures/ipxe-bios-and-ovmf-x64-chain.pcap`, without its headers.
const IPXE_DISCOVER: &[u8] = include_bytes!(
    "../../../crates/pxe-dhcp/tests/vectors/ipxe-bios-and-ovmf-x64-chain-001-discover.bin"
);
