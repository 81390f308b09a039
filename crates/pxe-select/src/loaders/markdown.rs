//! The tables of loaders and architectures as pages show them.

use alloc::string::String;
use core::fmt::Write as _;

use super::{LoaderCandidate, default_loaders};
use crate::{
    arch::{Arch, ArchSource, Transport},
    firmware::Firmware,
};

/// The default loaders as a Markdown table, for the manual; a test there keeps it true.
#[must_use]
pub fn loader_table_markdown() -> String {
    let mut table = String::from("| firmware | file | from | asks for |\n|---|---|---|---|\n");
    for firmware in Firmware::all().iter().copied().filter(|firmware| !firmware.is_http()) {
        let mut first_cell = firmware.name();
        for candidate in default_loaders(firmware) {
            push_row(&mut table, first_cell, candidate);
            first_cell = "";
        }
        if default_loaders(firmware).is_empty() {
            push_line(
                &mut table,
                format_args!("| {first_cell} | | reads its own configuration | |"),
            );
        }
    }
    table
}

fn push_row(table: &mut String, first_cell: &str, candidate: &LoaderCandidate) {
    let mut from = String::new();
    for file in candidate.system_files {
        let separator = if from.is_empty() { "" } else { "<br>" };
        from.push_str(separator);
        from.push('`');
        from.push_str(file);
        from.push('`');
    }
    if from.is_empty() {
        from.push_str("root only");
    }
    for (position, package) in candidate.packages.iter().enumerate() {
        from.push_str(if position == 0 { " (" } else { "; " });
        from.push_str(package.distribution.name());
        from.push_str(": ");
        from.push_str(package.name);
    }
    if !candidate.packages.is_empty() {
        from.push(')');
    }
    let mut asks = String::new();
    for sibling in candidate.siblings.iter().filter(|sibling| sibling.required) {
        let separator = if asks.is_empty() { "" } else { ", " };
        asks.push_str(separator);
        asks.push('`');
        asks.push_str(sibling.file_name);
        asks.push('`');
    }
    push_line(
        table,
        format_args!("| {first_cell} | `{}` | {from} | {asks} |", candidate.file_name),
    );
}

/// The table of architectures in Markdown, for the manual.
#[must_use]
pub fn arch_table_markdown() -> String {
    let mut table =
        String::from("| number | name | transport | firmware | note |\n|---|---|---|---|---|\n");
    for entry in Arch::table() {
        let transport = match entry.transport {
            Transport::Tftp => "TFTP",
            Transport::Http => "HTTP",
        };
        let firmware = entry.firmware.map_or("", Firmware::name);
        let standing = match (entry.deprecated, entry.source) {
            (true, _) => " (deprecated)",
            (_, ArchSource::Field) => " (not registered)",
            _ => "",
        };
        push_line(
            &mut table,
            format_args!(
                "| {} | {}{standing} | {transport} | {firmware} | {} |",
                entry.arch.0, entry.name, entry.note
            ),
        );
    }
    table
}

fn push_line(table: &mut String, line: core::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    let _ = writeln!(table, "{line}");
}
