//! The names in a folder (ECMA-167 4/14.4).

use core::ops::ControlFlow;

use super::icb::{Icb, Kind};
use super::{Place, Udf, tag, text};
use crate::error::{ImageError, ImageErrorKind};
use crate::image::disc::{Disc, Fields, broken, fault};
use crate::image::stream::Stream;
use crate::limits::FOLDER_BYTES_MAX;

/// Bytes before the name and what an implementation adds.
const HEAD_BYTES: usize = 38;
const IS_DELETED: u8 = 0x04;
const IS_PARENT: u8 = 0x08;

/// Shows every name until told to stop.
pub(super) fn scan(
    udf: &Udf,
    disc: Disc<'_>,
    folder: Place,
    visit: &mut dyn FnMut(&str, Place) -> ControlFlow<()>,
) -> Result<(), ImageError> {
    let icb = Icb::read(udf, disc, folder)?;
    if icb.kind != Kind::Folder {
        return Err(broken(icb.offset, "no folder where UDF says there is one"));
    }
    if icb.size > FOLDER_BYTES_MAX as u64 {
        let what = "bytes in one folder";
        return Err(fault(icb.offset, ImageErrorKind::TooMuch { what, max: FOLDER_BYTES_MAX }));
    }
    let extents = icb.extents(udf, disc)?;
    let start = extents.first().and_then(|extent| extent.offset).unwrap_or(icb.offset);
    let mut stream = Stream::new(disc, &extents);
    loop {
        let at = start.saturating_add(stream.position());
        let head = Fields(stream.peek(HEAD_BYTES)?);
        if head.0.len() < HEAD_BYTES {
            return Ok(());
        }
        let (name_len, more) = (usize::from(head.u8(19)), usize::from(head.u16(36)));
        let whole = HEAD_BYTES.saturating_add(more).saturating_add(name_len);
        let padded = whole.next_multiple_of(4);
        let fields = Fields(stream.peek(padded)?);
        tag::expect(fields.0, at, None, tag::NAME)?;
        if fields.0.len() < whole {
            return Err(broken(at, "a name reaches out of its folder"));
        }
        if fields.u8(18) & (IS_DELETED | IS_PARENT) == 0 {
            let name = text::cs0(fields.bytes(HEAD_BYTES.saturating_add(more), name_len));
            let place = Place { partition: fields.u16(28), block: fields.u32(24) };
            if visit(&name, place).is_break() {
                return Ok(());
            }
        }
        stream.skip(padded);
    }
}
