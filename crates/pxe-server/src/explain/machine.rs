//! A described machine as the DISCOVER it would send.

use core::net::Ipv4Addr;

use pxe_dhcp::{HardwareType, Message, MessageType, Operation, OptionCode, SizeBudget};
use pxe_select::{Arch, Firmware};

use super::ExplainOptions;
use crate::engine::ClientId;

/// What nobody has who did not choose it (QEMU's default).
const MAC: [u8; 6] = [0x52, 0x54, 0x00, 0x12, 0x34, 0x56];
/// Sub-options of option 175 that a full iPXE sends, each `1`: PXE, HTTP, HTTPS, TFTP, DNS, menus.
const IPXE_FEATURES: [u8; 6] = [0x21, 0x13, 0x14, 0x15, 0x17, 0x27];
const IPXE_BZIMAGE: u8 = 0x18;
const IPXE_EFI: u8 = 0x24;
/// What firmware accepts in one packet (EDK2).
const MESSAGE_BYTES: u16 = 1472;

/// A machine that somebody describes.
#[derive(Debug)]
pub(super) struct Described {
    pub(super) arch: u16,
    pub(super) class: String,
    pub(super) user_class: Option<String>,
    pub(super) ipxe: bool,
    pub(super) mac: [u8; 6],
    pub(super) relay: Option<Ipv4Addr>,
}

impl Described {
    pub(super) fn new(options: &ExplainOptions) -> Result<Self, String> {
        let asked = options.arch.as_deref().unwrap_or_default();
        let wants_http =
            options.class.as_deref().is_some_and(|class| class.starts_with("HTTPClient"));
        let (arch, is_http) = match asked.parse() {
            Ok(number) => (number, Arch(number).firmware().is_some_and(Firmware::is_http)),
            Err(_) => {
                let firmware = Firmware::from_name(asked).ok_or_else(|| unknown(asked))?;
                let firmware = match firmware.over_http() {
                    Some(http) if wants_http => http,
                    _ => firmware,
                };
                (number_of(firmware), firmware.is_http())
            }
        };
        let class = match options.class.as_deref() {
            None if is_http => whole("HTTPClient", arch),
            None => whole("PXEClient", arch),
            Some(class @ ("PXEClient" | "HTTPClient")) => whole(class, arch),
            Some(class) => class.to_owned(),
        };
        let mac = match &options.mac {
            None => MAC,
            Some(text) => match text.parse() {
                Ok(ClientId::Mac(mac)) => mac,
                _ => {
                    return Err(format!(
                        "--mac {text:?} is no MAC address such as 52:54:00:aa:00:01"
                    ));
                }
            },
        };
        let (user_class, relay) = (options.user_class.clone(), options.relay);
        Ok(Self { arch, class, user_class, ipxe: options.ipxe, mac, relay })
    }

    /// Its message of this type, from `address`.
    pub(super) fn message(&self, kind: MessageType, address: Ipv4Addr) -> Vec<u8> {
        let mut message = Message::new(Operation::BootRequest);
        // Six bytes are no more than there is room for.
        let _ = message.set_hardware(HardwareType::ETHERNET, &self.mac);
        message.set_transaction_id(0x7078_6531).set_client_address(address);
        message.set_flags(pxe_dhcp::Flags(0x8000));
        if let Some(relay) = self.relay {
            message.set_relay_address(relay);
        }
        message.push_octet(OptionCode::MESSAGE_TYPE, kind.0);
        message.push(OptionCode(55), &[1, 3, 6, 15, 43, 54, 60, 66, 67]);
        message.push_short(OptionCode(57), MESSAGE_BYTES);
        message.push(OptionCode(60), self.class.as_bytes());
        message.push_short(OptionCode(93), self.arch);
        message.push(OptionCode(94), &[1, 3, 16]);
        let user_class = self.user_class.as_deref().or_else(|| self.ipxe.then_some("iPXE"));
        if let Some(user_class) = user_class {
            message.push(OptionCode(77), user_class.as_bytes());
        }
        if self.ipxe {
            let kernel = if self.arch == 0 { IPXE_BZIMAGE } else { IPXE_EFI };
            let features = IPXE_FEATURES.into_iter().chain([kernel]);
            let features: Vec<u8> = features.flat_map(|code| [code, 1, 1]).collect();
            message.push(OptionCode(175), &features);
        }
        let mut bytes = Vec::new();
        // A class too long for a packet is left out, like every option that finds no room.
        let _ = message.encode(SizeBudget::of_payload(usize::from(MESSAGE_BYTES)), &mut bytes);
        bytes
    }
}

/// The number that firmware of this name sends: the first of the registry that stands for it.
fn number_of(firmware: Firmware) -> u16 {
    match firmware {
        // Its ROM says what a PC's says.
        Firmware::Rpi => 0,
        _ => (0..u16::MAX)
            .find(|number| Arch(*number).firmware() == Some(firmware))
            .unwrap_or_default(),
    }
}

fn whole(class: &str, arch: u16) -> String {
    format!("{class}:Arch:{arch:05}:UNDI:003016")
}

fn unknown(asked: &str) -> String {
    let names: Vec<&str> = Firmware::all().iter().map(|firmware| firmware.name()).collect();
    let meant = crate::policy::meant(asked);
    let meant = meant.map(|near| format!(", did you mean {near}?")).unwrap_or_default();
    format!(
        "--arch {asked:?} is no firmware{meant}\nthere are {}, or the number of option 93",
        names.join(", ")
    )
}
