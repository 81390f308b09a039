//! Every port of the configuration, bound before anything runs: so that all that cannot be bound is told at once.

use crate::config::{Config, Fault};
use crate::driver::{BindFault, Ports};

/// What was bound.
pub struct Bound {
    /// The loops' ports: DHCP, TFTP.
    pub ports: Vec<Ports>,
    /// The port of HTTP, if it is to be served.
    #[cfg(feature = "http")]
    pub http: Option<crate::http::Port>,
    /// The port of the page, and why there is none although nothing is wrong.
    #[cfg(feature = "admin")]
    pub admin: (Option<crate::admin::Port>, Option<Fault>),
}

/// What could not be bound, and what the configuration names that cannot be used for it.
#[derive(Debug, Default)]
pub struct Unbound {
    /// To be mended in the configuration.
    pub configuration: Vec<Fault>,
    /// To be mended on the machine.
    pub machine: Vec<Fault>,
}

impl Unbound {
    /// All of them.
    pub fn into_faults(self) -> Vec<Fault> {
        [self.configuration, self.machine].concat()
    }
}

impl Bound {
    /// Binds everything, for `loops` loops.
    pub fn bind(config: &Config, loops: usize) -> Result<Self, Unbound> {
        let mut unbound = Unbound::default();
        let ports = Ports::bind(config, loops).unwrap_or_else(|faults| {
            unbound.machine.extend(faults.into_iter().map(fault));
            Vec::new()
        });
        #[cfg(feature = "http")]
        let http = crate::http::Port::bind(config).unwrap_or_else(|faults| {
            unbound.machine.extend(faults.port.map(fault));
            unbound.configuration.extend(faults.certificate);
            None
        });
        #[cfg(feature = "admin")]
        let admin = crate::admin::Port::bind(config).unwrap_or_else(|faults| {
            unbound.machine.extend(faults.port.map(fault));
            unbound.configuration.extend(faults.certificate);
            (None, None)
        });
        if !unbound.configuration.is_empty() || !unbound.machine.is_empty() {
            return Err(unbound);
        }
        Ok(Self {
            ports,
            #[cfg(feature = "http")]
            http,
            #[cfg(feature = "admin")]
            admin,
        })
    }

    /// Whether there is a page to look at.
    pub(crate) fn has_page(&self) -> bool {
        #[cfg(feature = "admin")]
        return self.admin.0.is_some();
        #[cfg(not(feature = "admin"))]
        false
    }
}

fn fault(fault: BindFault) -> Fault {
    Fault::new(fault.key, fault.problem, fault.remedy)
}
