//! What Rock Ridge (IEEE P1282) says of a file: long name, link, folders that were moved up.

use super::record::Record;
use super::susp;
use crate::error::{ImageError, ImageErrorKind};
use crate::image::disc::{Disc, Fields, fault};
use crate::limits::{NAME_BYTES_MAX, PATH_BYTES_MAX};

/// What the fields of one record say.
#[derive(Debug, Default)]
pub(super) struct Extra {
    /// NM.
    pub(super) name: Option<String>,
    /// SL.
    pub(super) link: Option<String>,
    /// CL: the logical block of the folder that was moved up.
    pub(super) child: Option<u32>,
    /// RE: a folder at the place it was moved to.
    pub(super) relocated: bool,
    /// PX: type and permissions.
    pub(super) mode: Option<u32>,
    /// ZF: zisofs, not Rock Ridge, but at the same place.
    pub(super) compressed: bool,
}

/// Whether the image has Rock Ridge: then, how many bytes before the fields of each record are something else's.
pub(super) fn detect(disc: Disc<'_>, block: u64, root: u64) -> Result<Option<usize>, ImageError> {
    let bytes = disc.bytes_or_fewer(root, 255)?;
    let Some(record) = Record::parse(&bytes).filter(Record::is_dot) else { return Ok(None) };
    // Behind the attributes of a CD-ROM XA, if it is one.
    for before in [0, 14] {
        let area = record.system_use.get(before..).unwrap_or_default();
        let [b'S', b'P', 7..=255, _, 0xbe, 0xef, skip, ..] = area else { continue };
        let mut found = false;
        susp::each(disc, block, area, &mut |signature, field| {
            found |= match &signature {
                b"RR" | b"PX" | b"NM" => true,
                b"ER" => is_rock_ridge(field),
                _ => false,
            };
            Ok(())
        })?;
        return Ok(found.then_some(usize::from(*skip)));
    }
    Ok(None)
}

/// Whether an ER field names Rock Ridge.
fn is_rock_ridge(field: Fields<'_>) -> bool {
    let name = field.bytes(8, usize::from(field.u8(4)));
    matches!(name, b"RRIP_1991A" | b"IEEE_P1282" | b"IEEE_1282")
}

/// Reads the fields of a record.
pub(super) fn read(disc: Disc<'_>, block: u64, area: &[u8]) -> Result<Extra, ImageError> {
    let mut extra = Extra::default();
    let mut name: Option<Vec<u8>> = None;
    let mut link: Option<Link> = None;
    susp::each(disc, block, area, &mut |signature, field| {
        match &signature {
            b"NM" => {
                // `.`, `..` and the host's name are spelt as flags, and are no names here.
                let part = if field.u8(4) & !1 == 0 { field.rest(5) } else { &[] };
                extend(name.get_or_insert_default(), part, NAME_BYTES_MAX, "bytes in a name")?;
            }
            b"SL" => link.get_or_insert_default().add(field.rest(5))?,
            b"CL" => extra.child = Some(field.u32(4)),
            b"RE" => extra.relocated = true,
            b"PX" => extra.mode = Some(field.u32(4)),
            b"ZF" => extra.compressed = true,
            _ => {}
        }
        Ok(())
    })?;
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    extra.name = name.filter(|name| !name.is_empty()).map(text);
    extra.link = link.map(|link| text(link.path));
    Ok(extra)
}

fn extend(
    whole: &mut Vec<u8>,
    part: &[u8],
    max: usize,
    what: &'static str,
) -> Result<(), ImageError> {
    if whole.len().saturating_add(part.len()) > max {
        return Err(fault(0, ImageErrorKind::TooMuch { what, max }));
    }
    whole.extend_from_slice(part);
    Ok(())
}

/// A link's path, put together of its parts.
#[derive(Default)]
struct Link {
    path: Vec<u8>,
    /// The last part goes on in the next one.
    continues: bool,
}

impl Link {
    /// Adds the parts of one field.
    fn add(&mut self, mut parts: &[u8]) -> Result<(), ImageError> {
        while let [flags, len, rest @ ..] = parts {
            let Some((text, behind)) = rest.split_at_checked(usize::from(*len)) else { break };
            let text: &[u8] = match flags & 0x0e {
                0x02 => b".",
                0x04 => b"..",
                0x08 => b"/",
                _ => text,
            };
            let joint: &[u8] = match self.path.last() {
                None | Some(b'/') => b"",
                Some(_) if self.continues => b"",
                Some(_) => b"/",
            };
            let mut part = joint.to_vec();
            part.extend_from_slice(text);
            extend(&mut self.path, &part, PATH_BYTES_MAX, "bytes in the path of a link")?;
            self.continues = flags & 1 != 0;
            parts = behind;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn extra(area: &[u8]) -> Result<Extra, ImageError> {
        let nothing = [0_u8; 0].as_slice();
        read(Disc::new(&nothing), 2048, area)
    }

    #[test]
    fn names_come_in_parts() {
        let extra = extra(b"NM\x07\x01\x01veNM\x08\x01\x00ry!").expect("sound");
        assert_eq!(extra.name.as_deref(), Some("very!"));
        let mut long = Vec::new();
        for _ in 0..10 {
            long.extend_from_slice(b"NM\xff\x01\x01");
            long.resize(long.len() + 250, b'x');
        }
        assert!(read(Disc::new(&[0_u8; 0].as_slice()), 2048, &long).is_err());
    }

    #[test]
    fn links_come_in_parts() {
        // Absolute; a part in two pieces; up; here.
        let absolute = extra(b"SL\x0d\x01\x00\x08\x00\x00\x04pool").expect("sound");
        assert_eq!(absolute.link.as_deref(), Some("/pool"));
        let parts = extra(b"SL\x0b\x01\x01\x04\x00\x01\x02poSL\x0b\x01\x00\x00\x02ol\x02\x00")
            .expect("sound");
        assert_eq!(parts.link.as_deref(), Some("../pool/."));
    }
}
