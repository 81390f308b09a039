//! A running virtual machine and what it wrote on its serial line.

use std::path::Path;
use std::time::Instant;

use crate::error::Result;
use crate::lab::firmware::Machine;
use crate::lab::wire::Tap;
use crate::process::Background;

/// A machine that is switched on. Dropping it switches it off.
#[derive(Debug)]
pub(crate) struct Vm {
    process: Background,
    /// When it was switched on.
    pub(crate) started: Instant,
}

impl Vm {
    /// Switches a machine on at the end of this tap.
    pub(crate) fn start(machine: Machine, tap: &Tap, folder: &Path) -> Result<Self> {
        Self::start_with(machine, None, tap, folder)
    }

    /// The same with other memory than its loader needs.
    pub(crate) fn start_with(
        machine: Machine,
        memory_mib: Option<u32>,
        tap: &Tap,
        folder: &Path,
    ) -> Result<Self> {
        let mut words = machine.command_line(&tap.interface, folder)?;
        // The last of several counts.
        words.extend(memory_mib.into_iter().flat_map(|mib| ["-m".to_owned(), mib.to_string()]));
        let log = folder.join(format!("{}.serial", machine.name()));
        let command = tap.namespace.command(&words);
        let process = Background::start(command, machine.title(), &log)?;
        Ok(Self { process, started: Instant::now() })
    }

    /// True once QEMU has ended, which a machine of the lab does only when it gives up.
    pub(crate) fn is_off(&mut self) -> Result<bool> {
        Ok(self.process.exited()?.is_some())
    }

    /// What a person would have read on the screen: the serial line without control sequences.
    pub(crate) fn screen(&self) -> String {
        plain_text(&self.process.printed())
    }
}

/// Whether the firmware has given its network boot up: EDK2 says so and goes to its next boot
/// option, `SeaBIOS` has nothing else to boot from.
pub(crate) fn gave_up(screen: &str) -> bool {
    screen.lines().any(|line| {
        (line.contains("BdsDxe: failed to ") && line.contains("PXEv4"))
            || line.contains("No bootable device")
    })
}

/// `52:54:00:aa:00:01`
pub(crate) fn mac_text(address: [u8; 6]) -> String {
    address.map(|octet| format!("{octet:02x}")).join(":")
}

/// Text without terminal control sequences (ECMA-48 CSI and two-byte escapes).
fn plain_text(raw: &str) -> String {
    let mut text = String::with_capacity(raw.len());
    let mut characters = raw.chars();
    while let Some(character) = characters.next() {
        match character {
            '\u{1b}' => {
                // CSI runs to its final byte; every other escape here has one byte after it.
                if characters.next() == Some('[') {
                    characters.by_ref().find(|c| ('@'..='~').contains(c));
                }
            }
            '\r' | '\0' => {}
            other => text.push(other),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_sequences_are_not_text() {
        assert_eq!(plain_text("\u{1b}[2J\u{1b}[01;01H>>Start PXE\r\n"), ">>Start PXE\n");
        assert_eq!(plain_text("\u{1b}cSeaBIOS"), "SeaBIOS");
        assert_eq!(plain_text("cut \u{1b}["), "cut ");
    }

    #[test]
    fn giving_up_is_told_from_trying() {
        let edk2 = "BdsDxe: failed to load Boot0002 \"UEFI PXEv4 (MAC:525400AA0002)\" from PciRoot";
        assert!(gave_up(edk2) && gave_up("Booting from ROM...\nNo bootable device."));
        assert!(!gave_up("BdsDxe: failed to load Boot0001 \"UEFI QEMU DVD-ROM\" from PciRoot"));
        assert!(!gave_up(">>Start PXE over IPv4."));
    }

    #[test]
    fn hardware_addresses_are_written_as_the_server_writes_them() {
        assert_eq!(mac_text([0x52, 0x54, 0, 0xaa, 0, 1]), "52:54:00:aa:00:01");
    }
}
