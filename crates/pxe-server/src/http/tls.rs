//! The certificate of HTTPS.
//!
//! rustls with ring: a C compiler builds both. TLS 1.2 stays on, since firmware of some years ago has nothing newer.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::{self, PemObject};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{Error, ServerConfig};

use crate::config::{Fault, Located};

/// What encrypts connections, if they are to be encrypted; every fault of the two files at once. `section` is the
/// configuration's that names them.
pub(crate) fn acceptor(
    section: &str,
    certificate: Option<&Located<PathBuf>>,
    key: Option<&Located<PathBuf>>,
) -> Result<Option<TlsAcceptor>, Vec<Fault>> {
    let (Some(certificate), Some(key)) = (certificate, key) else {
        return Ok(None);
    };
    let chain = CertificateDer::pem_file_iter(&certificate.value).and_then(Iterator::collect);
    let chain: Result<Vec<_>, _> = chain.and_then(|chain: Vec<_>| match chain.is_empty() {
        true => Err(pem::Error::NoItemsFound),
        false => Ok(chain),
    });
    let chain = chain.map_err(|error| unreadable(section, "certificate", certificate, &error));
    let secret = PrivateKeyDer::from_pem_file(&key.value);
    let secret = secret.map_err(|error| unreadable(section, "key", key, &error));
    let (chain, secret) = match (chain, secret) {
        (Ok(chain), Ok(secret)) => (chain, secret),
        (chain, secret) => {
            return Err([chain.err(), secret.err()].into_iter().flatten().collect());
        }
    };
    let builder = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let built = builder
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, secret));
    match built {
        Ok(mut built) => {
            built.alpn_protocols = vec![b"http/1.1".to_vec()];
            Ok(Some(TlsAcceptor::from(Arc::new(built))))
        }
        Err(error) => Err(vec![unusable(section, certificate, key, &error)]),
    }
}

fn unreadable(section: &str, name: &str, file: &Located<PathBuf>, error: &pem::Error) -> Fault {
    let path = file.value.display();
    let problem = match error {
        pem::Error::NoItemsFound => format!("{path} holds no {name} in PEM form"),
        error => format!("{path} cannot be read: {error}"),
    };
    let remedy = match name {
        "key" => "a file with -----BEGIN PRIVATE KEY----- in it, which this user may read",
        _ => "a file with -----BEGIN CERTIFICATE----- in it, which this user may read",
    };
    Fault::new(format!("{section}.{name}"), problem, remedy).at(Some(file.line))
}

fn unusable(
    section: &str,
    certificate: &Located<PathBuf>,
    key: &Located<PathBuf>,
    error: &Error,
) -> Fault {
    let [certificate_path, key_path] =
        [&certificate.value, &key.value].map(|file| Path::display(file));
    match error {
        Error::InconsistentKeys(_) => Fault::new(
            format!("{section}.key"),
            format!("{key_path} is not the key of the certificate in {certificate_path}"),
            "the first certificate of the file must be the server's own, its issuers follow",
        )
        .at(Some(key.line)),
        error => Fault::new(
            format!("{section}.certificate"),
            format!("{certificate_path} and {key_path} cannot be used: {error}"),
            "",
        )
        .at(Some(certificate.line)),
    }
}
