//! What a server is told once, and what it is told with each file.

use crate::limits::{
    BLOCK_SIZE_ETHERNET_IPV4, BLOCK_SIZE_ETHERNET_IPV6, TRANSFERS_MAX, TRANSFERS_PER_ADDRESS_MAX,
    TRANSFERS_PER_PREFIX_MAX, UNPROVEN_PER_ADDRESS_MAX, UNPROVEN_PER_PREFIX_MAX, WINDOW_BYTES_MAX,
    WINDOW_SIZE_MAX,
};

/// Limits of a [`Server`](super::Server). `default()` suits an Ethernet; change fields from there.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ServerConfig {
    /// Largest block size agreed to with a client on IPv4, in bytes.
    pub block_size_max: u16,
    /// Largest block size agreed to with a client on IPv6, in bytes; `block_size_max` holds for it too.
    pub block_size_max_ipv6: u16,
    /// Largest window agreed to, in blocks.
    pub window_size_max: u16,
    /// Most data in flight for one transfer, in bytes.
    pub window_bytes_max: u32,
    /// Transfers at once. At most `u32::MAX - 1` are ever used.
    pub transfers_max: usize,
    /// Transfers at once for one address; clients behind address translation share one.
    pub transfers_per_address_max: u16,
    /// Transfers of one address that nothing has been acknowledged of.
    pub unproven_per_address_max: u16,
    /// Transfers at once for one network (IPv4 /24, IPv6 /64).
    pub transfers_per_prefix_max: u16,
    /// Transfers of one network that nothing has been acknowledged of.
    pub unproven_per_prefix_max: u16,
    /// All transfers use the port that requests come to, for containers, address translation and strict
    /// firewalls: what is no request there goes to the transfer of its source. Every client known answers to
    /// the port of the first reply, so that port 69 is as good as another.
    pub single_port: bool,
    /// Uploads at once, among the transfers. 0: write requests are refused with error 2 and never reach the driver.
    pub uploads_max: usize,
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self {
            block_size_max: BLOCK_SIZE_ETHERNET_IPV4,
            block_size_max_ipv6: BLOCK_SIZE_ETHERNET_IPV6,
            window_size_max: WINDOW_SIZE_MAX,
            window_bytes_max: WINDOW_BYTES_MAX,
            transfers_max: TRANSFERS_MAX,
            transfers_per_address_max: TRANSFERS_PER_ADDRESS_MAX,
            unproven_per_address_max: UNPROVEN_PER_ADDRESS_MAX,
            transfers_per_prefix_max: TRANSFERS_PER_PREFIX_MAX,
            unproven_per_prefix_max: UNPROVEN_PER_PREFIX_MAX,
            single_port: false,
            uploads_max: 0,
        }
    }
}

/// What the driver knows about the file it accepted a request for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ContentInfo {
    /// Bytes in the file. The transfer ends in an error if fewer can be read.
    pub size: u64,
    /// Smaller limit of the block size for this client than the configured one, such as its path's MTU, in bytes.
    pub block_size_max: Option<u16>,
    /// Smaller limit of the window for this client than the configured one, such as what it was seen to bear,
    /// in blocks.
    pub window_size_max: Option<u16>,
}

impl ContentInfo {
    /// A file of `size` bytes, without limits of its own.
    #[must_use]
    pub const fn new(size: u64) -> Self {
        Self { size, block_size_max: None, window_size_max: None }
    }
}

/// What the driver says about an upload it accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct UploadInfo {
    /// Most bytes the file may have; more end the upload with error 3.
    pub bytes_max: u64,
    /// Smaller limit of the block size for this client than the configured one, in bytes.
    pub block_size_max: Option<u16>,
}

impl UploadInfo {
    /// A file of at most `bytes_max` bytes.
    #[must_use]
    pub const fn new(bytes_max: u64) -> Self {
        Self { bytes_max, block_size_max: None }
    }
}
