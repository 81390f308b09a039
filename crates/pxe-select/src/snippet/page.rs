//! A snippet as it grows: comments in the product's own way, and lines to enter.

use alloc::string::String;
use core::fmt::{self, Write as _};

use super::site::Site;

/// The width of the words that begin a comment.
const LABEL_COLUMNS: usize = 6;

/// What a page begins with.
pub(super) struct Opening {
    /// The product, for a person.
    pub(super) product: &'static str,
    /// Where to enter it, and how it takes effect.
    pub(super) place: &'static [&'static str],
    /// How to see that the DHCP server took it.
    pub(super) check: &'static [&'static str],
    /// Why the product cannot choose by architecture; empty if it can.
    pub(super) cannot: &'static [&'static str],
}

pub(super) struct Page {
    text: String,
    comment: &'static str,
}

impl Page {
    /// Begins a page whose comments begin with `comment`.
    pub(super) fn begin(
        comment: &'static str,
        opening: &Opening,
        site: &Site<'_>,
        per_arch: bool,
    ) -> Self {
        let mut page = Self { text: String::new(), comment };
        let chooses = per_arch && opening.cannot.is_empty();
        let product = opening.product;
        if chooses {
            page.comment(format_args!(
                "pxe-server for {product}: a name for each architecture (DHCP option 93)"
            ));
        } else {
            page.comment(format_args!("pxe-server for {product}: one name for every machine"));
        }
        if per_arch && !chooses {
            page.note("cannot", opening.cannot);
            page.note("", &[
                "Next best, and enough: the one name below, with pxe-server in mode \"observe\". Machines",
                "in another VLAN: let its router relay DHCP to pxe-server too (a second ip helper-address).",
            ]);
        }
        page.note("where", opening.place);
        let (server, bait) = (site.server(), site.bait());
        if chooses {
            page.labelled(
                "does",
                format_args!(
                    "each machine is told to fetch the name for its architecture from {server},"
                ),
            );
            page.labelled(
                "",
                format_args!("and a machine of none of these architectures to fetch {bait}"),
            );
            page.note(
                "needs",
                &["pxe-server there, in any mode; in \"off\" the names alone decide"],
            );
            page.note("HTTP", &["architectures 15 to 20 boot by HTTP: they want a URL and take none of these names"]);
        } else {
            page.labelled(
                "does",
                format_args!("every machine is told to fetch {bait} from {server}"),
            );
            page.note("needs", &[
                "pxe-server there with [dhcp] mode = \"observe\": it hears what each machine is, and",
                "answers that one name with the loader that fits",
            ]);
        }
        page.note(
            "iPXE",
            &["once it runs it asks for the same name and gets its script: it needs no rule here"],
        );
        page.note("check", opening.check);
        page.note(
            "",
            &["then boot a machine: the log of pxe-server says what it asked for and what it got"],
        );
        page
    }

    /// Lines of comment, the first with a word in front of it.
    pub(super) fn note(&mut self, label: &str, lines: &[&str]) {
        for (index, line) in lines.iter().enumerate() {
            self.labelled(if index == 0 { label } else { "" }, format_args!("{line}"));
        }
    }

    /// One line of comment with a word in front of it.
    pub(super) fn labelled(&mut self, label: &str, words: fmt::Arguments<'_>) {
        self.comment(format_args!("{label:LABEL_COLUMNS$} {words}"));
    }

    /// One line of comment.
    pub(super) fn comment(&mut self, words: fmt::Arguments<'_>) {
        let comment = self.comment;
        self.line(format_args!("{comment} {words}"));
    }

    /// One line to enter.
    pub(super) fn line(&mut self, line: fmt::Arguments<'_>) {
        // Writing to a String does not fail.
        let _ = writeln!(self.text, "{line}");
    }

    pub(super) fn blank(&mut self) {
        self.line(format_args!(""));
    }

    /// Why option 60 stays unset, for products whose forms invite to set it.
    pub(super) fn without_option_60(&mut self) {
        self.note("never", &[
            "set option 60 here: a server that answers PXEClient must also answer on port 4011,",
            "and UEFI machines wait for that until they give up",
        ]);
    }

    pub(super) fn into_text(self) -> String {
        self.text
    }
}
