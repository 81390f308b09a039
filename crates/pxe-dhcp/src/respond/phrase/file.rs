//! Where the name of the boot file stands.

use crate::respond::limits::{BOOT_FILE_BYTES_MAX, HEADER_FILE_BYTES_MAX};
use crate::{EncodeError, Message, MessageKind, OptionCode};

/// Whether option 67 repeats a name that has its place in the header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::respond) enum FileOption {
    /// No: firmware reads the header, and option 67 has more than one trap.
    IfLong,
    /// Yes, with a NUL behind it: UEFI HTTP Boot looks there first, and EDK2 writes a NUL behind a
    /// value that does not end in one, over the next option's code.
    Terminated,
    /// Yes, without NUL: clients that are no firmware take it for part of the name.
    Plain,
}

/// Sets the boot file: in the header, where every loader looks, and in option 67 as `option` says.
/// A name too long for the header goes into option 67 alone, which then is never left out. BOOTP clients read nothing
/// but the header.
///
/// # Errors
/// The name is longer than [`BOOT_FILE_BYTES_MAX`], or than the header's field in an answer to BOOTP, or has a NUL in
/// it.
pub(in crate::respond) fn fill_boot_file(
    message: &mut Message,
    option: FileOption,
    file: &[u8],
) -> Result<(), EncodeError> {
    let fits_header = file.len() <= HEADER_FILE_BYTES_MAX;
    if file.contains(&0) || !fits_header && message.kind() != MessageKind::Dhcp {
        return Err(EncodeError::Name {
            bytes: file.len(),
            field_bytes: HEADER_FILE_BYTES_MAX + 1,
        });
    }
    if file.len() > BOOT_FILE_BYTES_MAX {
        return Err(EncodeError::ValueTooLong {
            code: OptionCode::BOOT_FILE_NAME,
            bytes: file.len(),
        });
    }
    if fits_header {
        message.set_boot_file(file)?;
    }
    let mut terminated = [0_u8; BOOT_FILE_BYTES_MAX + 1];
    terminated[..file.len()].copy_from_slice(file);
    let value = match option {
        FileOption::Plain => &terminated[..file.len()],
        FileOption::IfLong | FileOption::Terminated => &terminated[..=file.len()],
    };
    if !fits_header {
        message.push_mandatory(OptionCode::BOOT_FILE_NAME, value);
    } else if option != FileOption::IfLong && !value.is_empty() {
        message.push(OptionCode::BOOT_FILE_NAME, value);
    }
    Ok(())
}

/// An answer without a name is no answer; EDK2 would go on with nothing, BIOS would say PXE-E53.
pub(in crate::respond) fn require_boot_file(file: &[u8]) -> Result<(), EncodeError> {
    if file.is_empty() {
        return Err(EncodeError::ValueLength { code: OptionCode::BOOT_FILE_NAME, bytes: 0 });
    }
    Ok(())
}
