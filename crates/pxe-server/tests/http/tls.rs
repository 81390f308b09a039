//! HTTPS, with a certificate of the test's own.

use std::net::{Ipv4Addr, TcpStream};
use std::sync::Arc;

use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use crate::common::{Client, Folder, PATIENCE, Server, program};
use crate::wire::{Wire, pattern};

const LINES: &str = "certificate = \"server.pem\"\nkey = \"server.key\"\n";

/// Writes a certificate and its key, and returns what trusts it.
fn certificate(folder: &Folder) -> Arc<ClientConfig> {
    let names = vec!["127.0.0.1".to_owned()];
    let made = rcgen::generate_simple_self_signed(names).expect("a certificate");
    folder.write("server.pem", made.cert.pem().as_bytes());
    folder.write("server.key", made.signing_key.serialize_pem().as_bytes());
    let mut roots = RootCertStore::empty();
    roots.add(made.cert.der().clone()).expect("a root");
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let builder = builder.with_safe_default_protocol_versions().expect("versions");
    Arc::new(builder.with_root_certificates(roots).with_no_client_auth())
}

fn connect(port: u16, trust: &Arc<ClientConfig>) -> Wire<StreamOwned<ClientConnection, TcpStream>> {
    let name = ServerName::from(core::net::IpAddr::V4(Ipv4Addr::LOCALHOST));
    let connection = ClientConnection::new(Arc::clone(trust), name).expect("a connection");
    let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).expect("connect");
    stream.set_read_timeout(Some(PATIENCE)).expect("timeout");
    Wire::new(StreamOwned::new(connection, stream))
}

#[test]
fn files_come_encrypted_and_firmware_is_told_so() {
    let folder = Folder::new("tls");
    folder.write("boot/ipxe.efi", &pattern(9_000_000));
    let trust = certificate(&folder);
    let mut server = Server::start_http(&folder, LINES, "", &[]);
    let mut wire = connect(server.http, &trust);
    let reply = wire.ask("GET", "/boot/ipxe.efi", "");
    assert!(reply.status() == 200 && reply.body == pattern(9_000_000), "{}", reply.head);
    let part = wire.ask("GET", "/boot/ipxe.efi", "Range: bytes=-4\r\n");
    assert!(part.status() == 206 && part.body == pattern(9_000_000)[8_999_996..]);
    server.expect("delivered ipxe.efi (9000000 bytes");

    let client = Client::new(&server, [0x52, 0x54, 0, 0xaa, 0, 7], 16);
    let url = client.http_boot_url(server.dhcp);
    assert_eq!(url, format!("https://127.0.0.1:{}/boot/ipxe.efi", server.http));

    // Whoever does not speak TLS is not answered, and does no harm.
    let mut plain = crate::wire::connect(server.http);
    plain.send("GET /boot/ipxe.efi HTTP/1.1\r\n\r\n");
    let said = plain.rest();
    assert!(!said.starts_with(b"HTTP"), "{:?}", said.escape_ascii().to_string());
    assert_eq!(connect(server.http, &trust).ask("HEAD", "/boot/ipxe.efi", "").status(), 200);
}

#[test]
fn faults_of_the_certificate_have_their_lines() {
    let folder = Folder::new("tls-faults");
    certificate(&folder);
    let other = rcgen::KeyPair::generate().expect("a key");
    folder.write("other.key", other.serialize_pem().as_bytes());
    folder.write("no.pem", b"hello\n");
    for (certificate, key, parts) in [
        ("missing.pem", "no.pem", &["pxe.toml:3: http.certificate:", "pxe.toml:4: http.key:"][..]),
        ("no.pem", "server.key", &["pxe.toml:3: http.certificate:", "holds no certificate"]),
        ("server.pem", "server.pem", &["pxe.toml:4: http.key:", "holds no key"]),
        ("server.pem", "other.key", &["pxe.toml:4: http.key:", "is not the key of"]),
    ] {
        let text = format!(
            "interfaces = [\"lo\"]\n[http]\ncertificate = \"{certificate}\"\nkey = \"{key}\"\n\
             listen = \"127.0.0.1:10997\"\n[dhcp]\nmode = \"off\"\n[tftp]\nenabled = false\n"
        );
        folder.write("pxe.toml", text.as_bytes());
        let config = folder.0.join("pxe.toml");
        let output = program()
            .args(["--config", &config.to_string_lossy(), "serve"])
            .output()
            .expect("the program runs");
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{said}");
        for part in parts {
            assert!(said.contains(part), "{part:?} is missing in:\n{said}");
        }
    }
}
