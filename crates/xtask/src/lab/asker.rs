//! Machines as far as a DHCP server sees them in a DISCOVER, and what it offers them.

use core::net::{Ipv4Addr, SocketAddrV4};
use core::time::Duration;
use std::io::ErrorKind;
use std::net::UdpSocket;
use std::time::Instant;

use pxe_dhcp::{
    Flags, HardwareType, Message, MessageType, MessageView, Operation, OptionCode, SizeBudget,
};

use crate::error::{Context as _, Result, fail};
use crate::interrupt;
use crate::lab::wire::Namespace;

const SERVER_PORT: u16 = 67;
const CLIENT_PORT: u16 = 68;
/// An answer takes milliseconds on an idle computer.
const ASK_AGAIN: Duration = Duration::from_secs(1);
const PATIENCE: Duration = Duration::from_secs(15);
const DATAGRAM_BYTES_MAX: usize = 1472;
/// The transaction of the first machine; the others count on.
const FIRST_TRANSACTION: u32 = 0x5a11_0000;
/// What EDK2 requests (NetworkPkg/UefiPxeBcDxe, `PxeBcBuildDhcp4Options`), 66 and 67 among it.
const REQUESTED: [u8; 24] =
    [1, 2, 3, 4, 5, 6, 12, 13, 15, 17, 18, 22, 23, 28, 40, 41, 42, 43, 50, 51, 54, 60, 66, 67];

/// A machine that asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Asker {
    /// What it is, for a person.
    pub(crate) what: &'static str,
    /// Options 93 and 60; `None` for one that sends neither.
    pub(crate) arch: Option<u16>,
    /// Option 77.
    pub(crate) user_class: Option<&'static str>,
}

/// The parts of an OFFER that a boot is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Offer {
    /// `siaddr`.
    pub(crate) next_server: Ipv4Addr,
    /// The header's `file`.
    pub(crate) file: String,
    /// Options 60, 66 and 67.
    pub(crate) vendor_class: Option<String>,
    pub(crate) server_name: Option<String>,
    pub(crate) boot_file: Option<String>,
}

/// Lets all of them ask at once, again where nothing comes, and returns what each is offered.
pub(crate) fn ask(host: &Namespace, askers: &[Asker]) -> Result<Vec<Offer>> {
    let socket = host.udp_socket(CLIENT_PORT)?;
    socket.set_read_timeout(Some(ASK_AGAIN)).context(|| "setting a timeout".to_owned())?;
    let mut offers: Vec<Option<Offer>> = vec![None; askers.len()];
    let deadline = Instant::now() + PATIENCE;
    loop {
        for (index, asker) in
            askers.iter().enumerate().filter(|(index, _)| offers[*index].is_none())
        {
            let to = SocketAddrV4::new(Ipv4Addr::BROADCAST, SERVER_PORT);
            let datagram = discover(index, *asker)?;
            socket.send_to(&datagram, to).context(|| "broadcasting a DISCOVER".to_owned())?;
        }
        listen(&socket, &mut offers)?;
        interrupt::check()?;
        if offers.iter().all(Option::is_some) {
            return Ok(offers.into_iter().flatten().collect());
        }
        if Instant::now() > deadline {
            let silent: Vec<&str> = askers
                .iter()
                .zip(&offers)
                .filter(|(_, offer)| offer.is_none())
                .map(|(asker, _)| asker.what)
                .collect();
            return fail(format!("no OFFER in {PATIENCE:?} for: {}", silent.join(", ")));
        }
    }
}

/// Takes offers until none is missing or nothing comes for a while.
fn listen(socket: &UdpSocket, offers: &mut [Option<Offer>]) -> Result<()> {
    let mut datagram = [0; DATAGRAM_BYTES_MAX];
    while offers.iter().any(Option::is_none) {
        let length = match socket.recv(&mut datagram) {
            Ok(length) => length,
            Err(why) if why.kind() == ErrorKind::WouldBlock => return Ok(()),
            Err(why) => return fail(format!("waiting for an OFFER: {why}")),
        };
        if let Some((index, offer)) = read(&datagram[..length])
            && let Some(slot) = offers.get_mut(index)
        {
            *slot = Some(offer);
        }
    }
    Ok(())
}

fn discover(index: usize, asker: Asker) -> Result<Vec<u8>> {
    let number = u8::try_from(index).unwrap_or(u8::MAX);
    let mut message = Message::new(Operation::BootRequest);
    let hardware_address = [0x52, 0x54, 0x00, 0x5a, 0x11, number];
    message
        .set_hardware(HardwareType::ETHERNET, &hardware_address)
        .context(|| "a hardware address".to_owned())?;
    message
        .set_transaction_id(FIRST_TRANSACTION | u32::from(number))
        .set_flags(Flags::BROADCAST)
        .push(OptionCode::MESSAGE_TYPE, &[MessageType::DISCOVER.0])
        .push(OptionCode::PARAMETER_REQUEST_LIST, &REQUESTED)
        .push_short(OptionCode::MAX_MESSAGE_SIZE, 1472);
    if let Some(arch) = asker.arch {
        let class = format!("PXEClient:Arch:{arch:05}:UNDI:003016");
        message
            .push_short(OptionCode::CLIENT_ARCHITECTURE, arch)
            .push(OptionCode::NETWORK_INTERFACE, &[1, 3, 16])
            .push(OptionCode::VENDOR_CLASS, class.as_bytes());
    }
    if let Some(class) = asker.user_class {
        message.push(OptionCode::USER_CLASS, class.as_bytes());
    }
    let mut datagram = Vec::new();
    message
        .encode(SizeBudget::of_payload(DATAGRAM_BYTES_MAX), &mut datagram)
        .context(|| "writing a DISCOVER".to_owned())?;
    Ok(datagram)
}

/// An OFFER for one of ours, and whose it is.
fn read(datagram: &[u8]) -> Option<(usize, Offer)> {
    let view = MessageView::parse(datagram).ok()?;
    let number = view.transaction_id().checked_sub(FIRST_TRANSACTION)?;
    if view.message_type() != Some(MessageType::OFFER) {
        return None;
    }
    let text = |code| view.option(code).map(|value| string(&value));
    let offer = Offer {
        next_server: view.server_address(),
        file: string(view.boot_file()),
        vendor_class: text(OptionCode::VENDOR_CLASS),
        server_name: text(OptionCode::TFTP_SERVER_NAME),
        boot_file: text(OptionCode::BOOT_FILE_NAME),
    };
    Some((usize::try_from(number).ok()?, offer))
}

/// Without the NUL that may end it.
fn string(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).trim_end_matches('\0').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_discover_says_what_the_machine_is() {
        let asker = Asker { what: "x64", arch: Some(7), user_class: Some("iPXE") };
        let datagram = discover(3, asker).unwrap();
        let view = MessageView::parse_strict(&datagram).unwrap();
        assert_eq!(view.message_type(), Some(MessageType::DISCOVER));
        assert_eq!(view.first(OptionCode::CLIENT_ARCHITECTURE), Some(&[0, 7][..]));
        assert_eq!(view.first(OptionCode::USER_CLASS), Some(&b"iPXE"[..]));
        assert!(view.flags().broadcast() && view.transaction_id() == FIRST_TRANSACTION + 3);
        let bare = discover(0, Asker { what: "?", arch: None, user_class: None }).unwrap();
        let view = MessageView::parse(&bare).unwrap();
        assert_eq!(view.first(OptionCode::VENDOR_CLASS), None);
        assert!(read(&datagram).is_none(), "a question is no answer");
    }
}
