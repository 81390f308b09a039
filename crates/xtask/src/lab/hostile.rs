//! A stranger on the wire: throws broken and hostile datagrams at a running server, and asks for
//! files that lie outside its root.
//!
//! The throwing runs as a process of its own inside the stranger's namespace: `cargo xtask throw`.

use core::net::{Ipv4Addr, SocketAddrV4};
use core::time::Duration;
use std::fs;
use std::io::ErrorKind;
use std::net::UdpSocket;
use std::path::{Path, PathBuf};
use std::thread;

use crate::error::{Context as _, Result, fail};
use crate::lab::wire::{SERVER_ADDRESS, Wire};
use crate::process::capture;

/// DHCP, boot server, TFTP.
const PORTS: [u16; 3] = [67, 4011, 69];
const STRANGER_ADDRESS: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 3);
/// Bounds of one run.
const DATAGRAMS_MAX: usize = 20_000;
const DATAGRAM_BYTES_MAX: usize = 1472;
/// Fixed, so that every run throws the same.
const SEED: u64 = 0x5eed_0fb0_07ed_c0de;
/// A stranger who sends faster than the server can read would test only the kernel's queue.
const PAUSE_EVERY: usize = 50;
const PAUSE: Duration = Duration::from_millis(5);
const ANSWER_PATIENCE: Duration = Duration::from_millis(700);
/// The content of the file outside the root.
const SECRET: &str = "a line that must not leave this computer\n";

/// What the hidden `throw` command takes.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// The server
    server: Ipv4Addr,
    /// A file that is in the server's root
    present: String,
    /// A folder beside the root that holds the secret
    outside: PathBuf,
    /// Folders of datagrams, one per file
    corpora: Vec<PathBuf>,
}

/// Lays the trap: a file beside the root, and links in the root that lead to it.
pub(crate) fn prepare(folder: &Path) -> Result<()> {
    let trap = || "laying files outside the root".to_owned();
    fs::write(folder.join("secret.txt"), SECRET).context(trap)?;
    std::os::unix::fs::symlink("../secret.txt", folder.join("boot/link.txt")).context(trap)?;
    std::os::unix::fs::symlink("..", folder.join("boot/up")).context(trap)
}

/// Lets a stranger onto the wire who throws everything and asks for everything.
pub(crate) fn visit(wire: &mut Wire, repository: &Path, folder: &Path) -> Result<String> {
    let stranger = wire.host("stranger", STRANGER_ADDRESS)?;
    let mut words = vec![
        // Not the path that we were started by: a build since then has put another file there.
        format!("/proc/{}/exe", std::process::id()),
        "throw".to_owned(),
        SERVER_ADDRESS.to_string(),
        "pxelinux.0".to_owned(),
        folder.to_string_lossy().into_owned(),
    ];
    let corpora = corpora(repository);
    if corpora.is_empty() {
        return fail("no fuzzing corpus lies in crates/*/tests/corpus");
    }
    words.extend(corpora.iter().map(|folder| folder.to_string_lossy().into_owned()));
    let said = capture(&mut stranger.command(&words))?;
    Ok(said.trim().to_owned())
}

/// `crates/*/tests/corpus/*`
fn corpora(repository: &Path) -> Vec<PathBuf> {
    let folders = |of: &Path| -> Vec<PathBuf> {
        let entries = fs::read_dir(of).into_iter().flatten().flatten();
        let mut paths: Vec<_> = entries.map(|entry| entry.path()).filter(|p| p.is_dir()).collect();
        paths.sort();
        paths
    };
    let crates = folders(&repository.join("crates"));
    crates.iter().flat_map(|package| folders(&package.join("tests/corpus"))).collect()
}

/// The hidden command itself.
pub(crate) fn throw(options: &Options) -> Result<()> {
    let mut datagrams = Vec::new();
    for folder in &options.corpora {
        let files = fs::read_dir(folder).context(|| format!("reading {}", folder.display()))?;
        let mut files: Vec<_> = files.flatten().map(|entry| entry.path()).collect();
        files.sort();
        datagrams.extend(files.iter().filter_map(|file| fs::read(file).ok()));
    }
    // The ports last: requests among what is thrown there leave half-open transfers behind, of which
    // one address may have only a few.
    let into = throw_into_transfers(options.server, &options.present, &datagrams)?;
    let asked = ask_outside(options.server, &options.outside)?;
    let thrown = throw_all(options.server, &variants(&datagrams))?;
    println!(
        "{thrown} datagrams at its ports, {into} into its transfers, {asked} names outside its root"
    );
    Ok(())
}

/// Every datagram as it is, cut, and with some bits turned over.
fn variants(datagrams: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let mut random = SEED;
    let mut next = move || {
        // xorshift64 (Marsaglia 2003): enough for choosing bits.
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        usize::try_from(random >> 33).unwrap_or_default()
    };
    let mut all = vec![Vec::new(), vec![0], vec![0xff; DATAGRAM_BYTES_MAX]];
    for datagram in datagrams {
        let whole = &datagram[..datagram.len().min(DATAGRAM_BYTES_MAX)];
        all.push(whole.to_vec());
        if whole.is_empty() {
            continue;
        }
        all.push(whole[..next() % whole.len()].to_vec());
        for _ in 0..4 {
            let mut turned = whole.to_vec();
            for _ in 0..=next() % 8 {
                let place = next() % turned.len();
                turned[place] ^= 1 << (next() % 8);
            }
            all.push(turned);
        }
    }
    all.truncate(DATAGRAMS_MAX / PORTS.len());
    all
}

fn throw_all(server: Ipv4Addr, datagrams: &[Vec<u8>]) -> Result<usize> {
    let mut thrown = 0;
    // 68 is where a server's answer to a broadcast goes; the other is any port.
    let sockets = [socket(68)?, socket(0)?];
    for datagram in datagrams {
        for port in PORTS {
            let socket = &sockets[thrown % sockets.len()];
            for address in [server, Ipv4Addr::BROADCAST] {
                // The kernel may refuse one for want of room; the next one gets through.
                let _ = socket.send_to(datagram, SocketAddrV4::new(address, port));
            }
            thrown += 1;
            if thrown % PAUSE_EVERY == 0 {
                thread::sleep(PAUSE);
            }
        }
    }
    Ok(thrown)
}

/// Starts transfers and throws everything at their ports, from their client and from a stranger.
/// Each transfer takes a few datagrams, since some of them end it.
fn throw_into_transfers(server: Ipv4Addr, name: &str, datagrams: &[Vec<u8>]) -> Result<usize> {
    const PER_TRANSFER: usize = 8;
    const ACKNOWLEDGE_FIRST_BLOCK: &[u8] = &[0, 4, 0, 1];
    const STOP: &[u8] = b"\0\x05\0\0stop\0";
    let stranger = socket(0)?;
    let mut thrown = 0;
    for some in datagrams.chunks(PER_TRANSFER) {
        let client = socket(0)?;
        let Some((port, answer)) = ask(&client, server, name.as_bytes())? else {
            return fail(format!("the server does not answer for {name} any more"));
        };
        if !answer.starts_with(&[0, 3, 0, 1]) {
            return fail(format!("the server does not send {name} any more: {answer:02x?}"));
        }
        let transfer = SocketAddrV4::new(server, port);
        let _ = client.send_to(ACKNOWLEDGE_FIRST_BLOCK, transfer);
        for datagram in some {
            for thrower in [&stranger, &client] {
                let _ = thrower.send_to(datagram, transfer);
                thrown += 1;
            }
        }
        let _ = client.send_to(STOP, transfer);
        thread::sleep(PAUSE);
    }
    Ok(thrown)
}

/// Asks for the secret in every way that has worked somewhere.
fn ask_outside(server: Ipv4Addr, outside: &Path) -> Result<usize> {
    let absolute = outside.join("secret.txt");
    let absolute = absolute.to_string_lossy();
    let names = [
        "../secret.txt",
        "/../secret.txt",
        "./../secret.txt",
        "x/../../secret.txt",
        "..\\secret.txt",
        "\\..\\secret.txt",
        "....//secret.txt",
        "..%2fsecret.txt",
        "link.txt",
        "up/secret.txt",
        "up/boot/../secret.txt",
        "/etc/passwd",
        "../../../../../../../../etc/passwd",
        "/proc/self/environ",
        "tftp://10.77.0.2/../secret.txt",
        &absolute,
    ];
    for name in names {
        let client = socket(0)?;
        let Some((_, answer)) = ask(&client, server, name.as_bytes())? else { continue };
        // ERROR is the only answer that gives nothing away.
        if !answer.starts_with(&[0, 5]) {
            return fail(format!("the server does not refuse {name}: {answer:02x?}"));
        }
    }
    Ok(names.len())
}

/// Asks for a file and returns the port that the answer came from, and the answer; `None` if there
/// was no answer.
fn ask(client: &UdpSocket, server: Ipv4Addr, name: &[u8]) -> Result<Option<(u16, Vec<u8>)>> {
    let request = [&[0, 1], name, b"\0octet\0"].concat();
    client.send_to(&request, SocketAddrV4::new(server, 69)).context(|| "asking".to_owned())?;
    let mut answer = [0; 2048];
    match client.recv_from(&mut answer) {
        Ok((length, from)) => Ok(Some((from.port(), answer[..length].to_vec()))),
        Err(why) if why.kind() == ErrorKind::WouldBlock => Ok(None),
        Err(why) => fail(format!("waiting for an answer: {why}")),
    }
}

fn socket(port: u16) -> Result<UdpSocket> {
    let doing = || format!("binding UDP port {port}");
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, port)).context(doing)?;
    socket.set_broadcast(true).context(doing)?;
    socket.set_read_timeout(Some(ANSWER_PATIENCE)).context(doing)?;
    Ok(socket)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variants_are_the_same_in_every_run_and_bounded() {
        let datagrams = vec![vec![7; 300]; 3000];
        let first = variants(&datagrams);
        assert_eq!(first, variants(&datagrams));
        assert!(first.len() * PORTS.len() <= DATAGRAMS_MAX);
        assert!(first.iter().all(|datagram| datagram.len() <= DATAGRAM_BYTES_MAX));
        assert!(first.contains(&datagrams[0]));
        assert!(first.iter().any(|datagram| datagram.len() == 300 && *datagram != datagrams[0]));
    }
}
