//! The HTTP client for what the server itself asks or tells others: inventories and web hooks.

use core::time::Duration;
use std::sync::Arc;

use tokio_rustls::rustls::crypto::ring;
use ureq::Agent;
use ureq::tls::{RootCerts, TlsConfig};
use url::Url;

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

/// What a log may tell of a URL that is called: its host. Names with passwords before it are secrets, and so are the paths
/// of many hooks.
pub(crate) fn place(url: &str) -> String {
    Url::parse(url).map(|url| url.origin().ascii_serialization()).unwrap_or_default()
}

/// A URL as stories may tell it, without a name and a password.
pub(crate) fn without_password(url: &Url) -> Url {
    let mut url = url.clone();
    // Only URLs without a host refuse this, and they have none of both.
    let _ = url.set_password(None).and_then(|()| url.set_username(""));
    url
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_of_urls_are_not_told() {
        assert_eq!(
            place("https://me:pw@hooks.example:8443/T0/secret"),
            "https://hooks.example:8443"
        );
        let url = Url::parse("http://me:pw@inventory.example/api/v1").expect("a URL");
        assert_eq!(without_password(&url).as_str(), "http://inventory.example/api/v1");
    }
}
