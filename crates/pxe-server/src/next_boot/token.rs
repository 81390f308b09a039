//! The word by which a machine proves that it was told what it is done with.
//!
//! It is made of the order by a key in the state folder, so it holds as long as that order stands, also across a restart,
//! and is worth nothing for another order or another machine.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use hmac::{Hmac, KeyInit, Mac};
use log::warn;
use sha2::Sha256;

use crate::config::Config;
use crate::engine::BootToken;

/// Name of the key's file in the state folder.
const KEY_FILE: &str = "done-key";

type Key = [u8; 32];

/// Makes and checks these words.
#[derive(Debug)]
pub struct DoneTokens {
    state: PathBuf,
    key: OnceLock<Option<Key>>,
}

impl DoneTokens {
    /// With the key in the state folder of this configuration, which is made when it is first needed.
    pub fn new(config: &Config) -> Self {
        Self::beneath(&config.state)
    }

    fn beneath(state: &Path) -> Self {
        Self { state: state.to_owned(), key: OnceLock::new() }
    }

    /// The word for this order of a machine, 0 for none at all; `None` if the system has no random numbers.
    pub fn token(&self, mac: [u8; 6], given_ms: u64) -> Option<BootToken> {
        let whole = self.hash(mac, given_ms)?.finalize().into_bytes();
        let mut token = BootToken::default();
        token.iter_mut().zip(whole).for_each(|(byte, of_hash)| *byte = of_hash);
        Some(token)
    }

    /// Whether this is that word. How long that takes tells nothing of it.
    pub fn is_token(&self, mac: [u8; 6], given_ms: u64, shown: BootToken) -> bool {
        self.hash(mac, given_ms).is_some_and(|hash| hash.verify_truncated_left(&shown).is_ok())
    }

    fn hash(&self, mac: [u8; 6], given_ms: u64) -> Option<Hmac<Sha256>> {
        let key = self.key.get_or_init(|| key(&self.state)).as_ref()?;
        let mut hash = Hmac::<Sha256>::new_from_slice(key).ok()?;
        hash.update(b"done");
        hash.update(&mac);
        hash.update(&given_ms.to_be_bytes());
        Some(hash)
    }
}

/// The key that is kept, or a new one.
fn key(state: &Path) -> Option<Key> {
    let path = state.join(KEY_FILE);
    if let Ok(key) = read(&path) {
        return Some(key);
    }
    let mut key = Key::default();
    getrandom::fill(&mut key).ok()?;
    if let Err(error) = write(state, &path, key) {
        let path = path.display();
        warn!(
            "{path} cannot be written: {error}; who is done after a restart will not be believed"
        );
    }
    Some(key)
}

fn read(path: &Path) -> io::Result<Key> {
    let mut key = Key::default();
    File::open(path)?.read_exact(&mut key)?;
    Ok(key)
}

fn write(state: &Path, path: &Path, key: Key) -> io::Result<()> {
    fs::create_dir_all(state)?;
    let part = path.with_extension("part");
    let mut file =
        OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(&part)?;
    file.write_all(&key)?;
    file.sync_all()?;
    fs::rename(&part, path)?;
    File::open(state)?.sync_all()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_token_is_one_order_s_and_survives_a_restart() {
        let state = std::env::temp_dir().join(format!("pxe-done-{}", std::process::id()));
        let _ = fs::remove_dir_all(&state);
        let (mac, other) = ([2, 0, 0, 0, 0, 1], [2, 0, 0, 0, 0, 2]);
        let token = DoneTokens::beneath(&state).token(mac, 5).expect("a token");
        let mode = fs::metadata(state.join(KEY_FILE)).expect("a key").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let again = DoneTokens::beneath(&state);
        assert!(again.is_token(mac, 5, token));
        assert!(!again.is_token(mac, 6, token) && !again.is_token(other, 5, token));
        assert!(!again.is_token(mac, 5, [0; 16]));
        // A torn key is replaced.
        fs::write(state.join(KEY_FILE), b"short").expect("written");
        let fresh = DoneTokens::beneath(&state);
        assert!(!fresh.is_token(mac, 5, token));
        let token = fresh.token(mac, 5).expect("a token");
        assert!(DoneTokens::beneath(&state).is_token(mac, 5, token));
        fs::remove_dir_all(state).expect("clean");
    }
}
