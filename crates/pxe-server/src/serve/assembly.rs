//! The server put together: loops, files, and what runs beside them.

use std::io;
use std::sync::Arc;

use log::info;
#[cfg(feature = "admin")]
use log::warn;

use super::settings::engine_config;
#[cfg(feature = "admin")]
use crate::admin;
use crate::alone::Alone;
use crate::bound::Bound;
use crate::config::{Config, Secrets};
#[cfg(feature = "http")]
use crate::content::Finder;
use crate::content::{self, Files, Images, Loaders, Menus, Uploads};
use crate::driver::interfaces::{Interfaces, SharedInterfaces};
use crate::driver::{Ask, Crew, Driver, First, Leasing, Ports, Vitals};
use crate::engine::{self, Engine, InventorySettings, ServerSettings};
use crate::house::{House, InUse, Reload};
#[cfg(feature = "http")]
use crate::http;
use crate::journal::Journal;
use crate::watchdog::Watchdog;

/// What the server is made of.
pub(super) struct Parts {
    pub(super) bound: Bound,
    pub(super) served: Interfaces,
    pub(super) loaders: Loaders,
    pub(super) menus: Menus,
    pub(super) leases: Option<(ServerSettings, Leasing)>,
    pub(super) alone: Alone,
    pub(super) reload: Reload,
    pub(super) secrets: Secrets,
    pub(super) journal: Arc<Journal>,
    pub(super) shared: Arc<engine::Shared>,
}

/// Everything that runs.
pub(super) struct Running {
    pub(super) drivers: Vec<Driver>,
    #[cfg(feature = "http")]
    pub(super) http: Option<http::Server>,
    #[cfg(feature = "admin")]
    pub(super) admin: Option<admin::Server>,
    pub(super) vitals: Arc<Vitals>,
    pub(super) watchdog: Option<Watchdog>,
}

impl Parts {
    /// Puts them together. HTTP and the page have their threads from here on; loops run when they are told to.
    pub(super) fn start(self, config: &Config) -> io::Result<Running> {
        let Self { bound, served, loaders, menus, journal, shared, .. } = self;
        let contents = filled(config, (loaders.clone(), menus), self.secrets, &shared)?;
        let in_use = InUse::new(config.clone(), loaders.clone());
        let house = House {
            config: config.clone(),
            loaders,
            contents: Arc::clone(&contents),
            shared: Arc::clone(&shared),
            alone: self.alone,
            reload: Arc::clone(&self.reload),
            in_use: Arc::clone(&in_use),
        };
        let (server, leasing) = self.leases.unzip();
        let inventory = inventory(config, &shared);
        let first = First { housekeeping: Some(Box::new(house)), leasing, inventory };
        #[cfg(feature = "http")]
        let http = bound.http.map(|port| {
            let finder = Finder::new(config.root.clone(), Arc::clone(&contents));
            http::Server::start(port, config, finder, Arc::clone(&shared), Arc::clone(&journal))
        });
        #[cfg(feature = "http")]
        let http = http.transpose()?;
        let crew = Crew::default();
        let common = Common { config, served, contents, shared, journal, crew: &crew };
        let drivers = common.drivers(bound.ports, first, server)?;
        let vitals = crew.vitals();
        #[cfg(feature = "admin")]
        let admin = match drivers.first() {
            Some(first) => {
                let (missing, Common { shared, journal, contents, .. }) = (bound.admin.1, common);
                if let Some(missing) = missing {
                    warn!("{missing}");
                }
                let parts = admin::Parts {
                    in_use,
                    vitals: Arc::clone(&vitals),
                    asker: first.asker(),
                    reload: self.reload,
                    shared,
                    journal,
                    finder: Finder::new(config.root.clone(), contents),
                    http: http.as_ref().map(http::Server::traffic),
                };
                bound.admin.0.map(|port| admin::Server::start(port, parts)).transpose()?
            }
            None => None,
        };
        Ok(Running {
            drivers,
            #[cfg(feature = "http")]
            http,
            #[cfg(feature = "admin")]
            admin,
            watchdog: Watchdog::start(Arc::clone(&vitals))?,
            vitals,
        })
    }
}

/// What all loops have in common.
struct Common<'a> {
    config: &'a Config,
    served: Interfaces,
    contents: Arc<content::Shared>,
    shared: Arc<engine::Shared>,
    journal: Arc<Journal>,
    crew: &'a Crew,
}

impl Common<'_> {
    /// One loop for each set of ports: engines of their own, which share the decision, the story and the cache, with
    /// each other and with HTTP.
    fn drivers(
        &self,
        ports: Vec<Ports>,
        first: First,
        mut server: Option<ServerSettings>,
    ) -> io::Result<Vec<Driver>> {
        if let (Some(server), Some(first)) = (&mut server, ports.first()) {
            server.responder.reach_by_hardware_address = first.reach_by_hardware_address();
        }
        let interfaces = Arc::new(SharedInterfaces::new(self.served.clone()));
        let (count, mut first) = (ports.len(), Some(first));
        let driver = |ports| {
            let first = first.take();
            let mut settings = engine_config(self.config, first.is_some(), count);
            settings.server = server.take();
            let engine = Engine::new(settings, Arc::clone(&self.shared));
            let (root, port) = (self.config.root.clone(), self.config.tftp.port);
            let files = Files::new(root, Arc::clone(&self.contents), port);
            let (interfaces, journal) = (Arc::clone(&interfaces), Arc::clone(&self.journal));
            let first = first.unwrap_or_default();
            Driver::new(ports, engine, files, interfaces, self.crew, journal, first)
        };
        ports.into_iter().map(driver).collect()
    }
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
