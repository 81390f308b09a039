//! `[http]`: its keys and their defaults.

use core::net::{Ipv4Addr, SocketAddr};
use core::ops::RangeInclusive;
use std::path::PathBuf;

use super::reader::{Located, Section};
use super::sections::number;

/// Connections; more than this needs another server beside this one.
const CONNECTIONS: RangeInclusive<i64> = 1..=60_000;

/// `[http]`.
#[derive(Clone, Debug)]
pub struct HttpConfig {
    /// Serve files by HTTP.
    pub enabled: bool,
    /// Address and TCP port that clients reach; `0.0.0.0` means every IPv4 address, `[::]` every address.
    pub listen: SocketAddr,
    /// File of the server's certificate and those that lead to its issuer (PEM). With it, and with `key`, HTTPS is
    /// spoken instead of HTTP.
    pub certificate: Option<Located<PathBuf>>,
    /// File of the certificate's private key (PEM).
    pub key: Option<Located<PathBuf>>,
    /// Connections at once.
    pub connections_max: usize,
    /// Connections of one client address at once.
    pub connections_per_address_max: usize,
}

impl HttpConfig {
    /// Default of `connections_max`. A waiting connection costs about 16 KiB, one with a file under way up to 128 KiB
    /// more; all of them, with files that nobody reads on, under 250 MB.
    pub const CONNECTIONS_DEFAULT_MAX: usize = 4_096;
    /// Default of `connections_per_address_max`: a boot program has two or three, a cache in front of us dozens.
    pub const CONNECTIONS_PER_ADDRESS_DEFAULT_MAX: usize = 256;

    /// Whether the connections are encrypted.
    pub fn is_tls(&self) -> bool {
        self.certificate.is_some()
    }

    /// What the URL of a file begins with for clients, as [`pxe_select::PolicyBuilder::http_base`] wants it. The
    /// address is `{server}`, to be filled in, unless only one is listened on.
    pub fn base(&self, advertise: Option<Ipv4Addr>) -> String {
        let server = match (self.listen.ip(), advertise) {
            (address, None) if !address.is_unspecified() => crate::content::host(address),
            _ => "{server}".to_owned(),
        };
        self.url(&server)
    }

    /// The URL of the root folder at a server, which is written as in a URL.
    pub fn url(&self, server: &str) -> String {
        format!("{}/boot/", self.origin(server))
    }

    /// What every URL at a server begins with, without a slash at its end.
    pub fn origin(&self, server: &str) -> String {
        match (self.is_tls(), self.listen.port()) {
            (false, 80) => format!("http://{server}"),
            (true, 443) => format!("https://{server}"),
            (false, port) => format!("http://{server}:{port}"),
            (true, port) => format!("https://{server}:{port}"),
        }
    }
}

impl Default for HttpConfig {
    fn default() -> Self {
        Self {
            enabled: cfg!(feature = "http"),
            listen: SocketAddr::from((Ipv4Addr::UNSPECIFIED, 8080)),
            certificate: None,
            key: None,
            connections_max: Self::CONNECTIONS_DEFAULT_MAX,
            connections_per_address_max: Self::CONNECTIONS_PER_ADDRESS_DEFAULT_MAX,
        }
    }
}

pub(super) fn read(section: Section<'_, '_>, http: &mut HttpConfig) {
    if let Some(enabled) = section.boolean("enabled") {
        http.enabled = enabled;
    }
    let listen = section.parsed("listen", "an address and a port like 0.0.0.0:8080");
    if let Some(Located { value, line }) = listen {
        http.listen = value;
        if http.listen.port() == 0 {
            let problem = "port 0 is none that clients could be told".to_owned();
            section.fault(line, "listen", problem, "listen = \"0.0.0.0:8080\"");
        }
    }
    let path = |file: Located<String>| Located { value: file.value.into(), line: file.line };
    http.certificate = section.string("certificate").map(path);
    http.key = section.string("key").map(path);
    match (&http.certificate, &http.key) {
        (Some(known), None) => missing(&section, known.line, "key", "certificate"),
        (None, Some(known)) => missing(&section, known.line, "certificate", "key"),
        _ => {}
    }
    if let Some(connections) = number(&section, "connections_max", CONNECTIONS) {
        http.connections_max = connections;
    }
    if let Some(connections) = number(&section, "connections_per_address_max", CONNECTIONS) {
        http.connections_per_address_max = connections;
    }
    if http.enabled && !cfg!(feature = "http") {
        let problem = "this program was built without HTTP".to_owned();
        let remedy = "build it with the feature \"http\", which is on by default";
        section.fault(section.line, "enabled", problem, remedy);
    }
    section.finish();
}

fn missing(section: &Section<'_, '_>, line: usize, key: &str, given: &str) {
    // A broken value has its own fault.
    if !section.has(key) {
        let problem = format!("is missing, and {given} is of no use without it");
        section.fault(line, key, problem, "name both, or neither: then HTTP without TLS is spoken");
    }
}

#[cfg(all(test, feature = "http"))]
mod tests {
    use super::super::Config;
    use super::*;

    #[test]
    fn every_key_is_read() {
        let text = "
[http]
enabled = true
listen = \"[::]:443\"
certificate = \"server.pem\"
key = \"server.key\"
connections_max = 100
connections_per_address_max = 10
";
        let http = Config::parse(text).unwrap_or_else(|faults| panic!("{faults}")).http;
        assert_eq!(http.certificate, Some(Located { value: "server.pem".into(), line: 5 }));
        assert_eq!((http.connections_max, http.connections_per_address_max), (100, 10));
        assert_eq!(http.base(None), "https://{server}/boot/");
    }

    #[test]
    fn clients_are_told_an_address_that_reaches_us() {
        let base = |listen: &str, advertise: Option<[u8; 4]>| {
            let listen = listen.parse().expect("an address");
            HttpConfig { listen, ..HttpConfig::default() }.base(advertise.map(Ipv4Addr::from))
        };
        assert_eq!(base("0.0.0.0:8080", None), "http://{server}:8080/boot/");
        assert_eq!(base("192.0.2.5:80", None), "http://192.0.2.5/boot/");
        // Behind address translation ours is of no use to clients.
        assert_eq!(base("172.17.0.2:80", Some([192, 0, 2, 5])), "http://{server}/boot/");
    }

    #[test]
    fn faults_have_their_lines_and_keys() {
        let text = "\
[http]
listen = \"8080\"
certificate = \"a.pem\"
connections_max = 0
adress = \"x\"
";
        let faults = Config::parse(text).expect_err("faults");
        let found: Vec<_> = faults.list.iter().map(|f| (f.line.unwrap_or(0), &*f.key)).collect();
        assert_eq!(
            found,
            [(2, "http.listen"), (3, "http.key"), (4, "http.connections_max"), (5, "http.adress")],
            "{faults}"
        );
    }
}
