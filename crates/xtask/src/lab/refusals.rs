//! How the server refuses to start: what it says must name the fault and what to do.

use core::time::Duration;
use std::fs;
use std::path::Path;
use std::time::Instant;

use crate::error::{Context as _, Result, fail};
use crate::interrupt;
use crate::lab::server::{Server, Setup, Subject};
use crate::lab::topology::Topology;
use crate::lab::wire::{Namespace, SERVER_ADDRESS, Wire};
use crate::process::{Background, show};

const PATIENCE: Duration = Duration::from_secs(30);

struct Case {
    name: &'static str,
    config: &'static str,
    /// What stands in front of the command.
    prefix: &'static [&'static str],
    exit_code: i32,
    /// What must be in the message; one of the words of each group.
    says: &'static [&'static [&'static str]],
}

/// The first case runs beside a server that works.
const PORT_TAKEN: Case = Case {
    name: "port taken",
    config: "interfaces = [\"eth0\"]\n",
    prefix: &[],
    exit_code: 1,
    says: &[&["67"], &["pxe-server"]],
};
const CASES: &[Case] = &[
    Case {
        name: "no right",
        config: "interfaces = [\"eth0\"]\n",
        prefix: &["setpriv", "--bounding-set=-all", "--inh-caps=-all", "--"],
        exit_code: 1,
        says: &[&["67"], &["sudo", "setcap"]],
    },
    Case {
        name: "no such interface",
        config: "interfaces = [\"nosuch0\"]\n",
        prefix: &[],
        exit_code: 2,
        says: &[&["nosuch0"], &["eth0"]],
    },
    Case {
        name: "several faults at once",
        config: "interfces = [\"eth0\"]\n[dhcp]\nmode = \"prxy\"\n[tftp]\nport = 700000\n",
        prefix: &[],
        exit_code: 2,
        says: &[&["interfces"], &["prxy"], &["700000", "port"]],
    },
];

/// Beside a DHCP server that has another interface alone, as libvirt brings one.
const PORT_TAKEN_ELSEWHERE: Case = Case {
    name: "port taken on another interface",
    config: "",
    prefix: &[],
    exit_code: 1,
    says: &[&["67"], &["dnsmasq"], &["interfaces = [\"eth0\"]"]],
};

/// Tries every case on a wire without anybody else.
pub(crate) fn try_all(binary: &Path, folder: &Path) -> Result<String> {
    fs::create_dir_all(folder.join("boot")).context(|| format!("making {}", folder.display()))?;
    let mut wire = Wire::new()?;
    let root = folder.join("boot");
    let setup = Setup { topology: Topology::PROXY, root: &root, rules: "", for_ipxe: "" };
    let subject = Subject::Ours(binary.to_owned());
    let host = wire.host("boot", SERVER_ADDRESS)?;
    let mut server = Server::start(host.clone(), &subject, setup, folder)?;
    refuses(&host, binary, folder, &PORT_TAKEN)?;
    server.stop()?;
    for case in CASES {
        refuses(&host, binary, folder, case)?;
    }
    beside_another_interface(&host, binary, folder)?;
    Ok(format!("{} ways", CASES.len() + 2))
}

/// Who names the interface is served there; who does not is told to.
fn beside_another_interface(host: &Namespace, binary: &Path, folder: &Path) -> Result<()> {
    for words in [
        &["ip", "link", "add", "virt0", "type", "bridge"][..],
        &["ip", "address", "add", "192.168.122.1/24", "dev", "virt0"],
        &["ip", "link", "set", "virt0", "up"],
    ] {
        show(&mut host.command(words))?;
    }
    let leases = format!("--dhcp-leasefile={}", folder.join("virt.leases").display());
    let words = [
        "dnsmasq",
        "--keep-in-foreground",
        "--conf-file=/dev/null",
        "--port=0",
        "--interface=virt0",
        "--except-interface=lo",
        "--bind-dynamic",
        "--dhcp-range=192.168.122.50,192.168.122.60",
        &*leases,
    ];
    let log = folder.join("virt.log");
    let mut other = Background::start(host.command(&words), "libvirt's dnsmasq", &log)?;
    interrupt::pause(Duration::from_secs(1))?;
    if let Some(status) = other.exited()? {
        return fail(format!("dnsmasq ended with {status}: {}", other.printed()));
    }
    refuses(host, binary, folder, &PORT_TAKEN_ELSEWHERE)?;
    let setup =
        Setup { topology: Topology::PROXY, root: &folder.join("boot"), rules: "", for_ipxe: "" };
    let mut server = Server::start(host.clone(), &Subject::Ours(binary.to_owned()), setup, folder)?;
    server.stop()
}

fn refuses(host: &Namespace, binary: &Path, folder: &Path, case: &Case) -> Result<()> {
    let file = folder.join("refused.toml");
    fs::write(&file, case.config).context(|| format!("writing {}", file.display()))?;
    let (binary, config) = (binary.to_string_lossy(), file.to_string_lossy());
    let words = [case.prefix, &[&*binary, "--config", &*config, "serve"]].concat();
    let mut command = host.command(&words);
    command.current_dir(folder).env("RUST_LOG_STYLE", "never");
    let mut process = Background::start(command, "the server", &folder.join("refused.log"))?;
    let deadline = Instant::now() + PATIENCE;
    let status = loop {
        if let Some(status) = process.exited()? {
            break status;
        }
        if Instant::now() > deadline {
            return fail(format!("{}: it started all the same", case.name));
        }
        interrupt::pause(Duration::from_millis(50))?;
    };
    let said = process.printed();
    if status.code() != Some(case.exit_code) {
        let (name, wanted) = (case.name, case.exit_code);
        return fail(format!("{name}: it ended with {status}, not {wanted}: {said}"));
    }
    for words in case.says {
        if !words.iter().any(|word| said.contains(word)) {
            return fail(format!("{}: the message does not name {words:?}: {said}", case.name));
        }
    }
    Ok(())
}
