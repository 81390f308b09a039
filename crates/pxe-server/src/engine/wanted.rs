//! From the decision about a requested name to the names that are tried for it, in order.

use std::sync::Arc;

use pxe_select::{Action, Decision, Generated, Reason, Reasons, names};

use super::content::ContentError;
use super::event::printable;
use super::orders::LastPiece;
use super::recipient::Recipient;

/// Where to look for what a client asked for.
#[derive(Debug)]
pub struct Wanted {
    /// The name as it came, for the story.
    pub asked: String,
    /// With it an order for this boot is spent.
    pub last_piece: Option<LastPiece>,
    /// For whom a text is made.
    pub recipient: Recipient,
    tries: Vec<Try>,
    reasons: Reasons,
}

/// One name beneath the root.
#[derive(Debug, Default)]
pub struct Try {
    /// The name: relative and cleaned.
    pub name: Vec<u8>,
    /// What to make up when no such file is there.
    pub generated: Option<Generated>,
    /// The text is made even if there is such a file.
    pub goes_first: bool,
    /// A text that was made up already: nothing is looked for.
    pub text: Option<Arc<[u8]>>,
    /// It is in the client's own folder.
    in_folder: bool,
    /// It lacks what firmware put behind it.
    is_trimmed: bool,
}

impl Wanted {
    /// `None` unless the decision is a file: the client's own folder goes before the root, the name as it came before
    /// the one without garbage (docs/quirks.md), then what stands in for it, and a generated text comes last.
    pub(crate) fn new(
        asked: String,
        decision: &Decision<'_>,
        recipient: Recipient,
    ) -> Option<Self> {
        let (name, trimmed, instead, generated) = match &decision.action {
            Action::File { name, trimmed, instead, generated } => {
                (&**name, *trimmed, instead.as_deref(), generated)
            }
            Action::Script { name, generated } => (name.as_bytes(), None, None, generated),
            _ => return None,
        };
        let mut tries = Vec::with_capacity(6);
        let trimmed = trimmed.and_then(|length| name.get(..length));
        for (name, is_trimmed) in [(Some(name), false), (trimmed, true), (instead, false)] {
            let Some(name) = name else { continue };
            if let Some(folder) = &decision.folder {
                let name = [folder.as_bytes(), b"/", name].concat();
                tries.push(Try { name, in_folder: true, is_trimmed, ..Try::default() });
            }
            let name = name.to_vec();
            tries.push(Try { name, is_trimmed, ..Try::default() });
        }
        if let Some(last) = tries.last_mut() {
            last.generated = *generated;
            // What is in the root is for everybody; what the host entry says is for this machine.
            last.goes_first = generated.is_some() && decision.target.is_some();
        }
        Some(Self { asked, recipient, last_piece: None, tries, reasons: decision.reasons })
    }

    /// A machine's own script, which is no file.
    pub(super) fn text(
        asked: String,
        decision: &Decision<'_>,
        mac: [u8; 6],
        text: Arc<[u8]>,
    ) -> Self {
        let name = names::machine_script_name(mac).into_bytes();
        let tries = vec![Try { name, text: Some(text), ..Try::default() }];
        let recipient = Recipient::default();
        Self { asked, recipient, last_piece: None, tries, reasons: decision.reasons }
    }

    /// Why these names.
    pub fn reasons(&self) -> &Reasons {
        &self.reasons
    }

    /// The names in their order; the first that is there is the answer.
    pub fn tries(&self) -> &[Try] {
        &self.tries
    }

    /// Opens them in their order until one is there, and says which; else why not.
    pub fn open<T>(
        &self,
        mut open: impl FnMut(&Try) -> Result<T, ContentError>,
    ) -> Result<(T, &Try), ContentError> {
        let mut opened = Err(ContentError::NotFound);
        for tried in &self.tries {
            opened = open(tried).map(|opened| (opened, tried));
            if !matches!(opened, Err(ContentError::NotFound)) {
                break;
            }
        }
        opened
    }

    /// How the name that was found differs from the one that was asked for, and why; empty if it does not.
    pub fn why(&self, found: &Try) -> String {
        let reasons: Vec<String> = self
            .reasons
            .iter()
            .filter(|reason| match reason {
                Reason::NameRemapped { .. } => true,
                Reason::HostNamesTarget { .. } | Reason::NextBoot | Reason::InventoryTarget => {
                    found.goes_first
                }
                Reason::NameTrimmed => found.is_trimmed,
                Reason::HostNamesFolder { .. } | Reason::FolderByMac | Reason::FolderByAddress => {
                    found.in_folder
                }
                _ => false,
            })
            .map(ToString::to_string)
            .collect();
        if reasons.is_empty() {
            return String::new();
        }
        format!("asked as {}: {}", self.asked, reasons.join("; "))
    }

    /// The name that was asked for, and under which others it was looked for.
    pub fn looked_for(&self) -> String {
        let is_rewritten =
            self.reasons.iter().any(|reason| matches!(reason, Reason::NameRemapped { .. }));
        if !is_rewritten && self.tries.len() == 1 {
            return self.asked.clone();
        }
        let names: Vec<String> = self.tries.iter().map(|tried| printable(&tried.name)).collect();
        format!("{} (as {})", self.asked, names.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use pxe_select::{Asked, ClientFacts, Host, Policy, Remap};

    use super::*;

    fn wanted(name: &[u8]) -> Wanted {
        let mut policy = Policy::builder();
        policy
            .host(Host::new("52:54:00:aa:00:01").with_folder("node1"))
            .remap(Remap::prefix("tftpboot/", ""));
        let policy = policy.build().expect("a sound policy");
        let facts = ClientFacts::new(&[0x52, 0x54, 0, 0xaa, 0, 1]);
        let decision = policy.decide(&facts, Asked::Name(name));
        Wanted::new(printable(name), &decision, Recipient::default()).expect("a file")
    }

    #[test]
    fn the_own_folder_goes_before_the_root_and_generated_texts_come_last() {
        let wanted = wanted(b"/tftpboot/grub.cfg\xff");
        let tries: Vec<_> =
            wanted.tries().iter().map(|tried| (&*tried.name, tried.generated)).collect();
        assert_eq!(
            tries,
            [
                (&b"node1/grub.cfg\xff"[..], None),
                (b"grub.cfg\xff", None),
                (b"node1/grub.cfg", None),
                (b"grub.cfg", Some(Generated::GrubConfig)),
            ]
        );
        let why = |index: usize| wanted.why(&wanted.tries()[index]);
        let asked = r"asked as /tftpboot/grub.cfg\xff: ";
        assert!(why(0).starts_with(asked) && why(0).contains("host entry 1"), "{}", why(0));
        assert!(why(1).contains("rewriting rule 1") && !why(1).contains("host"), "{}", why(1));
        assert!(why(3).contains("firmware appends"), "{}", why(3));
    }

    #[test]
    fn a_plain_name_needs_no_words() {
        let policy = Policy::default();
        let decision = policy.decide(&ClientFacts::new(&[]), Asked::Name(b"/a.efi"));
        let plain =
            Wanted::new("/a.efi".to_owned(), &decision, Recipient::default()).expect("a file");
        assert_eq!(
            (plain.why(&plain.tries()[0]), plain.looked_for()),
            ("".into(), "/a.efi".into())
        );
        assert_eq!(wanted(b"a").looked_for(), "a (as node1/a, a)");
    }
}
