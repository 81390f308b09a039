//! The page with thousands of machines that all move: it stays as quick as it was.

use core::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Instant;

use serde_json::Value;

use super::{Look, MACHINES};
use crate::browser::DOWN;
use crate::error::{Result, fail};

/// For a filter to be applied and drawn, in milliseconds; half of the tries may take longer.
const FILTER_MS_MAX: f64 = 100.0;
/// Between two frames, in milliseconds; one of twenty may take longer.
const FRAME_MS_MAX: f64 = 100.0;
/// Of one processor, in percent.
const BUSY_PERCENT_MAX: f64 = 50.0;
/// The list must have been drawn so often in [`WATCH`], or nothing was tried.
const DRAWN_MIN: u64 = 3;

/// Five seconds of frames, sorted, and how often the list was drawn.
const WATCH: &str = "return new Promise((done) => {
  const frames = [];
  let [drawn, last] = [0, performance.now()];
  const end = last + 5000;
  const observer = new MutationObserver(() => { drawn += 1; });
  observer.observe(document.querySelector('.scroll tbody'), { childList: true, subtree: true });
  const frame = () => {
    const now = performance.now();
    frames.push(now - last);
    last = now;
    if (now < end) return requestAnimationFrame(frame);
    observer.disconnect();
    done({ drawn, frames: frames.sort((a, b) => a - b) });
  };
  requestAnimationFrame(frame);
})";

impl Look<'_> {
    pub(super) fn it_stays_quick_while_all_move(&self) -> Result<()> {
        let over = AtomicBool::new(false);
        thread::scope(|scope| {
            let crowd = scope.spawn(|| {
                while !over.load(Ordering::SeqCst) {
                    self.scene.crowd(MACHINES)?;
                }
                Ok(())
            });
            let seen = self
                .frames()
                .and_then(|()| self.a_row_stays_under_the_hand())
                .and_then(|()| self.filters("filter while all move"));
            over.store(true, Ordering::SeqCst);
            let asked = crowd.join().unwrap_or_else(|_| fail("the crowd panicked"));
            seen.and(asked)
        })
    }

    fn frames(&self) -> Result<()> {
        let (before, started) = (self.browser.busy()?, Instant::now());
        let seen = self.browser.run(WATCH)?;
        let busy = self.browser.busy()?.saturating_sub(before);
        let percent = 100.0 * busy.as_secs_f64() / started.elapsed().as_secs_f64();
        let frames = numbers(&seen["frames"]);
        let drawn = seen["drawn"].as_u64().unwrap_or(0);
        let most = at(&frames, 19, 20);
        println!(
            "{MACHINES} machines move: drawn {drawn} times; {} frames, of twenty 19 within {most:.0} ms and the \
             longest {:.0} ms; busy {percent:.0} %",
            frames.len(),
            at(&frames, 1, 1)
        );
        if drawn < DRAWN_MIN {
            return fail(format!("the list was drawn {drawn} times: nothing moves"));
        }
        if most > FRAME_MS_MAX || percent > BUSY_PERCENT_MAX {
            return fail(format!(
                "the page is sluggish: {most:.0} ms a frame ({FRAME_MS_MAX} are allowed), busy {percent:.0} % \
                 ({BUSY_PERCENT_MAX} are allowed)"
            ));
        }
        Ok(())
    }

    /// Others come and go; the row that has the focus keeps it, and its place.
    fn a_row_stays_under_the_hand(&self) -> Result<()> {
        self.browser.run("document.querySelector('.scroll').focus()")?;
        self.browser.press(&DOWN.repeat(3))?;
        let held = self.browser.run(
            "const row = document.activeElement.closest('tr[data-id]');
             window.held = document.activeElement;
             return row ? [row.dataset.id, row.getAttribute('aria-rowindex')] : null",
        )?;
        let others = "return document.getElementById('count').textContent.includes('order kept')";
        self.browser.until("others are heard meanwhile", others)?;
        let now = self.browser.run(
            "const row = document.activeElement.closest('tr[data-id]');
             return row && document.activeElement === window.held
               ? [row.dataset.id, row.getAttribute('aria-rowindex')] : null",
        )?;
        if held.is_null() || now != held {
            return fail(format!("the row with the focus was {held}, and is {now}"));
        }
        self.browser.run("document.activeElement.blur()").map(drop)
    }

    /// Applies filters one after the other, and measures each.
    pub(super) fn filters(&self, what: &str) -> Result<()> {
        // Layout included: what is asked for at the end makes the browser finish it.
        let measured = self.browser.run(
            "const filter = document.getElementById('filter'), times = [];
             for (const text of ['c0:1', 'bios', 'acknowledged', '52:54:00:c0:00:07', '', 'x64', 'arm64 ff', '']) {
               const start = performance.now();
               filter.value = text;
               filter.dispatchEvent(new Event('input'));
               document.querySelector('.scroll').getBoundingClientRect();
               times.push(performance.now() - start);
             }
             return times.sort((a, b) => a - b);",
        )?;
        let times = numbers(&measured);
        let median = at(&times, 1, 2);
        println!("{what} over {MACHINES} machines: {median:.1} ms (all: {times:.1?})");
        if median > FILTER_MS_MAX {
            return fail(format!("a filter takes {median:.0} ms; {FILTER_MS_MAX} are allowed"));
        }
        Ok(())
    }
}

fn numbers(list: &Value) -> Vec<f64> {
    list.as_array().into_iter().flatten().filter_map(Value::as_f64).collect()
}

/// What so large a part of a sorted list does not exceed; without end if there is none.
fn at(sorted: &[f64], part: usize, of: usize) -> f64 {
    let index = (sorted.len() * part / of).min(sorted.len().saturating_sub(1));
    sorted.get(index).copied().unwrap_or(f64::INFINITY)
}
