//! The admin page in a real browser: it is live, quick with many machines, usable by keyboard and by those who do not
//! see, and it changes what it says it changes. And its API by schemathesis.

pub(crate) mod boot;
mod edit;
mod scene;
mod storm;
mod tools;

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::browser::{Browser, DOWN, ENTER, Size};
use crate::error::{Context as _, Result, fail};
use crate::packages::{self, Need};
use crate::workspace::Workspace;
use scene::{Scene, WATCHED};

pub(crate) const NEEDS: &[&Need] = &[&packages::CHROMIUM, &packages::PYTHON_VENV];

/// Machines in the list.
const MACHINES: usize = 5_000;
const WATCHED_NAME: &str = "52:54:00:aa:00:01";
const DESK: Size = (1440, 900);
const PHONE: Size = (390, 844);
const WALL: Size = (3840, 2160);
const VIEWS: [&str; 8] =
    ["machines", "images", "hosts", "rules", "leases", "loaders", "explain", "doctor"];

/// Looks at everything.
pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    let binary = workspace.build_checked_server()?;
    let folder = workspace.target.join("page");
    let tools = tools::Tools::install(&folder.join("tools"))?;
    let run = folder.join(format!("run-{}", std::process::id()));
    fs::create_dir_all(&run).context(|| format!("making {}", run.display()))?;
    let mut scene = Scene::start(&binary, &run)?;
    let screenshots = workspace.update_docs.then(|| workspace.root.join("docs/screenshots"));
    let test = || -> Result<()> {
        scene.crowd(MACHINES)?;
        scene.check_alive()?;
        let browser = Browser::start(&run, "en")?;
        let look = Look { browser, scene: &scene, axe: tools.axe()?, screenshots };
        look.filter_is_quick()?;
        look.it_stays_quick_while_all_move()?;
        look.keyboard_reaches_a_story()?;
        look.a_row_moves_without_a_reload()?;
        look.an_edited_host_boots_otherwise()?;
        look.a_second_editor_undoes_nothing()?;
        look.rules_are_edited_where_they_stand()?;
        look.every_view_is_accessible()?;
        look.swedish_is_spoken()?;
        look.nothing_was_complained_of()?;
        // Last, since it leaves hosts and rules of all kinds.
        println!("schemathesis against the API");
        tools.schemathesis(&format!("http://{}", scene.page))
    };
    test()?;
    drop(scene);
    fs::remove_dir_all(&run).context(|| format!("removing {}", run.display()))
}

struct Look<'s> {
    browser: Browser,
    scene: &'s Scene,
    /// The text of axe-core.
    axe: String,
    /// Where pictures go, if they are wanted.
    screenshots: Option<PathBuf>,
}

impl Look<'_> {
    fn filter_is_quick(&self) -> Result<()> {
        let browser = &self.browser;
        browser.resize(DESK)?;
        browser.open(&self.scene.url("machines"))?;
        let all = format!(
            "return (document.getElementById('count')?.textContent ?? '').startsWith('{MACHINES} of')"
        );
        browser.until("all machines are listed", &all)?;
        self.filters("filter")?;
        let rows = browser.run("return document.querySelectorAll('.scroll tbody tr').length")?;
        if rows.as_u64().is_none_or(|rows| rows > 200) {
            return fail(format!("{rows} rows are drawn for those in view"));
        }
        self.photograph("machines")
    }

    fn keyboard_reaches_a_story(&self) -> Result<()> {
        let browser = &self.browser;
        browser.run("document.querySelector('.scroll').focus()")?;
        browser.press(&DOWN.repeat(3))?;
        let focused = browser.until(
            "a row has the focus",
            "return document.activeElement?.closest('tr[data-id]')?.dataset.id ?? null",
        )?;
        browser.press(ENTER)?;
        let story = format!(
            "return document.querySelector('section h2')?.textContent.includes({focused}) \
             && document.querySelectorAll('ol.story li').length > 0"
        );
        browser.until("the story of that machine is shown", &story)?;
        self.accessible("a story")
    }

    /// A machine boots while somebody looks.
    fn a_row_moves_without_a_reload(&self) -> Result<()> {
        let browser = &self.browser;
        browser.open(&self.scene.url(&format!("machines/{WATCHED_NAME}")))?;
        browser.run("window.mark = 'the same page'")?;
        browser.run(
            "const filter = document.getElementById('filter');
             filter.value = '52:54:00:aa'; filter.dispatchEvent(new Event('input'));",
        )?;
        let row = format!("document.querySelector('tr[data-id=\"{WATCHED_NAME}\"]')");
        let file = self.scene.boot_file(WATCHED, 7)?;
        browser
            .until("its row appears", &format!("return {row}?.textContent.includes('asked')"))?;
        self.scene.fetch(&file)?;
        let loader = format!("return {row}?.textContent.includes('has its loader')");
        browser.until("it has its loader", &loader)?;
        self.scene.booted(WATCHED)?;
        let booted = format!("return {row}?.querySelector('.verdict.ok') !== null");
        browser.until("it has booted", &booted)?;
        let steps = "return document.querySelectorAll('ol.steps li.done').length >= 3";
        browser.until("its story has the steps", steps)?;
        if browser.run("return window.mark")? != "the same page" {
            return fail("the page was loaded anew");
        }
        let said = "return document.getElementById('said').textContent.includes('booted')";
        browser.until("it is told to those who listen", said).map(drop)
    }

    fn every_view_is_accessible(&self) -> Result<()> {
        for dark in [false, true] {
            self.browser.set_dark(dark)?;
            for view in VIEWS {
                self.show(view)?;
                self.accessible(&format!("{view}{}", if dark { " (dark)" } else { "" }))?;
                if view == "machines" && dark {
                    self.photograph("machines-dark")?;
                }
            }
        }
        self.browser.set_dark(false)?;
        self.browser.resize(PHONE)?;
        for view in VIEWS {
            self.show(view)?;
            let wide = "return document.documentElement.scrollWidth > document.documentElement.clientWidth";
            if self.browser.run(wide)? == true {
                return fail(format!("{view} is wider than a phone"));
            }
            self.accessible(&format!("{view} (phone)"))?;
        }
        self.show("machines")?;
        self.photograph("phone")?;
        self.browser.resize(WALL)?;
        self.show("machines")?;
        self.accessible("machines (wall)")?;
        self.browser.resize(DESK)
    }

    fn swedish_is_spoken(&self) -> Result<()> {
        self.browser.run(
            "const choice = document.getElementById('language');
             choice.value = 'sv'; choice.dispatchEvent(new Event('change'));",
        )?;
        let swedish = "return document.documentElement.lang === 'sv' \
                       && document.querySelector('h1')?.textContent === 'Maskiner'";
        self.browser.until("the page is Swedish", swedish)?;
        self.accessible("machines (Swedish)")?;
        self.photograph("swedish")
    }

    /// No complaint of the browser: no script that was blocked, nothing that was not found.
    fn nothing_was_complained_of(&self) -> Result<()> {
        let complaints = self.browser.complaints()?;
        // The browser notes what we asked for: a fault in a form, a change that comes too late, and a machine that had not been heard of yet.
        let is_asked_for =
            |line: &str| ["422", "412", "/machines/"].iter().any(|part| line.contains(part));
        let bad: Vec<_> = complaints.iter().filter(|line| !is_asked_for(line)).collect();
        if bad.is_empty() { Ok(()) } else { fail(format!("the browser complains: {bad:#?}")) }
    }

    fn show(&self, view: &str) -> Result<()> {
        self.browser.run(&format!("location.hash = '#{view}'"))?;
        let shown = format!(
            "return document.querySelector('nav a[aria-current]')?.dataset.view === '{view}' \
             && document.querySelector('main h1') !== null && document.querySelector('main').innerText.length > 20"
        );
        self.browser.until(view, &shown).map(drop)
    }

    /// axe-core finds nothing serious.
    fn accessible(&self, what: &str) -> Result<()> {
        self.browser.run(&format!("{}; return true", self.axe))?;
        let found = self.browser.run(
            "return axe.run(document, { resultTypes: ['violations'] }).then((result) => result.violations.map((it) => \
             `${it.impact} ${it.id}: ${it.help} ${it.nodes.slice(0, 3).map((node) => node.html).join(' ')}`))",
        )?;
        let found: Vec<&str> =
            found.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        if found.is_empty() {
            return Ok(());
        }
        fail(format!("{what} has barriers:\n{}", found.join("\n")))
    }

    fn photograph(&self, name: &str) -> Result<()> {
        let Some(folder) = &self.screenshots else { return Ok(()) };
        fs::create_dir_all(folder).context(|| format!("making {}", folder.display()))?;
        self.browser.photograph(&folder.join(Path::new(name).with_extension("png")))
    }
}
