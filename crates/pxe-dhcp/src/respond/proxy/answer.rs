//! What a caller decides about a request, and the parts of a reply that every recipe shares.

use core::net::Ipv4Addr;

use super::{ClientClass, ProxyRequest, ProxyStyle};
use crate::options::VendorClass;
use crate::respond::limits::{BOOT_FILE_BYTES_MAX, HEADER_FILE_BYTES_MAX};
use crate::{EncodeError, Message, OptionCode};

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
    /// How to phrase it; `None` leaves it to the settings ([`ProxyStyles`](super::ProxyStyles)), and
    /// they to the request ([`ProxyRequest::default_style`]) unless told otherwise.
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

/// 54, 60 and 97: what is the same in every reply. Options 61 and 82 are echoed already.
pub(super) fn fill_identity(
    message: &mut Message,
    request: &ProxyRequest<'_>,
    answer: &ProxyAnswer<'_>,
) {
    message.push(OptionCode::SERVER_IDENTIFIER, &answer.server.octets());
    match request.class() {
        ClientClass::Http => {
            // A GRUB patch reads this option as a C string (docs/quirks.md).
            message.push_padded(OptionCode::VENDOR_CLASS, VendorClass::HTTP_CLIENT);
        }
        // U-Boot reads neither; EDK2 on the same wire must never see a proxy offer without it.
        ClientClass::Pxe | ClientClass::UBoot => {
            message.push(OptionCode::VENDOR_CLASS, VendorClass::PXE_CLIENT);
        }
    }
    message.push_from(request.view(), OptionCode::MACHINE_ID);
}

/// The boot file: in the header, where every loader looks, and in option 67 only if it must be.
pub(super) fn fill_boot_file(
    message: &mut Message,
    request: &ProxyRequest<'_>,
    file: &[u8],
) -> Result<(), EncodeError> {
    if file.contains(&0) {
        return Err(EncodeError::Name {
            bytes: file.len(),
            field_bytes: HEADER_FILE_BYTES_MAX + 1,
        });
    }
    if file.len() > BOOT_FILE_BYTES_MAX {
        return Err(EncodeError::ValueTooLong {
            code: OptionCode::BOOT_FILE_NAME,
            bytes: file.len(),
        });
    }
    let fits_header = file.len() <= HEADER_FILE_BYTES_MAX;
    if fits_header {
        message.set_boot_file(file)?;
    }
    // EDK2 writes a NUL behind a value that does not end in one, over the next option's code.
    let mut terminated = [0_u8; BOOT_FILE_BYTES_MAX + 1];
    terminated[..file.len()].copy_from_slice(file);
    let terminated = &terminated[..=file.len()];
    if !fits_header {
        message.push_mandatory(OptionCode::BOOT_FILE_NAME, terminated);
    } else if request.class() == ClientClass::Http {
        message.push(OptionCode::BOOT_FILE_NAME, terminated);
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
