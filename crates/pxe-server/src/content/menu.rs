//! The scripts we make up when the root has none: a menu of what lies there.
//!
//! The first entry and the time-out are the local disk: a machine that nobody attends boots as if
//! we were not there.

use core::fmt::Write;

use pxe_select::Firmware;

use super::listing::{Entry, Kind, Listing};

/// Time until the menu goes on to the local disk, in seconds.
pub(crate) const MENU_TIMEOUT_SECONDS: u32 = 20;

/// The iPXE menu. Links are absolute, `base` before each name: after its own DHCP round iPXE's
/// working URI points at whichever server its *first* offer named.
pub(crate) fn ipxe(listing: &Listing, base: &str) -> String {
    let mut script = format!(
        "#!ipxe\n\
         # Made by pxe-server from the files in its root; a menu.ipxe there takes its place.\n\
         set base {base}\n\
         :menu\n\
         menu Network boot\n\
         item --gap -- {}\n\
         item local Boot from the local disk\n",
        summary(listing),
    );
    for (index, entry) in listing.entries.iter().enumerate() {
        let item = format!("item entry{index} {}", entry.path);
        let line = match ipxe_condition(&entry.kind) {
            Some(condition) => format!("{condition} && {item} ||\n"),
            None => format!("{item}\n"),
        };
        script.push_str(&line);
    }
    let _ = write!(
        script,
        "item shell iPXE shell\n\
         choose --default local --timeout {} target && goto ${{target}} || goto local\n\
         :local\n\
         exit\n\
         :shell\n\
         shell\n\
         goto menu\n",
        MENU_TIMEOUT_SECONDS * 1000
    );
    for (index, entry) in listing.entries.iter().enumerate() {
        let _ = write!(script, ":entry{index}\nimgfree\n{}goto menu\n", ipxe_boot(entry));
    }
    script
}

fn summary(listing: &Listing) -> String {
    match (listing.entries.len(), listing.truncated) {
        (0, _) => "nothing to boot in the server's root folder yet".to_owned(),
        (count, false) => format!("{count} to choose from"),
        (count, true) => format!("the first {count}; the root folder holds more"),
    }
}

/// `platform` and `buildarch` are iPXE's own settings (ipxe.org/cfg/platform).
fn ipxe_condition(kind: &Kind) -> Option<String> {
    match kind {
        Kind::Script | Kind::Linux { .. } => None,
        Kind::Bios => Some("iseq ${platform} pcbios".to_owned()),
        Kind::Efi(None) => Some("iseq ${platform} efi".to_owned()),
        Kind::Efi(Some(firmware)) => match build_arch(*firmware) {
            Some(arch) => Some(format!("iseq ${{platform}}-${{buildarch}} efi-{arch}")),
            None => Some("iseq ${platform} efi".to_owned()),
        },
    }
}

fn build_arch(firmware: Firmware) -> Option<&'static str> {
    Some(match firmware {
        Firmware::X86Uefi => "i386",
        Firmware::X64Uefi => "x86_64",
        Firmware::Arm32Uefi => "arm32",
        Firmware::Arm64Uefi => "arm64",
        Firmware::Riscv64Uefi => "riscv64",
        Firmware::Loong64Uefi => "loong64",
        _ => return None,
    })
}

fn ipxe_boot(entry: &Entry) -> String {
    let path = &entry.path;
    match &entry.kind {
        Kind::Script | Kind::Bios | Kind::Efi(_) => format!("chain ${{base}}{path} ||\n"),
        // `initrd=` names the initrd for UEFI kernels, which look it up by file name.
        Kind::Linux { initrd } => format!(
            "kernel ${{base}}{path} initrd={name} || goto menu\n\
             initrd ${{base}}{initrd} || goto menu\n\
             boot ||\n",
            name = initrd.rsplit('/').next().unwrap_or(initrd),
        ),
    }
}

/// GRUB's menu. Paths are taken from the device the configuration was read from; `prefix` is where
/// the root is on it.
pub(crate) fn grub(listing: &Listing, prefix: &str) -> String {
    let mut config = format!(
        "# Made by pxe-server from the files in its root; a grub.cfg there takes its place.\n\
         set timeout={MENU_TIMEOUT_SECONDS}\n\
         set default=0\n\
         menuentry 'Boot from the local disk' {{\n  exit\n}}\n\
         # {}\n",
        summary(listing)
    );
    for entry in &listing.entries {
        let path = &entry.path;
        let _ = match &entry.kind {
            Kind::Script | Kind::Bios => continue,
            Kind::Efi(machine) => {
                let test = machine.and_then(grub_cpu).map(|cpu| format!("${{grub_cpu}} = {cpu}"));
                let entry = format!("menuentry '{path}' {{\n  chainloader {prefix}{path}\n}}\n");
                match test {
                    Some(test) => write!(config, "if [ {test} ]; then\n{entry}fi\n"),
                    None => write!(config, "{entry}"),
                }
            }
            Kind::Linux { initrd } => {
                write!(
                    config,
                    "menuentry '{path}' {{\n  linux {prefix}{path}\n  initrd {prefix}{initrd}\n}}\n"
                )
            }
        };
    }
    config
}

fn grub_cpu(firmware: Firmware) -> Option<&'static str> {
    Some(match firmware {
        Firmware::X86Uefi => "i386",
        Firmware::X64Uefi => "x86_64",
        Firmware::Arm32Uefi => "arm",
        Firmware::Arm64Uefi => "arm64",
        Firmware::Riscv64Uefi => "riscv64",
        Firmware::Loong64Uefi => "loongarch64",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listing() -> Listing {
        let entry = |path: &str, kind| Entry { path: path.into(), kind };
        Listing {
            entries: vec![
                entry("debian/vmlinuz", Kind::Linux { initrd: "debian/initrd.gz".into() }),
                entry("old.kpxe", Kind::Bios),
                entry("rescue.ipxe", Kind::Script),
                entry("tool.efi", Kind::Efi(Some(Firmware::X64Uefi))),
            ],
            truncated: false,
        }
    }

    #[test]
    fn the_ipxe_menu_ends_at_the_local_disk_and_links_absolutely() {
        let script = ipxe(&listing(), "tftp://192.0.2.5/");
        assert!(script.starts_with("#!ipxe\n"));
        assert!(script.contains("set base tftp://192.0.2.5/\n"), "{script}");
        assert!(script.contains("choose --default local --timeout 20000 target"), "{script}");
        assert!(
            script
                .contains("iseq ${platform}-${buildarch} efi-x86_64 && item entry3 tool.efi ||\n"),
            "{script}"
        );
        assert!(script.contains("kernel ${base}debian/vmlinuz initrd=initrd.gz ||"), "{script}");
        // Every entry that is offered has its label.
        for index in 0..4 {
            assert!(script.contains(&format!("\n:entry{index}\n")), "{script}");
        }
    }

    #[test]
    fn grub_is_offered_only_what_it_can_start() {
        let config = grub(&listing(), "/");
        assert!(!config.contains("old.kpxe") && !config.contains("rescue.ipxe"), "{config}");
        assert!(config.contains("if [ ${grub_cpu} = x86_64 ]; then\nmenuentry 'tool.efi'"));
        assert!(config.contains("linux /debian/vmlinuz\n  initrd /debian/initrd.gz"), "{config}");
        let config = grub(&listing(), "/boot/");
        assert!(config.contains("linux /boot/debian/vmlinuz\n  initrd /boot/debian/"), "{config}");
        assert!(config.contains("chainloader /boot/tool.efi"), "{config}");
    }
}
