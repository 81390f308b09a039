//! Tokens: who may look, and who may change. On disk is what proves them, never they themselves.
//!
//! A token is `pxe_NAME_SECRET`, 256 random bits in hexadecimal. The file has a line for each: name, role, argon2 hash.

use core::fmt;
use core::str::FromStr;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use clap::ValueEnum;
use sha2::{Digest, Sha256};

use crate::config::Config;

/// Bytes of the file of tokens.
pub const TOKEN_FILE_BYTES_MAX: u64 = 64 << 10;
/// Tokens in the file.
pub const TOKENS_MAX: usize = 256;
/// Tokens that have proved right and need not be hashed again.
pub const PROVEN_TOKENS_MAX: usize = 64;
/// Bytes of a token's name.
const NAME_BYTES_MAX: usize = 32;

/// What a token lets its owner do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Role {
    /// Look
    Read,
    /// Look, and change
    Admin,
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Read => "read",
            Self::Admin => "admin",
        })
    }
}

/// One line of the file.
#[derive(Clone, Debug)]
pub(super) struct Token {
    pub(super) name: String,
    pub(super) role: Role,
    hash: String,
}

impl FromStr for Token {
    type Err = String;

    fn from_str(line: &str) -> Result<Self, String> {
        let mut words = line.split_ascii_whitespace();
        let (name, role, hash) = (words.next(), words.next(), words.next());
        let (Some(name), Some(role), Some(hash), None) = (name, role, hash, words.next()) else {
            return Err("expected a name, a role and a hash".to_owned());
        };
        check_name(name)?;
        let role = match role {
            "read" => Role::Read,
            "admin" => Role::Admin,
            other => return Err(format!("expected the role read or admin, found {other:?}")),
        };
        PasswordHash::new(hash).map_err(|error| format!("the hash is broken: {error}"))?;
        Ok(Self { name: name.to_owned(), role, hash: hash.to_owned() })
    }
}

pub(super) fn check_name(name: &str) -> Result<(), String> {
    let is_fine = |byte: u8| matches!(byte, b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.');
    match name.bytes().all(is_fine) && (1..=NAME_BYTES_MAX).contains(&name.len()) {
        true => Ok(()),
        false => Err(format!(
            "a token's name has letters, digits, - and ., at most {NAME_BYTES_MAX}; found {name:?}"
        )),
    }
}

/// The file, read again when it changes.
pub(super) struct TokenFile {
    path: PathBuf,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    read: Option<(SystemTime, u64)>,
    tokens: Vec<Token>,
    /// SHA-256 of tokens that proved right: they are random, so that this cannot be turned back.
    proven: Vec<([u8; 32], String)>,
}

impl TokenFile {
    pub(super) fn of(config: &Config) -> Self {
        let named = config.admin.tokens.as_ref().map(|file| file.value.clone());
        let path = named.unwrap_or_else(|| config.state.join("tokens"));
        Self { path, state: Mutex::default() }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// How many tokens there are; what is wrong with the file.
    pub(super) fn check(&self) -> Result<usize, String> {
        self.load().map(|tokens| tokens.len())
    }

    /// All of them. No file means none.
    pub(super) fn load(&self) -> Result<Vec<Token>, String> {
        let shown = self.path.display();
        let mut text = String::new();
        match File::open(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            opened => opened
                .and_then(|file| file.take(TOKEN_FILE_BYTES_MAX + 1).read_to_string(&mut text))
                .map_err(|error| format!("{shown} cannot be read: {error}"))?,
        };
        if text.len() as u64 > TOKEN_FILE_BYTES_MAX {
            return Err(format!("{shown} is longer than {TOKEN_FILE_BYTES_MAX} bytes"));
        }
        let lines = text.lines().enumerate();
        let lines = lines.filter(|(_, line)| !line.trim().is_empty() && !line.starts_with('#'));
        let read = lines.map(|(number, line)| {
            line.parse::<Token>().map_err(|why| format!("{shown}:{}: {why}", number + 1))
        });
        let tokens: Vec<Token> = read.collect::<Result<_, _>>()?;
        if tokens.len() > TOKENS_MAX {
            return Err(format!("{shown} has more than {TOKENS_MAX} tokens"));
        }
        Ok(tokens)
    }

    /// Replaces the file, which only its owner may read.
    pub(super) fn store(&self, tokens: &[Token]) -> io::Result<()> {
        if let Some(folder) = self.path.parent() {
            fs::create_dir_all(folder)?;
        }
        let beside = self.path.with_extension("new");
        let _ = fs::remove_file(&beside);
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&beside)?;
        for Token { name, role, hash } in tokens {
            writeln!(file, "{name} {role} {hash}")?;
        }
        file.sync_all()?;
        fs::rename(&beside, &self.path)
    }

    /// Whether anybody may change things by a token.
    pub(super) fn has_admin(&self) -> bool {
        let mut state = self.lock();
        self.refresh(&mut state);
        state.tokens.iter().any(|token| token.role == Role::Admin)
    }

    /// Whose token this is, if it has proved right before.
    pub(super) fn proven(&self, text: &str) -> Option<Token> {
        let digest: [u8; 32] = Sha256::digest(text.as_bytes()).into();
        let mut state = self.lock();
        self.refresh(&mut state);
        let (_, name) = state.proven.iter().find(|(known, _)| *known == digest)?;
        state.tokens.iter().find(|token| token.name == *name).cloned()
    }

    /// Whose token this is. Hashing takes tens of milliseconds.
    pub(super) fn verify(&self, text: &str) -> Option<Token> {
        let name = text.strip_prefix("pxe_")?.split_once('_')?.0;
        let token = {
            let mut state = self.lock();
            self.refresh(&mut state);
            state.tokens.iter().find(|token| token.name == name).cloned()?
        };
        let hash = PasswordHash::new(&token.hash).ok()?;
        Argon2::default().verify_password(text.as_bytes(), &hash).ok()?;
        let mut state = self.lock();
        if state.proven.len() >= PROVEN_TOKENS_MAX {
            state.proven.remove(0);
        }
        state.proven.push((Sha256::digest(text.as_bytes()).into(), token.name.clone()));
        Some(token)
    }

    /// Whether this token is still one: nobody removed it, or made it anew.
    pub(super) fn has(&self, token: &Token) -> bool {
        let mut state = self.lock();
        self.refresh(&mut state);
        state.tokens.iter().any(|known| known.hash == token.hash && known.name == token.name)
    }

    /// Reads the file if it is another one than before. One that is broken lets nobody in.
    fn refresh(&self, state: &mut State) {
        let known = fs::metadata(&self.path).ok();
        let known =
            known.map(|file| (file.modified().unwrap_or(SystemTime::UNIX_EPOCH), file.len()));
        if known == state.read && known.is_some() {
            return;
        }
        state.tokens = self.load().unwrap_or_else(|why| {
            log::warn!("{why}; no token is valid until it is mended");
            Vec::new()
        });
        state.proven.clear();
        state.read = known;
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A new token of this name: what is shown once, and its line.
pub(super) fn make(name: &str, role: Role) -> Result<(String, Token), String> {
    check_name(name)?;
    let (mut secret, mut salt) = ([0_u8; 32], [0_u8; 16]);
    getrandom::fill(&mut secret)
        .and_then(|()| getrandom::fill(&mut salt))
        .map_err(|error| format!("the system gives no random numbers: {error}"))?;
    let secret: String = secret.iter().map(|byte| format!("{byte:02x}")).collect();
    let text = format!("pxe_{name}_{secret}");
    let hash: PasswordHash = Argon2::default()
        .hash_password_with_salt(text.as_bytes(), &salt)
        .map_err(|error| format!("the token cannot be hashed: {error}"))?;
    Ok((text, Token { name: name.to_owned(), role, hash: hash.to_string() }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_proves_itself_and_no_other_does() {
        let folder = std::env::temp_dir().join(format!("pxe-tokens-{}", std::process::id()));
        let config = Config { state: folder.clone(), ..Config::default() };
        let file = TokenFile::of(&config);
        assert_eq!(file.check(), Ok(0));
        let (text, token) = make("anna", Role::Admin).expect("made");
        file.store(core::slice::from_ref(&token)).expect("stored");
        let named = |token: Option<Token>| token.map(|token| (token.name, token.role));
        assert_eq!(named(file.proven(&text)), None, "it has not proved itself yet");
        let owner = Some(("anna".to_owned(), Role::Admin));
        assert_eq!(named(file.verify(&text)), owner);
        assert_eq!(named(file.proven(&text)), owner);
        assert!(file.has(&token));
        let last = text.replace(&text[text.len() - 1..], "x");
        for wrong in [&*last, "pxe_anna_", "pxe_bert_00", "anna", ""] {
            assert_eq!(named(file.verify(wrong)), None, "{wrong}");
        }
        file.store(&[]).expect("stored");
        assert_eq!(named(file.proven(&text)), None, "it was removed");
        assert!(!file.has(&token));
        let (_, anew) = make("anna", Role::Admin).expect("made");
        file.store(core::slice::from_ref(&anew)).expect("stored");
        assert!(file.has(&anew) && !file.has(&token), "one of the same name is another one");
        let mode = std::os::unix::fs::PermissionsExt::mode(
            &fs::metadata(file.path()).expect("there").permissions(),
        );
        assert_eq!(mode & 0o777, 0o600);
        fs::remove_dir_all(folder).expect("clean");
    }

    #[test]
    fn broken_lines_are_named() {
        for (line, why) in [
            ("anna admin", "expected a name"),
            ("anna owner $argon2id$v=19$m=1$c2FsdA$x", "expected the role"),
            ("a_b admin x", "a token's name"),
            ("anna admin x", "the hash is broken"),
        ] {
            let error = line.parse::<Token>().expect_err(line);
            assert!(error.contains(why), "{error}");
        }
    }
}
