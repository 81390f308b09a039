#![doc = include_str!("../README.md")]
#![cfg_attr(not(test), no_std)]
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

extern crate alloc;

mod arch;
mod asker;
mod bait;
mod builder;
mod decision;
mod error;
mod evidence;
mod explain;
mod facts;
mod firmware;
mod folder;
#[cfg(feature = "_fuzz")]
#[doc(hidden)]
pub mod fuzz;
mod glob;
mod identity;
mod inventory;
pub mod limits;
mod loaders;
mod mac;
pub mod names;
mod next_boot;
mod policy;
mod question;
mod ram_disk;
mod reason;
mod remap;
mod rule;
pub mod snippet;
mod subnet;
mod target;
mod user_class;

pub use arch::{Arch, ArchEntry, ArchSource, Transport};
pub use asker::Asker;
pub use bait::{Bait, DEFAULT_BAITS};
pub use builder::PolicyBuilder;
pub use decision::{Action, Asked, Decision};
pub use error::{Fault, Place, PolicyError, PolicyErrors};
pub use evidence::{
    Evidence, Heard, ImportError, Imported, Item, Known, Link, Origin, OwnedFacts, Pin, Query,
    Said, Source, WEIGHT_ENOUGH, WEIGHT_FRESH, WEIGHT_HABIT, WEIGHT_HINT, WEIGHT_OBJECTION,
    WEIGHT_OLD, WEIGHT_RECENT, WEIGHT_SHAPE, WEIGHT_SUFFIX,
};
pub use facts::{ClientFacts, IpxeFeatures};
pub use firmware::{Firmware, FirmwareSet};
pub use folder::FolderBy;
pub use identity::{Identity, Ipxe, MissingFeatures};
pub use inventory::Inventory;
pub use loaders::{
    Distribution, LoaderCandidate, Package, Sibling, arch_table_markdown, default_loaders,
    loader_table_markdown,
};
pub use mac::parse as parse_mac;
pub use names::{Generated, NameFault};
pub use next_boot::{Beside, NextBoot};
pub use policy::Policy;
pub use ram_disk::{RAM_DISK_ENTRY, RamDisk};
pub use reason::{Conditions, Mismatch, Reason, Reasons};
pub use remap::Remap;
pub use rule::{Host, Rule, When};
pub use target::Target;
