//! What PXE firmware does alike, whoever made it.

use std::net::{Ipv4Addr, SocketAddrV4};

use super::{BOOT_SERVER_PORT, Boot, CLIENT_PORT, CachedPackets, Machine, Outcome, SERVER_PORT};
use crate::network::{Arrival, Datagram, Outbox};
use crate::wire::{self, Reader, Writer, sub_option};

/// What ROMs pad their messages to, in bytes: the 576 of RFC 2131 without the headers of IP and UDP.
pub(super) const ROM_MESSAGE_BYTES: usize = 548;

/// The DHCP reply that a datagram is for this machine, if it is one.
pub(super) fn reply_to<'a>(machine: &Machine, arrival: &Arrival<'a>) -> Option<Reader<'a>> {
    let reply = Reader::new(arrival.payload)?;
    let ours = arrival.destination.port() == CLIENT_PORT
        && reply.operation() == 2
        && reply.transaction_id() == machine.transaction_id
        && reply.hardware_address() == machine.mac;
    ours.then_some(reply)
}

/// Whether `reply` acknowledges the address of `offer`, by the server that offered it.
pub(super) fn acknowledges(reply: &Reader<'_>, offer: &Reader<'_>) -> bool {
    reply.message_type() == Some(wire::ACK)
        && reply.server_identifier() == offer.server_identifier()
        && reply.your_address() == offer.your_address()
}

/// What a ROM by PXE 2.1 tells of itself in every message, in Intel's order.
pub(super) fn rom_packet(
    machine: &Machine,
    message_type: u8,
    size_max: u16,
    request_list: &[u8],
) -> Writer {
    Writer::new(1, machine.transaction_id, &machine.mac)
        .option(53, &[message_type])
        .option(57, &size_max.to_be_bytes())
        .option(55, request_list)
        .option(97, &machine.machine_id())
        .option(93, &machine.arch.to_be_bytes())
        .option(94, &[1, 2, 1])
        .option(60, &machine.vendor_class("PXEClient", "002001"))
}

/// A DISCOVER to everybody.
pub(super) fn discover(packet: Writer, out: &mut Outbox) {
    out.broadcast(CLIENT_PORT, SERVER_PORT, packet.broadcast().finish(ROM_MESSAGE_BYTES));
}

/// A REQUEST to everybody for what was offered.
pub(super) fn request(packet: Writer, offer: &[u8], out: &mut Outbox) {
    let Some(offer) = Reader::new(offer) else { return };
    let packet = for_offer(packet.broadcast(), &offer);
    out.broadcast(CLIENT_PORT, SERVER_PORT, packet.finish(ROM_MESSAGE_BYTES));
}

/// Options 50 and 54: the address of `offer`, from the server that offered it.
fn for_offer(packet: Writer, offer: &Reader<'_>) -> Writer {
    let server = offer.server_identifier().unwrap_or(Ipv4Addr::UNSPECIFIED);
    packet.option(50, &offer.your_address().octets()).option(54, &server.octets())
}

/// Asks the boot server port of `server`, from the address of `ack`.
pub(super) fn ask_boot_server(
    packet: Writer,
    (ack, server): (&Reader<'_>, Ipv4Addr),
    len: usize,
    out: &mut Outbox,
) {
    let payload = packet.client_address(ack.your_address()).finish(len);
    let source = SocketAddrV4::new(ack.your_address(), CLIENT_PORT);
    let destination = SocketAddrV4::new(server, BOOT_SERVER_PORT);
    out.send(0, Datagram { source, destination, link: None, payload });
}

/// Discovery control bit 3, with a file and a server to take at once.
pub(super) fn boots_at_once(proxy: &Reader<'_>) -> bool {
    let control = proxy.option(43).and_then(|value| sub_option(value, 6)?.first().copied());
    control.is_some_and(|bits| bits & 8 != 0)
        && !proxy.boot_file().is_empty()
        && !proxy.server_address().is_unspecified()
}

/// The boot by the header of the last packet that came: the boot server's, the proxy's or the DHCP server's.
pub(super) fn boot_by_header(cached: CachedPackets) -> Outcome {
    let address = Reader::new(&cached.ack).map_or(Ipv4Addr::UNSPECIFIED, |ack| ack.your_address());
    let last = cached.pxe_reply.as_ref().or(cached.proxy_offer.as_ref()).unwrap_or(&cached.ack);
    let Some(packet) = Reader::new(last) else { return Outcome::Failed("no packet") };
    if packet.boot_file().is_empty() {
        return Outcome::Failed("PXE-E53");
    }
    let (server, file) = (packet.server_address(), packet.boot_file().to_vec());
    Outcome::Boot(Boot { server, file, address, cached, content: None })
}
