//! `[admin]`: its keys and their defaults.

use core::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use super::reader::{Located, Section};

/// `[admin]`.
#[derive(Clone, Debug)]
pub struct AdminConfig {
    /// Serve health, metrics, the API and the page.
    pub enabled: bool,
    /// Address and TCP port that people reach.
    pub listen: SocketAddr,
    /// The file says so: then a port that cannot be had is a fault, and not a warning.
    pub is_wanted: bool,
    /// File of the certificate (PEM), for HTTPS.
    pub certificate: Option<Located<PathBuf>>,
    /// File of its key (PEM).
    pub key: Option<Located<PathBuf>>,
    /// File of the tokens; `tokens` in the state folder if nothing is said.
    pub tokens: Option<Located<PathBuf>>,
    /// Names by which browsers reach us, as behind a proxy. With any, everybody needs a token.
    pub hosts: Vec<Located<String>>,
}

impl AdminConfig {
    /// Whether only users of this machine come here, who may read without a token.
    pub fn is_local(&self) -> bool {
        self.listen.ip().is_loopback() && self.hosts.is_empty()
    }

    /// Whether the connections are encrypted.
    pub fn is_tls(&self) -> bool {
        self.certificate.is_some()
    }
}

impl Default for AdminConfig {
    fn default() -> Self {
        Self {
            enabled: cfg!(feature = "admin"),
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 8081)),
            is_wanted: false,
            certificate: None,
            key: None,
            tokens: None,
            hosts: Vec::new(),
        }
    }
}

pub(super) fn read(section: Section<'_, '_>, admin: &mut AdminConfig) {
    let enabled = section.boolean("enabled");
    if let Some(enabled) = enabled {
        admin.enabled = enabled;
    }
    let listen = section.parsed("listen", "an address and a port like 127.0.0.1:8081");
    admin.is_wanted = enabled == Some(true) || listen.is_some();
    if let Some(Located { value, .. }) = listen {
        admin.listen = value;
    }
    let path = |file: Located<String>| Located { value: file.value.into(), line: file.line };
    admin.certificate = section.string("certificate").map(path);
    admin.key = section.string("key").map(path);
    admin.tokens = section.string("tokens").map(path);
    admin.hosts = section.strings("hosts").unwrap_or_default();
    let missing = |line: usize, key: &str, given: &str| {
        // A broken value has its own fault.
        if !section.has(key) {
            let problem = format!("is missing, and {given} is of no use without it");
            section.fault(
                line,
                key,
                problem,
                "name both, or neither: then HTTP without TLS is spoken",
            );
        }
    };
    match (&admin.certificate, &admin.key) {
        (Some(known), None) => missing(known.line, "key", "certificate"),
        (None, Some(known)) => missing(known.line, "certificate", "key"),
        _ => {}
    }
    if enabled == Some(true) && !cfg!(feature = "admin") {
        let problem = "this program was built without the admin page".to_owned();
        let remedy = "build it with the feature \"admin\", which is on by default";
        section.fault(section.line, "enabled", problem, remedy);
    }
    section.finish();
}

#[cfg(all(test, feature = "admin"))]
mod tests {
    use super::super::Config;

    #[test]
    fn every_key_is_read_and_faults_have_their_lines() {
        let text = "[admin]\nlisten = \"[::]:8443\"\ncertificate = \"a.pem\"\nkey = \"a.key\"\n\
                    tokens = \"t\"\nhosts = [\"pxe.example\"]\n";
        let admin = Config::parse(text).unwrap_or_else(|faults| panic!("{faults}")).admin;
        assert!(admin.is_tls() && !admin.is_local() && admin.is_wanted);
        assert_eq!(admin.hosts[0].value, "pxe.example");
        assert!(Config::parse("").expect("no fault").admin.is_local());
        let faults = Config::parse("[admin]\nlisten = \"8081\"\nkey = \"a\"\ntoken = \"x\"\n");
        let faults = faults.expect_err("faults");
        let found: Vec<_> = faults.list.iter().map(|f| (f.line.unwrap_or(0), &*f.key)).collect();
        assert_eq!(
            found,
            [(2, "admin.listen"), (3, "admin.certificate"), (4, "admin.token")],
            "{faults}"
        );
    }
}
