//! `serve`: everything looked at first, then bound, then run.

use std::process::ExitCode;

use log::{error, info, warn};

use crate::config::{Config, DhcpMode, Fault};
use crate::content::{Files, Loaders};
use crate::driver::interfaces::{self, Interfaces};
use crate::driver::{BindFault, Driver, Housekeeping, Ports, describe};
use crate::engine::{Engine, EngineConfig, Shared};
use crate::logging::READY_TARGET;
use crate::policy;

/// Exit code for a fault that the administrator mends in the configuration.
pub const EXIT_CONFIG: u8 = 2;
/// Exit code for a fault of the machine: a taken port, a missing right.
pub const EXIT_MACHINE: u8 = 1;

/// Serves until a signal.
pub fn serve(config: &Config) -> ExitCode {
    let served = match served_interfaces(config) {
        Ok(served) => served,
        Err(faults) => return refuse(EXIT_CONFIG, &faults),
    };
    let loaders = Loaders::search(config);
    let policy = match policy::build(config, &loaders) {
        Ok(policy) => policy,
        Err(faults) => return refuse(EXIT_CONFIG, &faults),
    };
    let ports = match Ports::bind(config) {
        Ok(ports) => ports,
        Err(faults) => {
            let faults: Vec<Fault> = faults.into_iter().map(fault_of).collect();
            return refuse(EXIT_MACHINE, &faults);
        }
    };
    raise_descriptor_limit(config.tftp.transfers_max);
    announce(config, &loaders);
    let engine = Engine::new(engine_config(config), Shared::new(policy));
    let files = Files::new(config.root.clone(), loaders.clone(), config.tftp.port);
    let house = House { config: config.clone(), loaders };
    let ready = ready_line(config, &served);
    let driver = match Driver::new(ports, engine, files, served, house) {
        Ok(driver) => driver,
        Err(error) => {
            error!("cannot start: {error}");
            return ExitCode::from(EXIT_MACHINE);
        }
    };
    info!(target: READY_TARGET, "{ready}");
    // Without systemd there is nobody to tell.
    let _ = sd_notify::notify(&[sd_notify::NotifyState::Ready]);
    match driver.run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            error!("the event loop failed: {error}");
            ExitCode::from(EXIT_MACHINE)
        }
    }
}

/// Prints every fault and gives the exit code.
pub fn refuse(code: u8, faults: &[Fault]) -> ExitCode {
    let faults = crate::config::Faults { file: None, list: faults.to_vec() };
    eprintln!("{faults}");
    ExitCode::from(code)
}

fn fault_of(fault: BindFault) -> Fault {
    Fault::new(fault.key, fault.problem, fault.remedy)
}

/// The interfaces of the configuration that are there; a named one that is missing is a fault.
pub fn served_interfaces(config: &Config) -> Result<Interfaces, Vec<Fault>> {
    let present = interfaces::present()
        .map_err(|error| vec![Fault::new("interfaces", format!("cannot list: {error}"), "")])?;
    let missing: Vec<Fault> = config
        .interfaces
        .iter()
        .filter(|wanted| !present.iter().any(|known| known.name == wanted.value))
        .map(|wanted| {
            Fault::new(
                "interfaces",
                format!("{:?} is not there, or has no IPv4 address", wanted.value),
                interfaces::describe(&present),
            )
            .at((wanted.line > 0).then_some(wanted.line))
        })
        .collect();
    if !missing.is_empty() {
        return Err(missing);
    }
    let names: Vec<&str> = config.interfaces.iter().map(|name| &*name.value).collect();
    Ok(Interfaces::select(&present, &names))
}

fn engine_config(config: &Config) -> EngineConfig {
    let proxy = (config.dhcp.mode == DhcpMode::Proxy).then(|| {
        let mut proxy = pxe_dhcp::respond::ProxyConfig::default();
        proxy.ports.server = config.dhcp.port;
        proxy.ports.client = config.dhcp.client_port();
        proxy.ports.boot_server = config.dhcp.boot_port;
        proxy.server_identifiers = config.advertise.into_iter().collect();
        proxy
    });
    let mut tftp = pxe_tftp::ServerConfig::default();
    tftp.block_size_max = config.tftp.block_size_max;
    tftp.window_size_max = config.tftp.window_size_max;
    tftp.transfers_max = config.tftp.transfers_max;
    EngineConfig { proxy, tftp, advertise: config.advertise, tftp_port: config.tftp.port }
}

fn announce(config: &Config, loaders: &Loaders) {
    if !config.root.is_dir() {
        warn!(
            "the root folder {} is not there; loaders of the system's packages are served all the \
             same, and the folder is looked for again on every request",
            config.root.display()
        );
    }
    for found in loaders.found() {
        info!("loader for {}: {}", found.firmware, found);
    }
    for missing in loaders.missing_common() {
        warn!("no loader for {}: {missing}", missing.firmware);
    }
}

fn ready_line(config: &Config, served: &Interfaces) -> String {
    let mut parts = vec![format!("ready: {} mode on {}", config.dhcp.mode, describe(served))];
    if config.dhcp.mode == DhcpMode::Proxy {
        parts.push(format!("DHCP {} and {}", config.dhcp.port, config.dhcp.boot_port));
    }
    if config.tftp.enabled {
        parts.push(format!("TFTP {} from {}", config.tftp.port, config.root.display()));
    }
    parts.join(", ")
}

/// Every transfer has a socket and may have a file: takes as many descriptors as the system lets
/// us have.
fn raise_descriptor_limit(transfers_max: usize) {
    use nix::sys::resource::{Resource, getrlimit, setrlimit};
    let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE) else { return };
    let wanted = (2 * transfers_max as u64 + 64).min(hard);
    if wanted > soft
        && let Err(error) = setrlimit(Resource::RLIMIT_NOFILE, wanted, hard)
    {
        warn!("the limit of open files stays at {soft}: {error}");
    }
}

/// Looks at the machine again while the server runs.
struct House {
    config: Config,
    loaders: Loaders,
}

impl Housekeeping for House {
    fn interfaces(&mut self) -> std::io::Result<Interfaces> {
        let present = interfaces::present()?;
        let names: Vec<&str> = self.config.interfaces.iter().map(|name| &*name.value).collect();
        Ok(Interfaces::select(&present, &names))
    }

    fn refresh(&mut self, engine: &mut Engine, files: &mut Files) {
        let loaders = Loaders::search(&self.config);
        if loaders == self.loaders {
            return;
        }
        let Ok(policy) = policy::build(&self.config, &loaders) else { return };
        info!("the loaders changed");
        announce(&self.config, &loaders);
        engine.shared().set_policy(policy);
        files.set_loaders(loaders.clone());
        self.loaders = loaders;
    }
}
