//! What the inventory says of a described machine, asked as the server asks; or that it was not asked.

use core::fmt;

use pxe_select::{Inventory, Policy, Target};
use serde::Serialize;

use crate::config::{BootApiConfig, Config};
use crate::engine::InventoryAnswer;

/// Whether the inventory was asked, and what it said.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case", tag = "state")]
pub(super) enum Consulted {
    /// It was not: what is explained holds as far as it boots the machine by nothing of its own.
    NotAsked {
        /// Where it is.
        url: String,
    },
    /// It never is: the machine's host entry decides.
    HostDecides,
    /// It boots the machine.
    Boots {
        /// What.
        what: String,
    },
    /// It does not, and the machine gets nothing.
    Ignores {
        /// Why.
        why: String,
    },
}

impl fmt::Display for Consulted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAsked { url } => write!(
                f,
                "not asked ({url}): it decides whether this machine boots, and what; this is as if there were none. \
                 --ask-inventory asks it"
            ),
            Self::HostDecides => f.write_str(
                "is not asked: the machine's host entry says what it boots, or that it does not",
            ),
            Self::Boots { what } => write!(f, "boots it: {what}"),
            Self::Ignores { why } => write!(f, "does not boot it: {why}"),
        }
    }
}

/// What comes of it.
#[derive(Debug, Default)]
pub(super) struct Word {
    pub(super) consulted: Option<Consulted>,
    /// What it answered.
    pub(super) answer: Option<InventoryAnswer>,
}

impl Word {
    /// Asks it, if that is wanted and the server would.
    ///
    /// # Errors
    /// There is none to ask.
    pub(super) fn of(
        config: &Config,
        policy: &Policy,
        mac: [u8; 6],
        asks: bool,
    ) -> Result<Self, String> {
        let Some(api) = &config.boot_api else {
            return match asks {
                true => {
                    Err("--ask-inventory: the configuration names no inventory (boot_api)"
                        .to_owned())
                }
                false => Ok(Self::default()),
            };
        };
        if !policy.leaves_open(&mac) {
            return Ok(Self { consulted: Some(Consulted::HostDecides), answer: None });
        }
        if !asks {
            let url = place(api);
            return Ok(Self { consulted: Some(Consulted::NotAsked { url }), answer: None });
        }
        let answer = ask(api, mac);
        let consulted = match answer.clone() {
            InventoryAnswer::Boots { what, .. } => Consulted::Boots { what },
            InventoryAnswer::Ignores { why, .. } => Consulted::Ignores { why },
        };
        Ok(Self { consulted: Some(consulted), answer: Some(answer) })
    }

    /// The same as a fact of the decision.
    pub(super) fn as_fact(&self) -> Inventory {
        match &self.answer {
            None => Inventory::Silent,
            Some(InventoryAnswer::Boots { .. }) => Inventory::Boots,
            Some(InventoryAnswer::Ignores { .. }) => Inventory::Ignores,
        }
    }

    /// What it boots, for loaders that read no script of iPXE.
    pub(super) fn target(&self) -> Option<&Target> {
        match &self.answer {
            Some(InventoryAnswer::Boots { target, .. }) => target.as_ref(),
            _ => None,
        }
    }
}

#[cfg(feature = "http")]
fn ask(api: &BootApiConfig, mac: [u8; 6]) -> InventoryAnswer {
    use crate::driver::Ask;

    crate::inventory::Client::new(api).ask(mac)
}

#[cfg(feature = "http")]
fn place(api: &BootApiConfig) -> String {
    crate::outward::place(&api.url.value)
}

/// A program without HTTP refuses a configuration that names one.
#[cfg(not(feature = "http"))]
fn ask(_: &BootApiConfig, _: [u8; 6]) -> InventoryAnswer {
    let why = "this program was built without HTTP".to_owned();
    InventoryAnswer::Ignores { why, said: false }
}

#[cfg(not(feature = "http"))]
fn place(api: &BootApiConfig) -> String {
    api.url.value.clone()
}
