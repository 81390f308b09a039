//! Asks the inventory, one request at a time for each thread.

use ureq::Agent;
use ureq::tls::RootCerts;
use url::Url;

use super::answer::{self, ANSWER_BYTES_MAX};
use crate::config::BootApiConfig;
use crate::driver::Ask;
use crate::engine::{ClientId, InventoryAnswer};
use crate::outward;

/// A client of one inventory.
#[derive(Debug)]
pub struct Client {
    agent: Agent,
    /// `<api>/v1`.
    base: Url,
    /// The same as stories tell it.
    shown: Url,
}

impl Client {
    /// For the inventory of the configuration.
    pub fn new(config: &BootApiConfig) -> Self {
        Self {
            agent: outward::agent(config.timeout, RootCerts::PlatformVerifier),
            base: config.base.clone(),
            shown: outward::without_password(&config.base),
        }
    }

    fn get(&self, mac: [u8; 6]) -> Result<InventoryAnswer, InventoryAnswer> {
        let failed = |why: String| InventoryAnswer::Ignores { why, said: false };
        let mac = ClientId::Mac(mac);
        let response = self.agent.get(format!("{}/boot/{mac}", self.base)).call();
        let url = format!("{}/boot/{mac}", self.shown);
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
