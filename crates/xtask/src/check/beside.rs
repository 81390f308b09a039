//! What runs beside something else: the server's release build beside what compiles otherwise, and the steps that mostly
//! wait beside one another.

use core::time::Duration;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use super::Step;
use crate::error::{Context as _, Result};
use crate::interrupt;
use crate::process::{Background, find_program, tail};
use crate::report::{Outcome, Report};
use crate::workspace::Workspace;

const LOOK_EVERY: Duration = Duration::from_millis(200);
/// Lines of a failed build that are shown.
const BUILD_LINES: usize = 40;
/// What a report writes before its table, which is of no use to another report.
const TABLE: &str = "\nsummary\n";

/// A program whose output goes to a file, and since when.
#[derive(Debug)]
struct Running {
    process: Background,
    started: Instant,
}

impl Running {
    fn start(command: Command, what: &str, log: &Path) -> Result<Self> {
        let process = Background::start(command, what, log)?;
        Ok(Self { process, started: Instant::now() })
    }

    /// Whether it ended well and how long it took, once it has ended.
    fn ended(&mut self) -> Result<Option<(bool, Duration)>> {
        let status = self.process.exited()?;
        Ok(status.map(|status| (status.success(), self.started.elapsed())))
    }
}

/// The release build of the server. Its last minute keeps one processor busy, and cargo locks each profile by itself.
#[derive(Debug)]
pub(super) struct Build(Running);

impl Build {
    /// Starts it, at a lower priority than the steps beside it.
    pub(super) fn start(workspace: &Workspace) -> Result<Self> {
        let folder = folder(workspace)?;
        let cargo = workspace.server_build();
        let command = match find_program("nice") {
            None => cargo,
            Some(nice) => {
                let mut command = Command::new(nice);
                command.arg("-n").arg("10").arg(cargo.get_program()).args(cargo.get_args());
                command.current_dir(&workspace.root);
                command
            }
        };
        Running::start(command, "the release build", &folder.join("release-build.log")).map(Self)
    }

    /// Waits for its end.
    pub(super) fn end(mut self) -> Result<(Outcome, Duration)> {
        loop {
            if let Some((well, took)) = self.0.ended()? {
                let said = tail(&self.0.process.printed(), BUILD_LINES);
                let outcome = Outcome::Passed(String::new());
                return Ok((if well { outcome } else { Outcome::Failed(said) }, took));
            }
            interrupt::pause(LOOK_EVERY)?;
        }
    }
}

/// Runs steps at once, each in a process of its own, and shows what each said when it has ended.
pub(super) fn run(workspace: &Workspace, steps: &[&Step], report: &mut Report) -> Result<()> {
    let folder = folder(workspace)?;
    let mut running = Vec::new();
    for step in steps {
        let mut command = workspace.xtask(&["test", "--only", step.name]);
        if workspace.update_docs {
            command.arg("--update-docs");
        }
        let log = folder.join(format!("{}.log", step.name));
        running.push((step.name, Running::start(command, step.name, &log)?));
    }
    while !running.is_empty() {
        interrupt::pause(LOOK_EVERY)?;
        let mut still = Vec::new();
        for (name, mut step) in running {
            match step.ended()? {
                None => still.push((name, step)),
                Some((well, took)) => {
                    let printed = step.process.printed();
                    let said = printed.split(TABLE).next().unwrap_or_default();
                    println!("{}", said.trim_end());
                    report.add_shown(name, outcome(well, said), took);
                }
            }
        }
        running = still;
    }
    Ok(())
}

/// How a step ended by what its process said.
fn outcome(well: bool, said: &str) -> Outcome {
    let behind = |word: &str| {
        let line = said.lines().rev().find(|line| line.starts_with(word))?;
        let (_, why) = line.split_once(" s  ")?;
        Some(why.trim().to_owned())
    };
    if !well {
        return Outcome::Failed(behind("FAILED").unwrap_or_else(|| tail(said, 1)));
    }
    behind("skipped").map_or_else(|| Outcome::Passed(String::new()), Outcome::Skipped)
}

fn folder(workspace: &Workspace) -> Result<std::path::PathBuf> {
    let folder = workspace.target.join("test-logs");
    fs::create_dir_all(&folder).context(|| format!("making {}", folder.display()))?;
    Ok(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a process of one step prints, without its table.
    fn said(outcome: &Outcome) -> String {
        let line = crate::report::line("faults", outcome, Duration::from_secs(61));
        format!("\n==> faults\n  late (12 s): as it should be\n{line}")
    }

    #[test]
    fn a_step_ends_as_its_process_said() {
        let passed = Outcome::Passed(String::new());
        assert_eq!(outcome(true, &said(&passed)), passed);
        let skipped = Outcome::Skipped("no root".to_owned());
        assert_eq!(outcome(true, &said(&skipped)), skipped);
        let failed = Outcome::Failed("late; logs in /tmp".to_owned());
        assert_eq!(outcome(false, &said(&failed)), failed);
    }

    #[test]
    fn a_process_that_broke_off_has_failed() {
        let broke = outcome(false, "\n==> faults\nerror: interrupted\n");
        assert_eq!(broke, Outcome::Failed("error: interrupted".to_owned()));
    }
}
