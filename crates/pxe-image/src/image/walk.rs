//! From a path to what it stands for, whatever the format.

use core::ops::ControlFlow;

use crate::error::{ImageError, ImageErrorKind};
use crate::image::disc::{Disc, broken, fault};
use crate::limits::{FOLDER_ITEMS_MAX, LINKS_MAX, PATH_BYTES_MAX, PATH_DEPTH_MAX};
use crate::tree::{Extent, Item, Node, NodeKind};

/// What a format can tell of its folders and files.
pub(crate) trait Format {
    /// A name's meaning, as cheap as a folder alone can tell it.
    type Entry: Clone;
    /// Enough to read a folder. Two are equal if they are the same folder.
    type Folder: Clone + PartialEq;

    fn root(&self) -> Self::Folder;

    /// Shows every name of a folder, in the image's order, until told to stop.
    fn scan(
        &self,
        disc: Disc<'_>,
        folder: &Self::Folder,
        visit: &mut dyn FnMut(&str, Self::Entry) -> ControlFlow<()>,
    ) -> Result<(), ImageError>;

    /// What an entry is; `None` if nothing that can be read (a device, a socket).
    fn node(&self, disc: Disc<'_>, entry: &Self::Entry) -> Result<Option<Node>, ImageError>;

    /// The folder that an entry is, for entries that are one.
    fn folder(&self, disc: Disc<'_>, entry: &Self::Entry) -> Result<Self::Folder, ImageError>;

    /// Where the bytes of an entry that is a file lie. They are as long as the file, and within the image.
    fn extents(&self, disc: Disc<'_>, entry: &Self::Entry) -> Result<Vec<Extent>, ImageError>;
}

/// What a path led to.
enum Found<F: Format> {
    Folder(F::Folder),
    File(F::Entry, Node),
}

pub(crate) fn look<F: Format>(
    format: &F,
    disc: Disc<'_>,
    path: &str,
) -> Result<Option<Node>, ImageError> {
    Ok(find(format, disc, path)?.map(|found| match found {
        Found::Folder(_) => Node::folder(),
        Found::File(_, node) => node,
    }))
}

pub(crate) fn extents<F: Format>(
    format: &F,
    disc: Disc<'_>,
    path: &str,
) -> Result<Option<Vec<Extent>>, ImageError> {
    match find(format, disc, path)? {
        Some(Found::File(entry, _)) => format.extents(disc, &entry).map(Some),
        _ => Ok(None),
    }
}

pub(crate) fn list<F: Format>(
    format: &F,
    disc: Disc<'_>,
    path: &str,
) -> Result<Vec<Item>, ImageError> {
    let Some(Found::Folder(folder)) = find(format, disc, path)? else { return Ok(Vec::new()) };
    let mut entries = Vec::new();
    let mut full = false;
    format.scan(disc, &folder, &mut |name, entry| {
        if !is_name(name) {
            return ControlFlow::Continue(());
        }
        if entries.len() >= FOLDER_ITEMS_MAX {
            full = true;
            return ControlFlow::Break(());
        }
        entries.push((name.to_owned(), entry));
        ControlFlow::Continue(())
    })?;
    if full {
        let what = "names in one folder";
        return Err(fault(0, ImageErrorKind::TooMuch { what, max: FOLDER_ITEMS_MAX }));
    }
    let mut items = Vec::with_capacity(entries.len());
    for (name, entry) in entries {
        if let Some(node) = format.node(disc, &entry)? {
            items.push(Item { name, node });
        }
    }
    Ok(items)
}

/// Whether a name can be part of a path at all. Images are hostile: others are not shown to anybody.
fn is_name(name: &str) -> bool {
    !matches!(name, "" | "." | "..") && !name.contains(['/', '\0'])
}

/// Whether two names differ in case alone.
fn is_other_spelling(name: &str, wanted: &str) -> bool {
    let folded = |text: &str| text.chars().flat_map(char::to_lowercase).collect::<String>();
    name.eq_ignore_ascii_case(wanted)
        || (!(name.is_ascii() && wanted.is_ascii()) && folded(name) == folded(wanted))
}

/// The entry with exactly that name, or else the first in another spelling.
fn find_in<F: Format>(
    format: &F,
    disc: Disc<'_>,
    folder: &F::Folder,
    wanted: &str,
) -> Result<Option<F::Entry>, ImageError> {
    let mut exact = None;
    let mut other = None;
    format.scan(disc, folder, &mut |name, entry| {
        if name == wanted {
            exact = Some(entry);
            return ControlFlow::Break(());
        }
        if other.is_none() && is_other_spelling(name, wanted) {
            other = Some(entry);
        }
        ControlFlow::Continue(())
    })?;
    Ok(exact.or(other))
}

/// The parts of a path that are still to go, last first.
struct Route {
    parts: Vec<String>,
}

impl Route {
    /// Puts the parts of a path before what is still to go. False if the route gets too long.
    fn prepend(&mut self, path: &str) -> bool {
        let parts = path.split('/').filter(|part| !matches!(*part, "" | ".")).rev();
        self.parts.extend(parts.map(str::to_owned));
        self.parts.len() <= PATH_DEPTH_MAX
    }
}

fn find<F: Format>(format: &F, disc: Disc<'_>, path: &str) -> Result<Option<Found<F>>, ImageError> {
    let mut route = Route { parts: Vec::new() };
    // Who asks has no business above the root; links may say `..`.
    if path.len() > PATH_BYTES_MAX
        || path.contains('\0')
        || path.split('/').any(|part| part == "..")
        || !route.prepend(path)
    {
        return Ok(None);
    }
    // From the root to where the walk is.
    let mut folders = vec![format.root()];
    let mut links = 0_usize;
    while let Some(part) = route.parts.pop() {
        if part == ".." {
            // Above the root is the root, as on a disk.
            if folders.len() > 1 {
                folders.pop();
            }
            continue;
        }
        let Some(here) = folders.last() else { return Ok(None) };
        let Some(entry) = find_in(format, disc, here, &part)? else { return Ok(None) };
        let Some(node) = format.node(disc, &entry)? else { return Ok(None) };
        match node.kind {
            NodeKind::Folder => {
                let folder = format.folder(disc, &entry)?;
                if folders.contains(&folder) {
                    return Err(broken(0, "a folder lies inside itself"));
                }
                if folders.len() > PATH_DEPTH_MAX {
                    return Ok(None);
                }
                folders.push(folder);
            }
            NodeKind::File if route.parts.is_empty() => {
                return Ok(Some(Found::File(entry, node)));
            }
            NodeKind::File => return Ok(None),
            NodeKind::Link(target) => {
                links = links.saturating_add(1);
                if links > LINKS_MAX || target.len() > PATH_BYTES_MAX || target.is_empty() {
                    return Ok(None);
                }
                if target.starts_with('/') {
                    folders.truncate(1);
                }
                if !route.prepend(&target) {
                    return Ok(None);
                }
            }
        }
    }
    Ok(folders.pop().map(Found::Folder))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A tree in memory: folders by number; entries are (folder, name, what).
    struct Toy(&'static [(usize, &'static str, Toys)]);

    #[derive(Clone, Copy)]
    enum Toys {
        Folder(usize),
        File(u64),
        Link(&'static str),
        Device,
    }

    impl Format for Toy {
        type Entry = Toys;
        type Folder = usize;

        fn root(&self) -> usize {
            0
        }

        fn scan(
            &self,
            _: Disc<'_>,
            folder: &usize,
            visit: &mut dyn FnMut(&str, Toys) -> ControlFlow<()>,
        ) -> Result<(), ImageError> {
            for (_, name, what) in self.0.iter().filter(|entry| entry.0 == *folder) {
                if visit(name, *what).is_break() {
                    break;
                }
            }
            Ok(())
        }

        fn node(&self, _: Disc<'_>, entry: &Toys) -> Result<Option<Node>, ImageError> {
            Ok(match entry {
                Toys::Folder(_) => Some(Node::folder()),
                Toys::File(size) => Some(Node::file(*size)),
                Toys::Link(to) => Some(Node::link(*to)),
                Toys::Device => None,
            })
        }

        fn folder(&self, _: Disc<'_>, entry: &Toys) -> Result<usize, ImageError> {
            match entry {
                Toys::Folder(number) => Ok(*number),
                _ => Err(broken(0, "no folder")),
            }
        }

        fn extents(&self, _: Disc<'_>, entry: &Toys) -> Result<Vec<Extent>, ImageError> {
            match entry {
                Toys::File(size) => Ok(vec![Extent { offset: None, len: *size }]),
                _ => Ok(Vec::new()),
            }
        }
    }

    const TOY: Toy = Toy(&[
        (0, "SOURCES", Toys::Folder(1)),
        (0, "pool", Toys::Folder(2)),
        (0, "Grün", Toys::File(3)),
        (0, "here", Toys::Link("pool/here")),
        (0, "round", Toys::Link("round")),
        (0, "null", Toys::Device),
        (0, "..", Toys::File(66)),
        (0, "a/b", Toys::File(66)),
        (1, "boot.wim", Toys::File(1)),
        (1, "BOOT.WIM", Toys::File(2)),
        (1, "self", Toys::Folder(1)),
        (1, "up", Toys::Link("../../../pool/./file")),
        (1, "abs", Toys::Link("/pool")),
        (2, "here", Toys::Link(".")),
        (2, "file", Toys::File(7)),
    ]);

    fn size(path: &str) -> Option<u64> {
        let nothing = [0_u8; 0].as_slice();
        look(&TOY, Disc::new(&nothing), path).expect("sound").map(|node| node.size)
    }

    #[test]
    fn spelling_matters_only_where_it_tells_apart() {
        assert_eq!(size("/sources/boot.wim"), Some(1));
        assert_eq!(size("Sources//BOOT.WIM"), Some(2));
        assert_eq!(size("sources/Boot.wim"), Some(1));
        assert_eq!(size("GRÜN"), Some(3));
        assert_eq!(size("sources/boot.wim/x"), None);
        assert_eq!(size("sources/boot"), None);
    }

    #[test]
    fn links_are_followed_and_end() {
        assert_eq!(size("sources/up"), Some(7));
        assert_eq!(size("sources/abs/file"), Some(7));
        assert_eq!(size("here/here/here/file"), Some(7));
        assert_eq!(size("round"), None);
        assert_eq!(size("here"), Some(0));
    }

    #[test]
    fn nobody_gets_above_the_root_or_to_names_that_are_none() {
        for path in ["..", "sources/../pool", "a/b", "null", "pool\0", "sources/.."] {
            assert_eq!(size(path), None, "{path:?}");
        }
        let nothing = [0_u8; 0].as_slice();
        let items = list(&TOY, Disc::new(&nothing), "").expect("sound");
        let names: Vec<_> = items.into_iter().map(|item| item.name).collect();
        assert_eq!(names, ["SOURCES", "pool", "Grün", "here", "round"]);
    }

    #[test]
    fn a_folder_within_itself_is_told() {
        let nothing = [0_u8; 0].as_slice();
        let error = look(&TOY, Disc::new(&nothing), "sources/self").expect_err("a loop");
        assert!(error.to_string().starts_with("a folder lies inside itself"), "{error}");
    }
}
