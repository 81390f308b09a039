//! The DISCOVERs of the captures, and one that a relay passed on.

use pxe_dhcp::options::{RelayAgentInformationBuilder, RelayOption};
use pxe_dhcp::{Message, MessageView, OptionCode, SizeBudget};

macro_rules! vectors {
    ($($name:literal),* $(,)?) => {
        &[$((
            $name,
            include_bytes!(concat!("../../crates/pxe-dhcp/tests/vectors/", $name, ".bin")),
        )),*]
    };
}

/// Every DISCOVER of the captures, by the name of its golden vector.
const CAPTURED: &[(&str, &[u8])] = vectors![
    "aavmf-arm64-shim-then-http-001-discover",
    "aavmf-arm64-shim-then-http-037-discover",
    "ipxe-bios-and-ovmf-x64-chain-001-discover",
    "ipxe-bios-and-ovmf-x64-chain-025-discover",
    "ipxe-bios-and-ovmf-x64-chain-050-discover",
    "ovmf-ia32-grub-001-discover",
    "ovmf-x64-http-001-discover",
    "ovmf-x64-http-370-discover",
    "ovmf-x64-pxev4-pxev6-httpv4-no-answer-002-discover",
    "ovmf-x64-pxev4-pxev6-httpv4-no-answer-029-discover",
    "s390-netboot-001-discover",
    "slof-ppc64-003-discover",
    "uboot-arm64-002-discover",
    "uboot-arm64-027-discover",
];

/// One message to be read.
#[derive(Clone, Debug)]
pub struct Sample {
    /// Which vector it is, or what was made of one.
    pub name: String,
    /// The UDP payload.
    pub datagram: Vec<u8>,
}

/// All messages: the captured ones, and of each firmware's first one a copy that went through a relay.
pub fn samples() -> Vec<Sample> {
    let captured = CAPTURED
        .iter()
        .map(|&(name, datagram)| Sample { name: name.to_owned(), datagram: datagram.to_owned() });
    let relayed =
        CAPTURED.iter().filter(|(name, _)| RELAYED.contains(name)).map(|sample| relay(*sample));
    captured.chain(relayed).collect()
}

const RELAYED: [&str; 2] =
    ["ipxe-bios-and-ovmf-x64-chain-001-discover", "ipxe-bios-and-ovmf-x64-chain-025-discover"];

/// What a relay agent makes of a request: `giaddr`, a hop, and option 82 (RFC 3046).
fn relay((name, datagram): (&str, &[u8])) -> Sample {
    let view = MessageView::parse(datagram).expect("a golden vector");
    let mut information = RelayAgentInformationBuilder::new();
    information
        .push(RelayOption::CIRCUIT_ID, b"ge-0/0/12.100")
        .push(RelayOption::REMOTE_ID, &[0x00, 0x11, 0x22, 0x33, 0x44, 0x55]);
    let mut message = Message::from_view(&view);
    message
        .set_hops(1)
        .set_relay_address([192, 0, 2, 1].into())
        .push(OptionCode::RELAY_AGENT_INFORMATION, information.finish().expect("a short value"));
    let mut datagram = Vec::new();
    message.encode(SizeBudget::of_payload(1472), &mut datagram).expect("it fits a frame");
    Sample { name: format!("{name}, relayed"), datagram }
}
