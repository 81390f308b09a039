//! Option 121, classless static routes (RFC 3442).
#![deny(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::unwrap_used
)]

use core::net::Ipv4Addr;

use bytes::BufMut;

use crate::error::{ValueError, ValueErrorKind};

/// One route of option 121.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Route {
    /// The destination; bits beyond the prefix are zero after decoding.
    pub destination: Ipv4Addr,
    /// Bits of the destination that count, at most 32.
    pub prefix_bits: u8,
    /// The next hop; 0.0.0.0 means on the link.
    pub router: Ipv4Addr,
}

/// Option 121: routes, which replace option 3 for clients that asked for them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClasslessRoutes<'a>(&'a [u8]);

impl<'a> ClasslessRoutes<'a> {
    /// Reads a list of at least one route.
    ///
    /// # Errors
    /// There is no route, one is cut off, or a prefix is longer than 32 bits.
    pub fn decode(value: &'a [u8]) -> Result<Self, ValueError> {
        let mut rest = value;
        if rest.is_empty() {
            return Err(ValueError::new(0, ValueErrorKind::Length(0)));
        }
        while !rest.is_empty() {
            let offset = value.len().saturating_sub(rest.len());
            (_, rest) = route(rest).map_err(|kind| ValueError::new(offset, kind))?;
        }
        Ok(Self(value))
    }

    /// The routes in order.
    pub fn iter(&self) -> impl Iterator<Item = Route> + Clone + use<'a> {
        let mut rest = self.0;
        core::iter::from_fn(move || {
            let (route, after) = route(rest).ok()?;
            rest = after;
            Some(route)
        })
    }

    /// Writes routes as an option value; destination bits beyond the prefix are not sent.
    ///
    /// # Errors
    /// A prefix is longer than 32 bits; what came before it is written.
    pub fn encode(
        routes: impl IntoIterator<Item = Route>,
        out: &mut impl BufMut,
    ) -> Result<(), ValueError> {
        for route in routes {
            let bits = route.prefix_bits;
            let mask = mask(bits).map_err(|kind| ValueError::new(0, kind))?;
            let destination = (route.destination.to_bits() & mask).to_be_bytes();
            out.put_u8(bits);
            out.put_slice(destination.get(..significant_bytes(bits)).unwrap_or_default());
            out.put_slice(&route.router.octets());
        }
        Ok(())
    }
}

impl core::fmt::Display for Route {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{}/{} via {}", self.destination, self.prefix_bits, self.router)
    }
}

fn route(input: &[u8]) -> Result<(Route, &[u8]), ValueErrorKind> {
    let (&prefix_bits, rest) = input.split_first().ok_or(ValueErrorKind::Truncated)?;
    let mask = mask(prefix_bits)?;
    let (sent, rest) =
        rest.split_at_checked(significant_bytes(prefix_bits)).ok_or(ValueErrorKind::Truncated)?;
    let (&router, rest) = rest.split_first_chunk::<4>().ok_or(ValueErrorKind::Truncated)?;
    let mut destination = [0; 4];
    destination.iter_mut().zip(sent).for_each(|(octet, &sent)| *octet = sent);
    let destination = Ipv4Addr::from_bits(u32::from_be_bytes(destination) & mask);
    Ok((Route { destination, prefix_bits, router: router.into() }, rest))
}

/// How many bytes of a destination are on the wire.
fn significant_bytes(prefix_bits: u8) -> usize {
    usize::from(prefix_bits.div_ceil(8))
}

fn mask(prefix_bits: u8) -> Result<u32, ValueErrorKind> {
    let range = ValueErrorKind::Range(u32::from(prefix_bits));
    let host_bits = 32_u32.checked_sub(u32::from(prefix_bits)).ok_or(range)?;
    Ok(u32::MAX.checked_shl(host_bits).unwrap_or_default())
}
