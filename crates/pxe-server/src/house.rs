//! The machine and the configuration, looked at again while the server runs.

use std::io;
use std::sync::{Arc, PoisonError, RwLock};

use log::{info, warn};

use crate::alone::Alone;
use crate::config::{Config, Faults};
use crate::content::{self, Loaders};
use crate::driver::interfaces::{self, Interfaces};
use crate::driver::{Housekeeping, Reloaded};
use crate::engine::OwnAddress;
use crate::serve::Understood;
use crate::{addresses, check, engine, overrides, policy, reload, serve};

/// Reads the configuration again, with the flags of the command line and without what was edited in the page.
pub type Reload = Arc<dyn Fn() -> Result<Config, Faults> + Send + Sync>;

/// The configuration and the loaders in use, for those who look from other threads.
pub struct InUse {
    state: RwLock<(Arc<Config>, Arc<Loaders>)>,
}

impl InUse {
    /// Those of the start.
    pub fn new(config: Config, loaders: Loaders) -> Arc<Self> {
        Arc::new(Self { state: RwLock::new((Arc::new(config), Arc::new(loaders))) })
    }

    /// The configuration.
    pub fn config(&self) -> Arc<Config> {
        Arc::clone(&self.state.read().unwrap_or_else(PoisonError::into_inner).0)
    }

    /// The loaders.
    pub fn loaders(&self) -> Arc<Loaders> {
        Arc::clone(&self.state.read().unwrap_or_else(PoisonError::into_inner).1)
    }

    fn set(&self, config: &Config, loaders: &Loaders) {
        *self.state.write().unwrap_or_else(PoisonError::into_inner) =
            (Arc::new(config.clone()), Arc::new(loaders.clone()));
    }
}

/// What all loops of a server rest on.
pub struct House {
    /// The configuration in use.
    pub config: Config,
    /// The loaders in use.
    pub loaders: Loaders,
    /// What the loops' files have in common.
    pub contents: Arc<content::Shared>,
    /// What the engines have in common.
    pub shared: Arc<engine::Shared>,
    /// Segments where we may give addresses.
    pub alone: Alone,
    /// For SIGHUP.
    pub reload: Reload,
    /// What is told to others.
    pub in_use: Arc<InUse>,
}

impl Housekeeping for House {
    fn interfaces(&mut self) -> io::Result<Interfaces> {
        let present = interfaces::present()?;
        let names: Vec<&str> = self.config.interfaces.iter().map(|name| &*name.value).collect();
        Ok(self.alone.allowed(Interfaces::select(&present, &names)))
    }

    fn refresh(&mut self) {
        let loaders = Loaders::search(&self.config);
        if loaders == self.loaders {
            return;
        }
        let Ok(policy) = policy::build(&self.config, &loaders) else { return };
        info!("the loaders changed");
        serve::announce(&self.config, &loaders);
        self.shared.set_policy(policy);
        self.contents.set_loaders(loaders.clone());
        self.in_use.set(&self.config, &loaders);
        self.loaders = loaders;
    }

    fn own_addresses(&mut self) -> io::Result<Vec<OwnAddress>> {
        interfaces::own_by_interface()
    }

    fn reload(&mut self) -> Result<Reloaded, Faults> {
        self.read_again()
    }
}

impl House {
    fn read_again(&mut self) -> Result<Reloaded, Faults> {
        let mut config = (self.reload)().and_then(overrides::applied).map_err(check::all_faults)?;
        let kept = reload::keep_what_is_bound(&self.config, &mut config);
        if !kept.is_empty() {
            warn!("takes effect after a restart only: {}", kept.join(", "));
        }
        let faults = |list| Faults { file: config.file.clone(), list };
        let served = serve::served_interfaces(&config).map_err(faults)?;
        let loaders = Loaders::search(&config);
        let Understood { policy, menus, plan, secrets, .. } =
            serve::understood(&config, &loaders).map_err(faults)?;
        // Those of before were told.
        let before = addresses::doubts::doubts(&self.config, &served);
        let before: Vec<String> = before.iter().map(ToString::to_string).collect();
        let doubts = addresses::doubts::doubts(&config, &served);
        for doubt in doubts.iter().map(ToString::to_string).filter(|it| !before.contains(it)) {
            warn!("{doubt}");
        }
        serve::set_seeds(&config, secrets, &self.contents);
        self.shared.set_policy(policy);
        self.contents.set_loaders(loaders.clone());
        self.contents.set_menus(menus);
        self.in_use.set(&config, &loaders);
        self.loaders = loaders;
        self.config = config;
        Ok(Reloaded { plan })
    }
}
