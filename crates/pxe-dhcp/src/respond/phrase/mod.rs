//! How boot information is phrased: which class a client is of, what of option 43 it understands, and
//! where it looks for its file. One place for the proxy responder and the server.

mod class;
mod file;
mod menu;
mod style;

pub use class::ClientClass;
pub(super) use class::{boot_item, class_of, is_ipxe, push_class};
pub(super) use file::{FileOption, fill_boot_file, require_boot_file};
pub(super) use style::{END, push};
pub use style::{ProxyStyle, ProxyStyles};
