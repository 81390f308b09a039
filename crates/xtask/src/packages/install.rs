//! Installing with apt, without a question and without a started service.

use std::process::{Command, Stdio};

use nix::unistd::geteuid;

use super::Need;
use super::asleep::Asleep;
use super::manager::Manager;
use crate::error::Result;
use crate::process::{capture, command, find_program, quoted, show};

/// What to put in front of a command that needs root: nothing, sudo, or `None` if neither works.
pub(super) fn rights() -> Option<&'static [&'static str]> {
    if geteuid().is_root() {
        return Some(&[]);
    }
    let sudo: &[&str] = &["sudo", "-n"];
    find_program("sudo")?;
    capture(&mut command(&["sudo", "-n", "true"])).ok().map(|_| sudo)
}

pub(super) fn apt_install(prefix: &[&str], needs: &[&Need]) -> Result<()> {
    let packages = Manager::Apt.packages(needs);
    println!("installing: {}", packages.join(" "));
    let asleep = Asleep::lay(prefix, &packages)?;
    install(prefix, &packages);
    asleep.lift()
}

/// Installs what can be had, and says what cannot.
fn install(prefix: &[&str], packages: &[&str]) {
    // A list that could not be refreshed may still do.
    if let Err(why) = show(&mut quiet_apt(prefix, &["apt-get", "update", "-qq"], &[])) {
        println!("note: {why}");
    }
    let words = Manager::Apt.install_words();
    if show(&mut quiet_apt(prefix, words, packages)).is_ok() {
        return;
    }
    // One unknown name fails them all: take what there is.
    for package in packages {
        if let Err(why) = show(&mut quiet_apt(prefix, words, &[package])) {
            println!("note: {} is not to be had here: {why}", quoted(package));
        }
    }
}

fn quiet_apt(prefix: &[&str], words: &[&str], packages: &[&str]) -> Command {
    // Through env, so that the setting survives sudo.
    let setting: &[&str] = &["env", "DEBIAN_FRONTEND=noninteractive"];
    let all: Vec<_> = [prefix, setting, words, packages].concat();
    let mut command = command(&all);
    command.stdout(Stdio::null());
    command
}
