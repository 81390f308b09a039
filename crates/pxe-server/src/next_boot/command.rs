//! `next-boot`: gives, shows and takes back orders, also while the server runs.

use std::process::ExitCode;

use clap::{Args, ValueEnum};
use pxe_select::{NextBoot, Target};

use super::{NextBootError, NextBoots, parse, text};
use crate::config::{Config, Fault, HostConfig};
use crate::engine::{ClientId, Once, Order};
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
            let list = orders.list();
            if list.is_empty() {
                eprintln!("no machine has an order");
            }
            for (mac, order) in list {
                show(mac, Some(&order));
            }
            Ok(())
        }
        ["clear", mac] => address(mac).and_then(|mac| {
            let was = orders.clear(mac)?;
            println!("{} {}", ClientId::Mac(mac), if was { "cleared" } else { "has no order" });
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
            let order = orders.set(mac, boots, once)?;
            show(mac, Some(&order));
            for doubt in doubts(config, mac, &order) {
                eprintln!("note: {doubt}");
            }
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
        None => println!("{} has no order", ClientId::Mac(mac)),
        Some(Order { boots, once, .. }) => {
            println!("{} {}, once {once}", ClientId::Mac(mac), text(boots));
        }
    }
}

/// What the order stands for all the same, and may not be meant.
fn doubts(config: &Config, mac: [u8; 6], order: &Order) -> Vec<String> {
    let mut doubts = Vec::new();
    let file = match &order.boots {
        NextBoot::Boots(Target::Image(name)) => {
            let name = name.split_once('#').map_or(name.as_str(), |(name, _)| name);
            Some(config.images.join(name))
        }
        NextBoot::Boots(Target::Script(name)) if !Target::is_url(name) => {
            Some(config.root.join(name.trim_start_matches(['/', '\\'])))
        }
        _ => None,
    };
    if let Some(file) = file.filter(|file| !file.is_file()) {
        doubts.push(format!("there is no {} yet", file.display()));
    }
    let is_it = |host: &&HostConfig| pxe_select::parse_mac(&host.mac.value) == Some(mac);
    let has_seed = config.hosts.iter().find(is_it).is_some_and(|host| host.seed.is_some());
    if matches!(order.once, Once::Done) && !has_seed {
        doubts.push(
            "the order stands until it is cleared, since the machine has no seed to say by that it is done; \
             for one boot: --once delivered"
                .to_owned(),
        );
    }
    doubts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_that_would_never_end_or_find_its_file_is_doubted() {
        let config = Config::parse("[[host]]\nmac = \"52:54:00:aa:00:02\"\nseed = \"node\"\n");
        let config = config.expect("a configuration");
        let order = |what: &str, once| Order { boots: parse(what).expect(what), once, given_ms: 0 };
        let with_seed = [0x52, 0x54, 0, 0xaa, 0, 2];
        assert!(doubts(&config, with_seed, &order("local", Once::Done)).is_empty());
        let image = order("image no-such.iso#live", Once::Done);
        let said = doubts(&config, [0x52, 0x54, 0, 0xaa, 0, 3], &image);
        assert_eq!(said[0], "there is no images/no-such.iso yet");
        assert!(said[1].ends_with("--once delivered"), "{said:?}");
        assert!(doubts(&config, with_seed, &order("menu", Once::Delivered)).is_empty());
    }
}
