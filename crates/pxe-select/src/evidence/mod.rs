//! What is known of clients besides what they say at the moment: who was heard, at which address, and what each
//! was given in this boot.

#[cfg(feature = "_fuzz")]
pub(crate) mod fuzz;
mod item;
mod look_up;
mod machine;
mod owned;
mod pin;
mod place;
mod recent;
mod store;
mod text;

pub use item::{
    Item, Said, Source, WEIGHT_ENOUGH, WEIGHT_FRESH, WEIGHT_HABIT, WEIGHT_HINT, WEIGHT_OBJECTION,
    WEIGHT_OLD, WEIGHT_RECENT, WEIGHT_SHAPE, WEIGHT_SUFFIX,
};
pub(crate) use item::{Verdict, weigh};
pub use look_up::{Known, Query};
pub use owned::OwnedFacts;
pub use pin::Pin;
pub use place::{Link, Origin};
pub use store::{Evidence, Heard};
pub use text::{ImportError, Imported};
