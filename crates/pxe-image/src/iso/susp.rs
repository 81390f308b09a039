//! Fields behind a record's name (IEEE P1281, "SUSP"), and areas elsewhere that continue them.

use crate::error::{ImageError, ImageErrorKind};
use crate::image::disc::{Disc, Fields, broken, fault};
use crate::limits::{SUSP_AREA_BYTES_MAX, SUSP_AREAS_MAX};

/// Takes the signature of a field and all of it.
pub(super) type Visit<'v> = dyn FnMut([u8; 2], Fields<'_>) -> Result<(), ImageError> + 'v;

/// Shows each field with its signature, in their order.
pub(super) fn each(
    disc: Disc<'_>,
    block: u64,
    area: &[u8],
    visit: &mut Visit<'_>,
) -> Result<(), ImageError> {
    let mut next = fields(area, visit)?;
    let mut areas = 0_usize;
    while let Some((at_block, at, len)) = next {
        let offset = u64::from(at_block).saturating_mul(block).saturating_add(u64::from(at));
        areas = areas.saturating_add(1);
        if areas > SUSP_AREAS_MAX {
            let what = "areas that continue one record";
            return Err(fault(offset, ImageErrorKind::TooMuch { what, max: SUSP_AREAS_MAX }));
        }
        let len = usize::try_from(len).unwrap_or(usize::MAX);
        if len > SUSP_AREA_BYTES_MAX {
            return Err(broken(offset, "an area that continues a record is too long"));
        }
        next = fields(&disc.bytes(offset, len)?, visit)?;
    }
    Ok(())
}

/// Shows the fields of one area, and returns where they go on: block, offset, length.
fn fields(area: &[u8], visit: &mut Visit<'_>) -> Result<Option<(u32, u32, u32)>, ImageError> {
    let mut rest = area;
    let mut next = None;
    // Less than a head is padding.
    while let [first, second, len, ..] = rest {
        let len = usize::from(*len);
        let (Some(bytes), true) = (rest.get(..len), len >= 4) else { break };
        let field = Fields(bytes);
        match &[*first, *second] {
            b"CE" if len >= 28 => next = Some((field.u32(4), field.u32(12), field.u32(20))),
            b"ST" => break,
            signature => visit(*signature, field)?,
        }
        rest = rest.get(len..).unwrap_or_default();
    }
    Ok(next)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn continued(block: u32, at: u32, len: u32) -> Vec<u8> {
        let mut field = b"CE\x1c\x01".to_vec();
        for number in [block, at, len] {
            field.extend_from_slice(&number.to_le_bytes());
            field.extend_from_slice(&number.to_be_bytes());
        }
        field
    }

    fn seen(image: &[u8], area: &[u8]) -> Result<Vec<u8>, ImageError> {
        let mut seen = Vec::new();
        each(Disc::new(&image), 16, area, &mut |signature, _| {
            seen.push(signature[0]);
            Ok(())
        })?;
        Ok(seen)
    }

    #[test]
    fn areas_continue_one_another() {
        let mut image = vec![0; 20];
        image.extend_from_slice(b"BB\x04\x01ST\x04\x01CC\x04\x01");
        let mut area = b"AA\x04\x01".to_vec();
        area.extend(continued(1, 4, 12));
        area.extend_from_slice(b"DD\x05\x01x\0\0");
        assert_eq!(seen(&image, &area).expect("sound"), b"ADB");
        assert_eq!(seen(&image, b"AA\x04\x01BB\x03\x01").expect("sound"), b"A");
        assert_eq!(seen(&image, b"AA\x09\x01BB").expect("sound"), b"");
    }

    #[test]
    fn an_area_that_continues_itself_comes_to_an_end() {
        let area = continued(0, 0, 28);
        let error = seen(&area, &area).expect_err("endless");
        assert!(matches!(error.kind, ImageErrorKind::TooMuch { .. }), "{error}");
    }

    #[test]
    fn areas_behind_the_end_and_huge_ones_are_refused() {
        let error = seen(&[0; 64], &continued(3, 10, 28)).expect_err("outside");
        assert!(matches!(error.kind, ImageErrorKind::Truncated), "{error}");
        assert!(seen(&[0; 64], &continued(0, 0, u32::MAX)).is_err());
    }
}
