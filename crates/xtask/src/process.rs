//! Running other programs: to the end, or in the background until dropped.

use core::time::Duration;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::Instant;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::error::{Context as _, Result, fail};

/// How long a program may take to end after SIGTERM before it is killed.
const STOP_PATIENCE: Duration = Duration::from_secs(5);

/// Where programs are looked for besides `PATH`: many systems leave these out for ordinary users.
const ADMIN_FOLDERS: [&str; 3] = ["/usr/local/sbin", "/usr/sbin", "/sbin"];

/// The full path of a program, if the system has it.
pub(crate) fn find_program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(ADMIN_FOLDERS.iter().map(PathBuf::from))
        .map(|folder| folder.join(name))
        .find(|candidate| candidate.is_file())
}

/// A command, from its words: `command(&["ip", "netns", "list"])`.
pub(crate) fn command<W: AsRef<str>>(words: &[W]) -> Command {
    let mut words = words.iter().map(AsRef::as_ref);
    let program = words.next().unwrap_or_default();
    let mut command = Command::new(find_program(program).unwrap_or_else(|| PathBuf::from(program)));
    command.args(words);
    command
}

/// Runs a command to its end and returns what it printed; its error text becomes the failure.
pub(crate) fn capture(command: &mut Command) -> Result<String> {
    let shown = describe(command);
    let output = command.stdin(Stdio::null()).output().context(|| format!("running `{shown}`"))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let error = String::from_utf8_lossy(&output.stderr);
    fail(format!("`{shown}` failed ({}): {}", output.status, error.trim()))
}

/// Runs a command to its end with our own terminal.
pub(crate) fn show(command: &mut Command) -> Result<()> {
    let shown = describe(command);
    let status = command.stdin(Stdio::null()).status().context(|| format!("running `{shown}`"))?;
    if status.success() { Ok(()) } else { fail(format!("`{shown}` failed ({status})")) }
}

/// A command as a person would type it.
pub(crate) fn describe(command: &Command) -> String {
    let program = Path::new(command.get_program());
    let name = program.file_name().unwrap_or(program.as_os_str());
    let words = core::iter::once(name).chain(command.get_args());
    words.map(|word| quoted(&word.to_string_lossy())).collect::<Vec<_>>().join(" ")
}

/// A word as a shell takes it.
pub(crate) fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_=+./:,@%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// A program running in the background. Dropping it ends it.
#[derive(Debug)]
pub(crate) struct Background {
    child: Child,
    what: String,
    log: PathBuf,
}

impl Background {
    /// Starts a command whose output of both kinds goes to `log`.
    pub(crate) fn start(mut command: Command, what: &str, log: &Path) -> Result<Self> {
        let file = File::create(log).context(|| format!("writing {}", log.display()))?;
        let errors = file.try_clone().context(|| format!("writing {}", log.display()))?;
        let child = command
            .stdin(Stdio::null())
            .stdout(file)
            .stderr(errors)
            .spawn()
            .context(|| format!("starting {what}"))?;
        Ok(Self { child, what: what.to_owned(), log: log.to_owned() })
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What the program has printed until now.
    pub(crate) fn printed(&self) -> String {
        std::fs::read(&self.log)
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
            .unwrap_or_default()
    }

    /// An error if the program is no longer there.
    pub(crate) fn check_alive(&mut self) -> Result<()> {
        match self.exited()? {
            None => Ok(()),
            Some(status) => fail(format!("{} ended ({status}): {}", self.what, self.last_words())),
        }
    }

    /// The exit status, if the program has ended.
    pub(crate) fn exited(&mut self) -> Result<Option<ExitStatus>> {
        self.child.try_wait().context(|| format!("asking for {}", self.what))
    }

    /// Waits until a line of the output satisfies `wanted`.
    pub(crate) fn wait_for_line(
        &mut self,
        patience: Duration,
        wanted: impl Fn(&str) -> bool,
    ) -> Result<()> {
        let deadline = Instant::now() + patience;
        loop {
            if self.printed().lines().any(&wanted) {
                return Ok(());
            }
            self.check_alive()?;
            if Instant::now() > deadline {
                let (what, words) = (&self.what, self.last_words());
                return fail(format!("{what} was not ready in {patience:?}: {words}"));
            }
            crate::interrupt::pause(Duration::from_millis(50))?;
        }
    }

    /// Asks the program to end (SIGTERM), waits, and returns how it ended.
    pub(crate) fn stop(&mut self) -> Result<ExitStatus> {
        if let Some(status) = self.exited()? {
            return Ok(status);
        }
        self.signal(Signal::SIGTERM);
        let deadline = Instant::now() + STOP_PATIENCE;
        while Instant::now() < deadline {
            if let Some(status) = self.exited()? {
                return Ok(status);
            }
            thread::sleep(Duration::from_millis(20));
        }
        self.signal(Signal::SIGKILL);
        self.child.wait().context(|| format!("waiting for {}", self.what))
    }

    /// Ends the program at once (SIGKILL).
    pub(crate) fn kill(&mut self) -> Result<()> {
        self.signal(Signal::SIGKILL);
        self.child.wait().context(|| format!("waiting for {}", self.what)).map(drop)
    }

    pub(crate) fn signal(&self, signal: Signal) {
        if let Ok(pid) = i32::try_from(self.child.id()) {
            // It may have ended in this moment, which is what was wanted.
            let _ = kill(Pid::from_raw(pid), signal);
        }
    }

    fn last_words(&self) -> String {
        let words = tail(&self.printed(), 6);
        if words.is_empty() { "it printed nothing".to_owned() } else { words }
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        let _ = self.stop();
    }
}

/// The last `count` lines that are not blank.
pub(crate) fn tail(text: &str, count: usize) -> String {
    let lines: Vec<&str> =
        text.lines().map(str::trim_end).filter(|line| !line.is_empty()).collect();
    lines[lines.len().saturating_sub(count)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_that_a_shell_would_split_are_quoted() {
        assert_eq!(quoted("net0,mac=52:54:00:aa:00:01"), "net0,mac=52:54:00:aa:00:01");
        assert_eq!(quoted("two words"), "'two words'");
        assert_eq!(quoted("it's"), r"'it'\''s'");
        assert_eq!(quoted(""), "''");
    }

    #[test]
    fn tail_keeps_the_last_lines_and_drops_blank_ones() {
        assert_eq!(tail("a\n\nb\nc\n\n", 2), "b\nc");
        assert_eq!(tail("a", 5), "a");
        assert_eq!(tail("", 5), "");
    }

    #[test]
    fn a_failing_command_says_what_it_printed() {
        let error = capture(&mut command(&["sh", "-c", "echo broken >&2; exit 3"])).unwrap_err();
        let text = error.to_string();
        assert!(text.contains("broken") && text.contains("sh -c"), "{text}");
    }
}
