//! One way to boot, as a rule writes it.

use super::{conditions, few, id, or_fault, source, sources, template, templates};
use crate::entry::Platforms;
use crate::recognise::formula::Formula;
use crate::recognise::rule::{EntryRule, Extra, What};
use crate::recognise::table::Table;

pub(super) fn read(table: &Table<'_, '_>) -> EntryRule {
    let memory = table.text("memory");
    let entry = EntryRule {
        line: table.line,
        id: id(table),
        title: template(table, "title", table.needed("title")),
        what: what(table),
        each: table.text("each").map(|(text, _)| text),
        cpus: templates(table, "cpus"),
        firmware: firmware(table),
        memory: memory.map(|(text, line)| or_fault(table, "memory", line, Formula::parse(&text))),
        conditions: conditions(table),
        note: template(table, "note", table.text("note").unwrap_or_default()),
    };
    table.finish();
    entry
}

fn firmware(table: &Table<'_, '_>) -> Platforms {
    match table.text("firmware") {
        None => Platforms::ANY,
        Some((text, line)) => match text.as_str() {
            "any" => Platforms::ANY,
            "bios" => Platforms::BIOS,
            "efi" => Platforms::EFI,
            _ => {
                table.fault(line, "firmware", format!("expected any, bios or efi, found {text:?}"));
                Platforms::ANY
            }
        },
    }
}

fn what(table: &Table<'_, '_>) -> What {
    let (wim, program) = (sources(table, "wim"), sources(table, "chain"));
    let disk = table.text("disk");
    if let Some((text, line)) = disk {
        if !matches!(text.as_str(), "cd" | "disk") {
            table.fault(line, "disk", format!("expected cd or disk, found {text:?}"));
        }
        return What::Disk { cd: text == "cd" };
    }
    if !wim.is_empty() {
        let files = table.table("files");
        let mut named = Vec::new();
        for ((name, line), texts) in files.iter().flat_map(Table::named_texts) {
            let found: Result<Vec<_>, _> = texts.iter().map(|(text, _)| source(text)).collect();
            named.push((name.clone(), or_fault(table, &name, line, found)));
        }
        return What::Wimboot { wim, files: named };
    }
    if !program.is_empty() {
        let arguments = table.text("arguments").unwrap_or_default();
        return What::Chain { program, arguments: template(table, "arguments", arguments) };
    }
    let extra = few(table, "extra").into_iter().map(|table| extra(&table)).collect();
    What::Linux {
        kernel: sources(table, "kernel"),
        initrd: sources(table, "initrd"),
        extra,
        cmdline: template(table, "cmdline", table.needed("cmdline")),
    }
}

fn extra(table: &Table<'_, '_>) -> Extra {
    let mode = table.text("mode");
    let extra = Extra {
        from: sources(table, "from"),
        to: table.text("to").map(|(text, _)| text),
        mode: mode.and_then(|(text, line)| {
            let mode = u32::from_str_radix(&text, 8).ok();
            if mode.is_none() {
                table.fault(line, "mode", format!("expected a mode as in \"755\", found {text:?}"));
            }
            mode
        }),
    };
    table.finish();
    extra
}
