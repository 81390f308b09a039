//! Every bound of this crate, with its unit in the name.
//!
//! Worst-case memory of an [`Allocator`](crate::Allocator): 8 bytes for each address of the pools and a bit in a map,
//! 50 bytes for each reservation, and for each address that has a lease, an offer or a history about 400 bytes
//! (record and indices, with a client identifier of 19 bytes and a host name of 12), at most 950 if both have 255
//! bytes. A full /16 takes 26 MB, [`ADDRESSES_MAX`] leases 420 MB. Everything else is below 1 MB.

use core::time::Duration;

/// Bytes of a hardware address (`chaddr`, RFC 2131 section 2).
pub const HARDWARE_ADDRESS_BYTES_MAX: usize = 16;
/// Bytes kept of option 61.
pub const CLIENT_IDENTIFIER_BYTES_MAX: usize = 255;
/// Bytes kept of a host name.
pub const HOST_NAME_BYTES_MAX: usize = 255;

/// Subnets of one topology.
pub const SUBNETS_MAX: usize = 4096;
/// Addresses in the pools and reservations of one topology.
pub const ADDRESSES_MAX: usize = 1 << 20;
/// Reservations of one topology.
pub const RESERVATIONS_MAX: usize = 65_536;
/// Bytes of a relay's circuit or remote id in a reservation.
pub const RELAY_ID_BYTES_MAX: usize = 255;

/// Addresses that are held or remembered for one hardware address: guests of one machine, where a network tells
/// machines apart by their identifiers.
pub const ADDRESSES_PER_HARDWARE_MAX: usize = 256;

/// Changes in one batch, and so in one commit of the store.
pub const BATCH_CHANGES_MAX: usize = 1024;
/// Batches that were polled and not yet answered.
pub const BATCHES_IN_FLIGHT_MAX: usize = 8;
/// Times a change is tried again because the store had a newer record of the same client.
pub const COMMIT_RETRIES_MAX: u8 = 3;
/// Seconds until a store that failed is tried again.
pub const STORE_RETRY_SECONDS: u64 = 1;

/// Seconds of a durable lease that must be left for a renewal to be answered without the store.
pub const RENEWAL_SECONDS_MIN: u32 = 60;

/// Probes that are waited for; further addresses are given out without one.
pub const PROBES_IN_FLIGHT_MAX: usize = 256;
/// Seconds after which a probe that nobody answered for counts as free.
pub const PROBE_SECONDS_MAX: u64 = 2;

/// Declines of one client within [`DECLINE_WINDOW_SECONDS`] that set an address aside; further ones are ignored.
pub const DECLINES_PER_CLIENT_MAX: u8 = 3;
/// Length of the time in which a client's declines are counted.
pub const DECLINE_WINDOW_SECONDS: u64 = 3600;
/// Clients whose declines are counted; the one counted longest ago makes room.
pub const DECLINERS_MAX: usize = 1024;
/// Percent of a network's pool addresses that are set aside before declines are ignored; one address at least.
pub const QUARANTINE_PERCENT_MAX: u64 = 25;

/// Events that were not yet read; the oldest is lost.
pub const EVENTS_QUEUED_MAX: usize = 1024;
/// Least seconds between two reports that a network is full.
pub const EXHAUSTED_SECONDS_MIN: u64 = 300;
/// Offers that lapsed and are put back in one call.
pub const LAPSED_PER_CALL_MAX: usize = 64;

/// Bytes of the file that the embedded store keeps in memory.
pub const EMBEDDED_CACHE_BYTES_MAX: usize = 16 << 20;

/// Longest pause between attempts to reach PostgreSQL.
pub const POSTGRES_RECONNECT_MAX: Duration = Duration::from_secs(2);
/// Times a statement is tried again because another transaction was in its way.
pub const POSTGRES_RETRIES_MAX: u8 = 5;
/// Rows that are read from PostgreSQL at a time.
pub const POSTGRES_PAGE_ROWS_MAX: usize = 10_000;

/// Bytes of a text that is imported.
pub const IMPORT_BYTES_MAX: usize = 1 << 28;
/// Faults of an import that are listed; further ones are counted.
pub const IMPORT_FAULTS_MAX: usize = 100;
