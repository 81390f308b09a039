//! What a machine boots the next time, once.

use crate::target::Target;

/// An order for one boot, which goes before the host entry until it is spent.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NextBoot {
    /// The menu, whatever the host entry says.
    Menu,
    /// This.
    Boots(Target),
}
