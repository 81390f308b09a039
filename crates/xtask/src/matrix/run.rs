//! Rows are run: several at a time, each on a stage of its own.

use core::cmp::Reverse;
use core::num::NonZero;
use core::time::Duration;
use std::fs;
use std::path::Path;
use std::thread;
use std::time::Instant;

use super::permits::Permits;
use super::story::{check_story, summary};
use super::{Act, Lab, Row, Systems, make_discs};
use crate::error::{Context as _, Result, fail};
use crate::interrupt;
use crate::lab::refusals;
use crate::lab::server::{Memory, Subject};
use crate::lab::stage::Stage;
use crate::lab::stage::systems::System;
use crate::report::Outcome;

/// Emulated machines at a time, for each processor: an EDK2 that boots keeps one busy for a third of its time, and waits
/// for timers and answers otherwise.
pub(super) const MACHINES_PER_PROCESSOR: usize = 2;
/// At a time in all: each has half a gigabyte of memory or a whole one.
const MACHINES_MAX: usize = 8;
/// What an idle server may keep of its own.
const IDLE_SERVER_OWN_KIB_MAX: u64 = 5_000;
/// And with what the kernel maps of the files it runs from.
const IDLE_SERVER_RESIDENT_KIB_MAX: u64 = 20_000;

/// Runs rows, several at a time, and reports each as it ends.
pub(crate) fn run(
    lab: &Lab,
    rows: &[&'static Row],
    report: &(dyn Fn(&'static Row, &Outcome, Duration) + Sync),
) {
    let processors = thread::available_parallelism().map_or(1, NonZero::get);
    let machines = Permits::new((processors * MACHINES_PER_PROCESSOR).min(MACHINES_MAX));
    let mut rows = rows.to_vec();
    // The long ones first, so that none is left alone at the end.
    rows.sort_by_key(|row| Reverse((row.length(), row.at_once())));
    thread::scope(|scope| {
        for row in rows {
            // Acquired here, in order, so that a row for two machines is not overtaken for ever.
            let permit = machines.acquire(row.at_once());
            scope.spawn(move || {
                let _permit = permit;
                let started = Instant::now();
                let outcome = match run_row(lab, row) {
                    Ok(text) => Outcome::Passed(text),
                    Err(why) => Outcome::Failed(why.to_string()),
                };
                report(row, &outcome, started.elapsed());
            });
        }
    });
}

/// Runs one row and returns a line about what was proven. Its folder stays only if it failed.
fn run_row(lab: &Lab, row: &Row) -> Result<String> {
    interrupt::check()?;
    let folder = lab.folder.join(row.name);
    // What an earlier run left there would be taken for this run's.
    let _ = fs::remove_dir_all(&folder);
    let text = match (row.act, &lab.subject) {
        (Act::Refuse, Subject::Ours(binary)) => refusals::try_all(binary, &folder)?,
        (Act::Run(systems), _) => run_systems(lab, row, systems, &folder)?,
        _ => run_on_stage(lab, row, &folder)?,
    };
    fs::remove_dir_all(&folder).context(|| format!("removing {}", folder.display()))?;
    Ok(text)
}

fn run_on_stage(lab: &Lab, row: &Row, folder: &Path) -> Result<String> {
    let mut stage = Stage::build(&lab.subject, row.scene, folder)?;
    let mut text = String::new();
    if row.act == Act::Idle {
        text = idle_memory(&stage)?;
    }
    if row.act == Act::BootAfterStranger {
        text = stage.let_stranger_in(&lab.repository)? + "; ";
    }
    if !row.seats.is_empty() {
        let boots = stage.play(row.seats, row.at_once(), &mut |_| {})?;
        if stage.server.is_ours() {
            check_story(&stage.server.story(), &row.scene.topology, row.seats)?;
        }
        text += &summary(row.seats, &boots);
        text += &losses(&stage, row.scene.loss_percent)?;
        if let Some(silence) = stage.silence()? {
            text += &format!("; {silence}");
        }
    }
    stage.server.stop()?;
    Ok(text)
}

fn run_systems(lab: &Lab, row: &Row, systems: &Systems, folder: &Path) -> Result<String> {
    make_discs(systems.machines, folder)?;
    let mut stage = Stage::build(&lab.subject, row.scene, folder)?;
    let took = stage.run_systems(systems.machines, row.at_once(), &mut |_| {})?;
    stage.server.stop()?;
    let each = systems.machines.iter().zip(took).map(|(System { title, says, .. }, took)| {
        format!("{title}: `{says}` after {:.1} s", took.as_secs_f32())
    });
    Ok(each.collect::<Vec<_>>().join("; "))
}

/// On a wire that was to lose frames, how many it lost; none would make the row worthless.
fn losses(stage: &Stage, percent: u8) -> Result<String> {
    if percent == 0 {
        return Ok(String::new());
    }
    match stage.frames_lost()? {
        0 => fail("the wire has lost no frame"),
        count => Ok(format!(" ({count} frames lost)")),
    }
}

fn idle_memory(stage: &Stage) -> Result<String> {
    interrupt::pause(Duration::from_secs(2))?;
    let Memory { own, resident } = stage.server.memory()?;
    let told = format!("{own} KiB of its own, {resident} KiB resident");
    if own > IDLE_SERVER_OWN_KIB_MAX || resident > IDLE_SERVER_RESIDENT_KIB_MAX {
        return fail(format!(
            "{told}; the limits are {IDLE_SERVER_OWN_KIB_MAX} and {IDLE_SERVER_RESIDENT_KIB_MAX}"
        ));
    }
    Ok(told)
}
