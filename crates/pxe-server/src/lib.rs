#![doc = include_str!("../README.md")]

pub mod bound;
pub mod check;
pub mod cli;
pub mod config;
pub mod content;
pub mod driver;
pub mod engine;
pub mod fetch;
#[cfg(feature = "http")]
pub mod http;
pub mod logging;
pub mod policy;
pub mod serve;
pub mod snippet;
pub mod state;
