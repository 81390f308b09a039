//! Rules that rewrite requested names: a program that asks for `pxelinux.cfg/default` is given another file without
//! being told.

use alloc::{
    borrow::ToOwned,
    string::{String, ToString},
    vec::Vec,
};

use regex::bytes::{Regex, RegexBuilder};

use crate::{
    error::Fault,
    limits::{REMAP_COMPILED_BYTES_MAX, REMAP_REWRITES_MAX, REMAP_TEXT_BYTES_MAX, REMAPS_MAX},
    names::{self, Name, NameFault},
};

/// Rewrites requested names, as configured. Exactly one of `prefix`, `suffix` and `regex` has to be given.
///
/// Names are compared in their cleaned form: relative, with single forward slashes (see [`names::normalise`]).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Remap {
    /// What a name begins with; that part is replaced. Leading slashes mean nothing, `\` is `/`.
    pub prefix: Option<String>,
    /// What a name ends with; that part is replaced. `\` is `/`.
    pub suffix: Option<String>,
    /// A regular expression over bytes, in the syntax of the `regex` crate without Unicode classes; its first match
    /// is replaced. `^` and `$` tie it to the name's ends, `(?i)` lets case not matter.
    pub regex: Option<String>,
    /// What stands in its place; may be empty. With a `regex`, `$1` and `${name}` are what its groups matched, and
    /// `$$` is a dollar sign.
    pub replace: String,
    /// Whether later rules are passed over once this one has matched.
    pub stop: bool,
}

impl Remap {
    /// Replaces what a name begins with.
    #[must_use]
    pub fn prefix(prefix: impl Into<String>, replace: impl Into<String>) -> Self {
        Self { prefix: Some(prefix.into()), replace: replace.into(), ..Self::default() }
    }

    /// Replaces what a name ends with.
    #[must_use]
    pub fn suffix(suffix: impl Into<String>, replace: impl Into<String>) -> Self {
        Self { suffix: Some(suffix.into()), replace: replace.into(), ..Self::default() }
    }

    /// Replaces the first match of a regular expression.
    #[must_use]
    pub fn regex(regex: impl Into<String>, replace: impl Into<String>) -> Self {
        Self { regex: Some(regex.into()), replace: replace.into(), ..Self::default() }
    }

    /// The same, after which no other rule is tried.
    #[must_use]
    pub fn stopping(self) -> Self {
        Self { stop: true, ..self }
    }
}

/// A checked rule.
#[derive(Clone, Debug)]
pub(crate) struct CheckedRemap {
    matches: Matches,
    replace: Vec<u8>,
    stop: bool,
}

#[derive(Clone, Debug)]
enum Matches {
    Prefix(Vec<u8>),
    Suffix(Vec<u8>),
    Regex(Regex),
}

impl CheckedRemap {
    /// The name rewritten, if this rule is about it.
    fn rewrite(&self, name: &[u8]) -> Option<Vec<u8>> {
        match &self.matches {
            Matches::Prefix(prefix) => {
                name.strip_prefix(&prefix[..]).map(|rest| [&self.replace[..], rest].concat())
            }
            Matches::Suffix(suffix) => {
                name.strip_suffix(&suffix[..]).map(|rest| [rest, &self.replace[..]].concat())
            }
            Matches::Regex(regex) => {
                let groups = regex.captures(name)?;
                let whole = groups.get(0)?;
                let mut rewritten = name.get(..whole.start())?.to_vec();
                groups.expand(&self.replace, &mut rewritten);
                rewritten.extend_from_slice(name.get(whole.end()..)?);
                Some(rewritten)
            }
        }
    }
}

/// Applies the rules first to last, each once and to what the ones before it made, and tells `matched` the index of
/// each that changed the name. What comes out is cleaned and refused like a requested name.
pub(crate) fn apply(
    rules: &[CheckedRemap],
    name: &mut Name<'_>,
    mut matched: impl FnMut(usize),
) -> Result<(), NameFault> {
    let mut rewrites = 0_usize;
    for (index, rule) in rules.iter().enumerate() {
        // Firmware's garbage must not keep a rule from seeing a name's end.
        let trimmed = || rule.rewrite(name.trimmed_bytes()).filter(|_| name.trimmed.is_some());
        let Some(rewritten) = rule.rewrite(&name.bytes).or_else(trimmed) else { continue };
        if rewritten != *name.bytes {
            *name = names::normalise(&rewritten)?.into_owned();
            matched(index);
            rewrites = rewrites.saturating_add(1);
        }
        if rule.stop || rewrites >= REMAP_REWRITES_MAX {
            break;
        }
    }
    Ok(())
}

/// Checks one rule; every fault with its key.
pub(crate) fn check(
    rule: &Remap,
    mut fault: impl FnMut(&'static str, Fault),
) -> Option<CheckedRemap> {
    let given = [&rule.prefix, &rule.suffix, &rule.regex];
    let found = given.into_iter().flatten().count();
    if found != 1 {
        fault("prefix", Fault::NotOnePattern { found });
        return None;
    }
    let (key, matches) = if let Some(prefix) = &rule.prefix {
        (
            "prefix",
            check_text(prefix)
                .map(|text| Matches::Prefix(slashes(text.trim_start_matches(['/', '\\'])))),
        )
    } else if let Some(suffix) = &rule.suffix {
        ("suffix", check_text(suffix).map(|text| Matches::Suffix(slashes(text))))
    } else {
        ("regex", check_regex(rule.regex.as_deref().unwrap_or_default()).map(Matches::Regex))
    };
    let matches = matches.map_err(|wrong| fault(key, wrong)).ok()?;
    let replace =
        check_replace(&rule.replace, &matches).map_err(|wrong| fault("replace", wrong)).ok()?;
    Some(CheckedRemap { matches, replace, stop: rule.stop })
}

/// Whether there are more rules than are allowed.
pub(crate) fn check_count(found: usize) -> Result<(), Fault> {
    if found > REMAPS_MAX { Err(Fault::TooManyRemaps { found }) } else { Ok(()) }
}

fn check_text(text: &str) -> Result<&str, Fault> {
    if text.trim_start_matches(['/', '\\']).is_empty() {
        return Err(Fault::Empty);
    }
    if text.len() > REMAP_TEXT_BYTES_MAX {
        return Err(Fault::RemapTooLong { bytes: text.len() });
    }
    Ok(text)
}

fn check_regex(text: &str) -> Result<Regex, Fault> {
    if text.is_empty() {
        return Err(Fault::Empty);
    }
    if text.len() > REMAP_TEXT_BYTES_MAX {
        return Err(Fault::RemapTooLong { bytes: text.len() });
    }
    let built = RegexBuilder::new(text).unicode(false).size_limit(REMAP_COMPILED_BYTES_MAX).build();
    built.map_err(|error| {
        // The last line says what is wrong; those before it draw the place.
        let problem = error.to_string();
        let problem = problem.lines().last().unwrap_or_default().trim_start_matches("error: ");
        Fault::BadRegex { text: text.to_owned(), problem: problem.to_owned() }
    })
}

fn check_replace(text: &str, matches: &Matches) -> Result<Vec<u8>, Fault> {
    if text.len() > REMAP_TEXT_BYTES_MAX {
        return Err(Fault::RemapTooLong { bytes: text.len() });
    }
    if let Some(offset) = text.bytes().position(|byte| byte.is_ascii_control()) {
        let offset = u16::try_from(offset).unwrap_or(u16::MAX);
        return Err(Fault::BadFileName { fault: NameFault::ControlByte { offset } });
    }
    if text.split(['/', '\\']).any(|component| component == "..") {
        return Err(Fault::BadFileName { fault: NameFault::ParentDirectory });
    }
    match matches {
        Matches::Regex(regex) => check_groups(text, regex).map(|()| text.as_bytes().to_vec()),
        Matches::Prefix(_) | Matches::Suffix(_) => Ok(slashes(text)),
    }
}

/// Every `$group` of a replacement is one of the expression: a wrong one would silently stand for nothing.
fn check_groups(text: &str, regex: &Regex) -> Result<(), Fault> {
    let mut rest = text;
    while let Some((_, behind)) = rest.split_once('$') {
        if let Some(escaped) = behind.strip_prefix('$') {
            rest = escaped;
            continue;
        }
        let braced = behind.strip_prefix('{').and_then(|inside| inside.split_once('}'));
        let (group, after) = braced.unwrap_or_else(|| {
            let is_name = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
            let end = behind.find(|letter| !is_name(letter)).unwrap_or(behind.len());
            behind.split_at_checked(end).unwrap_or((behind, ""))
        });
        let known = match group.parse::<usize>() {
            Ok(number) => number < regex.captures_len(),
            Err(_) => regex.capture_names().flatten().any(|name| name == group),
        };
        if !known {
            return Err(Fault::NoSuchGroup { group: group.to_owned() });
        }
        rest = after;
    }
    Ok(())
}

fn slashes(text: &str) -> Vec<u8> {
    text.bytes().map(|byte| if byte == b'\\' { b'/' } else { byte }).collect()
}

#[cfg(test)]
mod tests {
    use core::slice;

    use super::*;

    fn checked(rules: &[Remap]) -> Vec<CheckedRemap> {
        let check = |rule| check(rule, |key, fault| panic!("{key}: {fault}")).unwrap();
        rules.iter().map(check).collect()
    }

    fn mapped(rules: &[Remap], requested: &[u8]) -> Result<(String, Vec<usize>), NameFault> {
        let rules = checked(rules);
        let mut name = names::normalise(requested).unwrap();
        let mut used = Vec::new();
        apply(&rules, &mut name, |index| used.push(index))?;
        Ok((String::from_utf8(name.bytes.into_owned()).unwrap(), used))
    }

    #[test]
    fn prefixes_suffixes_and_expressions() {
        let table: [(Remap, &[u8], &str); 12] = [
            (Remap::prefix("/tftpboot/", ""), b"/tftpboot/a.efi", "a.efi"),
            (Remap::prefix("tftpboot/", ""), b"tftpbootx", "tftpbootx"),
            (Remap::prefix("\\Boot\\", "windows\\boot\\"), b"\\Boot\\BCD", "windows/boot/BCD"),
            (Remap::prefix("a", "/b/"), b"a/c", "b/c"),
            (Remap::suffix(".0", ".kpxe"), b"pxelinux.0", "pxelinux.kpxe"),
            (Remap::suffix(".0", ".kpxe"), b"pxelinux.0\xff", "pxelinux.kpxe"),
            (Remap::suffix(".0", ".kpxe"), b"pxelinux.00", "pxelinux.00"),
            (Remap::regex("^", "lab/"), b"a.efi", "lab/a.efi"),
            (
                Remap::regex(r"(?i)^BOOT/(.*)\.wim$", "images/${1}x.wim"),
                b"\\Boot\\b.WIM",
                "images/bx.wim",
            ),
            (
                Remap::regex(r"(?P<mac>01-[0-9a-f-]+)$", "hosts/$mac"),
                b"pxelinux.cfg/01-52-54",
                "pxelinux.cfg/hosts/01-52-54",
            ),
            (Remap::regex("a", "$$"), b"banana", "b$nana"),
            (Remap::regex("x", ""), b"axb", "ab"),
        ];
        for (rule, requested, expected) in table {
            let (name, _) = mapped(slice::from_ref(&rule), requested).unwrap();
            assert_eq!(name, expected, "{rule:?}");
        }
    }

    #[test]
    fn rules_go_first_to_last_each_once_until_one_stops() {
        let rules = [
            Remap::prefix("a", "b"),
            Remap::prefix("b", "c"),
            Remap::prefix("a", "never"),
            Remap::prefix("c", "d").stopping(),
            Remap::prefix("d", "e"),
        ];
        assert_eq!(mapped(&rules, b"a1"), Ok(("d1".into(), vec![0, 1, 3])));
        assert_eq!(mapped(&rules, b"d1"), Ok(("e1".into(), vec![4])));
        // A rule that changes nothing can still keep the others away.
        let keep = [Remap::prefix("keep/", "keep/").stopping(), Remap::regex("^", "x/")];
        assert_eq!(mapped(&keep, b"keep/a"), Ok(("keep/a".into(), vec![])));
        assert_eq!(mapped(&keep, b"a"), Ok(("x/a".into(), vec![1])));
    }

    #[test]
    fn a_name_is_rewritten_a_few_times_at_most() {
        let rules = vec![Remap::regex("$", "x"); REMAPS_MAX];
        let (name, used) = mapped(&rules, b"a").unwrap();
        assert_eq!((name.as_str(), used.len()), ("axxxx", REMAP_REWRITES_MAX));
    }

    #[test]
    fn what_comes_out_is_checked_like_a_requested_name() {
        for (rule, requested, fault) in [
            (Remap::regex("x", "."), &b"a/.x/b"[..], NameFault::ParentDirectory),
            (Remap::regex("^(.)(.)", "$1$1/"), b"..x", NameFault::ParentDirectory),
            (Remap::regex("^.*$", ""), b"a", NameFault::Empty),
            (Remap::regex("^(.*)$", "$1$1$1$1$1$1$1$1$1"), &[b'a'; 200], NameFault::TooLong),
        ] {
            assert_eq!(mapped(slice::from_ref(&rule), requested), Err(fault), "{rule:?}");
        }
        assert_eq!(mapped(&[Remap::regex("^", "\\\\x//")], b"a"), Ok(("x/a".into(), vec![0])));
    }

    #[test]
    fn faults_name_their_key() {
        let long = "a".repeat(REMAP_TEXT_BYTES_MAX + 1);
        let both = Remap { suffix: Some("b".into()), ..Remap::prefix("a", "") };
        for (rule, key, text) in [
            (Remap::default(), "prefix", "exactly one of prefix, suffix and regex"),
            (both, "prefix", "exactly one of"),
            (Remap::prefix("/", "a"), "prefix", "empty"),
            (Remap::suffix("", "a"), "suffix", "empty"),
            (Remap::regex("", "a"), "regex", "empty"),
            (Remap::regex("a(b", "a"), "regex", "unclosed group"),
            (Remap::regex("a{1000}{1000}", "a"), "regex", "size limit"),
            (Remap::regex(r"\p{Greek}", "a"), "regex", "Unicode"),
            (Remap::prefix(&*long, "a"), "prefix", "256 bytes"),
            (Remap::regex(&*long, "a"), "regex", "256 bytes"),
            (Remap::prefix("a", &*long), "replace", "256 bytes"),
            (Remap::prefix("a", "../b"), "replace", "`..`"),
            (Remap::prefix("a", "b\\..\\c"), "replace", "`..`"),
            (Remap::prefix("a", "b\nc"), "replace", "control"),
            (Remap::regex("(a)", "$2"), "replace", "no group `2`"),
            (Remap::regex("(a)", "$1x"), "replace", "no group `1x`"),
            (Remap::regex("(a)", "${who}"), "replace", "no group `who`"),
            (Remap::regex("(a)", "$"), "replace", "no group ``"),
        ] {
            let mut faults = Vec::new();
            let built = check(&rule, |key, fault| faults.push((key, fault.to_string())));
            assert!(built.is_none(), "{rule:?}");
            let [(found, said)] = &faults[..] else { panic!("{faults:?}") };
            assert!(*found == key && said.contains(text), "{rule:?}: {faults:?}");
        }
    }
}
