//! `check`: looks for every fault at once, and starts nothing.

mod doubts;

use std::fs;
use std::process::ExitCode;

use crate::bound::Bound;
use crate::config::{Config, DhcpMode, Fault, Faults};
use crate::content::{Images, Loaders, Menus};
use crate::driver::interfaces::{Interfaces, NONE};
use crate::serve::{self, EXIT_CONFIG};
use crate::{folders, leases, overrides, policy, tenancy};
use doubts::{doubtful_images, served_uploads};
pub use doubts::{doubts, unreadable_images, uploads};

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
