//! The server under test, in a namespace of its own.

use core::time::Duration;
use std::fs;
use std::path::{Path, PathBuf};

use crate::error::{Context as _, Failure, Result, fail};
use crate::lab::foreign;
use crate::lab::topology::{Topology, late};
use crate::lab::wire::Namespace;
use crate::process::Background;

/// Generous: the machine may be busy building or emulating.
const READY_PATIENCE: Duration = Duration::from_secs(60);

/// Which program plays the boot server.
#[derive(Debug, Clone)]
pub(crate) enum Subject {
    /// Ours: the path of the binary.
    Ours(PathBuf),
    /// dnsmasq as a proxy. It shows whether a failure lies in the lab or in our server.
    StandIn,
}

/// What the server is to serve.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Setup<'a> {
    pub(crate) topology: Topology,
    /// The folder of boot files.
    pub(crate) root: &'a Path,
    /// Configuration after the first lines: rules, loaders.
    pub(crate) rules: &'a str,
    /// What the stand-in names to a client that is iPXE already.
    pub(crate) for_ipxe: &'a str,
}

/// The server. Dropping it ends it.
#[derive(Debug)]
pub(crate) struct Server {
    /// None while it is kept away.
    process: Option<Background>,
    host: Namespace,
    /// None if dnsmasq stands in for it.
    ours: Option<Ours>,
    /// What it said before it was kept away.
    earlier: Vec<String>,
}

/// What our server is started with.
#[derive(Debug)]
struct Ours {
    binary: PathBuf,
    config: String,
    folder: PathBuf,
}

impl Server {
    /// Starts the server on its host and waits until its sockets are bound.
    pub(crate) fn start(
        host: Namespace,
        subject: &Subject,
        setup: Setup<'_>,
        folder: &Path,
    ) -> Result<Self> {
        let (process, ours) = match subject {
            Subject::Ours(binary) => {
                let ours = Ours {
                    binary: binary.clone(),
                    config: config(setup),
                    folder: folder.to_owned(),
                };
                (ours.start(&host)?, Some(ours))
            }
            Subject::StandIn => {
                let words = stand_in(setup, &folder.join("stand-in.leases"));
                let log = folder.join("server.log");
                (foreign::start(&host, &words, "dnsmasq as a proxy", &log)?, None)
            }
        };
        Ok(Self { process: Some(process), host, ours, earlier: Vec::new() })
    }

    pub(crate) fn is_ours(&self) -> bool {
        self.ours.is_some()
    }

    /// Ends it, and keeps its host quiet until [`Self::return_to_duty`].
    pub(crate) fn keep_away(&mut self) -> Result<()> {
        self.stop()?;
        self.earlier = self.story();
        self.process = None;
        late::close(&self.host)
    }

    /// While it is away: takes from it what it has kept.
    pub(crate) fn forget(&self) -> Result<()> {
        let Some(ours) = &self.ours else { return fail("only our server can be made to forget") };
        let state = ours.folder.join("state");
        if !state.exists() {
            return Ok(());
        }
        fs::remove_dir_all(&state).context(|| format!("removing {}", state.display()))
    }

    pub(crate) fn is_away(&self) -> bool {
        self.process.is_none()
    }

    /// Starts it again; returns when it answers.
    pub(crate) fn return_to_duty(&mut self) -> Result<()> {
        if let Some(ours) = &self.ours {
            self.process = Some(ours.start(&self.host)?);
        }
        late::open(&self.host)
    }

    pub(crate) fn check_alive(&mut self) -> Result<()> {
        self.process.as_mut().map_or(Ok(()), Background::check_alive)
    }

    /// The messages of the log, in order.
    pub(crate) fn story(&self) -> Vec<String> {
        let printed = self.process.as_ref().map(Background::printed).unwrap_or_default();
        let now = printed.lines().map(|line| message(line).to_owned());
        self.earlier.iter().cloned().chain(now).collect()
    }

    /// What it keeps in memory now.
    pub(crate) fn memory(&self) -> Result<Memory> {
        let Some(process) = &self.process else { return fail("the server does not run") };
        let file = format!("/proc/{}/status", process.pid());
        let status = fs::read_to_string(&file).context(|| format!("reading {file}"))?;
        Memory::read(&status)
            .ok_or_else(|| Failure::new(format!("{file} lacks RssAnon, RssShmem or VmRSS")))
    }

    /// Asks it to end; our server must then end well.
    pub(crate) fn stop(&mut self) -> Result<()> {
        let Some(process) = &mut self.process else { return Ok(()) };
        let status = process.stop()?;
        if self.is_ours() && !status.success() {
            return fail(format!("SIGTERM did not end the server well: {status}"));
        }
        Ok(())
    }
}

impl Ours {
    fn start(&self, host: &Namespace) -> Result<Background> {
        launch(host, &self.binary, &[], &self.config, &self.folder)
    }
}

/// Starts our server with this configuration, and flags besides, and waits until its sockets are bound. It writes to
/// `folder`.
pub(crate) fn launch(
    host: &Namespace,
    binary: &Path,
    flags: &[&str],
    config: &str,
    folder: &Path,
) -> Result<Background> {
    let file = folder.join("server.toml");
    fs::write(&file, config).context(|| format!("writing {}", file.display()))?;
    let (binary, file) = (binary.to_string_lossy(), file.to_string_lossy());
    let words = [&[&*binary, "--config", &file], flags, &["serve"]].concat();
    let mut command = host.command(&words);
    command.env("RUST_LOG_STYLE", "never").env_remove("JOURNAL_STREAM").current_dir(folder);
    let mut process = Background::start(command, "the server", &folder.join("server.log"))?;
    process.wait_for_line(READY_PATIENCE, |line| message(line).starts_with("ready"))?;
    Ok(process)
}

/// The configuration file for a server on the lab's wire.
pub(crate) fn config(setup: Setup<'_>) -> String {
    format!(
        "interfaces = [\"eth0\"]\nroot = {}\n\n[dhcp]\nmode = \"{}\"\n\n{}{}",
        toml_string(&setup.root.to_string_lossy()),
        setup.topology.mode.word(),
        setup.rules,
        setup.topology.subnets()
    )
}

/// A basic string of TOML.
pub(crate) fn toml_string(text: &str) -> String {
    let mut quoted = String::from('"');
    for character in text.chars() {
        match character {
            '"' | '\\' => quoted.extend(['\\', character]),
            control if control.is_control() => {
                quoted.push_str(&format!("\\u{:04X}", u32::from(control)));
            }
            plain => quoted.push(plain),
        }
    }
    quoted.push('"');
    quoted
}

/// What a log line of our server says: the part after the time and the level, where they are.
pub(crate) fn message(line: &str) -> &str {
    let starts_a_time =
        |word: &str| word.starts_with(|c: char| c.is_ascii_digit()) && word.ends_with('Z');
    let text = match line.split_once(' ') {
        Some((time, text)) if starts_a_time(time) => text,
        _ => line,
    };
    let levels = ["error: ", "warn: ", "debug: ", "trace: "];
    levels.into_iter().find_map(|level| text.strip_prefix(level)).unwrap_or(text)
}

/// What a process keeps in memory, in KiB.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Memory {
    /// What is its own: nobody else has it, and the system cannot read it anew from a file.
    pub(crate) own: u64,
    /// That, and what is mapped of files. Of the program's file the kernel maps whole stretches around
    /// each page that ran (`fault_around_bytes`), so this says as much of the kernel as of the program.
    pub(crate) resident: u64,
}

impl Memory {
    /// From `/proc/PID/status` (proc(5)).
    fn read(status: &str) -> Option<Self> {
        let value = |key| {
            let line = status.lines().find_map(|line| line.strip_prefix(key))?;
            line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()
        };
        Some(Self { own: value("RssAnon:")? + value("RssShmem:")?, resident: value("VmRSS:")? })
    }
}

fn stand_in(setup: Setup<'_>, leases: &Path) -> Vec<String> {
    let mut words = foreign::dnsmasq(leases);
    let root = setup.root.display();
    words.extend([
        "--dhcp-range=10.77.0.0,proxy".to_owned(),
        "--enable-tftp".to_owned(),
        format!("--tftp-root={root}"),
        "--dhcp-match=set:ipxe,175".to_owned(),
        format!("--dhcp-boot=tag:ipxe,{}", setup.for_ipxe),
        format!("--pxe-service=tag:ipxe,x86PC,lab,{}", setup.for_ipxe),
    ]);
    // 7 and 9 are both used by x64 firmware (IANA DHCPv6 registry, RFC 4578 erratum).
    let loaders =
        [("7", "ipxe.efi"), ("9", "ipxe.efi"), ("6", "grubnetia32.efi"), ("11", "bootnetaa64.efi")];
    words.extend(loaders.map(|(arch, file)| format!("--pxe-service=tag:!ipxe,{arch},lab,{file}")));
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_message_is_what_follows_time_and_level() {
        let line = "2026-08-01T10:00:00.000Z 52:54:00:aa:00:01 offered ipxe.efi";
        assert_eq!(message(line), "52:54:00:aa:00:01 offered ipxe.efi");
        assert_eq!(message("2026-08-01T10:00:00Z warn: port 67 is taken"), "port 67 is taken");
        assert_eq!(message("ready: eth0 10.77.0.2"), "ready: eth0 10.77.0.2");
    }

    #[test]
    fn memory_is_read_from_the_kernels_words() {
        let status = "VmHWM:\t    7000 kB\nVmRSS:\t    6528 kB\nRssAnon:\t    2900 kB\n\
                      RssFile:\t    3618 kB\nRssShmem:\t      10 kB\nThreads:\t1\n";
        assert_eq!(Memory::read(status), Some(Memory { own: 2910, resident: 6528 }));
        assert_eq!(Memory::read("VmRSS:\t    6528 kB\n"), None);
    }

    #[test]
    fn odd_paths_stay_one_string() {
        assert_eq!(toml_string("/a \"b\"\\c\n"), "\"/a \\\"b\\\"\\\\c\\u000A\"");
        let root = Path::new("/boot files");
        let topology = Topology::OBSERVE;
        let setup = Setup { topology, root, rules: "[tftp]\n", for_ipxe: "" };
        let text = config(setup);
        assert!(text.contains("[dhcp]\nmode = \"observe\"\n"));
        assert!(text.contains("root = \"/boot files\"\n") && text.ends_with("\n\n[tftp]\n"));
        let text = config(Setup { topology: Topology::SERVER_RELAYED, ..setup });
        assert!(text.contains("[dhcp]\nmode = \"server\"\n"));
        assert!(text.contains("[tftp]\n\n[[dhcp.subnet]]\nnetwork = \"10.78.0.0/24\"\n"));
        assert!(text.ends_with("routers = [\"10.78.0.254\"]\n"), "{text}");
    }
}
