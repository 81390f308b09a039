//! What a client tells the script that configures its host: the lease as the client understood it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::error::{Context as _, Result};

/// The script, and what it has noted.
#[derive(Debug)]
pub(super) struct Told {
    pub(super) script: PathBuf,
    notes: PathBuf,
}

/// One call of the script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Call {
    /// `bound`, `renew` and so on, in small letters.
    pub(super) event: String,
    variables: BTreeMap<String, String>,
}

/// udhcpc says by its first argument what it is about, the others by `reason`.
const SCRIPT: &str = r#"#!/bin/sh
what="${1:-$reason}"
"$CONFIGURE" && case "$what" in
bound | renew | BOUND | RENEW | REBIND | REBOOT)
    ip address replace "${new_ip_address:-$ip}/${new_subnet_mask:-$subnet}" dev eth0
    ip route replace default via "${new_routers:-$router}" dev eth0
    ;;
deconfig | EXPIRE | FAIL | RELEASE | STOP)
    ip address flush dev eth0
    ;;
esac
{
    echo "event=$what"
    env
    echo
} >>"$NOTES"
exit 0
"#;

impl Told {
    /// Writes the script. `configures` says that it gives the address to `eth0`, where the client leaves that to it.
    pub(super) fn begin(folder: &Path, configures: bool) -> Result<Self> {
        let (script, notes) = (folder.join("script"), folder.join("told"));
        let head = format!("CONFIGURE={configures}\nNOTES='{}'\n", notes.display());
        let text = SCRIPT.replacen('\n', &format!("\n{head}"), 1);
        fs::write(&script, text).context(|| format!("writing {}", script.display()))?;
        let executable = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        fs::set_permissions(&script, executable)
            .context(|| format!("making {} a program", script.display()))?;
        Ok(Self { script, notes })
    }

    /// Every call until now, in order.
    pub(super) fn calls(&self) -> Vec<Call> {
        calls(&fs::read_to_string(&self.notes).unwrap_or_default())
    }
}

impl Call {
    pub(super) fn get(&self, name: &str) -> &str {
        self.variables.get(name).map_or("", String::as_str)
    }
}

/// A last note that is still being written has no empty line yet, and is left out.
fn calls(notes: &str) -> Vec<Call> {
    let mut found = Vec::new();
    let mut variables = BTreeMap::new();
    for line in notes.lines() {
        if line.is_empty() {
            let mut variables = core::mem::take(&mut variables);
            let event: String = variables.remove("event").unwrap_or_default();
            found.push(Call { event: event.to_lowercase(), variables });
        } else if let Some((name, value)) = line.split_once('=') {
            variables.entry(name.to_owned()).or_insert_with(|| value.to_owned());
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_are_read_call_by_call() {
        let read = calls(
            "event=BOUND\nnew_ip_address=10.0.0.1\nevent=x\n\nevent=renew\nip=1\n\nevent=r\n",
        );
        let events: Vec<_> = read.iter().map(|call| call.event.as_str()).collect();
        assert_eq!(events, ["bound", "renew"]);
        assert_eq!((read[0].get("new_ip_address"), read[0].get("ip")), ("10.0.0.1", ""));
    }
}
