//! What an image is, and how it boots.
//!
//! Knowledge of distributions is data: TOML files in `rules/`, which [`Rules`] reads. A user's own rules come before
//! them. What decides is the image's content, above all what its initrd can do ([`initrd`](crate::initrd)); file names
//! only say where to look.

mod builtin;
mod display;
mod entries;
mod evaluate;
mod fault;
mod file;
mod formula;
#[cfg(feature = "_fuzz")]
#[doc(hidden)]
pub mod fuzz;
mod glob;
mod kernel;
mod overrides;
mod parse;
mod recognition;
mod rule;
mod scene;
mod table;
mod template;
#[cfg(test)]
mod tests;

use std::sync::Arc;

pub use builtin::{built_in_stamp, rules_markdown};
pub use fault::{RuleFault, RuleFaults};
pub use file::recognise_file;
pub use overrides::Overrides;
pub use recognition::{ImageFacts, Kind, RAM_DISK, Recognition};

use crate::limits::RULES_MAX;
use crate::tree::Tree;
use glob::Variables;
use rule::Rule;
use scene::Scene;

/// Rules, in the order in which they are tried.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    rules: Vec<Arc<Rule>>,
    overrides: Option<Arc<Overrides>>,
}

impl Rules {
    /// Those of this crate.
    #[must_use]
    pub fn built_in() -> Self {
        builtin::rules()
    }

    /// Reads rules, as `docs/images.md` tells to write them.
    ///
    /// # Errors
    /// Everything that is wrong with them, with lines.
    pub fn parse(toml: &str) -> Result<Self, RuleFaults> {
        let rules = table::read(toml, parse::rules)?;
        Ok(Self { rules: rules.into_iter().map(Arc::new).collect(), overrides: None })
    }

    /// These rules, and then those of `others`: who comes first is asked first. Beyond
    /// [`RULES_MAX`] rules, the last are left out.
    #[must_use]
    pub fn before(mut self, others: &Self) -> Self {
        self.rules.extend(others.rules.iter().cloned());
        self.rules.truncate(RULES_MAX);
        self
    }

    /// The same for one image that has a file of its own beside it: its rules come first, and what it changes is
    /// changed in what is recognised.
    #[must_use]
    pub fn overridden(&self, overrides: Overrides) -> Self {
        let mut overrides = overrides;
        let own = core::mem::take(&mut overrides.rules);
        let rules = Self { rules: own.into_iter().map(Arc::new).collect(), overrides: None };
        Self { overrides: Some(Arc::new(overrides)), ..rules.before(self) }
    }

    /// Names of the rules, in their order.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.rules.iter().map(|rule| rule.id.as_str())
    }

    /// Names of the rules that claim an image: those that match, without those that others know more than. The first
    /// is the one that counts; more than one means that two families cannot be told apart.
    #[must_use]
    pub fn claims(&self, tree: &dyn Tree, facts: &ImageFacts) -> Vec<String> {
        let best = self.best(&Scene::new(tree, facts));
        best.into_iter().map(|(rule, _)| rule.id.clone()).collect()
    }

    fn best(&self, scene: &Scene<'_>) -> Vec<(&Rule, Variables)> {
        let rules = self.rules.iter().map(Arc::as_ref);
        let matching: Vec<_> =
            rules.filter_map(|rule| Some((rule, evaluate::matches(rule, scene)?))).collect();
        let less: Vec<&String> = matching.iter().flat_map(|(rule, _)| &rule.over).collect();
        matching.into_iter().filter(|(rule, _)| !less.contains(&&rule.id)).collect()
    }

    fn finish(&self, recognition: &mut Recognition) {
        if let Some(overrides) = &self.overrides {
            overrides.apply(recognition);
        }
    }
}

/// Says what an image is. Reads as much of it as rules ask for, initrds above all, which may take some seconds: not
/// something to do while others wait.
///
/// Of the rules that match, one that is declared to know more than another (`over`) wins, then the first.
#[must_use]
pub fn recognise(tree: &dyn Tree, facts: &ImageFacts, rules: &Rules) -> Recognition {
    let scene = Scene::new(tree, facts);
    let mut recognition = match rules.best(&scene).into_iter().next() {
        Some((rule, variables)) => evaluate::recognition(rule, variables, &scene),
        None => evaluate::unknown(&scene),
    };
    if facts.missing_bytes > 0 {
        recognition.warnings.push(format!(
            "the image is not whole, {} bytes are missing at its end: download it again",
            facts.missing_bytes
        ));
    }
    if !facts.passed_over.is_empty() {
        recognition.warnings.push(format!(
            "its UDF part cannot be read ({}), so only what its ISO 9660 part shows is there, which may be less: download it again",
            facts.passed_over
        ));
    }
    if let Some(fault) = scene.fault() {
        recognition.warnings.push(format!("the image is damaged or incomplete: {fault}"));
    }
    rules.finish(&mut recognition);
    recognition.ram_disk =
        recognition::ram_disk(&recognition, &facts.uefi_loaders, true, facts.size);
    recognition
}
