//! `check`: looks for every fault at once, and starts nothing.

use std::fs;
use std::path::Path;
use std::process::ExitCode;

use nix::unistd::{AccessFlags, access};
use pxe_select::{RAM_DISK_ENTRY, RamDisk, Target};

use crate::bound::Bound;
use crate::config::{Config, DhcpMode, Fault, Faults, HostConfig};
use crate::content::{Catalogue, Images, ImagesAsked, Loaders, Menus, State};
use crate::driver::interfaces::{self, Interfaces, NONE};
use crate::engine::Images as _;
use crate::serve::{self, EXIT_CONFIG};
use crate::{folders, leases, overrides, policy, tenancy};

/// Prints what was looked at, then every fault; exit code 0 if there is none.
pub fn check(config: &Config) -> ExitCode {
    let mut faults: Vec<Fault> = Vec::new();
    match &config.file {
        Some(file) => println!("configuration  {}", file.display()),
        None => println!("configuration  none, every key has its default"),
    }
    println!("mode           {}", config.dhcp.mode);
    let served = served(config, &mut faults);
    root(config, &mut faults);
    faults.extend(uploads(config));
    if let Some(folder) = served_uploads(config) {
        println!("uploads        {}", folder.display());
    }
    state(config, &mut faults);
    faults.extend(unreadable_images(config));
    let images = Images::new(config.images.clone()).survey();
    println!("images         {} ({})", config.images.display(), images.images.len());
    let loaders = Loaders::search(config);
    show_loaders(&loaders, &mut faults);
    match policy::build(config, &loaders) {
        Ok(_) => {
            println!("rules          {}", config.rules.len());
            println!("rewrites       {}", config.tftp.rewrites.len());
            println!("hosts          {}", config.hosts.len());
        }
        Err(list) => faults.extend(list),
    }
    if let Err(list) = Menus::load(config) {
        faults.extend(list);
    }
    edited(config);
    if let Err(list) = serve::secrets(config) {
        faults.extend(list);
    }
    match serve::receivers(config) {
        Ok(_) => println!("webhooks       {}", config.webhooks.len()),
        Err(list) => faults.extend(list),
    }
    if let Some(api) = &config.boot_api {
        println!("inventory      {}", api.url.value);
    }
    addresses(config, &mut faults);
    ports(config, &mut faults);
    let of_addresses = crate::addresses::doubts::doubts(config, &served);
    let all = doubts(config).into_iter().chain(of_addresses);
    for doubt in all.chain(doubtful_images(config, &images)) {
        println!("warning        {doubt}");
    }
    if faults.is_empty() {
        println!("no fault found");
        return ExitCode::SUCCESS;
    }
    faults.sort_by_key(|fault| fault.line.unwrap_or(usize::MAX));
    let count = faults.len();
    eprintln!("\n{}", Faults { file: config.file.clone(), list: faults });
    eprintln!("\n{count} to mend");
    ExitCode::from(EXIT_CONFIG)
}

/// Binds each for a moment. Those of the server that runs with this state folder are as they should be.
fn ports(config: &Config, faults: &mut Vec<Fault>) {
    match (Bound::bind(config, 1), tenancy::tenant(&config.state)) {
        (Ok(bound), _) => {
            println!("ports          free");
            #[cfg(feature = "admin")]
            bound.admin.1.iter().for_each(|doubt| println!("warning        {doubt}"));
            drop(bound);
        }
        (Err(unbound), Some(tenant)) => {
            println!(
                "ports          pxe-server (pid {tenant}) runs with this state folder and has them; \
                 it reads the configuration again after: sudo kill -HUP {tenant}"
            );
            faults.extend(unbound.beside(tenant).into_faults());
        }
        (Err(unbound), None) => faults.extend(unbound.into_faults()),
    }
}

/// The faults of a file that cannot be used, with those that its hosts, rules and subnets have besides: so that nobody mends
/// one kind only to be told of the next.
pub fn all_faults(mut faults: Faults) -> Faults {
    let text = faults.file.as_ref().and_then(|file| fs::read_to_string(file).ok());
    if let Some(config) = text.and_then(|text| Config::parse_partly(&text)) {
        faults.list.extend(policy::faults(&config));
        faults.list.extend(crate::addresses::build(&config).err().unwrap_or_default());
        faults.list.sort_by_key(|fault| fault.line.unwrap_or(usize::MAX));
    }
    faults
}

fn served(config: &Config, faults: &mut Vec<Fault>) -> Interfaces {
    match serve::served_interfaces(config) {
        Ok(served) if served.is_empty() => faults.push(Fault::new(
            "interfaces",
            NONE,
            "connect one, or name one: interfaces = [\"eth0\"]",
        )),
        Ok(served) => {
            println!("interfaces     {served}");
            return served;
        }
        Err(missing) => faults.extend(missing),
    }
    Interfaces::default()
}

/// Which there are, and who vouches for them.
fn show_loaders(loaders: &Loaders, faults: &mut Vec<Fault>) {
    for found in loaders.found() {
        println!("loader         {}: {found}", found.firmware);
        if let Some(signed) = crate::content::signed::describe(found) {
            println!("               {signed}");
        }
    }
    for missing in loaders.missing_common() {
        let key = format!("loaders.{}", missing.firmware);
        let fault = Fault::new(key, "this firmware has no loader", missing.to_string());
        // Not everybody has such machines; whoever names a loader has.
        match missing.configured {
            Some(_) => faults.push(fault),
            None => println!("warning        {fault}"),
        }
    }
}

/// What was edited in the page, and counts before the configuration.
fn edited(config: &Config) {
    let hosts = config.hosts.iter().filter(|host| host.is_edited).count();
    let rules = config.rules.iter().filter(|rule| rule.is_edited).count();
    if hosts + rules > 0 {
        let file = overrides::path(&config.state);
        println!(
            "edited         {hosts} hosts, {rules} rules in {}: they count before those of the configuration",
            file.display()
        );
    }
}

/// Pools, reservations and the lease store, which is opened or asked as `serve` would.
fn addresses(config: &Config, faults: &mut Vec<Fault>) {
    let plan = match crate::addresses::build(config) {
        Ok(Some(plan)) => plan,
        Ok(None) => return,
        Err(list) => return faults.extend(list),
    };
    for (subnet, known) in config.dhcp.addresses.subnets.iter().zip(&plan.subnets) {
        let network = subnet.network.value;
        let pools: Vec<String> = subnet.pools.iter().map(|pool| pool.value.to_string()).collect();
        let pools = if pools.is_empty() { "no pool".to_owned() } else { pools.join(", ") };
        let hosts = config.hosts.iter().filter_map(|host| host.address.as_ref());
        let hosts = hosts.filter(|address| network.contains(address.value)).count();
        let reserved = hosts + subnet.reservations.len();
        let options = known.options.iter().len();
        println!("subnet         {network}: {pools}; reservations: {reserved}, options: {options}");
    }
    if let Some(folder) = leases::is_new(config) {
        // Why not was said of the state folder.
        if folder.is_some() && folders::unwritable_state(config).is_none() {
            println!("lease store    new");
        }
        return;
    }
    let opened = leases::open(config).and_then(|mut store| {
        let mut leases = 0_usize;
        let loaded = store.load(&mut |_| leases += 1);
        loaded.map_err(|error| Fault::new("dhcp.store", error.to_string(), ""))?;
        Ok(leases)
    });
    match opened {
        Ok(leases) => println!("lease store    {leases} records"),
        Err(fault) => faults.push(fault),
    }
}

fn root(config: &Config, faults: &mut Vec<Fault>) {
    match folders::unreadable("root", &config.root) {
        None => {
            let count = fs::read_dir(&config.root).map_or(0, Iterator::count);
            println!("root           {} (files and folders: {count})", config.root.display());
        }
        Some(_) if folders::is_default_to_come(config) => {
            println!(
                "root           {} (not there yet; what you put there is in the menu)",
                config.root.display()
            );
        }
        Some(fault) => faults.push(fault),
    }
}

/// Where the journal, orders and leases are. Without them machines boot all the same, but for `server` mode.
fn state(config: &Config, faults: &mut Vec<Fault>) {
    println!("state          {}", config.state.display());
    match folders::unwritable_state(config) {
        Some(fault) if config.dhcp.mode == DhcpMode::Server => faults.push(fault),
        Some(fault) => println!("warning        {fault}; machines boot, and nothing of it is kept"),
        None => {}
    }
    if let Some(doubt) = folders::little_room(config) {
        println!("warning        {doubt}");
    }
}

/// Images need not be there; a folder that is there and cannot be read is not meant so.
pub fn unreadable_images(config: &Config) -> Option<Fault> {
    let exists = fs::symlink_metadata(&config.images).is_ok();
    exists.then(|| folders::unreadable("images", &config.images)).flatten()
}

fn served_uploads(config: &Config) -> Option<&Path> {
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
fn doubtful_images(config: &Config, found: &Catalogue) -> Vec<Fault> {
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
