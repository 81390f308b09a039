//! TFTP alone on a bad network: `pxe_tftp::Server` and, against it, receivers and senders that behave like known
//! firmware, or `pxe_tftp::Client`.
//!
//! A [`case::Case`] is one transfer on one network, as a line of text that a failing test prints and that
//! `PXE_CASE` takes; [`case::Case::play`] plays it and says what did not hold.

pub mod case;
pub mod ours;
pub mod receivers;
pub mod senders;
pub mod server;
pub mod station;
pub mod trial;
pub(crate) mod wire;
