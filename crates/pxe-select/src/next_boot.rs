//! What is said of one machine alone, beside the policy: what it boots the next time, once, and what an inventory boots.

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

/// What is said of one machine beside the policy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Beside<'p> {
    /// An order for this boot. It goes before the host entry, `boot = false` included, before rules that deny, and before an
    /// inventory.
    pub next_boot: Option<&'p NextBoot>,
    /// What an inventory that boots the machine ([`crate::Inventory::Boots`]) boots it with, for loaders that cannot read its
    /// script.
    pub inventory: Option<&'p Target>,
}

impl<'p> Beside<'p> {
    /// This order, if there is one.
    #[must_use]
    pub const fn new(next_boot: Option<&'p NextBoot>) -> Self {
        Self { next_boot, inventory: None }
    }

    /// The same with what an inventory boots, if it does.
    #[must_use]
    pub const fn with_inventory(self, inventory: Option<&'p Target>) -> Self {
        Self { inventory, ..self }
    }
}
