#![doc = include_str!("../README.md")]

pub mod addresses;
#[cfg(feature = "admin")]
pub mod admin;
pub mod alone;
pub mod bound;
pub mod check;
pub mod cli;
pub mod config;
pub mod content;
pub mod diagnose;
pub mod doctor;
pub mod driver;
#[cfg(test)]
#[path = "../tests/common/efi.rs"]
mod efi;
pub mod engine;
pub mod explain;
pub mod fetch;
pub mod folders;
pub mod house;
#[cfg(feature = "http")]
pub mod http;
pub mod images;
#[cfg(feature = "http")]
pub mod inventory;
pub mod journal;
pub mod leases;
pub mod logging;
pub mod manual;
pub mod next_boot;
#[cfg(feature = "http")]
mod outward;
pub mod overrides;
pub mod policy;
mod promise;
pub mod rehearse;
pub mod reload;
pub mod replay;
mod routine;
pub mod serve;
pub mod snippet;
pub mod state;
pub mod tenancy;
pub mod watch;
pub mod watchdog;
#[cfg(feature = "http")]
pub mod webhook;
