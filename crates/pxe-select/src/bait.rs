//! Bait names: one name that a DHCP server gives to every machine, and that stands for each machine's own loader.

use alloc::{string::String, vec::Vec};

use crate::{error::Fault, firmware::Firmware, glob, limits::BAITS_MAX};

/// The names that are baits where nothing else is configured: ours, and iVentoy's, whose `*` is a port.
pub const DEFAULT_BAITS: &[&str] = &["pxe-loader", "iventoy_loader_*"];

/// What the architecture suffixes stand for; `_uefi` is iVentoy's word for x64.
const SUFFIXES: [(&str, Firmware); 4] = [
    ("bios", Firmware::Bios),
    ("ia32", Firmware::X86Uefi),
    ("uefi", Firmware::X64Uefi),
    ("aa64", Firmware::Arm64Uefi),
];

/// Endings that mean nothing: some DHCP servers need a name to have one, some append one.
const ENDINGS: [&str; 3] = [".0", ".efi", ".kpxe"];

/// A requested name that is a bait.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Bait {
    /// The firmware that its suffix names, if it has one.
    pub firmware: Option<Firmware>,
    /// Bytes of its directory in the cleaned name, with the slash.
    pub(crate) directory_bytes: usize,
}

/// The suffix that names a firmware in a bait: `uefi` for x64. `None` for firmware that has none.
#[must_use]
pub(crate) fn suffix(firmware: Firmware) -> Option<&'static str> {
    let known = SUFFIXES.iter().find(|(_, named)| *named == firmware.over_tftp());
    known.map(|(suffix, _)| *suffix)
}

/// Patterns for names, in small letters.
#[derive(Clone, Debug, Default)]
pub(crate) struct Baits(Vec<String>);

impl Baits {
    /// Recognises a cleaned name (see [`crate::names::normalise`]).
    pub(crate) fn recognise(&self, name: &[u8]) -> Option<Bait> {
        let base = name.rsplit(|byte| *byte == b'/').next()?;
        let directory_bytes = name.len().saturating_sub(base.len());
        // 0xff ends a DHCP message's options: firmware that reads on takes it for a part of the name.
        let base = base.split(|byte| *byte == 0xff).next()?.trim_ascii_end();
        let lower = base.to_ascii_lowercase();
        let without_ending = |text: &'_ [u8]| {
            let cut = ENDINGS.iter().find_map(|ending| text.strip_suffix(ending.as_bytes()));
            cut.unwrap_or(text).to_vec()
        };
        let stem = without_ending(&lower);
        let suffixed = SUFFIXES.iter().find_map(|(suffix, firmware)| {
            let (rest, separator) = match stem.strip_suffix(suffix.as_bytes())? {
                [rest @ .., separator] => (rest, *separator),
                [] => return None,
            };
            matches!(separator, b'_' | b'-').then_some((rest, *firmware))
        });
        // A pattern may be written with an ending or suffix of its own.
        let spellings = [Some(&lower[..]), Some(&stem[..]), suffixed.map(|(rest, _)| rest)];
        // A wildcard stands for a port or a word, never for an ending such as `.cfg`.
        let fits = |pattern: &String, text: &[u8]| {
            (pattern.contains('.') || !text.contains(&b'.'))
                && glob::matches(pattern.as_bytes(), text)
        };
        let known = spellings
            .into_iter()
            .flatten()
            .any(|text| !text.is_empty() && self.0.iter().any(|pattern| fits(pattern, text)));
        let firmware = suffixed.map(|(_, firmware)| firmware);
        known.then_some(Bait { firmware, directory_bytes })
    }
}

/// Checks patterns; each fault with the pattern's index.
pub(crate) fn check(patterns: &[String], mut fault: impl FnMut(usize, Fault)) -> Baits {
    if patterns.len() > BAITS_MAX {
        fault(BAITS_MAX, Fault::TooManyBaits { found: patterns.len() });
        return Baits::default();
    }
    let mut checked = Vec::new();
    for (index, pattern) in patterns.iter().enumerate() {
        let plain = pattern.bytes().filter(|byte| !matches!(byte, b'*' | b'?')).count();
        if plain < PLAIN_BYTES_MIN || pattern.contains(['/', '\\']) || !pattern.is_ascii() {
            fault(index, Fault::BadBait { text: pattern.clone() });
        } else if pattern.len() > crate::limits::PATTERN_BYTES_MAX {
            fault(index, Fault::PatternTooLong);
        } else {
            checked.push(pattern.to_ascii_lowercase());
        }
    }
    Baits(checked)
}

/// Letters that a pattern needs besides its wildcards: `*` alone would hide every file.
const PLAIN_BYTES_MIN: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;

    fn baits() -> Baits {
        let patterns: Vec<String> = DEFAULT_BAITS.iter().map(|text| (*text).into()).collect();
        check(&patterns, |_, fault| panic!("{fault}"))
    }

    fn recognise(requested: &[u8]) -> Option<Bait> {
        let name = crate::names::normalise(requested).ok()?;
        baits().recognise(&name.bytes)
    }

    #[test]
    fn every_spelling() {
        use Firmware::{Arm64Uefi, Bios, X64Uefi, X86Uefi};
        let suffixes = [
            ("", None),
            ("_bios", Some(Bios)),
            ("_ia32", Some(X86Uefi)),
            ("_uefi", Some(X64Uefi)),
            ("_aa64", Some(Arm64Uefi)),
        ];
        for stem in ["pxe-loader", "iventoy_loader_16000", "PXE-Loader", "Iventoy_Loader_26000"] {
            for (suffix, firmware) in suffixes {
                for suffix in [suffix.to_owned(), suffix.replace('_', "-"), suffix.to_uppercase()] {
                    for ending in ["", ".0", ".efi", ".kpxe", ".EFI"] {
                        for before in ["", "/", "\\", "//", "boot/", "\\Boot\\x86\\", "C:\\"] {
                            for garbage in ["", "\u{0}", " ", "  \u{0}"] {
                                let text = format!("{before}{stem}{suffix}{ending}{garbage}");
                                let bait = recognise(text.as_bytes());
                                assert_eq!(
                                    bait.map(|bait| bait.firmware),
                                    Some(firmware),
                                    "{text}"
                                );
                            }
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn garbage_behind_it() {
        for name in [
            &b"pxe-loader_uefi\xff"[..],
            b"pxe-loader_uefi\xff\xff\xff",
            b"pxe-loader_uefi.efi\xff  \0",
            b"pxe-loader_uefi \xff",
            b"pxe-loader_uefi\xffR\xa4!",
        ] {
            let bait = recognise(name).unwrap_or_else(|| panic!("{}", name.escape_ascii()));
            assert_eq!(bait.firmware, Some(Firmware::X64Uefi));
        }
    }

    #[test]
    fn real_names_are_none() {
        for name in [
            "ipxe.efi",
            "pxe-loader.cfg",
            "pxe-loader/ipxe.efi",
            "pxe-loader2",
            "my-pxe-loader",
            "pxe-loader_arm",
            "pxe-loader__bios.txt",
            "iventoy_loader_",
            "iventoy_loader",
            "iventoy_loader_16000.cfg",
            "pxe-loader.0.0",
            "bios",
            "_bios",
            ".efi",
        ] {
            let expected = name == "iventoy_loader_";
            assert_eq!(recognise(name.as_bytes()).is_some(), expected, "{name}");
        }
    }

    #[test]
    fn its_directory_is_known() {
        assert_eq!(recognise(b"/tftpboot//x/pxe-loader.efi").unwrap().directory_bytes, 11);
        assert_eq!(recognise(b"pxe-loader").unwrap().directory_bytes, 0);
    }

    #[test]
    fn patterns_are_checked() {
        let mut faults = Vec::new();
        let patterns = ["*", "a/bcd", "ok-name", "?*?abc", "löader"].map(String::from);
        let checked = check(&patterns, |index, fault| faults.push((index, fault.to_string())));
        assert_eq!(checked.0, ["ok-name"]);
        let indices: Vec<_> = faults.iter().map(|(index, _)| *index).collect();
        assert_eq!(indices, [0, 1, 3, 4], "{faults:?}");
        let many = vec![String::from("pxe-loader"); BAITS_MAX + 1];
        check(&many, |_, fault| assert_eq!(fault, Fault::TooManyBaits { found: BAITS_MAX + 1 }));
    }
}
