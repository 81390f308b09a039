//! Answers the commands `leases` and `doctor` while the server runs: a Unix socket in the state folder, one line asked, one text
//! answered. Only the server's own user reaches it.

use core::time::Duration;
use std::fs::{self, Permissions};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::thread;

use log::debug;
use pxe_lease::exchange;

use super::asker::{Answer, AskError, Asker, Question};
use crate::engine::PoolUse;
use crate::leases::CONTROL_FILE;

/// Bytes of a question that are read.
const QUESTION_BYTES_MAX: u64 = 64;
/// How long one asker may keep the next one waiting.
const PATIENCE: Duration = Duration::from_secs(5);

/// The socket, before its thread runs.
pub struct Desk {
    listener: UnixListener,
}

impl Desk {
    /// Opens the socket in the state folder. The caller has the store in that folder, so that a socket there is what
    /// an earlier run left.
    ///
    /// # Errors
    /// If it cannot be made.
    pub fn open(state: &Path) -> io::Result<Self> {
        let path = state.join(CONTROL_FILE);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let listener = UnixListener::bind(&path)?;
        fs::set_permissions(&path, Permissions::from_mode(0o600))?;
        Ok(Self { listener })
    }

    /// Takes askers in a thread that ends with the program.
    pub(super) fn start(self, asker: Asker) -> io::Result<()> {
        let take = move || {
            for stream in self.listener.incoming() {
                match stream.and_then(|stream| attend(stream, &asker)) {
                    Ok(true) => {}
                    Ok(false) => return,
                    Err(error) => {
                        debug!("control socket: {error}");
                        // Out of descriptors, for one.
                        thread::sleep(Duration::from_millis(20));
                    }
                }
            }
        };
        thread::Builder::new().name("control".to_owned()).spawn(take)?;
        Ok(())
    }
}

/// One asker; whether the loop is still there.
fn attend(mut stream: UnixStream, asker: &Asker) -> io::Result<bool> {
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let mut line = String::new();
    BufReader::new((&stream).take(QUESTION_BYTES_MAX)).read_line(&mut line)?;
    // One that only looks whether we are here says nothing.
    if line.is_empty() {
        return Ok(true);
    }
    let Some(question) = read(&line) else {
        stream.write_all(b"this server does not know that question\n")?;
        return Ok(true);
    };
    let text = match asker.ask(question) {
        Ok(Answer::Leases(records)) => exchange::to_csv(&records),
        Ok(Answer::Refused(why)) => why,
        Ok(Answer::Pools(pools)) => pools.iter().map(pool_line).collect(),
        // Nothing is said of what is done.
        Ok(_) => String::new(),
        Err(AskError::Ended) => return Ok(false),
        Err(AskError::Late) => AskError::Late.to_string(),
    };
    stream.write_all(text.as_bytes())?;
    Ok(true)
}

/// Network, free addresses and all of them, with tabs between.
fn pool_line(pool: &PoolUse) -> String {
    format!("{}\t{}\t{}\n", pool.network, pool.usage.free, pool.usage.addresses)
}

fn read(line: &str) -> Option<Question> {
    match line.trim().split_once(' ') {
        None if line.trim() == "export" => Some(Question::Leases),
        None if line.trim() == "pools" => Some(Question::Pools),
        Some(("release", address)) => address.parse().ok().map(Question::Release),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use core::net::Ipv4Addr;

    use super::*;

    #[test]
    fn questions_are_read() {
        assert_eq!(read("export\n"), Some(Question::Leases));
        assert_eq!(read("pools\n"), Some(Question::Pools));
        let address = Ipv4Addr::new(192, 0, 2, 7);
        assert_eq!(read("release 192.0.2.7\n"), Some(Question::Release(address)));
        for broken in ["", "\n", "release", "release x", "exports", "release 192.0.2.7 now"] {
            assert_eq!(read(broken), None, "{broken:?}");
        }
    }
}
