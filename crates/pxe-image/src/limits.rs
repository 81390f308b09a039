//! Every limit, with its unit.

/// Largest number of byte ranges one file may consist of. Worst case 24 bytes each, 1.5 MiB.
pub const FILE_EXTENTS_MAX: usize = 65_536;

/// Largest number of names one folder may list. Worst case 255 bytes of name and 64 of node each, 20 MiB.
pub const FOLDER_ITEMS_MAX: usize = 65_536;

/// Longest path that is looked up, in bytes.
pub const PATH_BYTES_MAX: usize = 4_096;

/// Deepest folder that is looked into, in path components.
pub const PATH_DEPTH_MAX: usize = 64;

/// Longest folder that is read, in bytes.
pub const FOLDER_BYTES_MAX: usize = 33_554_432;

/// Longest name in Rock Ridge, in bytes.
pub const NAME_BYTES_MAX: usize = 1_024;

/// Largest number of symbolic links that are followed for one path.
pub const LINKS_MAX: usize = 16;

/// Largest number of descriptors at the start of an image, in sectors of 2,048 bytes. Worst case 128 KiB while it is opened.
pub const DESCRIPTORS_MAX: usize = 64;

/// Largest number of areas that continue one record of a folder (SUSP).
pub const SUSP_AREAS_MAX: usize = 16;

/// Longest such area, in bytes.
pub const SUSP_AREA_BYTES_MAX: usize = 4_096;

/// Most bytes that are read of such areas for one folder.
pub const SUSP_BYTES_MAX: usize = 33_554_432;

/// Largest number of boot images in a catalogue (El Torito). Worst case 32 bytes each.
pub const BOOT_IMAGES_MAX: usize = 64;
/// Bytes of an EFI program's signature that are read.
pub const SIGNATURE_BYTES_MAX: usize = 65_536;

/// Names taken from one signature. Worst case 127 bytes each.
pub const SIGNATURE_NAMES_MAX: usize = 16;

/// Largest description of a WIM file, in bytes; unpacked three times that at worst.
pub const WIM_XML_BYTES_MAX: usize = 1 << 20;

/// Images of one WIM file that are listed, about 500 bytes each at worst.
pub const WIM_IMAGES_MAX: usize = 256;

/// Bytes of an initrd that are looked through, unpacked. Bounds the time a probe takes: some seconds.
pub const INITRD_UNPACKED_BYTES_MAX: u64 = 1 << 30;

/// Largest window of an unpacker, in bytes: what `xz -9` and `zstd --ultra -22` need. Taken during a probe only.
pub const INITRD_WINDOW_BYTES_MAX: usize = 128 << 20;

/// Parts of one initrd.
pub const INITRD_SEGMENTS_MAX: usize = 256;

/// Files of one initrd. Their names are looked at and not kept.
pub const INITRD_NAMES_MAX: usize = 1 << 20;

/// Longest name inside an initrd, in bytes (Linux: `PATH_MAX`).
pub const INITRD_NAME_BYTES_MAX: usize = 4_096;

/// Bytes of a script inside an initrd whose text is read.
pub const INITRD_SCRIPT_BYTES_MAX: usize = 262_144;
