//! What the loaders are: for which machines, and who vouches for them where Secure Boot asks.
//!
//! Nothing is verified here: that is the firmware's business. This is what an administrator wants to know before it says
//! no.

use core::net::{IpAddr, Ipv4Addr};
use std::path::Path;

use pxe_image::{EfiProgram, ReadAt};
use pxe_select::Firmware;

use super::program::OnDisk;
use super::{Finder, FoundLoader, Links, Loaders, Program, Unfit, uefi_cpu};
use crate::config::{Config, Fault};
use crate::journal;

/// Who signs for the firmware of ordinary machines, by the common name of the issuer: Microsoft's two authorities for
/// boot programs of others. The first one's certificate has ended in June 2026, which firmware does not look at; new machines may
/// trust the second one alone.
const AUTHORITIES: [(&str, &str); 2] =
    [("Microsoft Corporation UEFI CA 2011", "2011"), ("Microsoft UEFI CA 2023", "2023")];

/// The program in a file; none for what is no EFI program, or cannot be read.
pub(crate) fn read(path: &Path) -> Option<EfiProgram> {
    EfiProgram::read(&OnDisk::open(path).ok()?).ok().flatten()
}

/// What a file is to firmware.
#[cfg(feature = "admin")]
pub(crate) fn program(path: &Path) -> Program {
    OnDisk::open(path).map_or(Program::Other, |file| Program::of(&file))
}

/// Looks into boot programs by the names that machines know them by.
pub(crate) struct Signatures {
    pub(crate) finder: Finder,
}

impl journal::Signatures for Signatures {
    fn is_signed(&self, file: &str) -> Option<bool> {
        let links = Links::tftp(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0);
        let content = self.finder.find(file.as_bytes(), None, &links).ok()?;
        let program = EfiProgram::read(&content).ok().flatten()?;
        program.efi.then_some(program.signed)
    }
}

/// What Secure Boot makes of a loader, in a few words; none for what is no EFI program.
pub(crate) fn describe(loader: &FoundLoader) -> Option<String> {
    let program = read(&loader.path).filter(|program| program.efi)?;
    Some(words(&program))
}

fn words(program: &EfiProgram) -> String {
    if !program.signed {
        return "not signed: it starts with Secure Boot off only".to_owned();
    }
    let has = |name: &str| program.names.iter().any(|known| known == name);
    let trusted: Vec<&str> =
        AUTHORITIES.iter().filter(|(name, _)| has(name)).map(|(_, year)| *year).collect();
    let signers = program.names.join(", ");
    match &trusted[..] {
        [] if signers.is_empty() => "signed, by whom cannot be read".to_owned(),
        [] => format!(
            "signed by {signers}: firmware starts it behind a shim that knows them, or with their certificate enrolled"
        ),
        ["2011"] => {
            "signed for Secure Boot by Microsoft's UEFI CA 2011; machines that trust the one of 2023 alone refuse it"
                .to_owned()
        }
        years => format!("signed for Secure Boot by Microsoft's UEFI CA {}", years.join(" and ")),
    }
}

/// Loaders of the configuration that are for another machine than the firmware that is given them.
pub(crate) fn wrong_machines(config: &Config, loaders: &Loaders) -> Vec<Fault> {
    let mut faults = Vec::new();
    for loader in loaders.found() {
        let configured =
            config.loaders.iter().find(|(name, _)| name.value == loader.firmware.name());
        let Some((key, _)) = configured else { continue };
        let Ok(program) = OnDisk::open(&loader.path) else { continue };
        let Some(problem) = wrong_machine(&program, &loader.file_name, loader.firmware) else {
            continue;
        };
        let key = format!("loaders.{}", key.value);
        let remedy = "docs/loaders.md lists what each firmware starts";
        faults.push(Fault::new(key, problem, remedy).at(configured.map(|(key, _)| key.line)));
    }
    faults
}

/// Says of the program in a file that this firmware cannot start it.
pub(crate) fn wrong_machine(file: &dyn ReadAt, name: &str, firmware: Firmware) -> Option<String> {
    Some(match Program::of(file).unfit_for(firmware)? {
        Unfit::ForUefi => format!("{name} is a program for UEFI, which a BIOS cannot start"),
        Unfit::ForCpu(is) => {
            format!("{name} is a program for {is}, and {firmware} is {}", uefi_cpu(firmware)?)
        }
        // A script, or a disc for HTTP Boot.
        Unfit::NoProgram => return None,
    })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::efi::{self, ARM64, X64};

    #[test]
    fn a_loader_for_another_machine_is_a_fault_with_its_line() {
        let root = std::env::temp_dir().join(format!("pxe-machines-{}", std::process::id()));
        fs::create_dir_all(&root).expect("a folder");
        for (name, machine) in [("x64.efi", X64), ("arm.efi", ARM64)] {
            fs::write(root.join(name), efi::program(machine)).expect("a file");
        }
        fs::write(root.join("script"), "#!ipxe\n").expect("a file");
        let text = "[loaders]\nx64-uefi = \"arm.efi\"\narm64-uefi = \"arm.efi\"\nbios = \"x64.efi\"\n\
                    x86-uefi = \"script\"\n";
        let mut config = Config::parse(text).unwrap_or_else(|faults| panic!("{faults}"));
        config.root.clone_from(&root);
        let loaders = Loaders::search(&config);
        let mut found: Vec<_> = wrong_machines(&config, &loaders)
            .iter()
            .map(|fault| (fault.line.unwrap_or(0), fault.to_string()))
            .collect();
        found.sort();
        let expected = [
            (2, "arm.efi is a program for arm64, and x64-uefi is x64"),
            (4, "a BIOS cannot start"),
        ];
        assert_eq!(found.len(), 2, "{found:?}");
        for ((line, fault), (expected_line, words)) in found.iter().zip(expected) {
            assert!(*line == expected_line && fault.contains(words), "{fault}");
        }
        let arm = loaders.found().iter().find(|found| found.firmware == Firmware::Arm64Uefi);
        let told = describe(arm.expect("it is there"));
        assert_eq!(told.as_deref(), Some("not signed: it starts with Secure Boot off only"));
        let shared = std::sync::Arc::new(crate::content::Shared::new(loaders));
        let signatures = Signatures { finder: Finder::new(root.clone(), shared) };
        let is_signed = |name| journal::Signatures::is_signed(&signatures, name);
        let told = ["arm.efi", "script", "none.efi"].map(is_signed);
        assert_eq!(told, [Some(false), None, None]);
        fs::remove_dir_all(root).expect("clean");
    }

    #[test]
    fn who_signed_is_said_as_far_as_it_matters() {
        let signed = |names: &[&str]| {
            let mut program = EfiProgram::read(&efi::program(X64)).expect("memory").expect("one");
            program.signed = true;
            program.names = names.iter().map(|name| (*name).to_owned()).collect();
            words(&program)
        };
        let old = "Microsoft Corporation UEFI CA 2011";
        let new = "Microsoft UEFI CA 2023";
        assert!(signed(&[old, new]).ends_with("Microsoft's UEFI CA 2011 and 2023"));
        assert!(signed(&["Microsoft Windows UEFI Driver Publisher", old]).contains("refuse it"));
        assert!(signed(&[new]).ends_with("Microsoft's UEFI CA 2023"));
        assert!(
            signed(&["Debian Secure Boot CA"]).starts_with("signed by Debian Secure Boot CA: ")
        );
        assert_eq!(signed(&[]), "signed, by whom cannot be read");
    }
}
