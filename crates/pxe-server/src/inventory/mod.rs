//! An inventory that says which machine boots what: the client side of Pixiecore's API (`boot_api`).
//!
//! Its answer becomes an iPXE script once, here; the rest of the server knows of an inventory only whether it boots a
//! machine. Whoever has the inventory already needs no other configuration of ours.

mod answer;
mod client;
mod cmdline;
mod script;

pub use answer::{ANSWER_BYTES_MAX, INITRDS_MAX};
pub use client::Client;
