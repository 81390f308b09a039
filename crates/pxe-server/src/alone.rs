//! Whether we are the only DHCP server of a segment: asked before we answer there for the first time.
//!
//! A segment where nobody answered is remembered in the state folder, so that a restart serves at once. It is asked
//! again behind the scenes then, and a server that turned up meanwhile is told of: to stop giving addresses would help
//! nobody who has one of ours.

use core::net::Ipv4Addr;
use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;

use log::{info, warn};
use pxe_dhcp::respond::{ForeignServer, Ports};

use crate::config::{Config, DhcpMode, Fault};
use crate::driver::foreign;
use crate::driver::interfaces::{self, Interface, Interfaces};

/// The list in the state folder, a line for each segment.
const ALONE_FILE: &str = "dhcp-alone";

/// What asking one segment came to.
type Answer = (Interface, io::Result<Option<ForeignServer>>);

/// The segments of a server.
pub struct Alone {
    /// Nobody is asked: in other modes, and where that is wanted.
    is_idle: bool,
    state: PathBuf,
    ports: Ports,
    /// Segments where we may answer.
    known: BTreeSet<String>,
    /// Those that are asked now, or where somebody answered.
    held: BTreeSet<String>,
    tell: Sender<Answer>,
    told: Receiver<Answer>,
}

impl Alone {
    /// Asks on each of these interfaces where we never were, all at once, and waits for it.
    ///
    /// # Errors
    /// A fault for each segment where another server answers.
    pub fn at_start(config: &Config, served: &Interfaces) -> Result<Self, Vec<Fault>> {
        let mut ports = Ports::default();
        ports.server = config.dhcp.port;
        ports.client = config.dhcp.client_port();
        let (tell, told) = mpsc::channel();
        let is_server = config.dhcp.mode == DhcpMode::Server;
        let mut alone = Self {
            is_idle: !is_server || config.dhcp.addresses.ignore_other_servers,
            state: config.state.clone(),
            ports,
            known: BTreeSet::new(),
            held: BTreeSet::new(),
            tell,
            told,
        };
        if !alone.is_idle {
            alone.ask_first(served)?;
        }
        Ok(alone)
    }

    fn ask_first(&mut self, served: &Interfaces) -> Result<(), Vec<Fault>> {
        let text = fs::read_to_string(self.state.join(ALONE_FILE)).unwrap_or_default();
        self.known = text.lines().map(ToOwned::to_owned).collect();
        let (old, new): (Vec<_>, Vec<_>) = served
            .iter()
            .filter(|interface| interface.broadcasts)
            .partition(|interface| self.known.contains(&name(interface)));
        if !new.is_empty() {
            info!("asking for other DHCP servers first, which takes five seconds");
        }
        let asked = new.iter().filter(|interface| self.ask(interface)).count();
        let answers: Vec<Answer> = self.told.iter().take(asked).collect();
        let faults: Vec<Fault> =
            answers.into_iter().filter_map(|answer| self.take(answer)).collect();
        if !faults.is_empty() {
            return Err(faults);
        }
        for interface in old {
            self.ask(interface);
        }
        Ok(())
    }

    /// The interfaces of these where we may answer. Others are asked, and may be among them later.
    pub fn allowed(&mut self, mut present: Interfaces) -> Interfaces {
        if self.is_idle {
            return present;
        }
        while let Ok(answer) = self.told.try_recv() {
            if let Some(fault) = self.take(answer) {
                warn!("{fault}");
            }
        }
        present.retain(|interface| {
            let name = name(interface);
            if !interface.broadcasts || self.known.contains(&name) {
                return true;
            }
            if !self.held.contains(&name) {
                self.ask(interface);
            }
            false
        });
        present
    }

    /// Asks in a thread of its own; whether that began.
    fn ask(&mut self, interface: &Interface) -> bool {
        let own = interfaces::own_addresses().unwrap_or_default();
        let (interface, ports, tell) = (interface.clone(), self.ports, self.tell.clone());
        self.held.insert(name(&interface));
        let ask = move || {
            let asked = foreign::ask(&interface, ports, own);
            // Nobody listens any more at the end of the program.
            let _ = tell.send((interface, asked));
        };
        thread::Builder::new().name("foreign".to_owned()).spawn(ask).is_ok()
    }

    /// What is wrong, if another server answered.
    fn take(&mut self, (interface, asked): Answer) -> Option<Fault> {
        let name = name(&interface);
        match asked {
            Ok(Some(server)) => {
                let was_known = self.known.contains(&name);
                return Some(fault(&interface, &server, was_known));
            }
            Ok(None) => {
                self.held.remove(&name);
                if self.known.insert(name) {
                    self.keep();
                }
            }
            Err(error) => {
                warn!(
                    "{}: cannot ask for other DHCP servers: {error}; answering all the same",
                    interface.name
                );
                self.held.remove(&name);
                // Not kept: the next start asks again.
                self.known.insert(name);
            }
        }
        None
    }

    fn keep(&self) {
        let text: String = self.known.iter().map(|name| format!("{name}\n")).collect();
        let kept = fs::create_dir_all(&self.state)
            .and_then(|()| fs::write(self.state.join(ALONE_FILE), text));
        if let Err(error) = kept {
            warn!("{} cannot be written: {error}", self.state.join(ALONE_FILE).display());
        }
    }
}

/// A segment, as far as one can tell them apart.
fn name(interface: &Interface) -> String {
    let Interface { name, address, prefix_bits, .. } = interface;
    format!("{name} {address}/{prefix_bits}")
}

fn fault(interface: &Interface, found: &ForeignServer, was_known: bool) -> Fault {
    let who = if found.server == found.source || found.source == Ipv4Addr::UNSPECIFIED {
        found.server.to_string()
    } else {
        format!("{} (by {})", found.server, found.source)
    };
    let problem = format!(
        "another DHCP server answers on {}: {who} offers {}",
        interface.name, found.address
    );
    let remedy = if was_known {
        "two of them give one address to two machines: stop it, or share a database with it"
    } else {
        "stop it; or boot machines beside it with dhcp.mode = \"proxy\"; or, if both are meant to be, set \
         dhcp.ignore_other_servers = true"
    };
    Fault::new("dhcp.mode", problem, remedy)
}
