//! A request that waits for the driver's decision.

use core::net::SocketAddr;

use crate::options::{OptionsView, RequestOptions};
use crate::packet::{Mode, RequestView};

/// A request that the driver has to decide about: end it with
/// [`Server::accept`](super::Server::accept), or [`accept_upload`](super::Server::accept_upload) if it
/// [`is_upload`](Self::is_upload), with [`reject`](super::Server::reject) or [`ignore`](super::Server::ignore). Dropping it is the same as ignoring.
#[derive(Debug)]
#[must_use = "a request is ended by accept, reject or ignore"]
pub struct Request<'d> {
    pub(super) peer: SocketAddr,
    pub(super) datagram: &'d [u8],
    pub(super) view: RequestView<'d>,
    pub(super) upload: bool,
}

impl<'d> Request<'d> {
    /// Who asks.
    #[must_use]
    pub const fn peer(&self) -> SocketAddr {
        self.peer
    }

    /// Whether the client wants to send the file (WRQ). Never so unless
    /// [`uploads_max`](super::ServerConfig::uploads_max) allows it.
    #[must_use]
    pub const fn is_upload(&self) -> bool {
        self.upload
    }

    /// Name of the file as it came: bytes in no known character set, without NUL, perhaps empty, perhaps
    /// with `\` for `/`, with `..` or with garbage at the end.
    #[must_use]
    pub const fn file_name(&self) -> &'d [u8] {
        self.view.file_name()
    }

    /// [`Mode::Octet`] or [`Mode::Netascii`]; others are refused before.
    #[must_use]
    pub fn mode(&self) -> Mode {
        self.view.mode()
    }

    /// Values of the known options.
    #[must_use]
    pub fn options(&self) -> RequestOptions {
        self.view.options().values()
    }

    /// All options in wire order. Order and values tell firmwares apart.
    #[must_use]
    pub const fn raw_options(&self) -> OptionsView<'d> {
        self.view.options()
    }

    /// The whole datagram.
    #[must_use]
    pub const fn datagram(&self) -> &'d [u8] {
        self.datagram
    }

    /// To know a copy of the request. Nothing is lost by a collision but one client's answer.
    pub(super) fn digest(datagram: &[u8]) -> u64 {
        // FNV-1a.
        datagram.iter().fold(0xcbf2_9ce4_8422_2325, |digest, &byte| {
            (digest ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        })
    }
}
