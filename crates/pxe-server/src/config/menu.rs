//! `[menu]`: its keys and their defaults.

use core::ops::RangeInclusive;

use super::reader::{Located, Section};
use super::sections::number;

/// Seconds; a day is as good as for ever.
const TIMEOUTS: RangeInclusive<i64> = 0..=86_400;

/// Rounds of a password's hash. Each check of a password takes so long; a million are a second or two.
pub const PASSWORD_ROUNDS_MAX: u32 = 1_000_000;

/// `[menu]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MenuConfig {
    /// Its title.
    pub title: String,
    /// Seconds until the default boots; 0 waits for ever.
    pub timeout_s: u32,
    /// What that is: an image (`debian-12.iso#auto`) or a path beneath the root; the local disk if it is not given.
    pub default: Option<Located<String>>,
    /// Hash of the password without which there is the default and the local disk alone.
    pub password: Option<PasswordHash>,
}

impl Default for MenuConfig {
    fn default() -> Self {
        Self { title: "Network boot".to_owned(), timeout_s: 20, default: None, password: None }
    }
}

/// PBKDF2 with SHA-512, as `grub-mkpasswd-pbkdf2` writes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PasswordHash {
    /// As it was written, which is how GRUB wants it.
    pub text: String,
    /// Rounds.
    pub rounds: u32,
    /// Salt.
    pub salt: Vec<u8>,
    /// What comes out.
    pub hash: Vec<u8>,
}

impl PasswordHash {
    /// From `grub.pbkdf2.sha512.ROUNDS.SALT.HASH`.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.strip_prefix("grub.pbkdf2.sha512.")?.split('.');
        let rounds = parts.next()?.parse().ok()?;
        let (salt, hash) = (bytes(parts.next()?)?, bytes(parts.next()?)?);
        let is_sound = (1..=PASSWORD_ROUNDS_MAX).contains(&rounds)
            && (1..=128).contains(&salt.len())
            && (16..=128).contains(&hash.len())
            && parts.next().is_none();
        is_sound.then(|| Self { text: text.to_owned(), rounds, salt, hash })
    }
}

/// Of hexadecimal digits.
fn bytes(digits: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let pairs = digits.as_bytes().chunks(2);
    pairs.map(|pair| Some(digit(pair[0])? << 4 | digit(*pair.get(1)?)?)).collect()
}

pub(super) fn read(section: Section<'_, '_>, menu: &mut MenuConfig) {
    if let Some(title) = section.string("title") {
        menu.title = title.value;
    }
    if let Some(timeout_s) = number(&section, "timeout", TIMEOUTS) {
        menu.timeout_s = timeout_s;
    }
    menu.default = section.string("default").filter(|default| default.value != "local");
    if let Some(text) = section.string("password") {
        menu.password = PasswordHash::parse(&text.value);
        if menu.password.is_none() {
            // Not shown: somebody may have written the password itself.
            let problem = format!(
                "expected a hash like grub.pbkdf2.sha512.10000.….…, of at most {PASSWORD_ROUNDS_MAX} rounds"
            );
            section.fault(text.line, "password", problem, "grub-mkpasswd-pbkdf2 makes one");
        }
    }
    section.finish();
}

#[cfg(test)]
mod tests {
    use super::super::Config;
    use super::*;

    #[test]
    fn every_key_is_read() {
        let text = "\
templates = \"own\"
[menu]
title = \"Lab\"
timeout = 0
default = \"debian-12.iso#auto\"
password = \"grub.pbkdf2.sha512.10.0aFF.000102030405060708090a0b0c0d0e0f\"
";
        let config = Config::parse(text).unwrap_or_else(|faults| panic!("{faults}"));
        let menu = config.menu;
        assert_eq!((&*menu.title, menu.timeout_s), ("Lab", 0));
        let default = Located { value: "debian-12.iso#auto".to_owned(), line: 5 };
        assert_eq!(menu.default, Some(default));
        let password = menu.password.expect("a hash");
        assert_eq!(
            (password.rounds, &*password.salt, password.hash.len()),
            (10, &[10, 255][..], 16)
        );
        assert_eq!(config.templates, std::path::PathBuf::from("own"));
    }

    #[test]
    fn faults_have_their_lines_and_tell_no_secret() {
        let text = "[menu]\ntimeout = -1\npassword = \"hunter2\"\ntimeuot = 3\n";
        let faults = Config::parse(text).expect_err("faults");
        let found: Vec<_> = faults.list.iter().map(|f| (f.line.unwrap_or(0), &*f.key)).collect();
        assert_eq!(
            found,
            [(2, "menu.timeout"), (3, "menu.password"), (4, "menu.timeuot")],
            "{faults}"
        );
        assert!(!faults.to_string().contains("hunter2"), "{faults}");
    }

    #[test]
    fn broken_hashes_are_none() {
        let good = "grub.pbkdf2.sha512.10000.AB.000102030405060708090a0b0c0d0e0f";
        assert!(PasswordHash::parse(good).is_some());
        for broken in [
            "",
            "secret",
            "grub.pbkdf2.sha512.0.AB.000102030405060708090a0b0c0d0e0f",
            "grub.pbkdf2.sha512.9000000.AB.000102030405060708090a0b0c0d0e0f",
            "grub.pbkdf2.sha512.10000.A.000102030405060708090a0b0c0d0e0f",
            "grub.pbkdf2.sha512.10000.AB.00",
            "grub.pbkdf2.sha512.10000.AB.000102030405060708090a0b0c0d0eXX",
            "grub.pbkdf2.sha512.10000.AB.000102030405060708090a0b0c0d0e0f.1",
        ] {
            assert_eq!(PasswordHash::parse(broken), None, "{broken}");
        }
    }
}
