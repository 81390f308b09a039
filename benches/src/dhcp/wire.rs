//! A veth pair: the generator at one end, in this process's own network; the server at the other, in another one.

use core::net::Ipv4Addr;
use core::time::Duration;
use std::fs;
use std::io;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Instant;

use nix::sched::{CloneFlags, unshare};

/// The generator, which looks like a relay to servers.
pub const GENERATOR: Ipv4Addr = Ipv4Addr::new(10, 64, 0, 2);
/// The server.
pub const SERVER: Ipv4Addr = Ipv4Addr::new(10, 64, 0, 1);
/// The server's end of the wire.
pub const SERVER_INTERFACE: &str = "pxebench1";
/// The network that both are in, and all leases.
pub const NETWORK: &str = "10.64.0.0/14";
/// Its mask.
pub const MASK: &str = "255.252.0.0";
/// First and last address of the pool: 131 072 of them.
pub const POOL: [&str; 2] = ["10.65.0.0", "10.66.255.255"];

const GENERATOR_INTERFACE: &str = "pxebench0";
/// How long the other network may take to be made.
const PATIENCE: Duration = Duration::from_secs(5);

/// The wire. Dropping it ends the server's network.
#[derive(Debug)]
pub struct Wire {
    /// A process in the server's network that ends when our end of its pipe is closed, however we end.
    holder: Child,
}

impl Wire {
    /// Moves this thread, and all that it starts, into a new network with one end of a wire.
    ///
    /// # Errors
    /// Without root, or where `ip`, `unshare` or `nsenter` is missing.
    pub fn new() -> io::Result<Self> {
        unshare(CloneFlags::CLONE_NEWNET)
            .map_err(|why| io::Error::other(format!("a network of its own needs root: {why}")))?;
        let mut holder = Command::new("unshare");
        holder.args(["--net", "cat"]).stdin(Stdio::piped()).stdout(Stdio::null());
        let wire = Self { holder: holder.spawn()? };
        wire.wait_for_holder()?;
        let holder = wire.holder.id().to_string();
        let pair = ["link", "add", GENERATOR_INTERFACE, "type", "veth", "peer", "name"];
        ip(&[&pair[..], &[SERVER_INTERFACE, "netns", &holder]].concat())?;
        let bits = NETWORK.split_once('/').map_or("", |(_, bits)| bits);
        ip(&["address", "add", &format!("{GENERATOR}/{bits}"), "dev", GENERATOR_INTERFACE])?;
        ip(&["link", "set", GENERATOR_INTERFACE, "up"])?;
        let address = format!("{SERVER}/{bits}");
        for words in [
            &["address", "add", &address, "dev", SERVER_INTERFACE][..],
            &["link", "set", SERVER_INTERFACE, "up"],
            &["link", "set", "lo", "up"],
        ] {
            run(wire.beyond("ip").args(words))?;
        }
        Ok(wire)
    }

    /// A command at the server's end. It is the program itself that runs, not a parent of it.
    pub fn beyond(&self, program: &str) -> Command {
        let mut command = Command::new("nsenter");
        command.arg(format!("--net=/proc/{}/ns/net", self.holder.id())).args(["--", program]);
        command
    }

    fn wait_for_holder(&self) -> io::Result<()> {
        let network = |process: &str| fs::read_link(format!("/proc/{process}/ns/net"));
        // A thread's network may be another one than its process's.
        let own = network("thread-self")?;
        let deadline = Instant::now() + PATIENCE;
        while network(&self.holder.id().to_string())? == own {
            if Instant::now() > deadline {
                return Err(io::Error::other("`unshare --net` made no network"));
            }
            thread::sleep(Duration::from_millis(2));
        }
        Ok(())
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        drop(self.holder.stdin.take());
        let _ = self.holder.wait();
    }
}

fn ip(words: &[&str]) -> io::Result<()> {
    run(Command::new("ip").args(words))
}

fn run(command: &mut Command) -> io::Result<()> {
    let output = command.output()?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Err(io::Error::other(format!("{command:?}: {said}")))
}
