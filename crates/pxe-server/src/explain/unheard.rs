//! What is known where nothing was heard of a machine, for whoever explains it.

use crate::config::{Config, DhcpMode};
use crate::diagnose::{Run, Unheard};
use crate::journal::Journal;
use crate::{serve, tenancy};

/// Of this machine, which has no story in the journal.
pub(crate) fn unheard(machine: &str, config: &Config, journal: &Journal) -> Unheard {
    let others = journal.counts().machines;
    let served = serve::served_interfaces(config).unwrap_or_default();
    let run = match tenancy::look(&config.state) {
        // The journal is of a program that did not say yet that it runs.
        Run::Never if others > 0 => Run::Unknown,
        run => run,
    };
    Unheard {
        machine: machine.trim().to_owned(),
        others,
        hears_dhcp: config.dhcp.mode != DhcpMode::Off,
        port: config.dhcp.port,
        served: served.iter().map(|it| (it.name.clone(), it.address)).collect(),
        advertised: config.advertise,
        relays: journal.relays(),
        run,
    }
}
