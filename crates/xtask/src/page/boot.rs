//! `cargo xtask test --only page-boot`: a machine with real firmware boots while the page is open in a real browser. Its
//! row goes from stage to stage without a reload; then its host entry is edited on the page, and it boots the other file.

use core::time::Duration;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::browser::door::Door;
use crate::browser::{Browser, ENTER, Size};
use crate::error::{Context as _, Failure, Result, fail};
use crate::lab::firmware::Machine;
use crate::lab::foreign::ForeignServer;
use crate::lab::server::{launch, toml_string};
use crate::lab::vm::{Vm, mac_text};
use crate::lab::wire::{FOREIGN_ADDRESS, POOL, SERVER_ADDRESS, Tap, Wire, sweep_leftovers};
use crate::packages::{self, Need};
use crate::process::{Background, tail};
use crate::workspace::Workspace;

pub(crate) const NEEDS: &[&Need] = &[
    &packages::CHROMIUM,
    &packages::WIRE,
    &packages::DNSMASQ,
    &packages::QEMU_X86,
    &packages::OVMF_X64,
    &packages::IPXE,
];

const MACHINE: Machine = Machine::X64Uefi;
/// What it is told by itself, and what the edited entry tells it: both are iPXE.
const FILE: &str = "ipxe.efi";
const OTHER_FILE: &str = "the-other.efi";
const DESK: Size = (1440, 900);
const PHONE: Size = (390, 844);
const WALL: Size = (2560, 1440);
const PAGE_PORT: u16 = 8081;
/// Emulated firmware takes half a minute until it asks.
const PATIENCE: Duration = Duration::from_secs(200);
/// What the row must show, in this order; what it shows besides depends on how long each took.
const STEPS: [&str; 3] = ["offered", "loader-delivered", "menu"];

/// Runs the step.
pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    let binary = workspace.build_checked_server()?;
    sweep_leftovers();
    let folder = workspace.target.join("page-boot").join(std::process::id().to_string());
    fs::create_dir_all(&folder).context(|| format!("making {}", folder.display()))?;
    let pictures = workspace.update_docs.then(|| workspace.root.join("docs/screenshots"));
    let told = Scene::build(&binary, &folder).and_then(|scene| scene.play(pictures.as_deref()));
    told.context(|| format!("logs in {}", folder.display()))?;
    fs::remove_dir_all(&folder).context(|| format!("removing {}", folder.display()))
}

// Fields are dropped in order: programs first, the wire under them last.
struct Scene {
    browser: Browser,
    door: Door,
    _server: Background,
    _dhcp: ForeignServer,
    tap: Tap,
    _wire: Wire,
    folder: PathBuf,
    mac: String,
}

impl Scene {
    /// A wire with a DHCP server that knows nothing of booting, our server, and a browser before its page.
    fn build(binary: &Path, folder: &Path) -> Result<Self> {
        let root = folder.join("boot");
        fs::create_dir_all(&root).context(|| format!("making {}", root.display()))?;
        let ipxe = packages::IPXE_X64_FILES.iter().find(|file| Path::new(file).is_file());
        let ipxe = ipxe.ok_or_else(|| Failure::new("iPXE is not there"))?;
        for name in [FILE, OTHER_FILE] {
            fs::copy(ipxe, root.join(name)).context(|| format!("copying {ipxe}"))?;
        }
        // For a picture; not every system's package has it.
        let images = folder.join("images");
        fs::create_dir_all(&images).context(|| format!("making {}", images.display()))?;
        let _ = fs::copy("/usr/lib/ipxe/ipxe.iso", images.join("ipxe.iso"));
        let mut wire = Wire::new()?;
        let (dhcp, boot) =
            (wire.host("dhcp", FOREIGN_ADDRESS)?, wire.host("boot", SERVER_ADDRESS)?);
        let [first, last] = POOL;
        let range = [format!("--dhcp-range={first},{last},255.255.255.0,1h")];
        let dhcp = ForeignServer::start(&dhcp, &range, folder)?;
        let root = toml_string(&root.to_string_lossy());
        let config = format!(
            "interfaces = [\"eth0\"]\nroot = {root}\n[loaders]\nx64-uefi = \"{FILE}\"\n\
             [admin]\nlisten = \"127.0.0.1:{PAGE_PORT}\"\n"
        );
        let server = launch(&boot, binary, &["-v"], &config, folder)?;
        let tap = wire.tap(&format!("t-{}", MACHINE.name()))?;
        let mac = mac_text(MACHINE.hardware_address());
        let (door, folder) = (Door::open(&boot, PAGE_PORT)?, folder.to_owned());
        let browser = Browser::start(&folder, "en")?;
        Ok(Self { browser, door, _server: server, _dhcp: dhcp, tap, _wire: wire, folder, mac })
    }

    fn play(&self, pictures: Option<&Path>) -> Result<()> {
        self.open_the_page()?;
        println!("first boot: {}", self.boot(1, FILE)?.join(" → "));
        if let Some(pictures) = pictures {
            self.photograph(pictures)?;
        }
        self.edit_the_host()?;
        println!("with the edited entry: {}", self.boot(2, OTHER_FILE)?.join(" → "));
        if self.browser.run("return window.mark")? != "the same page" {
            return fail("the page was loaded anew");
        }
        Ok(())
    }

    /// Has the page note every step that the machine's row shows, for as long as this very page is there.
    fn open_the_page(&self) -> Result<()> {
        self.browser.resize(DESK)?;
        self.browser.open(&format!("http://{}/#machines/{}", self.door.address, self.mac))?;
        let live = "return document.getElementById('link')?.dataset.state === 'live'";
        self.browser.until("the page is live", live)?;
        let watch = format!(
            "window.mark = 'the same page';
             window.steps = [];
             const look = () => {{
               const step = document.querySelector('tr[data-id=\"{}\"] [data-step]')?.dataset.step;
               if (step && window.steps.at(-1) !== step) window.steps.push(step);
             }};
             new MutationObserver(look).observe(document.getElementById('main'), {{ childList: true, subtree: true }});",
            self.mac
        );
        self.browser.run(&watch).map(drop)
    }

    /// Switches the machine on and lets it boot this file, to the menu; every step that its row has shown meanwhile.
    fn boot(&self, number: u32, file: &str) -> Result<Vec<String>> {
        self.browser.run("window.steps.length = 0")?;
        let vm = Vm::start(MACHINE, &self.tap, &self.folder)?;
        let shown = format!(
            "const wanted = {STEPS:?};
             let at = 0;
             for (const step of window.steps) if (step === wanted[at]) at += 1;
             const story = document.querySelector('ol.story')?.innerText ?? '';
             return at === wanted.length && story.includes('offered {file}') && story.includes('delivered {file}')
               && document.querySelector('section.card')?.innerText.includes('Boots seen: {number}') && window.steps"
        );
        let steps = self.browser.within(PATIENCE, "its row and its story show the boot", &shown);
        let steps = steps.map_err(|why| {
            let seen = self.browser.run("return window.steps").unwrap_or_default();
            let screen = tail(&vm.screen(), 6);
            Failure::new(format!("{why}\nthe row showed {seen}\nthe screen:\n{screen}"))
        })?;
        let words = steps.as_array().into_iter().flatten().filter_map(Value::as_str);
        Ok(words.map(str::to_owned).collect())
    }

    /// Pictures for the documentation: this boot on screens of all sizes, an image, and what doctor says of this wire.
    fn photograph(&self, folder: &Path) -> Result<()> {
        let browser = &self.browser;
        let picture = |name: &str| browser.photograph(&folder.join(name));
        let is_told = "return document.querySelector('tr[aria-current] .verdict.waiting') !== null";
        browser.until("the row shows what the story does", is_told)?;
        picture("story.png")?;
        browser.resize(PHONE)?;
        browser.run("document.querySelector('section.card').scrollIntoView()")?;
        picture("story-phone.png")?;
        browser.resize(WALL)?;
        browser.run("scrollTo(0, 0)")?;
        browser.set_dark(true)?;
        picture("story-wall.png")?;
        browser.resize(DESK)?;
        browser.set_dark(false)?;
        browser.run("location.hash = '#images'")?;
        let listed = "return document.querySelector('main tbody')?.innerText.includes('bios')";
        browser.until("an image", listed)?;
        picture("images.png")?;
        browser.run("location.hash = '#doctor'")?;
        let form = "return document.getElementById('doctor-go') !== null";
        browser.until("the form of doctor", form)?;
        browser.run("document.getElementById('doctor-go').click()")?;
        browser.until("a report", "return document.querySelector('main section h2') !== null")?;
        picture("doctor.png")?;
        self.back_to_the_story()
    }

    /// As a person would: from the story to the form, and the name typed.
    fn edit_the_host(&self) -> Result<()> {
        let browser = &self.browser;
        let form = "return document.getElementById('host-form')?.elements.loader !== undefined";
        browser.run("document.querySelector('section.card a[href^=\"#hosts/\"]').click()")?;
        browser.until("the form of its host entry", form)?;
        browser.run("document.getElementById('host-form').elements.loader.focus()")?;
        browser.press(OTHER_FILE)?;
        browser.press(ENTER)?;
        let listed = format!(
            "return [...document.querySelectorAll('main tbody tr')].some((row) => \
             row.innerText.includes('{}') && row.innerText.includes('{OTHER_FILE}'))",
            self.mac
        );
        browser.until("the entry is listed", &listed)?;
        self.back_to_the_story()
    }

    fn back_to_the_story(&self) -> Result<()> {
        self.browser.run(&format!("location.hash = '#machines/{}'", self.mac))?;
        let story = "return document.querySelectorAll('ol.story > li').length > 0";
        self.browser.until("the story is there again", story).map(drop)
    }
}
