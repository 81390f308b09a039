//! Leases as the administrator sees them: where they are kept, and the `leases` command.

mod command;
mod giving;
mod open;
mod remote;

pub use command::{LeasesOptions, run};
pub use giving::prepare;
pub use open::{EMBEDDED_FILE, is_new, open};
pub use remote::CONTROL_FILE;
pub(crate) use remote::ask as ask_running;
