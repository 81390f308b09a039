//! `explain`: what a machine gets and why; one that was seen, from its story, or one that is only described.

mod described;
mod here;
mod inventory;
mod machine;
mod told;
mod unheard;

use core::net::Ipv4Addr;
use std::process::ExitCode;

use clap::Args;

use crate::cli;
use crate::config::Config;
use crate::serve::EXIT_MACHINE;
use told::Told;
pub(crate) use unheard::unheard;

/// Options of `explain`.
#[derive(Clone, Debug, Args)]
#[command(
    after_long_help = EXAMPLES,
    override_usage = "pxe-server explain MACHINE [--json]\n       pxe-server explain --arch NAME [OPTIONS]"
)]
pub struct ExplainOptions {
    /// A machine that was seen: its MAC address, or the IP address it has. Its story is told from the journal, up to half a
    /// second ago
    #[arg(value_name = "MACHINE", conflicts_with_all = ["arch", "class", "user_class", "ipxe", "relay", "ask", "mac", "ask_inventory"])]
    machine: Option<String>,
    /// A machine that is described: its architecture, as a name (`x64-uefi`, `bios`, …) or the number of option 93
    #[arg(long, value_name = "NAME", required_unless_present = "machine")]
    arch: Option<String>,
    /// Its class (option 60), such as HTTPClient [default: PXEClient, or HTTPClient for the names that end in -http]
    #[arg(long, value_name = "TEXT")]
    class: Option<String>,
    /// Its user class (option 77)
    #[arg(long, value_name = "TEXT")]
    user_class: Option<String>,
    /// It runs iPXE already, with everything that iPXE can do
    #[arg(long)]
    ipxe: bool,
    /// Its MAC address, for hosts and rules [default: 52:54:00:12:34:56]
    #[arg(long, value_name = "ADDRESS")]
    mac: Option<String>,
    /// It is behind a relay with this address
    #[arg(long, value_name = "ADDRESS")]
    relay: Option<Ipv4Addr>,
    /// It asks for a file of this name by TFTP or HTTP: decide that, and not what DHCP tells it
    #[arg(long, value_name = "NAME")]
    ask: Option<String>,
    /// Ask the inventory (`boot_api`) about this machine, as the server does when it boots
    #[arg(long, requires = "arch")]
    ask_inventory: bool,
    /// As JSON, for programs
    #[arg(long)]
    json: bool,
}

const EXAMPLES: &str = "\
Examples:
  What became of the machine that did not boot this morning:
    pxe-server explain 52:54:00:aa:00:01
  What would a 64-bit UEFI machine get, and why? Every rule that was tried is listed, with what spoke against it:
    pxe-server explain --arch x64-uefi
  The same machine by UEFI HTTP Boot, behind the relay of another network:
    pxe-server explain --arch x64-uefi --class HTTPClient --relay 10.1.0.1
  Once iPXE runs on it:
    pxe-server explain --arch x64-uefi --ipxe
  Which file is this name for that machine?
    pxe-server explain --arch bios --mac 52:54:00:aa:00:01 --ask pxe-loader
  What does the inventory say of that machine, and what becomes of it?
    pxe-server explain --arch x64-uefi --mac 52:54:00:aa:00:01 --ask-inventory

Orders for the next boot (pxe-server next-boot) count as they do for the machine. Below \"but\" stands what the machine will
not get all the same: a file that is missing or for other machines, an image that its firmware cannot boot. Images that no
server has looked at are looked at, which may take seconds. Nothing is sent, but for --ask-inventory, and no right is needed
but to read the configuration and the state folder.";

/// Prints the answer.
pub fn run(options: &ExplainOptions, config: &Config) -> ExitCode {
    let Some(machine) = &options.machine else {
        return cli::answer(described::explain(options, config));
    };
    match told::explain(machine, config, options.json) {
        Ok(Told::Story(text)) => cli::answer(Ok(text)),
        Ok(Told::Unheard(text)) => {
            print!("{text}");
            ExitCode::from(EXIT_MACHINE)
        }
        Err(fault) => cli::answer(Err(fault)),
    }
}
