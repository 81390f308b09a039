//! Asks the inventory, one request at a time for each thread.

use core::time::Duration;
use std::sync::Arc;

use tokio_rustls::rustls::crypto::ring;
use ureq::Agent;
use ureq::tls::{RootCerts, TlsConfig};
use url::Url;

use super::answer::{self, ANSWER_BYTES_MAX};
use crate::config::BootApiConfig;
use crate::driver::Ask;
use crate::engine::InventoryAnswer;

/// A client of one inventory.
#[derive(Debug)]
pub struct Client {
    agent: Agent,
    /// `<api>/v1`.
    base: Url,
}

impl Client {
    /// For the inventory of the configuration.
    pub fn new(config: &BootApiConfig) -> Self {
        let tls = TlsConfig::builder()
            .root_certs(RootCerts::PlatformVerifier)
            .unversioned_rustls_crypto_provider(Arc::new(ring::default_provider()))
            .build();
        let agent = Agent::config_builder()
            .tls_config(tls)
            // Names looked up, connections made, and all of the answer.
            .timeout_global(Some(config.timeout))
            .http_status_as_error(false)
            // An inventory is in the house; a proxy is for what is not.
            .proxy(None)
            .max_idle_age(Duration::from_secs(15))
            .user_agent(concat!("pxe-server/", env!("CARGO_PKG_VERSION")))
            .build()
            .new_agent();
        Self { agent, base: config.base.clone() }
    }

    fn get(&self, mac: [u8; 6]) -> Result<InventoryAnswer, InventoryAnswer> {
        let failed = |why: String| InventoryAnswer::Ignores { why, said: false };
        let mac = mac.map(|byte| format!("{byte:02x}")).join(":");
        let url = format!("{}/boot/{mac}", self.base);
        let response = self.agent.get(&url).call();
        let mut response = response.map_err(|error| failed(format!("{url}: {error}")))?;
        let status = response.status();
        if status.as_u16() != 200 {
            // "Any non-200 response will cause the machine to be ignored"; but a server in trouble has said nothing.
            let said = !status.is_server_error();
            return Err(InventoryAnswer::Ignores { why: format!("{url}: {status}"), said });
        }
        let body = response.body_mut().with_config().limit(ANSWER_BYTES_MAX).read_to_vec();
        let body = body.map_err(|error| failed(format!("{url}: {error}")))?;
        answer::read(&self.base, &body)
            .map_err(|fault| failed(format!("{url}: the answer cannot be used: {fault}")))
    }
}

impl Ask for Client {
    fn ask(&self, mac: [u8; 6]) -> InventoryAnswer {
        self.get(mac).unwrap_or_else(|ignores| ignores)
    }
}
