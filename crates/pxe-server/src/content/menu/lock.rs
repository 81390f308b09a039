//! The password of the menu.

use core::num::NonZero;
use std::sync::Mutex;

use ring::pbkdf2::{PBKDF2_HMAC_SHA512, verify};

use crate::config::PasswordHash;

/// What comes of a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unlock {
    /// It is right.
    Yes,
    /// It is not.
    No,
    /// Another one is being checked: whoever guesses takes no more than one processor, and no more than one guess at a
    /// time.
    Busy,
}

static CHECKING: Mutex<()> = Mutex::new(());

/// Takes as long as the hash has rounds.
pub(super) fn check(hash: &PasswordHash, password: &[u8]) -> Unlock {
    let Ok(_alone) = CHECKING.try_lock() else { return Unlock::Busy };
    let Some(rounds) = NonZero::new(hash.rounds) else { return Unlock::No };
    match verify(PBKDF2_HMAC_SHA512, rounds, &hash.salt, password, &hash.hash) {
        Ok(()) => Unlock::Yes,
        Err(_) => Unlock::No,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_of_grub_is_understood() {
        // printf 'network\nnetwork\n' | grub-mkpasswd-pbkdf2
        let hash = PasswordHash::parse(
            "grub.pbkdf2.sha512.10000.\
             81332713A312FB87359D4B5DFF5FDFB254C693F71C451A743174E95CE17B024A\
             94D26767332FEF96456AD63FAEBA1FE14FFAFC787E66BB978FAC566619D93961.\
             7A78551B9A578202F998098E854FA02622CF37B71CD0CCC43D1721A08894B104\
             5B25582C9D905E01355C4980D764CF735EB8BBB0EF667A6A091ACF2511F910C8",
        );
        let hash = hash.expect("a hash");
        assert_eq!(check(&hash, b"network"), Unlock::Yes);
        assert_eq!(check(&hash, b"Network"), Unlock::No);
        let _busy = CHECKING.lock().expect("nobody else");
        assert_eq!(check(&hash, b"network"), Unlock::Busy);
    }
}
