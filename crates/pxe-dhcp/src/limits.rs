//! Sizes of the format and limits of this crate, each with its unit in the name.
//!
//! The codec keeps no state between calls. A [`MessageView`](crate::MessageView) borrows the datagram and is
//! of fixed size; a [`Message`](crate::Message) owns two buffers, whose worst case is
//! `OPTION_ENTRIES_MAX * 16` bytes for the table plus what its caller pushed.

/// Octets of the fixed header, `op` to `file` (RFC 951 section 3).
pub const HEADER_BYTES: usize = 236;
/// Octets of `chaddr`; a larger `hlen` makes a message undecodable.
pub const HARDWARE_ADDRESS_BYTES_MAX: usize = 16;
/// Octets of the header field `sname`.
pub const SERVER_NAME_BYTES: usize = 64;
/// Octets of the header field `file`.
pub const BOOT_FILE_BYTES: usize = 128;
/// Longest server name the encoder accepts: the field less its terminating NUL.
pub const SERVER_NAME_BYTES_MAX: usize = SERVER_NAME_BYTES - 1;
/// Longest boot file name the encoder accepts: the field less its terminating NUL.
pub const BOOT_FILE_BYTES_MAX: usize = BOOT_FILE_BYTES - 1;
/// Octets of the vendor area of a BOOTP message, magic cookie included (RFC 951 section 3).
pub const BOOTP_VENDOR_BYTES: usize = 64;
/// The magic cookie that opens the options (RFC 1497).
pub const MAGIC_COOKIE: [u8; 4] = [99, 130, 83, 99];

/// Longest value of one option instance: its length is one octet.
pub const OPTION_VALUE_BYTES_MAX: usize = 255;
/// Most options one [`Message`](crate::Message) can hold: one for each code but PAD and END.
pub const OPTION_ENTRIES_MAX: usize = 254;

/// Longest value of a configured option ([`OptionSet`](crate::options::OptionSet)); longer ones would not leave room
/// for anything else. A set has at most one value for each of 254 codes: in the worst case 260 KB.
pub const CONFIGURED_VALUE_BYTES_MAX: usize = 1024;

/// Shortest message the encoder emits. BOOTP messages are at least this long (RFC 1542), and some
/// clients, the Linux kernel's among them, ignore shorter ones.
pub const MESSAGE_BYTES_MIN: usize = 300;
/// Octets of an IPv4 header without options and a UDP header, which option 57 counts and a payload does not.
pub const IP_UDP_HEADER_BYTES: usize = 28;
/// IP datagram every client must accept (RFC 2131 section 2).
pub const DATAGRAM_BYTES_MIN: usize = 576;
/// Payload sent to a client that gave no option 57.
pub const PAYLOAD_BYTES_DEFAULT: usize = DATAGRAM_BYTES_MIN - IP_UDP_HEADER_BYTES;
/// Payload that is never exceeded: one Ethernet frame. Firmware does not reassemble, and EDK2 drops larger
/// messages whatever its own option 57 said.
pub const PAYLOAD_BYTES_MAX: usize = 1472;

/// Longest domain name of option 119 in its wire form (RFC 1035 section 3.1).
pub const DOMAIN_NAME_BYTES_MAX: usize = 255;
/// Compression pointers followed while reading one domain name. Pointers may only go backwards, so this bounds
/// work, not correctness.
pub const DOMAIN_POINTERS_MAX: usize = 16;

const _: () = assert!(HEADER_BYTES + BOOTP_VENDOR_BYTES == MESSAGE_BYTES_MIN);
const _: () = assert!(MESSAGE_BYTES_MIN <= PAYLOAD_BYTES_DEFAULT);
const _: () = assert!(PAYLOAD_BYTES_DEFAULT <= PAYLOAD_BYTES_MAX);
