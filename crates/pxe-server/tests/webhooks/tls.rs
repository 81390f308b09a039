//! A receiver whose certificate comes from an authority of the house.

use std::fs;
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;
use tokio_rustls::rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::boot;
use crate::common::{Folder, PATIENCE, Server, program};
use crate::receiver::{Delivery, receiver_on};

/// A receiver with a certificate of an authority whose own is written to `ca.pem`.
fn receiver(folder: &Folder, statuses: &'static [u16]) -> (u16, Receiver<Delivery>) {
    let mut params = CertificateParams::new(Vec::new()).expect("parameters");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = KeyPair::generate().expect("a key");
    let authority = CertifiedIssuer::self_signed(params, authority).expect("an authority");
    folder.write("ca.pem", authority.pem().as_bytes());
    let key = KeyPair::generate().expect("a key");
    let own = CertificateParams::new(vec!["127.0.0.1".to_owned()]).expect("parameters");
    let own = own.signed_by(&key, &authority).expect("a certificate");
    let key = PrivateKeyDer::try_from(key.serialize_der()).expect("the key");
    let builder = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let builder = builder.with_safe_default_protocol_versions().expect("versions");
    let config = builder.with_no_client_auth().with_single_cert(vec![own.der().clone()], key);
    let config = Arc::new(config.expect("a certificate and its key"));
    receiver_on(statuses, move |stream: TcpStream| {
        let connection = ServerConnection::new(Arc::clone(&config)).expect("a connection");
        StreamOwned::new(connection, stream)
    })
}

/// A file of a secret, readable by whom `mode` says.
fn secret(folder: &Folder, mode: u32) {
    folder.write("hook.secret", b"whsec_dG9wIHNlY3JldA==\n");
    let path = folder.0.join("hook.secret");
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("set");
}

#[test]
fn events_come_encrypted_and_signed_and_again_where_they_failed() {
    let folder = Folder::new("webhook-tls");
    let (port, told) = receiver(&folder, &[503]);
    secret(&folder, 0o600);
    let hook = format!(
        "[[webhook]]\nurl = \"https://127.0.0.1:{port}/pxe\"\nstages = [\"booted\"]\nca = \"ca.pem\"\n\
         secret_file = \"hook.secret\"\n"
    );
    let mut server = Server::start(&folder, &hook);
    let machine = boot(&server, 1);
    let deliveries: Vec<Delivery> =
        (0..2).map(|_| told.recv_timeout(PATIENCE).expect("a delivery")).collect();
    for delivery in &deliveries {
        assert_eq!(delivery.client(), machine);
        assert_eq!(delivery.header("webhook-id"), deliveries[0].header("webhook-id"));
        delivery.check_signature(b"top secret");
    }
    assert!(deliveries[1].at - deliveries[0].at >= Duration::from_millis(450));
    let line = server.expect("webhook https://127.0.0.1");
    assert!(line.contains("503") && line.contains("it is tried again"), "{line}");
}

#[test]
fn whoever_nobody_vouches_for_is_told_nothing() {
    let folder = Folder::new("webhook-stranger");
    let (port, told) = receiver(&folder, &[]);
    let hook =
        format!("[[webhook]]\nurl = \"https://127.0.0.1:{port}/pxe\"\nstages = [\"booted\"]\n");
    let mut server = Server::start(&folder, &hook);
    boot(&server, 1);
    let line = server.expect("webhook https://127.0.0.1");
    assert!(line.contains("certificate") && line.contains("it is tried again"), "{line}");
    assert!(told.recv_timeout(Duration::from_millis(700)).is_err(), "it was told all the same");
}

#[test]
fn a_secret_that_others_may_read_and_a_broken_certificate_are_refused_at_once() {
    let folder = Folder::new("webhook-files");
    secret(&folder, 0o644);
    folder.write("ca.pem", b"nothing");
    let config = "[dhcp]\nmode = \"off\"\n[[webhook]]\nurl = \"https://127.0.0.1/\"\nsecret_file = \"hook.secret\"\n\
                  ca = \"ca.pem\"\n";
    folder.write("pxe.toml", config.as_bytes());
    for command in ["check", "serve"] {
        let mut program = program();
        program.arg("--config").arg(folder.0.join("pxe.toml")).arg(command);
        let ran = program.output().expect("it runs");
        let said = String::from_utf8_lossy(&ran.stderr);
        assert_eq!(ran.status.code(), Some(2), "{command}: {said}");
        for wanted in ["webhook[1].secret_file", "chmod 600", "webhook[1].ca", "no certificate"] {
            assert!(said.contains(wanted), "{command}: no {wanted:?} in {said}");
        }
    }
}
