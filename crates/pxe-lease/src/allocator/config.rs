//! What an allocator is told once.

/// Times and choices of an [`Allocator`](super::Allocator).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct AllocatorConfig {
    /// How long an offered address is kept for its client, in seconds. Default 120: a Raspberry Pi 3 boots from an
    /// offer and never asks for a lease, and needs the address until its kernel runs.
    pub offer_hold_seconds: u32,
    /// How long an address rests behind the end of its lease before another client gets it, in seconds. Default 60.
    /// It must be more than the clocks of servers with one store differ by.
    pub rest_seconds: u32,
    /// How long a declined address is set aside, in seconds. Default one day.
    pub decline_seconds: u32,
    /// How long an address is set aside that a probe found in use, in seconds. Default 600.
    pub conflict_seconds: u32,
    /// Whether the caller probes addresses before they are offered to clients that did not have them before. Off by
    /// default.
    pub probe: bool,
    /// A lease of which less than this part has passed is confirmed as it is, for the rest of its time, and not
    /// written again. 0, the default: every lease is extended and written.
    pub cache_threshold_percent: u8,
    /// Whether other servers use the same store. Then what is in memory may be out of date, and
    /// `cache_threshold_percent` counts only for clients that have the address at this moment and extend its lease.
    pub shared_store: bool,
}

impl Default for AllocatorConfig {
    fn default() -> Self {
        Self {
            offer_hold_seconds: 120,
            rest_seconds: 60,
            decline_seconds: 86_400,
            conflict_seconds: 600,
            probe: false,
            cache_threshold_percent: 0,
            shared_store: false,
        }
    }
}
