//! What is odd about a message that could be read nevertheless.
#![deny(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::unwrap_used
)]

use crate::code::OptionCode;
use crate::header::{FLAGS_OFFSET, HARDWARE_LENGTH_OFFSET, HardwareType, MessageKind, MessageType};
use crate::limits::{BOOTP_VENDOR_BYTES, HEADER_BYTES};
use crate::parse::{END, PAD, Step};
use crate::view::{Area, MessageView, RawOption, Walk};

/// An oddity of a message and where it is.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Anomaly {
    /// Offset from the start of the datagram, in bytes.
    pub offset: usize,
    /// What is odd there.
    pub kind: AnomalyKind,
}

/// A kind of oddity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AnomalyKind {
    /// `hlen` is 0 on a link whose clients have an address.
    #[error("no hardware address")]
    HardwareAddressMissing,
    /// Bits of `flags` that must be zero are set; the number holds them.
    #[error("reserved flags {0:#06x}")]
    ReservedFlags(u16),
    /// A BOOTP message whose vendor area is shorter than 64 bytes; the number is its length.
    #[error("vendor area of {0} bytes")]
    VendorAreaShort(usize),
    /// An area of options ends without END.
    #[error("no end mark in the {0:?} area")]
    EndMissing(Area),
    /// Bytes other than padding follow END; the offset is that of the first.
    #[error("bytes after the end mark in the {0:?} area")]
    AfterEnd(Area),
    /// The last option of an area runs past the area's end, and is not read.
    #[error("option {0} is cut off")]
    Truncated(OptionCode),
    /// An option without value.
    #[error("option {0} is empty")]
    ZeroLength(OptionCode),
    /// A value, joined over all instances, whose length the option's specification does not allow.
    #[error("option {code} has {bytes} bytes")]
    Length {
        /// The option; the anomaly's offset is that of its first instance.
        code: OptionCode,
        /// Length of the joined value.
        bytes: usize,
    },
    /// Option 52 has a value other than 1, 2 or 3, and is ignored.
    #[error("option overload {0}")]
    OverloadValue(u8),
    /// Option 52 stands inside the field it should announce, and is ignored.
    #[error("option overload inside the {0:?} area")]
    OverloadMisplaced(Area),
    /// Option 53 has a value nobody has assigned.
    #[error("unknown message type {0}")]
    MessageType(u8),
    /// The parameter request list asks for PAD or END; the number is which.
    #[error("parameter request list asks for {0}")]
    RequestedCode(u8),
}

/// The anomalies of a message; see [`MessageView::anomalies`]. To make one passes over the options once, to learn
/// their joined lengths; the walk is therefore linear in the datagram.
#[derive(Clone)]
pub struct Anomalies<'a> {
    header: core::array::IntoIter<Option<Anomaly>, 3>,
    options: OptionFaults<'a>,
}

impl<'a> Anomalies<'a> {
    pub(crate) fn new(view: &MessageView<'a>) -> Self {
        let header = [hardware_address(view), flags(view), vendor_area(view)];
        Self { header: header.into_iter(), options: OptionFaults::new(view) }
    }
}

impl Iterator for Anomalies<'_> {
    type Item = Anomaly;

    fn next(&mut self) -> Option<Anomaly> {
        self.header.by_ref().flatten().next().or_else(|| self.options.next())
    }
}

fn hardware_address(view: &MessageView<'_>) -> Option<Anomaly> {
    let exempt = view.hardware_type() == HardwareType::INFINIBAND;
    let kind = AnomalyKind::HardwareAddressMissing;
    (view.hardware_address().is_empty() && !exempt)
        .then_some(Anomaly { offset: HARDWARE_LENGTH_OFFSET, kind })
}

fn flags(view: &MessageView<'_>) -> Option<Anomaly> {
    let reserved = view.flags().reserved();
    let kind = AnomalyKind::ReservedFlags(reserved);
    (reserved != 0).then_some(Anomaly { offset: FLAGS_OFFSET, kind })
}

fn vendor_area(view: &MessageView<'_>) -> Option<Anomaly> {
    let bytes = view.vendor_area().len();
    let kind = AnomalyKind::VendorAreaShort(bytes);
    (view.kind() != MessageKind::Dhcp && bytes < BOOTP_VENDOR_BYTES)
        .then_some(Anomaly { offset: HEADER_BYTES, kind })
}

/// The walk over the options in search of anomalies.
#[derive(Clone)]
struct OptionFaults<'a> {
    /// None when every area has been walked, or there is none.
    walk: Option<Walk<'a>>,
    lengths: Lengths,
}

impl<'a> OptionFaults<'a> {
    fn new(view: &MessageView<'a>) -> Self {
        let mut lengths = Lengths([0; 256]);
        for option in view.options() {
            lengths.add(option.code, option.value.len());
        }
        let walk = (view.kind() != MessageKind::Bootp).then(|| Walk::new(view));
        Self { walk, lengths }
    }

    fn leave_area(&mut self) {
        if !self.walk.as_mut().is_some_and(Walk::next_area) {
            self.walk = None;
        }
    }
}

impl Iterator for OptionFaults<'_> {
    type Item = Anomaly;

    fn next(&mut self) -> Option<Anomaly> {
        loop {
            let walk = self.walk.as_mut()?;
            let area = walk.area;
            let (mut offset, step) = walk.step();
            let kind = match step {
                Step::Option { code, value } => {
                    let option = RawOption { code: OptionCode(code), value, area, offset };
                    of_option(option, &mut self.lengths)
                }
                Step::End => {
                    let junk = walk.rest.iter().position(|&octet| octet != PAD);
                    offset = walk.offset().saturating_add(junk.unwrap_or_default());
                    self.leave_area();
                    junk.map(|_| AnomalyKind::AfterEnd(area))
                }
                Step::Exhausted => {
                    self.leave_area();
                    Some(AnomalyKind::EndMissing(area))
                }
                Step::Truncated { code } => {
                    self.leave_area();
                    Some(AnomalyKind::Truncated(OptionCode(code)))
                }
            };
            if let Some(kind) = kind {
                return Some(Anomaly { offset, kind });
            }
        }
    }
}

fn of_option(option: RawOption<'_>, lengths: &mut Lengths) -> Option<AnomalyKind> {
    let RawOption { code, value, area, .. } = option;
    if value.is_empty() && code != OptionCode::RAPID_COMMIT {
        return Some(AnomalyKind::ZeroLength(code));
    }
    if let Some(bytes) = lengths.take(code)
        && !code.length_rule().allows(bytes)
    {
        return Some(AnomalyKind::Length { code, bytes });
    }
    match (code, value) {
        (OptionCode::OVERLOAD, _) if area != Area::Options => {
            Some(AnomalyKind::OverloadMisplaced(area))
        }
        (OptionCode::OVERLOAD, &[bits]) if !matches!(bits, 1..=3) => {
            Some(AnomalyKind::OverloadValue(bits))
        }
        (OptionCode::MESSAGE_TYPE, &[number]) if MessageType(number).name().is_none() => {
            Some(AnomalyKind::MessageType(number))
        }
        (OptionCode::PARAMETER_REQUEST_LIST, list) => list
            .iter()
            .find(|&&requested| requested == PAD || requested == END)
            .map(|&requested| AnomalyKind::RequestedCode(requested)),
        _ => None,
    }
}

/// The joined length of every option, until it has been looked at. On the stack: no allocation here.
#[derive(Clone)]
struct Lengths([u32; 256]);

impl Lengths {
    const TAKEN: u32 = u32::MAX;

    fn add(&mut self, code: OptionCode, bytes: usize) {
        if let Some(length) = self.0.get_mut(usize::from(code.0)) {
            let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
            *length = length.saturating_add(bytes).min(Self::TAKEN.saturating_sub(1));
        }
    }

    /// The joined length, the first time it is asked for.
    fn take(&mut self, code: OptionCode) -> Option<usize> {
        let length = self.0.get_mut(usize::from(code.0))?;
        match core::mem::replace(length, Self::TAKEN) {
            Self::TAKEN => None,
            length => usize::try_from(length).ok(),
        }
    }
}
