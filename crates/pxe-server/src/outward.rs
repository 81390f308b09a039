//! The HTTP client for what the server itself asks or tells others: inventories and web hooks.

use core::time::Duration;
use std::sync::Arc;

use tokio_rustls::rustls::crypto::ring;
use ureq::Agent;
use ureq::tls::{RootCerts, TlsConfig};

/// A blocking client; `timeout` is for names looked up, connections made, and all of the answer; `roots` whose
/// certificates it believes.
pub(crate) fn agent(timeout: Duration, roots: RootCerts) -> Agent {
    let tls = TlsConfig::builder()
        .root_certs(roots)
        .unversioned_rustls_crypto_provider(Arc::new(ring::default_provider()))
        .build();
    Agent::config_builder()
        .tls_config(tls)
        .timeout_global(Some(timeout))
        .http_status_as_error(false)
        // Those whom we ask are in the house; a proxy is for what is not.
        .proxy(None)
        .max_idle_age(Duration::from_secs(15))
        .user_agent(concat!("pxe-server/", env!("CARGO_PKG_VERSION")))
        .build()
        .new_agent()
}
