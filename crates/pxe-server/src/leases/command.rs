//! `leases`: lists, exports, imports and releases what the store holds.

use core::net::Ipv4Addr;
use std::fs;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Subcommand, ValueEnum};
use pxe_lease::exchange::{self, Format};
use pxe_lease::limits::IMPORT_BYTES_MAX;
use pxe_lease::{LeaseRecord, LeaseState, LeaseStore, Outcome, StoreError, UnixSeconds};

use super::{open, remote};
use crate::config::{Config, Fault, StoreConfig};
use crate::serve::{EXIT_CONFIG, EXIT_MACHINE};
use crate::state::unix_ms;

const EXAMPLES: &str = "\
Examples:
  Who has which address? Leases that are over, and addresses set aside, too:
    pxe-server --config pxe.toml leases
    pxe-server --config pxe.toml leases list --all
  Take over what another DHCP server has given, before this one takes its place:
    pxe-server --config pxe.toml leases import --format dnsmasq /var/lib/misc/dnsmasq.leases
  A copy to keep, and an address that is wanted back:
    pxe-server --config pxe.toml leases export > leases.csv
    pxe-server --config pxe.toml leases release 192.0.2.100

The server may run meanwhile: then it is asked. The configuration must be its own, since it names
the state folder or the database; run this as the server's user.";

/// Options of `leases`.
#[derive(Clone, Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub struct LeasesOptions {
    /// What to do with them; `list` if nothing is said.
    #[command(subcommand)]
    action: Option<Action>,
}

#[derive(Clone, Debug, Subcommand)]
enum Action {
    /// Show who has which address
    List {
        /// Also leases that are over, and addresses set aside
        #[arg(long)]
        all: bool,
    },
    /// Print all records as a list to keep or to edit
    Export {
        /// Form of the list
        #[arg(long, value_enum, default_value_t = Listed::Csv)]
        format: Listed,
    },
    /// Take leases over from a list or from another DHCP server's lease file; leases of others that are not over stay
    Import {
        /// Form of the file
        #[arg(long, value_enum)]
        format: Imported,
        /// The file; `-` for standard input
        #[arg(value_hint = clap::ValueHint::FilePath)]
        file: PathBuf,
    },
    /// End the lease of an address, as if its client had given it back
    Release {
        /// The address, such as 192.0.2.100
        address: Ipv4Addr,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Listed {
    /// One line for each lease
    Csv,
    /// An array of objects
    Json,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Imported {
    /// What `export` printed
    Csv,
    /// What `export --format json` printed
    Json,
    /// `dnsmasq.leases`
    Dnsmasq,
    /// `dhcpd.leases` of ISC dhcpd
    Isc,
    /// `kea-leases4.csv` of Kea
    Kea,
}

/// Where the leases are reached.
enum Reached {
    /// Nobody else has the store.
    Store(Box<dyn LeaseStore>),
    /// A running server has it, and answers for it.
    Server(PathBuf),
}

/// Does it; prints why not.
pub fn run(options: &LeasesOptions, config: &Config) -> ExitCode {
    let action = options.action.clone().unwrap_or(Action::List { all: false });
    match act(&action, config) {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failed { code, text }) => {
            eprintln!("{text}");
            ExitCode::from(code)
        }
    }
}

struct Failed {
    code: u8,
    text: String,
}

impl From<io::Error> for Failed {
    fn from(error: io::Error) -> Self {
        Self { code: EXIT_MACHINE, text: error.to_string() }
    }
}

impl From<StoreError> for Failed {
    fn from(error: StoreError) -> Self {
        Self { code: EXIT_MACHINE, text: error.to_string() }
    }
}

impl From<Fault> for Failed {
    fn from(fault: Fault) -> Self {
        Self { code: EXIT_CONFIG, text: fault.to_string() }
    }
}

fn act(action: &Action, config: &Config) -> Result<(), Failed> {
    let makes = matches!(action, Action::Import { .. });
    let mut reached = reach(config, makes)?;
    match action {
        Action::List { all } => print(&list(&records(&mut reached)?, *all)),
        Action::Export { format: Listed::Csv } => print(&exchange::to_csv(&records(&mut reached)?)),
        Action::Export { format: Listed::Json } => {
            print(&exchange::to_json(&records(&mut reached)?))
        }
        Action::Import { format, file } => import(&mut reached, *format, file, config),
        Action::Release { address } => release(&mut reached, *address),
    }
}

/// Whoever brings leases along does so before the first start, and `makes` the store.
fn reach(config: &Config, makes: bool) -> Result<Reached, Failed> {
    let embedded = config.dhcp.addresses.store == StoreConfig::Embedded;
    if embedded && remote::answers(&config.state) {
        return Ok(Reached::Server(config.state.clone()));
    }
    let file = config.state.join(super::EMBEDDED_FILE);
    if embedded && !makes && !file.exists() {
        let text =
            format!("there is no lease store at {}; no lease was ever given", file.display());
        return Err(Failed { code: EXIT_MACHINE, text });
    }
    Ok(Reached::Store(open(config)?))
}

fn print(text: &str) -> Result<(), Failed> {
    match io::stdout().write_all(text.as_bytes()) {
        // `| head` has enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        printed => Ok(printed?),
    }
}

/// Every record, by address.
fn records(reached: &mut Reached) -> Result<Vec<LeaseRecord>, Failed> {
    let mut records = Vec::new();
    match reached {
        Reached::Store(store) => {
            store.load(&mut |record| records.push(record))?;
        }
        Reached::Server(state) => {
            let text = remote::ask(state, "export")?;
            records = exchange::import(Format::Csv, text.as_bytes(), now()).records;
        }
    }
    records.sort_by_key(|record| record.address);
    Ok(records)
}

fn list(records: &[LeaseRecord], all: bool) -> String {
    let now = now();
    let row = |cells: [&str; 5]| {
        let [address, client, state, ends, name] = cells;
        let line = format!("{address:<15}  {client:<20}  {state:<9}  {ends:<12}  {name}");
        format!("{}\n", line.trim_end())
    };
    let mut text = row(["ADDRESS", "CLIENT", "STATE", "ENDS", "NAME"]);
    for record in records.iter().filter(|record| all || record.is_active(now)) {
        let is_over = record.state == LeaseState::Leased && !record.is_active(now);
        let state = if is_over { "expired" } else { record.state.name() };
        let name = record.host_name.as_deref().unwrap_or_default();
        let name = name.escape_ascii().to_string();
        let (address, client) = (record.address.to_string(), record.hardware.to_string());
        text.push_str(&row([&address, &client, state, &ends(record, now), &name]));
    }
    text
}

fn ends(record: &LeaseRecord, now: UnixSeconds) -> String {
    if record.expires == UnixSeconds::NEVER {
        return "never".to_owned();
    }
    let left = record.expires.since(now);
    match left {
        0 => String::new(),
        1..60 => format!("in {left} s"),
        60..7200 => format!("in {} min", left / 60),
        _ => format!("in {} h", left / 3600),
    }
}

fn import(
    reached: &mut Reached,
    format: Imported,
    file: &Path,
    config: &Config,
) -> Result<(), Failed> {
    let Reached::Store(store) = reached else {
        let text = "a running server has the lease store: stop it, import, and start it again";
        return Err(Failed { code: EXIT_MACHINE, text: text.to_owned() });
    };
    let format = match format {
        Imported::Csv => Format::Csv,
        Imported::Json => Format::Json,
        Imported::Dnsmasq => Format::Dnsmasq,
        Imported::Isc => Format::IscDhcpd,
        Imported::Kea => Format::KeaMemfile,
    };
    let failed = |error| Failed {
        code: EXIT_CONFIG,
        text: format!("{} cannot be read: {error}", file.display()),
    };
    let text = read(file).map_err(failed)?;
    let imported = exchange::import(format, &text, now());
    for fault in &imported.faults {
        eprintln!("{}: {fault}", file.display());
    }
    let strays = strays(&imported.records, config);
    let written = exchange::write_all(&mut **store, now(), imported.records)?;
    println!("{} taken over", counted(written.stored, "lease"));
    if written.kept > 0 {
        println!("{} left out: another client has the address now", written.kept);
    }
    if written.overtaken > 0 {
        println!("{} left out: a server changed them meanwhile", written.overtaken);
    }
    if let Some((first, count)) = strays {
        println!(
            "{} no [[dhcp.subnet]] has, {first} the first: kept, and of no use until one has them",
            counted(count, "address")
        );
    }
    if imported.faults_count > 0 {
        let text = format!("{} not understood", counted(imported.faults_count, "line"));
        return Err(Failed { code: EXIT_CONFIG, text });
    }
    Ok(())
}

/// Addresses that the configuration does not know: the first, and how many.
fn strays(records: &[LeaseRecord], config: &Config) -> Option<(Ipv4Addr, usize)> {
    let subnets = &config.dhcp.addresses.subnets;
    let is_known = |address| subnets.iter().any(|subnet| subnet.network.value.contains(address));
    let mut strays = records.iter().map(|record| record.address).filter(|it| !is_known(*it));
    Some((strays.next()?, strays.count() + 1))
}

fn counted(count: usize, what: &str) -> String {
    match (count, what) {
        (1, _) => format!("1 {what}"),
        (_, "address") => format!("{count} addresses"),
        _ => format!("{count} {what}s"),
    }
}

fn read(file: &Path) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    // One byte more shows that there is too much.
    let most = IMPORT_BYTES_MAX as u64 + 1;
    if file == Path::new("-") {
        io::stdin().take(most).read_to_end(&mut text)?;
    } else {
        fs::File::open(file)?.take(most).read_to_end(&mut text)?;
    }
    Ok(text)
}

fn release(reached: &mut Reached, address: Ipv4Addr) -> Result<(), Failed> {
    let store = match reached {
        Reached::Store(store) => store,
        Reached::Server(state) => {
            let said = remote::ask(state, &format!("release {address}"))?;
            return match said.trim() {
                "" => print(&format!("{address} is released\n")),
                why => Err(Failed { code: EXIT_MACHINE, text: why.to_owned() }),
            };
        }
    };
    let now = now();
    let mut found = None;
    store.load(&mut |record| {
        if record.address == address {
            found = Some(record);
        }
    })?;
    let Some(mut record) = found.filter(|record| record.expires > now) else {
        let text = format!("nobody has {address}");
        return Err(Failed { code: EXIT_MACHINE, text });
    };
    record.version += 1;
    record.state = LeaseState::Released;
    (record.granted, record.expires) = (now, now);
    match store.apply(&[record])?.first() {
        Some(Outcome::Stored) => print(&format!("{address} is released\n")),
        _ => {
            let text = format!("a server changed {address} at this moment: look, and try again");
            Err(Failed { code: EXIT_MACHINE, text })
        }
    }
}

fn now() -> UnixSeconds {
    UnixSeconds(unix_ms() / 1000)
}
