//! What a file is, and where its bytes lie (ECMA-167 4/14.9, 4/14.17).

use super::{Place, Udf, tag, text};
use crate::error::{ImageError, ImageErrorKind};
use crate::image::disc::{Disc, Fields, broken, fault};
use crate::image::stream;
use crate::limits::{ALLOCATION_BLOCKS_MAX, FILE_EXTENTS_MAX, PATH_BYTES_MAX};
use crate::tree::Extent;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    File,
    Folder,
    Link,
    Other,
}

/// How allocation descriptors look.
#[derive(Clone, Copy, Debug)]
enum Form {
    Short,
    Long,
    /// The file itself is there instead.
    Embedded,
}

/// An information control block with its file entry.
#[derive(Debug)]
pub(super) struct Icb {
    pub(super) kind: Kind,
    pub(super) size: u64,
    /// Where it lies in the image.
    pub(super) offset: u64,
    place: Place,
    form: Form,
    bytes: Vec<u8>,
    /// Where the allocation descriptors stand in `bytes`, and how long they are.
    descriptors: (usize, usize),
}

impl Icb {
    pub(super) fn read(udf: &Udf, disc: Disc<'_>, place: Place) -> Result<Self, ImageError> {
        let (offset, bytes) = udf.read_block(disc, place)?;
        let head = match tag::check(&bytes, offset, Some(place.block))? {
            tag::FILE => 176_usize,
            tag::EXTENDED_FILE => 216,
            _ => return Err(broken(offset, "no file where UDF says there is one")),
        };
        let fields = Fields(&bytes);
        if fields.u16(20) != 4 {
            let what = "UDF as written once bit by bit (strategy 4096), which is not read";
            return Err(fault(offset, ImageErrorKind::Unsupported(what)));
        }
        let form = match fields.u16(34) & 7 {
            0 => Form::Short,
            1 => Form::Long,
            3 => Form::Embedded,
            _ => return Err(broken(offset, "a file of UDF has no known way of saying its place")),
        };
        let kind = match fields.u8(27) {
            // Among others "not specified", "real time", and the metadata file with its mirror.
            0 | 5 | 249..=251 => Kind::File,
            4 => Kind::Folder,
            12 => Kind::Link,
            _ => Kind::Other,
        };
        let attributes = usize::try_from(fields.u32(head.saturating_sub(8))).unwrap_or(usize::MAX);
        let len = usize::try_from(fields.u32(head.saturating_sub(4))).unwrap_or(usize::MAX);
        let start = head.saturating_add(attributes);
        if start.checked_add(len).is_none_or(|end| end > bytes.len()) {
            return Err(broken(offset, "a file of UDF is longer than its block"));
        }
        let (size, descriptors) = (fields.u64(56), (start, len));
        Ok(Self { kind, size, offset, place, form, bytes, descriptors })
    }

    /// Where its bytes lie; as long as it is, and within the image.
    pub(super) fn extents(&self, udf: &Udf, disc: Disc<'_>) -> Result<Vec<Extent>, ImageError> {
        let mut extents = Vec::new();
        let (start, len) = self.descriptors;
        if matches!(self.form, Form::Embedded) {
            // From the partition on, because blocks need not lie side by side.
            let mut block = Vec::new();
            udf.resolve(self.place, udf.block, self.offset, &mut block)?;
            let mut skip = start as u64;
            for extent in block {
                let cut = skip.min(extent.len);
                skip = skip.saturating_sub(cut);
                let offset = extent.offset.map(|offset| offset.saturating_add(cut));
                let len = extent.len.saturating_sub(cut);
                stream::push(&mut extents, Extent { offset, len }, self.offset)?;
            }
            if self.size > len as u64 {
                return Err(broken(self.offset, "a file is longer than the blocks that it has"));
            }
        } else {
            let mut area = Fields(&self.bytes).bytes(start, len).to_vec();
            let (mut blocks, mut pieces) = (0_usize, 0_usize);
            let mut rest = self.size;
            loop {
                // Pieces that are joined to one extent take time all the same.
                pieces = pieces.saturating_add(area.len() / 8);
                if pieces > FILE_EXTENTS_MAX {
                    let what = "pieces of one file";
                    let kind = ImageErrorKind::TooMuch { what, max: FILE_EXTENTS_MAX };
                    return Err(fault(self.offset, kind));
                }
                let Some((next, len)) = self.add(udf, &area, &mut rest, &mut extents)? else {
                    break;
                };
                blocks = blocks.saturating_add(1);
                if blocks > ALLOCATION_BLOCKS_MAX {
                    let what = "blocks that say where one file lies";
                    let kind = ImageErrorKind::TooMuch { what, max: ALLOCATION_BLOCKS_MAX };
                    return Err(fault(self.offset, kind));
                }
                area = more(udf, disc, next, len)?;
            }
        }
        stream::fit(&mut extents, self.size, disc, self.offset)?;
        Ok(extents)
    }

    /// Adds what one area of allocation descriptors says as far as `rest` of the file, and returns where they go on, and
    /// how many bytes are there.
    fn add(
        &self,
        udf: &Udf,
        area: &[u8],
        rest: &mut u64,
        extents: &mut Vec<Extent>,
    ) -> Result<Option<(Place, u32)>, ImageError> {
        let step = if matches!(self.form, Form::Short) { 8 } else { 16 };
        for descriptor in area.chunks_exact(step) {
            let fields = Fields(descriptor);
            let (kind, len) = (fields.u32(0) >> 30, fields.u32(0) & 0x3fff_ffff);
            if len == 0 || *rest == 0 {
                break;
            }
            let partition = if step == 8 { self.place.partition } else { fields.u16(8) };
            let place = Place { partition, block: fields.u32(4) };
            match kind {
                0 => udf.resolve(place, u64::from(len), self.offset, extents)?,
                // Allocated or not, nothing was recorded: zeros.
                1 | 2 => {
                    let zeros = Extent { offset: None, len: u64::from(len) };
                    stream::push(extents, zeros, self.offset)?;
                }
                _ => return Ok(Some((place, len))),
            }
            *rest = rest.saturating_sub(u64::from(len));
            if *rest > 0 && !u64::from(len).is_multiple_of(udf.block) {
                return Err(broken(
                    self.offset,
                    "a file of UDF has a piece that is no whole block",
                ));
            }
        }
        Ok(None)
    }

    /// The path that a link holds (UDF 2.3.4, ECMA-167 4/14.16).
    pub(super) fn link(&self, udf: &Udf, disc: Disc<'_>) -> Result<String, ImageError> {
        if self.size > PATH_BYTES_MAX as u64 {
            let what = "bytes in the path of a link";
            let kind = ImageErrorKind::TooMuch { what, max: PATH_BYTES_MAX };
            return Err(fault(self.offset, kind));
        }
        let extents = self.extents(udf, disc)?;
        let mut bytes = vec![0; usize::try_from(self.size).unwrap_or(0)];
        stream::read_at(disc, &extents, 0, &mut bytes)?;
        Ok(path(&bytes))
    }
}

/// Reads a block of allocation descriptors.
fn more(udf: &Udf, disc: Disc<'_>, place: Place, stated: u32) -> Result<Vec<u8>, ImageError> {
    let (offset, mut bytes) = udf.read_block(disc, place)?;
    tag::expect(&bytes, offset, Some(place.block), tag::ALLOCATION)?;
    let len = usize::try_from(Fields(&bytes).u32(20)).unwrap_or(usize::MAX);
    let end = len.saturating_add(24);
    if end > bytes.len() || end > usize::try_from(stated).unwrap_or(usize::MAX) {
        return Err(broken(offset, "a block that says where a file lies is broken"));
    }
    bytes.truncate(end);
    bytes.drain(..24);
    Ok(bytes)
}

/// Puts the parts of a link's path together.
fn path(mut parts: &[u8]) -> String {
    let mut path = String::new();
    while let [kind, len, _, _, rest @ ..] = parts {
        let Some((name, behind)) = rest.split_at_checked(usize::from(*len)) else { break };
        let part = match kind {
            1 | 2 => {
                path.clear();
                String::new()
            }
            3 => "..".to_owned(),
            4 => ".".to_owned(),
            _ => text::cs0(name),
        };
        if part.is_empty() {
            path.push('/');
        } else {
            if !path.is_empty() && !path.ends_with('/') {
                path.push('/');
            }
            path.push_str(&part);
        }
        parts = behind;
    }
    path
}

#[cfg(test)]
mod tests {
    use super::path;

    #[test]
    fn paths_of_links_are_put_together() {
        assert_eq!(path(b"\x03\0\0\0\x05\x05\0\0\x08pool\x04\0\0\0"), "../pool/.");
        assert_eq!(path(b"\x02\0\0\0\x05\x03\0\0\x08ab\x05\x02\0\0\x08c"), "/ab/c");
        assert_eq!(path(b"\x05\xff\0\0\x08"), "");
    }
}
