//! The report as text for people.

use core::fmt::Write as _;

use super::report::{FirmwareReport, Report, SegmentReport};

/// The whole report; what to change comes last, where it is read first.
pub(super) fn text(report: &Report) -> String {
    let mut out = String::new();
    for segment in &report.segments {
        of_segment(&mut out, segment);
    }
    if !report.files.is_empty() {
        out += "\nfiles\n";
    }
    for file in &report.files {
        let program = file.program.as_ref().map_or_else(String::new, |it| format!("; {it}"));
        let _ = writeln!(out, "  {}  {}{program}", file.url, file.outcome);
    }
    if !report.loaders.is_empty() {
        out += "\nboot programs of this machine\n";
    }
    for loader in &report.loaders {
        let signed = loader.secure_boot.as_ref().map_or_else(String::new, |it| format!("; {it}"));
        let program = loader.program.as_deref().unwrap_or("cannot be read");
        let (firmware, file) = (loader.firmware, &loader.file);
        let _ = writeln!(out, "  {firmware:<18}{file} ({program}{signed})");
    }
    if !report.images.is_empty() {
        out += "\nimages\n";
    }
    for image in &report.images {
        let boots = match image.boots.is_empty() {
            true => "boots on nothing".to_owned(),
            false => format!("boots on {}", image.boots.join(", ")),
        };
        let by_ram_disk = match image.by_ram_disk.is_empty() {
            true => String::new(),
            false => format!("; by RAM disk on {}", image.by_ram_disk.join(", ")),
        };
        let _ = writeln!(out, "  {} ({})  {boots}{by_ram_disk}", image.name, image.title);
        for warning in &image.warnings {
            let _ = writeln!(out, "    {warning}");
        }
    }
    findings(&mut out, report);
    out
}

fn of_segment(out: &mut String, segment: &SegmentReport) {
    let SegmentReport { interface, address, mac, discovers, .. } = segment;
    let _ = writeln!(out, "\n{interface} ({address}), asked by {discovers} DISCOVERs as {mac}");
    if segment.servers.is_empty() {
        // Without a question there is no silence; why not is among the findings.
        *out += if *discovers == 0 { "  could not be asked\n" } else { "  nobody answered\n" };
        return;
    }
    for server in &segment.servers {
        let what = match (server.offers, server.is_proxy) {
            (Some(offered), false) => format!("DHCP server, offers {offered}"),
            (Some(offered), true) => format!("DHCP server and proxy, offers {offered}"),
            (None, true) => "proxy: names files, gives no addresses".to_owned(),
            (None, false) => "answers without an address".to_owned(),
        };
        let own = if server.is_own { ", this machine" } else { "" };
        let _ = writeln!(out, "  {}  {what}{own}", server.server);
    }
    table(out, segment);
}

/// A column for each server. Firmware that is told nothing is listed in one line.
fn table(out: &mut String, segment: &SegmentReport) {
    let is_told = |row: &&FirmwareReport| row.named.iter().any(|it| it.file.is_some());
    let cell = |file: Option<&str>, ack: bool| match file {
        Some(file) if ack => format!("{file} (4011)"),
        Some(file) => file.to_owned(),
        None => "-".to_owned(),
    };
    let mut rows: Vec<Vec<String>> = vec![
        core::iter::once("firmware".to_owned())
            .chain(segment.servers.iter().map(|it| it.server.to_string()))
            .collect(),
    ];
    for row in segment.firmware.iter().filter(is_told) {
        let cells = row.named.iter().map(|it| cell(it.file.as_deref(), it.by_boot_server));
        rows.push(core::iter::once(row.firmware.clone()).chain(cells).collect());
    }
    let widths: Vec<usize> = (0..=segment.servers.len())
        .map(|at| rows.iter().filter_map(|row| row.get(at)).map(String::len).max().unwrap_or(0))
        .collect();
    out.push('\n');
    for row in &rows {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
        let line = cells.collect::<Vec<_>>().join("  ");
        let _ = writeln!(out, "  {}", line.trim_end());
    }
    let untold: Vec<&str> = segment
        .firmware
        .iter()
        .filter(|row| !is_told(row))
        .map(|row| row.firmware.as_str())
        .collect();
    if !untold.is_empty() {
        let _ = writeln!(out, "  told nothing: {}", untold.join(", "));
    }
}

fn findings(out: &mut String, report: &Report) {
    let faults = report.findings.iter().filter(|finding| finding.is_fault);
    let notes = report.findings.iter().filter(|finding| !finding.is_fault);
    if notes.clone().next().is_some() {
        *out += "\nworth knowing\n";
    }
    for note in notes {
        let _ = writeln!(out, "  - {}. {}", note.what, note.advice);
    }
    if report.is_clean {
        *out += "\nnothing to change was found\n";
        return;
    }
    *out += "\nto change, the most important first\n";
    for (at, fault) in faults.enumerate() {
        let firmware = match fault.firmware.is_empty() {
            true => String::new(),
            false => format!(" [{}]", fault.firmware.join(", ")),
        };
        let _ = writeln!(out, "  {}. {}{firmware}", at + 1, fault.what);
        for cause in &fault.causes {
            let _ = writeln!(out, "       perhaps {cause}");
        }
        let _ = writeln!(out, "     -> {}", fault.advice);
    }
}
