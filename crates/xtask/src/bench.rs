//! `cargo xtask bench`: the benchmarks' own program, built for speed, and the peers it measures.
//!
//! tftpd-hpa and atftpd cannot be installed side by side, and a TFTP server that the system starts is
//! more than a benchmark may leave behind: their packages are only unpacked, each into a folder of
//! its own in `target/peers` (both have an `in.tftpd`).

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::error::{Context as _, Result};
use crate::packages;
use crate::process::{capture, command, show};
use crate::workspace::Workspace;

/// Debian packages of peers, and of the library that both need, with what shows that they are there.
const UNPACKED: [(&str, &str); 3] = [
    ("tftpd-hpa", "usr/sbin/in.tftpd"),
    ("atftpd", "usr/sbin/atftpd"),
    ("libwrap0", "usr/share/doc/libwrap0"),
];
/// rs-tftpd on crates.io, and the version that the goals were set against.
const RS_TFTPD: &str = "tftpd@1.0.0";

/// perfdhcp, which comes with Kea's administration. That would ask for a database, so it is only unpacked too.
const PERFDHCP: (&str, &str) = ("kea-admin", "usr/sbin/perfdhcp");

/// Builds and runs the benchmarks; for `tftp`, `dhcp` and `http` also builds our server and gets the peers.
pub(crate) fn run(workspace: &Workspace, arguments: &[String]) -> Result<()> {
    let mut words = vec!["run", "--release", "--package", "pxe-benches", "--"];
    words.extend(arguments.iter().map(String::as_str));
    let peers = workspace.target.join("peers");
    match arguments.first().map(String::as_str) {
        Some("tftp") => fetch_tftp_peers(workspace, &peers)?,
        Some("dhcp") => fetch_dhcp_peers(&peers)?,
        Some("http") => fetch(&peers, &[&packages::NGINX], &[])?,
        Some("scale") if arguments.iter().any(|word| word == "--measure") => {
            fetch(&peers, &[&packages::WIRE], &[])?;
        }
        _ => return show(&mut workspace.cargo(&words)),
    }
    let server = workspace.build_server()?;
    let (server, peers) = (server.to_string_lossy(), peers.to_string_lossy());
    let has_peers = arguments.first().is_some_and(|name| name != "http" && name != "scale");
    let all = [("--server", &server), ("--peers", &peers)];
    for (option, path) in all.into_iter().filter(|(option, _)| has_peers || *option != "--peers") {
        let named = |word: &String| word.split('=').next() == Some(option);
        if !arguments.iter().any(named) {
            words.extend([option, path]);
        }
    }
    show(&mut workspace.cargo(&words))
}

/// Gets what can be had; the benchmark says which peers are missing.
fn fetch_tftp_peers(workspace: &Workspace, peers: &Path) -> Result<()> {
    fetch(peers, &[&packages::DNSMASQ], &UNPACKED)?;
    if !peers.join("bin/tftpd").is_file()
        && let Err(why) = install_rs_tftpd(workspace, peers)
    {
        println!("note: it goes on without rs-tftpd: {why}");
    }
    Ok(())
}

fn fetch_dhcp_peers(peers: &Path) -> Result<()> {
    fetch(peers, &[&packages::WIRE, &packages::KEA, &packages::DNSMASQ], &[PERFDHCP])
}

/// Installs what is needed, and unpacks what must not be installed.
fn fetch(peers: &Path, needs: &[&packages::Need], unpacked: &[(&str, &str)]) -> Result<()> {
    fs::create_dir_all(peers).context(|| format!("making {}", peers.display()))?;
    for need in packages::ensure(needs)? {
        println!("note: it goes on without {}", need.what);
    }
    for (package, file) in unpacked {
        let folder = peers.join(package);
        if !folder.join(file).exists()
            && let Err(why) = unpack(package, &folder)
        {
            println!("note: it goes on without {package}: {why}");
        }
    }
    Ok(())
}

/// Downloads a Debian package and unpacks it, without installing anything.
fn unpack(package: &str, folder: &Path) -> Result<()> {
    println!("unpacking: {package}");
    let downloads = folder.join("download");
    fs::create_dir_all(&downloads).context(|| format!("making {}", downloads.display()))?;
    capture(&mut download(package, &downloads))?;
    let entries =
        fs::read_dir(&downloads).context(|| format!("listing {}", downloads.display()))?;
    for file in entries.flatten().map(|entry| entry.path()) {
        if file.extension().is_some_and(|it| it == "deb") {
            capture(command(&["dpkg", "-x"]).arg(file).arg(folder))?;
        }
    }
    Ok(())
}

fn download(package: &str, folder: &Path) -> Command {
    // The user that apt drops its rights to may not be able to write there.
    let mut download = command(&["apt-get", "-o", "APT::Sandbox::User=root", "download", package]);
    download.current_dir(folder);
    download
}

fn install_rs_tftpd(workspace: &Workspace, peers: &Path) -> Result<()> {
    println!("installing: {RS_TFTPD} from crates.io into {}", peers.display());
    let mut cargo = workspace.cargo(&["install", "--quiet", "--locked", RS_TFTPD, "--root"]);
    cargo.arg(peers).env("CARGO_TARGET_DIR", peers.join("build"));
    show(&mut cargo)
}
