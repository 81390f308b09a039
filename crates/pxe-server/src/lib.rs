#![doc = include_str!("../README.md")]

pub mod check;
pub mod cli;
pub mod config;
pub mod content;
pub mod driver;
pub mod engine;
pub mod fetch;
pub mod logging;
pub mod policy;
pub mod serve;
pub mod snippet;
pub mod state;
