//! The machines of the lab: a QEMU command line per firmware, and where its files lie.
//!
//! Software emulation everywhere (`-accel tcg`): every machine has it, and a half-working hardware
//! acceleration inside somebody else's virtual machine cannot spoil a proof.

use std::fs;
use std::path::Path;

use crate::error::{Context as _, Result, fail};
use crate::packages::{self, Need};

/// A kind of machine that the lab can start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Machine {
    /// `SeaBIOS` with iPXE as the network card's boot ROM.
    Bios,
    /// EDK2, x86-64.
    X64Uefi,
    /// The same, told to boot by HTTP.
    X64UefiHttp,
    /// EDK2, 32-bit x86.
    X86Uefi,
    /// EDK2, 64-bit ARM.
    Arm64Uefi,
    /// EDK2, x86-64, with Secure Boot on and Microsoft's keys.
    X64UefiSecure,
    /// EDK2, 64-bit ARM, told to boot by HTTP.
    Arm64UefiHttp,
}

/// EDK2's two flash files: code, and the variables' template that goes with it.
struct Flash {
    code: &'static str,
    variables: &'static str,
}

impl Machine {
    /// Those that boot in every topology. Secure Boot and HTTP Boot on ARM64 have rows of their own: there, Debian's GRUB
    /// sets up no network.
    pub(crate) const ALL: [Self; 5] =
        [Self::Bios, Self::X64Uefi, Self::X64UefiHttp, Self::X86Uefi, Self::Arm64Uefi];

    /// The firmware's name, as the server's configuration spells it; `-sb` means Secure Boot.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Bios => "bios",
            Self::X64Uefi => "x64-uefi",
            Self::X64UefiHttp => "x64-uefi-http",
            Self::X86Uefi => "x86-uefi",
            Self::Arm64Uefi => "arm64-uefi",
            Self::X64UefiSecure => "x64-uefi-sb",
            Self::Arm64UefiHttp => "arm64-uefi-http",
        }
    }

    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|machine| machine.name() == name)
    }

    /// What a person calls it.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Bios => "SeaBIOS with iPXE ROM",
            Self::X64Uefi => "EDK2 x64 (OVMF)",
            Self::X64UefiHttp => "EDK2 x64 (OVMF) by HTTP",
            Self::X86Uefi => "EDK2 IA32 (OVMF)",
            Self::Arm64Uefi => "EDK2 ARM64 (AAVMF)",
            Self::X64UefiSecure => "EDK2 x64 (OVMF) with Secure Boot",
            Self::Arm64UefiHttp => "EDK2 ARM64 (AAVMF) by HTTP",
        }
    }

    /// The hardware address the lab gives it.
    pub(crate) fn hardware_address(self) -> [u8; 6] {
        let last = match self {
            Self::Bios => 1,
            Self::X64Uefi => 2,
            Self::X86Uefi => 3,
            Self::Arm64Uefi => 4,
            Self::X64UefiHttp => 5,
            Self::X64UefiSecure => 6,
            Self::Arm64UefiHttp => 7,
        };
        [0x52, 0x54, 0x00, 0xaa, 0x00, last]
    }

    /// What its own network boot sends in option 93 (IANA, RFC 4578 and its erratum).
    pub(crate) fn arch(self) -> u16 {
        match self {
            Self::Bios => 0,
            Self::X64Uefi | Self::X64UefiSecure => 7,
            Self::X64UefiHttp => 16,
            Self::X86Uefi => 6,
            Self::Arm64Uefi => 11,
            Self::Arm64UefiHttp => 19,
        }
    }

    /// The COFF machine number of the programs it can run; `None` where programs are no PE files.
    pub(crate) fn coff_machine(self) -> Option<u16> {
        match self {
            Self::Bios => None,
            Self::X64Uefi | Self::X64UefiHttp | Self::X64UefiSecure => Some(0x8664),
            Self::X86Uefi => Some(0x014c),
            Self::Arm64Uefi | Self::Arm64UefiHttp => Some(0xaa64),
        }
    }

    /// What must be installed to start it.
    pub(crate) fn needs(self) -> &'static [&'static Need] {
        match self {
            Self::Bios => &[&packages::QEMU_X86, &packages::QEMU_ROM],
            Self::X64Uefi | Self::X64UefiHttp => &[&packages::QEMU_X86, &packages::OVMF_X64],
            Self::X64UefiSecure => &[&packages::QEMU_X86, &packages::OVMF_X64_SECURE],
            Self::X86Uefi => &[&packages::QEMU_X86, &packages::OVMF_IA32],
            Self::Arm64Uefi | Self::Arm64UefiHttp => &[&packages::QEMU_ARM, &packages::AAVMF],
        }
    }

    /// The whole command. `folder` gets the machine's own copy of the flash variables.
    pub(crate) fn command_line(self, interface: &str, folder: &Path) -> Result<Vec<String>> {
        let mut words = self.base_words();
        if let Some(flash) = self.flash()? {
            let variables = folder.join(format!("{}.vars", self.name()));
            fs::copy(flash.variables, &variables)
                .context(|| format!("copying {} to {}", flash.variables, variables.display()))?;
            let drive = "if=pflash,format=raw";
            words.push("-drive".to_owned());
            words.push(format!("{drive},readonly=on,file={}", option_value(flash.code)));
            words.push("-drive".to_owned());
            words.push(format!("{drive},file={}", option_value(&variables.to_string_lossy())));
        }
        words.extend(["-netdev".to_owned(), netdev(interface), "-device".to_owned()]);
        words.push(self.network_card());
        Ok(words)
    }

    fn base_words(self) -> Vec<String> {
        let own = match self {
            Self::Bios => "qemu-system-x86_64 -machine pc,graphics=off -m 256 -boot n",
            Self::X64Uefi => "qemu-system-x86_64 -machine q35 -m 512",
            // Only SMM may write the variables, among them the keys.
            Self::X64UefiSecure => {
                "qemu-system-x86_64 -machine q35,smm=on -m 512 \
                 -fw_cfg name=opt/org.tianocore/IPv6PXESupport,string=n \
                 -global driver=cfi.pflash01,property=secure,value=on"
            }
            // Without PXE its first network boot is HTTP Boot.
            Self::X64UefiHttp => {
                "qemu-system-x86_64 -machine q35 -m 512 \
                 -fw_cfg name=opt/org.tianocore/IPv4PXESupport,string=n \
                 -fw_cfg name=opt/org.tianocore/IPv6PXESupport,string=n"
            }
            // Debian's only IA32 build is the one for Secure Boot, which insists on SMM.
            Self::X86Uefi => {
                "qemu-system-i386 -machine q35,smm=on -m 512 \
                 -global driver=cfi.pflash01,property=secure,value=on"
            }
            Self::Arm64Uefi => "qemu-system-aarch64 -machine virt -cpu cortex-a57 -m 512",
            Self::Arm64UefiHttp => {
                "qemu-system-aarch64 -machine virt -cpu cortex-a57 -m 512 \
                 -fw_cfg name=opt/org.tianocore/IPv4PXESupport,string=n \
                 -fw_cfg name=opt/org.tianocore/IPv6PXESupport,string=n"
            }
        };
        let common = "-accel tcg -nographic -no-reboot";
        own.split_whitespace().chain(common.split_whitespace()).map(str::to_owned).collect()
    }

    /// EDK2 has a driver for virtio-net in every build. An empty `romfile` takes iPXE's option ROM
    /// out, so that EDK2's own PXE boots; on BIOS that ROM is the PXE client.
    fn network_card(self) -> String {
        let mac = crate::lab::vm::mac_text(self.hardware_address());
        let rom = if self == Self::Bios { "" } else { ",romfile=" };
        format!("virtio-net-pci,netdev=n0,mac={mac}{rom}")
    }

    fn flash(self) -> Result<Option<Flash>> {
        let known = match self {
            Self::Bios => return Ok(None),
            Self::X64Uefi | Self::X64UefiHttp => packages::OVMF_X64_FILES,
            Self::X64UefiSecure => packages::OVMF_X64_SECURE_FILES,
            Self::X86Uefi => packages::OVMF_IA32_FILES,
            Self::Arm64Uefi | Self::Arm64UefiHttp => packages::AAVMF_FILES,
        };
        let present = known.iter().find(|pair| pair.iter().all(|file| Path::new(file).is_file()));
        match present {
            Some(&[code, variables]) => Ok(Some(Flash { code, variables })),
            None => fail(format!(
                "no firmware for {}: none of {} is there ({})",
                self.title(),
                known.iter().map(|pair| pair[0]).collect::<Vec<_>>().join(", "),
                packages::advice(self.needs())
            )),
        }
    }
}

fn netdev(interface: &str) -> String {
    format!("tap,id=n0,ifname={interface},script=no,downscript=no")
}

/// A value inside a QEMU option: commas are doubled.
fn option_value(value: &str) -> String {
    value.replace(',', ",,")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_back_to_machines() {
        for machine in Machine::ALL {
            assert_eq!(Machine::from_name(machine.name()), Some(machine));
        }
        assert_eq!(Machine::from_name("z80"), None);
    }

    #[test]
    fn only_the_bios_machine_keeps_the_option_rom() {
        for machine in Machine::ALL {
            let has_rom = !machine.network_card().contains("romfile=");
            assert_eq!(has_rom, machine == Machine::Bios);
        }
    }

    #[test]
    fn a_comma_in_a_path_does_not_end_the_option() {
        assert_eq!(option_value("/a,b"), "/a,,b");
    }
}
