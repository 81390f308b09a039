//! The real program's page: who may look, who may change, and what is said.
#![allow(unreachable_pub, reason = "every module uses its own part")]
#![cfg(feature = "admin")]

#[allow(dead_code, reason = "another test's")]
#[path = "../dhcp_server/client.rs"]
mod client;
#[path = "../common/mod.rs"]
mod common;
#[allow(dead_code, reason = "another test's")]
#[path = "../dhcp_server/stage.rs"]
mod stage;

mod access;
mod api;
mod contract;
mod doctor;
mod health;
mod metrics;
mod next_boot;
mod texts;
mod tls;
mod wire;
