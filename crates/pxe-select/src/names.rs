//! Names as clients request them: cleaned, refused where they could leave the root, recognised where we generate
//! what they ask for.

mod generated;

use alloc::{borrow::Cow, vec::Vec};

use thiserror::Error;

use crate::limits::{NAME_BYTES_MAX, NAME_COMPONENT_BYTES_MAX, NAME_COMPONENTS_MAX};
pub(crate) use generated::pxelinux_mac;
pub use generated::{
    GRUB_MENU_NAME, Generated, IPXE_MENU_NAME, MACHINE_SCRIPT_NAME, generated, machine_script_name,
};

/// A requested name, relative to the root and safe to join to it: components between single slashes, none of them
/// empty, `.` or `..`, no control bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Name<'a> {
    /// The name. Borrowed when the request was already clean.
    pub bytes: Cow<'a, [u8]>,
    /// How many bytes of the name are left when trailing garbage (0xFF, blanks) is cut off: some firmware appends
    /// bytes behind the file name of option 67. To be tried when the whole name does not exist. `None` when there
    /// is nothing to cut.
    pub trimmed: Option<usize>,
    /// Whether the name differs from what was requested.
    pub cleaned: bool,
}

impl Name<'_> {
    /// The same without borrowing.
    pub(crate) fn into_owned(self) -> Name<'static> {
        let bytes = Cow::Owned(self.bytes.into_owned());
        Name { bytes, trimmed: self.trimmed, cleaned: self.cleaned }
    }

    /// The name without trailing garbage.
    #[must_use]
    pub fn trimmed_bytes(&self) -> &[u8] {
        self.trimmed.and_then(|length| self.bytes.get(..length)).unwrap_or(&self.bytes)
    }
}

/// Why a requested name is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
#[non_exhaustive]
pub enum NameFault {
    /// Nothing is left of it.
    #[error("it names no file")]
    Empty,
    /// A component is `..`.
    #[error("it climbs out of a directory with `..`")]
    ParentDirectory,
    /// A byte below 0x20, or 0x7f, at this offset of the request.
    #[error("byte {offset} is a control character")]
    ControlByte {
        /// Offset in the request as received.
        offset: u16,
    },
    /// More than [`NAME_BYTES_MAX`] bytes.
    #[error("it is longer than {NAME_BYTES_MAX} bytes")]
    TooLong,
    /// A component of more than [`NAME_COMPONENT_BYTES_MAX`] bytes.
    #[error("a part of it is longer than {NAME_COMPONENT_BYTES_MAX} bytes")]
    ComponentTooLong,
    /// More than [`NAME_COMPONENTS_MAX`] components.
    #[error("it has more than {NAME_COMPONENTS_MAX} parts")]
    TooDeep,
}

/// Cleans a requested name.
///
/// In this order: trailing control bytes are cut off, other control bytes refused; `\` becomes `/`; one drive prefix
/// (`C:`) is dropped; leading, doubled and trailing slashes and `.` components are dropped; a `..` *component* is
/// refused (`a..b` is not one). There is no percent-decoding: on the wire of TFTP `%2e` is three characters.
///
/// # Errors
/// [`NameFault`], with the first thing found wrong.
pub fn normalise(requested: &[u8]) -> Result<Name<'_>, NameFault> {
    if requested.len() > NAME_BYTES_MAX {
        return Err(NameFault::TooLong);
    }
    let kept = trim_end(requested, is_control);
    if let Some(offset) = kept.iter().position(is_control) {
        return Err(NameFault::ControlByte { offset: u16::try_from(offset).unwrap_or(u16::MAX) });
    }
    let path = match kept {
        [letter, b':', rest @ ..] if letter.is_ascii_alphabetic() => rest,
        all => all,
    };
    let path = trim_start(path, is_separator);
    check_components(path)?;
    let bytes = if is_clean(path) { Cow::Borrowed(path) } else { Cow::Owned(join(path)) };
    let trimmed = trim_end(&bytes, is_garbage);
    // Cutting must not uncover what was refused above: `..\xff` is a file name, `..` is none.
    let last = trimmed.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
    let names_file = !matches!(last, b"" | b"." | b"..");
    let trimmed = trimmed.len();
    Ok(Name {
        trimmed: (trimmed < bytes.len() && names_file).then_some(trimmed),
        cleaned: *bytes != *requested,
        bytes,
    })
}

fn check_components(path: &[u8]) -> Result<(), NameFault> {
    let mut count = 0_usize;
    for component in components(path) {
        if component == b".." {
            return Err(NameFault::ParentDirectory);
        }
        if component.len() > NAME_COMPONENT_BYTES_MAX {
            return Err(NameFault::ComponentTooLong);
        }
        count = count.saturating_add(1);
    }
    match count {
        0 => Err(NameFault::Empty),
        1..=NAME_COMPONENTS_MAX => Ok(()),
        _ => Err(NameFault::TooDeep),
    }
}

/// The components that mean something.
fn components(path: &[u8]) -> impl Iterator<Item = &[u8]> {
    path.split(is_separator).filter(|component| !component.is_empty() && *component != b".")
}

fn is_clean(path: &[u8]) -> bool {
    !path.contains(&b'\\')
        && path
            .split(|byte| *byte == b'/')
            .all(|component| !component.is_empty() && component != b".")
}

fn join(path: &[u8]) -> Vec<u8> {
    let mut joined = Vec::with_capacity(path.len());
    for component in components(path) {
        if !joined.is_empty() {
            joined.push(b'/');
        }
        joined.extend_from_slice(component);
    }
    joined
}

fn is_separator(byte: &u8) -> bool {
    matches!(byte, b'/' | b'\\')
}

fn trim_start(mut bytes: &[u8], unwanted: impl Fn(&u8) -> bool) -> &[u8] {
    while let [first, tail @ ..] = bytes {
        if !unwanted(first) {
            break;
        }
        bytes = tail;
    }
    bytes
}

fn trim_end(mut bytes: &[u8], unwanted: impl Fn(&u8) -> bool) -> &[u8] {
    while let [head @ .., last] = bytes {
        if !unwanted(last) {
            break;
        }
        bytes = head;
    }
    bytes
}

fn is_control(byte: &u8) -> bool {
    byte.is_ascii_control()
}

/// Seen behind names when firmware reads past the end of option 67 (netboot.xyz knowledge base: Lenovo T460, old
/// Intel ROMs).
fn is_garbage(byte: &u8) -> bool {
    matches!(byte, 0xff | b' ')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clean(requested: &[u8]) -> Result<Vec<u8>, NameFault> {
        normalise(requested).map(|name| name.bytes.into_owned())
    }

    #[test]
    fn spellings_of_one_name() {
        for requested in [
            &b"boot/ipxe.efi"[..],
            b"/boot/ipxe.efi",
            b"//boot//ipxe.efi",
            b"\\boot\\ipxe.efi",
            b"\\\\boot\\\\ipxe.efi",
            b"boot\\ipxe.efi",
            b"C:\\boot\\ipxe.efi",
            b"c:/boot/ipxe.efi",
            b"c:boot/ipxe.efi",
            b"./boot/./ipxe.efi",
            b"boot/ipxe.efi/",
            b"boot/ipxe.efi\0",
            b"boot/ipxe.efi\r\n",
        ] {
            assert_eq!(clean(requested).unwrap(), b"boot/ipxe.efi", "{requested:?}");
        }
    }

    #[test]
    fn escapes_are_refused() {
        for requested in [
            &b".."[..],
            b"../etc/passwd",
            b"/../etc/passwd",
            b"..\\..\\etc\\passwd",
            b"a/../../etc/passwd",
            b"a\\..\\b",
            b"a/b/..",
            b"C:\\..\\x",
            b"C:..",
            b"./../x",
            b"//..//x",
            b"a/..\0",
        ] {
            assert_eq!(clean(requested), Err(NameFault::ParentDirectory), "{requested:?}");
        }
        for harmless in [&b"a..b"[..], b"...", b"..a", b"a..", b"%2e%2e/x", b".hidden"] {
            assert_eq!(clean(harmless).unwrap(), harmless);
        }
    }

    #[test]
    fn control_bytes_and_limits() {
        assert_eq!(clean(b"a\nb"), Err(NameFault::ControlByte { offset: 1 }));
        assert_eq!(clean(b"a\x7fb"), Err(NameFault::ControlByte { offset: 1 }));
        for empty in [&b""[..], b"/", b"\\", b"C:", b"C:/", b".", b"./.", b"\0"] {
            assert_eq!(clean(empty), Err(NameFault::Empty), "{empty:?}");
        }
        assert!(clean(&[b'a'; NAME_COMPONENT_BYTES_MAX]).is_ok());
        assert_eq!(clean(&[b'a'; NAME_COMPONENT_BYTES_MAX + 1]), Err(NameFault::ComponentTooLong));
        assert_eq!(clean(&[b'/'; NAME_BYTES_MAX + 1]), Err(NameFault::TooLong));
        assert!(clean(&b"a/".repeat(NAME_COMPONENTS_MAX)).is_ok());
        assert_eq!(clean(&b"a/".repeat(NAME_COMPONENTS_MAX + 1)), Err(NameFault::TooDeep));
    }

    #[test]
    fn garbage_is_a_second_try() {
        let name = normalise(b"ipxe.efi\xff\xff ").unwrap();
        assert_eq!(&*name.bytes, b"ipxe.efi\xff\xff ");
        assert_eq!(name.trimmed_bytes(), b"ipxe.efi");
        assert!(!name.cleaned);
        for plain in
            [&b"ipxe.efi"[..], b"\xff", b" ", b"dir/\xff", b"a b", b"..\xff", b"a/.. ", b".\xff"]
        {
            let name = normalise(plain).unwrap();
            assert_eq!(name.trimmed, None, "{plain:?}");
            assert_eq!(name.trimmed_bytes(), plain);
        }
    }

    #[test]
    fn a_clean_name_is_borrowed() {
        assert!(matches!(normalise(b"boot/ipxe.efi").unwrap().bytes, Cow::Borrowed(_)));
        assert!(matches!(normalise(b"C:ipxe.efi").unwrap().bytes, Cow::Borrowed(b"ipxe.efi")));
        assert!(matches!(normalise(b"boot\\ipxe.efi").unwrap().bytes, Cow::Owned(_)));
        assert!(matches!(normalise(b"/ipxe.efi").unwrap().bytes, Cow::Borrowed(b"ipxe.efi")));
    }
}
