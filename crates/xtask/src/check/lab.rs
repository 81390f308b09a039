//! What needs the lab: real clients, and the matrix.

use core::time::Duration;
use std::fs;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use nix::unistd::geteuid;

use super::{CLIENTS, Options, skipped};
use crate::clients;
use crate::error::Result;
use crate::interrupt;
use crate::lab::server::Subject;
use crate::lab::wire::sweep_leftovers;
use crate::matrix::{self, Lab, Row};
use crate::packages;
use crate::report::{Outcome, Report};
use crate::workspace::Workspace;

pub(super) fn run_clients(workspace: &Workspace, report: &mut Report) -> Result<()> {
    let missing = packages::missing(clients::NEEDS);
    let obstacle = match missing[..] {
        [] => without_rights(),
        [missing, ..] => {
            Some(format!("{} is missing ({})", missing.what, packages::advice(&[missing])))
        }
    };
    if let Some(why) = obstacle {
        report.add(CLIENTS, skipped(why), Duration::ZERO);
        return Ok(());
    }
    sweep_leftovers();
    let started = Instant::now();
    let add = &mut |name: &str, outcome, took| report.add(name, outcome, took);
    let ran = workspace
        .build_server()
        .and_then(|binary| clients::run(&binary, &workspace.target, skipped, add));
    if let Err(why) = ran {
        report.add(CLIENTS, Outcome::Failed(why.to_string()), started.elapsed());
    }
    interrupt::check()
}

pub(super) fn run_matrix(
    workspace: &Workspace,
    options: &Options,
    rows: &[&'static Row],
    report: &mut Report,
) -> Result<()> {
    if let Some(why) = obstacle(options) {
        for row in rows {
            report.add(row.name, skipped(why.clone()), Duration::ZERO);
        }
        return Ok(());
    }
    sweep_leftovers();
    let folder = matrix::folder(&workspace.target);
    let subject = if options.stand_in {
        println!("dnsmasq plays our server: this tests the lab, not the server");
        Subject::StandIn
    } else {
        let started = Instant::now();
        match workspace.build_server() {
            Ok(binary) => Subject::Ours(binary),
            Err(why) => {
                report.add("release build", Outcome::Failed(why.to_string()), started.elapsed());
                return Ok(());
            }
        }
    };
    let rows: Vec<_> = rows.iter().copied().filter(|row| fits(row, &subject)).collect();
    let (able, unable): (Vec<_>, Vec<_>) =
        rows.into_iter().partition(|row| packages::missing(&row.needs()).is_empty());
    for row in unable {
        let missing = packages::missing(&row.needs());
        let what: Vec<_> = missing.iter().map(|need| need.what).collect();
        let why = format!("missing: {} ({})", what.join(", "), packages::advice(&missing));
        report.add(row.name, skipped(why), Duration::ZERO);
    }
    let shared = Mutex::new(report);
    let lab = Lab { subject, repository: workspace.root.clone(), folder };
    matrix::run(&lab, &able, &|row, outcome, took| {
        let mut report = shared.lock().unwrap_or_else(PoisonError::into_inner);
        report.add(row.name, outcome.clone(), took);
    });
    // Rows that failed keep their folders, and so this one.
    let _ = fs::remove_dir(&lab.folder);
    interrupt::check()
}

fn fits(row: &Row, subject: &Subject) -> bool {
    matches!(subject, Subject::Ours(_)) || row.takes_stand_in()
}

/// Why the matrix cannot run here.
pub(super) fn obstacle(options: &Options) -> Option<String> {
    if options.no_firmware {
        return Some("--no-firmware".to_owned());
    }
    without_rights()
}

/// Why nobody can make namespaces here.
pub(super) fn without_rights() -> Option<String> {
    (!geteuid().is_root())
        .then(|| "network namespaces need root: run it as root (sudo -E env \"PATH=$PATH\" cargo xtask test)".to_owned())
}
