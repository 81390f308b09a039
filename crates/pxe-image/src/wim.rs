//! Windows images: the header and the description of a WIM file.
//!
//! Source: Microsoft's "Windows Imaging File Format" white paper (header, `RESHDR_DISK_SHORT`, XML data). Nothing else
//! of the file is read: wimboot takes it whole.

use crate::bytes::{array, u16_le, u32_le, u64_le};
use crate::cpu::Cpu;
use crate::error::{ImageError, ImageErrorKind};
use crate::limits::{WIM_IMAGES_MAX, WIM_XML_BYTES_MAX};
use crate::source::{ReadAt, read_up_to};

/// What a WIM file says about itself.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Wim {
    /// Number of the image that boots, from 1; 0 if none does.
    pub boot_index: u32,
    /// The images, in their order.
    pub images: Vec<WimImage>,
}

/// One image of a WIM file. What its description leaves out is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct WimImage {
    /// Its number, from 1.
    pub index: u32,
    /// Its name, as in `Windows 11 Pro` or `Microsoft Windows PE (x64)`.
    pub name: String,
    /// Its processor.
    pub cpu: Option<Cpu>,
    /// `10.0.22621`.
    pub version: String,
    /// `WindowsPE`, `Client`, `Server`.
    pub installation: String,
}

const MAGIC: [u8; 8] = *b"MSWIM\0\0\0";
const HEADER_BYTES: usize = 208;
/// The resource is compressed.
const COMPRESSED: u8 = 0x04;

impl Wim {
    /// Reads header and description; `None` if it is no WIM file.
    ///
    /// # Errors
    /// It is one and contradicts itself, or cannot be read.
    pub fn read(source: &dyn ReadAt) -> Result<Option<Self>, ImageError> {
        let io = |error| ImageError { offset: 0, kind: ImageErrorKind::Io(error) };
        let header = read_up_to(source, 0, HEADER_BYTES).map_err(io)?;
        if !header.starts_with(&MAGIC) {
            return Ok(None);
        }
        let (boot_index, xml) = Self::header(&header)
            .ok_or(ImageError { offset: 0, kind: ImageErrorKind::Truncated })?;
        let broken = |what| ImageError { offset: 72, kind: ImageErrorKind::Broken(what) };
        if xml.flags & COMPRESSED != 0 {
            return Err(broken("the WIM's description is compressed, which the format forbids"));
        }
        let bytes = usize::try_from(xml.bytes).unwrap_or(usize::MAX);
        if bytes > WIM_XML_BYTES_MAX {
            let kind = ImageErrorKind::TooMuch {
                what: "bytes of the WIM's description",
                max: WIM_XML_BYTES_MAX,
            };
            return Err(ImageError { offset: 72, kind });
        }
        let text = read_up_to(source, xml.offset, bytes).map_err(io)?;
        if text.len() < bytes {
            return Err(ImageError { offset: xml.offset, kind: ImageErrorKind::Truncated });
        }
        Ok(Some(Self { boot_index, images: images(&utf16(&text)) }))
    }

    /// Boot index, and where the description lies.
    fn header(header: &[u8]) -> Option<(u32, Resource)> {
        // Seven bytes of stored size and one of flags, the offset, the size when unpacked.
        let packed = u64_le(header, 72)?;
        let [.., flags] = array::<8>(header, 72)?;
        let xml =
            Resource { bytes: packed & 0x00ff_ffff_ffff_ffff, flags, offset: u64_le(header, 80)? };
        Some((u32_le(header, 120)?, xml))
    }

    /// The image that boots, or the first.
    #[must_use]
    pub fn boot_image(&self) -> Option<&WimImage> {
        let boots = |image: &&WimImage| image.index == self.boot_index;
        self.images.iter().find(boots).or_else(|| self.images.first())
    }
}

struct Resource {
    bytes: u64,
    flags: u8,
    offset: u64,
}

/// UTF-16LE, with or without a byte order mark.
fn utf16(bytes: &[u8]) -> String {
    let units = bytes.chunks_exact(2).filter_map(|pair| u16_le(pair, 0));
    let text = char::decode_utf16(units).map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER));
    text.filter(|&c| c != '\u{feff}').collect()
}

fn images(xml: &str) -> Vec<WimImage> {
    let mut images = Vec::new();
    for part in xml.split("<IMAGE ").skip(1).take(WIM_IMAGES_MAX) {
        let part = part.split("</IMAGE>").next().unwrap_or_default();
        let index = part.strip_prefix("INDEX=\"").and_then(|rest| rest.split('"').next());
        let number = |name| text(part, name).and_then(|text| text.parse::<u32>().ok());
        let version = match (number("MAJOR"), number("MINOR"), number("BUILD")) {
            (Some(major), Some(minor), Some(build)) => format!("{major}.{minor}.{build}"),
            _ => String::new(),
        };
        images.push(WimImage {
            index: index.and_then(|index| index.parse().ok()).unwrap_or(0),
            name: text(part, "NAME").unwrap_or_default(),
            // PROCESSOR_ARCHITECTURE of Windows.
            cpu: number("ARCH").and_then(|arch| match arch {
                0 => Some(Cpu::X86),
                5 => Some(Cpu::Arm32),
                9 => Some(Cpu::X64),
                12 => Some(Cpu::Arm64),
                _ => None,
            }),
            version,
            installation: text(part, "INSTALLATIONTYPE").unwrap_or_default(),
        });
    }
    images
}

/// The text of the first element of that name. The description has no attributes on those that are asked for.
fn text(xml: &str, name: &str) -> Option<String> {
    let (_, after) = xml.split_once(&format!("<{name}>"))?;
    let (text, _) = after.split_once(&format!("</{name}>"))?;
    let plain = text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&");
    Some(plain.chars().filter(|c| !c.is_control()).take(128).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wim(xml: &str, boot_index: u32) -> Vec<u8> {
        let text: Vec<u8> = xml.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let mut bytes = vec![0; HEADER_BYTES];
        bytes[..8].copy_from_slice(&MAGIC);
        bytes[72..80].copy_from_slice(&(text.len() as u64).to_le_bytes());
        bytes[80..88].copy_from_slice(&(HEADER_BYTES as u64).to_le_bytes());
        bytes[120..124].copy_from_slice(&boot_index.to_le_bytes());
        bytes.extend(text);
        bytes
    }

    const XML: &str = "\u{feff}<WIM><TOTALBYTES>5</TOTALBYTES><IMAGE INDEX=\"1\"><WINDOWS><ARCH>9</ARCH>\
        <INSTALLATIONTYPE>WindowsPE</INSTALLATIONTYPE></WINDOWS><NAME>Microsoft Windows PE (x64)</NAME></IMAGE>\
        <IMAGE INDEX=\"2\"><WINDOWS><ARCH>9</ARCH><VERSION><MAJOR>10</MAJOR><MINOR>0</MINOR><BUILD>26100</BUILD>\
        </VERSION></WINDOWS><NAME>Microsoft Windows Setup &amp; more</NAME></IMAGE></WIM>";

    #[test]
    fn a_description_names_the_image_that_boots() {
        let wim = Wim::read(&wim(XML, 2)).expect("whole").expect("a WIM");
        assert_eq!(wim.images.len(), 2);
        let boots = wim.boot_image().expect("an image");
        assert_eq!(boots.name, "Microsoft Windows Setup & more");
        assert_eq!((boots.cpu, boots.version.as_str()), (Some(Cpu::X64), "10.0.26100"));
        assert_eq!(wim.images[0].installation, "WindowsPE");
    }

    #[test]
    fn lies_are_errors() {
        assert_eq!(Wim::read(&b"PK".to_vec()).expect("no WIM"), None);
        let whole = wim(XML, 1);
        let truncated = |bytes: &[u8]| {
            let error = Wim::read(&bytes.to_vec()).expect_err("cut");
            assert!(matches!(error.kind, ImageErrorKind::Truncated), "{error}");
        };
        truncated(&whole[..100]);
        truncated(&whole[..whole.len() - 1]);
        let mut huge = whole.clone();
        huge[77] = 0xff;
        let error = Wim::read(&huge).expect_err("huge");
        assert!(matches!(error.kind, ImageErrorKind::TooMuch { .. }), "{error}");
        let mut far = whole;
        far[80..88].copy_from_slice(&u64::MAX.to_le_bytes());
        assert!(Wim::read(&far).is_err());
    }
}
