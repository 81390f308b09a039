//! What an inventory beside us says of a machine, as far as a decision depends on it.

/// Whether an inventory boots a machine. What it boots is its script's business, which whoever asked keeps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Inventory {
    /// None is asked, or not about this machine ([`crate::Policy::leaves_open`]), or nobody knows which machine it is.
    #[default]
    Silent,
    /// It was asked and has not answered yet.
    Asked,
    /// It does not boot this machine, or gave no answer that can be used.
    Ignores,
    /// It boots this machine: firmware gets its loader, and a running iPXE the machine's own script.
    Boots,
}
