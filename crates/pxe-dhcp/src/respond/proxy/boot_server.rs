//! The boot server's ACK: to a request on port 4011, and to a choice from a boot menu.

use core::net::Ipv4Addr;

use super::answer::{self, ProxyAnswer};
use super::{ProxyRequest, ProxyStyle};
use crate::options::{BootItem, PxeOption};
use crate::respond::phrase::{self, require_boot_file};
use crate::{EncodeError, Message, OptionCode};

/// Fills the ACK to a REQUEST on port 4011. As complete as the OFFER: shim and GRUB read this very
/// packet from the firmware's cache, and only its header.
pub(super) fn fill(
    message: &mut Message,
    request: &ProxyRequest<'_>,
    answer: &ProxyAnswer<'_>,
    style: ProxyStyle,
) -> Result<(), EncodeError> {
    fill_common(message, request, answer)?;
    if style != ProxyStyle::RaspberryPi {
        require_boot_file(answer.file)?;
    }
    message.set_client_address(request.view().client_address());
    phrase::push(message, request.facts(), style, answer.server);
    Ok(())
}

/// Fills the ACK to boot server discovery: the choice is echoed, and nothing else of option 43 is
/// said, so that the client does not start the menu over. As dnsmasq does, the client's address
/// moves to `yiaddr`.
pub(super) fn fill_item(
    message: &mut Message,
    request: &ProxyRequest<'_>,
    answer: &ProxyAnswer<'_>,
    item: BootItem,
) -> Result<(), EncodeError> {
    fill_common(message, request, answer)?;
    require_boot_file(answer.file)?;
    // EDK2 takes the reply only from the server it asked, and looks for that in `siaddr`
    // (`PxeBcDhcp4Discover`).
    message.set_server_address(answer.server);
    message.set_client_address(Ipv4Addr::UNSPECIFIED);
    message.set_your_address(request.view().client_address());
    message.push_with(OptionCode::VENDOR_SPECIFIC, |value| {
        value.extend_from_slice(&[PxeOption::BOOT_ITEM.0, 4]);
        value.extend_from_slice(&item.to_bytes());
        value.push(phrase::END);
    });
    Ok(())
}

fn fill_common(
    message: &mut Message,
    request: &ProxyRequest<'_>,
    answer: &ProxyAnswer<'_>,
) -> Result<(), EncodeError> {
    answer::fill_identity(message, request, answer);
    answer::fill_boot_file(message, request, answer.file)?;
    message.set_server_address(answer.next_server.unwrap_or(answer.server));
    Ok(())
}
