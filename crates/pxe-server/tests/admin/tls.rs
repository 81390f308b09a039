//! The page by HTTPS.

use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, TcpStream};
use std::sync::Arc;

use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use crate::common::{Folder, PATIENCE};
use crate::wire::Site;

#[test]
fn it_is_spoken_where_a_certificate_is_named() {
    let folder = Folder::new("admin-tls");
    let made =
        rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).expect("a certificate");
    folder.write("admin.pem", made.cert.pem().as_bytes());
    folder.write("admin.key", made.signing_key.serialize_pem().as_bytes());
    let mut roots = RootCertStore::empty();
    roots.add(made.cert.der().clone()).expect("a root");
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let builder = builder.with_safe_default_protocol_versions().expect("versions");
    let trust = Arc::new(builder.with_root_certificates(roots).with_no_client_auth());

    let mut site = Site::start(&folder, "certificate = \"admin.pem\"\nkey = \"admin.key\"\n");
    site.server.expect(&format!("page https://{}/", site.page));
    let name = ServerName::from(IpAddr::V4(Ipv4Addr::LOCALHOST));
    let connection = ClientConnection::new(trust, name).expect("a connection");
    let stream = TcpStream::connect(site.page).expect("connect");
    stream.set_read_timeout(Some(PATIENCE)).expect("timeout");
    let mut stream = StreamOwned::new(connection, stream);
    let request =
        format!("GET /readyz HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", site.page);
    stream.write_all(request.as_bytes()).expect("sent");
    let mut said = String::new();
    stream.read_to_string(&mut said).expect("an answer");
    assert!(said.starts_with("HTTP/1.1 200 ") && said.contains("\"ok\":true"), "{said}");
}
