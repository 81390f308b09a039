//! The report as people read it.

use core::fmt::Write;

use super::ledger::{Entry, MachineReport, Report};
use crate::diagnose::Finding;
use crate::rehearse::{MODES, Reaction};

/// The whole text; `brief`: without the packets.
pub(super) fn text(report: &Report, brief: bool) -> String {
    let mut text = String::new();
    let _ = writeln!(text, "{} packets, this server as {}", report.frames, report.address);
    for note in &report.notes {
        let _ = writeln!(text, "note: {note}");
    }
    if report.is_cut {
        let _ =
            writeln!(text, "note: the capture is torn or too long; what comes behind is not read");
    }
    if !brief {
        for entry in &report.packets {
            packet(&mut text, entry);
        }
        if report.packets_left_out > 0 {
            let _ = writeln!(text, "\n({} further packets are not shown)", report.packets_left_out);
        }
    }
    for machine in &report.machines {
        diagnosis(&mut text, machine);
    }
    if report.machines.is_empty() {
        text.push_str(
            "\nno machine that boots from the network is in it. Was it captured where the machine is heard? A switch shows \
             broadcasts of its own VLAN only.\n",
        );
    }
    text
}

fn packet(text: &mut String, entry: &Entry) {
    let Entry { at, from, to, what, fields, modes, .. } = entry;
    let _ = writeln!(text, "\n{at:9.3}  {from} > {to}  {what}");
    if !fields.is_empty() {
        let fields: Vec<String> =
            fields.iter().map(|field| format!("{} {}", field.name, field.value)).collect();
        let _ = writeln!(text, "           {}", fields.join(", "));
    }
    let mut told: Vec<(String, Vec<String>)> = Vec::new();
    for mode in MODES.map(|mode| mode.to_string()) {
        let Some(reaction) = modes.get(&mode) else { continue };
        let lines = lines(reaction);
        // Files are the same in every mode, as a rule.
        match told.iter_mut().find(|(_, known)| *known == lines) {
            Some((names, _)) => *names = format!("{names}, {mode}"),
            None => told.push((mode, lines)),
        }
    }
    for (names, lines) in told {
        for (index, line) in lines.iter().enumerate() {
            let names = if index == 0 { format!("{names}:") } else { String::new() };
            let _ = writeln!(text, "      {names:<28} {line}");
        }
    }
}

fn lines(reaction: &Reaction) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for answer in &reaction.answers {
        let fields: Vec<String> =
            answer.fields.iter().map(|field| format!("{} {}", field.name, field.value)).collect();
        let fields =
            if fields.is_empty() { String::new() } else { format!(": {}", fields.join(", ")) };
        lines.push(format!("{} to {}{fields}", answer.what, answer.to));
    }
    lines.extend(reaction.story.iter().map(|line| format!("story: {line}")));
    if lines.is_empty() {
        lines.push("nothing".to_owned());
    }
    lines
}

fn diagnosis(text: &mut String, machine: &MachineReport) {
    let _ = writeln!(text, "\n== {}  {}", machine.machine, machine.summary);
    if let Some(order) = &machine.next_boot {
        let _ = writeln!(text, "   note   answers are as its next boot is ordered now: {order}");
    }
    if machine.findings.is_empty() {
        text.push_str("   nothing wrong was seen\n");
    }
    for finding in &machine.findings {
        let Finding { id, is_fault, what, causes, advice } = finding;
        let mark = if *is_fault { "fault" } else { "note " };
        let _ = writeln!(text, "   {mark}  {what}  [{id}]");
        for cause in *causes {
            let _ = writeln!(text, "            perhaps because {cause}");
        }
        let _ = writeln!(text, "          {advice}");
    }
}
