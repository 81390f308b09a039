//! Servers whose packages would start them: they are wanted as programs for a private wire, never as services of this
//! computer.

use std::path::{Path, PathBuf};
use std::{env, fs};

use crate::error::{Context as _, Result};
use crate::process::{command, find_program, show};

/// Debian packages that start a service, and its unit; one that has several stands here more than once.
const SERVICES: [(&str, &str); 8] = [
    ("isc-dhcp-server", "isc-dhcp-server"),
    ("isc-dhcp-relay", "isc-dhcp-relay"),
    ("kea-dhcp4-server", "kea-dhcp4-server"),
    ("nginx-light", "nginx"),
    ("prometheus", "prometheus"),
    ("podman", "podman.socket"),
    ("podman", "podman-restart"),
    ("podman", "podman-auto-update.timer"),
];

/// What invoke-rc.d and deb-systemd-invoke ask before they start anything (Debian policy 9.3.3.1, invoke-rc.d(8)).
const POLICY: &str = "/usr/sbin/policy-rc.d";
/// 101: the action is forbidden.
const NOTHING_STARTS: &str = "\
#!/bin/sh
# Written by cargo xtask while it installs packages, and removed by it; may be removed by hand.
exit 101
";

/// While it lasts, installed services do not start.
pub(super) struct Asleep<'p> {
    prefix: &'p [&'p str],
    units: Vec<&'static str>,
    policy_is_ours: bool,
}

impl<'p> Asleep<'p> {
    /// Lays it over an installation of `packages`, if one of them has a service. A policy that somebody else has set
    /// stays as it is.
    pub(super) fn lay(prefix: &'p [&'p str], packages: &[&str]) -> Result<Self> {
        let units = units(packages);
        // One that a killed run left behind is ours too.
        let left_behind = fs::read_to_string(POLICY).is_ok_and(|text| text == NOTHING_STARTS);
        let policy_is_ours = !units.is_empty() && (left_behind || !Path::new(POLICY).exists());
        if policy_is_ours {
            let file = draft();
            let name = file.to_string_lossy().into_owned();
            fs::write(&file, NOTHING_STARTS).context(|| format!("writing {name}"))?;
            let laid =
                show(&mut command(&[prefix, &["install", "-m", "755", &name, POLICY]].concat()));
            let _ = fs::remove_file(&file);
            laid?;
        }
        Ok(Self { prefix, units, policy_is_ours })
    }

    /// Lifts it, and sees to it that the services do not start with the computer either.
    pub(super) fn lift(self) -> Result<()> {
        if self.policy_is_ours {
            show(&mut command(&[self.prefix, &["rm", "-f", POLICY]].concat()))?;
        }
        let systemd =
            Path::new("/run/systemd/system").is_dir() && find_program("systemctl").is_some();
        if systemd && !self.units.is_empty() {
            println!(
                "note: installed as programs only, not as services: {}",
                self.units.join(", ")
            );
            let words = [self.prefix, &["systemctl", "--quiet", "disable"], &self.units].concat();
            // One that could not be installed has no unit.
            let _ = show(&mut command(&words));
        }
        Ok(())
    }
}

fn units(packages: &[&str]) -> Vec<&'static str> {
    SERVICES
        .iter()
        .filter(|(package, _)| packages.contains(package))
        .map(|(_, unit)| *unit)
        .collect()
}

fn draft() -> PathBuf {
    env::temp_dir().join(format!("xtask-policy-{}", std::process::id()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_packages_with_a_service_matter() {
        assert_eq!(units(&["ovmf", "kea-dhcp4-server"]), ["kea-dhcp4-server"]);
        assert!(units(&["ovmf"]).is_empty());
        assert_eq!(units(&["podman"]).len(), 3);
        let nothing = Asleep::lay(&["false"], &["ovmf"]).unwrap();
        assert!(!nothing.policy_is_ours);
        nothing.lift().unwrap();
    }
}
