//! Hosts and rules changed in the page.

use super::scene::WATCHED;
use super::{Look, WATCHED_NAME};
use crate::error::{Result, fail};

impl Look<'_> {
    pub(super) fn an_edited_host_boots_otherwise(&self) -> Result<()> {
        let browser = &self.browser;
        browser.run(&format!("location.hash = '#hosts/{WATCHED_NAME}'"))?;
        browser
            .until("the form is there", "return document.getElementById('host-form') !== null")?;
        browser.run(
            "const form = document.getElementById('host-form');
             form.elements.loader.value = '../etc/passwd'; form.requestSubmit();",
        )?;
        let fault = "return document.querySelector('#host-form [role=alert]')?.textContent.includes('loader')";
        browser.until("a fault is told beside the form", fault)?;
        self.photograph("hosts-fault")?;
        browser.run(
            "const form = document.getElementById('host-form');
             form.elements.loader.value = 'snponly.efi'; form.requestSubmit();",
        )?;
        let listed = format!(
            "return [...document.querySelectorAll('main tbody tr')].some((row) => \
             row.textContent.includes('{WATCHED_NAME}') && row.textContent.includes('snponly.efi'))"
        );
        browser.until("the entry is listed", &listed)?;
        let file = self.scene.boot_file(WATCHED, 7)?;
        if file != "snponly.efi" {
            return fail(format!("the edited host is told {file:?}, not snponly.efi"));
        }
        self.photograph("hosts")
    }

    /// Two people change the same entry; whoever is second is told, and sees what the first did.
    pub(super) fn a_second_editor_undoes_nothing(&self) -> Result<()> {
        let browser = &self.browser;
        browser.run(&format!("location.hash = '#hosts/{WATCHED_NAME}'"))?;
        let form = "return document.querySelector('#host-form input[readonly]') !== null";
        browser.until("the form of the entry", form)?;
        browser.run(&format!(
            "return fetch('api/v1/hosts/{WATCHED_NAME}', {{ method: 'PUT', headers: {{ 'Content-Type': 'application/json' }}, \
             body: JSON.stringify({{ loader: 'ipxe.efi' }}) }}).then((answer) => answer.status)"
        ))?;
        browser.run(
            "const form = document.getElementById('host-form');
             form.elements.hostname.value = 'second'; form.requestSubmit();",
        )?;
        let told = "return document.querySelector('#host-form [role=alert]')?.textContent.includes('meanwhile, by local')";
        browser.until("the second editor is told", told)?;
        browser.run("document.querySelector('#host-form [role=alert] button').click()")?;
        let first = "return document.querySelector('#host-form input[name=loader]')?.value === 'ipxe.efi' \
                     && document.querySelector('#host-form input[name=hostname]').value === ''";
        browser.until("what the first one wrote", first).map(drop)
    }

    /// A rule is added, changed, put in order, and removed, by keyboard as well: the focus stays where it was.
    pub(super) fn rules_are_edited_where_they_stand(&self) -> Result<()> {
        let browser = &self.browser;
        self.show("rules")?;
        browser.run("window.confirm = () => true")?;
        let fill = |mac: &str, target: &str| {
            browser.run(&format!(
                "const form = document.getElementById('rule-form'); form.elements.mac.value = '{mac}';
                 form.elements.target.value = '{target}'; form.requestSubmit();"
            ))
        };
        let rows = |what: &str, wanted: &str| {
            let texts = "[...document.querySelectorAll('main tbody tr')].map((row) => \
                         [...row.children].slice(1, 3).map((cell) => cell.textContent).join(' '))";
            let script = format!("return JSON.stringify({texts}).startsWith('[{wanted}')");
            browser.until(what, &script)
        };
        fill("52:54:00:d1:*", "snponly.efi")?;
        rows("one rule", "\"mac = 52:54:00:d1:* snponly.efi\"")?;
        fill("52:54:00:d2:*", "ipxe.efi")?;
        rows("two", "\"mac = 52:54:00:d1:* snponly.efi\",\"mac = 52:54:00:d2:* ipxe.efi\"")?;
        browser.run("const down = document.querySelector('[aria-label=\"Move down: 1\"]'); down.focus(); down.click();")?;
        rows(
            "the other order",
            "\"mac = 52:54:00:d2:* ipxe.efi\",\"mac = 52:54:00:d1:* snponly.efi\"",
        )?;
        let focus = "return document.activeElement.getAttribute('aria-label') === 'Move down: 2'";
        browser.until("the focus goes with the rule", focus)?;
        browser.run("document.querySelector('[aria-label=\"Edit: 1\"]').click()")?;
        self.accessible("a rule being edited")?;
        fill("52:54:00:d3:*", "ipxe.efi")?;
        rows(
            "the changed rule in its place",
            "\"mac = 52:54:00:d3:* ipxe.efi\",\"mac = 52:54:00:d1:* snponly.efi\"",
        )?;
        for _ in 0..2 {
            let left = browser.run("return document.querySelectorAll('main tbody tr').length")?;
            browser.run("document.querySelector('[aria-label=\"Remove: 1\"]').click()")?;
            let gone = format!("return document.querySelectorAll('main tbody tr').length < {left}");
            browser.until("it is removed", &gone)?;
        }
        Ok(())
    }
}
