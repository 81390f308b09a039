//! Looks at this machine: its configuration, loaders, pools, and whether our server runs here.

use core::net::Ipv4Addr;
use std::path::Path;

use pxe_lease::AddressRange;
use pxe_select::{Action, Asked, ClientFacts, Policy};

use super::facts::{Loader, Local};
use super::question::Question;
use crate::config::{Config, DhcpMode, Located};
use crate::content::{FoundLoader, Loaders, Program, signed};
use crate::driver::holder;
use crate::driver::interfaces;
use crate::engine::ClientId;
use crate::leases;

/// What tells a container: files that its managers leave in it (docker, podman, systemd-nspawn and others).
const CONTAINER_MARKS: [&str; 3] = ["/.dockerenv", "/run/.containerenv", "/run/systemd/container"];

/// Everything that is known here; `asked_as` is the machine whose rules are looked at.
pub(super) fn look(
    config: &Config,
    policy: Option<&Policy>,
    loaders: &Loaders,
    asked_as: Option<[u8; 6]>,
) -> Local {
    let running = is_running(config);
    let own = interfaces::own_addresses().unwrap_or_default();
    let missing = loaders.missing_common();
    Local {
        running,
        mode: config.dhcp.mode,
        container: CONTAINER_MARKS.iter().any(|mark| Path::new(mark).exists()),
        loaders: loaders.found().iter().map(loader).collect(),
        missing: missing.map(|it| (it.firmware, it.to_string())).collect(),
        denied: denied(config, policy, asked_as),
        asked_as: asked_as.map(mac_text),
        pools: pools(config),
        own_in_pool: own_in_pool(config, &own),
        configured: running || config.file.is_some(),
        images: super::images::look(config, loaders),
        own,
        expected: None,
    }
}

fn is_running(config: &Config) -> bool {
    let dhcp = matches!(config.dhcp.mode, DhcpMode::Proxy | DhcpMode::Server);
    let ports = [(dhcp, config.dhcp.port), (config.tftp.enabled, config.tftp.port)];
    ports.into_iter().filter(|(used, _)| *used).any(|(_, port)| {
        let holder = holder::of_port(holder::Protocol::Udp, port);
        holder.is_some_and(|holder| holder.name == env!("CARGO_PKG_NAME"))
    })
}

fn loader(found: &FoundLoader) -> Loader {
    let efi = signed::read(&found.path);
    let is_there = found.path.is_file();
    let program = match &efi {
        Some(efi) => Some(Program::from(efi)),
        None => is_there.then_some(Program::Other),
    };
    Loader {
        firmware: found.firmware,
        file: found.file_name.clone(),
        path: found.path.display().to_string(),
        program,
        is_signed: efi.is_some_and(|efi| efi.signed),
        secure_boot: signed::describe(found),
    }
}

/// Machines that get nothing: the one that was asked about, else those that hosts say so of.
fn denied(
    config: &Config,
    policy: Option<&Policy>,
    asked_as: Option<[u8; 6]>,
) -> Vec<(String, String)> {
    let Some(mac) = asked_as else {
        let hosts = config.hosts.iter().enumerate().filter(|(_, host)| !host.boot);
        return hosts
            .map(|(at, host)| (host.mac.value.clone(), format!("host[{}].boot = false", at + 1)))
            .collect();
    };
    let Some(policy) = policy else { return Vec::new() };
    let questions = Question::all();
    let reasons = questions.iter().filter_map(|question| {
        let class = question.vendor_class();
        let archs = [question.arch];
        let mut facts = ClientFacts::new(&mac);
        facts.archs = &archs;
        facts.vendor_class = Some(&class);
        let decision = policy.decide(&facts, Asked::BootFile);
        let is_denied = decision.action == Action::Deny;
        is_denied.then(|| decision.reasons.iter().last().map(ToString::to_string)).flatten()
    });
    let mut reasons: Vec<String> = reasons.collect();
    reasons.dedup();
    reasons.into_iter().map(|reason| (mac_text(mac), reason)).collect()
}

/// Asked of the running server.
fn pools(config: &Config) -> Vec<(String, u64, u64)> {
    if config.dhcp.mode != DhcpMode::Server {
        return Vec::new();
    }
    let Ok(text) = leases::ask_running(&config.state, "pools") else { return Vec::new() };
    let pool = |line: &str| {
        let mut words = line.split('\t');
        let mut next = || words.next().map(ToOwned::to_owned);
        let (network, free, size) = (next()?, next()?, next()?);
        let (free, size): (u64, u64) = (free.parse().ok()?, size.parse().ok()?);
        Some((network, size.saturating_sub(free), size))
    };
    text.lines().filter_map(pool).collect()
}

fn own_in_pool(config: &Config, own: &[Ipv4Addr]) -> Vec<Ipv4Addr> {
    if config.dhcp.mode != DhcpMode::Server {
        return Vec::new();
    }
    let subnets = &config.dhcp.addresses.subnets;
    let reserved = |address: &Ipv4Addr| {
        let hosts = config.hosts.iter().filter_map(|host| host.address.as_ref());
        hosts.into_iter().any(|it| it.value == *address)
    };
    let given = |address: &&Ipv4Addr| {
        let holds = |range: &Located<AddressRange>| {
            (range.value.first()..=range.value.last()).contains(*address)
        };
        subnets.iter().any(|subnet| {
            let within = subnet.pools.iter().any(holds);
            let out = subnet.exclude.iter().any(holds);
            let held = subnet.reservations.iter().any(|it| it.address.value == **address);
            within && !out && !held && !reserved(address)
        })
    };
    own.iter().filter(given).copied().collect()
}

/// `02:00:00:00:00:01`
pub(super) fn mac_text(mac: [u8; 6]) -> String {
    ClientId::Mac(mac).to_string()
}
