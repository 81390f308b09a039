//! The project's own commands: `cargo xtask serve | demo | test | bench`.

mod addresses;
mod bench;
mod browser;
mod check;
mod clients;
mod debian;
mod demo;
mod efi;
mod error;
mod faults;
mod interrupt;
mod lab;
mod matrix;
mod packages;
mod page;
mod process;
mod report;
mod serve;
mod snippets;
mod workspace;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::error::Result;
use crate::lab::hostile;
use crate::workspace::Workspace;

const EXAMPLES: &str = "\
Examples:
  Boot the machines of this network, beside its DHCP server:
    cargo xtask serve
    cargo xtask serve -- --config pxe.toml --interface eth0
  See it work on a wire of its own, with one virtual machine:
    sudo -E env \"PATH=$PATH\" cargo xtask demo --only x64-uefi
  What the whole test consists of, and one part of it:
    cargo xtask test --list
    cargo xtask test --only docs";

/// The project's own commands
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", after_help = EXAMPLES)]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Build the server and start it; without arguments in proxy mode, which is safe on an office LAN
    Serve(serve::Options),
    /// Boot one virtual machine per firmware on a private wire on this computer
    Demo(demo::Options),
    /// Check everything: format, lints, tests, documentation, packages, and real firmware in QEMU
    Test(check::Options),
    /// Build the Debian package of the server and say where it is
    Debian,
    /// Build the container image of the server, from its Debian package, with podman, docker or buildah
    Container,
    /// The stranger of the firmware matrix; it runs inside a wire of the lab
    #[command(hide = true)]
    Throw(hostile::Options),
    /// Run benchmarks: codec, tftp, dhcp, http, lease or scale, with their own options behind
    Bench {
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
}

fn main() -> ExitCode {
    match run(&Arguments::parse().task) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(why) => {
            eprintln!("error: {why}");
            ExitCode::FAILURE
        }
    }
}

/// `Ok(false)` means that the task ran and found faults.
fn run(task: &Task) -> Result<bool> {
    if let Task::Throw(options) = task {
        return hostile::throw(options).map(|()| true);
    }
    let workspace = Workspace::find()?;
    match task {
        Task::Serve(options) => serve::run(&workspace, options).map(|()| true),
        Task::Demo(options) => demo::run(&workspace, options).map(|()| true),
        Task::Test(options) => check::run(&workspace, options),
        Task::Debian => debian::build(&workspace).map(|()| true),
        Task::Container => debian::build_image(&workspace).map(|()| true),
        Task::Throw(_) => Ok(true),
        Task::Bench { arguments } => bench::run(&workspace, arguments).map(|()| true),
    }
}
