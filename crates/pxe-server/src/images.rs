//! `images`: what the folder of images holds, how each boots, and what will not work.

use core::fmt::Write as _;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Args;
use pxe_image::BootEntry;
use pxe_image::recognise::Recognition;

use crate::cli::answer;
use crate::config::Config;
use crate::content::{Catalogue, Finder, Images, Loaders, Shared, State};

/// `images`.
#[derive(Clone, Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub struct ImagesOptions {
    /// Only these, by their file names
    #[arg(value_name = "NAME")]
    names: Vec<String>,
    /// The list as the API has it at /api/v1/images
    #[arg(long)]
    json: bool,
}

const EXAMPLES: &str = "\
Examples:
  Every image, and the ways to boot it:
    pxe-server images
  What is wrong with one:
    pxe-server images debian-12.iso

What a server has kept in its state folder is not read again; other images are, which may take seconds for each.";

/// Prints them.
pub fn run(options: &ImagesOptions, config: &Config) -> ExitCode {
    let images = Images::new(config.images.clone()).kept_in(&config.state);
    let mut found = images.recognise_all(usize::MAX);
    if !options.names.is_empty() {
        found.images.retain(|name, _| options.names.contains(name));
        let missing = options.names.iter().find(|name| !found.images.contains_key(*name));
        if let Some(name) = missing {
            let folder = config.images.display();
            return answer(Err(format!("there is no image {name} in {folder}")));
        }
    }
    let shared = Arc::new(Shared::new(Loaders::search(config)));
    let found = Finder::new(config.root.clone(), shared).offered_here(Arc::new(found));
    answer(Ok(match options.json {
        true => found.to_json(),
        false => written(&found, config),
    }))
}

fn written(found: &Catalogue, config: &Config) -> String {
    let mut text = String::new();
    for (name, info) in &found.images {
        let what = match &info.state {
            State::Arriving => "is being written to".to_owned(),
            State::Broken(why) => why.clone(),
            State::Ready { recognition: Some(known), .. } => {
                format!("{} ({})", known.title, known.kind)
            }
            State::Ready { recognition: None, .. } => "not looked at".to_owned(),
        };
        let _ = writeln!(text, "{name}: {what}");
        if let State::Ready { recognition: Some(known), .. } = &info.state {
            ways(&mut text, known);
        }
    }
    if found.images.is_empty() {
        let _ = writeln!(text, "there is no image in {}", config.images.display());
    }
    if found.truncated {
        text.push_str("there are more, which are served but not listed\n");
    }
    text
}

fn ways(text: &mut String, known: &Recognition) {
    for entry in &known.entries {
        let BootEntry { id, title, .. } = entry;
        let _ = writeln!(text, "  {id:<20}{title}; {}", machines(entry));
    }
    for warning in &known.warnings {
        let _ = writeln!(text, "  warning: {warning}");
    }
}

/// For which machines an entry is.
fn machines(entry: &BootEntry) -> String {
    let firmware = match (entry.platforms.bios, entry.platforms.efi) {
        (true, true) => "BIOS and UEFI",
        (true, false) => "BIOS",
        (false, true) => "UEFI",
        (false, false) => "no firmware",
    };
    let cpus: Vec<&str> = entry.cpus.iter().map(|cpu| cpu.name()).collect();
    let cpus = if cpus.is_empty() { String::new() } else { format!(", {}", cpus.join(" and ")) };
    let memory = entry.memory_mib.map(|mib| format!(", {mib} MiB")).unwrap_or_default();
    format!("{firmware}{cpus}{memory}")
}
