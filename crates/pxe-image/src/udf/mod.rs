//! UDF (ECMA-167 as OSTA's UDF narrows it): revisions 1.02 to 2.60, as far as read-only media have it.

mod folder;
mod icb;
mod partition;
mod tag;
mod text;
mod volume;

use core::ops::ControlFlow;

use crate::error::ImageError;
use crate::image::disc::{Disc, broken};
use crate::image::walk::Format;
use crate::tree::{Extent, Node, NodeKind};
use icb::{Icb, Kind};
use partition::Partition;
#[cfg(feature = "_fuzz")]
pub(crate) use tag::crc;

/// A block of a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// Its number in the list of partitions.
    partition: u16,
    block: u32,
}

/// The tree of a UDF image.
#[derive(Debug)]
pub(crate) struct Udf {
    /// Bytes of a block.
    block: u64,
    partitions: Vec<Partition>,
    root: Place,
    pub(crate) about: About,
}

/// What its descriptors say of it.
#[derive(Clone, Debug, Default)]
pub(crate) struct About {
    pub(crate) label: String,
    pub(crate) set: String,
    /// `0x0102` for 1.02.
    pub(crate) revision: u16,
    /// How long it says it is.
    pub(crate) volume_bytes: u64,
}

impl Udf {
    /// Bytes of a block for buffers: at most 32,768.
    fn block_len(&self) -> usize {
        usize::try_from(self.block).unwrap_or(0)
    }
}

impl Format for Udf {
    type Entry = Place;
    type Folder = Place;

    fn root(&self) -> Place {
        self.root
    }

    fn scan(
        &self,
        disc: Disc<'_>,
        folder: &Place,
        visit: &mut dyn FnMut(&str, Place) -> ControlFlow<()>,
    ) -> Result<(), ImageError> {
        folder::scan(self, disc, *folder, visit)
    }

    fn node(&self, disc: Disc<'_>, entry: &Place) -> Result<Option<Node>, ImageError> {
        let icb = Icb::read(self, disc, *entry)?;
        let (kind, size) = match icb.kind {
            Kind::File => (NodeKind::File, icb.size),
            Kind::Folder => (NodeKind::Folder, 0),
            Kind::Link => (NodeKind::Link(icb.link(self, disc)?), 0),
            Kind::Other => return Ok(None),
        };
        Ok(Some(Node { kind, size }))
    }

    fn folder(&self, _: Disc<'_>, entry: &Place) -> Result<Place, ImageError> {
        Ok(*entry)
    }

    fn extents(&self, disc: Disc<'_>, entry: &Place) -> Result<Vec<Extent>, ImageError> {
        let icb = Icb::read(self, disc, *entry)?;
        if icb.kind != Kind::File {
            return Err(broken(icb.offset, "a file that is none"));
        }
        icb.extents(self, disc)
    }
}
