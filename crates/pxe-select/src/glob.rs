//! Patterns with `*` (any run, also none) and `?` (any one byte). No classes, no escapes.

/// Whether `pattern` matches all of `text`. At most `pattern.len() * (text.len() + 1)` steps, no recursion.
pub(crate) fn matches(pattern: &[u8], text: &[u8]) -> bool {
    let (mut at_pattern, mut at_text) = (0_usize, 0_usize);
    // Where to go on when the last `*` has to swallow one byte more.
    let mut retry: Option<(usize, usize)> = None;
    while at_text < text.len() {
        match (pattern.get(at_pattern), text.get(at_text)) {
            (Some(b'*'), _) => {
                at_pattern = at_pattern.saturating_add(1);
                retry = Some((at_pattern, at_text));
            }
            (Some(expected), Some(actual)) if *expected == b'?' || expected == actual => {
                at_pattern = at_pattern.saturating_add(1);
                at_text = at_text.saturating_add(1);
            }
            _ => {
                let Some((after_star, swallowed_to)) = retry else { return false };
                at_pattern = after_star;
                at_text = swallowed_to.saturating_add(1);
                retry = Some((after_star, at_text));
            }
        }
    }
    pattern.get(at_pattern..).is_some_and(|rest| rest.iter().all(|byte| *byte == b'*'))
}

/// Whether `pattern` has a wildcard.
pub(crate) fn is_pattern(pattern: &str) -> bool {
    pattern.contains(['*', '?'])
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn table() {
        for (pattern, text, expected) in [
            ("", "", true),
            ("*", "", true),
            ("*", "abc", true),
            ("?", "", false),
            ("?", "a", true),
            ("a*c", "abbc", true),
            ("a*c", "ac", true),
            ("a*c", "acd", false),
            ("a*b*c", "aXbYbZc", true),
            ("*ab", "aab", true),
            ("*a*b*", "xxaxxbxx", true),
            ("*a*b*", "xxbxxaxx", false),
            ("52:54:00:*", "52:54:00:aa:00:01", true),
            ("52:54:00:*", "52:54:01:aa:00:01", false),
            ("abc", "abcd", false),
            ("abcd", "abc", false),
        ] {
            assert_eq!(matches(pattern.as_bytes(), text.as_bytes()), expected, "{pattern} {text}");
        }
    }

    /// The obvious recursive definition, as a second opinion over every short pattern and text.
    fn reference(pattern: &[u8], text: &[u8]) -> bool {
        match pattern.split_first() {
            None => text.is_empty(),
            Some((b'*', rest)) => (0..=text.len()).any(|cut| reference(rest, &text[cut..])),
            Some((first, rest)) => text.split_first().is_some_and(|(byte, tail)| {
                (*first == b'?' || first == byte) && reference(rest, tail)
            }),
        }
    }

    #[test]
    fn agrees_with_the_recursive_definition() {
        let words = |alphabet: &'static [u8], longest: u32| {
            (0..=longest).flat_map(move |length| {
                (0..alphabet.len().pow(length)).map(move |mut number| {
                    (0..length)
                        .map(|_| {
                            let byte = alphabet[number % alphabet.len()];
                            number /= alphabet.len();
                            byte
                        })
                        .collect::<Vec<u8>>()
                })
            })
        };
        for pattern in words(b"ab*?", 5) {
            for text in words(b"ab", 4) {
                assert_eq!(
                    matches(&pattern, &text),
                    reference(&pattern, &text),
                    "{pattern:?} {text:?}"
                );
            }
        }
    }
}
