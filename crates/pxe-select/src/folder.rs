//! A folder of the root that is looked into first: a machine's own, by its host entry, its hardware address or its
//! address.

use alloc::{
    borrow::{Cow, ToOwned},
    string::{String, ToString},
};

use crate::{
    error::Fault,
    facts::ClientFacts,
    limits::FOLDER_BYTES_MAX,
    mac::MacText,
    names,
    reason::{Reason, Reasons},
    rule::CheckedHost,
};

/// What the folders of machines without one in their host entry are named by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FolderBy {
    /// The hardware address in lower case with dashes: `52-54-00-aa-00-01`.
    Mac,
    /// The IPv4 address: `192.0.2.50`.
    Address,
}

/// The folder of a client, with the reason.
pub(crate) fn of<'p>(
    host: Option<&'p CheckedHost>,
    by: Option<FolderBy>,
    facts: &ClientFacts<'_>,
    reasons: &mut Reasons,
) -> Option<Cow<'p, str>> {
    if let Some(host) = host
        && let Some(folder) = &host.folder
    {
        reasons.push(Reason::HostNamesFolder { host: host.index });
        return Some(Cow::Borrowed(folder));
    }
    let (folder, reason) = match by? {
        FolderBy::Mac => (dashed(facts.hardware_address)?, Reason::FolderByMac),
        FolderBy::Address => (facts.address?.to_string(), Reason::FolderByAddress),
    };
    reasons.push(reason);
    Some(Cow::Owned(folder))
}

fn dashed(hardware_address: &[u8]) -> Option<String> {
    let text = MacText::new(hardware_address);
    let text = core::str::from_utf8(text.as_bytes()).ok().filter(|text| !text.is_empty())?;
    Some(text.replace(':', "-"))
}

/// A folder in the form it is joined in: relative, with single slashes.
pub(crate) fn check(folder: &str) -> Result<String, Fault> {
    if folder.len() > FOLDER_BYTES_MAX {
        return Err(Fault::FolderTooLong { bytes: folder.len() });
    }
    let name = names::normalise(folder.as_bytes()).map_err(|fault| Fault::BadFolder { fault })?;
    // What is cleaned from the end of a request is no part of a folder's name.
    let cut = folder.ends_with(|last: char| last.is_ascii_control());
    match core::str::from_utf8(&name.bytes) {
        Ok(text) if !cut => Ok(text.to_owned()),
        _ => Err(Fault::BadFolder {
            fault: names::NameFault::ControlByte {
                offset: u16::try_from(folder.len().saturating_sub(1)).unwrap_or(u16::MAX),
            },
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_are_cleaned_and_stay_below_the_root() {
        for (written, folder) in [
            ("node1", "node1"),
            ("/hosts/node1/", "hosts/node1"),
            ("hosts\\node1", "hosts/node1"),
            ("node 1", "node 1"),
        ] {
            assert_eq!(check(written).as_deref(), Ok(folder), "{written}");
        }
        let long = "x".repeat(FOLDER_BYTES_MAX + 1);
        for wrong in ["", "/", ".", "..", "a/../b", "a\nb", "a\n", &long] {
            assert!(check(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn a_host_entry_beats_the_address() {
        let mac = [0x52, 0x54, 0, 0xaa, 0, 1];
        let host = CheckedHost {
            mac,
            index: 3,
            loader: None,
            boot: true,
            folder: Some("node1".to_owned()),
            target: None,
        };
        let mut facts = ClientFacts::new(&mac);
        facts.address = Some([192, 0, 2, 50].into());
        let found = |host, by, facts: &ClientFacts<'_>| {
            let mut reasons = Reasons::new();
            let folder = of(host, by, facts, &mut reasons);
            (folder.map(Cow::into_owned), reasons.last().copied())
        };
        let own = (Some("node1".to_owned()), Some(Reason::HostNamesFolder { host: 3 }));
        assert_eq!(found(Some(&host), Some(FolderBy::Mac), &facts), own);
        assert_eq!(
            found(None, Some(FolderBy::Mac), &facts),
            (Some("52-54-00-aa-00-01".to_owned()), Some(Reason::FolderByMac))
        );
        assert_eq!(
            found(None, Some(FolderBy::Address), &facts),
            (Some("192.0.2.50".to_owned()), Some(Reason::FolderByAddress))
        );
        let nobody = ClientFacts::new(&[]);
        for by in [None, Some(FolderBy::Mac), Some(FolderBy::Address)] {
            assert_eq!(found(None, by, &nobody), (None, None));
        }
    }
}
