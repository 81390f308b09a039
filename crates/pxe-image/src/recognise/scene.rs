//! An image as rules look at it: what is broken in it counts as not there, and is remembered.

use core::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::io::BufReader;
use std::rc::Rc;

use super::glob::{Part, Pattern, Variables};
use super::recognition::ImageFacts;
use crate::error::ImageError;
use crate::initrd::{self, Capabilities};
use crate::limits::{MATCHES_MAX, STEPS_MAX, TEXT_BYTES_MAX};
use crate::source::{ReadAt, Sequential, read_up_to};
use crate::tree::{Item, Node, NodeKind, Tree};

/// Listings that are kept while an image is looked at, and how long each may be: 1 MB at worst, some kilobytes usually.
const LISTINGS_KEPT: usize = 32;
const LISTING_KEPT_ITEMS: usize = 100;

pub(super) struct Scene<'a> {
    tree: &'a dyn Tree,
    pub(super) facts: &'a ImageFacts,
    steps: Cell<usize>,
    fault: RefCell<Option<String>>,
    probes: RefCell<HashMap<String, Rc<Capabilities>>>,
    // Rules ask for the same few places again and again.
    looked: RefCell<HashMap<String, Option<Node>>>,
    listed: RefCell<HashMap<String, Rc<Vec<Item>>>>,
}

/// A path that a pattern stands for, and the variables with what it remembers.
pub(super) struct Found {
    pub(super) path: String,
    pub(super) variables: Variables,
}

impl<'a> Scene<'a> {
    pub(super) fn new(tree: &'a dyn Tree, facts: &'a ImageFacts) -> Self {
        let (steps, fault, probes, looked, listed) = Default::default();
        Self { tree, facts, steps, fault, probes, looked, listed }
    }

    /// What was broken, the first of it.
    pub(super) fn fault(&self) -> Option<String> {
        if self.steps.get() >= STEPS_MAX {
            return Some(format!("looking at it was given up after {STEPS_MAX} steps"));
        }
        self.fault.borrow().clone()
    }

    fn step(&self) -> bool {
        let steps = self.steps.get();
        self.steps.set(steps.saturating_add(1));
        steps < STEPS_MAX
    }

    fn or_fault<T>(&self, it: Result<T, ImageError>) -> Option<T> {
        it.map_err(|error| {
            self.fault.borrow_mut().get_or_insert_with(|| error.to_string());
        })
        .ok()
    }

    fn look(&self, path: &str) -> Option<Node> {
        if let Some(known) = self.looked.borrow().get(path) {
            return known.clone();
        }
        if !self.step() {
            return None;
        }
        let node = self.or_fault(self.tree.look(path)).flatten();
        self.looked.borrow_mut().insert(path.to_owned(), node.clone());
        node
    }

    /// What is in a folder, by name.
    fn list(&self, folder: &str) -> Rc<Vec<Item>> {
        if let Some(known) = self.listed.borrow().get(folder) {
            return Rc::clone(known);
        }
        if !self.step() {
            return Rc::default();
        }
        let mut items = self.or_fault(self.tree.list(folder)).unwrap_or_default();
        items.sort_by(|a, b| a.name.cmp(&b.name));
        let items = Rc::new(items);
        let mut listed = self.listed.borrow_mut();
        if items.len() <= LISTING_KEPT_ITEMS && listed.len() < LISTINGS_KEPT {
            listed.insert(folder.to_owned(), Rc::clone(&items));
        }
        items
    }

    /// Size of a file, `None` if there is none.
    pub(super) fn size(&self, path: &str) -> Option<u64> {
        self.look(path).filter(|node| node.kind == NodeKind::File).map(|node| node.size)
    }

    pub(super) fn head(&self, path: &str, bytes: usize) -> Vec<u8> {
        let Some(file) = self.file(path) else { return Vec::new() };
        read_up_to(&*file, 0, bytes).unwrap_or_default()
    }

    pub(super) fn text(&self, path: &str) -> String {
        String::from_utf8_lossy(&self.head(path, TEXT_BYTES_MAX)).into_owned()
    }

    pub(super) fn file(&self, path: &str) -> Option<Box<dyn ReadAt + 'a>> {
        self.size(path)?;
        self.or_fault(self.tree.file(path)).flatten()
    }

    pub(super) fn probe(&self, path: &str) -> Rc<Capabilities> {
        if let Some(known) = self.probes.borrow().get(path) {
            return Rc::clone(known);
        }
        let found = self
            .file(path)
            .map(|file| initrd::probe(BufReader::with_capacity(1 << 16, Sequential::new(&*file))));
        let found = Rc::new(found.unwrap_or_default());
        self.probes.borrow_mut().insert(path.to_owned(), Rc::clone(&found));
        found
    }

    /// What a pattern stands for, names in their order, at most `MATCHES_MAX`.
    pub(super) fn find(&self, pattern: &Pattern, variables: &Variables) -> Vec<Found> {
        let mut found = Vec::new();
        self.find_in(String::new(), &pattern.parts, variables.clone(), &mut found);
        found
    }

    fn find_in(&self, folder: String, parts: &[Part], variables: Variables, into: &mut Vec<Found>) {
        let Some((first, rest)) = parts.split_first() else {
            if self.look(&folder).is_some() {
                into.push(Found { path: folder, variables });
            }
            return;
        };
        let join = |name: &str| match folder.is_empty() {
            true => name.to_owned(),
            false => format!("{folder}/{name}"),
        };
        if let Some(name) = first.only(&variables) {
            self.find_in(join(&name), rest, variables, into);
            return;
        }
        for item in self.list(&folder).iter() {
            // There is nothing in a file.
            if !rest.is_empty() && item.node.kind == NodeKind::File {
                continue;
            }
            if into.len() >= MATCHES_MAX {
                return;
            }
            if let Some(variables) = first.matches(&item.name, &variables) {
                self.find_in(join(&item.name), rest, variables, into);
            }
        }
    }
}
