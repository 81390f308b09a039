//! Every limit of this crate, with its unit in its name.
//!
//! A [`crate::Policy`] and [`crate::Evidence`] are all that grows. A policy at its limits holds [`HOSTS_MAX`] hosts and
//! [`RULES_MAX`] rules; with the longest texts that is about 65 536 × 360 bytes + 4 096 × 900 bytes, under
//! 27 MiB; and [`REMAPS_MAX`] rules that rewrite names, with the largest expressions under 16 MiB. A
//! [`crate::Decision`] has a fixed size and lives on the stack.

/// Bytes a boot file name may have: the `file` field of a DHCP header is 128 bytes and ends with a NUL
/// (RFC 2131 section 2).
pub const FILE_NAME_BYTES_MAX: usize = 127;

/// Bytes a boot URL may have: it travels in option 67, which boot firmware does not join from several parts.
pub const URL_BYTES_MAX: usize = 255;

/// Bytes of a requested name after which it is refused (TFTP puts the whole request in one datagram).
pub const NAME_BYTES_MAX: usize = 1024;

/// Bytes of one component of a requested name: the limit of every common file system.
pub const NAME_COMPONENT_BYTES_MAX: usize = 255;

/// Components (directories and the file) of a requested name.
pub const NAME_COMPONENTS_MAX: usize = 32;

/// Bytes of the name of a machine's folder.
pub const FOLDER_BYTES_MAX: usize = 127;

/// Bytes of a pattern in a rule. A match takes at most this many steps per byte of the matched text.
pub const PATTERN_BYTES_MAX: usize = 128;

/// Rules of one policy. They are tried in order, so this also bounds the work of one decision.
pub const RULES_MAX: usize = 4096;

/// Host entries of one policy. They are found by binary search.
pub const HOSTS_MAX: usize = 65_536;

/// Rules of one policy that rewrite requested names. They are tried in order for each request.
pub const REMAPS_MAX: usize = 64;

/// Times one requested name is rewritten.
pub const REMAP_REWRITES_MAX: usize = 4;

/// Bytes of a text that such a rule looks for, and of the one it puts there.
pub const REMAP_TEXT_BYTES_MAX: usize = 256;

/// Bytes of a compiled regular expression of such a rule; it takes a few times as much to match with.
pub const REMAP_COMPILED_BYTES_MAX: usize = 65_536;

/// Bytes of the name of an image and its entry in a host entry.
pub const IMAGE_NAME_BYTES_MAX: usize = 255;

/// Initial RAM disks that a host entry names.
pub const INITRDS_MAX: usize = 8;

/// Bytes of a kernel's command line in a host entry; x86 kernels take 2047 (`COMMAND_LINE_SIZE`).
pub const CMDLINE_BYTES_MAX: usize = 2_047;

/// Reasons that one decision keeps.
pub const REASONS_MAX: usize = 32;

/// Reasons of the losing kind (rules that did not match) that one decision keeps; the others are counted only,
/// so that the deciding reason always finds room.
pub const LOSERS_MAX: usize = 16;

/// Entries of option 93 that are looked at. 255 bytes of option value hold 127.
pub const ARCHS_MAX: usize = 127;

/// Bytes of a hardware address: the `chaddr` field (RFC 2131 section 2). More is cut off.
pub const HARDWARE_ADDRESS_BYTES_MAX: usize = 16;

/// Patterns for bait names of one policy. Each is compared with each requested name.
pub const BAITS_MAX: usize = 16;

/// Machines that [`crate::Evidence`] remembers; the one unheard for longest makes room. About 650 bytes each, 11 MB
/// in all when full.
pub const MACHINES_MAX: usize = 16_384;

/// Addresses that [`crate::Evidence`] remembers, likewise. About 550 bytes each, 9 MB in all when full.
pub const ADDRESSES_MAX: usize = 16_384;

/// Bytes of one line of exported evidence that is read; longer ones count as broken.
pub const EVIDENCE_LINE_BYTES_MAX: usize = 2_048;

const _: () = assert!(LOSERS_MAX < REASONS_MAX);
const _: () = assert!(FILE_NAME_BYTES_MAX < URL_BYTES_MAX && URL_BYTES_MAX < NAME_BYTES_MAX);
// A rule's index fits the 16 bits it has in a reason.
const _: () = assert!(RULES_MAX <= u16::MAX as usize);
