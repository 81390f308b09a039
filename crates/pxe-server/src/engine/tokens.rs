//! A word that one machine was told in one boot, and by which it is known again.

use core::time::Duration;
use std::collections::{BTreeMap, HashMap};
use std::time::Instant;

/// Machines whose tokens are remembered, about 120 bytes each; the one whose boot began longest ago makes room.
pub const BOOT_TOKENS_MAX: usize = 4_096;
/// A token ends then. Installations take an hour or two.
const ENDS_AFTER: Duration = Duration::from_secs(12 * 3_600);
/// What is asked for within this time belongs to one boot.
const ONE_BOOT: Duration = Duration::from_secs(3_600);

/// 128 random bits, as 32 hexadecimal digits.
pub type BootToken = [u8; 16];

#[derive(Default)]
pub(super) struct Tokens {
    machines: HashMap<[u8; 6], (Instant, BootToken)>,
    order: BTreeMap<(Instant, [u8; 6]), ()>,
}

impl Tokens {
    /// The token of this boot; `fresh` if a new one begins.
    pub(super) fn of_boot(&mut self, now: Instant, mac: [u8; 6], fresh: BootToken) -> BootToken {
        if let Some((made, token)) = self.machines.get(&mac) {
            if now.saturating_duration_since(*made) < ONE_BOOT {
                return *token;
            }
            self.order.remove(&(*made, mac));
        } else if self.machines.len() >= BOOT_TOKENS_MAX
            && let Some(((_, oldest), ())) = self.order.pop_first()
        {
            self.machines.remove(&oldest);
        }
        self.machines.insert(mac, (now, fresh));
        self.order.insert((now, mac), ());
        fresh
    }

    /// Whether this is a machine's token. How long that takes tells nothing of it.
    pub(super) fn is_of(&self, now: Instant, mac: [u8; 6], shown: BootToken) -> bool {
        let Some((made, token)) = self.machines.get(&mac) else { return false };
        let differing = token.iter().zip(shown).fold(0, |differing, (a, b)| differing | (a ^ b));
        differing == 0 && now.saturating_duration_since(*made) < ENDS_AFTER
    }
}

/// A token as it stands in a URL.
pub fn token_text(token: BootToken) -> String {
    token.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The token that a text of 32 hexadecimal digits is.
pub fn parse_token(text: &[u8]) -> Option<BootToken> {
    let text: &[u8; 32] = text.try_into().ok()?;
    let mut token = [0; 16];
    for (byte, digits) in token.iter_mut().zip(text.chunks(2)) {
        let [high, low] =
            [digits.first()?, digits.get(1)?].map(|digit| char::from(*digit).to_digit(16));
        *byte = u8::try_from(high? << 4 | low?).ok()?;
    }
    Some(token)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAC: [u8; 6] = [2, 0, 0, 0, 0, 1];

    #[test]
    fn one_boot_has_one_token_and_the_next_another() {
        let (mut tokens, start) = (Tokens::default(), Instant::now());
        assert_eq!(tokens.of_boot(start, MAC, [1; 16]), [1; 16]);
        assert_eq!(tokens.of_boot(start + ONE_BOOT / 2, MAC, [2; 16]), [1; 16]);
        assert!(tokens.is_of(start + 2 * ONE_BOOT, MAC, [1; 16]));
        assert!(!tokens.is_of(start, MAC, [3; 16]) && !tokens.is_of(start, [0; 6], [1; 16]));
        assert!(!tokens.is_of(start + ENDS_AFTER, MAC, [1; 16]));
        assert_eq!(tokens.of_boot(start + ONE_BOOT, MAC, [2; 16]), [2; 16]);
        assert!(!tokens.is_of(start + ONE_BOOT, MAC, [1; 16]));
    }

    #[test]
    fn tokens_are_bounded() {
        let (mut tokens, start) = (Tokens::default(), Instant::now());
        for number in 0..BOOT_TOKENS_MAX as u32 + 5 {
            let [a, b, c, d] = number.to_be_bytes();
            tokens.of_boot(start, [2, 0, a, b, c, d], [0; 16]);
        }
        assert_eq!((tokens.machines.len(), tokens.order.len()), (BOOT_TOKENS_MAX, BOOT_TOKENS_MAX));
    }

    #[test]
    fn a_token_is_read_as_it_was_written() {
        let token = core::array::from_fn(|index| index as u8 * 17);
        assert_eq!(parse_token(token_text(token).as_bytes()), Some(token));
        for broken in ["", "00", &"0".repeat(31), &"0".repeat(33), &"g".repeat(32), &"+".repeat(32)]
        {
            assert_eq!(parse_token(broken.as_bytes()), None, "{broken}");
        }
    }
}
