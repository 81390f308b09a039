//! The command line.

use core::net::Ipv4Addr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand, ValueEnum, ValueHint};

use crate::config::{Config, DhcpMode, Faults, Located, LogFormat};
use crate::doctor::DoctorOptions;
use crate::explain::ExplainOptions;
use crate::fetch::FetchOptions;
use crate::images::ImagesOptions;
use crate::leases::LeasesOptions;
use crate::manual::{CompletionsOptions, ManOptions};
use crate::next_boot::NextBootOptions;
use crate::replay::ReplayOptions;
use crate::serve::EXIT_MACHINE;
use crate::snippet::SnippetOptions;

/// Above the options that every command has.
const EVERYWHERE: &str = "Options of every command";

const FIRST_STEPS: &str = "\
First steps:
  See whether anything is missing on this computer; nothing is served:
    sudo pxe-server check
  Serve ./boot and the loaders of installed packages, beside the DHCP server of this network:
    sudo pxe-server
  In another terminal, on the same network: what would machines be told, and by whom?
    sudo pxe-server doctor
  Why did that machine boot, or not?
    pxe-server explain 52:54:00:aa:00:01
  Every command has examples of its own: pxe-server COMMAND --help, or man pxe-server-COMMAND.

Modes:
  proxy    names boot files beside any DHCP server, which stays as it is (proxyDHCP)
  observe  sends no DHCP: the DHCP server names one file for all machines (see the command
           snippet), and this server listens to tell them apart
  server   gives addresses, too: [[dhcp.subnet]] in the configuration says which
  off      no DHCP at all: files only

Files (as the Debian package sets them; without --config all of them are in the current folder):
  /etc/pxe-server/pxe-server.toml      configuration
  /srv/pxe-server/boot, images, seeds  what machines boot
  /var/lib/pxe-server                  leases, the journal, orders for next boots, tokens
  /usr/share/doc/pxe-server            the manual: README.md, and docs/ with every key";

const OF_SERVE: &str = "\
Examples:
  Beside the DHCP server of this network, with what lies in ./boot:
    sudo pxe-server
  On one interface, with a configuration; the log says of each machine what happens, and why:
    sudo pxe-server --config pxe.toml --interface eth0 serve
  Have a running server read its configuration again (hosts, rules, loaders, secrets):
    sudo systemctl reload pxe-server, or kill -HUP and its process number

Ports below 1024 and raw sockets need rights: root, or once
    sudo setcap cap_net_bind_service,cap_net_raw=+ep /usr/bin/pxe-server

Exit codes: 0 ended by a signal, 1 a fault of this computer (a port that is taken, a missing
right), 2 the configuration is wrong. Every fault is told, with its line and what to do.";

const OF_CHECK: &str = "\
Examples:
  Before a reload or a restart, as the user that the server runs as:
    sudo -u pxe-server pxe-server --config /etc/pxe-server/pxe-server.toml check
  With nothing but defaults:
    sudo pxe-server check

It tells what would be served, then each fault with its line and what to do. Ports are bound for
a moment; those that the running server has, which works with the same state folder, are no fault.

Exit codes: 0 no fault, 2 something to mend.";

/// Boots machines from the network: names the right boot file for each firmware beside a DHCP
/// server that stays as it is, and serves the files.
///
/// Without a configuration it is safe to run on an office network: it gives no addresses, answers
/// network-boot firmware only, and its menus go on to the local disk by themselves.
#[derive(Debug, Parser)]
#[command(name = "pxe-server", version, max_term_width = 100, after_long_help = FIRST_STEPS)]
pub struct Cli {
    /// Configuration file (TOML); every key has a default
    #[arg(long, short, value_name = "FILE", global = true, help_heading = EVERYWHERE, value_hint = ValueHint::FilePath)]
    pub config: Option<PathBuf>,
    /// Settings that win over the file.
    #[command(flatten)]
    pub overrides: Overrides,
    /// More in the log: -v details, -vv every packet
    #[arg(long, short, action = clap::ArgAction::Count, global = true, help_heading = EVERYWHERE)]
    pub verbose: u8,
    /// What to do; `serve` if nothing is said.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// Flags for the keys people change most.
#[derive(Debug, Default, Args)]
pub struct Overrides {
    /// Interface to serve; repeat for more [default: every one that is up and can broadcast]
    #[arg(long, short, value_name = "NAME", global = true, help_heading = EVERYWHERE)]
    pub interface: Vec<String>,
    /// Folder of the files that clients may fetch [default: ./boot]
    #[arg(long, short, value_name = "FOLDER", global = true, help_heading = EVERYWHERE, value_hint = ValueHint::DirPath)]
    pub root: Option<PathBuf>,
    /// Address that clients are told [default: the receiving interface's]
    #[arg(long, value_name = "ADDRESS", global = true, help_heading = EVERYWHERE)]
    pub advertise: Option<Ipv4Addr>,
    /// How the log looks: `text` for people, `json` for programs
    #[arg(long, value_enum, value_name = "FORMAT", global = true, help_heading = EVERYWHERE, hide_possible_values = true)]
    pub log_format: Option<LogFormat>,
    /// What this server does in DHCP: `proxy`, `observe`, `server` or `off` [default: proxy]
    #[arg(long, value_enum, global = true, help_heading = EVERYWHERE, hide_possible_values = true)]
    pub mode: Option<Mode>,
}

/// Values of `--mode`.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Mode {
    /// Give addresses too: be the DHCP server, as [[dhcp.subnet]] in the configuration says
    Server,
    /// Add boot files beside any DHCP server (proxyDHCP)
    Proxy,
    /// Listen to DHCP and send none: the DHCP server names a bait that stands for every loader
    Observe,
    /// No DHCP at all: serve files only
    Off,
}

/// What to do.
#[derive(Clone, Debug, Default, Subcommand)]
pub enum Command {
    /// Serve until SIGTERM or Ctrl-C
    #[default]
    #[command(after_long_help = OF_SERVE)]
    Serve,
    /// Look for every fault at once: configuration, files, loaders, interfaces, ports
    #[command(after_long_help = OF_CHECK)]
    Check,
    /// Ask the live network as each firmware would, and say what is wrong and what to change
    Doctor(DoctorOptions),
    /// Say what a machine gets and why, or what became of one that was seen
    Explain(ExplainOptions),
    /// Fetch one file by TFTP, as a machine would: to see whether it gets there, and how fast
    Fetch(FetchOptions),
    /// List the images, how each boots, and what will not work
    Images(ImagesOptions),
    /// Show, export, import or release the leases of `server` mode
    Leases(LeasesOptions),
    /// Say what one machine boots the next time, until it says that it is done
    NextBoot(NextBootOptions),
    /// Say of a capture what this server would have answered in every mode, and what went wrong in it
    Replay(ReplayOptions),
    /// Make, list or remove tokens for the admin page and its API
    #[cfg(feature = "admin")]
    Token(crate::admin::TokenOptions),
    /// Print what to enter at another DHCP server (dnsmasq, Kea, Windows, a router, …) to name this one
    Snippet(SnippetOptions),
    /// Print what a shell needs to complete this program's command line
    Completions(CompletionsOptions),
    /// Print the manual page, or write those of every command into a folder
    Man(ManOptions),
}

impl Cli {
    /// The configuration file with the flags laid over it.
    pub fn load(&self) -> Result<Config, Faults> {
        let mut config = match &self.config {
            Some(file) => Config::load(file)?,
            None => Config::default(),
        };
        if !self.overrides.interface.is_empty() {
            let located = |name: &String| Located { value: name.clone(), line: 0 };
            config.interfaces = self.overrides.interface.iter().map(located).collect();
        }
        if let Some(root) = &self.overrides.root {
            config.root.clone_from(root);
        }
        config.advertise = self.overrides.advertise.or(config.advertise);
        config.log.format = self.overrides.log_format.unwrap_or(config.log.format);
        match self.overrides.mode {
            Some(Mode::Server) => config.dhcp.mode = DhcpMode::Server,
            Some(Mode::Proxy) => config.dhcp.mode = DhcpMode::Proxy,
            Some(Mode::Observe) => config.dhcp.mode = DhcpMode::Observe,
            Some(Mode::Off) => config.dhcp.mode = DhcpMode::Off,
            None => {}
        }
        Ok(config)
    }
}

/// Prints the text that was asked for, or why there is none.
pub(crate) fn answer(text: Result<String, String>) -> ExitCode {
    match text {
        Ok(text) => {
            print!("{text}");
            ExitCode::SUCCESS
        }
        Err(fault) => {
            eprintln!("{fault}");
            ExitCode::from(EXIT_MACHINE)
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn serve_is_the_default_and_flags_win() {
        let cli = Cli::try_parse_from(["pxe-server", "--root", "/srv", "-i", "eth7"]).expect("cli");
        assert!(matches!(cli.command.clone().unwrap_or_default(), Command::Serve));
        let config = cli.load().expect("config");
        assert_eq!(config.interfaces[0].value, "eth7");
        assert_eq!(config.root, PathBuf::from("/srv"));
    }
}
