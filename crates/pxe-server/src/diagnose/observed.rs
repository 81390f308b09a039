//! What was seen of one machine's boot on the wire: the facts that findings are made of.

use core::net::{Ipv4Addr, SocketAddrV4};

use pxe_select::Firmware;

/// Everything seen of one machine. Times are seconds since some beginning.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Observed {
    /// Its firmware, as far as its messages say.
    pub firmware: Option<Firmware>,
    /// iPXE ran on it at some time.
    pub ipxe: bool,
    /// When it asked for an address.
    pub discovers: Vec<f64>,
    /// It chose an offer.
    pub requests: u32,
    /// It asked a boot server on port 4011, and which.
    pub boot_server_requests: Vec<Ipv4Addr>,
    /// Answers from a boot server's port.
    pub boot_server_replies: u32,
    /// It refused the address it was given.
    pub declines: u32,
    /// A server refused its request.
    pub naks: u32,
    /// Its messages came through a relay.
    pub relayed: bool,
    /// OFFERs and ACKs it was sent.
    pub replies: Vec<Reply>,
    /// Files it asked for.
    pub reads: Vec<Read>,
    /// Ports that told it they are closed.
    pub closed: Vec<SocketAddrV4>,
    /// Only what is broadcast was heard: what was asked and answered on port 4011 is not known.
    pub is_partial: bool,
    /// It asked by DHCP for IPv6 too.
    pub asks_ipv6: bool,
    /// When it was last heard, and when the capture ends.
    pub last_heard: f64,
    /// The end of what was seen.
    pub end: f64,
}

/// An OFFER or ACK.
#[derive(Clone, Debug, PartialEq)]
pub struct Reply {
    /// Who sent it: option 54, else the source address.
    pub server: Ipv4Addr,
    /// It is an ACK.
    pub is_ack: bool,
    /// It was sent while iPXE asked.
    pub to_ipxe: bool,
    /// The address it gives; none in a proxy's.
    pub address: Option<Ipv4Addr>,
    /// `siaddr`.
    pub next_server: Option<Ipv4Addr>,
    /// `file`, or option 67.
    pub file: String,
    /// Whether the name is in option 67 alone.
    pub file_in_option_only: bool,
    /// Option 66.
    pub server_name: bool,
    /// Its class begins with `PXEClient`.
    pub pxe_class: bool,
    /// It has PXE's own options (sub-options 6 to 10 of option 43).
    pub pxe_options: bool,
}

impl Reply {
    /// Whether it is a proxy's: it names a file and gives no address.
    pub fn is_proxy(&self) -> bool {
        self.address.is_none() && self.pxe_class
    }
}

/// A file that was asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct Read {
    /// When.
    pub at: f64,
    /// Of whom.
    pub server: Ipv4Addr,
    /// Which.
    pub file: String,
    /// By HTTP, and not by TFTP.
    pub http: bool,
    /// What came of it.
    pub outcome: Outcome,
}

/// What came of a request for a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Outcome {
    /// No answer was seen.
    #[default]
    Silence,
    /// Data, or an OACK, came.
    Answered,
    /// The client itself ended it: it wanted the size.
    Probed,
    /// The server refused, by this code and text of TFTP, or this status of HTTP.
    Refused(u16, String),
}
