//! `check`: looks for every fault at once, and starts nothing.

use std::process::ExitCode;

use crate::config::{Config, Fault, Faults};
use crate::content::Loaders;
use crate::driver::Ports;
use crate::policy;
use crate::serve::{self, EXIT_CONFIG};

/// Prints what was looked at, then every fault; exit code 0 if there is none.
pub fn check(config: &Config) -> ExitCode {
    let mut faults: Vec<Fault> = Vec::new();
    match &config.file {
        Some(file) => println!("configuration  {}", file.display()),
        None => println!("configuration  none, every key has its default"),
    }
    println!("mode           {}", config.dhcp.mode);
    match serve::served_interfaces(config) {
        Ok(served) if served.is_empty() => faults.push(Fault::new(
            "interfaces",
            "no interface is up, can broadcast and has an IPv4 address",
            "connect one, or name one: interfaces = [\"eth0\"]",
        )),
        Ok(served) => println!("interfaces     {served}"),
        Err(missing) => faults.extend(missing),
    }
    root(config, &mut faults);
    let loaders = Loaders::search(config);
    for found in loaders.found() {
        println!("loader         {}: {found}", found.firmware);
    }
    for missing in loaders.missing_common() {
        let key = format!("loaders.{}", missing.firmware);
        faults.push(Fault::new(key, "this firmware has no loader", missing.to_string()));
    }
    match policy::build(config, &loaders) {
        Ok(_) => println!("rules          {} and {} hosts", config.rules.len(), config.hosts.len()),
        Err(list) => faults.extend(list),
    }
    match Ports::bind(config, 1) {
        Ok(_) => println!("ports          free"),
        Err(list) => faults.extend(
            list.into_iter().map(|fault| Fault::new(fault.key, fault.problem, fault.remedy)),
        ),
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

fn root(config: &Config, faults: &mut Vec<Fault>) {
    let root = config.root.display();
    match std::fs::read_dir(&config.root) {
        Ok(entries) => println!("root           {root} ({} entries)", entries.count()),
        Err(error) => faults.push(Fault::new(
            "root",
            format!("{root} cannot be read: {error}"),
            format!("mkdir -p {root}, or name another folder: root = \"…\""),
        )),
    }
}
