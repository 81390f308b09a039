//! Every port of the configuration, bound before anything runs: so that all that cannot be bound is told at once.

use std::io::ErrorKind;

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
    pub machine: Vec<BindFault>,
}

impl Unbound {
    /// All of them.
    pub fn into_faults(self) -> Vec<Fault> {
        self.configuration.into_iter().chain(self.machine.into_iter().map(fault)).collect()
    }

    /// The same without the ports that a running server of ours has, or which only that has a right to.
    #[must_use]
    pub fn beside(mut self, tenant: u32) -> Self {
        self.machine.retain(|fault| match fault.holder {
            Some(holder) => holder != tenant,
            None => !matches!(fault.kind, ErrorKind::AddrInUse | ErrorKind::PermissionDenied),
        });
        self
    }
}

impl Bound {
    /// Binds everything, for `loops` loops.
    pub fn bind(config: &Config, loops: usize) -> Result<Self, Unbound> {
        let mut unbound = Unbound::default();
        let ports = Ports::bind(config, loops).unwrap_or_else(|faults| {
            unbound.machine.extend(faults);
            Vec::new()
        });
        #[cfg(feature = "http")]
        let http = crate::http::Port::bind(config).unwrap_or_else(|faults| {
            unbound.machine.extend(faults.port);
            unbound.configuration.extend(faults.certificate);
            None
        });
        #[cfg(feature = "admin")]
        let admin = crate::admin::Port::bind(config).unwrap_or_else(|faults| {
            unbound.machine.extend(faults.port);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ports_of_the_running_server_are_no_fault_and_those_of_others_are() {
        let fault = |kind, pid: Option<u32>| BindFault {
            key: "tftp.port",
            problem: "taken".to_owned(),
            remedy: String::new(),
            holder: pid,
            kind,
        };
        let left = |fault: BindFault| {
            let unbound = Unbound { configuration: Vec::new(), machine: vec![fault] };
            unbound.beside(7).into_faults().len()
        };
        assert_eq!(left(fault(ErrorKind::AddrInUse, Some(7))), 0, "its own");
        assert_eq!(left(fault(ErrorKind::AddrInUse, Some(8))), 1, "a stranger's");
        assert_eq!(left(fault(ErrorKind::AddrInUse, None)), 0, "without root nobody sees whose");
        assert_eq!(left(fault(ErrorKind::PermissionDenied, None)), 0, "the service has the right");
        assert_eq!(left(fault(ErrorKind::AddrNotAvailable, None)), 1, "no such address");
    }
}
