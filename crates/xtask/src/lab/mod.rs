//! A private wire on one machine: network namespaces, a bridge, and virtual machines with the
//! firmware of real ones. Nothing here touches a network of the host.

pub(crate) mod asker;
pub(crate) mod capture;
pub(crate) mod disc;
pub(crate) mod evidence;
pub(crate) mod firmware;
pub(crate) mod foreign;
pub(crate) mod hostile;
pub(crate) mod loss;
pub(crate) mod packets;
pub(crate) mod proof;
pub(crate) mod refusals;
pub(crate) mod server;
pub(crate) mod stage;
pub(crate) mod style;
pub(crate) mod topology;
pub(crate) mod vm;
pub(crate) mod web;
pub(crate) mod wire;
