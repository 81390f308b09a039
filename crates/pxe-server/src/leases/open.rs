//! The store of the configuration.

use std::fs;
use std::path::{Path, PathBuf};

use pxe_lease::store::{EmbeddedStore, PostgresConfig, PostgresStore};
use pxe_lease::{LeaseStore, StoreError};

use crate::config::{Config, Fault, StoreConfig};

/// The embedded store's file in the state folder.
pub const EMBEDDED_FILE: &str = "leases.redb";

/// Opens the store; a database is connected to when it is first asked. Makes the state folder.
///
/// # Errors
/// The fault to mend.
pub fn open(config: &Config) -> Result<Box<dyn LeaseStore>, Fault> {
    match &config.dhcp.addresses.store {
        StoreConfig::Embedded => {
            let folder = &config.state;
            fs::create_dir_all(folder).map_err(|error| {
                let problem = format!("{} cannot be made: {error}", folder.display());
                Fault::new("state", problem, "name a folder this user may write to: state = \"…\"")
            })?;
            let store = EmbeddedStore::open(folder.join(EMBEDDED_FILE)).map_err(fault)?;
            Ok(Box::new(store))
        }
        StoreConfig::Postgres { url } => {
            let store = PostgresStore::new(&PostgresConfig::new(url)).map_err(fault)?;
            Ok(Box::new(store))
        }
    }
}

/// Whether opening the store would make it: then the nearest folder that is there already, in which that happens. For
/// those who only look.
pub fn is_new(config: &Config) -> Option<Option<PathBuf>> {
    let embedded = config.dhcp.addresses.store == StoreConfig::Embedded;
    if !embedded || config.state.join(EMBEDDED_FILE).exists() {
        return None;
    }
    let whole = std::path::absolute(&config.state).ok();
    Some(
        whole.and_then(|path| {
            path.ancestors().find(|folder| folder.is_dir()).map(Path::to_path_buf)
        }),
    )
}

fn fault(error: StoreError) -> Fault {
    Fault::new("dhcp.store", error.to_string(), "")
}
