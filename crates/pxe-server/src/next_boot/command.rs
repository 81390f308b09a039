//! `next-boot`: gives, shows and takes back orders, also while the server runs.

use std::process::ExitCode;

use clap::{Args, ValueEnum};

use super::{NextBootError, NextBoots, parse, text};
use crate::config::{Config, Fault};
use crate::engine::{Once, Order, hyphenated};
use crate::serve::{EXIT_CONFIG, EXIT_MACHINE, refuse};

/// `next-boot`.
#[derive(Clone, Debug, Args)]
#[command(
    after_long_help = EXAMPLES,
    override_usage = USAGE
)]
pub struct NextBootOptions {
    /// `list`; or a machine's MAC address and what it boots: `menu`, `local` (its disk), `image NAME` or `script NAME`;
    /// without that its order is shown; or `clear` and the address, to take an order back
    #[arg(required = true, num_args = 1..=3, value_name = "WORDS")]
    words: Vec<String>,
    /// What spends the order
    #[arg(long, value_enum, default_value_t = OnceOption::Done)]
    once: OnceOption,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum OnceOption {
    /// The machine says that it is done, with the token in its seed
    Done,
    /// Menu, script or what boots the image has gone to the machine
    Delivered,
}

const USAGE: &str = "\
pxe-server next-boot MAC menu|local [--once done|delivered]
       pxe-server next-boot MAC image|script NAME [--once done|delivered]
       pxe-server next-boot MAC
       pxe-server next-boot list
       pxe-server next-boot clear MAC";

const EXAMPLES: &str = "\
Examples:
  Install this machine at its next boot, again and again until it says that it is done:
    pxe-server next-boot 52:54:00:aa:00:01 image debian-12.iso
  One boot with a script of the root folder, whatever becomes of it:
    pxe-server next-boot 52:54:00:aa:00:01 script memtest.ipxe --once delivered
  What is ordered, and an order taken back:
    pxe-server next-boot list
    pxe-server next-boot clear 52:54:00:aa:00:01

Orders are files in the state folder: run this as the server's user, with its --config.";

/// Gives, shows or takes back an order.
pub fn run(options: &NextBootOptions, config: &Config) -> ExitCode {
    let orders = NextBoots::new(config);
    let words: Vec<&str> = options.words.iter().map(String::as_str).collect();
    let done = match &words[..] {
        ["list"] => {
            for (mac, order) in orders.list() {
                show(mac, Some(&order));
            }
            Ok(())
        }
        ["clear", mac] => address(mac).and_then(|mac| {
            let was = orders.clear(mac)?;
            println!("{} {}", hyphenated(mac), if was { "cleared" } else { "none" });
            Ok(())
        }),
        [mac] => address(mac).map(|mac| show(mac, orders.get(mac).as_ref())),
        [mac, what @ ..] => address(mac).and_then(|mac| {
            let what = what.join(" ");
            let Some(boots) = parse(&what) else {
                return Err(NextBootError::Refused(format!(
                    "{what:?} is nothing to boot: menu, local, image NAME or script NAME"
                )));
            };
            let once = match options.once {
                OnceOption::Done => Once::Done,
                OnceOption::Delivered => Once::Delivered,
            };
            show(mac, Some(&orders.set(mac, boots, once)?));
            Ok(())
        }),
        [] => Ok(()),
    };
    let (code, fault) = match done {
        Ok(()) => return ExitCode::SUCCESS,
        Err(NextBootError::Refused(problem)) => {
            let remedy = "pxe-server next-boot 52:54:00:aa:00:01 image debian-12.iso";
            (EXIT_CONFIG, Fault::new("next-boot", problem, remedy))
        }
        Err(error) => {
            let remedy = "run this as the server's user, with its --config";
            (EXIT_MACHINE, Fault::new("next-boot", error.to_string(), remedy))
        }
    };
    refuse(config, code, &[fault])
}

fn address(text: &str) -> Result<[u8; 6], NextBootError> {
    let refused = || NextBootError::Refused(format!("{text:?} is no MAC address"));
    pxe_select::parse_mac(text).ok_or_else(refused)
}

fn show(mac: [u8; 6], order: Option<&Order>) {
    match order {
        None => println!("{} none", hyphenated(mac)),
        Some(Order { boots, once, .. }) => {
            println!("{} {}, once {once}", hyphenated(mac), text(boots));
        }
    }
}
