//! The proxy OFFER: the recipes for a DISCOVER on port 67.

use super::answer::{self, ProxyAnswer};
use super::{ClientClass, ProxyRequest, ProxyStyle};
use crate::respond::phrase::{self, require_boot_file};
use crate::{EncodeError, Message};

/// Fills an OFFER: `yiaddr` 0, since we give no address, and complete in itself for every client
/// that does not come back to port 4011.
pub(super) fn fill(
    message: &mut Message,
    request: &ProxyRequest<'_>,
    answer: &ProxyAnswer<'_>,
    style: ProxyStyle,
) -> Result<(), EncodeError> {
    answer::fill_identity(message, request, answer);
    answer::fill_boot_file(message, request, answer.file)?;
    let menu_only = request.class() == ClientClass::Pxe && style == ProxyStyle::RaspberryPi;
    if !menu_only {
        require_boot_file(answer.file)?;
    }
    message.set_server_address(answer.server);
    match request.class() {
        ClientClass::Pxe => {
            phrase::push(message, request.facts(), style, answer.server);
            if style != ProxyStyle::Binl {
                // EDK2 sends its BINL request to `siaddr` (`PxeBcRetryBinlOffer`), so there it
                // stays us; everybody else fetches the boot file from it.
                message.set_server_address(answer.next_server.unwrap_or(answer.server));
            }
        }
        // Option 43 would be nobody's: HTTP Boot never reads it, U-Boot reads the header.
        ClientClass::Http | ClientClass::UBoot => {
            message.set_server_address(answer.next_server.unwrap_or(answer.server));
        }
    }
    Ok(())
}
