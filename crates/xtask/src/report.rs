//! What was tried and how it ended, as lines while it runs and as a table at the end.

use core::time::Duration;

/// How one thing ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// With a word on what was seen, which may be empty.
    Passed(String),
    Failed(String),
    /// With the reason.
    Skipped(String),
}

/// The results of a run, in the order in which they came.
#[derive(Debug, Default)]
pub(crate) struct Report {
    lines: Vec<(String, Outcome, Duration)>,
}

impl Report {
    /// Notes a result and shows it at once.
    pub(crate) fn add(&mut self, name: &str, outcome: Outcome, took: Duration) {
        println!("{}", line(name, &outcome, took));
        self.add_shown(name, outcome, took);
    }

    /// Notes a result that has been shown.
    pub(crate) fn add_shown(&mut self, name: &str, outcome: Outcome, took: Duration) {
        self.lines.push((name.to_owned(), outcome, took));
    }

    /// The table and the closing line, which counts.
    pub(crate) fn closing(&self) -> String {
        let mut text = String::from("\nsummary\n");
        for (name, outcome, took) in &self.lines {
            let line = line(name, outcome, *took);
            // Details of a failure were shown when it came.
            text.push_str(line.lines().next().unwrap_or_default());
            text.push('\n');
        }
        let count = |wanted: fn(&Outcome) -> bool| {
            self.lines.iter().filter(|(_, outcome, _)| wanted(outcome)).count()
        };
        let passed = count(|outcome| matches!(outcome, Outcome::Passed(_)));
        let failed = count(|outcome| matches!(outcome, Outcome::Failed(_)));
        let skipped = count(|outcome| matches!(outcome, Outcome::Skipped(_)));
        text.push_str(&format!("\n{passed} passed, {failed} failed, {skipped} skipped"));
        text
    }

    pub(crate) fn has_failures(&self) -> bool {
        self.lines.iter().any(|(_, outcome, _)| matches!(outcome, Outcome::Failed(_)))
    }
}

pub(crate) fn line(name: &str, outcome: &Outcome, took: Duration) -> String {
    let (word, text) = match outcome {
        Outcome::Passed(text) => ("passed", text),
        Outcome::Failed(text) => ("FAILED", text),
        Outcome::Skipped(text) => ("skipped", text),
    };
    format!("{word:<8}{name:<20}{:>6.1} s  {text}", took.as_secs_f32()).trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_closing_line_stands_alone_and_counts() {
        let mut report = Report::default();
        report.add("a", Outcome::Passed(String::new()), Duration::from_secs(1));
        report.add("b", Outcome::Failed("why\nmore".to_owned()), Duration::ZERO);
        report.add("c", Outcome::Skipped("no root".to_owned()), Duration::ZERO);
        let closing = report.closing();
        assert_eq!(closing.lines().last(), Some("1 passed, 1 failed, 1 skipped"));
        assert!(closing.contains("why") && !closing.contains("more"));
        assert!(report.has_failures());
    }
}
