//! Every limit, with its unit.

/// Largest number of byte ranges one file may consist of. Worst case 24 bytes each, 1.5 MiB.
pub const FILE_EXTENTS_MAX: usize = 65_536;

/// Largest number of names one folder may list. Worst case 255 bytes of name and 64 of node each, 20 MiB.
pub const FOLDER_ITEMS_MAX: usize = 65_536;

/// Longest path that is looked up, in bytes.
pub const PATH_BYTES_MAX: usize = 4_096;

/// Deepest folder that is looked into, in path components.
pub const PATH_DEPTH_MAX: usize = 64;

/// Most bytes of an image that are read to answer one question about it, which bounds the time that takes.
pub const CALL_BYTES_MAX: usize = 268_435_456;

/// Most bytes of an image that ought to be read to recognise it ([`Bounded`](crate::Bounded)), 4 GiB: some initrds of 100 MB,
/// and what finds them. Minutes on a slow disk.
pub const RECOGNISED_BYTES_MAX: u64 = 4 << 30;

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

/// Largest number of boot images in a catalogue (El Torito). Worst case 32 bytes each.
pub const BOOT_IMAGES_MAX: usize = 64;

/// Largest number of partitions of an image that are looked at for a loader. Worst case 8 KiB of table at once.
pub const PARTITIONS_MAX: usize = 16;

/// Largest number of file systems of an image that are looked at for a loader, one at a time.
pub const FILE_SYSTEMS_MAX: usize = 32;

/// Longest folder of a FAT file system that is read, in bytes; three of them for each file system, one at a time.
pub const FAT_FOLDER_BYTES_MAX: usize = 131_072;

/// Largest cluster of a FAT file system, in bytes: what Windows and EDK2 take.
pub const FAT_CLUSTER_BYTES_MAX: usize = 65_536;

/// Bytes of an EFI program's signature that are read.
pub const SIGNATURE_BYTES_MAX: usize = 65_536;

/// Names taken from one signature. Worst case 127 bytes each.
pub const SIGNATURE_NAMES_MAX: usize = 16;

/// Largest description of a WIM file, in bytes; unpacked three times that at worst.
pub const WIM_XML_BYTES_MAX: usize = 1 << 20;

/// Images of one WIM file that are listed, about 500 bytes each at worst.
pub const WIM_IMAGES_MAX: usize = 256;

/// Bytes of an initrd that are looked through, as it is and unpacked. Bounds the time a probe takes: some seconds.
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

/// Largest text of rules, in bytes.
pub const RULE_BYTES_MAX: usize = 262_144;

/// Rules that are tried on one image, built-in ones counted. Worst case some 100 KB each, 50 MB, if a user writes so.
pub const RULES_MAX: usize = 512;

/// Entries of one rule; also its reads, its warnings, and files put into an initrd.
pub const RULE_ENTRIES_MAX: usize = 32;

/// Paths in one list of a rule.
pub const RULE_PATTERNS_MAX: usize = 32;

/// Names in one path of a rule.
pub const PATTERN_PARTS_MAX: usize = 16;

/// Wildcards in one name of a path; trying them takes this power of the name's length.
pub const PATTERN_WILDCARDS_MAX: usize = 2;

/// Largest compiled expression of a rule, in bytes.
pub const REGEX_BYTES_MAX: usize = 262_144;

/// Bytes of a text file inside an image that rules look at.
pub const TEXT_BYTES_MAX: usize = 65_536;

/// Longest value of a variable, in bytes.
pub const VARIABLE_BYTES_MAX: usize = 128;

/// Paths that one pattern stands for at most.
pub const MATCHES_MAX: usize = 64;

/// Names and folders of an image that are looked at for all rules together.
pub const STEPS_MAX: usize = 50_000;

/// Ways to boot of one image.
pub const ENTRIES_MAX: usize = 64;

/// Bytes of a program in which words are looked for.
pub const PROGRAM_BYTES_MAX: usize = 4 << 20;
/// Largest number of descriptors that are read of a UDF volume's sequence, in blocks of at most 32 KiB, one at a time.
pub const VOLUME_SEQUENCE_BLOCKS_MAX: usize = 256;

/// Largest number of partitions of a UDF volume.
pub const UDF_PARTITIONS_MAX: usize = 8;

/// Largest number of blocks that say where one file lies (UDF), one at a time.
pub const ALLOCATION_BLOCKS_MAX: usize = 4_096;

/// Largest number of pieces that the metadata of a UDF 2.50 volume lies in. Worst case 24 bytes each, 24 KiB.
pub const METADATA_EXTENTS_MAX: usize = 1_024;
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
