//! How many descriptors the program may have.

use log::warn;
use nix::sys::resource::{Resource, getrlimit, setrlimit};

use crate::config::Config;
use crate::content::UPLOADS_MAX;

/// Every transfer has a socket and may have a file, an upload a file and its folder twice: takes as
/// many descriptors as the system lets us have.
pub(super) fn raise_limit(config: &Config) {
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
