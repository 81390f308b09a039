#![doc = include_str!("../README.md")]
#![no_std]

extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

mod anomaly;
mod code;
mod error;
mod facts;
#[cfg(feature = "_fuzz")]
#[doc(hidden)]
pub mod fuzz;
mod header;
pub mod limits;
mod message;
pub mod observe;
pub mod options;
mod parse;
mod render;
#[cfg(feature = "std")]
pub mod respond;
mod view;

pub use anomaly::{Anomalies, Anomaly, AnomalyKind};
pub use code::{LengthRule, OptionCode};
pub use error::{DecodeError, DecodeErrorKind, EncodeError, ValueError, ValueErrorKind};
pub use facts::BootFacts;
pub use header::{Flags, HardwareType, MessageKind, MessageType, Operation};
pub use message::{Message, SizeBudget};
pub use view::{Area, MessageView, Options, RawOption};
