#![doc = include_str!("../README.md")]
#![deny(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::arithmetic_side_effects
)]
#![cfg_attr(
    test,
    allow(
        clippy::indexing_slicing,
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::arithmetic_side_effects
    )
)]

mod allocator;
mod client;
mod error;
#[cfg(feature = "exchange")]
pub mod exchange;
#[cfg(feature = "_fuzz")]
#[doc(hidden)]
#[allow(missing_docs)]
pub mod fuzz;
mod hardware;
pub mod limits;
mod record;
pub mod store;
mod time;
mod topology;

pub use allocator::{
    Allocator, AllocatorConfig, Answer, Batch, BatchId, CommitId, Discovered, Event, Granted,
    Ignored, NakReason, Offer, Probe, ProbeResult, Refused, RequestKind, Requested, Silence, Usage,
};
pub use client::Client;
pub use error::{Fault, TopologyError, TopologyErrors};
pub use hardware::{BadHardwareAddress, HardwareAddress};
pub use record::{LeaseRecord, LeaseState, RecordError, RecordErrorKind};
#[doc(inline)]
pub use store::{Cursor, LeaseStore, Outcome, StoreError};
pub use time::{LEASE_INFINITE, UnixSeconds};
pub use topology::{
    AddressRange, IdentifyBy, NetworkId, Prefix, Reservation, ReservedFor, Scope, SubnetConfig,
    SubnetId, Topology,
};
