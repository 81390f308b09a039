//! A whole scene: a wire, the foreign DHCP server, our server, and machines that boot on it.

pub(crate) mod systems;

use core::time::Duration;
use std::collections::VecDeque;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Instant, SystemTime};

use crate::error::{Context as _, Result, fail};
use crate::interrupt;
use crate::lab::capture::Capture;
use crate::lab::evidence::Evidence;
use crate::lab::firmware::Machine;
use crate::lab::foreign::{self, ForeignServer};
use crate::lab::hostile;
use crate::lab::loss;
use crate::lab::proof::{Proof, Seat, Verdict, judge};
use crate::lab::server::{Server, Setup, Subject};
use crate::lab::style::Style;
use crate::lab::topology::{Mode, Presence, Topology, late, silence};
use crate::lab::vm::{Vm, gave_up, mac_text};
use crate::lab::wire::{Tap, Wire};
use crate::packages;
use crate::process::{Background, tail};

/// How long a machine may take until its loader runs. Emulated machines take 10 to 40 s on an idle
/// computer; on a busy one that says nothing about the server.
pub(crate) const BOOT_PATIENCE: Duration = Duration::from_secs(300);
/// How often a machine is switched on again when its firmware has given up on a lossy wire: EDK2
/// asks only once in its first four seconds, and goes on without us if that question is lost.
const POWER_CYCLES_ON_LOSS: u8 = 3;
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// What a scene consists of.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scene<'a> {
    pub(crate) topology: Topology,
    pub(crate) rules: &'a str,
    /// Files to put into the server's root: a name, and where it may lie on this system.
    pub(crate) files: &'a [(&'a str, &'a [&'a str])],
    pub(crate) for_ipxe: &'a str,
    pub(crate) loss_percent: u8,
    /// How `rules` tell our server to phrase its offers to firmware, if they do.
    pub(crate) style: Option<Style>,
}

/// A running scene. Dropping it ends everything in it.
// Fields are dropped in order: programs first, the wire under them last.
#[derive(Debug)]
pub(crate) struct Stage {
    pub(crate) server: Server,
    /// None where we give the addresses.
    foreign: Option<ForeignServer>,
    _relay: Option<Background>,
    /// What left our host, where nothing of DHCP may.
    outgoing: Option<Capture>,
    wire: Wire,
    folder: PathBuf,
    topology: Topology,
    loss_percent: u8,
    style: Option<Style>,
}

/// What happens on a stage, for whoever watches.
#[derive(Debug)]
pub(crate) enum Happening<'a> {
    SwitchedOn(&'a Seat),
    /// Its firmware gave up on a lossy wire, or on a server that came too late, and a person would
    /// switch it off and on; or its second boot is wanted.
    SwitchedOnAgain(&'a Seat),
    /// A line of the server's log, without time and level.
    Said(&'a str),
    Ran(&'a Seat, &'a Boot),
}

/// A proven boot and how long it took from power-on to the running loader.
#[derive(Debug, Clone)]
pub(crate) struct Boot {
    pub(crate) proof: Proof,
    pub(crate) took: Duration,
    /// How often it had to be switched on again.
    pub(crate) power_cycles: u8,
}

struct Player<'a> {
    seat: &'a Seat,
    vm: Vm,
    capture: Capture,
    tap: Tap,
    /// Since the Unix epoch, the clock of the capture.
    switched_on: Duration,
    power_cycles: u8,
    power_cycles_max: u8,
}

/// What a look at a machine shows.
enum Look {
    Booting,
    /// It has to be switched on again.
    NotYet,
    Proven(Boot),
}

impl Stage {
    /// Builds the scene. Everything it writes goes to `folder`.
    pub(crate) fn build(subject: &Subject, scene: Scene<'_>, folder: &Path) -> Result<Self> {
        let root = folder.join("boot");
        fs::create_dir_all(&root).context(|| format!("making {}", root.display()))?;
        for (name, sources) in scene.files {
            let file = root.join(name);
            if let Some(folder) = file.parent() {
                fs::create_dir_all(folder).context(|| format!("making {}", folder.display()))?;
            }
            place(&file, sources)?;
        }
        if matches!(subject, Subject::StandIn) {
            equip_stand_in(&root)?;
        }
        let mut wire = Wire::new()?;
        if scene.loss_percent > 0 {
            loss::lose(&wire, scene.loss_percent)?;
        }
        let topology = scene.topology;
        let hosts = topology.site.lay_out(&mut wire, topology.helpers(), folder)?;
        let foreign = match topology.mode {
            Mode::Server => None,
            Mode::Proxy | Mode::Observe | Mode::Off => {
                let mut words = topology.site.range();
                if let Subject::Ours(binary) = subject {
                    words.extend(foreign::naming(topology.names, binary)?);
                }
                Some(ForeignServer::start(&hosts.foreign, &words, folder)?)
            }
        };
        let outgoing = topology.is_silent().then(|| Capture::start_outgoing(&hosts.boot, folder));
        let (rules, for_ipxe) = (scene.rules, scene.for_ipxe);
        let setup = Setup { topology, root: &root, rules, for_ipxe };
        let server = Server::start(hosts.boot, subject, setup, folder)?;
        Ok(Self {
            server,
            foreign,
            _relay: hosts.relay,
            outgoing: outgoing.transpose()?,
            wire,
            folder: folder.to_owned(),
            topology,
            loss_percent: scene.loss_percent,
            style: scene.style,
        })
    }

    /// Switches the machines on, at most `at_once` together, and lets each run until its boot is
    /// proven. The first boot that cannot succeed any more is the error.
    pub(crate) fn play(
        &mut self,
        seats: &[Seat],
        at_once: usize,
        watch: &mut dyn FnMut(Happening<'_>),
    ) -> Result<Vec<Boot>> {
        let mut waiting: VecDeque<&Seat> = seats.iter().collect();
        let mut playing: Vec<Player<'_>> = Vec::new();
        let mut boots: Vec<(usize, Boot)> = Vec::new();
        let mut lines_seen = 0;
        while !(waiting.is_empty() && playing.is_empty()) {
            if playing.len() < at_once
                && let Some(seat) = waiting.pop_front()
            {
                playing.push(self.switch_on(seat)?);
                watch(Happening::SwitchedOn(seat));
                continue;
            }
            interrupt::pause(LOOK_EVERY)?;
            self.server.check_alive()?;
            let story = self.server.story();
            story.iter().skip(lines_seen).for_each(|line| watch(Happening::Said(line)));
            lines_seen = story.len();
            let mut still = Vec::new();
            for mut player in playing {
                let seat = player.seat;
                match self.look(&mut player)? {
                    Look::Booting => still.push(player),
                    Look::NotYet => {
                        watch(Happening::SwitchedOnAgain(seat));
                        still.push(self.switch_on_again(player)?);
                    }
                    Look::Proven(boot) => {
                        watch(Happening::Ran(seat, &boot));
                        let place = seats.iter().position(|known| known.machine == seat.machine);
                        boots.push((place.unwrap_or_default(), boot));
                    }
                }
            }
            playing = still;
        }
        boots.sort_by_key(|(place, _)| *place);
        Ok(boots.into_iter().map(|(_, boot)| boot).collect())
    }

    /// Lets a stranger onto the wire who does his worst to the server; says what he did.
    pub(crate) fn let_stranger_in(&mut self, repository: &Path) -> Result<String> {
        hostile::prepare(&self.folder)?;
        let did = hostile::visit(&mut self.wire, repository, &self.folder)?;
        self.server.check_alive()?;
        Ok(did)
    }

    /// How many frames the wire has lost until now.
    pub(crate) fn frames_lost(&self) -> Result<u64> {
        loss::lost(&self.wire)
    }

    /// Proves that our server sent nothing on DHCP, where that is its part; says by what. The scene is over.
    pub(crate) fn silence(&mut self) -> Result<Option<String>> {
        let Some(outgoing) = &mut self.outgoing else { return Ok(None) };
        let log = self.foreign.as_ref().map(ForeignServer::log).unwrap_or_default();
        silence::prove(&self.topology, &outgoing.finish()?, &log).map(Some)
    }

    fn switch_on<'a>(&mut self, seat: &'a Seat) -> Result<Player<'a>> {
        if matches!(self.topology.presence, Presence::FromFirstRequest { .. }) {
            self.server.keep_away()?;
            self.server.forget()?;
        }
        // At most 15 characters.
        let interface = format!("t-{}", seat.machine.name());
        let tap = self.wire.tap(&interface)?;
        let capture = Capture::start(&tap, &self.folder)?;
        let switched_on = now();
        let vm = Vm::start(seat.machine, &tap, &self.folder)?;
        let power_cycles_max = match self.loss_percent {
            0 => u8::from(self.topology.holds(seat.machine)),
            _ => POWER_CYCLES_ON_LOSS,
        };
        Ok(Player { seat, vm, capture, tap, switched_on, power_cycles: 0, power_cycles_max })
    }

    fn switch_on_again<'a>(&self, player: Player<'a>) -> Result<Player<'a>> {
        let Player { seat, vm, .. } = player;
        drop(vm);
        let switched_on = now();
        let vm = Vm::start(seat.machine, &player.tap, &self.folder)?;
        let power_cycles = player.power_cycles.saturating_add(1);
        Ok(Player { vm, switched_on, power_cycles, ..player })
    }

    fn look(&mut self, player: &mut Player<'_>) -> Result<Look> {
        // Asked before the frames are read: what an ended machine sent is all there then.
        let off = player.vm.is_off()?;
        let late = Instant::now() > player.vm.started + BOOT_PATIENCE;
        let machine = player.seat.machine;
        let mut frames = player.capture.frames()?;
        frames.retain(|frame| frame.at >= player.switched_on);
        let evidence = Evidence::read(&frames, machine.hardware_address());
        if self.server.is_away() && !evidence.transfers.is_empty() {
            self.server.return_to_duty()?;
        }
        let screen = player.vm.screen();
        let other_style = self.style.and_then(|style| style.refuted_by(&evidence));
        let naming = self.topology.naming(machine);
        let power_cycles = player.power_cycles;
        let holds = self.topology.holds(machine);
        let comes_back = self.topology.presence == Presence::BackForSecondRequest;
        let why = match judge(player.seat, naming, &evidence, &screen) {
            _ if other_style.is_some() => other_style.unwrap_or_default(),
            Verdict::Proven(_) if holds && power_cycles == 0 => {
                "it got a file before anything could be known of it".to_owned()
            }
            Verdict::Proven(_) if comes_back && power_cycles == 0 => {
                self.server.keep_away()?;
                return Ok(Look::NotYet);
            }
            Verdict::Proven(proof) => {
                let took = proof.ran_at.saturating_sub(player.switched_on);
                return Ok(Look::Proven(Boot { proof, took, power_cycles }));
            }
            Verdict::Broken(why) => why,
            Verdict::Waiting(_) if gave_up(&screen) && power_cycles < player.power_cycles_max => {
                match self.prove_held(machine, &evidence) {
                    Ok(()) => return Ok(Look::NotYet),
                    Err(why) => why.to_string(),
                }
            }
            Verdict::Waiting(what) if gave_up(&screen) => {
                format!("the firmware gave up before {what}")
            }
            Verdict::Waiting(what) if off => format!("the machine ended before {what}"),
            Verdict::Waiting(what) if late => format!("not seen in {BOOT_PATIENCE:?}: {what}"),
            Verdict::Waiting(_) => return Ok(Look::Booting),
        };
        fail(format!(
            "{}: {why}\n  the server said:\n{}\n  the screen showed:\n{}\n  captures and logs: {}",
            machine.name(),
            indented(&tail(&self.story_of(machine.hardware_address()), 12)),
            indented(&tail(&screen, 8)),
            self.folder.display()
        ))
    }

    /// That a machine which gave up was rightly held, where it had to be.
    fn prove_held(&self, machine: Machine, evidence: &Evidence) -> Result<()> {
        match self.topology.naming(machine).bait {
            Some(bait) if self.topology.holds(machine) => {
                let mac = mac_text(machine.hardware_address());
                late::prove_held(evidence, bait, &mac, &self.server.story())
            }
            _ => Ok(()),
        }
    }

    fn story_of(&self, hardware_address: [u8; 6]) -> String {
        let mac = mac_text(hardware_address);
        let story = self.server.story();
        let lines: Vec<_> = story.iter().filter(|line| line.contains(&mac)).cloned().collect();
        lines.join("\n")
    }
}

/// The clock of the captures.
fn now() -> Duration {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default()
}

/// dnsmasq finds no loader on the system and generates no menu: it gets copies.
fn equip_stand_in(root: &Path) -> Result<()> {
    let loaders = [
        ("ipxe.efi", packages::IPXE_X64_FILES),
        ("grubnetia32.efi", packages::GRUB_IA32_FILES),
        ("bootnetaa64.efi", packages::SHIM_ARM64_FILES),
        ("grubaa64.efi", packages::SHIM_GRUB_ARM64_FILES),
    ];
    for (name, sources) in loaders {
        // A row that needs the loader has checked that it is there.
        let _ = place(&root.join(name), sources);
    }
    let menu = root.join("menu.ipxe");
    fs::write(&menu, "#!ipxe\nmenu The stand-in's menu\nitem again Again\nchoose choice\n")
        .context(|| format!("writing {}", menu.display()))
}

/// Copies the first of `sources` that is there.
fn place(to: &Path, sources: &[&str]) -> Result<()> {
    let Some(from) = sources.iter().find(|source| Path::new(source).is_file()) else {
        return fail(format!("none of {} is there", sources.join(", ")));
    };
    fs::copy(from, to).context(|| format!("copying {from} to {}", to.display()))?;
    Ok(())
}

fn indented(text: &str) -> String {
    let lines: Vec<_> = text.lines().map(|line| format!("    {line}")).collect();
    lines.join("\n")
}
