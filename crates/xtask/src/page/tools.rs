//! Checkers that Debian has no packages of, from PyPI, in an environment of their own: axe-core, which a Python package
//! carries as one file, and schemathesis. Their versions are fixed, so that a new one is a change that somebody makes.

use std::fs;
use std::path::{Path, PathBuf};

use crate::error::{Context as _, Result, fail};
use crate::process::{command, show};

/// `axe-playwright-python` carries axe-core 4.12.1.
const PACKAGES: [&str; 2] = ["axe-playwright-python==0.1.8", "schemathesis==4.32.5"];
/// Requests that schemathesis makes up for each operation and phase.
const EXAMPLES: &str = "8";

pub(super) struct Tools {
    folder: PathBuf,
}

impl Tools {
    /// Installs what is not there yet.
    pub(super) fn install(folder: &Path) -> Result<Self> {
        let tools = Self { folder: folder.to_owned() };
        let done = folder.join("installed");
        if fs::read_to_string(&done).is_ok_and(|known| known == PACKAGES.join("\n")) {
            return Ok(tools);
        }
        show(command(&["python3", "-m", "venv", "--clear"]).arg(folder))?;
        // Of the first its file alone is wanted, not the browsers that it drives.
        let [axe, schemathesis] = PACKAGES;
        let pip = folder.join("bin/pip");
        let pip = pip.to_string_lossy();
        show(&mut command(&[&pip, "install", "--quiet", "--no-deps", axe]))?;
        show(&mut command(&[&pip, "install", "--quiet", schemathesis]))?;
        fs::write(&done, PACKAGES.join("\n")).context(|| format!("writing {}", done.display()))?;
        Ok(tools)
    }

    /// The text of axe-core.
    pub(super) fn axe(&self) -> Result<String> {
        let libraries = self.folder.join("lib");
        let reading = || format!("looking for axe-core in {}", libraries.display());
        for python in fs::read_dir(&libraries).context(reading)?.flatten() {
            let file = python.path().join("site-packages/axe_playwright_python/axe.min.js");
            if file.is_file() {
                return fs::read_to_string(&file).context(reading);
            }
        }
        fail(format!("{}: it is not there", reading()))
    }

    /// Requests of all kinds against the API: no 5xx, no answer that its document does not describe.
    pub(super) fn schemathesis(&self, site: &str) -> Result<()> {
        let program = self.folder.join("bin/schemathesis");
        let document = format!("{site}/api/v1/openapi.json");
        let mut run = command(&[&*program.to_string_lossy(), "run", &document]);
        run.args([
            "--max-examples",
            EXAMPLES,
            "--seed",
            "7",
            "--request-timeout",
            "10",
            "--no-color",
        ]);
        // Its answer has no end.
        run.args(["--exclude-path", "/api/v1/events"]);
        run.args(["--checks", "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"]);
        show(run.current_dir(&self.folder))
    }
}
