//! Every limit, with its unit.

/// Largest number of byte ranges one file may consist of. Worst case 24 bytes each, 1.5 MiB.
pub const FILE_EXTENTS_MAX: usize = 65_536;

/// Largest number of names one folder may list. Worst case 255 bytes of name and 64 of node each, 20 MiB.
pub const FOLDER_ITEMS_MAX: usize = 65_536;

/// Longest path that is looked up, in bytes.
pub const PATH_BYTES_MAX: usize = 4_096;

/// Deepest folder that is looked into, in path components.
pub const PATH_DEPTH_MAX: usize = 64;

/// Largest number of choices that a menu is made from.
pub const MENU_ITEMS_MAX: usize = 2_000;

/// Largest number of choices that are shown in one list; with more, each image gets a list of its own.
pub const MENU_FLAT_ITEMS_MAX: usize = 20;

/// Longest menu, in bytes. iPXE keeps it in memory whole.
pub const MENU_BYTES_MAX: usize = 2 << 20;

/// Longest template, in bytes.
pub const TEMPLATE_BYTES_MAX: usize = 262_144;

/// Steps that a template may take: about 100 for each choice.
pub const TEMPLATE_STEPS_MAX: u64 = 2_000_000;

/// Longest title in a menu, in characters: a screen of 80 columns has room for no more.
pub const TITLE_CHARS_MAX: usize = 70;

/// Longest other text in a menu, in characters.
pub const TEXT_CHARS_MAX: usize = 240;
