//! A rule as it is used. How it is written is told in `docs/images.md`.

use regex_lite::Regex;

use super::formula::Formula;
use super::glob::{Pattern, Variables};
use super::recognition::Kind;
use super::template::Template;
use crate::entry::Platforms;
use crate::initrd::Capability;

/// How a family of images is known, and how they boot.
#[derive(Debug)]
pub(super) struct Rule {
    pub(super) id: String,
    pub(super) family: String,
    pub(super) source: String,
    /// Rules that also match such images, and know less.
    pub(super) over: Vec<String>,
    pub(super) kind: Kind,
    pub(super) distribution: Template,
    pub(super) title: Template,
    pub(super) cpus: Vec<Template>,
    /// The image's own names of processors.
    pub(super) cpu_names: Variables,
    pub(super) matches: Matches,
    pub(super) reads: Vec<Read>,
    pub(super) finds: Vec<(String, Vec<Pattern>)>,
    /// Kernel and initrd of entries that name none; also what is probed.
    pub(super) kernel: Vec<Source>,
    pub(super) initrd: Vec<Source>,
    pub(super) entries: Vec<EntryRule>,
    pub(super) warnings: Vec<WarningRule>,
}

/// What must hold of an image. All of it.
#[derive(Debug, Default)]
pub(super) struct Matches {
    pub(super) paths: Vec<Pattern>,
    pub(super) any: Vec<Pattern>,
    pub(super) none: Vec<Pattern>,
    pub(super) label: Option<Regex>,
    pub(super) publisher: Option<Regex>,
    pub(super) text: Vec<(Pattern, Regex)>,
    pub(super) can: Vec<Capability>,
}

/// Where variables come from.
#[derive(Debug)]
pub(super) enum Read {
    /// Named groups of an expression on a file's text.
    Text(Pattern, Regex),
    /// Named groups of an expression on the volume label.
    Label(Regex),
    /// `name`, `version`, `arch` of the image of a WIM that boots.
    Wim(Pattern),
    /// `arch` of an EFI program.
    Pe(Pattern),
}

/// Where something that is loaded comes from.
#[derive(Clone, Debug)]
pub(super) enum Source {
    Inside(Pattern),
    Root(Template),
    Url(Template),
    Whole,
}

/// Conditions of an entry or a warning. All of them.
#[derive(Debug, Default)]
pub(super) struct Conditions {
    pub(super) needs: Vec<Capability>,
    pub(super) lacks: Vec<Capability>,
    pub(super) when: Vec<Pattern>,
    pub(super) unless: Vec<Pattern>,
}

/// A way to boot.
#[derive(Debug)]
pub(super) struct EntryRule {
    /// Where it is written.
    pub(super) line: usize,
    pub(super) id: String,
    pub(super) title: Template,
    pub(super) what: What,
    /// The variable for each of whose values there is an entry.
    pub(super) each: Option<String>,
    pub(super) cpus: Vec<Template>,
    pub(super) firmware: Platforms,
    pub(super) memory: Option<Formula>,
    pub(super) conditions: Conditions,
    pub(super) note: Template,
}

/// What an entry loads.
#[derive(Debug)]
pub(super) enum What {
    Linux { kernel: Vec<Source>, initrd: Vec<Source>, extra: Vec<Extra>, cmdline: Template },
    Wimboot { wim: Vec<Source>, files: Vec<(String, Vec<Source>)> },
    Chain { program: Vec<Source>, arguments: Template },
    Disk { cd: bool },
}

/// A further part of the initial RAM disk.
#[derive(Debug)]
pub(super) struct Extra {
    pub(super) from: Vec<Source>,
    pub(super) to: Option<String>,
    pub(super) mode: Option<u32>,
}

/// What is said beforehand.
#[derive(Debug)]
pub(super) struct WarningRule {
    pub(super) text: Template,
    pub(super) conditions: Conditions,
}
