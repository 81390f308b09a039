//! The words of the command line.

use std::path::PathBuf;

use clap::Args;

use super::bare::Sockets;
use super::rows::ROWS;
use super::servers::Server;

/// `pxe-benches tftp`
#[derive(Clone, Debug, Args)]
pub struct Options {
    /// Only this row (may be repeated)
    #[arg(long = "row", value_name = "NAME", value_parser = ROWS.map(|row| row.name))]
    pub rows: Vec<String>,
    /// Only these servers
    #[arg(long, value_delimiter = ',', value_enum)]
    pub only: Vec<Server>,
    /// Turns that each server gets
    #[arg(long, default_value_t = 3)]
    pub rounds: usize,
    /// Less work and one round: shows that everything works, the figures mean little
    #[arg(long)]
    pub quick: bool,
    /// Fail if a goal is missed
    #[arg(long)]
    pub assert: bool,
    /// Only measure what the load generator can take, against the bare sender
    #[arg(long)]
    pub self_test: bool,
    /// Let the kernel join datagrams for the generator (UDP_GRO), which no firmware does
    #[arg(long)]
    pub join: bool,
    /// Cores that a server may use; the generator has another one
    #[arg(long, default_value_t = 1)]
    pub server_cores: usize,
    /// How the bare sender works
    #[arg(long, value_enum, default_value_t = Sockets::One)]
    pub bare: Sockets,
    /// Our program; default: the one beside this program
    #[arg(long, value_name = "FILE")]
    pub server: Option<PathBuf>,
    /// Folder with the peers' programs; the system's own are found anyway
    #[arg(long, value_name = "FOLDER")]
    pub peers: Option<PathBuf>,
    /// A line for the table `tftp` of our configuration (may be repeated)
    #[arg(long = "set", value_name = "KEY = VALUE")]
    pub settings: Vec<String>,
}
