//! From the anchor to the root folder.

use super::partition::{self, Partition};
use super::{About, Place, Udf, tag, text};
use crate::error::{ImageError, ImageErrorKind};
use crate::image::disc::{Disc, Fields, broken, fault};
use crate::limits::{UDF_PARTITIONS_MAX, VOLUME_SEQUENCE_BLOCKS_MAX};

/// Sizes of blocks, likely ones first.
const BLOCKS: [u64; 7] = [2_048, 512, 4_096, 1_024, 8_192, 16_384, 32_768];

/// A stretch of the volume: bytes, and the first block.
type Stretch = (u32, u32);

/// Where the sequences of descriptors lie.
struct Anchor {
    block: u64,
    main: Stretch,
    reserve: Stretch,
}

/// The descriptors that prevail in a sequence, each with its place.
#[derive(Default)]
struct Sequence {
    primary: Option<Vec<u8>>,
    logical: Option<(u64, Vec<u8>)>,
    partitions: Vec<Vec<u8>>,
}

impl Udf {
    /// Finds the root folder.
    ///
    /// # Errors
    /// Something on the way is broken, not read, behind the end, or cannot be read.
    pub(crate) fn open(disc: Disc<'_>) -> Result<Self, ImageError> {
        let anchor = find_anchor(disc)?;
        let block = anchor.block;
        let sequence = match Sequence::read(disc, block, anchor.main) {
            Ok(sequence) => sequence,
            // The first fault says more if both have one.
            Err(why) => Sequence::read(disc, block, anchor.reserve).map_err(|_| why)?,
        };
        let Some((at, logical)) = &sequence.logical else {
            return Err(broken(0, "UDF's logical volume descriptor is missing"));
        };
        let fields = Fields(logical);
        if u64::from(fields.u32(212)) != block {
            let what = "UDF with blocks that are not as long as sectors, which is not read";
            return Err(fault(*at, ImageErrorKind::Unsupported(what)));
        }
        let partitions = partition::all(disc, block, *at, fields, &sequence.partitions)?;
        let set =
            sequence.primary.as_deref().map(|bytes| text::dstring(Fields(bytes).bytes(72, 128)));
        let about = About {
            label: text::dstring(fields.bytes(84, 128)),
            set: set.unwrap_or_default(),
            revision: fields.u16(240),
            volume_bytes: partitions.iter().filter_map(Partition::end).max().unwrap_or(0),
        };
        let file_set = Place { partition: fields.u16(256), block: fields.u32(252) };
        let mut udf = Self { block, partitions, root: file_set, about };
        udf.root = udf.root_of(disc, file_set)?;
        Ok(udf)
    }

    /// The root folder of a file set.
    fn root_of(&self, disc: Disc<'_>, file_set: Place) -> Result<Place, ImageError> {
        let (offset, bytes) = self.read_block(disc, file_set)?;
        tag::expect(&bytes, offset, Some(file_set.block), tag::FILE_SET)?;
        let fields = Fields(&bytes);
        Ok(Place { partition: fields.u16(408), block: fields.u32(404) })
    }
}

/// Looks at the places where an anchor may be, for every size of blocks.
fn find_anchor(disc: Disc<'_>) -> Result<Anchor, ImageError> {
    for late in [false, true] {
        for block in BLOCKS {
            let count = disc.size().checked_div(block).unwrap_or(0);
            let places = if late {
                [count.checked_sub(1), count.checked_sub(257), Some(512)]
            } else {
                [Some(256), None, None]
            };
            for place in places.into_iter().flatten() {
                match anchor_at(disc, block, place) {
                    Ok(anchor) => return Ok(anchor),
                    Err(error @ ImageError { kind: ImageErrorKind::Io(_), .. }) => {
                        return Err(error);
                    }
                    Err(_) => {}
                }
            }
        }
    }
    // It is near the start, or at the very end.
    let kind = if disc.size() < 512_u64.saturating_mul(2_048) {
        ImageErrorKind::Truncated
    } else {
        ImageErrorKind::Broken("UDF is announced, but has no anchor")
    };
    Err(fault(256_u64.saturating_mul(2_048), kind))
}

fn anchor_at(disc: Disc<'_>, block: u64, place: u64) -> Result<Anchor, ImageError> {
    let offset = place.saturating_mul(block);
    let location = u32::try_from(place).map_err(|_| broken(offset, "an anchor too far out"))?;
    let bytes = disc.bytes(offset, 512)?;
    tag::expect(&bytes, offset, Some(location), tag::ANCHOR)?;
    let fields = Fields(&bytes);
    let main = (fields.u32(16), fields.u32(20));
    Ok(Anchor { block, main, reserve: (fields.u32(24), fields.u32(28)) })
}

impl Sequence {
    fn read(disc: Disc<'_>, block: u64, stretch: Stretch) -> Result<Self, ImageError> {
        let mut found = Self::default();
        let (mut len, mut next) = stretch;
        let len_of_block = usize::try_from(block).unwrap_or(0);
        for _ in 0..VOLUME_SEQUENCE_BLOCKS_MAX {
            if u64::from(len) < block {
                break;
            }
            let offset = u64::from(next).saturating_mul(block);
            let bytes = disc.bytes(offset, len_of_block)?;
            // Nothing written: the end, without a terminator.
            if bytes.iter().take(16).all(|byte| *byte == 0) {
                break;
            }
            let id = tag::check(&bytes, offset, Some(next))?;
            next = next.saturating_add(1);
            len = len.saturating_sub(u32::try_from(block).unwrap_or(u32::MAX));
            match id {
                tag::TERMINATOR => break,
                tag::POINTER => (len, next) = (Fields(&bytes).u32(20), Fields(&bytes).u32(24)),
                _ => found.add(id, offset, bytes)?,
            }
        }
        if found.logical.is_none() || found.partitions.is_empty() {
            let offset = u64::from(stretch.1).saturating_mul(block);
            return Err(broken(
                offset,
                "UDF's sequence of descriptors lacks one that it must have",
            ));
        }
        Ok(found)
    }

    /// Keeps a descriptor if it prevails: of several the one with the highest number does.
    fn add(&mut self, id: u16, offset: u64, bytes: Vec<u8>) -> Result<(), ImageError> {
        let number = |bytes: &[u8]| Fields(bytes).u32(16);
        match id {
            tag::PRIMARY if self.primary.as_deref().map(number) < Some(number(&bytes)) => {
                self.primary = Some(bytes);
            }
            tag::LOGICAL
                if self.logical.as_ref().map(|known| number(&known.1)) < Some(number(&bytes)) =>
            {
                self.logical = Some((offset, bytes));
            }
            tag::PARTITION => {
                let which = |bytes: &[u8]| Fields(bytes).u16(22);
                let known = self.partitions.iter().position(|it| which(it) == which(&bytes));
                let known = known.and_then(|index| self.partitions.get_mut(index));
                if let Some(known) = known {
                    if number(known) < number(&bytes) {
                        *known = bytes;
                    }
                } else if self.partitions.len() < UDF_PARTITIONS_MAX {
                    self.partitions.push(bytes);
                } else {
                    let what = "partitions of UDF";
                    let kind = ImageErrorKind::TooMuch { what, max: UDF_PARTITIONS_MAX };
                    return Err(fault(offset, kind));
                }
            }
            _ => {}
        }
        Ok(())
    }
}
