//! `serve`: everything looked at first, then bound, then run.

mod announce;
mod assembly;
mod descriptors;
mod settings;
mod understood;

use std::io;
use std::process::ExitCode;
use std::sync::Arc;
use std::thread;

use log::{error, info};

use crate::alone::Alone;
use crate::bound::Bound;
use crate::config::{Config, DhcpMode, Fault, Faults};
use crate::content::Loaders;
use crate::driver::neighbours::ArpTable;
use crate::engine;
use crate::house::Reload;
use crate::journal::{self, Journal};
use crate::logging::READY_TARGET;
use crate::next_boot::NextBoots;
use crate::state::{self, Keeper};
use crate::tenancy::Tenancy;
#[cfg(feature = "http")]
use crate::webhook::{Receivers, Webhooks};
use crate::{folders, leases};
pub(crate) use announce::announce;
use announce::ready_line;
pub(crate) use assembly::set_seeds;
use assembly::{Parts, Running};
pub(crate) use settings::engine_config;
#[cfg(not(feature = "http"))]
use understood::Receivers;
pub use understood::served_interfaces;
pub(crate) use understood::{Understood, receivers, secrets, understood};

/// Exit code for a fault that the administrator mends in the configuration.
pub const EXIT_CONFIG: u8 = 2;
/// Exit code for a fault of the machine: a taken port, a missing right.
pub const EXIT_MACHINE: u8 = 1;

/// Serves until a signal.
pub fn serve(config: &Config, reload: Reload) -> ExitCode {
    let Prepared { parts, receivers, ready, _tenancy } = match prepare(config, reload) {
        Ok(prepared) => prepared,
        Err(Refusal { code, faults }) => return refuse(config, code, &faults),
    };
    match run_all(config, parts, receivers, &ready) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            error!("the server cannot go on: {error}");
            ExitCode::from(EXIT_MACHINE)
        }
    }
}

/// Prints every fault and gives the exit code.
pub fn refuse(config: &Config, code: u8, faults: &[Fault]) -> ExitCode {
    let faults = Faults { file: config.file.clone(), list: faults.to_vec() };
    eprintln!("{faults}");
    ExitCode::from(code)
}

/// Why nothing is served.
struct Refusal {
    code: u8,
    faults: Vec<Fault>,
}

impl Refusal {
    fn by_config(faults: Vec<Fault>) -> Self {
        Self { code: EXIT_CONFIG, faults }
    }

    fn by_machine(faults: Vec<Fault>) -> Self {
        Self { code: EXIT_MACHINE, faults }
    }
}

/// Everything that can be wrong has been looked at, and every port is bound.
struct Prepared {
    parts: Parts,
    receivers: Receivers,
    /// The line that tells so.
    ready: String,
    /// Nobody else works with the state folder.
    _tenancy: Tenancy,
}

fn prepare(config: &Config, reload: Reload) -> Result<Prepared, Refusal> {
    let served = served_interfaces(config).map_err(Refusal::by_config)?;
    let loaders = Loaders::search(config);
    let Understood { policy, menus, plan, secrets, receivers } =
        understood(config, &loaders).map_err(Refusal::by_config)?;
    if plan.is_some()
        && let Some(fault) = folders::unwritable_state(config)
    {
        return Err(Refusal::by_machine(vec![fault]));
    }
    let alone = Alone::at_start(config, &served).map_err(Refusal::by_config)?;
    let bound = Bound::bind(config, settings::loops(config)).map_err(|unbound| {
        let refusal =
            if unbound.configuration.is_empty() { Refusal::by_machine } else { Refusal::by_config };
        refusal(unbound.into_faults())
    })?;
    let tenancy = Tenancy::take(&config.state).map_err(|fault| Refusal::by_machine(vec![fault]))?;
    let leases = plan.map(|plan| leases::prepare(config, plan)).transpose();
    let leases = leases.map_err(|fault| Refusal::by_machine(vec![fault]))?;
    descriptors::raise_limit(config);
    announce::doubts(config, &served);
    announce(config, &loaders);
    let ready = ready_line(config, &served, &bound);
    let shared = engine::Shared::new(policy);
    shared.set_neighbours(Box::new(ArpTable));
    shared.orders().set(Box::new(NextBoots::new(config)));
    let journal = Journal::new();
    shared.set_audience(Box::new(journal::Reader::new(Arc::clone(&journal))));
    let parts =
        Parts { bound, served, loaders, menus, leases, alone, reload, secrets, journal, shared };
    Ok(Prepared { parts, receivers, ready, _tenancy: tenancy })
}

/// Runs everything until the first loop or another ends.
fn run_all(config: &Config, parts: Parts, receivers: Receivers, ready: &str) -> io::Result<()> {
    #[cfg(feature = "http")]
    let _webhooks = webhooks(receivers, &parts.journal)?;
    #[cfg(not(feature = "http"))]
    let () = receivers;
    // Both write for the last time when they are dropped, and the loops have ended by then.
    let _stories = journal::Keeper::start(config.state.clone(), Arc::clone(&parts.journal))?;
    let _evidence = keeper(config, &parts.shared)?;
    run(parts.start(config)?, ready)
}

/// Whoever is told of stages.
#[cfg(feature = "http")]
fn webhooks(receivers: Receivers, journal: &Journal) -> io::Result<Webhooks> {
    let webhooks = Webhooks::start(receivers)?;
    webhooks.sinks().for_each(|sink| journal.subscribe(sink));
    Ok(webhooks)
}

/// What is heard in `observe` mode survives a restart; in the other modes each machine speaks to us
/// again when it boots.
fn keeper(config: &Config, shared: &Arc<engine::Shared>) -> io::Result<Option<Keeper>> {
    if config.dhcp.mode != DhcpMode::Observe {
        return Ok(None);
    }
    state::restore(&config.state, shared);
    Keeper::start(config.state.clone(), Arc::clone(shared)).map(Some)
}

/// Runs the first loop here and the others in threads of their own, until one ends. HTTP has its
/// threads already, and ends with them.
fn run(running: Running, ready: &str) -> io::Result<()> {
    #[cfg(feature = "http")]
    let _http = running.http;
    #[cfg(feature = "admin")]
    let _admin = running.admin;
    let _watchdog = running.watchdog;
    let mut drivers = running.drivers.into_iter();
    let Some(first) = drivers.next() else { return Ok(()) };
    let mut threads = Vec::new();
    for (index, driver) in drivers.enumerate() {
        let name = format!("files-{}", index + 2);
        threads.push(thread::Builder::new().name(name).spawn(|| driver.run())?);
    }
    running.vitals.set_ready();
    info!(target: READY_TARGET, "{ready}");
    // Without systemd there is nobody to tell.
    let _ = sd_notify::notify(&[
        sd_notify::NotifyState::Ready,
        sd_notify::NotifyState::Status("serving"),
    ]);
    let mut ended = first.run();
    let _ = sd_notify::notify(&[sd_notify::NotifyState::Stopping]);
    for thread in threads {
        let other = thread.join().unwrap_or_else(|_| Err(io::Error::other("a loop panicked")));
        ended = ended.and(other);
    }
    ended
}
