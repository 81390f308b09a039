//! The machine that is measured on: its cores, its limits, and a network of its own.

use std::io;
use std::process::Command;

use nix::sched::{CloneFlags, CpuSet, sched_getaffinity, sched_setaffinity, unshare};
use nix::sys::resource::{Resource, UsageWho, getrlimit, getrusage, setrlimit};
use nix::sys::time::TimeValLike as _;
use nix::unistd::{Pid, geteuid};

/// Descriptors that the largest row takes, in the generator and in a server each.
const DESCRIPTORS_WANTED: u64 = 32_768;

/// Which cores do what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cores {
    /// The core of the load generator.
    pub generator: usize,
    /// The cores of the server that is measured.
    pub servers: Vec<usize>,
}

impl Cores {
    /// The first core that we may use for the generator, the following `servers` for the server. With a single core
    /// both share it.
    ///
    /// # Errors
    /// If the system does not tell which cores we may use.
    pub fn divide(servers: usize) -> io::Result<Self> {
        let allowed = sched_getaffinity(Pid::from_raw(0))?;
        let usable = (0..CpuSet::count()).filter(|&core| allowed.is_set(core).unwrap_or(false));
        let usable: Vec<usize> = usable.collect();
        let generator = usable.first().copied().unwrap_or(0);
        let servers: Vec<usize> = usable.into_iter().skip(1).take(servers.max(1)).collect();
        let servers = if servers.is_empty() { vec![generator] } else { servers };
        Ok(Self { generator, servers })
    }
}

/// Binds this thread, and what it starts from now on, to some cores.
///
/// # Errors
/// If one of them is not ours to use.
pub fn pin(cores: &[usize]) -> io::Result<()> {
    let mut set = CpuSet::new();
    for &core in cores {
        set.set(core)?;
    }
    Ok(sched_setaffinity(Pid::from_raw(0), &set)?)
}

/// Takes as many descriptors as the largest row needs, or as many as we can get; returns how many.
pub fn raise_descriptor_limit() -> u64 {
    let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE) else { return 0 };
    let raised = soft.max(DESCRIPTORS_WANTED);
    // Beyond the hard limit only root gets.
    for (soft, hard) in [(raised, hard.max(raised)), (raised.min(hard), hard)] {
        if setrlimit(Resource::RLIMIT_NOFILE, soft, hard).is_ok() {
            return soft;
        }
    }
    soft
}

/// Gives this process a network that has nothing but loopback, so that no port is taken, nobody is disturbed and no
/// packet filter counts along. Needs root; whether it happened.
pub fn isolate() -> bool {
    if !geteuid().is_root() {
        return false;
    }
    let ip = |words: &[&str]| {
        Command::new("ip").args(words).output().is_ok_and(|output| output.status.success())
    };
    // See first whether `ip` is there: without it the new network would be of no use.
    ip(&["-V"])
        && unshare(CloneFlags::CLONE_NEWNET).is_ok()
        && ip(&["link", "set", "lo", "up"])
        // tftpd-hpa resolves its own address only where some address is not a loopback one.
        && ip(&["address", "add", "192.0.2.1/32", "dev", "lo"])
}

/// Processor time of this thread so far, in seconds.
pub fn own_seconds() -> f64 {
    let Ok(usage) = getrusage(UsageWho::RUSAGE_THREAD) else { return 0.0 };
    let microseconds =
        usage.user_time().num_microseconds() + usage.system_time().num_microseconds();
    microseconds as f64 / 1e6
}
