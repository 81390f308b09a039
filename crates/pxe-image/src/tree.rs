//! The files of an image, whatever its format.

use std::io;

use crate::error::ImageError;
use crate::source::ReadAt;

/// A stretch of one file: a place and a length, and never more than that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extent {
    /// Where it lies in the image, in bytes; `None` for a stretch of zeros that is stored nowhere (UDF).
    pub offset: Option<u64>,
    /// Its length, in bytes.
    pub len: u64,
}

/// What a path stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Node {
    /// File, folder, or link.
    pub kind: NodeKind,
    /// Size of a file, in bytes; 0 for others.
    pub size: u64,
}

impl Node {
    /// A file of `size` bytes.
    #[must_use]
    pub const fn file(size: u64) -> Self {
        Self { kind: NodeKind::File, size }
    }

    /// A folder.
    #[must_use]
    pub const fn folder() -> Self {
        Self { kind: NodeKind::Folder, size: 0 }
    }

    /// A symbolic link to `path`.
    #[must_use]
    pub fn link(path: impl Into<String>) -> Self {
        Self { kind: NodeKind::Link(path.into()), size: 0 }
    }
}

/// Kinds of nodes.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NodeKind {
    /// A file.
    File,
    /// A folder.
    Folder,
    /// A symbolic link, with the path it holds. Only listings show one: looking up a path follows it.
    Link(String),
}

/// A name in a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Item {
    /// The name, without a version (`;1`).
    pub name: String,
    /// What it stands for.
    pub node: Node,
}

impl Item {
    /// This name for this node.
    #[must_use]
    pub fn new(name: impl Into<String>, node: Node) -> Self {
        Self { name: name.into(), node }
    }
}

/// Files by path. Paths have `/` between their parts and may begin with one; `..` goes nowhere.
///
/// A path in another spelling is found if nothing has exactly that name: recipes say `sources/boot.wim` and ISO 9660
/// without extensions `SOURCES/BOOT.WIM`.
pub trait Tree {
    /// What `path` stands for, `None` if nothing. Links are followed.
    ///
    /// # Errors
    /// The image is broken there, or cannot be read.
    fn look(&self, path: &str) -> Result<Option<Node>, ImageError>;

    /// What is in a folder, in the image's order; empty if `path` is no folder.
    ///
    /// # Errors
    /// The image is broken there, or cannot be read.
    fn list(&self, path: &str) -> Result<Vec<Item>, ImageError>;

    /// Where the bytes of a file lie, in their order; `None` if `path` is no file. The lengths add up to its size, and
    /// none reaches behind the end of the image.
    ///
    /// # Errors
    /// The image is broken there, or cannot be read.
    fn extents(&self, path: &str) -> Result<Option<Vec<Extent>>, ImageError>;

    /// Reads from a file at `offset`; fewer bytes than asked for only at its end, 0 if `path` is no file.
    ///
    /// # Errors
    /// The image is broken there, or cannot be read.
    fn read(&self, path: &str, offset: u64, buffer: &mut [u8]) -> Result<usize, ImageError>;

    /// A file as bytes by themselves; `None` if `path` is no file. For more than a few reads: an [`Image`](crate::Image) looks
    /// the path up once.
    ///
    /// # Errors
    /// The image is broken there, or cannot be read.
    fn file<'t>(&'t self, path: &str) -> Result<Option<Box<dyn ReadAt + 't>>, ImageError> {
        let file = self.look(path)?.filter(|node| node.kind == NodeKind::File);
        Ok(file.map(|node| -> Box<dyn ReadAt + 't> {
            Box::new(ByPath { tree: self, path: path.to_owned(), size: node.size })
        }))
    }

    /// The volume's label; empty if it has none.
    fn label(&self) -> &str;
}

/// A file that is looked up for each read.
struct ByPath<'t, T: ?Sized> {
    tree: &'t T,
    path: String,
    size: u64,
}

impl<T: Tree + ?Sized> ReadAt for ByPath<'_, T> {
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        self.tree.read(&self.path, offset, buffer).map_err(io::Error::other)
    }

    fn size(&self) -> u64 {
        self.size
    }
}
