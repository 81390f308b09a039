//! The page in a real browser: one for all plays, which look at it one after the other.

use core::net::SocketAddr;
use core::time::Duration;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::browser::Browser;
use crate::error::Result;

/// What the server knows is there at once, but for the way through a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

pub(super) struct Window(Mutex<Browser>);

impl Window {
    pub(super) fn open(folder: &Path) -> Result<Self> {
        let browser = Browser::start(folder, "en")?;
        browser.resize((1440, 900))?;
        Ok(Self(Mutex::new(browser)))
    }

    /// That a view of this page has an element whose visible text holds `part`; what stands between backquotes is set as
    /// code there.
    pub(super) fn shows(
        &self,
        page: SocketAddr,
        view: &str,
        element: &str,
        part: &str,
    ) -> Result<()> {
        let (browser, element) = (self.browser(), quoted(element));
        let part = quoted(&part.replace('`', ""));
        browser.open(&format!("http://{page}/#{view}"))?;
        // Not what is folded away, nor what is hidden.
        let is_shown = format!(
            "return [...document.querySelectorAll({element})].some((it) => \
             it.checkVisibility() && it.innerText.includes({part}))"
        );
        browser.within(PATIENCE, &format!("{part} at {view}"), &is_shown)?;
        leave(&browser)
    }

    /// Has doctor ask the network by the page's own form; returns when it asks.
    pub(super) fn ask_doctor(&self, page: SocketAddr, fields: &[(&str, &str)]) -> Result<()> {
        let browser = self.browser();
        browser.open(&format!("http://{page}/#doctor"))?;
        let form = "return document.getElementById('doctor-form') !== null";
        browser.within(PATIENCE, "the form of doctor", form)?;
        for (name, value) in fields {
            let value = quoted(value);
            browser.run(&format!(
                "document.getElementById('doctor-form').elements['{name}'].value = {value}"
            ))?;
        }
        browser.run("document.getElementById('doctor-go').click()")?;
        let asks =
            "return document.getElementById('doctor-go').getAttribute('aria-disabled') === 'true'";
        browser.within(PATIENCE, "doctor asks", asks)?;
        leave(&browser)
    }

    fn browser(&self) -> MutexGuard<'_, Browser> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A page that is open keeps a connection to a wire that is to go.
fn leave(browser: &Browser) -> Result<()> {
    browser.open("about:blank")
}

/// A string of JavaScript: JSON's are.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
