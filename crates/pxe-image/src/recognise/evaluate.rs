//! Rules tried on an image.

use std::rc::Rc;

use regex_lite::Regex;

use super::entries;
use super::glob::{Pattern, Variables};
use super::recognition::{Kind, Recognition};
use super::rule::{Conditions, Matches, Read, Rule, Source};
use super::scene::{Found, Scene};
use super::template::{Template, tame};
use crate::cpu::Cpu;
use crate::initrd::Capabilities;
use crate::pe::EfiProgram;
use crate::uefi::LOADERS;
use crate::wim::Wim;

/// The variables of a rule that matches, `None` if it does not.
pub(super) fn matches(rule: &Rule, scene: &Scene<'_>) -> Option<Variables> {
    let Matches { paths, any, none, label, publisher, text, can } = &rule.matches;
    let mut variables = Variables::new();
    for (expression, value) in [(label, &scene.facts.label), (publisher, &scene.facts.publisher)] {
        if let Some(expression) = expression {
            capture(expression, value, &mut variables)?;
        }
    }
    variables = all(paths, scene, variables)?;
    if !any.is_empty() {
        let first = any.iter().find_map(|path| first(scene, path, &variables));
        variables = first?.variables;
    }
    if none.iter().any(|path| first(scene, path, &variables).is_some()) {
        return None;
    }
    for (path, expression) in text {
        let found = first(scene, path, &variables)?;
        capture(expression, &scene.text(&found.path), &mut variables)?;
    }
    if !can.is_empty() {
        let probed = probe(rule, scene, &variables)?.1;
        if can.iter().any(|capability| !probed.has(*capability)) {
            return None;
        }
    }
    variables.values_mut().for_each(|value| *value = tame(value));
    Some(variables)
}

/// Every pattern at once, with the same values. Each step counts against the scene's limit.
fn all(patterns: &[Pattern], scene: &Scene<'_>, variables: Variables) -> Option<Variables> {
    let Some((next, rest)) = patterns.split_first() else { return Some(variables) };
    let found = scene.find(next, &variables).into_iter();
    found.map(|found| all(rest, scene, found.variables)).find(Option::is_some).flatten()
}

fn first(scene: &Scene<'_>, path: &Pattern, variables: &Variables) -> Option<Found> {
    scene.find(path, variables).into_iter().next()
}

/// Remembers the named groups of an expression; `None` if it does not match. What has a value keeps it.
fn capture(expression: &Regex, text: &str, variables: &mut Variables) -> Option<()> {
    let found = expression.captures(text)?;
    for name in expression.capture_names().flatten() {
        let value = found.name(name).map(|group| tame(group.as_str())).unwrap_or_default();
        if !value.is_empty() {
            variables.entry(name.to_owned()).or_insert(value);
        }
    }
    Some(())
}

/// The initrd of a rule, and what it can do.
pub(super) fn probe(
    rule: &Rule,
    scene: &Scene<'_>,
    variables: &Variables,
) -> Option<(String, Rc<Capabilities>)> {
    // The kernel's name may say which initrd is its own.
    let kernels = rule.kernel.iter().filter_map(inside);
    let known = kernels.filter_map(|kernel| first(scene, kernel, variables)).next();
    let known = known.map_or_else(|| variables.clone(), |found| found.variables);
    let initrds = rule.initrd.iter().filter_map(inside);
    let initrd = initrds.filter_map(|initrd| first(scene, initrd, &known)).next()?;
    Some((initrd.path.clone(), scene.probe(&initrd.path)))
}

fn inside(source: &Source) -> Option<&Pattern> {
    match source {
        Source::Inside(pattern) => Some(pattern),
        Source::Root(_) | Source::Url(_) | Source::Whole => None,
    }
}

/// All that a matching rule says of the image.
pub(super) fn recognition(rule: &Rule, mut variables: Variables, scene: &Scene<'_>) -> Recognition {
    for read in &rule.reads {
        read_into(read, scene, &mut variables);
    }
    for (name, patterns) in &rule.finds {
        let found = patterns.iter().find_map(|pattern| first(scene, pattern, &variables));
        if let Some(found) = found {
            variables.insert(name.clone(), found.path);
        }
    }
    // Volume labels have underscores where people write dots.
    if let Some(version) = variables.get_mut("version") {
        *version = version.replace('_', ".");
    }
    let distribution = rule.distribution.say(&variables);
    variables.entry("distribution".to_owned()).or_insert_with(|| distribution.clone());
    let title = rule.title.say(&variables);
    variables.insert("title".to_owned(), title.clone());
    let shims = shims(scene);
    let mut cpus = cpus(rule, &rule.cpus, &variables);
    if cpus.is_empty() {
        cpus = shims.iter().map(|(cpu, _)| *cpu).collect();
    }
    let probed = probe(rule, scene, &variables);
    let mut warnings = Vec::new();
    let entries = entries::entries(rule, scene, &variables, &cpus, &mut warnings);
    for entry in &entries {
        cpus.extend(&entry.cpus);
    }
    cpus.sort_unstable();
    cpus.dedup();
    let no_probe = Capabilities::default();
    let capabilities = probed.as_ref().map_or(&no_probe, |(_, found)| found);
    let said = rule.warnings.iter();
    let said = said.filter(|it| hold(&it.conditions, scene, &variables, capabilities));
    let mut all: Vec<String> = said.map(|warning| warning.text.say(&variables)).collect();
    all.append(&mut warnings);
    if let Some((path, found)) = &probed
        && let Some(why) = found.unread()
    {
        all.push(format!(
            "the initrd {path} could not be looked through: {why}. What it can do is not known"
        ));
    }
    if entries.is_empty() && all.is_empty() {
        all.push("no way of booting it over the network is known".to_owned());
    }
    Recognition {
        rule: rule.id.clone(),
        title,
        distribution,
        version: variables.get("version").cloned().filter(|version| !version.is_empty()),
        cpus,
        kind: rule.kind,
        entries,
        warnings: all,
        shims,
        ram_disk: None,
    }
}

/// Whether conditions hold, given what the initrd can do.
pub(super) fn hold(
    conditions: &Conditions,
    scene: &Scene<'_>,
    variables: &Variables,
    initrd: &Capabilities,
) -> bool {
    let Conditions { needs, lacks, when, unless } = conditions;
    needs.iter().all(|capability| initrd.has(*capability))
        && lacks.iter().all(|capability| initrd.lacks(*capability))
        && when.iter().all(|path| first(scene, path, variables).is_some())
        && !unless.iter().any(|path| first(scene, path, variables).is_some())
}

fn read_into(read: &Read, scene: &Scene<'_>, variables: &mut Variables) {
    match read {
        Read::Text(path, expression) => {
            if let Some(found) = first(scene, path, variables) {
                capture(expression, &scene.text(&found.path), variables);
            }
        }
        Read::Label(expression) => {
            capture(expression, &scene.facts.label, variables);
        }
        Read::Wim(path) => {
            let file = first(scene, path, variables).and_then(|found| scene.file(&found.path));
            let wim = file.and_then(|file| Wim::read(&*file).ok().flatten());
            let Some(image) = wim.as_ref().and_then(Wim::boot_image) else { return };
            let mut set = |name: &str, value: &str| {
                if !value.is_empty() {
                    variables.entry(name.to_owned()).or_insert_with(|| tame(value));
                }
            };
            set("name", &image.name);
            set("version", &image.version);
            set("arch", image.cpu.map_or("", Cpu::name));
        }
        Read::Pe(path) => {
            let file = first(scene, path, variables).and_then(|found| scene.file(&found.path));
            let program = file.and_then(|file| EfiProgram::read(&*file).ok().flatten());
            if let Some(cpu) = program.and_then(|program| program.cpu) {
                variables.entry("arch".to_owned()).or_insert_with(|| cpu.name().to_owned());
            }
        }
    }
}

/// Processors as templates name them; what is no processor's name is left out.
pub(super) fn cpus(rule: &Rule, templates: &[Template], variables: &Variables) -> Vec<Cpu> {
    let names = templates.iter().flat_map(|template| {
        let said = template.say(variables);
        said.split([' ', ',', '/']).map(str::to_ascii_lowercase).collect::<Vec<_>>()
    });
    let named = |name: String| {
        Cpu::from_name(rule.cpu_names.get(&name).map_or(name.as_str(), String::as_str))
    };
    let mut cpus: Vec<Cpu> = names.filter_map(named).collect();
    cpus.sort_unstable();
    cpus.dedup();
    cpus
}

fn shims(scene: &Scene<'_>) -> Vec<(Cpu, String)> {
    let paths = LOADERS.into_iter().map(|(cpu, name)| (cpu, format!("EFI/BOOT/{name}")));
    paths.filter(|(_, path)| scene.size(path).is_some()).collect()
}

/// What is said of an image that no rule knows.
pub(super) fn unknown(scene: &Scene<'_>) -> Recognition {
    let shims = shims(scene);
    let title = match scene.facts.label.is_empty() {
        true => tame(&scene.facts.name),
        false => format!("{} ({})", tame(&scene.facts.name), tame(&scene.facts.label)),
    };
    let entries = entries::unknown(scene.facts, &title, &shims);
    let warning = match entries.is_empty() {
        true => "nobody knows this image, and it has nothing that boots",
        false => {
            "nobody knows this image: it can be tried as a disk, which works only for systems that need no more of \
             it once they run"
        }
    };
    Recognition {
        rule: "unknown".to_owned(),
        title,
        distribution: String::new(),
        version: None,
        cpus: Vec::new(),
        kind: Kind::Unknown,
        entries,
        warnings: vec![warning.to_owned()],
        shims,
        ram_disk: None,
    }
}
