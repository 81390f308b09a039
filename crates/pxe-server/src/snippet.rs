//! `snippet`: what to enter at a DHCP server of another make, with this server's real address.

use core::net::Ipv4Addr;
use std::io::{self, Write as _};
use std::process::ExitCode;

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use pxe_select::snippet::{Dialect, Site, SiteFault, snippet};

use crate::config::{Config, Fault};
use crate::driver::interfaces::{self, Interface};
use crate::serve::{self, EXIT_CONFIG, EXIT_MACHINE};

/// The only port that firmware asks; no DHCP option names another.
const TFTP_PORT: u16 = 69;

const EXAMPLES: &str = "\
Examples:
  pxe-server snippet                         the dialects, one line each
  pxe-server snippet dnsmasq                 lines for dnsmasq.conf, with this server's address
  pxe-server snippet windows --per-arch      PowerShell with a policy for each architecture
  pxe-server snippet openwrt --address 192.0.2.5 | ssh root@router

One name (`pxe-loader`) for every machine is enough where this server runs in mode \"observe\":
it hears what each machine is, and answers that name with the loader that fits. --per-arch is
for networks where it hears nothing (mode \"off\", no relay): the DHCP server then tells BIOS,
UEFI and ARM apart. In mode \"proxy\" nothing has to be entered anywhere.
docs/topologies.md helps to choose.";

/// What `pxe-server snippet` was asked for.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct SnippetOptions {
    /// The DHCP server it is for; without one, all are listed
    #[arg(value_name = "DIALECT", value_parser = dialects())]
    dialect: Option<Dialect>,
    /// A name for each architecture (DHCP option 93) instead of one for every machine
    #[arg(long)]
    per_arch: bool,
    /// Address that machines are told [default: `advertise`, else the served interface's]
    #[arg(long, value_name = "IP")]
    address: Option<Ipv4Addr>,
}

fn dialects() -> impl TypedValueParser<Value = Dialect> {
    let values = Dialect::all()
        .iter()
        .map(|dialect| PossibleValue::new(dialect.name()).help(dialect.summary()));
    PossibleValuesParser::new(values).try_map(|name| name.parse::<Dialect>())
}

/// Prints the snippet, or the list of dialects.
pub fn print(options: &SnippetOptions, config: &Config) -> ExitCode {
    let Some(dialect) = options.dialect else { return written(&list()) };
    let address = options.address.or(config.advertise);
    let interfaces = match address {
        // Which interfaces are served matters only when one of them has to be chosen.
        Some(_) => interfaces::present().unwrap_or_default(),
        None => match serve::served_interfaces(config) {
            Ok(served) => served.iter().cloned().collect(),
            Err(faults) => return serve::refuse(config, EXIT_CONFIG, &faults),
        },
    };
    let site = match site(address, &interfaces, dialect, options.per_arch) {
        Ok(site) => site,
        Err(fault) => return serve::refuse(config, EXIT_CONFIG, &[fault]),
    };
    if let Some(warning) = warning(config) {
        eprintln!("{warning}");
    }
    written(&snippet(dialect, &site, options.per_arch))
}

/// What stands in the configuration and would make the snippet fail.
fn warning(config: &Config) -> Option<String> {
    if !config.tftp.enabled {
        return Some("warning: tftp.enabled = false: the machines will find no file server".into());
    }
    let port = config.tftp.port;
    (port != TFTP_PORT).then(|| {
        format!("warning: tftp.port = {port}: firmware asks port {TFTP_PORT}, and no DHCP server can say another")
    })
}

fn list() -> String {
    let mut text = String::from("DIALECT      PER-ARCH  WHAT IS PRINTED\n");
    for dialect in Dialect::all() {
        let per_arch = if dialect.chooses_by_architecture() { "yes" } else { "no" };
        text.push_str(&format!("{:13}{per_arch:10}{}\n", dialect.name(), dialect.summary()));
    }
    text.push_str("\npxe-server snippet DIALECT [--per-arch] prints one; pxe-server snippet --help tells more\n");
    text
}

/// The site: this server by the address that was given, or else by that of the one interface there is.
fn site(
    address: Option<Ipv4Addr>,
    interfaces: &[Interface],
    dialect: Dialect,
    per_arch: bool,
) -> Result<Site<'static>, Fault> {
    let (server, at) = match (address, interfaces) {
        (Some(address), all) => (address, all.iter().find(|known| known.address == address)),
        (None, [only]) => (only.address, Some(only)),
        (None, []) => {
            return Err(Fault::new(
                "interfaces",
                "no interface is up, can broadcast and has an IPv4 address",
                "say which address machines reach this server at: --address 192.0.2.5",
            ));
        }
        (None, several) => return Err(several_addresses(several, dialect, per_arch)),
    };
    let unusable = |fault: SiteFault| {
        Fault::new(
            if address.is_some() { "address" } else { "interfaces" },
            fault.to_string(),
            "say which address machines reach this server at: --address 192.0.2.5",
        )
    };
    let site = Site::new(server).map_err(unusable)?;
    match at {
        // A tunnel or a host route is no network of machines.
        Some(interface) if interface.prefix_bits <= 30 => {
            site.with_network(interface.address, interface.prefix_bits).map_err(unusable)
        }
        _ => Ok(site),
    }
}

fn several_addresses(several: &[Interface], dialect: Dialect, per_arch: bool) -> Fault {
    let flag = if per_arch { " --per-arch" } else { "" };
    let commands: Vec<String> = several
        .iter()
        .map(|it| {
            let command = format!("pxe-server snippet {dialect}{flag} --address {}", it.address);
            format!("{command}   # {}, /{}", it.name, it.prefix_bits)
        })
        .collect();
    Fault::new(
        "interfaces",
        format!("{} are served, and a DHCP server names one address", several.len()),
        format!(
            "one snippet for the DHCP server of each network:\n       {}",
            commands.join("\n       ")
        ),
    )
}

fn written(text: &str) -> ExitCode {
    match io::stdout().lock().write_all(text.as_bytes()) {
        Ok(()) => ExitCode::SUCCESS,
        // `| head` has read what it wanted.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("standard output: {error}");
            ExitCode::from(EXIT_MACHINE)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn interface(name: &str, address: [u8; 4], prefix_bits: u8) -> Interface {
        let address = address.into();
        Interface { index: 1, name: name.into(), address, prefix_bits, mtu: None, broadcasts: true }
    }

    #[test]
    fn the_one_served_interface_is_the_address_and_the_network() {
        let eth0 = interface("eth0", [192, 0, 2, 5], 24);
        let site = site(None, &[eth0], Dialect::Windows, false).expect("a site");
        assert_eq!(site.server(), Ipv4Addr::new(192, 0, 2, 5));
        assert_eq!(site.network(), Some((Ipv4Addr::new(192, 0, 2, 0), 24)));
    }

    #[test]
    fn a_given_address_needs_no_interface_and_knows_its_network_if_it_is_ours() {
        let both = [interface("eth0", [192, 0, 2, 5], 24), interface("wg0", [10, 9, 0, 1], 32)];
        let of = |address: [u8; 4]| {
            let site = site(Some(address.into()), &both, Dialect::Kea, false).expect("a site");
            (site.server(), site.network().map(|(first, _)| first))
        };
        assert_eq!(of([192, 0, 2, 5]), ([192, 0, 2, 5].into(), Some([192, 0, 2, 0].into())));
        assert_eq!(of([198, 51, 100, 7]), ([198, 51, 100, 7].into(), None));
        assert_eq!(of([10, 9, 0, 1]), ([10, 9, 0, 1].into(), None));
    }

    #[test]
    fn of_several_addresses_one_has_to_be_chosen() {
        let both =
            [interface("eth0", [192, 0, 2, 5], 24), interface("eth1", [198, 51, 100, 5], 25)];
        let fault = site(None, &both, Dialect::Kea, true).expect_err("a fault");
        for command in [
            "pxe-server snippet kea --per-arch --address 192.0.2.5   # eth0, /24",
            "pxe-server snippet kea --per-arch --address 198.51.100.5   # eth1, /25",
        ] {
            assert!(fault.remedy.contains(command), "{}", fault.remedy);
        }
    }

    #[test]
    fn an_address_nobody_reaches_is_refused_with_the_flag_that_helps() {
        let lo = interface("lo", [127, 0, 0, 1], 8);
        for (address, interfaces) in
            [(None, vec![lo]), (Some(Ipv4Addr::UNSPECIFIED), vec![]), (None, vec![])]
        {
            let fault = site(address, &interfaces, Dialect::Kea, false).expect_err("a fault");
            assert!(fault.remedy.contains("--address"), "{fault:?}");
        }
    }

    #[test]
    fn a_port_that_no_firmware_asks_is_warned_of() {
        let mut config = Config::default();
        assert_eq!(warning(&config), None);
        config.tftp.port = 6969;
        assert!(warning(&config).expect("a warning").contains("6969"));
        config.tftp.enabled = false;
        assert!(warning(&config).expect("a warning").contains("tftp.enabled"));
    }
}
