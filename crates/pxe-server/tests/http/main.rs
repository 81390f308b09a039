//! The real program's HTTP side, spoken to byte by byte.
#![allow(unreachable_pub, reason = "every module uses its own part")]
#![cfg(feature = "http")]

#[path = "../common/mod.rs"]
mod common;
mod wire;

mod boot;
mod cached;
mod conditions;
mod esxi;
mod hostile;
mod images;
mod menus;
mod moved;
mod names;
mod nginx;
mod orders;
mod ranges;
mod seeds;
mod spoken;
mod tls;
