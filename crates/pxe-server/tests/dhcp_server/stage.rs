//! A network namespace whose loopback is `10.9.0.0/16`: every address of it can be a client's or a relay's.

use core::net::Ipv4Addr;
use std::process::Command;

use crate::common::{Folder, Server};

/// The server.
pub(crate) const US: Ipv4Addr = Ipv4Addr::new(10, 9, 0, 1);

const INSIDE: &str = "PXE_TEST_NAMESPACE";

/// `127.0.0.1` goes, since no DHCP client can have such an address.
const SETUP: &str = "ip link set lo up && ip addr del 127.0.0.1/8 dev lo && \
                     ip addr add 10.9.0.1/16 dev lo && exec \"$0\" \"$@\"";

/// Runs the test again in a namespace; whether this is that second run.
pub(crate) fn enter(test: &str) -> bool {
    let inside = is_inside();
    if !inside {
        run_inside(test, &[]);
    }
    inside
}

pub(crate) fn is_inside() -> bool {
    std::env::var_os(INSIDE).is_some()
}

/// Runs the test again in a namespace, and returns what it printed.
pub(crate) fn run_inside(test: &str, environment: &[(&str, &str)]) -> String {
    let is_root = nix::unistd::geteuid().is_root();
    let program = std::env::current_exe().expect("this program");
    let ran = Command::new("unshare")
        .arg(if is_root { "-n" } else { "-Urn" })
        .args(["sh", "-c", SETUP])
        .arg(program)
        .args(["--exact", test, "--nocapture", "--test-threads=1"])
        .env(INSIDE, "1")
        .envs(environment.iter().copied())
        .output()
        .expect("unshare runs: it is in util-linux");
    let [said, errors] =
        [ran.stdout, ran.stderr].map(|text| String::from_utf8_lossy(&text).into_owned());
    assert!(ran.status.success(), "{said}\n{errors}");
    assert!(said.contains("1 passed"), "there is no test {test}: {said}");
    said
}

/// Pools for a few clients, and what a test adds. Keys of `[dhcp]` cannot be added there.
pub(crate) const SUBNET: &str = "\
[[dhcp.subnet]]
network = \"10.9.0.0/16\"
pool = [\"10.9.1.1-10.9.1.100\"]
routers = [\"10.9.0.1\"]
dns = [\"10.9.0.2\", \"10.9.0.3\"]
domain = \"lab.example\"
lease = \"1h\"
authoritative = true
";

/// Starts a server of `folder`, which has what an earlier one left there.
pub(crate) fn serve(folder: &Folder, extra: &str) -> Server {
    folder.write("boot/ipxe.efi", b"ipxe.efi");
    Server::start_with(folder, extra, &["--mode", "server"])
}
