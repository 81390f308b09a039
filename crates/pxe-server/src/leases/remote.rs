//! A question to the running server that has the store, by its socket in the state folder.

use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

/// The socket's file in the state folder.
pub const CONTROL_FILE: &str = "control.sock";
/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// Whether a server answers.
pub(super) fn answers(state: &Path) -> bool {
    UnixStream::connect(state.join(CONTROL_FILE)).is_ok()
}

/// Asks one line; the whole answer.
pub(crate) fn ask(state: &Path, question: &str) -> io::Result<String> {
    let mut stream = UnixStream::connect(state.join(CONTROL_FILE))?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.write_all(question.as_bytes())?;
    stream.write_all(b"\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}
