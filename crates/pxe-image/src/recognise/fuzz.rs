//! Bodies of the fuzz targets of recognition. Each takes any bytes and asserts properties.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::missing_panics_doc,
    reason = "these are tests"
)]

use crate::initrd::{Capability, probe};
use crate::limits::{
    ENTRIES_MAX, INITRD_NAMES_MAX, RULES_MAX, SIGNATURE_NAMES_MAX, WIM_IMAGES_MAX,
};
use crate::recognise::{ImageFacts, Overrides, Rules, recognise, recognise_file};
use crate::{EfiProgram, Extent, ImageError, Item, Node, Tree, Wim};

/// Any initrd is looked through, and says the same twice.
pub fn initrd(data: &[u8]) {
    let found = probe(data);
    assert_eq!(found, probe(data));
    assert!(found.names() <= INITRD_NAMES_MAX + 1);
    for capability in Capability::ALL {
        assert!(!(found.has(capability) && found.lacks(capability)));
    }
}

/// Any WIM file.
pub fn wim(data: &[u8]) {
    let data = data.to_vec();
    if let Ok(Some(wim)) = Wim::read(&data) {
        assert!(data.starts_with(b"MSWIM") && wim.images.len() <= WIM_IMAGES_MAX);
        assert!(wim.images.iter().all(|image| !image.name.chars().any(char::is_control)));
    }
}

/// Any EFI program, and any file that is no tree.
pub fn pe(data: &[u8]) {
    let data = data.to_vec();
    if let Some(program) = EfiProgram::read(&data).expect("memory") {
        assert!(data.starts_with(b"MZ") && program.names.len() <= SIGNATURE_NAMES_MAX);
    }
    let found = recognise_file("file", &data, &Rules::default()).expect("memory");
    assert!(!found.entries.is_empty() || !found.warnings.is_empty());
}

/// Any text of rules: faults with lines that exist, or rules that end on any tree. What comes behind a NUL is the tree.
pub fn rules(data: &[u8]) {
    let end = data.iter().position(|&byte| byte == 0).unwrap_or(data.len());
    let text = String::from_utf8_lossy(&data[..end]);
    let rules = match Rules::parse(&text) {
        Ok(rules) => rules,
        Err(faults) => {
            assert!(!faults.as_slice().is_empty());
            let lines = text.lines().count().max(1) + 1;
            assert!(faults.iter().all(|fault| (1..=lines).contains(&fault.line)));
            Rules::default()
        }
    };
    assert!(rules.ids().count() <= RULES_MAX);
    let mut rules = rules.before(&Rules::built_in());
    if let Ok(overrides) = Overrides::parse(&text) {
        rules = rules.overridden(overrides);
    }
    let tree = Any(data.get(end + 1..).unwrap_or_default());
    let facts = ImageFacts { label: text.chars().take(32).collect(), ..ImageFacts::default() };
    let found = recognise(&tree, &facts, &rules);
    assert!(found.entries.len() <= ENTRIES_MAX, "{found}");
}

/// A tree whose every answer comes from a few bytes.
struct Any<'d>(&'d [u8]);

impl Any<'_> {
    fn bit(&self, path: &str) -> u8 {
        let sum = path.bytes().fold(7_usize, |sum, byte| sum * 31 % 65_521 + usize::from(byte));
        self.0.get(sum % self.0.len().max(1)).copied().unwrap_or(0)
    }

    fn node(&self, path: &str) -> Node {
        match self.bit(path) & 3 {
            1 => Node::file(self.0.len() as u64),
            2 => Node::link(".."),
            _ => Node::folder(),
        }
    }
}

impl Tree for Any<'_> {
    fn look(&self, path: &str) -> Result<Option<Node>, ImageError> {
        Ok((self.bit(path) & 3 != 0).then(|| self.node(path)))
    }

    fn list(&self, path: &str) -> Result<Vec<Item>, ImageError> {
        let names = ["boot", "live", "x", "vmlinuz", ".treeinfo", "a b"].into_iter();
        let item =
            |name: &str| Item { name: name.to_owned(), node: self.node(&format!("{path}/{name}")) };
        Ok(names.map(item).collect())
    }

    fn extents(&self, _: &str) -> Result<Option<Vec<Extent>>, ImageError> {
        Ok(None)
    }

    fn read(&self, _: &str, offset: u64, buffer: &mut [u8]) -> Result<usize, ImageError> {
        let rest = usize::try_from(offset).ok().and_then(|at| self.0.get(at..)).unwrap_or_default();
        let count = rest.len().min(buffer.len());
        buffer[..count].copy_from_slice(&rest[..count]);
        Ok(count)
    }

    fn label(&self) -> &str {
        ""
    }
}
