//! The real program that gives addresses, in a network namespace of its own, and clients of plain sockets.

#[path = "../common/mod.rs"]
mod common;
#[allow(unreachable_pub, reason = "it is pxe-lease's")]
#[path = "../../../pxe-lease/tests/support/postgres.rs"]
mod postgres;

mod abuse;
mod client;
mod command;
mod crowd;
mod database;
mod exchanges;
mod foreign;
mod kill;
mod order;
mod reload;
mod stage;
mod store;
mod two_servers;
