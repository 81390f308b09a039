//! One piece of evidence, and what several of them come to.

use core::fmt;

use crate::{asker::Asker, firmware::Firmware};

/// Weight from which on the pieces for one firmware are enough to give it its loader.
pub const WEIGHT_ENOUGH: u8 = 40;
/// Weight from which on a piece that excludes a firmware is an objection to it.
pub const WEIGHT_OBJECTION: u8 = 20;
/// What the machine said by DHCP within the hour, or says now.
pub const WEIGHT_FRESH: u8 = 60;
/// The suffix of the name it asks for: the administrator's word, who may have mistaken the machine.
pub const WEIGHT_SUFFIX: u8 = 50;
/// What the machine said by DHCP within the week.
pub const WEIGHT_RECENT: u8 = 45;
/// The shape of its request, where one source alone sends that shape.
pub const WEIGHT_SHAPE: u8 = 35;
/// What the machine said by DHCP longer ago: enough only together with another piece.
pub const WEIGHT_OLD: u8 = 30;
/// The shape of its request, where it is a habit.
pub const WEIGHT_HABIT: u8 = 25;
/// The shape of its request, where it excludes a BIOS and no more.
pub const WEIGHT_HINT: u8 = 25;

/// Which machines a piece of evidence speaks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Said {
    /// Machines of this firmware, by TFTP or HTTP.
    Firmware(Firmware),
    /// UEFI machines of any architecture.
    Uefi,
    /// Any machine but a PC BIOS.
    NotBios,
}

impl Said {
    /// Whether a machine of this firmware fits.
    #[must_use]
    pub fn allows(self, firmware: Firmware) -> bool {
        match self {
            Self::Firmware(said) => said.over_tftp() == firmware.over_tftp(),
            Self::Uefi => firmware.is_uefi(),
            Self::NotBios => firmware != Firmware::Bios,
        }
    }
}

impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Firmware(firmware) => firmware.fmt(f),
            Self::Uefi => f.write_str("some UEFI"),
            Self::NotBios => f.write_str("no BIOS"),
        }
    }
}

/// Where a piece of evidence comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Source {
    /// It asked us by DHCP, or its facts were given to us.
    Given,
    /// A DISCOVER that was heard.
    Discover,
    /// A REQUEST to a DHCP server that was heard.
    Request,
    /// Another message of the client that was heard: INFORM, BOOTP, a boot server request.
    Message,
    /// A copy that a relay sent here as well.
    Relayed,
    /// What the same machine, or another one at its address, said a moment before.
    Before,
    /// The suffix of the requested bait name.
    Suffix,
    /// The shape of the request.
    Shape(Asker),
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Given => f.write_str("it asked here by DHCP"),
            Self::Discover => f.write_str("its DISCOVER was heard"),
            Self::Request => f.write_str("its REQUEST was heard"),
            Self::Message => f.write_str("a DHCP message of it was heard"),
            Self::Relayed => f.write_str("a relay sent a copy of its message"),
            Self::Before => f.write_str("another message from there was heard"),
            Self::Suffix => f.write_str("the name's suffix"),
            Self::Shape(asker) => write!(f, "the request is made like that of {asker}"),
        }
    }
}

/// One piece of evidence about a machine's firmware.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Item {
    /// What it says.
    pub said: Said,
    /// Who says it.
    pub source: Source,
    /// How old it is, in seconds.
    pub age_s: u32,
    /// How much it counts, see [`WEIGHT_ENOUGH`].
    pub weight: u8,
}

impl fmt::Display for Item {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.said, self.source)?;
        match self.source {
            Source::Suffix | Source::Shape(_) => Ok(()),
            _ => write!(f, " {} ago", Age(self.age_s)),
        }
    }
}

/// A time span in the largest unit that fits.
pub(crate) struct Age(pub(crate) u32);

impl fmt::Display for Age {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            seconds @ 0..120 => write!(f, "{seconds} s"),
            seconds @ 120..7_200 => write!(f, "{} min", seconds / 60),
            seconds @ 7_200..172_800 => write!(f, "{} h", seconds / 3_600),
            seconds => write!(f, "{} days", seconds / 86_400),
        }
    }
}

/// What the pieces come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Enough for one firmware, and no objection to it.
    Firmware(Firmware),
    /// Each firmware that is named is objected to.
    Conflict,
    /// No firmware is named, or by too little.
    TooLittle,
}

/// Weighs the pieces. A firmware wins that gathers [`WEIGHT_ENOUGH`] without any piece of [`WEIGHT_OBJECTION`] or
/// more against it; two such do not exist, since each would object to the other.
pub(crate) fn weigh(items: impl Iterator<Item = Item> + Clone) -> Verdict {
    let mut named = false;
    let mut spared = false;
    for item in items.clone() {
        let Said::Firmware(firmware) = item.said else { continue };
        named = true;
        let objects =
            |other: &Item| other.weight >= WEIGHT_OBJECTION && !other.said.allows(firmware);
        if items.clone().any(|other| objects(&other)) {
            continue;
        }
        spared = true;
        let fits = items.clone().filter(|other| other.said.allows(firmware));
        let weight = fits.fold(0_u16, |sum, other| sum.saturating_add(u16::from(other.weight)));
        if weight >= u16::from(WEIGHT_ENOUGH) {
            return Verdict::Firmware(firmware);
        }
    }
    if named && !spared { Verdict::Conflict } else { Verdict::TooLittle }
}

#[cfg(test)]
mod tests {
    use Firmware::{Arm64Uefi, Bios, X64Uefi, X64UefiHttp};

    use super::*;

    fn heard(firmware: Firmware, weight: u8) -> Item {
        Item { said: Said::Firmware(firmware), source: Source::Discover, age_s: 3, weight }
    }

    fn verdict(items: &[Item]) -> Verdict {
        weigh(items.iter().copied())
    }

    #[test]
    fn enough_for_one_and_no_objection() {
        let uefi = Asker::Edk2.item().unwrap();
        let rom = Asker::BiosRom.item().unwrap();
        for (items, expected) in [
            (&[][..], Verdict::TooLittle),
            (&[uefi], Verdict::TooLittle),
            (&[rom], Verdict::TooLittle),
            (&[heard(X64Uefi, WEIGHT_FRESH)], Verdict::Firmware(X64Uefi)),
            (&[heard(X64Uefi, WEIGHT_OLD)], Verdict::TooLittle),
            (&[heard(X64Uefi, WEIGHT_OLD), uefi], Verdict::Firmware(X64Uefi)),
            (&[heard(Bios, WEIGHT_OLD), rom], Verdict::Firmware(Bios)),
            (&[heard(Bios, WEIGHT_FRESH), uefi], Verdict::Conflict),
            (&[heard(X64Uefi, WEIGHT_FRESH), rom], Verdict::Conflict),
            (
                &[heard(X64Uefi, WEIGHT_FRESH), heard(Arm64Uefi, WEIGHT_RECENT), uefi],
                Verdict::Conflict,
            ),
            (
                &[heard(X64UefiHttp, WEIGHT_OLD), heard(X64Uefi, WEIGHT_OLD)],
                Verdict::Firmware(X64UefiHttp),
            ),
        ] {
            assert_eq!(verdict(items), expected, "{items:?}");
        }
    }

    #[test]
    fn order_does_not_matter() {
        let items = [
            heard(X64Uefi, WEIGHT_FRESH),
            heard(Bios, WEIGHT_FRESH),
            heard(Arm64Uefi, WEIGHT_RECENT),
        ];
        for first in 0..items.len() {
            let mut turned = items;
            turned.rotate_left(first);
            assert_eq!(verdict(&turned), Verdict::Conflict);
        }
    }

    #[test]
    fn ages_are_readable() {
        for (seconds, text) in
            [(0, "0 s"), (119, "119 s"), (180, "3 min"), (7_300, "2 h"), (900_000, "10 days")]
        {
            assert_eq!(Age(seconds).to_string(), text);
        }
    }
}
