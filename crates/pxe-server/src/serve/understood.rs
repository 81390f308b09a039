//! What the configuration says beyond its syntax, read as a whole so that every fault is told at once.

use pxe_select::Policy;

use crate::config::{Config, Fault, Secrets};
use crate::content::{Loaders, Menus};
use crate::driver::interfaces::{self, Interfaces};
use crate::engine::AddressPlan;
#[cfg(feature = "http")]
use crate::webhook::Receivers;
use crate::{addresses, policy};

/// What it says.
pub(crate) struct Understood {
    pub(crate) policy: Policy,
    pub(crate) menus: Menus,
    pub(crate) plan: Option<AddressPlan>,
    pub(crate) secrets: Secrets,
    pub(super) receivers: Receivers,
}

/// Without HTTP a webhook is a fault of the configuration.
#[cfg(not(feature = "http"))]
pub(super) type Receivers = ();

/// Reads all of it.
///
/// # Errors
/// Every fault.
pub(crate) fn understood(config: &Config, loaders: &Loaders) -> Result<Understood, Vec<Fault>> {
    let (policy, menus) = (policy::build(config, loaders), Menus::load(config));
    let (plan, secrets) = (addresses::build(config), secrets(config));
    match (policy, menus, plan, secrets, receivers(config)) {
        (Ok(policy), Ok(menus), Ok(plan), Ok(secrets), Ok(receivers)) => {
            Ok(Understood { policy, menus, plan, secrets, receivers })
        }
        (policy, menus, plan, secrets, receivers) => {
            let lists = [policy.err(), menus.err(), plan.err(), secrets.err(), receivers.err()];
            Err(lists.into_iter().flatten().flatten().collect())
        }
    }
}

/// Whom to tell of stages.
///
/// # Errors
/// Every fault of the files that are named for them.
pub(crate) fn receivers(config: &Config) -> Result<Receivers, Vec<Fault>> {
    #[cfg(feature = "http")]
    return Receivers::read(&config.webhooks);
    #[cfg(not(feature = "http"))]
    {
        let _ = config;
        Ok(())
    }
}

/// What only single machines may know.
///
/// # Errors
/// Every fault of that file.
pub(crate) fn secrets(config: &Config) -> Result<Secrets, Vec<Fault>> {
    config.secrets.as_ref().map(Secrets::load).transpose().map(Option::unwrap_or_default)
}

/// The interfaces of the configuration that are there.
///
/// # Errors
/// Each named one that is missing, or that interfaces cannot be listed.
pub fn served_interfaces(config: &Config) -> Result<Interfaces, Vec<Fault>> {
    let present = interfaces::present()
        .map_err(|error| vec![Fault::new("interfaces", format!("cannot list: {error}"), "")])?;
    let missing: Vec<Fault> = config
        .interfaces
        .iter()
        .filter(|wanted| !present.iter().any(|known| known.name == wanted.value))
        .map(|wanted| {
            let (problem, remedy) = interfaces::missing(&wanted.value, &present);
            Fault::new("interfaces", problem, remedy).at(Some(wanted.line))
        })
        .collect();
    if !missing.is_empty() {
        return Err(missing);
    }
    let names: Vec<&str> = config.interfaces.iter().map(|name| &*name.value).collect();
    Ok(Interfaces::select(&present, &names))
}
