//! EFI programs: what they run on, and whose certificates their signature carries.
//!
//! Source: Microsoft's "PE Format" (COFF header, optional header, attribute certificate table).

use std::io;

use crate::bytes::{array, u16_le, u32_le};
use crate::cpu::Cpu;
use crate::limits::{SIGNATURE_BYTES_MAX, SIGNATURE_NAMES_MAX};
use crate::source::{ReadAt, read_up_to};

/// What the headers of an EFI program say.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct EfiProgram {
    /// What it runs on; `None` for a machine that has no name here.
    pub cpu: Option<Cpu>,
    /// The machine's number in the COFF header.
    pub machine: u16,
    /// It is an application or a driver for UEFI, not for another system.
    pub efi: bool,
    /// It carries a signature. Whether firmware trusts it is another matter, and nothing here checks it.
    pub signed: bool,
    /// Common names in the signature's certificates: signers and those who vouch for them, in their order.
    pub names: Vec<String>,
}

/// Bytes of the headers that are read: COFF and optional header, with 16 data directories.
const HEADER_BYTES: usize = 24 + 240;
/// Index of the attribute certificate table among the data directories.
const CERTIFICATES: usize = 4;
/// EFI application, boot driver, runtime driver, ROM.
const EFI_SUBSYSTEMS: core::ops::RangeInclusive<u16> = 10..=13;

impl EfiProgram {
    /// Reads the headers; `None` if it is no program in PE format.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn read(source: &dyn ReadAt) -> io::Result<Option<Self>> {
        let start = read_up_to(source, 0, 64)?;
        if !start.starts_with(b"MZ") {
            return Ok(None);
        }
        let Some(at) = u32_le(&start, 0x3c) else { return Ok(None) };
        let header = read_up_to(source, u64::from(at), HEADER_BYTES)?;
        let Some(fields) = Fields::of(&header) else { return Ok(None) };
        let (signed, names) = match fields.certificates {
            Some((offset, length)) => signature(source, offset, length)?,
            None => (false, Vec::new()),
        };
        let efi = EFI_SUBSYSTEMS.contains(&fields.subsystem);
        Ok(Some(Self { cpu: cpu(fields.machine), machine: fields.machine, efi, signed, names }))
    }
}

/// From the COFF header's `Machine`.
fn cpu(machine: u16) -> Option<Cpu> {
    Some(match machine {
        0x014c => Cpu::X86,
        0x8664 => Cpu::X64,
        0x01c0 | 0x01c2 | 0x01c4 => Cpu::Arm32,
        0xaa64 => Cpu::Arm64,
        0x5064 => Cpu::Riscv64,
        0x6264 => Cpu::Loong64,
        _ => return None,
    })
}

struct Fields {
    machine: u16,
    subsystem: u16,
    /// Offset in the file and length.
    certificates: Option<(u32, u32)>,
}

impl Fields {
    fn of(header: &[u8]) -> Option<Self> {
        if array(header, 0)? != *b"PE\0\0" {
            return None;
        }
        let machine = u16_le(header, 4)?;
        let optional = header.get(24..)?;
        let subsystem = u16_le(optional, 68)?;
        // PE32 has 16 bytes less before its directories than PE32+.
        let (count_at, offset_at, length_at) = match u16_le(optional, 0)? {
            0x010b => (92, 96 + 8 * CERTIFICATES, 100 + 8 * CERTIFICATES),
            0x020b => (108, 112 + 8 * CERTIFICATES, 116 + 8 * CERTIFICATES),
            _ => return None,
        };
        let count = u32_le(optional, count_at)?;
        let certificates = (count as usize > CERTIFICATES)
            .then(|| u32_le(optional, offset_at).zip(u32_le(optional, length_at)))
            .flatten()
            .filter(|&(offset, length)| offset != 0 && length > 8);
        Some(Self { machine, subsystem, certificates })
    }
}

/// Whether there is a PKCS #7 signature, and the names in it.
fn signature(source: &dyn ReadAt, offset: u32, length: u32) -> io::Result<(bool, Vec<String>)> {
    let length = (length as usize).min(SIGNATURE_BYTES_MAX);
    let table = read_up_to(source, u64::from(offset), length)?;
    // WIN_CERTIFICATE: length, revision, type; 2 is PKCS #7.
    let signed = u16_le(&table, 6) == Some(2) && table.get(8) == Some(&0x30);
    Ok((signed, if signed { common_names(&table) } else { Vec::new() }))
}

/// Values of the attribute `commonName` (OID 2.5.4.3) in DER, found by their bytes. Enough to say who signed, and
/// nothing that trust depends on.
fn common_names(der: &[u8]) -> Vec<String> {
    const OID: [u8; 5] = [0x06, 0x03, 0x55, 0x04, 0x03];
    let mut names: Vec<String> = Vec::new();
    for (at, window) in der.windows(OID.len()).enumerate() {
        if window != OID || names.len() >= SIGNATURE_NAMES_MAX {
            continue;
        }
        let value = der.get(at..).and_then(|rest| rest.get(OID.len()..)).unwrap_or_default();
        let Some(&[tag, length]) = value.first_chunk() else { continue };
        // UTF8String, PrintableString, T61String; shorter than 128 bytes.
        let Some(text) = value.get(2..).and_then(|rest| rest.get(..usize::from(length))) else {
            continue;
        };
        if matches!(tag, 0x0c | 0x13 | 0x14)
            && length < 0x80
            && let Ok(name) = core::str::from_utf8(text)
            && !name.chars().any(char::is_control)
            && !names.iter().any(|known| known == name)
        {
            names.push(name.to_owned());
        }
    }
    names
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::pack;

    /// The headers of a program, with a signature that names somebody.
    pub(crate) fn program(machine: u16, signer: Option<&str>) -> Vec<u8> {
        let mut bytes = pack::program(machine);
        bytes[0x58 + 108] = 16;
        if let Some(name) = signer {
            let mut der = vec![0x30, 0x20, 0x06, 0x03, 0x55, 0x04, 0x03, 0x0c, name.len() as u8];
            der.extend_from_slice(name.as_bytes());
            let length = 8 + der.len() as u32;
            bytes[0x58 + 144..0x58 + 148].copy_from_slice(&0x200_u32.to_le_bytes());
            bytes[0x58 + 148..0x58 + 152].copy_from_slice(&length.to_le_bytes());
            bytes.extend(length.to_le_bytes());
            bytes.extend([0x00, 0x02, 0x02, 0x00]);
            bytes.extend(der);
        }
        bytes
    }

    #[test]
    fn headers_name_processor_and_signer() {
        let signed = EfiProgram::read(&program(0xaa64, Some("Somebody's CA"))).expect("memory");
        let signed = signed.expect("a program");
        assert_eq!((signed.cpu, signed.efi, signed.signed), (Some(Cpu::Arm64), true, true));
        assert_eq!(signed.names, ["Somebody's CA"]);
        let plain = EfiProgram::read(&program(0x14c, None)).expect("memory").expect("a program");
        assert_eq!((plain.cpu, plain.signed), (Some(Cpu::X86), false));
    }

    #[test]
    fn what_is_cut_off_is_no_program() {
        let whole = program(0x8664, Some("A"));
        assert_eq!(EfiProgram::read(&whole[..0x90].to_vec()).expect("memory"), None);
        assert_eq!(EfiProgram::read(&b"MZ".to_vec()).expect("memory"), None);
        let cut = EfiProgram::read(&whole[..0x202].to_vec()).expect("memory").expect("headers");
        assert!(!cut.signed, "a signature behind the end");
    }
}
