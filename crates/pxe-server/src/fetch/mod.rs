//! `fetch`: one file by TFTP, the way a machine would get it, with what a person wants besides.

mod fault;
mod link;
mod output;
mod progress;
mod url;

use core::net::SocketAddr;
use core::sync::atomic::{AtomicBool, Ordering};
use std::io;
use std::net::ToSocketAddrs;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use pxe_tftp::{Attempts, Chunk, Client, ClientConfig, TransferError};
use signal_hook::consts::{SIGINT, SIGTERM};

use fault::Fault;
use link::{Broken, Link};
use output::Output;
use progress::Progress;
pub use url::{Url, UrlFault};

/// Requests to an address that never answers, when the host has others that may.
const TRIES_MAX_OF_MANY: u32 = 3;
/// How often Ctrl-C is looked at between attempts.
const TICK: Duration = Duration::from_millis(50);

const EXAMPLES: &str = "\
Examples:
  pxe-server fetch tftp://192.0.2.5/ipxe.efi                 into ./ipxe.efi
  pxe-server fetch tftp://[2001:db8::5]:10069/grub/grub.cfg -o -    onto the screen
  pxe-server fetch tftp://boot/big.img --block-size 1468 --window 64
  pxe-server fetch tftp://boot/ipxe.efi -o /dev/null --block-size 512 --window 1
                                                             as the oldest boot ROM would

The file has another name until it is whole (.pxe-fetch-*.part beside it), so that a file that was
there before stays until then. TFTP cannot continue in the middle of a file: another attempt is sent
all of it again, and is compared with what is there already instead of storing it again. An
attempt asks for less where more may have been the fault. A name in the URL is taken as it is, with
%20 for a space; a second slash (tftp://host//file) asks for /file.

Exit codes: 0 whole, 1 a fault on this computer, 2 a URL or option that means nothing,
3 the server said no, 4 nothing answers or not to the end, 130 interrupted.";

/// What `pxe-server fetch` was asked for.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct FetchOptions {
    /// tftp://HOST[:PORT]/FILE; an IPv6 address stands in brackets
    url: Url,
    /// Where to put it; - is standard output [default: the file's own name, in this folder]
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Bytes in a block to ask for; 512 asks for nothing, which the oldest servers need
    #[arg(long, value_name = "BYTES", default_value_t = 1448, value_parser = clap::value_parser!(u16).range(8..=65464))]
    block_size: u16,
    /// Blocks that may come before an acknowledgement; 1 asks for nothing
    #[arg(long, value_name = "BLOCKS", default_value_t = 16, value_parser = clap::value_parser!(u16).range(1..))]
    window: u16,
    /// Attempts after one that broke off or found the server busy
    #[arg(long, value_name = "COUNT", default_value_t = 3, value_parser = clap::value_parser!(u32).range(..1000))]
    retries: u32,
    /// No bar; nor is there one where standard error is no terminal
    #[arg(long)]
    no_progress: bool,
    /// Use the host's IPv4 addresses only
    #[arg(long, short = '4', conflicts_with = "ipv6")]
    ipv4: bool,
    /// Use the host's IPv6 addresses only
    #[arg(long, short = '6')]
    ipv6: bool,
}

/// Fetches the file and says how it went.
pub fn fetch(options: &FetchOptions) -> ExitCode {
    let progress = Progress::new(&options.url.to_string(), !options.no_progress);
    let started = Instant::now();
    let done = run(options, &progress);
    progress.end();
    match done {
        Ok(done) => {
            let summary = progress::summary(done.bytes, started.elapsed());
            eprintln!("{}: {summary} from {} ({})", options.url, done.server, done.agreed);
            ExitCode::SUCCESS
        }
        Err(fault) => {
            eprintln!("error: {fault}");
            ExitCode::from(fault.code)
        }
    }
}

/// What a fetch that succeeded tells.
struct Done {
    bytes: u64,
    server: SocketAddr,
    /// Block and window size of the last attempt.
    agreed: String,
}

fn run(options: &FetchOptions, progress: &Progress) -> Result<Done, Fault> {
    let stop = stop_on_signals().map_err(|why| Fault::local("cannot wait for signals", &why))?;
    let servers = addresses(options)?;
    let mut fetch = Fetch {
        output: Output::open(options.output.as_deref(), &options.url)?,
        file: options.url.file.escape_ascii().to_string(),
        progress,
        stop,
    };
    let mut config = config(options);
    let mut servers = servers.into_iter().peekable();
    while let Some(server) = servers.next() {
        let others = servers.peek().is_some();
        let usual = ClientConfig::default().tries_max;
        config.tries_max = if others { TRIES_MAX_OF_MANY } else { usual };
        let attempts =
            Attempts::new(server, &options.url.file, config.clone(), options.retries + 1)
                .map_err(|error| Fault::usage(error.to_string(), "TFTP has no room for more"))?;
        match fetch.from(server, attempts) {
            Ok(done) => {
                fetch.output.finish()?;
                return Ok(done);
            }
            Err(Failed { fault, answered: false }) if others => progress.say(&fault.to_string()),
            Err(failed) => return Err(failed.fault),
        }
    }
    Err(Fault::no_address_of_family(&options.url.host, "usable"))
}

/// An attempt for good; whether that server said anything.
struct Failed {
    fault: Fault,
    answered: bool,
}

struct Fetch<'a> {
    output: Output,
    file: String,
    progress: &'a Progress,
    stop: Arc<AtomicBool>,
}

impl Fetch<'_> {
    /// Attempts at one server, until one succeeds or none is left.
    fn from(&mut self, server: SocketAddr, mut attempts: Attempts) -> Result<Done, Failed> {
        loop {
            let (client, ended) = self.attempt(server, &mut attempts);
            let answered = client.as_ref().is_some_and(Client::has_answered);
            let failed = |fault| Failed { fault, answered: answered || attempts.made() > 1 };
            let broken = match ended {
                Ok(done) => return Ok(done),
                Err(Broken::Fault(fault)) => return Err(Failed { fault, answered: true }),
                Err(broken) => broken,
            };
            let Some(client) = client else {
                return Err(failed(self.explain(server, None, &broken)));
            };
            let fault = self.explain(server, Some(&client), &broken);
            let error = match broken {
                Broken::Transfer(error) => error,
                // Whoever answered before and cannot be reached now may come back.
                _ => TransferError::TimedOut,
            };
            let failed = failed(fault);
            let now = Instant::now();
            let Some(again) = attempts.fail(now, &client, &error) else { return Err(failed) };
            let left = attempts.left();
            self.progress.say(&format!(
                "{}\nagain in {} s, {left} attempt{} left",
                failed.fault,
                (again - now).as_secs(),
                if left == 1 { "" } else { "s" },
            ));
            self.wait_until(again).map_err(|fault| Failed { fault, answered: true })?;
        }
    }

    fn attempt(
        &mut self,
        server: SocketAddr,
        attempts: &mut Attempts,
    ) -> (Option<Client>, Result<Done, Broken>) {
        let Self { output, progress, stop, .. } = self;
        progress.begin();
        output.rewind();
        let mut link = match Link::open(server) {
            Ok(link) => link,
            Err(why) => return (None, Err(Broken::Network(why))),
        };
        let mut client = match attempts.begin(Instant::now()) {
            Ok(client) => client,
            Err(error) => return (None, Err(Fault::usage(error.to_string(), "").into())),
        };
        let stored = |client: &Client, chunk: &Chunk<'_>| {
            if let Some(size) = client.transfer_size() {
                progress.set_size(size);
            }
            progress.set_received(chunk.offset + chunk.payload.len() as u64);
            store(attempts, output, chunk)
        };
        let ended = link.run(&mut client, stop, stored, || progress.idle());
        let ended = ended.map(|()| {
            let (block, window) = (client.block_size(), client.window_size());
            let done = Done {
                bytes: client.received_bytes(),
                server,
                agreed: format!(
                    "blocks of {} bytes, window {}",
                    block.unwrap_or_default(),
                    window.unwrap_or_default()
                ),
            };
            link.linger(&mut client);
            done
        });
        (Some(client), ended)
    }

    fn explain(&self, server: SocketAddr, client: Option<&Client>, broken: &Broken) -> Fault {
        let received = client.map_or(0, Client::received_bytes);
        match broken {
            Broken::Transfer(error) => {
                let answered = client.is_some_and(Client::has_answered);
                Fault::transfer(server, &self.file, answered, received, error)
            }
            Broken::Network(why) => Fault::unreachable(server, why),
            Broken::Fault(fault) => fault.clone(),
        }
    }

    fn wait_until(&self, when: Instant) -> Result<(), Fault> {
        while Instant::now() < when {
            if self.stop.load(Ordering::Relaxed) {
                return Err(Fault::interrupted());
            }
            self.progress.idle();
            thread::sleep(TICK);
        }
        Ok(())
    }
}

/// Puts a chunk where it belongs: compared as far as it is held, written as far as it is new.
fn store(attempts: &mut Attempts, output: &mut Output, chunk: &Chunk<'_>) -> Result<(), Fault> {
    let mut piece = attempts.split(chunk);
    while let Some(differs) = output.take(&piece)? {
        attempts.truncate(differs);
        piece = attempts.split(chunk);
    }
    Ok(())
}

fn config(options: &FetchOptions) -> ClientConfig {
    let mut config = ClientConfig::default();
    config.block_size = Some(options.block_size).filter(|&bytes| bytes != 512);
    config.window_size = Some(options.window).filter(|&blocks| blocks > 1);
    // A question for the size is an option too, and the oldest servers know none.
    config.ask_size = config.block_size.is_some() || config.window_size.is_some();
    config
}

fn addresses(options: &FetchOptions) -> Result<Vec<SocketAddr>, Fault> {
    let Url { host, port, .. } = &options.url;
    let found = (host.as_str(), *port).to_socket_addrs();
    let mut addresses: Vec<SocketAddr> = Vec::new();
    for address in found.map_err(|why| Fault::unknown_host(host, &why))? {
        let wanted = if address.is_ipv4() { !options.ipv6 } else { !options.ipv4 };
        if wanted && !addresses.contains(&address) {
            addresses.push(address);
        }
    }
    if addresses.is_empty() {
        let family = if options.ipv6 { "IPv6" } else { "IPv4" };
        return Err(Fault::no_address_of_family(host, family));
    }
    Ok(addresses)
}

/// Set by Ctrl-C or SIGTERM, so that the unfinished file is removed and the server told.
fn stop_on_signals() -> io::Result<Arc<AtomicBool>> {
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        signal_hook::flag::register(signal, Arc::clone(&stop))?;
    }
    Ok(stop)
}
