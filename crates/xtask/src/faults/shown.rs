//! What people see of a fault on the page.

use core::time::Duration;
use std::fs;
use std::time::Instant;

use super::ground::{Ground, Said};
use crate::browser::door::Door;
use crate::error::{Context as _, Result, fail};
use crate::interrupt;
use crate::lab::server::launch;
use crate::lab::wire::Namespace;
use crate::process::capture;

const PAGE_PORT: u16 = 8081;
/// Doctor takes ten seconds, and longer beside others on a busy machine.
const PATIENCE: Duration = Duration::from_secs(90);
const LOOK_EVERY: Duration = Duration::from_millis(500);

impl Ground<'_> {
    /// That the page of a machine shows this in its story.
    pub(super) fn page_tells(&self, mac: &str, part: &str) -> Result<()> {
        let door = Door::open(&self.boot, PAGE_PORT)?;
        self.window.shows(door.address, &format!("machines/{mac}"), "ol.story > li", part)
    }

    /// That the page on this host says, of a machine of which nothing was heard there, what that means.
    pub(super) fn page_has_not_heard(&self, host: &Namespace, mac: &str, part: &str) -> Result<()> {
        let door = Door::open(host, PAGE_PORT)?;
        self.window.shows(door.address, &format!("machines/{mac}"), ".unheard", part)
    }

    /// That doctor, started on the page of our server with these fields of its form, finds this and the page shows it.
    pub(super) fn page_finds(
        &self,
        fields: &[(&str, &str)],
        id: &str,
        part: &str,
    ) -> Result<String> {
        self.page_of_finds(&self.boot, fields, id, part)
    }

    /// The same on another host, where a server that takes no part in booting has the page.
    pub(super) fn page_finds_on(
        &mut self,
        host: &Namespace,
        fields: &[(&str, &str)],
        id: &str,
        part: &str,
    ) -> Result<String> {
        let folder = self.folder.join("second");
        fs::create_dir_all(&folder).context(|| format!("making {}", folder.display()))?;
        let config = "interfaces = [\"eth0\"]\n\n[dhcp]\nmode = \"off\"\n";
        self.second = Some(launch(host, &self.binary, &[], config, &folder)?);
        self.page_of_finds(host, fields, id, part)
    }

    fn page_of_finds(
        &self,
        host: &Namespace,
        fields: &[(&str, &str)],
        id: &str,
        part: &str,
    ) -> Result<String> {
        let door = Door::open(host, PAGE_PORT)?;
        self.window.ask_doctor(door.address, fields)?;
        // The window is free for others meanwhile.
        let report = report(host)?;
        let told = Said { code: 0, report }.names(id, part)?;
        let finding = format!(".story > li[data-id={id}]");
        self.window.shows(door.address, "doctor", &finding, part)?;
        Ok(told)
    }
}

/// The report that the page has, once it is made.
fn report(host: &Namespace) -> Result<serde_json::Value> {
    let url = format!("http://127.0.0.1:{PAGE_PORT}/api/v1/doctor");
    let deadline = Instant::now() + PATIENCE;
    loop {
        let text = capture(&mut host.command(&["curl", "--silent", "--fail", &url]))?;
        let checkup: serde_json::Value =
            serde_json::from_str(&text).context(|| format!("reading {url}"))?;
        if checkup["running_since"].is_null() && !checkup["report"].is_null() {
            return Ok(checkup["report"].clone());
        }
        if Instant::now() > deadline {
            return fail(format!("doctor has made no report on the page in {PATIENCE:?}"));
        }
        interrupt::pause(LOOK_EVERY)?;
    }
}
