//! Ways to boot, made from rules.

use super::evaluate::{cpus, hold, probe};
use super::glob::Variables;
use super::kernel;
use super::recognition::ImageFacts;
use super::rule::{EntryRule, Extra, Rule, Source, What};
use super::scene::{Found, Scene};
use crate::cpu::Cpu;
use crate::entry::{BootEntry, How, Initrd, Piece, Platforms};
use crate::initrd::Capabilities;
use crate::limits::ENTRIES_MAX;

/// The entries that can work, the rule's order kept. What keeps one from working becomes a warning, unless the
/// rule's own conditions do.
pub(super) fn entries(
    rule: &Rule,
    scene: &Scene<'_>,
    variables: &Variables,
    image_cpus: &[Cpu],
    warnings: &mut Vec<String>,
) -> Vec<BootEntry> {
    let mut entries = Vec::new();
    for entry in &rule.entries {
        let builder = Builder { rule, entry, scene, image_cpus };
        for (id, found) in builder.choices(variables) {
            match builder.entry(id, found) {
                Ok(Some(made)) if entries.len() < ENTRIES_MAX => entries.push(made),
                Ok(_) => {}
                Err(why) => {
                    let warning = format!("{:?} is not offered: {why}", entry.title.say(variables));
                    if !warnings.contains(&warning) {
                        warnings.push(warning);
                    }
                }
            }
        }
    }
    entries
}

struct Builder<'b, 'a> {
    rule: &'b Rule,
    entry: &'b EntryRule,
    scene: &'b Scene<'a>,
    image_cpus: &'b [Cpu],
}

/// What an entry begins with: its first file, with the variables that its path has.
struct Choice {
    main: Piece,
    variables: Variables,
}

impl Builder<'_, '_> {
    /// The main file: one, or one for each value of a variable.
    fn choices(&self, variables: &Variables) -> Vec<(String, Result<Choice, String>)> {
        let id = &self.entry.id;
        let sources = match &self.entry.what {
            What::Linux { kernel, .. } if kernel.is_empty() => &self.rule.kernel,
            What::Linux { kernel, .. } => kernel,
            What::Wimboot { wim, .. } => wim,
            What::Chain { program, .. } => program,
            What::Disk { .. } => {
                let choice = Choice { main: Piece::Whole, variables: variables.clone() };
                return vec![(id.clone(), Ok(choice))];
            }
        };
        // What has one value for the rule has each of its values here.
        let mut open = variables.clone();
        if let Some(each) = &self.entry.each {
            open.remove(each);
        }
        let all = sources.iter().map(|source| self.resolve(source, &open));
        let Some(found) = all.into_iter().find(|found| !found.is_empty()) else {
            let names: Vec<&str> = sources.iter().map(name_of).collect();
            let why = format!("{} is not in the image", names.join(" or "));
            return vec![(id.clone(), Err(why))];
        };
        let Some(each) = &self.entry.each else {
            return found.into_iter().take(1).map(|choice| (id.clone(), Ok(choice))).collect();
        };
        let mut seen: Vec<String> = Vec::new();
        let mut choices = Vec::new();
        for choice in found {
            let value = choice.variables.get(each).cloned().unwrap_or_default();
            if seen.contains(&value) {
                continue;
            }
            choices.push((format!("{id}-{}", slug(&value)), Ok(choice)));
            seen.push(value);
        }
        // One is no choice.
        if let [(only, _)] = choices.as_mut_slice() {
            only.clone_from(id);
        }
        choices
    }

    fn resolve(&self, source: &Source, variables: &Variables) -> Vec<Choice> {
        let one = |main| vec![Choice { main, variables: variables.clone() }];
        match source {
            Source::Inside(pattern) => {
                let found = self.scene.find(pattern, variables).into_iter();
                let files = found.filter(|found| self.scene.size(&found.path).is_some());
                let choice =
                    |Found { path, variables }| Choice { main: Piece::Inside(path), variables };
                files.map(choice).collect()
            }
            Source::Root(template) => {
                template.fill(variables).map(|path| one(Piece::Root(path))).unwrap_or_default()
            }
            Source::Url(template) => {
                template.fill(variables).map(|url| one(Piece::Url(url))).unwrap_or_default()
            }
            Source::Whole => one(Piece::Whole),
        }
    }

    fn first(&self, sources: &[Source], variables: &Variables) -> Result<Piece, String> {
        let mut found = sources.iter().flat_map(|source| self.resolve(source, variables));
        found.next().map(|choice| choice.main).ok_or_else(|| {
            let names: Vec<&str> = sources.iter().map(name_of).collect();
            format!("{} is not in the image", names.join(" or "))
        })
    }

    /// The entry; `None` if the rule's conditions do not hold, the error if something is missing.
    fn entry(
        &self,
        id: String,
        choice: Result<Choice, String>,
    ) -> Result<Option<BootEntry>, String> {
        let nothing = Capabilities::default();
        let conditions = &self.entry.conditions;
        let Choice { main, variables } = match choice {
            Ok(choice) => choice,
            // What is not meant for this image is not missing from it.
            Err(_) if !hold(conditions, self.scene, &Variables::new(), &nothing) => {
                return Ok(None);
            }
            Err(why) => return Err(why),
        };
        let (how, initrd) = match &self.entry.what {
            What::Linux { initrd, extra, cmdline, .. } => {
                let own = if initrd.is_empty() { &self.rule.initrd } else { initrd };
                let mut initrds = Vec::new();
                if !own.is_empty() {
                    let piece = self.first(own, &variables)?;
                    initrds.push(Initrd::new(piece));
                }
                let probed = initrds.first().map(|initrd| initrd.piece.clone());
                for Extra { from, to, mode } in extra {
                    let piece = self.first(from, &variables)?;
                    initrds.push(Initrd { piece, path: to.clone(), mode: *mode });
                }
                let cmdline = cmdline.fill(&variables).map_err(missing)?;
                (How::Linux { kernel: main.clone(), initrds, cmdline }, probed)
            }
            What::Wimboot { files, .. } => {
                let file = |(name, from): &(String, Vec<Source>)| {
                    Ok((name.clone(), self.first(from, &variables)?))
                };
                let files = files.iter().map(file).collect::<Result<_, String>>()?;
                (How::Wimboot { wim: main.clone(), files }, None)
            }
            What::Chain { arguments, .. } => {
                let arguments = arguments.fill(&variables).map_err(missing)?;
                (How::Chain { program: main.clone(), arguments }, None)
            }
            What::Disk { cd } => (How::Disk { cd: *cd }, None),
        };
        // About the entry's own initrd; if that is not in the image, about the one that is.
        let probed = match (&initrd, conditions.needs.is_empty() && conditions.lacks.is_empty()) {
            (_, true) => None,
            (Some(Piece::Inside(path)), false) => Some(self.scene.probe(path)),
            (_, false) => probe(self.rule, self.scene, &variables).map(|(_, found)| found),
        };
        if !hold(conditions, self.scene, &variables, probed.as_deref().unwrap_or(&nothing)) {
            return Ok(None);
        }
        let cpus = self.cpus(&main, &variables);
        let mut platforms = platforms(self.entry.firmware, &cpus);
        let ImageFacts { boots_bios, boots_efi, .. } = *self.scene.facts;
        if matches!(how, How::Disk { .. }) && (boots_bios || boots_efi) {
            // As a disk it boots as the image does.
            platforms =
                Platforms { bios: platforms.bios && boots_bios, efi: platforms.efi && boots_efi };
        }
        Ok(Some(BootEntry {
            id,
            title: self.entry.title.say(&variables),
            platforms,
            cpus,
            memory_mib: self.memory(&main, initrd.as_ref(), &variables),
            how,
            note: self.entry.note.say(&variables),
        }))
    }

    /// What the entry says, else what its kernel or program is, else what the image is for.
    fn cpus(&self, main: &Piece, variables: &Variables) -> Vec<Cpu> {
        let said = cpus(self.rule, &self.entry.cpus, variables);
        if !said.is_empty() {
            return said;
        }
        if let Piece::Inside(path) = main
            && !matches!(self.entry.what, What::Wimboot { .. })
            && let Some(file) = self.scene.file(path)
            && let Some(cpu) = kernel::cpu(&file)
        {
            return vec![cpu];
        }
        match cpus(self.rule, &self.rule.cpus, variables) {
            none if none.is_empty() => self.image_cpus.to_vec(),
            said => said,
        }
    }

    fn memory(&self, main: &Piece, initrd: Option<&Piece>, variables: &Variables) -> Option<u32> {
        let size = |piece: &Piece| match piece {
            Piece::Inside(path) => self.scene.size(path),
            Piece::Whole => Some(self.scene.facts.size),
            Piece::Root(_) | Piece::Url(_) => None,
        };
        self.entry.memory.as_ref()?.mib(|name| match name {
            "image" => Some(self.scene.facts.size),
            "kernel" => size(main),
            "initrd" => initrd.and_then(size),
            found => self.scene.size(variables.get(found)?),
        })
    }
}

fn missing(name: String) -> String {
    format!("nothing in the image tells its {name}")
}

fn name_of(source: &Source) -> &str {
    match source {
        Source::Inside(pattern) => &pattern.text,
        Source::Root(_) => "a file of the server",
        Source::Url(_) => "a URL",
        Source::Whole => "the image",
    }
}

/// Only PCs have a BIOS.
fn platforms(firmware: Platforms, cpus: &[Cpu]) -> Platforms {
    let pc = cpus.is_empty() || cpus.iter().any(|cpu| matches!(cpu, Cpu::X86 | Cpu::X64));
    Platforms { bios: firmware.bios && pc, efi: firmware.efi }
}

/// As a part of an entry's id.
pub(super) fn slug(value: &str) -> String {
    let word = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
    let slug: String = value.chars().map(word).take(40).collect();
    match slug.trim_matches('-') {
        "" => "plain".to_owned(),
        trimmed => trimmed.to_owned(),
    }
}

/// An image nobody knows, as a disk.
pub(super) fn unknown(facts: &ImageFacts, title: &str, shims: &[(Cpu, String)]) -> Vec<BootEntry> {
    let platforms = match (facts.boots_bios, facts.boots_efi || !shims.is_empty()) {
        (false, false) => return Vec::new(),
        (bios, efi) => Platforms { bios, efi },
    };
    vec![BootEntry {
        id: "disk".to_owned(),
        title: format!("{title} (try as a disk)"),
        cpus: Vec::new(),
        platforms,
        memory_mib: None,
        how: How::Disk { cd: true },
        note: "Nobody knows this image. As a disk it works only if it needs no more of it once it runs."
            .to_owned(),
    }]
}
