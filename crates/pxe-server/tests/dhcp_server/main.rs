//! The real program that gives addresses, in a network namespace of its own, and clients of plain sockets.

#[path = "../common/mod.rs"]
mod common;

mod client;
mod command;
mod exchanges;
mod foreign;
mod kill;
mod reload;
mod stage;
mod store;
