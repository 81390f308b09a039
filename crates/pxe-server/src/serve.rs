//! `serve`: everything looked at first, then bound, then run.

use std::io;
use std::process::ExitCode;
use std::sync::Arc;
use std::thread;

use log::{error, info, warn};
use pxe_dhcp::respond::ProxyStyles;
use pxe_select::Policy;

#[cfg(feature = "admin")]
use crate::admin::Parts as Watched;
use crate::alone::Alone;
use crate::bound::Bound;
use crate::config::{Config, DhcpMode, Fault, Secrets};
#[cfg(feature = "http")]
use crate::content::Finder;
use crate::content::{self, Files, Images, Loaders, Menus, UPLOADS_MAX, Uploads};
use crate::driver::interfaces::{self, Interfaces, SharedInterfaces};
use crate::driver::neighbours::ArpTable;
use crate::driver::{Ask, Crew, Driver, First, Housekeeping, Leasing, Vitals};
use crate::engine::{self, AddressPlan, Engine, EngineConfig, InventorySettings, ServerSettings};
use crate::house::{House, InUse, Reload};
#[cfg(feature = "http")]
use crate::http;
use crate::journal::{self, Journal};
use crate::logging::READY_TARGET;
use crate::next_boot::NextBoots;
use crate::state::{self, Keeper};
use crate::watchdog::Watchdog;
#[cfg(feature = "http")]
use crate::webhook::{Receivers, Webhooks};
use crate::{addresses, check, leases, policy};

/// Exit code for a fault that the administrator mends in the configuration.
pub const EXIT_CONFIG: u8 = 2;
/// Exit code for a fault of the machine: a taken port, a missing right.
pub const EXIT_MACHINE: u8 = 1;

/// Serves until a signal.
pub fn serve(config: &Config, reload: Reload) -> ExitCode {
    let served = match served_interfaces(config) {
        Ok(served) => served,
        Err(faults) => return refuse(config, EXIT_CONFIG, &faults),
    };
    let loaders = Loaders::search(config);
    let Understood { policy, menus, plan, secrets, receivers } = match understood(config, &loaders)
    {
        Ok(understood) => understood,
        Err(faults) => return refuse(config, EXIT_CONFIG, &faults),
    };
    let alone = match Alone::at_start(config, &served) {
        Ok(alone) => alone,
        Err(faults) => return refuse(config, EXIT_CONFIG, &faults),
    };
    let bound = match Bound::bind(config, loops(config)) {
        Ok(bound) => bound,
        Err(unbound) => {
            let code = if unbound.configuration.is_empty() { EXIT_MACHINE } else { EXIT_CONFIG };
            return refuse(config, code, &unbound.into_faults());
        }
    };
    let leases = match plan.map(|plan| leases::prepare(config, plan)).transpose() {
        Ok(leases) => leases,
        Err(fault) => return refuse(config, EXIT_MACHINE, &[fault]),
    };
    raise_descriptor_limit(config);
    let doubts = check::uploads(config).into_iter().chain(check::doubts(config));
    for doubt in doubts.chain(addresses::doubts::doubts(config, &served)) {
        warn!("{doubt}");
    }
    announce(config, &loaders);
    #[cfg_attr(not(feature = "admin"), expect(unused_mut, reason = "the page is told too"))]
    let mut ready = ready_line(config, &served);
    #[cfg(feature = "admin")]
    if bound.admin.0.is_some() {
        let scheme = if config.admin.is_tls() { "https" } else { "http" };
        ready.push_str(&format!(", page {scheme}://{}/", config.admin.listen));
    }
    let shared = engine::Shared::new(policy);
    shared.set_neighbours(Box::new(ArpTable));
    shared.orders().set(Box::new(NextBoots::new(config)));
    let served = keeper(config, &shared).and_then(|keeper| {
        let journal = Journal::new();
        shared.set_audience(Box::new(journal::Reader::new(Arc::clone(&journal))));
        #[cfg(feature = "http")]
        let _webhooks = webhooks(receivers, &journal)?;
        #[cfg(not(feature = "http"))]
        let () = receivers;
        let journal_keeper = journal::Keeper::start(config.state.clone(), Arc::clone(&journal))?;
        let parts =
            Parts { bound, served, loaders, menus, leases, alone, reload, journal, secrets };
        let running = start(config, parts, shared)?;
        let ran = run(running, &ready);
        // Written for the last time.
        drop((keeper, journal_keeper));
        ran
    });
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            error!("the server cannot go on: {error}");
            ExitCode::from(EXIT_MACHINE)
        }
    }
}

/// What the configuration says, beyond its syntax.
pub(crate) struct Understood {
    pub(crate) policy: Policy,
    pub(crate) menus: Menus,
    pub(crate) plan: Option<AddressPlan>,
    pub(crate) secrets: Secrets,
    receivers: Receivers,
}

/// Without HTTP a webhook is a fault of the configuration.
#[cfg(not(feature = "http"))]
type Receivers = ();

/// Reads all of it, so that every fault is told at once.
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

/// Whoever is told of stages.
#[cfg(feature = "http")]
fn webhooks(receivers: Receivers, journal: &Journal) -> io::Result<Webhooks> {
    let webhooks = Webhooks::start(receivers)?;
    webhooks.sinks().for_each(|sink| journal.subscribe(sink));
    Ok(webhooks)
}

/// Without files to serve there is nothing to deal out.
fn loops(config: &Config) -> usize {
    if config.tftp.enabled { config.tftp.loops } else { 1 }
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

/// What the server is made of.
struct Parts {
    bound: Bound,
    served: Interfaces,
    loaders: Loaders,
    menus: Menus,
    leases: Option<(ServerSettings, Leasing)>,
    alone: Alone,
    reload: Reload,
    secrets: Secrets,
    journal: Arc<Journal>,
}

/// Everything that runs.
struct Running {
    drivers: Vec<Driver>,
    #[cfg(feature = "http")]
    http: Option<http::Server>,
    #[cfg(feature = "admin")]
    admin: Option<crate::admin::Server>,
    vitals: Arc<Vitals>,
    _watchdog: Option<Watchdog>,
}

/// Puts the loops together: one engine each, which share the decision, the story and the cache, with
/// each other and with HTTP.
fn start(config: &Config, parts: Parts, shared: Arc<engine::Shared>) -> io::Result<Running> {
    let Parts { bound, served, loaders, menus, leases, alone, reload, journal, secrets } = parts;
    let (mut settings, mut leasing) = leases.unzip();
    if let (Some(settings), Some(first)) = (&mut settings, bound.ports.first()) {
        settings.responder.reach_by_hardware_address = first.reach_by_hardware_address();
    }
    let interfaces = Arc::new(SharedInterfaces::new(served));
    let contents = filled(config, (loaders.clone(), menus), secrets, &shared)?;
    let finder = Finder::new(config.root.clone(), Arc::clone(&contents));
    journal.set_signatures(Box::new(content::signed::Signatures { finder }));
    let crew = Crew::default();
    let in_use = InUse::new(config.clone(), loaders.clone());
    #[cfg(feature = "admin")]
    let reload_for_page = Arc::clone(&reload);
    let mut house: Option<Box<dyn Housekeeping + Send>> = Some(Box::new(House {
        config: config.clone(),
        loaders,
        contents: Arc::clone(&contents),
        shared: Arc::clone(&shared),
        alone,
        reload,
        in_use: Arc::clone(&in_use),
    }));
    let mut inventory = inventory(config, &shared);
    let count = bound.ports.len();
    #[cfg(feature = "http")]
    let http = bound.http.map(|port| {
        let finder = Finder::new(config.root.clone(), Arc::clone(&contents));
        http::Server::start(port, config, finder, Arc::clone(&shared), Arc::clone(&journal))
    });
    let drivers = bound
        .ports
        .into_iter()
        .map(|ports| {
            let first = First {
                housekeeping: house.take(),
                leasing: leasing.take(),
                inventory: inventory.take(),
            };
            let is_first = first.housekeeping.is_some();
            let mut engine_config = engine_config(config, is_first, count);
            engine_config.server = settings.take();
            let engine = Engine::new(engine_config, Arc::clone(&shared));
            let files = Files::new(config.root.clone(), Arc::clone(&contents), config.tftp.port);
            let (interfaces, journal) = (Arc::clone(&interfaces), Arc::clone(&journal));
            Driver::new(ports, engine, files, interfaces, &crew, journal, first)
        })
        .collect::<io::Result<Vec<_>>>()?;
    let vitals = crew.vitals();
    #[cfg(feature = "http")]
    let http = http.transpose()?;
    #[cfg(feature = "admin")]
    let admin = match drivers.first() {
        Some(first) => {
            let (asker, vitals, reload) = (first.asker(), Arc::clone(&vitals), reload_for_page);
            let http = http.as_ref().map(http::Server::traffic);
            let finder = Finder::new(config.root.clone(), Arc::clone(&contents));
            admin(
                bound.admin,
                Watched { in_use, vitals, asker, reload, shared, journal, finder, http },
            )?
        }
        None => None,
    };
    Ok(Running {
        drivers,
        #[cfg(feature = "http")]
        http,
        #[cfg(feature = "admin")]
        admin,
        _watchdog: Watchdog::start(Arc::clone(&vitals))?,
        vitals,
    })
}

/// What can be fetched: files, images, and what is made for single machines.
fn filled(
    config: &Config,
    (loaders, menus): (Loaders, Menus),
    secrets: Secrets,
    shared: &engine::Shared,
) -> io::Result<Arc<content::Shared>> {
    let images = Arc::new(Images::new(config.images.clone()).kept_in(&config.state));
    Images::follow(&images)?;
    shared.set_images(Arc::clone(&images) as Arc<dyn engine::Images>);
    let contents = Arc::new(contents(config, loaders, menus).with_images(images));
    set_seeds(config, secrets, &contents);
    Ok(contents)
}

/// What only single machines may know.
///
/// # Errors
/// Every fault of that file.
pub fn secrets(config: &Config) -> Result<Secrets, Vec<Fault>> {
    config.secrets.as_ref().map(Secrets::load).transpose().map(Option::unwrap_or_default)
}

/// What is made for which machine.
pub(crate) fn set_seeds(config: &Config, secrets: Secrets, contents: &content::Shared) {
    #[cfg(feature = "http")]
    contents.set_seeds(content::Seeds::new(config, secrets));
    #[cfg(not(feature = "http"))]
    let _ = (config, secrets, contents);
}

/// Whom to ask which machines boot.
fn inventory(config: &Config, shared: &engine::Shared) -> Option<Arc<dyn Ask>> {
    let api = config.boot_api.as_ref()?;
    shared.set_inventory(InventorySettings { fresh_for: api.cache });
    #[cfg(feature = "http")]
    info!("the inventory at {} says which machines boot", crate::outward::place(&api.url.value));
    #[cfg(feature = "http")]
    return Some(Arc::new(crate::inventory::Client::new(api)));
    #[cfg(not(feature = "http"))]
    None
}

/// The page, if there is a port for it.
#[cfg(feature = "admin")]
fn admin(
    (port, missing): (Option<crate::admin::Port>, Option<Fault>),
    parts: Watched,
) -> io::Result<Option<crate::admin::Server>> {
    if let Some(missing) = missing {
        warn!("{missing}");
    }
    port.map(|port| crate::admin::Server::start(port, parts)).transpose()
}

/// What the loops' files have in common. What an earlier run left of unfinished uploads goes.
fn contents(config: &Config, loaders: Loaders, menus: Menus) -> content::Shared {
    let mut contents = content::Shared::new(loaders);
    contents.set_menus(menus);
    if config.tftp.ignore_case {
        contents = contents.ignoring_case();
    }
    if let Some(folder) = &config.tftp.uploads {
        let uploads = Uploads::new(folder.value.clone(), config.tftp.upload_bytes_max);
        match uploads.sweep() {
            0 => {}
            swept => info!("removed {swept} unfinished uploads of an earlier run"),
        }
        contents = contents.with_uploads(uploads);
    }
    contents
}

/// Runs the first loop here and the others in threads of their own, until one ends. HTTP has its
/// threads already, and ends with them.
fn run(running: Running, ready: &str) -> io::Result<()> {
    #[cfg(feature = "http")]
    let _http = running.http;
    #[cfg(feature = "admin")]
    let _admin = running.admin;
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

/// Prints every fault and gives the exit code.
pub fn refuse(config: &Config, code: u8, faults: &[Fault]) -> ExitCode {
    let faults = crate::config::Faults { file: config.file.clone(), list: faults.to_vec() };
    eprintln!("{faults}");
    ExitCode::from(code)
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

/// `first`: the loop that has the DHCP ports.
pub(crate) fn engine_config(config: &Config, first: bool, loops: usize) -> EngineConfig {
    let answers = matches!(config.dhcp.mode, DhcpMode::Proxy | DhcpMode::Server);
    let proxy = (first && answers).then(|| {
        let mut proxy = pxe_dhcp::respond::ProxyConfig::default();
        proxy.ports.server = config.dhcp.port;
        proxy.ports.client = config.dhcp.client_port();
        proxy.ports.boot_server = config.dhcp.boot_port;
        proxy.styles = match config.dhcp.mode {
            // It sees no DISCOVER from which to tell whether its offers are taken.
            DhcpMode::Server => ProxyStyles::ByRequest,
            _ => config.dhcp.proxy_style,
        };
        proxy.server_identifiers = config.advertise.into_iter().collect();
        proxy
    });
    let mut tftp = pxe_tftp::ServerConfig::default();
    tftp.block_size_max = config.tftp.block_size_max;
    tftp.window_size_max = config.tftp.window_size_max;
    tftp.single_port = config.tftp.single_port;
    tftp.transfers_max = config.tftp.transfers_max.div_ceil(loops);
    // Whether there is a place for them is another question, and told in the client's story.
    tftp.uploads_max = UPLOADS_MAX;
    let (advertise, tftp_port) = (config.advertise, config.tftp.port);
    EngineConfig { proxy, server: None, tftp, advertise, tftp_port }
}

/// Tells which loaders there are.
pub(crate) fn announce(config: &Config, loaders: &Loaders) {
    if !config.root.is_dir() {
        warn!(
            "the root folder {} is not there; loaders of the system's packages are served all the \
             same, and the folder is looked for again on every request",
            config.root.display()
        );
    }
    for found in loaders.found() {
        match content::signed::describe(found) {
            Some(signed) => info!("loader for {}: {found}; {signed}", found.firmware),
            None => info!("loader for {}: {found}", found.firmware),
        }
    }
    for missing in loaders.missing_common() {
        warn!("no loader for {}: {missing}", missing.firmware);
    }
}

fn ready_line(config: &Config, served: &Interfaces) -> String {
    let mut parts = vec![format!("ready: {} mode on {}", config.dhcp.mode, served)];
    if matches!(config.dhcp.mode, DhcpMode::Proxy | DhcpMode::Server) {
        parts.push(format!("DHCP {} and {}", config.dhcp.port, config.dhcp.boot_port));
    }
    if config.dhcp.mode == DhcpMode::Observe {
        let (server, client) = (config.dhcp.port, config.dhcp.client_port());
        parts.push(format!("listening to DHCP {server} and {client}, sending none"));
    }
    if config.tftp.enabled {
        parts.push(format!("TFTP {} from {}", config.tftp.port, config.root.display()));
        if let Some(uploads) = &config.tftp.uploads {
            parts.push(format!("uploads to {}", uploads.value.display()));
        }
    }
    if config.http.enabled {
        let name = if config.http.is_tls() { "HTTPS" } else { "HTTP" };
        parts.push(format!("{name} {}", config.http.listen));
    }
    parts.join(", ")
}

/// Every transfer has a socket and may have a file, an upload a file and its folder twice: takes as
/// many descriptors as the system lets us have.
fn raise_descriptor_limit(config: &Config) {
    use nix::sys::resource::{Resource, getrlimit, setrlimit};
    let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE) else { return };
    let connections = if config.http.enabled { config.http.connections_max } else { 0 };
    let wanted = 2 * (config.tftp.transfers_max + connections + UPLOADS_MAX) + 64;
    let wanted = u64::try_from(wanted).unwrap_or(u64::MAX);
    let wanted = wanted.min(hard);
    if wanted > soft
        && let Err(error) = setrlimit(Resource::RLIMIT_NOFILE, wanted, hard)
    {
        warn!("the limit of open files stays at {soft}: {error}");
    }
}
