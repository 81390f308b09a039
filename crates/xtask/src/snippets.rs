//! `cargo xtask test --only snippets`: what `pxe-server snippet` prints, entered into the very servers it is for.
//!
//! The program itself checks the configuration, then runs on a private wire, where machines of every kind ask it.

use core::time::Duration;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use crate::error::{Context as _, Failure, Result, fail};
use crate::interrupt;
use crate::lab::asker::{Asker, Offer, ask};
use crate::lab::foreign;
use crate::lab::wire::{FOREIGN_ADDRESS, Namespace, POOL, SERVER_ADDRESS, Wire, sweep_leftovers};
use crate::packages::{self, Need};
use crate::process::{Background, capture, find_program};
use crate::workspace::Workspace;

pub(crate) const NEEDS: &[&Need] =
    &[&packages::WIRE, &packages::DNSMASQ, &packages::ISC_DHCPD, &packages::KEA];

const BAIT: &str = "pxe-loader";
const ASKER_ADDRESS: core::net::Ipv4Addr = core::net::Ipv4Addr::new(10, 77, 0, 3);
/// Generous: the machine may be busy building.
const READY_PATIENCE: Duration = Duration::from_secs(30);

/// Who asks, and the suffix of the name it must be told with `--per-arch`.
const ASKERS: [(Asker, &str); 9] = [
    (arch("BIOS (0)", 0), "_bios"),
    (arch("UEFI IA32 (6)", 6), "_ia32"),
    (arch("UEFI x64 (7)", 7), "_uefi"),
    (arch("UEFI x64 (9)", 9), "_uefi"),
    (arch("UEFI ARM64 (11)", 11), "_aa64"),
    (arch("UEFI RISC-V (27)", 27), ""),
    (ipxe("iPXE on BIOS", 0), "_bios"),
    (ipxe("iPXE on UEFI x64", 7), "_uefi"),
    (Asker { what: "a machine that does not say what it is", arch: None, user_class: None }, ""),
];

const fn arch(what: &'static str, arch: u16) -> Asker {
    Asker { what, arch: Some(arch), user_class: None }
}

const fn ipxe(what: &'static str, arch: u16) -> Asker {
    Asker { what, arch: Some(arch), user_class: Some("iPXE") }
}

/// A DHCP server to enter snippets into.
struct Subject {
    /// The dialect it takes.
    dialect: &'static str,
    program: &'static str,
    /// A whole configuration around a snippet: one pool on the wire, and nothing else.
    config: fn(&str) -> String,
    /// The words behind the program that check a configuration, and those that serve by it.
    check: fn(&Place<'_>) -> Vec<String>,
    serve: fn(&Place<'_>) -> Vec<String>,
    /// A part of the line it prints when it answers.
    ready: &'static str,
}

/// Where a server's files are.
struct Place<'a> {
    config: &'a Path,
    folder: &'a Path,
}

impl Place<'_> {
    fn config(&self) -> String {
        self.config.to_string_lossy().into_owned()
    }

    fn file(&self, name: &str) -> String {
        self.folder.join(name).to_string_lossy().into_owned()
    }
}

const SUBJECTS: [Subject; 3] = [
    Subject {
        dialect: "dnsmasq",
        program: "dnsmasq",
        config: |snippet| format!("{snippet}dhcp-range={},{},255.255.255.0,1h\n", POOL[0], POOL[1]),
        check: |place| vec!["--test".into(), format!("--conf-file={}", place.config())],
        serve: |place| {
            let words = foreign::dnsmasq(&place.folder.join("dnsmasq.leases"));
            let ours = format!("--conf-file={}", place.config());
            let nothing = |word: &String| *word == "--conf-file=/dev/null";
            words[1..].iter().filter(|word| !nothing(word)).cloned().chain([ours]).collect()
        },
        ready: "sockets bound",
    },
    Subject {
        dialect: "isc-dhcpd",
        program: "dhcpd",
        config: |snippet| {
            let range = format!("range {} {};", POOL[0], POOL[1]);
            // The ping before an offer costs a second.
            format!(
                "{snippet}ping-check false;\nsubnet 10.77.0.0 netmask 255.255.255.0 {{ {range} }}\n"
            )
        },
        check: |place| words(&["-t", "-cf", &place.config()]),
        serve: |place| {
            let (leases, pid) = (place.file("dhcpd.leases"), place.file("dhcpd.pid"));
            words(&["-4", "-f", "-d", "-cf", &place.config(), "-lf", &leases, "-pf", &pid, "eth0"])
        },
        ready: "Server starting service",
    },
    Subject {
        dialect: "kea",
        program: "kea-dhcp4",
        config: |snippet| {
            let pool = format!("{{ \"pool\": \"{} - {}\" }}", POOL[0], POOL[1]);
            format!(
                "{{ \"Dhcp4\": {{\n{snippet}\
                 \"interfaces-config\": {{ \"interfaces\": [ \"eth0\" ] }},\n\
                 \"lease-database\": {{ \"type\": \"memfile\", \"persist\": false }},\n\
                 \"subnet4\": [ {{ \"id\": 1, \"subnet\": \"10.77.0.0/24\", \"pools\": [ {pool} ] }} ]\n}} }}\n"
            )
        },
        check: |place| words(&["-t", &place.config()]),
        serve: |place| words(&["-c", &place.config()]),
        ready: "DHCP4_STARTED",
    },
];

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

/// Runs the step.
pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    let binary = workspace.build_server()?;
    sweep_leftovers();
    let folder = workspace.target.join("snippets").join(std::process::id().to_string());
    let mut wire = Wire::new()?;
    let server = wire.host("dhcp", FOREIGN_ADDRESS)?;
    let asker = wire.host("asker", ASKER_ADDRESS)?;
    asker.let_broadcast()?;
    for subject in &SUBJECTS {
        for per_arch in [false, true] {
            interrupt::check()?;
            let started = Instant::now();
            let form = if per_arch { "--per-arch" } else { "one name" };
            let place = folder.join(format!(
                "{}{}",
                subject.dialect,
                if per_arch { "-per-arch" } else { "" }
            ));
            let snippet = foreign::snippet(&binary, subject.dialect, per_arch)?;
            try_one(subject, &snippet, per_arch, [&server, &asker], &place).context(|| {
                format!("{} ({form}), files in {}", subject.dialect, place.display())
            })?;
            let (count, took) = (ASKERS.len(), started.elapsed().as_secs_f32());
            println!(
                "  {} {form}: {count} kinds of machine are told what they should be, {took:.1} s",
                subject.dialect
            );
        }
    }
    // Kept where something failed.
    fs::remove_dir_all(&folder).context(|| format!("removing {}", folder.display()))
}

fn try_one(
    subject: &Subject,
    snippet: &str,
    per_arch: bool,
    [server, asker]: [&Namespace; 2],
    folder: &Path,
) -> Result<()> {
    let making = || format!("making files in {}", folder.display());
    fs::create_dir_all(folder).context(making)?;
    let config = folder.join("config");
    fs::write(&config, (subject.config)(snippet)).context(making)?;
    // dhcpd wants it to exist.
    fs::write(folder.join("dhcpd.leases"), "").context(making)?;
    let place = Place { config: &config, folder };
    let program = unconfined(subject.program, folder)?;
    let full = |words: Vec<String>| [vec![program.clone()], words].concat();
    capture(&mut set(server.command(&full((subject.check)(&place))), folder))
        .context(|| "it does not take the configuration".to_owned())?;
    let serving = set(server.command(&full((subject.serve)(&place))), folder);
    let mut process = Background::start(serving, subject.program, &folder.join("log"))?;
    process.wait_for_line(READY_PATIENCE, |line| line.contains(subject.ready))?;
    let askers = ASKERS.map(|(asker, _)| asker);
    let offers = ask(asker, &askers)?;
    process.check_alive()?;
    let faults: Vec<String> = ASKERS
        .iter()
        .zip(&offers)
        .filter_map(|((asker, suffix), offer)| {
            let name = format!("{BAIT}{}", if per_arch { suffix } else { "" });
            fault(&name, offer).map(|why| format!("{}: {why}", asker.what))
        })
        .collect();
    if faults.is_empty() { Ok(()) } else { fail(faults.join("\n  ")) }
}

/// A copy of the program. AppArmor on Debian and Ubuntu knows these servers by their paths, and would not let them
/// read a configuration that lies elsewhere than usual.
fn unconfined(program: &str, folder: &Path) -> Result<String> {
    let found =
        find_program(program).ok_or_else(|| Failure::new(format!("{program} is not there")))?;
    let copy: PathBuf = folder.join(program);
    fs::copy(&found, &copy).context(|| format!("copying {}", found.display()))?;
    Ok(copy.to_string_lossy().into_owned())
}

/// Kea would write to /run and /var otherwise.
fn set(mut command: std::process::Command, folder: &Path) -> std::process::Command {
    command
        .env("KEA_PIDFILE_DIR", folder)
        .env("KEA_LOCKFILE_DIR", folder)
        .env("KEA_LOGGER_DESTINATION", "stdout");
    command
}

/// Why a machine with this offer would not ask our server for this name.
fn fault(name: &str, offer: &Offer) -> Option<String> {
    if offer.next_server != SERVER_ADDRESS {
        return Some(format!("siaddr is {}, not {SERVER_ADDRESS}", offer.next_server));
    }
    // shim reads nothing but the header; EDK2 reads option 67 first.
    if offer.file != name || offer.boot_file.as_ref().is_some_and(|other| *other != name) {
        return Some(format!(
            "file is {:?} and option 67 {:?}, not {name}",
            offer.file, offer.boot_file
        ));
    }
    if let Some(class) = &offer.vendor_class {
        return Some(format!("option 60 is {class}: UEFI would now wait for port 4011"));
    }
    let misled = offer.server_name.as_ref().filter(|told| **told != SERVER_ADDRESS.to_string());
    misled.map(|told| format!("option 66 is {told}, not {SERVER_ADDRESS}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_offer_is_good_only_if_every_firmware_reads_the_same_in_it() {
        let good = Offer {
            next_server: SERVER_ADDRESS,
            file: "pxe-loader_uefi".into(),
            vendor_class: None,
            server_name: None,
            boot_file: None,
        };
        assert_eq!(fault("pxe-loader_uefi", &good), None);
        let in_options_too = Offer {
            boot_file: Some("pxe-loader_uefi".into()),
            server_name: Some(SERVER_ADDRESS.to_string()),
            ..good.clone()
        };
        assert_eq!(fault("pxe-loader_uefi", &in_options_too), None);
        for wrong in [
            Offer { next_server: FOREIGN_ADDRESS, ..good.clone() },
            Offer { file: "pxe-loader".into(), ..good.clone() },
            Offer { file: String::new(), ..in_options_too },
            Offer { boot_file: Some("pxe-loader_bios".into()), ..good.clone() },
            Offer { vendor_class: Some("PXEClient".into()), ..good.clone() },
            Offer { server_name: Some("10.77.0.1".into()), ..good },
        ] {
            assert!(fault("pxe-loader_uefi", &wrong).is_some(), "{wrong:?}");
        }
    }
}
