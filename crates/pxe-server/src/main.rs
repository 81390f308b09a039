//! The `pxe-server` program: arguments in, an exit code out.

use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser;
use pxe_server::cli::{Cli, Command};
use pxe_server::config::LogConfig;
use pxe_server::{
    check, doctor, explain, fetch, images, leases, logging, manual, next_boot, overrides, replay,
    serve, snippet,
};

fn main() -> ExitCode {
    let cli = Cli::parse();
    // These need no configuration.
    match &cli.command {
        Some(Command::Fetch(options)) => {
            logging::start(&LogConfig::default(), cli.verbose);
            return fetch::fetch(options);
        }
        Some(Command::Completions(options)) => return manual::completions(options),
        Some(Command::Man(options)) => return manual::man(options),
        _ => {}
    }
    let config = match cli.load().and_then(overrides::applied) {
        Ok(config) => config,
        Err(faults) => {
            eprintln!("{}", check::all_faults(faults));
            return ExitCode::from(serve::EXIT_CONFIG);
        }
    };
    logging::start(&config.log, cli.verbose);
    match cli.command.clone().unwrap_or_default() {
        Command::Serve => serve::serve(&config, Arc::new(move || cli.load())),
        Command::Check => check::check(&config),
        Command::Doctor(options) => doctor::run(&options, &config),
        Command::Explain(options) => explain::run(&options, &config),
        Command::Fetch(options) => fetch::fetch(&options),
        Command::Completions(options) => manual::completions(&options),
        Command::Man(options) => manual::man(&options),
        Command::Images(options) => images::run(&options, &config),
        Command::Leases(options) => leases::run(&options, &config),
        Command::NextBoot(options) => next_boot::run(&options, &config),
        Command::Replay(options) => replay::run(&options, &config),
        #[cfg(feature = "admin")]
        Command::Token(options) => pxe_server::admin::run_token_command(&options, &config),
        Command::Snippet(options) => snippet::print(&options, &config),
    }
}
