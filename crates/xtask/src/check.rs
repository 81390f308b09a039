//! `cargo xtask test`: everything that must hold, in one command.

mod beside;
mod cargo;
mod lab;

use std::env;
use std::time::Instant;

use crate::addresses;
use crate::clients;
use crate::debian;
use crate::demo;
use crate::error::{Result, fail};
use crate::faults;
use crate::interrupt;
use crate::matrix::{self, Row};
use crate::packages::{self, Need};
use crate::page;
use crate::report::{Outcome, Report};
use crate::snippets;
use crate::workspace::Workspace;
use beside::Build;
use lab::{obstacle, run_clients, run_matrix, without_rights};

/// What `cargo xtask test` was asked for.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Run only this step (again for more): format, clippy, tests, docs, no-std, package, fuzz,
    /// snippets, dhcp-clients, faults, demo, page, page-boot, debian, clients, matrix
    #[arg(long, value_name = "STEP")]
    only: Vec<String>,
    /// Leave the firmware matrix out
    #[arg(long)]
    no_firmware: bool,
    /// Run only this row of the firmware matrix (again for more)
    #[arg(long, value_name = "NAME")]
    row: Vec<String>,
    /// Let dnsmasq play our server, to see whether a fault lies in the lab
    #[arg(long)]
    stand_in: bool,
    /// Write anew what the documentation shows of the program: pictures of the page
    #[arg(long)]
    update_docs: bool,
    /// List the steps and rows
    #[arg(long)]
    list: bool,
}

struct Step {
    name: &'static str,
    needs: &'static [&'static Need],
    /// It makes network namespaces.
    root: bool,
    /// It mostly waits, for timers and for emulated machines: it may do so beside others.
    waits: bool,
    run: fn(&Workspace) -> Result<()>,
}

const STEPS: &[Step] = &[
    Step { name: "format", needs: &[], root: false, waits: false, run: cargo::format },
    Step { name: "clippy", needs: &[], root: false, waits: false, run: cargo::clippy },
    Step { name: TESTS, needs: &[], root: false, waits: false, run: cargo::tests },
    Step { name: "docs", needs: &[], root: false, waits: false, run: cargo::docs },
    Step { name: "no-std", needs: &[], root: false, waits: false, run: cargo::no_std },
    Step { name: "package", needs: &[], root: false, waits: false, run: cargo::package },
    Step { name: "fuzz", needs: &[&packages::CXX], root: false, waits: false, run: cargo::fuzz },
    Step { name: "snippets", needs: snippets::NEEDS, root: true, waits: true, run: snippets::run },
    Step {
        name: "dhcp-clients",
        needs: addresses::NEEDS,
        root: true,
        waits: true,
        run: addresses::run,
    },
    Step { name: "faults", needs: faults::NEEDS, root: true, waits: true, run: faults::run },
    Step { name: "demo", needs: demo::NEEDS, root: true, waits: true, run: demo::prove },
    Step { name: "page", needs: page::NEEDS, root: false, waits: false, run: page::run },
    Step {
        name: "page-boot",
        needs: page::boot::NEEDS,
        root: true,
        waits: true,
        run: page::boot::run,
    },
    Step { name: "debian", needs: debian::NEEDS, root: true, waits: true, run: debian::run },
];
const TESTS: &str = "tests";
/// Real TFTP clients.
const CLIENTS: &str = "clients";
const MATRIX: &str = "matrix";

/// Runs the command. `Ok(false)` means that something failed.
pub(crate) fn run(workspace: &Workspace, options: &Options) -> Result<bool> {
    let rows = chosen_rows(options)?;
    if options.list {
        let names = STEPS.iter().map(|step| step.name).chain([CLIENTS]);
        names.for_each(|name| println!("step {name}"));
        matrix::rows().for_each(|row| println!("row  {:<20}{}", row.name, row.title));
        return Ok(true);
    }
    let mut workspace = workspace.clone();
    workspace.update_docs |= options.update_docs;
    interrupt::watch()?;
    let steps: Vec<_> = STEPS.iter().filter(|step| wants(options, step.name)).collect();
    let (clients, matrix) = (wants(options, CLIENTS), wants(options, MATRIX));
    let mut needs: Vec<_> = steps.iter().flat_map(|step| step.needs).copied().collect();
    if matrix && !options.no_firmware {
        needs.extend(rows.iter().flat_map(|row| row.needs()));
    }
    if steps.iter().any(|step| step.name == TESTS) {
        // Without it a few tests say that they are skipped; in CI they fail.
        needs.push(&packages::POSTGRESQL);
        needs.push(&packages::NAMESPACES);
        needs.push(&packages::GRUB_SCRIPT_CHECK);
        needs.push(&packages::PROMTOOL);
        needs.extend([&packages::NGINX, &packages::IMAGES, &packages::PACKERS]);
    }
    if clients {
        needs.extend(clients::needs());
    }
    packages::ensure(&needs)?;
    let mut report = Report::default();
    let (waiting, alone): (Vec<_>, Vec<_>) = steps.into_iter().partition(|step| step.waits);
    let boots = matrix && !options.stand_in && obstacle(options).is_none();
    let uses_server = without_rights().is_none() && (!waiting.is_empty() || clients || boots);
    let build = (uses_server && !alone.is_empty()).then(|| Build::start(&workspace)).transpose()?;
    run_steps(&workspace, &alone, &mut report)?;
    if let Some(build) = build {
        let (outcome, took) = build.end()?;
        report.add("release build", outcome, took);
    }
    run_waiting(&workspace, waiting, &mut report)?;
    if clients {
        println!("\n==> {CLIENTS}");
        run_clients(&workspace, &mut report)?;
    }
    if matrix {
        println!("\n==> {MATRIX}");
        run_matrix(&workspace, options, &rows, &mut report)?;
    }
    println!("{}", report.closing());
    Ok(!report.has_failures())
}

fn wants(options: &Options, step: &str) -> bool {
    let asked = options.only.iter().any(|name| name == step);
    // Naming a row says which step is meant.
    let implied = options.only.is_empty() && (options.row.is_empty() || step == MATRIX);
    asked || implied
}

fn chosen_rows(options: &Options) -> Result<Vec<&'static Row>> {
    for name in &options.only {
        if name != MATRIX && name != CLIENTS && STEPS.iter().all(|step| step.name != name) {
            return fail(format!("there is no step {name}; see --list"));
        }
    }
    for name in &options.row {
        if matrix::rows().all(|row| row.name != name) {
            return fail(format!("the matrix has no row {name}; see --list"));
        }
    }
    let chosen = |row: &&Row| options.row.is_empty() || options.row.iter().any(|n| n == row.name);
    Ok(matrix::rows().filter(chosen).collect())
}

fn run_steps(workspace: &Workspace, steps: &[&Step], report: &mut Report) -> Result<()> {
    for step in steps {
        interrupt::check()?;
        println!("\n==> {}", step.name);
        let started = Instant::now();
        let outcome = match obstacle_of(step) {
            Some(why) => skipped(why),
            None => judged((step.run)(workspace)),
        };
        report.add(step.name, outcome, started.elapsed());
    }
    Ok(())
}

/// A single one runs here, where one sees what it does.
fn run_waiting(workspace: &Workspace, steps: Vec<&Step>, report: &mut Report) -> Result<()> {
    let (able, unable): (Vec<_>, Vec<_>) =
        steps.into_iter().partition(|step| obstacle_of(step).is_none());
    run_steps(workspace, &unable, report)?;
    if able.len() < 2 {
        return run_steps(workspace, &able, report);
    }
    let names: Vec<_> = able.iter().map(|step| step.name).collect();
    println!("\n==> {}, at once", names.join(", "));
    beside::run(workspace, &able, report)
}

/// Why this step cannot run here.
fn obstacle_of(step: &Step) -> Option<String> {
    let no_rights = if step.root { without_rights() } else { None };
    no_rights.or_else(|| {
        let missing = packages::missing(step.needs);
        let what = missing.first()?.what;
        Some(format!("{what} is missing ({})", packages::advice(step.needs)))
    })
}

fn judged(result: Result<()>) -> Outcome {
    match result {
        Ok(()) => Outcome::Passed(String::new()),
        Err(why) => Outcome::Failed(why.to_string()),
    }
}

/// In CI nothing may be skipped: what cannot run has failed.
fn skipped(why: String) -> Outcome {
    if env::var_os("CI").is_some_and(|value| value == "true") {
        return Outcome::Failed(format!("could not run: {why}"));
    }
    Outcome::Skipped(why)
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        options: Options,
    }

    fn options(words: &[&str]) -> Options {
        Line::parse_from([&["test"], words].concat()).options
    }

    #[test]
    fn a_named_row_means_the_matrix_alone() {
        let options = options(&["--row", "x64-uefi"]);
        assert!(wants(&options, MATRIX) && !wants(&options, "clippy"));
        assert!(!wants(&options, CLIENTS));
        assert_eq!(chosen_rows(&options).unwrap().len(), 1);
    }

    #[test]
    fn without_options_everything_runs() {
        let options = options(&[]);
        assert!(STEPS.iter().all(|step| wants(&options, step.name)));
        assert!(wants(&options, CLIENTS) && wants(&options, MATRIX));
        assert_eq!(chosen_rows(&options).unwrap().len(), matrix::rows().count());
    }

    #[test]
    fn unknown_names_are_refused() {
        assert!(chosen_rows(&options(&["--row", "z80"])).is_err());
        assert!(chosen_rows(&options(&["--only", "coffee"])).is_err());
        assert!(chosen_rows(&options(&["--only", CLIENTS])).is_ok());
    }
}
