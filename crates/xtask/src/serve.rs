//! `cargo xtask serve`: from a fresh clone to a serving boot server.

use std::fs;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use nix::ifaddrs::getifaddrs;
use nix::net::if_::InterfaceFlags;
use nix::unistd::geteuid;

use crate::error::{Context as _, Failure, Result, fail};
use crate::packages;
use crate::process::{capture, command, describe};
use crate::workspace::Workspace;

/// The lowest privileged port that the server binds.
const LOWEST_PORT: u32 = 67;

/// What `cargo xtask serve` was asked for.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Do not install boot loaders that are missing
    #[arg(long)]
    no_install: bool,
    /// What follows is for the server: for example `-- --config pxe.toml`
    #[arg(last = true, value_name = "SERVER ARGUMENTS")]
    arguments: Vec<String>,
}

/// Installs, builds, says what it will do, and becomes the server.
pub(crate) fn run(workspace: &Workspace, options: &Options) -> Result<()> {
    let missing = if options.no_install {
        packages::missing(packages::LOADERS)
    } else {
        packages::ensure(packages::LOADERS)?
    };
    for need in &missing {
        println!("note: without {} those machines get no boot file", need.what);
    }
    println!("building the server; the first time takes some minutes");
    let binary = workspace.build_server()?;
    let mut server = Command::new(&binary);
    server.args(&options.arguments);
    if options.arguments.is_empty() {
        let root = std::env::current_dir().context(|| "finding this folder".to_owned())?;
        println!("{}", plan(&broadcast_interfaces()?, &root.join("boot")));
    }
    if !may_bind(&binary) {
        return fail(format!(
            "no right to use ports 67, 69 and 4011. Run\n  sudo {}\nor, once per build, sudo setcap \
             cap_net_bind_service,cap_net_raw=+ep {}",
            described_with_path(&server, &binary),
            binary.display()
        ));
    }
    // Becoming the server passes every signal on to it, and its exit status back.
    Err(Failure::new(format!("starting {}: {}", describe(&server), server.exec())))
}

fn described_with_path(server: &Command, binary: &Path) -> String {
    let words = describe(server);
    let arguments = words.split_once(' ').map_or("", |(_, rest)| rest);
    format!("{} {arguments}", binary.display()).trim_end().to_owned()
}

/// What the server will do when nothing was configured.
fn plan(interfaces: &[(String, String)], root: &Path) -> String {
    let mut lines = vec![
        "proxy mode: no addresses are given out, your DHCP server stays as it is; machines that"
            .to_owned(),
        "boot from the network are told, each by its firmware, which boot file to fetch from here."
            .to_owned(),
        format!("boot files: {} first, then those of the system's packages", root.display()),
    ];
    for (name, address) in interfaces {
        lines.push(format!("interface:  {name} ({address})"));
    }
    if interfaces.is_empty() {
        lines.push("interface:  none is up with an address; the server will say so".to_owned());
    }
    lines.push("Stop it with Ctrl-C.".to_owned());
    lines.join("\n")
}

/// Interfaces that are up, can broadcast, and have an IPv4 address: those that the server takes
/// when none is configured.
fn broadcast_interfaces() -> Result<Vec<(String, String)>> {
    let addresses = getifaddrs().context(|| "listing the network interfaces".to_owned())?;
    let wanted = InterfaceFlags::IFF_UP | InterfaceFlags::IFF_BROADCAST;
    let usable = addresses.filter(|entry| {
        entry.flags.contains(wanted) && !entry.flags.contains(InterfaceFlags::IFF_LOOPBACK)
    });
    let named = usable.filter_map(|entry| {
        let address = entry.address?.as_sockaddr_in().map(|address| address.ip().to_string())?;
        Some((entry.interface_name, address))
    });
    Ok(named.collect())
}

/// Whether the server may bind its ports: as root, by a capability on the file, or because the
/// system lets everybody.
fn may_bind(binary: &Path) -> bool {
    let first = fs::read_to_string("/proc/sys/net/ipv4/ip_unprivileged_port_start");
    let open =
        first.is_ok_and(|text| text.trim().parse().is_ok_and(|port: u32| port <= LOWEST_PORT));
    let binary = PathBuf::from(binary);
    let granted = || {
        let capabilities = capture(&mut command(&["getcap", &binary.to_string_lossy()]));
        capabilities.is_ok_and(|text| text.contains("cap_net_bind_service"))
    };
    geteuid().is_root() || open || granted()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_plan_names_the_mode_the_interfaces_and_the_root() {
        let interfaces = [("eth0".to_owned(), "192.0.2.2".to_owned())];
        let text = plan(&interfaces, Path::new("/srv/boot"));
        for word in ["proxy mode", "no addresses", "eth0 (192.0.2.2)", "/srv/boot"] {
            assert!(text.contains(word), "{word} is not in:\n{text}");
        }
        assert!(plan(&[], Path::new("/srv/boot")).contains("none is up"));
    }

    #[test]
    fn the_command_to_repeat_has_the_whole_path() {
        let binary = Path::new("/w/target/release/pxe-server");
        let mut server = Command::new(binary);
        assert_eq!(described_with_path(&server, binary), "/w/target/release/pxe-server");
        server.args(["--config", "my file.toml"]);
        let expected = "/w/target/release/pxe-server --config 'my file.toml'";
        assert_eq!(described_with_path(&server, binary), expected);
    }
}
