//! What the benchmarks measure: the messages, and the competitors that read them.
//!
//! The program (`cargo run --release -p pxe-benches`) times; the tests only prove that all competitors do
//! the same work, and count allocations.

pub mod codec;
pub mod dhcp;
pub mod http;
pub mod lease;
pub mod messages;
pub mod scale;
pub mod tftp;
