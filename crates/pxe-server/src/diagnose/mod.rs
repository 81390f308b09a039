//! What goes wrong with network boot, in plain words: what was seen, what causes it, and what to do next.
//!
//! Pure functions over observed facts. The stories, `replay` of a capture and whoever asks a live network say the same
//! thing of the same fault, because all of them say it from here.

mod files;
mod finding;
mod observed;
mod offers;
mod silence;

pub use finding::{Finding, findings, summary};
pub use observed::{Observed, Outcome, Read, Reply};
pub use offers::{given, rivals};
pub use silence::Silence;

#[cfg(test)]
mod tests;
