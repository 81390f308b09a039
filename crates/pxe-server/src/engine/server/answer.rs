//! What a client is told: its lease, the options of its subnet, classes and host, and what to boot.

use core::net::Ipv4Addr;
use std::time::Instant;

use pxe_dhcp::respond::{
    BootAnswer, Lease, ProxyStyle, ServerAnswer, ServerMessage, ServerRequest, ServerRequestKind,
};
use pxe_dhcp::{MessageKind, OptionCode};
use pxe_lease::SubnetId;
use pxe_select::{Action, Asked, Beside, Firmware, Ipxe, Reasons};

use super::DhcpServer;
use crate::engine::event::{one_line, printable};
use crate::engine::inventory::WantedBy;
use crate::engine::{facts, named};

/// What the decision says about booting.
#[derive(Debug, Default)]
pub(super) struct Boot {
    pub(super) file: Option<Vec<u8>>,
    pub(super) firmware: Option<Firmware>,
    pub(super) ipxe: bool,
    /// Why there is no file, if the client wants one: denied or held.
    pub(super) without: Option<(bool, String)>,
    /// Of the decision, if it was asked.
    pub(super) reasons: Option<Reasons>,
    /// The boot server that is named with the file.
    pub(super) server: Option<Ipv4Addr>,
}

impl Boot {
    pub(super) fn shown(&self) -> Option<String> {
        self.file.as_deref().map(printable)
    }
}

impl DhcpServer {
    /// Answers with an address for some seconds, or with none, to an INFORM.
    pub(super) fn accept(
        &mut self,
        now: Instant,
        request: ServerRequest<'_>,
        lease: Option<(Ipv4Addr, u32)>,
        subnet: SubnetId,
    ) {
        let message = *request.message();
        let server = self.server_address(&message);
        let Some(plan) = self.plan.subnet(subnet) else { return self.responder.ignore(request) };
        let address = lease.map(|(address, _)| address).or_else(|| message.address());
        let boot = self.boot(now, &message, address, server);
        let layers = self.plan.options(subnet, &message);
        let answer = match lease {
            Some((address, seconds)) => {
                // The same client gets the same answer as often as it asks.
                let spread = address.octets()[3];
                let mut lease = Lease::new(address, seconds);
                lease.spread = spread;
                ServerAnswer::new(server, plan.mask, lease)
            }
            None => ServerAnswer::inform(server, plan.mask),
        };
        let mut answer = answer.with_options(&layers);
        if let Some(file) = &boot.file {
            let mut told = BootAnswer::new(file);
            if boot.firmware == Some(Firmware::Rpi) {
                told.style = Some(ProxyStyle::RaspberryPi);
            }
            answer = answer.with_boot(told);
        }
        let kind = request.kind();
        if let Err(error) = self.responder.accept(now, request, &answer) {
            return self.tell_failed(now, &message, &boot, &error.to_string());
        }
        if let Some((address, seconds)) = lease {
            if kind == ServerRequestKind::Discover && boot.firmware == Some(Firmware::Rpi) {
                // It boots from an offer alone, and asks for its files from that address.
                let client = message.hardware_address();
                self.shared.hear_reply(now, client.as_bytes(), address);
            }
            self.tell_given(now, &message, kind, (address, seconds), &boot);
        }
    }

    /// Asks the one decision, for clients that boot from the network; others get an address and no more.
    fn boot(
        &self,
        now: Instant,
        message: &ServerMessage<'_>,
        address: Option<Ipv4Addr>,
        server: Ipv4Addr,
    ) -> Boot {
        if !wants_to_boot(message) {
            return Boot::default();
        }
        let local = message.received().local_address;
        let known = facts::of_message(message.view(), message.facts(), local, address);
        let policy = self.shared.policy();
        let mut facts = known.as_facts();
        let order = self.shared.orders().of_boot(message.hardware_address().as_bytes());
        facts.inventory =
            self.shared.inventory(now, message.hardware_address().as_bytes(), WantedBy::Dhcp);
        let beside = Beside::new(order.as_ref());
        let hardware_address = message.hardware_address();
        facts.ram_disk = self.shared.ram_disk(&policy, hardware_address.as_bytes(), beside);
        let decision = policy.decide_beside(&facts, beside, Asked::BootFile);
        let file = named::boot_file(&policy, &decision, server, self.tftp_port);
        let without = file.is_none().then(|| {
            let is_denied = matches!(decision.action, Action::Deny);
            (is_denied, one_line(&decision.reasons))
        });
        let ipxe = decision.identity.ipxe != Ipxe::Absent;
        let reasons = Some(decision.reasons);
        let server = file.is_some().then_some(server);
        Boot { file, firmware: decision.identity.firmware, ipxe, without, reasons, server }
    }
}

/// Firmware, boot loaders, and what asks for the name of a boot file by option 67 or by speaking BOOTP.
pub(super) fn wants_to_boot(message: &ServerMessage<'_>) -> bool {
    let asks = || {
        let mut parts = message.view().parts(OptionCode::PARAMETER_REQUEST_LIST);
        parts.any(|part| part.contains(&OptionCode::BOOT_FILE_NAME.0))
    };
    is_netboot(message) || message.view().kind() != MessageKind::Dhcp || asks()
}

/// Whether it says that it boots from the network.
pub(super) fn is_netboot(message: &ServerMessage<'_>) -> bool {
    message.class().is_some() || message.is_ipxe()
}
