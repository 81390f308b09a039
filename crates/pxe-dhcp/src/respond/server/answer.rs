//! What a caller decides about a request: the lease, the options, and what to boot.

use core::net::Ipv4Addr;

use crate::EncodeError;
use crate::options::OptionSet;
use crate::respond::ProxyStyle;

/// The seconds of a lease that never ends (RFC 2131 section 3.3).
pub const LEASE_SECONDS_INFINITE: u32 = u32::MAX;

/// The answer to one request.
#[non_exhaustive]
#[derive(Clone, Copy, Debug)]
pub struct ServerAnswer<'a> {
    /// Our address as clients shall know it: option 54, unless the relay wants another there (RFC
    /// 5107); and `siaddr` unless [`BootAnswer::next_server`] says otherwise. Clients send their
    /// renewals to it.
    pub server: Ipv4Addr,
    /// The mask of the client's subnet: option 1, without which UEFI firmware declines the lease.
    pub subnet_mask: Ipv4Addr,
    /// The address and for how long. None for an INFORM, and only for that.
    pub lease: Option<Lease>,
    /// The options of the client's subnet, classes and host, the more special later: they win.
    pub options: &'a [&'a OptionSet],
    /// What to boot; none for a client that gets an address and no more.
    pub boot: Option<BootAnswer<'a>>,
}

impl<'a> ServerAnswer<'a> {
    /// `lease` from `server`, in a subnet with this mask.
    #[must_use]
    pub const fn new(server: Ipv4Addr, subnet_mask: Ipv4Addr, lease: Lease) -> Self {
        Self { server, subnet_mask, lease: Some(lease), options: &[], boot: None }
    }

    /// For an INFORM: no lease.
    #[must_use]
    pub const fn inform(server: Ipv4Addr, subnet_mask: Ipv4Addr) -> Self {
        Self { server, subnet_mask, lease: None, options: &[], boot: None }
    }

    /// With these options, the more special later.
    #[must_use]
    pub const fn with_options(self, options: &'a [&'a OptionSet]) -> Self {
        Self { options, ..self }
    }

    /// With this to boot.
    #[must_use]
    pub const fn with_boot(self, boot: BootAnswer<'a>) -> Self {
        Self { boot: Some(boot), ..self }
    }
}

/// An address for a while.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lease {
    /// `yiaddr`.
    pub address: Ipv4Addr,
    /// Option 51; [`LEASE_SECONDS_INFINITE`] is for ever. BOOTP clients are not told.
    pub seconds: u32,
    /// How much earlier than usual the client asks again, so that a thousand machines that were
    /// switched on together do not renew together: 0 not at all, 255 by a sixteenth of the lease. The
    /// caller derives it from the client, so that a repeated message gets the same answer.
    pub spread: u8,
}

impl Lease {
    /// An address for so many seconds.
    #[must_use]
    pub const fn new(address: Ipv4Addr, seconds: u32) -> Self {
        Self { address, seconds, spread: 0 }
    }

    /// The same, renewed so much earlier ([`spread`](Self::spread)).
    #[must_use]
    pub const fn with_spread(self, spread: u8) -> Self {
        Self { spread, ..self }
    }

    /// When the client renews (T1) and when it rebinds (T2), in seconds from now: one half and seven
    /// eighths (RFC 2131 section 4.4.5), both earlier by the spread. None for a lease that never ends.
    #[must_use]
    pub fn times(&self) -> Option<(u32, u32)> {
        if self.seconds == LEASE_SECONDS_INFINITE {
            return None;
        }
        let whole = u64::from(self.seconds);
        let earlier = whole * u64::from(self.spread) / (16 * u64::from(u8::MAX));
        let early = |seconds: u64| (seconds - earlier) as u32;
        Some((early(whole / 2), early(whole * 7 / 8)))
    }
}

/// How long leases may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LeaseTimes {
    least: u32,
    usual: u32,
    most: u32,
}

impl LeaseTimes {
    /// Leases of at least, usually, and at most so many seconds.
    ///
    /// # Errors
    /// [`LeaseTimesFault`] unless they stand in this order, the least is not 0, and the most has an end.
    pub const fn new(least: u32, usual: u32, most: u32) -> Result<Self, LeaseTimesFault> {
        if least == 0 {
            return Err(LeaseTimesFault::Zero);
        }
        if most == LEASE_SECONDS_INFINITE {
            return Err(LeaseTimesFault::Endless);
        }
        if least > usual || usual > most {
            return Err(LeaseTimesFault::Order { least, usual, most });
        }
        Ok(Self { least, usual, most })
    }

    /// The seconds for a client that asked for so many (option 51), as far as the bounds allow. One
    /// that asked for ever gets it only where that `may_be_endless`: where its address is reserved, and
    /// the configuration wants it so.
    #[must_use]
    pub fn choose(&self, requested: Option<u32>, may_be_endless: bool) -> u32 {
        match requested {
            None => self.usual,
            Some(LEASE_SECONDS_INFINITE) if may_be_endless => LEASE_SECONDS_INFINITE,
            Some(seconds) => seconds.clamp(self.least, self.most),
        }
    }
}

/// Bounds of leases that make no sense.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LeaseTimesFault {
    /// The least is 0.
    #[error("a lease lasts a second at least")]
    Zero,
    /// The most is for ever: that is for addresses that are reserved.
    #[error("the longest lease must have an end; only reserved addresses may be given for ever")]
    Endless,
    /// They are not in order.
    #[error("the lease times must rise: at least {least} s, usually {usual} s, at most {most} s")]
    Order {
        /// At least, in seconds.
        least: u32,
        /// Usually.
        usual: u32,
        /// At most.
        most: u32,
    },
}

/// What to boot. Said in OFFER and ACK alike: firmware takes some of it from the one and some from the
/// other.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BootAnswer<'a> {
    /// File name or URL, as bytes and without NUL; up to 127 bytes go into the header, longer ones, up
    /// to 254, into option 67 alone. Empty for those that have their own names (Raspberry Pi).
    pub file: &'a [u8],
    /// The TFTP server (`siaddr`), where that is another machine.
    pub next_server: Option<Ipv4Addr>,
    /// How to phrase it to PXE clients; `None` leaves it to the request
    /// ([`ServerMessage::default_style`](super::ServerMessage::default_style)). What goes into option
    /// 43 goes with option 60; without one there is not the other, since a server that claims `PXEClient`
    /// and says no more makes UEFI firmware wait for port 4011.
    pub style: Option<ProxyStyle>,
}

impl<'a> BootAnswer<'a> {
    /// Boot `file` from us, in the style that suits the client.
    #[must_use]
    pub const fn new(file: &'a [u8]) -> Self {
        Self { file, next_server: None, style: None }
    }
}

/// Why an answer cannot be given. Nothing is sent then.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ServerAnswerError {
    /// A DISCOVER, REQUEST or BOOTP request is answered with a lease.
    #[error("the answer gives no lease")]
    LeaseMissing,
    /// An INFORM is answered without one.
    #[error("an INFORM is not answered with a lease")]
    LeaseUnasked,
    /// A lease of 0 seconds.
    #[error("the lease has no duration")]
    LeaseEmpty,
    /// A client that asks for one address and is given another would decline it.
    #[error("the client asks for {asked} and would be given {given}")]
    OtherAddress {
        /// What the REQUEST is about.
        asked: Ipv4Addr,
        /// What the answer gives.
        given: Ipv4Addr,
    },
    /// The message cannot be written: a name that is too long, or too much that must not be left out.
    #[error(transparent)]
    Encode(#[from] EncodeError),
}
