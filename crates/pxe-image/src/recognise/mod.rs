//! What an image is, and how it boots.

mod recognition;

pub use recognition::{ImageFacts, Kind, Recognition};
