//! Packets in words: what matters of them for booting.

use core::net::Ipv4Addr;

use pxe_dhcp::{MessageView, OptionCode};
use pxe_tftp::Packet;

use super::detail::Field;
use super::event::printable;

/// Options shown of one TFTP packet.
const OPTIONS_SHOWN: usize = 8;
/// Bytes shown of option 43.
const VENDOR_BYTES_SHOWN: usize = 48;

/// How an option's value is written.
type Write<'w> = &'w dyn Fn(&[u8]) -> String;

/// What a DHCP message is, and its fields.
pub fn describe_dhcp(datagram: &[u8]) -> (String, Vec<Field>) {
    let Ok(view) = MessageView::parse(datagram) else {
        return (format!("{} bytes that are no DHCP message", datagram.len()), Vec::new());
    };
    let what = view.message_type().map_or_else(|| "BOOTP".to_owned(), |it| it.to_string());
    let mut fields = Vec::new();
    let mut address = |name, address: Ipv4Addr| {
        if !address.is_unspecified() {
            fields.push(Field::new(name, address));
        }
    };
    address("client address", view.client_address());
    address("your address", view.your_address());
    address("boot server (siaddr)", view.server_address());
    address("relay", view.relay_address());
    if !view.boot_file().is_empty() {
        fields.push(Field::new("file", printable(view.boot_file())));
    }
    let ip = |value: &[u8]| {
        let bytes = <[u8; 4]>::try_from(value);
        bytes.map_or_else(|_| printable(value), |bytes| Ipv4Addr::from(bytes).to_string())
    };
    let seconds = |value: &[u8]| {
        let bytes = <[u8; 4]>::try_from(value);
        bytes.map_or_else(|_| printable(value), |bytes| format!("{} s", u32::from_be_bytes(bytes)))
    };
    let number = |value: &[u8]| match value {
        [high, low] => u16::from_be_bytes([*high, *low]).to_string(),
        other => printable(other),
    };
    let hex = |value: &[u8]| {
        let shown = &value[..value.len().min(VENDOR_BYTES_SHOWN)];
        let text: Vec<String> = shown.iter().map(|byte| format!("{byte:02x}")).collect();
        if shown.len() < value.len() { format!("{} …", text.join(" ")) } else { text.join(" ") }
    };
    let text = |value: &[u8]| printable(value.strip_suffix(b"\0").unwrap_or(value));
    let shown: [(u8, &'static str, Write<'_>); 10] = [
        (50, "wants address (50)", &ip),
        (51, "lease (51)", &seconds),
        (54, "server identifier (54)", &ip),
        (60, "class (60)", &text),
        (66, "server name (66)", &text),
        (67, "boot file (67)", &text),
        (77, "user class (77)", &text),
        (93, "architecture (93)", &number),
        (43, "vendor options (43)", &hex),
        (175, "iPXE options (175)", &hex),
    ];
    for (code, name, write) in shown {
        if let Some(value) = view.option(OptionCode(code)) {
            fields.push(Field::new(name, write(&value)));
        }
    }
    (what, fields)
}

/// What a TFTP packet is, and its fields.
pub fn describe_tftp(datagram: &[u8]) -> (String, Vec<Field>) {
    let options = |options: Vec<(&[u8], &[u8])>| {
        let field = |(name, value): (&[u8], &[u8])| Field {
            name: printable(name).into(),
            value: printable(value),
        };
        options.into_iter().take(OPTIONS_SHOWN).map(field).collect()
    };
    match Packet::parse(datagram) {
        Ok(Packet::ReadRequest(request)) => {
            let list = request.options().iter().map(|option| (option.name, option.value)).collect();
            (format!("read request for {}", printable(request.file_name())), options(list))
        }
        Ok(Packet::WriteRequest(request)) => {
            (format!("write request for {}", printable(request.file_name())), Vec::new())
        }
        Ok(Packet::OptionAck(view)) => {
            let list = view.iter().map(|option| (option.name, option.value)).collect();
            ("OACK".to_owned(), options(list))
        }
        Ok(Packet::Data { block, payload }) => {
            (format!("DATA {block} ({} bytes)", payload.len()), Vec::new())
        }
        Ok(Packet::Ack { block }) => (format!("ACK {block}"), Vec::new()),
        Ok(Packet::Error { code, message }) => {
            (format!("ERROR {} {}", code.0, printable(message)), Vec::new())
        }
        _ => (format!("{} bytes", datagram.len()), Vec::new()),
    }
}
