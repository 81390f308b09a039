#![doc = include_str!("../README.md")]
#![deny(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::arithmetic_side_effects
)]
#![cfg_attr(
    test,
    allow(
        clippy::indexing_slicing,
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::arithmetic_side_effects
    )
)]

mod bytes;
mod cpu;
mod entry;
mod error;
pub mod esxi;
#[cfg(feature = "_fuzz")]
#[doc(hidden)]
pub mod fuzz;
mod image;
pub mod initrd;
mod iso;
pub mod limits;
pub mod menu;
#[cfg(test)]
#[path = "../tests/pack/mod.rs"]
mod pack;
mod pe;
pub mod recognise;
mod source;
mod tree;
mod udf;
mod uefi;
mod wim;

pub use cpu::Cpu;
pub use entry::{BootEntry, How, Initrd, Piece, Platforms};
pub use error::{ImageError, ImageErrorKind};
pub use image::Image;
pub use image::boot::{BootImage, BootPlatform, Emulation};
pub use image::facts::{Facts, Formats, NamesOf};
pub use pe::EfiProgram;
pub use source::{Bounded, ReadAt, Seekable};
pub use tree::{Extent, Item, Node, NodeKind, Tree};
pub use uefi::uefi_loaders;
pub use wim::{Wim, WimImage};
