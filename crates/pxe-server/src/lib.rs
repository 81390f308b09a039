//! The server as a library: the engine that composes the protocol machines without any input or
//! output of its own, and the driver that gives it sockets, files and time.
//!
//! Most programs want the libraries beneath it (`pxe-dhcp`, `pxe-tftp`, `pxe-select`); this one is
//! for running the whole server inside another process, or inside a simulation.

pub mod check;
pub mod cli;
pub mod config;
pub mod content;
pub mod driver;
pub mod engine;
pub mod logging;
pub mod policy;
pub mod serve;
