//! What is allowed, and yet may not be meant; what is missing of files that the configuration names.

use std::fs;
use std::path::Path;

use nix::unistd::{AccessFlags, access};
use pxe_select::{RAM_DISK_ENTRY, RamDisk, Target};

use crate::config::{Config, DhcpMode, Fault, HostConfig};
use crate::content::{Catalogue, Images, ImagesAsked, State};
use crate::driver::interfaces;
use crate::engine::Images as _;
use crate::folders;

/// Images need not be there; a folder that is there and cannot be read is not meant so.
pub fn unreadable_images(config: &Config) -> Option<Fault> {
    let exists = fs::symlink_metadata(&config.images).is_ok();
    exists.then(|| folders::unreadable("images", &config.images)).flatten()
}

pub(super) fn served_uploads(config: &Config) -> Option<&Path> {
    let uploads = config.tftp.uploads.as_ref().filter(|_| config.tftp.enabled);
    uploads.map(|uploads| &*uploads.value)
}

/// What keeps clients from sending files although they should.
pub fn uploads(config: &Config) -> Option<Fault> {
    let folder = served_uploads(config)?;
    let line = config.tftp.uploads.as_ref().map(|uploads| uploads.line);
    let shown = folder.display();
    let fault = |problem: String, remedy: String| {
        Some(Fault::new("tftp.uploads", problem, remedy).at(line))
    };
    match fs::metadata(folder) {
        Err(error) => fault(
            format!("{shown} cannot be read: {error}"),
            format!("mkdir -p {shown}, or remove the key: then nobody may send files"),
        ),
        Ok(known) if !known.is_dir() => {
            fault(format!("{shown} is no folder"), "name one, or remove the key".to_owned())
        }
        Ok(_) if access(folder, AccessFlags::W_OK | AccessFlags::X_OK).is_err() => {
            let user = nix::unistd::geteuid();
            fault(
                format!("user {user} may not write into {shown}"),
                format!("chown {user} {shown}, or name another folder"),
            )
        }
        Ok(_) => None,
    }
}

/// What is allowed, and yet may not be meant.
pub fn doubts(config: &Config) -> Vec<Fault> {
    let mut doubts = Vec::new();
    let real = |path: &Path| fs::canonicalize(path).ok();
    if let Some(folder) = served_uploads(config)
        && let (Some(uploads), Some(root)) = (real(folder), real(&config.root))
    {
        let problem = if uploads.starts_with(&root) {
            "is in the root: whatever clients send can be booted by others"
        } else if root.starts_with(&uploads) {
            "contains the root: clients can add files to it, for others to boot"
        } else {
            ""
        };
        if !problem.is_empty() {
            let remedy = "unless you mean it, name a folder outside the root";
            doubts.push(Fault::new(
                "tftp.uploads",
                format!("{} {problem}", folder.display()),
                remedy,
            ));
        }
    }
    if config.http.enabled {
        doubts.extend(unreachable_http(config));
    }
    doubts.extend(missing_seeds(config));
    let names: Vec<&str> = config.interfaces.iter().map(|name| &*name.value).collect();
    doubts.extend(interfaces::down(&names).into_iter().map(|name| {
        let remedy = format!("no machine is heard there before: sudo ip link set {name} up");
        Fault::new("interfaces", format!("{name} is down"), remedy)
    }));
    #[cfg(feature = "admin")]
    doubts.extend(crate::admin::doubt(config));
    for (index, host) in config.hosts.iter().enumerate() {
        let Some(folder) = &host.folder else { continue };
        let path = config.root.join(folder.value.trim_start_matches(['/', '\\']));
        if !path.is_dir() {
            doubts.push(Fault::new(
                format!("host[{}].folder", index + 1),
                format!("the root has no folder {}", folder.value),
                "its files are looked for in the root alone until there is one",
            ));
        }
    }
    doubts.extend(
        config
            .hosts
            .iter()
            .enumerate()
            .flat_map(|(index, host)| missing_files(config, index, host)),
    );
    doubts
}

/// What a host entry boots and the root has not.
fn missing_files(config: &Config, index: usize, host: &HostConfig) -> Vec<Fault> {
    let names: Vec<(&str, &str)> = match host.target.as_ref().map(|target| &target.value) {
        Some(Target::Script(script)) => vec![("script", script)],
        Some(Target::Linux { kernel, initrds, .. }) => {
            let initrds = initrds.iter().map(|initrd| ("initrd", initrd.as_str()));
            [("kernel", kernel.as_str())].into_iter().chain(initrds).collect()
        }
        _ => Vec::new(),
    };
    let is_missing = |(_, name): &(&str, &str)| {
        !Target::is_url(name) && !config.root.join(name.trim_start_matches(['/', '\\'])).is_file()
    };
    let missing = names.into_iter().filter(is_missing);
    let doubt = |(key, name): (&str, &str)| {
        let key = format!("host[{}].{key}", index + 1);
        Fault::new(
            key,
            format!("the root has no file {name}"),
            "put it there before the machine boots",
        )
    };
    missing.map(doubt).collect()
}

/// Images that are broken, and those that are to boot and are not there.
pub(super) fn doubtful_images(config: &Config, found: &Catalogue) -> Vec<Fault> {
    let mut doubts = Vec::new();
    for (name, info) in &found.images {
        if let State::Broken(why) = &info.state {
            let remedy = "nobody is offered it; download it again, or take it away";
            doubts.push(Fault::new(format!("image {name}"), why.clone(), remedy));
        }
    }
    let mut missing = |key: String, wanted: &str| {
        let problem = format!("there is no image {}", config.images.join(wanted).display());
        doubts.push(Fault::new(key, problem, "put it there before the machine boots"));
    };
    let file = |text: &str| text.split_once('#').map_or(text, |(name, _)| name).to_owned();
    for (index, host) in config.hosts.iter().enumerate() {
        if let Some(Target::Image(image)) = host.target.as_ref().map(|target| &target.value)
            && !found.images.contains_key(&file(image))
        {
            missing(format!("host[{}].image", index + 1), &file(image));
        }
    }
    if let Some(default) = &config.menu.default {
        let name = file(&default.value);
        if !found.images.contains_key(&name) && !config.root.join(&name).is_file() {
            missing("menu.default".to_owned(), &name);
        }
    }
    doubts.extend(idle_ram_disks(config, found));
    doubts
}

/// Images that firmware is to start by itself, and never could.
fn idle_ram_disks(config: &Config, found: &Catalogue) -> Vec<Fault> {
    let images = ImagesAsked(Images::new(config.images.clone()));
    let mut doubts = Vec::new();
    for (index, host) in config.hosts.iter().enumerate() {
        let target = host.target.as_ref();
        if let Some(Target::Image(image)) = target.map(|target| &target.value)
            && let Some((name, RAM_DISK_ENTRY)) = image.split_once('#')
            && found.images.contains_key(name)
            && images.ram_disk(name) == RamDisk::Unknown
        {
            doubts.push(Fault::new(
                format!("host[{}].image", index + 1),
                format!("no UEFI firmware could start {name} by itself: it is no .iso or .img with a loader in EFI/BOOT"),
                "name another entry of the image, or none: then a loader of this server boots it",
            ));
        }
    }
    doubts
}

/// Machines whose templates are not there, or whom nobody serves them to.
fn missing_seeds(config: &Config) -> Vec<Fault> {
    let mut doubts = Vec::new();
    for (index, host) in config.hosts.iter().enumerate() {
        let Some(seed) = &host.seed else { continue };
        let key = format!("host[{}].seed", index + 1);
        let folder = config.seeds.join(&seed.value);
        if !config.http.enabled {
            let remedy = "http.enabled = true";
            doubts.push(Fault::new(key, "seeds are served by HTTP, which is off", remedy));
        } else if !folder.is_dir() {
            let problem = format!("there is no folder {}", folder.display());
            let remedy = "make it, with a user-data, preseed.cfg or ks.cfg in it";
            doubts.push(Fault::new(key, problem, remedy));
        }
    }
    doubts
}

/// Machines that are told URLs which they cannot use.
fn unreachable_http(config: &Config) -> Vec<Fault> {
    let mut doubts = Vec::new();
    let listen = config.http.listen;
    let loopback_alone = config.interfaces.iter().all(|name| name.value == "lo");
    if config.dhcp.mode == DhcpMode::Proxy
        && listen.ip().is_loopback()
        && (config.interfaces.is_empty() || !loopback_alone)
    {
        doubts.push(Fault::new(
            "http.listen",
            format!("{listen} reaches this machine alone, and others are told to fetch from there"),
            "listen = \"0.0.0.0:8080\", or enabled = false",
        ));
    }
    if config.http.is_tls() && !config.tftp.enabled {
        doubts.push(Fault::new(
            "http.certificate",
            "machines that run iPXE get their script by TFTP when HTTP is encrypted, and TFTP is off",
            "tftp.enabled = true",
        ));
    }
    doubts
}
