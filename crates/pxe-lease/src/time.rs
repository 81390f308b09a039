//! Time as leases know it: whole seconds of the civil clock, since a lease outlives the process that gave it.

use core::fmt;

/// A lease time that never ends (RFC 2131 section 3.3).
pub const LEASE_INFINITE: u32 = u32::MAX;

/// Seconds since 1970-01-01 UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnixSeconds(pub u64);

impl UnixSeconds {
    /// Later than everything.
    pub const NEVER: Self = Self(u64::MAX);

    /// This many seconds later; [`NEVER`](Self::NEVER) stays what it is.
    #[must_use]
    pub const fn plus(self, seconds: u64) -> Self {
        Self(self.0.saturating_add(seconds))
    }

    /// The end of a lease of `lease_seconds` that begins now; [`LEASE_INFINITE`] never ends.
    #[must_use]
    pub const fn lease_end(self, lease_seconds: u32) -> Self {
        if lease_seconds == LEASE_INFINITE { Self::NEVER } else { self.plus(lease_seconds as u64) }
    }

    /// Seconds from `now` until this time, as DHCP writes them; 0 if it has passed, [`LEASE_INFINITE`] for never.
    #[must_use]
    pub fn seconds_left(self, now: Self) -> u32 {
        if self == Self::NEVER {
            return LEASE_INFINITE;
        }
        // A finite time must not read as an infinite one.
        let longest = LEASE_INFINITE.saturating_sub(1);
        u32::try_from(self.0.saturating_sub(now.0)).unwrap_or(longest).min(longest)
    }

    /// Seconds since an earlier time; 0 if it is not earlier.
    #[must_use]
    pub const fn since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

impl fmt::Display for UnixSeconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Self::NEVER { f.write_str("never") } else { write!(f, "{}", self.0) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn infinite_stays_infinite_and_finite_stays_finite() {
        let now = UnixSeconds(1_000);
        assert_eq!(now.lease_end(60), UnixSeconds(1_060));
        assert_eq!(now.lease_end(LEASE_INFINITE), UnixSeconds::NEVER);
        assert_eq!(UnixSeconds::NEVER.plus(60), UnixSeconds::NEVER);
        assert_eq!(UnixSeconds::NEVER.seconds_left(now), LEASE_INFINITE);
        assert_eq!(now.plus(u64::from(u32::MAX)).seconds_left(now), LEASE_INFINITE - 1);
        assert_eq!(UnixSeconds(999).seconds_left(now), 0);
    }
}
