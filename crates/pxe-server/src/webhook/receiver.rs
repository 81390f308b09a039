//! Whom to tell, with what the files hold that the configuration names.

use std::path::PathBuf;

use tokio_rustls::rustls::RootCertStore;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use ureq::tls::{Certificate, RootCerts};

use super::signature::key;
use crate::config::{Fault, Located, WebhookConfig, private};
use crate::outward;

/// Those whom the configuration names.
#[derive(Debug, Default)]
pub struct Receivers(pub(super) Vec<Receiver>);

/// One of them.
pub(super) struct Receiver {
    pub(super) url: String,
    pub(super) stages: Vec<String>,
    pub(super) key: Option<Vec<u8>>,
    pub(super) roots: RootCerts,
}

/// Keys have no place in a log, also those in a URL.
impl core::fmt::Debug for Receiver {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Receiver")
            .field("place", &outward::place(&self.url))
            .finish_non_exhaustive()
    }
}

impl Receivers {
    /// Reads their secrets and certificates.
    ///
    /// # Errors
    /// Every fault of these files.
    pub fn read(configs: &[WebhookConfig]) -> Result<Self, Vec<Fault>> {
        let (mut receivers, mut faults) = (Vec::new(), Vec::new());
        for (index, config) in configs.iter().enumerate() {
            match (secret(index, config), roots(index, config)) {
                (Ok(key), Ok(roots)) => receivers.push(Receiver {
                    url: config.url.value.clone(),
                    stages: config.stages.iter().map(|stage| stage.value.clone()).collect(),
                    key,
                    roots,
                }),
                (key, roots) => faults.extend([key.err(), roots.err()].into_iter().flatten()),
            }
        }
        if faults.is_empty() { Ok(Self(receivers)) } else { Err(faults) }
    }
}

fn secret(index: usize, config: &WebhookConfig) -> Result<Option<Vec<u8>>, Fault> {
    let Some(file) = &config.secret_file else {
        return Ok(config.secret.as_deref().and_then(key));
    };
    let name = format!("webhook[{}].secret_file", index + 1);
    let example = "a file with the secret as the receiver shows it, or any other text";
    let text = private::read(&name, file, example)?;
    let text = text.trim_end_matches(['\r', '\n']);
    match key(text).filter(|key| !key.is_empty()) {
        Some(key) => Ok(Some(key)),
        None => {
            let problem = match text.is_empty() {
                true => format!("{} is empty", file.value.display()),
                false => format!("in {}, what follows whsec_ is not base64", file.value.display()),
            };
            Err(Fault::new(name, problem, example).at(Some(file.line)))
        }
    }
}

fn roots(index: usize, config: &WebhookConfig) -> Result<RootCerts, Fault> {
    let Some(file) = &config.ca else { return Ok(RootCerts::PlatformVerifier) };
    let fault = |problem: String| {
        let remedy = "a file with -----BEGIN CERTIFICATE----- in it, which this user may read";
        Fault::new(format!("webhook[{}].ca", index + 1), problem, remedy).at(Some(file.line))
    };
    let found = certificates(file).map_err(fault)?;
    Ok(RootCerts::from(found.iter().map(|found| Certificate::from_der(found).to_owned())))
}

fn certificates(file: &Located<PathBuf>) -> Result<Vec<CertificateDer<'static>>, String> {
    let path = file.value.display();
    let found = CertificateDer::pem_file_iter(&file.value).and_then(Iterator::collect);
    let found: Vec<CertificateDer<'static>> =
        found.map_err(|error| format!("{path} cannot be read: {error}"))?;
    // What is in PEM form need not be a certificate.
    match RootCertStore::empty().add_parsable_certificates(found.iter().cloned()) {
        (0, _) => Err(format!("{path} holds no certificate in PEM form")),
        (_, 0) => Ok(found),
        (_, broken) => Err(format!("{path} holds {broken} that cannot be read as certificates")),
    }
}
