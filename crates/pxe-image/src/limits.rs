//! Every limit, with its unit.

/// Largest number of byte ranges one file may consist of. Worst case 24 bytes each, 1.5 MiB.
pub const FILE_EXTENTS_MAX: usize = 65_536;

/// Largest number of names one folder may list. Worst case 255 bytes of name and 64 of node each, 20 MiB.
pub const FOLDER_ITEMS_MAX: usize = 65_536;

/// Longest path that is looked up, in bytes.
pub const PATH_BYTES_MAX: usize = 4_096;

/// Deepest folder that is looked into, in path components.
pub const PATH_DEPTH_MAX: usize = 64;
