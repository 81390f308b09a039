//! From blocks of partitions to bytes of the image.

use super::icb::Icb;
use super::{Place, Udf};
use crate::error::{ImageError, ImageErrorKind};
use crate::image::disc::{Disc, Fields, broken, fault};
use crate::image::stream;
use crate::limits::{METADATA_EXTENTS_MAX, UDF_PARTITIONS_MAX};
use crate::tree::Extent;

/// How blocks of a partition lie in the image.
#[derive(Clone, Debug)]
pub(super) enum Partition {
    /// One after another.
    Plain {
        /// In bytes.
        start: u64,
        /// In bytes.
        len: u64,
    },
    /// Within the metadata file of another one (UDF 2.50).
    Metadata(Vec<Extent>),
    /// In a way that is not read.
    Unsupported(&'static str),
}

impl Partition {
    /// Where it ends in the image, if that is said.
    pub(super) fn end(&self) -> Option<u64> {
        match self {
            Self::Plain { start, len } => start.checked_add(*len),
            _ => None,
        }
    }
}

/// A map of the logical volume descriptor.
struct Map<'a> {
    fields: Fields<'a>,
    kind: Mapped,
    /// The partition descriptor's number.
    number: u16,
}

#[derive(Clone, Copy, PartialEq)]
enum Mapped {
    Plain,
    Metadata,
    Unsupported(&'static str),
}

/// Reads the maps of the logical volume descriptor, given the partition descriptors.
pub(super) fn all(
    disc: Disc<'_>,
    block: u64,
    at: u64,
    logical: Fields<'_>,
    descriptors: &[Vec<u8>],
) -> Result<Vec<Partition>, ImageError> {
    let maps = maps(at, logical)?;
    let plain = |map: &Map<'_>| {
        let fields = descriptors.iter().map(|it| Fields(it)).find(|it| it.u16(22) == map.number);
        fields.map(|fields| Partition::Plain {
            start: u64::from(fields.u32(188)).saturating_mul(block),
            len: u64::from(fields.u32(192)).saturating_mul(block),
        })
    };
    let missing = || broken(at, "UDF's logical volume has a partition that is missing");
    let mut partitions = Vec::new();
    for map in &maps {
        partitions.push(match map.kind {
            Mapped::Plain => plain(map).ok_or_else(missing)?,
            Mapped::Unsupported(what) => Partition::Unsupported(what),
            Mapped::Metadata => {
                let beneath = plain(map).ok_or_else(missing)?;
                // A volume of that partition alone, to read the metadata file by.
                let udf = Udf {
                    block,
                    partitions: vec![beneath],
                    root: Place { partition: 0, block: 0 },
                    about: super::About::default(),
                };
                let [main, mirror] = [40, 44].map(|at| {
                    let place = Place { partition: 0, block: map.fields.u32(at) };
                    Icb::read(&udf, disc, place).and_then(|icb| icb.extents(&udf, disc))
                });
                let extents = main.or_else(|why| mirror.map_err(|_| why))?;
                if extents.len() > METADATA_EXTENTS_MAX {
                    let what = "pieces of UDF's metadata";
                    let kind = ImageErrorKind::TooMuch { what, max: METADATA_EXTENTS_MAX };
                    return Err(fault(at, kind));
                }
                Partition::Metadata(extents)
            }
        });
    }
    Ok(partitions)
}

fn maps(at: u64, logical: Fields<'_>) -> Result<Vec<Map<'_>>, ImageError> {
    let count = usize::try_from(logical.u32(268)).unwrap_or(usize::MAX);
    if count > UDF_PARTITIONS_MAX {
        let what = "partitions of UDF";
        return Err(fault(at, ImageErrorKind::TooMuch { what, max: UDF_PARTITIONS_MAX }));
    }
    let mut rest = logical.rest(440);
    let mut maps = Vec::new();
    for _ in 0..count {
        let len = usize::from(Fields(rest).u8(1));
        let (Some(bytes), 6..) = (rest.get(..len), len) else {
            return Err(broken(at, "UDF's map of partitions is broken"));
        };
        let fields = Fields(bytes);
        let name = fields.bytes(5, 23);
        let name = name.split(|byte| *byte == 0).next().unwrap_or_default();
        let (kind, number) = match (fields.u8(0), name) {
            (1, _) => (Mapped::Plain, fields.u16(4)),
            (2, b"*UDF Metadata Partition") => (Mapped::Metadata, fields.u16(38)),
            (2, b"*UDF Virtual Partition") => {
                (Mapped::Unsupported("UDF as written once bit by bit (VAT), which is not read"), 0)
            }
            (2, b"*UDF Sparable Partition") => {
                (Mapped::Unsupported("UDF as on rewritable discs (sparing), which is not read"), 0)
            }
            _ => (Mapped::Unsupported("UDF with partitions of a kind that is not read"), 0),
        };
        maps.push(Map { fields, kind, number });
        rest = rest.get(len..).unwrap_or_default();
    }
    Ok(maps)
}

impl Udf {
    /// Adds the bytes of blocks from a place on.
    pub(super) fn resolve(
        &self,
        place: Place,
        len: u64,
        at: u64,
        extents: &mut Vec<Extent>,
    ) -> Result<(), ImageError> {
        let partition = self.partitions.get(usize::from(place.partition));
        let partition =
            partition.ok_or_else(|| broken(at, "UDF names a partition that is none"))?;
        let mut skip = u64::from(place.block).saturating_mul(self.block);
        let mut rest = len;
        match partition {
            Partition::Unsupported(what) => {
                return Err(fault(at, ImageErrorKind::Unsupported(what)));
            }
            Partition::Plain { start, len } => {
                if skip.checked_add(rest).is_none_or(|end| end > *len) {
                    return Err(broken(at, "UDF names blocks outside of their partition"));
                }
                let offset = Some(start.saturating_add(skip));
                return stream::push(extents, Extent { offset, len: rest }, at);
            }
            Partition::Metadata(within) => {
                for extent in within {
                    if rest == 0 {
                        break;
                    }
                    if skip >= extent.len {
                        skip = skip.saturating_sub(extent.len);
                        continue;
                    }
                    let part = extent.len.saturating_sub(skip).min(rest);
                    let offset = extent.offset.map(|start| start.saturating_add(skip));
                    stream::push(extents, Extent { offset, len: part }, at)?;
                    rest = rest.saturating_sub(part);
                    skip = 0;
                }
            }
        }
        if rest > 0 {
            return Err(broken(at, "UDF names blocks outside of their partition"));
        }
        Ok(())
    }

    /// Reads a block, and says where in the image it is.
    pub(super) fn read_block(
        &self,
        disc: Disc<'_>,
        place: Place,
    ) -> Result<(u64, Vec<u8>), ImageError> {
        let mut extents = Vec::new();
        self.resolve(place, self.block, 0, &mut extents)?;
        let offset = extents.first().and_then(|extent| extent.offset).unwrap_or(0);
        let mut bytes = vec![0; self.block_len()];
        stream::read_at(disc, &extents, 0, &mut bytes)?;
        Ok((offset, bytes))
    }
}
