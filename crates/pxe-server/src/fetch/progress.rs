//! What a person sees meanwhile, on standard error.

use core::time::Duration;

use indicatif::{DecimalBytes, ProgressBar, ProgressDrawTarget, ProgressStyle};

const KNOWN_SIZE: &str =
    "{msg} {wide_bar} {decimal_bytes}/{decimal_total_bytes} {decimal_bytes_per_sec} {eta}";
const UNKNOWN_SIZE: &str = "{msg} {spinner} {decimal_bytes} {decimal_bytes_per_sec}";

/// The bar, which draws itself on terminals only.
pub(super) struct Progress(ProgressBar);

impl Progress {
    pub(super) fn new(file: &str, shown: bool) -> Self {
        let target =
            if shown { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(None, target).with_message(file.to_owned());
        bar.set_style(style(UNKNOWN_SIZE));
        Self(bar)
    }

    /// An attempt begins: what it brings counts from its first byte.
    pub(super) fn begin(&self) {
        self.0.reset();
        self.0.tick();
    }

    /// The server told the file's size in bytes.
    pub(super) fn set_size(&self, bytes: u64) {
        if self.0.length() != Some(bytes) {
            self.0.set_length(bytes);
            self.0.set_style(style(KNOWN_SIZE));
        }
    }

    pub(super) fn set_received(&self, bytes: u64) {
        self.0.set_position(bytes);
    }

    /// Nothing comes, but the time goes on.
    pub(super) fn idle(&self) {
        self.0.tick();
    }

    /// A line that stays, above the bar.
    pub(super) fn say(&self, line: &str) {
        self.0.suspend(|| eprintln!("{line}"));
    }

    /// Takes the bar away.
    pub(super) fn end(&self) {
        self.0.finish_and_clear();
    }
}

fn style(template: &str) -> ProgressStyle {
    // The templates are constants, which the test below reads.
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

/// `1059840 bytes (1.06 MB) in 0.40 s, 2.6 MB/s`
pub(super) fn summary(bytes: u64, took: Duration) -> String {
    let seconds = took.as_secs_f64();
    // Below a millisecond the rate says nothing.
    let rate = if seconds >= 0.001 { bytes as f64 / seconds } else { 0.0 };
    let mut text = format!("{bytes} bytes");
    if bytes >= 1000 {
        text.push_str(&format!(" ({})", DecimalBytes(bytes)));
    }
    text.push_str(&format!(" in {seconds:.2} s"));
    if rate >= 1.0 {
        text.push_str(&format!(", {}/s", DecimalBytes(rate as u64)));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_templates_are_read() {
        for template in [KNOWN_SIZE, UNKNOWN_SIZE] {
            assert!(ProgressStyle::with_template(template).is_ok(), "{template}");
        }
    }

    #[test]
    fn the_summary_counts_in_units_of_the_wire() {
        let text = summary(1_059_840, Duration::from_millis(400));
        assert_eq!(text, "1059840 bytes (1.06 MB) in 0.40 s, 2.65 MB/s");
        assert_eq!(summary(0, Duration::ZERO), "0 bytes in 0.00 s");
    }
}
