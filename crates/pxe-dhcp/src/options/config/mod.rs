//! Options as people configure them: a name or number, a value in text, and sets of them for subnets, classes and
//! hosts.

mod fault;
mod kind;
mod name;
mod set;
mod value;

pub use fault::{OptionFault, OptionFaultKind};
pub use kind::OptionKind;
pub use set::{ConfiguredOption, OptionSet};
