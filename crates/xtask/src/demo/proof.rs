//! The demonstration's own test: the command, as a person types it, for the quickest machine and to its end.
//!
//! The matrix proves what the machines do. This proves that the command itself does what it promises: that it goes
//! through, and that somebody who reads its lines knows what happens.

use crate::error::{Result, fail};
use crate::packages::{self, Need};
use crate::process::{capture, tail};
use crate::workspace::Workspace;

/// What that machine needs for both parts.
pub(crate) const NEEDS: &[&Need] = &[
    &packages::WIRE,
    &packages::DNSMASQ,
    &packages::TCPDUMP,
    &packages::QEMU_X86,
    &packages::QEMU_ROM,
    &packages::PXELINUX,
    &packages::LDLINUX,
    &packages::XORRISO,
    &packages::DEBIAN_AMD64,
];

/// Parts of lines that are printed, in this order.
const TOLD: [&str; 9] = [
    "A private wire: ",
    "switched on: ",
    "offered pxelinux.0",
    "RUNS pxelinux.0",
    "file it got",
    "requested menu.ipxe",
    "delivered images/debian-12-amd64.iso/files/install.amd/initrd.gz",
    "RUNS after ",
    "asked `Select a language` after ",
];

/// Runs it.
pub(crate) fn prove(workspace: &Workspace) -> Result<()> {
    let printed = capture(&mut workspace.xtask(&["demo", "--only", "bios"]))?;
    println!("{}", printed.trim_end());
    match untold(&printed) {
        None => Ok(()),
        Some(part) => fail(format!(
            "the demonstration does not tell `{part}`; it ended in:\n{}",
            tail(&printed, 8)
        )),
    }
}

/// The first part that is not told behind the part before it.
fn untold(printed: &str) -> Option<&'static str> {
    let mut lines = printed.lines();
    TOLD.into_iter().find(|part| !lines.any(|line| line.contains(part)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_part_has_a_line_in_its_turn() {
        let all = TOLD.map(|part| format!("  1.0 s  bios           {part}\n"));
        assert_eq!(untold(&all.concat()), None);
        assert_eq!(untold(&all[..8].concat()), Some(TOLD[8]));
        assert_eq!(untold(&[&all[1..], &all[..1]].concat().concat()), Some(TOLD[1]));
    }
}
