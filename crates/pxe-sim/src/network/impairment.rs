//! What networks do to datagrams.

use std::time::Duration;

/// What one hop does to datagrams. The default does nothing but take 100 µs.
#[derive(Clone, Copy, Debug)]
pub struct Impairment {
    /// Lost, in 1000.
    pub loss_permille: u16,
    /// Delivered twice, in 1000.
    pub duplicate_permille: u16,
    /// Shortest delay.
    pub delay_min: Duration,
    /// Longest delay. Wider than the gaps between datagrams, it reorders them.
    pub delay_max: Duration,
    /// Overtaken by what is sent within [`detour`](Self::detour) after it, in 1000.
    pub reorder_permille: u16,
    /// How much later one that is overtaken comes.
    pub detour: Duration,
    /// Largest IP datagram in bytes; longer ones vanish, for no boot firmware reassembles.
    pub mtu: usize,
}

impl Default for Impairment {
    fn default() -> Self {
        let delay = Duration::from_micros(100);
        Self {
            loss_permille: 0,
            duplicate_permille: 0,
            delay_min: delay,
            delay_max: delay,
            reorder_permille: 0,
            detour: Duration::from_millis(3),
            mtu: 1500,
        }
    }
}

impl Impairment {
    /// A bad network: some loss, some duplicates, and delays that reorder.
    #[must_use]
    pub fn bad(loss_permille: u16) -> Self {
        Self {
            loss_permille,
            duplicate_permille: 50,
            delay_min: Duration::from_micros(100),
            delay_max: Duration::from_millis(40),
            ..Self::default()
        }
    }
}

/// What the network has done to datagrams so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Accidents {
    /// Datagrams lost.
    pub lost: u64,
    /// Datagrams delivered twice.
    pub doubled: u64,
    /// Datagrams that took the detour.
    pub overtaken: u64,
}
