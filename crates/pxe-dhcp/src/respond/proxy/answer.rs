//! What a caller decides about a request, and the parts of a reply that every recipe shares.

use alloc::vec::Vec;
use core::net::Ipv4Addr;

use super::{ClientClass, ProxyRequest, ProxyStyle};
use crate::respond::limits::{BOOT_FILE_BYTES_MAX, HEADER_FILE_BYTES_MAX};
use crate::{EncodeError, Message, MessageView, OptionCode, SizeBudget};

/// The decision about one request: who we are, and what to boot from where.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProxyAnswer<'a> {
    /// Our address as clients shall know it: option 54, and `siaddr` unless
    /// [`next_server`](Self::next_server) says otherwise. Clients send their boot-server request
    /// (port 4011) to it.
    pub server: Ipv4Addr,
    /// The TFTP server, where that is another machine. An offer that makes the client come back to
    /// port 4011 still names [`server`](Self::server) in `siaddr`.
    pub next_server: Option<Ipv4Addr>,
    /// File name or URL, as bytes and without NUL. Up to 127 bytes go into the header, where every
    /// boot client looks; longer ones, up to 254, into option 67 alone, which shim never reads.
    pub file: &'a [u8],
    /// How to phrase it; `None` lets the request decide ([`ProxyRequest::default_style`]).
    /// Does not matter to [`ClientClass::Http`] and [`ClientClass::UBoot`].
    pub style: Option<ProxyStyle>,
}

impl<'a> ProxyAnswer<'a> {
    /// Boot `file` from `server`, which is us, in the style that suits the client.
    #[must_use]
    pub const fn new(server: Ipv4Addr, file: &'a [u8]) -> Self {
        Self { server, next_server: None, file, style: None }
    }
}

/// 54, 60, 97 and the echoes: what is the same in every reply.
pub(super) fn fill_identity(
    message: &mut Message,
    request: &ProxyRequest<'_>,
    answer: &ProxyAnswer<'_>,
) {
    message.push(OptionCode::SERVER_IDENTIFIER, &answer.server.octets());
    match request.class() {
        ClientClass::Http => {
            // A GRUB patch reads this option as a C string (docs/quirks.md).
            message.push(OptionCode::VENDOR_CLASS, super::classify::HTTP_CLIENT);
            message.pad_after(OptionCode::VENDOR_CLASS);
        }
        // U-Boot reads neither; EDK2 on the same wire must never see a proxy offer without it.
        ClientClass::Pxe | ClientClass::UBoot => {
            message.push(OptionCode::VENDOR_CLASS, super::classify::PXE_CLIENT);
        }
    }
    if let Some(machine_id) = request.facts().machine_id.filter(|id| !id.is_empty()) {
        message.push(OptionCode::MACHINE_ID, machine_id);
    }
    // RFC 6842: a server returns the client identifier it was sent.
    if let Some(client) = request.facts().client_identifier.filter(|id| id.len() >= 2) {
        message.push(OptionCode::CLIENT_IDENTIFIER, client);
    }
    echo_relay_information(message, request.view());
}

/// The boot file: in the header, where every loader looks, and in option 67 only if it must be.
pub(super) fn fill_boot_file(
    message: &mut Message,
    request: &ProxyRequest<'_>,
    file: &[u8],
) -> Result<(), EncodeError> {
    if file.contains(&0) {
        return Err(EncodeError::Name { bytes: file.len(), field_bytes: HEADER_FILE_BYTES_MAX + 1 });
    }
    if file.len() > BOOT_FILE_BYTES_MAX {
        return Err(EncodeError::ValueTooLong { code: OptionCode::BOOT_FILE_NAME, bytes: file.len() });
    }
    let fits_header = file.len() <= HEADER_FILE_BYTES_MAX;
    if fits_header {
        message.set_boot_file(file)?;
    }
    if !fits_header || request.class() == ClientClass::Http {
        // EDK2 writes a NUL behind a value that does not end in one, over the next option's code.
        let mut terminated = [0_u8; BOOT_FILE_BYTES_MAX + 1];
        terminated[..file.len()].copy_from_slice(file);
        message.push(OptionCode::BOOT_FILE_NAME, &terminated[..=file.len()]);
    }
    Ok(())
}

/// An answer without a name is no answer; EDK2 would go on with nothing, BIOS would say PXE-E53.
pub(super) fn require_boot_file(file: &[u8]) -> Result<(), EncodeError> {
    if file.is_empty() {
        return Err(EncodeError::ValueLength { code: OptionCode::BOOT_FILE_NAME, bytes: 0 });
    }
    Ok(())
}

/// Encodes `message`. The client identifier and machine identifier are only echoes: where the
/// budget is too small for them, a reply without is better than none.
pub(super) fn encode(
    message: &mut Message,
    budget: SizeBudget,
    out: &mut Vec<u8>,
) -> Result<(), EncodeError> {
    message.encode(budget, out)?;
    Ok(())
}

/// RFC 3046 section 2.2: byte for byte, in every reply.
fn echo_relay_information(message: &mut Message, request: &MessageView<'_>) {
    if let Some(value) = request.option(OptionCode::RELAY_AGENT_INFORMATION)
        && !value.is_empty()
    {
        message.push(OptionCode::RELAY_AGENT_INFORMATION, &value);
    }
}
