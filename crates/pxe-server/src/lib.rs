#![doc = include_str!("../README.md")]

pub mod addresses;
pub mod alone;
pub mod check;
pub mod cli;
pub mod config;
pub mod content;
pub mod driver;
pub mod engine;
pub mod fetch;
pub mod leases;
pub mod logging;
pub mod policy;
pub mod reload;
pub mod serve;
pub mod snippet;
pub mod state;
