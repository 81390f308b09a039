//! The story of a machine that was seen, from the journal in the state folder.

use core::fmt::Write;

use serde::Serialize;

use crate::config::Config;
use crate::engine::{ClientId, Weight};
use crate::journal::{self, Journal, MachineStory, StoryEntry};
use crate::next_boot::{NextBoots, Pending};
use crate::state::time;

/// What is known of a machine.
#[derive(Serialize)]
struct Seen {
    #[serde(flatten)]
    story: MachineStory,
    /// What is ordered for its next boot.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_boot: Option<Pending>,
}

/// The text for `explain MACHINE`.
pub(super) fn explain(machine: &str, config: &Config, json: bool) -> Result<String, String> {
    machine.parse::<ClientId>().map_err(|error| format!("{machine:?} is {error}"))?;
    let folder = config.state.display();
    let (records, _) = journal::read_file(&config.state)
        .map_err(|error| format!("the journal in {folder} cannot be read: {error}"))?;
    let journal = Journal::new();
    journal.restore(records);
    let pending = |machine: &str| {
        let order = NextBoots::new(config).get(pxe_select::parse_mac(machine)?)?;
        Some(Pending::of(&order))
    };
    let Some(story) = journal.machine(machine) else {
        let ordered = pending(machine).map(|order| format!(" Its next boot is ordered: {order}."));
        let machines = journal.counts().machines;
        return Err(format!(
            "{machine} is none of the {machines} machines in the journal in {folder}. Was it heard by this server at all? \
             `--config` names the configuration whose `state` is looked into; what a machine would get is told by \
             `pxe-server explain --arch …`.{}",
            ordered.unwrap_or_default()
        ));
    };
    let seen = Seen { next_boot: pending(&story.summary.id), story };
    if json {
        let text = serde_json::to_string_pretty(&seen).map_err(|error| error.to_string())?;
        return Ok(text + "\n");
    }
    Ok(text(&seen))
}

/// A story as people read it.
fn text(seen: &Seen) -> String {
    let Seen { story, next_boot } = seen;
    let mut text = String::new();
    let machine = &story.summary;
    let mut row = |name: &str, value: &str| {
        let _ = writeln!(text, "{name:<10}{value}");
    };
    row("machine", &machine.id);
    if let Some(address) = machine.address {
        row("address", &address.to_string());
    }
    let unknown = "unknown firmware";
    let runs = machine.runs.as_deref().map(|runs| format!(", running {runs}")).unwrap_or_default();
    row("firmware", &format!("{}{runs}", machine.firmware.as_deref().unwrap_or(unknown)));
    let verdict = serde_json::to_value(machine.verdict).unwrap_or_default();
    row("verdict", &format!("{}: {}", verdict.as_str().unwrap_or_default(), machine.text));
    if let Some(progress) = &machine.progress {
        let of = if progress.size > 0 { format!(" of {}", progress.size) } else { String::new() };
        row("file", &format!("{}: {}{of} bytes", progress.file, progress.bytes));
    }
    row("seen", &format!("{} to {}", time(machine.first_seen), time(machine.last_seen)));
    row("boots", &machine.boots.to_string());
    if let Some(order) = next_boot {
        row("next boot", &order.to_string());
    }
    if story.entries_dropped > 0 {
        let _ = writeln!(text, "\n({} older entries are no longer kept)", story.entries_dropped);
    }
    text.push('\n');
    let befores = core::iter::once(None).chain(story.entries.iter().map(Some));
    for (entry, before) in story.entries.iter().zip(befores) {
        write_entry(&mut text, entry, before);
    }
    text
}

/// An entry; what the one before rests on, too, is not told twice.
fn write_entry(text: &mut String, entry: &StoryEntry, before: Option<&StoryEntry>) {
    let mark = if entry.weight == Weight::Trouble { "! " } else { "" };
    let _ = writeln!(text, "{}  {mark}{}", time(entry.at), entry.text);
    let indent = " ".repeat(26);
    let told = before.map_or(&[][..], |before| &before.fields);
    let fresh = entry.fields.strip_prefix(told).unwrap_or(&entry.fields);
    if !fresh.is_empty() {
        let fields: Vec<String> =
            fresh.iter().map(|field| format!("{} {}", field.name, field.value)).collect();
        let _ = writeln!(text, "{indent}{}", fields.join(", "));
    }
    let is_same = before.is_some_and(|before| before.reasons == entry.reasons);
    if is_same && !entry.reasons.is_empty() {
        let _ = writeln!(text, "{indent}- for the same reasons");
    } else if !entry.reasons.iter().all(|reason| entry.text.contains(reason)) {
        for reason in &entry.reasons {
            let _ = writeln!(text, "{indent}- {reason}");
        }
    }
    for (index, cause) in entry.causes.iter().enumerate() {
        let word = if index == 0 { "likely because" } else { "or because" };
        let _ = writeln!(text, "{indent}- {word} {cause}");
    }
    if let Some(advice) = &entry.advice {
        let _ = writeln!(text, "{indent}=> {advice}");
    }
    if let Some(last) = entry.repeated_at {
        let _ =
            writeln!(text, "{indent}({} times more, the last at {})", entry.repeats, time(last));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::engine::Field;
    use crate::journal::Record;

    fn record(at: u64, stage: &'static str, transaction: &str, reasons: &[&str]) -> Record {
        Record {
            at,
            client: "52:54:00:aa:00:01".into(),
            stage: stage.into(),
            text: format!("{stage}: denied by rule 1"),
            fields: Arc::new(vec![Field::new("transaction", transaction)]),
            reasons: Arc::new(reasons.iter().map(|&reason| reason.to_owned()).collect()),
            ..Record::default()
        }
    }

    fn told(records: Vec<Record>) -> String {
        let journal = Journal::new();
        journal.restore(records);
        let story = journal.machine("52:54:00:aa:00:01").expect("a story");
        text(&Seen { story, next_boot: None })
    }

    #[test]
    fn what_a_packet_said_and_why_is_told_once() {
        let reasons = ["it is x64", "rule 1"];
        let text = told(vec![
            record(1, "discovered", "0x1", &[]),
            record(2, "offered", "0x1", &reasons),
            record(3, "acknowledged", "0x2", &reasons),
            // Its reason stands in the line itself.
            record(4, "denied", "0x3", &["denied by rule 1"]),
        ]);
        for (part, count) in [
            ("transaction 0x1", 1),
            ("transaction 0x2", 1),
            ("- it is x64", 1),
            ("- for the same reasons", 1),
            ("- denied by rule 1", 0),
        ] {
            assert_eq!(text.matches(part).count(), count, "{part}:\n{text}");
        }
    }

    #[test]
    fn each_cause_of_a_silence_is_a_line() {
        let mut silent = record(1, "silent", "0x1", &[]);
        silent.causes = vec!["of a firewall".into(), "of the moon".into()];
        silent.advice = Some("Look up.".into());
        let text = told(vec![silent]);
        for line in ["- likely because of a firewall", "- or because of the moon", "=> Look up."] {
            assert!(text.contains(line), "{line}:\n{text}");
        }
    }
}
