//! What a caller decides about a request, and the parts of a reply that every recipe shares.

use core::net::Ipv4Addr;

use super::{ClientClass, ProxyRequest, ProxyStyle};
use crate::respond::phrase::{self, FileOption};
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
    phrase::push_class(message, request.class());
    message.push_from(request.view(), OptionCode::MACHINE_ID);
}

/// The boot file: in the header, where every loader looks, and in option 67 only if it must be.
pub(super) fn fill_boot_file(
    message: &mut Message,
    request: &ProxyRequest<'_>,
    file: &[u8],
) -> Result<(), EncodeError> {
    let option = match request.class() {
        ClientClass::Http if !file.is_empty() => FileOption::Terminated,
        _ => FileOption::IfLong,
    };
    phrase::fill_boot_file(message, option, file)
}
