//! `cargo xtask test --only debian`: the package is built, installed on a fresh Debian whose init is systemd, and
//! started by its unit; a machine boots from it; it is upgraded, removed and purged. Then the container image is made of
//! it, and a machine boots from a container.

mod build;
mod container;
mod hang;
mod image;
mod lint;
mod machine;
mod root;

use core::time::Duration;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::time::Instant;

use self::build::Packer;
use self::machine::Machine;
use crate::error::{Context as _, Failure, Result, fail};
use crate::interrupt;
use crate::lab::firmware;
use crate::lab::foreign::ForeignServer;
use crate::lab::topology::Topology;
use crate::lab::vm::{Vm, gave_up, mac_text};
use crate::lab::wire::{FOREIGN_ADDRESS, SERVER_ADDRESS, Wire, sweep_leftovers};
use crate::packages::{self, Need};
use crate::process::tail;
use crate::workspace::Workspace;

pub(crate) use self::build::run as build;
pub(crate) use self::image::run as build_image;

pub(crate) const NEEDS: &[&Need] = &[
    &packages::WIRE,
    &packages::DNSMASQ,
    &packages::QEMU_X86,
    &packages::QEMU_ROM,
    &packages::DEBOOTSTRAP,
    &packages::NAMESPACES,
    &packages::PACKERS,
    &packages::PODMAN,
    &packages::LINTIAN,
];

/// An emulated machine on a busy computer.
const BOOT_PATIENCE: Duration = Duration::from_secs(300);
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// `CAP_NET_BIND_SERVICE` and `CAP_NET_RAW`, as `/proc/PID/status` has them (capabilities(7)).
const RIGHTS: u64 = 1 << 10 | 1 << 13;
const CONFIG: &str = "/etc/pxe-server/pxe-server.toml";
const INSTALLED: [&str; 6] = [
    CONFIG,
    "/usr/share/man/man1/pxe-server.1.gz",
    "/usr/share/man/man1/pxe-server-serve.1.gz",
    "/usr/share/bash-completion/completions/pxe-server",
    "/srv/pxe-server/boot",
    "/var/lib/pxe-server",
];
/// What the administrator writes.
const OWN_LINES: &str = "\n# mine\n[[host]]\nmac = \"52:54:00:00:00:77\"\nboot = false\n";
/// Every path; what Debian itself changes as it lives is left out.
const EVERY_PATH: &str = "find / -xdev \\( -path /proc -o -path /sys -o -path /run -o -path /dev -o -path /tmp \
    -o -path /var/log -o -path /var/tmp -o -path /var/lib/dpkg -o -path /var/lib/systemd -o -path /var/cache \\) \
    -prune -o ! -name '*-' ! -name .pwd.lock -print";

/// Runs the step.
pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    let packer = Packer::prepare(workspace)?;
    // The second one is the newer version. Both are packed quickly rather than well.
    let [first, second] = [packer.pack("+test", &["--fast"])?, packer.pack("+test2", &["--fast"])?];
    let (bare, lower) = (root::bare(&workspace.target)?, root::with_init(&workspace.target)?);
    sweep_leftovers();
    let folder = workspace.target.join("debian-test").join(std::process::id().to_string());
    let shown = folder.join("packages");
    fs::create_dir_all(&shown).context(|| format!("making {}", shown.display()))?;
    for (from, name) in [(&first, "first.deb"), (&second, "second.deb")] {
        fs::copy(from, shown.join(name)).context(|| format!("copying {}", from.display()))?;
    }
    let logs = || format!("logs in {}", folder.display());
    // While one server hangs, there is time for what needs no wire.
    let mut store = None;
    let mut meanwhile = || {
        lint::check(&first)?;
        store = Some(container::build(&bare, &first, &folder)?);
        Ok(())
    };
    play(&lower, &shown, &folder, &mut meanwhile).context(logs)?;
    if let Some(store) = store {
        container::play(&store, &folder).context(logs)?;
    }
    // Kept where something failed.
    fs::remove_dir_all(&folder).context(|| format!("removing {}", folder.display()))
}

/// Done while the server hangs.
type Meanwhile<'m> = &'m mut dyn FnMut() -> Result<()>;

fn play(lower: &Path, shown: &Path, folder: &Path, meanwhile: Meanwhile<'_>) -> Result<()> {
    let mut wire = Wire::new()?;
    let dhcp = wire.host("dhcp", FOREIGN_ADDRESS)?;
    let boot = wire.host("boot", SERVER_ADDRESS)?;
    let _foreign = ForeignServer::start(&dhcp, &Topology::PROXY.site.range(), folder)?;
    let debian = Machine::boot(&boot, lower, shown, folder)?;
    let told = || {
        let journal = debian.run(&["journalctl", "--unit=pxe-server", "--output=cat"]);
        format!("the server said:\n{}", tail(&journal.unwrap_or_default(), 15))
    };
    let played = life(&debian, &wire, folder, meanwhile);
    played.map_err(|why| Failure::new(format!("{why}\n{}", told())))
}

/// From installation to purge.
fn life(debian: &Machine, wire: &Wire, folder: &Path, meanwhile: Meanwhile<'_>) -> Result<()> {
    let before = paths(debian)?;
    hang::prepare(debian)?;
    debian.run(&["dpkg", "--install", "/mnt/first.deb"])?;
    let first = check_running(debian)?;
    for path in INSTALLED {
        debian.run(&["test", "-e", path]).context(|| format!("{path} is not installed"))?;
    }
    println!("installed, and started by systemd as an unprivileged user (process {first})");
    boot_machine(wire, folder, || {
        debian.run(&["journalctl", "--unit=pxe-server", "--output=cat"])
    })?;
    check_journal_fields(debian)?;

    hang::hold(debian, &first)?;
    meanwhile()?;
    let first = hang::wait_for_restart(debian, &first)?;
    println!("a loop hung: systemd started the server anew (process {first})");

    debian.shell(&format!("printf '{}' >> {CONFIG}", OWN_LINES.replace('\n', "\\n")))?;
    debian.run(&["systemctl", "reload", "pxe-server"])?;
    debian.run(&["dpkg", "--install", "/mnt/second.deb"])?;
    let second = check_running(debian)?;
    if first == second {
        return fail("the upgrade did not start the server anew");
    }
    debian
        .run(&["grep", "-q", "^# mine$", CONFIG])
        .context(|| "the configuration is gone".to_owned())?;
    let mac = mac_text(firmware::Machine::Bios.hardware_address());
    debian
        .run(&["grep", "-q", &mac, "/var/lib/pxe-server/journal"])
        .context(|| "the journal does not know the machine that booted".to_owned())?;
    println!("upgraded: configuration and journal kept, server started anew (process {second})");

    debian.run(&["dpkg", "--remove", "pxe-server"])?;
    if debian.run(&["systemctl", "is-active", "pxe-server"]).is_ok() {
        return fail("the server still runs after the package was removed");
    }
    debian.run(&["test", "-e", CONFIG]).context(|| "removing took the configuration".to_owned())?;
    debian.run(&["dpkg", "--purge", "pxe-server"])?;
    let after = paths(debian)?;
    let left: Vec<_> = after.difference(&before).cloned().collect();
    if !left.is_empty() {
        return fail(format!("purging left behind: {}", left.join(" ")));
    }
    println!("removed and purged: no file is left");
    Ok(())
}

/// That it runs as its unit says; its process number.
fn check_running(debian: &Machine) -> Result<String> {
    debian.run(&["systemctl", "is-active", "pxe-server"])?;
    debian.run(&["systemctl", "is-enabled", "pxe-server"])?;
    let pid = debian.run(&["systemctl", "show", "--property=MainPID", "--value", "pxe-server"])?;
    let pid = pid.trim().to_owned();
    let status = debian.run(&["cat", &format!("/proc/{pid}/status")])?;
    let user = debian.run(&["id", "--user", "pxe-server"])?;
    check_rights(&status, user.trim(), RIGHTS)?;
    Ok(pid)
}

fn check_rights(status: &str, user: &str, rights: u64) -> Result<()> {
    let field = |name: &str| status.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
    let users: Vec<&str> = field("Uid:").unwrap_or_default().split_whitespace().collect();
    if user == "0" || users.is_empty() || users.iter().any(|it| *it != user) {
        return fail(format!("it runs as {users:?} and not as {user}"));
    }
    for name in ["CapEff:", "CapPrm:", "CapBnd:"] {
        let found = field(name).and_then(|text| u64::from_str_radix(text, 16).ok());
        if found != Some(rights) {
            return fail(format!("{name} {found:x?}, and not {rights:x}"));
        }
    }
    Ok(())
}

/// A machine with BIOS boots from the installed server to its menu; `told` is what the server has said until now.
fn boot_machine(wire: &Wire, folder: &Path, told: impl Fn() -> Result<String>) -> Result<()> {
    let machine = firmware::Machine::Bios;
    let tap = wire.tap("t-debian")?;
    let mut vm = Vm::start(machine, &tap, folder)?;
    let mac = mac_text(machine.hardware_address());
    let deadline = Instant::now() + BOOT_PATIENCE;
    loop {
        interrupt::pause(LOOK_EVERY)?;
        let delivered = told()?
            .lines()
            .any(|line| line.contains(&format!("{mac} delivered")) && line.contains("menu.ipxe"));
        let screen = vm.screen();
        if delivered && screen.contains("Boot from the local disk") {
            println!("{} booted to the menu", machine.title());
            return Ok(());
        }
        if gave_up(&screen) || vm.is_off()? || Instant::now() > deadline {
            return fail(format!("the machine did not come to the menu:\n{}", tail(&screen, 8)));
        }
    }
}

/// That systemd's journal can be asked for a machine and a stage.
fn check_journal_fields(debian: &Machine) -> Result<()> {
    let mac = format!("MAC={}", mac_text(firmware::Machine::Bios.hardware_address()));
    let fields = [&*mac, "STAGE=delivered", "FIRMWARE=bios", "FILE=menu.ipxe"];
    let found = debian.run(&[&["journalctl", "--output=cat"][..], &fields].concat())?;
    if found.contains(" delivered menu.ipxe ") {
        return Ok(());
    }
    fail(format!("systemd's journal has nothing for {}: {found:?}", fields.join(" ")))
}

fn paths(debian: &Machine) -> Result<BTreeSet<String>> {
    Ok(debian.shell(EVERY_PATH)?.lines().map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rights_and_user_are_read_from_the_kernels_words() {
        let status = "Name:\tpxe-server\nUid:\t998\t998\t998\t998\nCapPrm:\t0000000000002400\n\
                      CapEff:\t0000000000002400\nCapBnd:\t0000000000002400\n";
        assert!(check_rights(status, "998", RIGHTS).is_ok());
        assert!(check_rights(status, "0", RIGHTS).is_err());
        assert!(
            check_rights(&status.replace("CapEff:\t0000000000002400", "CapEff:\t1"), "998", RIGHTS)
                .is_err()
        );
        assert!(check_rights("", "998", RIGHTS).is_err());
    }
}
