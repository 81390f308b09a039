//! The DHCP clients of Linux, and what each calls the parts of a lease.

use std::fs;
use std::path::{Path, PathBuf};

use nix::sys::signal::Signal;

use super::told::Call;
use crate::error::{Context as _, Failure, Result};
use crate::lab::wire::Namespace;
use crate::process::{capture, find_program};

/// A client.
#[derive(Debug)]
pub(super) struct Program {
    /// Short, since interfaces are named after it.
    pub(super) name: &'static str,
    pub(super) title: &'static str,
    program: &'static str,
    /// The words behind the program, without the files.
    words: &'static [&'static str],
    /// How the script and the other files are told to it.
    files: fn(&Files) -> Vec<String>,
    /// The host's configuration is the script's part.
    pub(super) script_configures: bool,
    names: Names,
    /// The routes in its words, given the router.
    routes: fn(&str) -> String,
    pub(super) release: Release,
}

/// What it calls the parts of a lease.
#[derive(Debug)]
struct Names {
    address: &'static str,
    mask: &'static str,
    routers: &'static str,
    dns: &'static str,
    domain: &'static str,
    seconds: &'static str,
    ntp: &'static str,
    mtu: &'static str,
    routes: &'static str,
}

/// dhclient's, which others have taken over.
const DHCLIENT_NAMES: Names = Names {
    address: "new_ip_address",
    mask: "new_subnet_mask",
    routers: "new_routers",
    dns: "new_domain_name_servers",
    domain: "new_domain_name",
    seconds: "new_dhcp_lease_time",
    ntp: "new_ntp_servers",
    mtu: "new_interface_mtu",
    routes: "new_classless_routes",
};

/// How it is asked to give its address back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Release {
    Signal(Signal),
    /// By a second call of the program with this word.
    Call(&'static str),
}

/// Where its files are.
#[derive(Debug)]
pub(super) struct Files {
    pub(super) folder: PathBuf,
    pub(super) script: PathBuf,
}

/// What a client must have been told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Lease {
    pub(super) mask: &'static str,
    pub(super) router: String,
    pub(super) dns: &'static str,
    pub(super) domain: &'static str,
    pub(super) seconds: u32,
    pub(super) ntp: &'static str,
    pub(super) mtu: &'static str,
}

pub(super) const PROGRAMS: [Program; 3] = [
    Program {
        name: "dhclient",
        title: "ISC dhclient",
        program: "dhclient",
        words: &["-4", "-d"],
        files: |files| {
            let [config, leases, pid] =
                ["dhclient.conf", "leases", "pid"].map(|name| files.path(name));
            let script = files.script.to_string_lossy().into_owned();
            let words = ["-cf", &config, "-lf", &leases, "-pf", &pid, "-sf", &script];
            words.map(str::to_owned).to_vec()
        },
        script_configures: true,
        names: DHCLIENT_NAMES,
        routes: |router| {
            let router = router.replace('.', " ");
            format!("0 {router} 16 10 99 {router}")
        },
        release: Release::Call("-r"),
    },
    Program {
        name: "udhcpc",
        title: "busybox udhcpc",
        program: "busybox",
        words: &["udhcpc", "-f", "-i", "eth0", "-O", "mtu", "-O", "ntpsrv", "-O", "staticroutes"],
        files: |files| vec!["-s".to_owned(), files.script.to_string_lossy().into_owned()],
        script_configures: true,
        names: Names {
            address: "ip",
            mask: "subnet",
            routers: "router",
            dns: "dns",
            domain: "domain",
            seconds: "lease",
            ntp: "ntpsrv",
            mtu: "mtu",
            routes: "staticroutes",
        },
        routes: |router| format!("0.0.0.0/0 {router} 10.99.0.0/16 {router}"),
        release: Release::Signal(Signal::SIGUSR2),
    },
    Program {
        name: "dhcpcd",
        title: "dhcpcd",
        program: "dhcpcd",
        // It reads its state where it was compiled to, so that gets other folders.
        words: &["-B", "-4", "--nodev", "--duid"],
        files: |files| {
            let (config, script) = (files.path("dhcpcd.conf"), files.script.to_string_lossy());
            ["-f", &config, "-c", &script, "eth0"].map(str::to_owned).to_vec()
        },
        script_configures: false,
        names: Names { routes: "new_classless_static_routes", ..DHCLIENT_NAMES },
        routes: |router| format!("0.0.0.0/0 {router} 10.99.0.0/16 {router}"),
        release: Release::Signal(Signal::SIGALRM),
    },
];

const DHCLIENT_CONFIG: &str = "\
option classless-routes code 121 = array of unsigned integer 8;
request subnet-mask, routers, domain-name-servers, domain-name, ntp-servers, interface-mtu, classless-routes;
";
const DHCPCD_CONFIG: &str = "\
option subnet_mask, routers, domain_name_servers, domain_name, ntp_servers, interface_mtu
option classless_static_routes
";

/// Gives dhcpcd's two folders to this process alone: `ip netns exec` has made its mounts private.
const PRIVATE_FOLDERS: &str =
    r#"mount --bind "$0" /var/lib/dhcpcd && mount -t tmpfs run /run && exec "$@""#;

impl Files {
    fn path(&self, name: &str) -> String {
        self.folder.join(name).to_string_lossy().into_owned()
    }
}

impl Program {
    /// Writes what the program reads.
    pub(super) fn prepare(&self, files: &Files) -> Result<()> {
        for (name, text) in [("dhclient.conf", DHCLIENT_CONFIG), ("dhcpcd.conf", DHCPCD_CONFIG)] {
            let path = files.folder.join(name);
            fs::write(&path, text).context(|| format!("writing {}", path.display()))?;
        }
        let state = files.folder.join("state");
        fs::create_dir_all(&state).context(|| format!("making {}", state.display()))
    }

    /// The command that gets an address for `eth0` of this host, and stays.
    pub(super) fn command(&self, host: &Namespace, files: &Files) -> Result<std::process::Command> {
        let words = self.all_words(files, None)?;
        if self.name != "dhcpcd" {
            return Ok(host.command(&words));
        }
        let state = files.path("state");
        let shell = ["sh", "-c", PRIVATE_FOLDERS, &state].map(str::to_owned);
        Ok(host.command(&[&shell[..], &words].concat()))
    }

    /// Calls it once more, to give the address back.
    pub(super) fn call_to_release(
        &self,
        host: &Namespace,
        files: &Files,
        word: &str,
    ) -> Result<()> {
        capture(&mut host.command(&self.all_words(files, Some(word))?)).map(drop)
    }

    fn all_words(&self, files: &Files, instead: Option<&str>) -> Result<Vec<String>> {
        let mut words = vec![unconfined(self.program, &files.folder)?];
        match instead {
            Some(word) => words.push(word.to_owned()),
            None => words.extend(self.words.iter().map(|word| (*word).to_owned())),
        }
        words.extend((self.files)(files));
        if self.name == "dhclient" {
            words.push("eth0".to_owned());
        }
        Ok(words)
    }

    /// The address in what it was told.
    pub(super) fn address<'c>(&self, call: &'c Call) -> &'c str {
        call.get(self.names.address)
    }

    /// In what its lease differs from what it should be.
    pub(super) fn fault(&self, call: &Call, lease: &Lease) -> Option<String> {
        let Names { mask, routers, dns, domain, seconds, ntp, mtu, routes, .. } = self.names;
        let wanted_seconds = wanted_seconds(call.get(seconds), lease.seconds);
        let wanted_routes = (self.routes)(&lease.router);
        let faults: Vec<String> = [
            (mask, lease.mask),
            (routers, &lease.router),
            (dns, lease.dns),
            (domain, lease.domain),
            (seconds, &wanted_seconds),
            (ntp, lease.ntp),
            (mtu, lease.mtu),
            (routes, &wanted_routes),
        ]
        .into_iter()
        .filter(|(name, wanted)| call.get(name) != *wanted)
        .map(|(name, wanted)| format!("{name} is {:?}, not {wanted:?}", call.get(name)))
        .collect();
        (!faults.is_empty()).then(|| faults.join(", "))
    }
}

/// What a client is to say of its time, given what it says: an acknowledgement counts from when the lease was stored,
/// which may be the second after it was asked for.
fn wanted_seconds(told: &str, lease: u32) -> String {
    let is_next = told.parse().is_ok_and(|told: u32| told.saturating_add(1) == lease);
    if is_next { told.to_owned() } else { lease.to_string() }
}

/// A copy of the program: AppArmor knows dhclient by its path, and would not let it call our script.
fn unconfined(program: &str, folder: &Path) -> Result<String> {
    let copy = folder.join(program);
    if !copy.exists() {
        let found = find_program(program);
        let found = found.ok_or_else(|| Failure::new(format!("{program} is not there")))?;
        fs::copy(&found, &copy).context(|| format!("copying {}", found.display()))?;
    }
    Ok(copy.to_string_lossy().into_owned())
}
