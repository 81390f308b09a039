//! A network in memory for testing boot servers: segments with loss, duplication, delay and
//! reordering, relays, DHCP servers of others, and models of boot firmware that send, wait and
//! refuse as the real thing does.
//!
//! A run is a function of its seed. [`network::World::report`] gives seed and transcript for the
//! message of a failing test.

pub mod dhcp_server;
pub mod engine;
pub mod fetch;
pub mod firmware;
pub mod foreign;
pub mod lease_server;
pub mod network;
pub mod ordinary;
pub mod policy;
pub mod random;
pub mod relay;
pub mod server;
pub mod tftp;
mod transcript;
pub mod wire;
