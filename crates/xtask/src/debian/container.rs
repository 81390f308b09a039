//! The container image is built, on a base made here under the name that the registry has for it, and a machine boots
//! from a container that has the documented capabilities and no other.

use core::time::Duration;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{RIGHTS, boot_machine, check_rights, image, root};
use crate::error::{Context as _, Failure, Result, fail};
use crate::lab::firmware::Machine;
use crate::lab::foreign::ForeignServer;
use crate::lab::server::message;
use crate::lab::topology::Topology;
use crate::lab::vm::mac_text;
use crate::lab::wire::{FOREIGN_ADDRESS, Namespace, SERVER_ADDRESS, Wire};
use crate::process::{Background, capture, command, tail};

const IMAGE: &str = "localhost/pxe-server:test";
const CONTAINER: &str = "pxelab";
/// The documented way to run it, but that resource limits and control groups are left as they are: this may itself be a
/// container that has no right to either.
const RUN: &str = "run --name pxelab --network host --cgroups disabled --ulimit nofile=4096:4096 \
                   --ulimit nproc=4096:4096 --cap-drop ALL";
const CAPABILITIES: &str = "--cap-add NET_BIND_SERVICE,NET_RAW";
const STATE: &str = "pxe-state:/var/lib/pxe-server";
const START_PATIENCE: Duration = Duration::from_secs(60);
/// In a host's own view of the system, where `ip netns exec` shows no control groups: the runtime wants to see some.
const IN_HOST: &str = "mount -t cgroup2 cgroup2 /sys/fs/cgroup; exec \"$@\"";

/// Images and containers in a folder of their own. Dropping it forgets them.
#[derive(Debug)]
pub(super) struct Store {
    folder: PathBuf,
    /// What is forgotten when the computer starts anew; podman wants a short name (50 bytes).
    run: PathBuf,
}

/// Builds the image.
pub(super) fn build(bare: &Path, package: &Path, folder: &Path) -> Result<Store> {
    let run = PathBuf::from(format!("/run/pxelab-{}-podman", std::process::id()));
    let store = Store { folder: folder.join("containers"), run };
    let base = root::base_image()?;
    store.import(bare, &base)?;
    let context = image::context(folder, package)?;
    let words = image::build_words(&context, &base, IMAGE);
    let (build, rest) = words.split_first().ok_or_else(|| Failure::new("no words"))?;
    // No registry is asked, and the steps run without a sandbox of their own, for the same reason as in `RUN`.
    let own = ["--pull=never", "--quiet", "--isolation=chroot", "--network=host"];
    let own = own.map(str::to_owned);
    capture(&mut store.alone(&[core::slice::from_ref(build), &own[..], rest].concat()))?;
    println!("the container image is built");
    Ok(store)
}

/// Has a machine boot from a container.
pub(super) fn play(store: &Store, folder: &Path) -> Result<()> {
    let mut wire = Wire::new()?;
    let dhcp = wire.host("dhcp", FOREIGN_ADDRESS)?;
    let boot = wire.host("boot", SERVER_ADDRESS)?;
    let _foreign = ForeignServer::start(&dhcp, &Topology::PROXY.site.range(), folder)?;
    store.check_refused(&boot)?;
    let mut container = store.start(&boot, folder)?;
    store.check_running()?;
    let booted = boot_machine(&wire, folder, || Ok(container.printed()));
    booted.map_err(|why| {
        let said = tail(&container.printed(), 15);
        Failure::new(format!("{why}\nthe server in the container said:\n{said}"))
    })?;
    let status = container.stop()?;
    if !status.success() {
        return fail(format!("the server in the container did not end well: {status}"));
    }
    store.check_state()
}

impl Store {
    /// The root of a fresh Debian becomes the image of this name.
    fn import(&self, bare: &Path, name: &str) -> Result<()> {
        let archive = self.folder.join("base.tar");
        fs::create_dir_all(&self.folder).context(|| format!("making {}", self.folder.display()))?;
        let (file, bare) = (archive.to_string_lossy(), bare.to_string_lossy());
        capture(&mut command(&["tar", "--create", "--file", &file, "--directory", &bare, "."]))?;
        capture(&mut self.alone(&["import", "--quiet", &file, name]))?;
        fs::remove_file(&archive).context(|| format!("removing {file}"))
    }

    /// Without the capabilities the program does not even start, and nobody wonders why machines are not answered.
    fn check_refused(&self, host: &Namespace) -> Result<()> {
        let words = [&RUN.split_whitespace().collect::<Vec<_>>()[..], &["--rm", IMAGE]].concat();
        match capture(&mut self.on(host, &words)) {
            Err(why) if why.to_string().contains("peration not permitted") => Ok(()),
            Err(why) => Err(why),
            Ok(_) => fail("it runs without its capabilities"),
        }
    }

    fn start(&self, host: &Namespace, folder: &Path) -> Result<Background> {
        let served = folder.join("served");
        let boot = served.join("boot");
        fs::create_dir_all(&boot).context(|| format!("making {}", boot.display()))?;
        let served = format!("{}:/srv/pxe-server:ro", served.display());
        let words: Vec<&str> = RUN
            .split_whitespace()
            .chain(CAPABILITIES.split_whitespace())
            .chain(["-v", &*served, "-v", STATE, IMAGE])
            .collect();
        let log = folder.join("container.log");
        let mut process = Background::start(self.on(host, &words), "the container", &log)?;
        process.wait_for_line(START_PATIENCE, |line| message(line).starts_with("ready"))?;
        Ok(process)
    }

    /// That it runs as its user, with its rights and no other.
    fn check_running(&self) -> Result<()> {
        let pid = self.ask(&["inspect", "--format", "{{.State.Pid}}", CONTAINER])?;
        let file = format!("/proc/{pid}/status");
        let status = fs::read_to_string(&file).context(|| format!("reading {file}"))?;
        check_rights(&status, "999", RIGHTS)?;
        println!("a container runs with {CAPABILITIES}, as an unprivileged user");
        Ok(())
    }

    /// That the server could write to its volume, and that the volume outlives the container.
    fn check_state(&self) -> Result<()> {
        self.ask(&["rm", CONTAINER])?;
        let at = self.ask(&["volume", "inspect", "--format", "{{.Mountpoint}}", "pxe-state"])?;
        let file = Path::new(&at).join("journal");
        let journal =
            fs::read_to_string(&file).context(|| format!("reading {}", file.display()))?;
        let mac = mac_text(Machine::Bios.hardware_address());
        if journal.contains(&mac) {
            println!("its volume has the journal of {mac}");
            return Ok(());
        }
        fail(format!("{} does not know {mac}", file.display()))
    }

    fn ask(&self, words: &[&str]) -> Result<String> {
        capture(&mut self.alone(words)).map(|text| text.trim().to_owned())
    }

    /// podman in a view of the file systems that ends with it.
    fn alone<W: AsRef<str>>(&self, words: &[W]) -> Command {
        command(&[&["unshare".to_owned(), "--mount".to_owned()], &self.podman(words)[..]].concat())
    }

    /// podman on a host of the wire.
    fn on(&self, host: &Namespace, words: &[&str]) -> Command {
        let shell = ["sh", "-ec", IN_HOST, "sh"].map(str::to_owned);
        host.command(&[&shell[..], &self.podman(words)].concat())
    }

    fn podman<W: AsRef<str>>(&self, words: &[W]) -> Vec<String> {
        let root = self.folder.join("root");
        let [root, run] = [&root, &self.run].map(|folder| folder.display().to_string());
        let own = ["podman", "--root", &*root, "--runroot", &*run];
        own.into_iter().chain(words.iter().map(AsRef::as_ref)).map(str::to_owned).collect()
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        // What runs in one dies with the wire; here it is only forgotten.
        let _ = self.ask(&["rm", "--force", "--all", "--volumes"]);
        let _ = fs::remove_dir_all(&self.run);
    }
}
