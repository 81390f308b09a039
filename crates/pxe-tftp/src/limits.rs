//! Every bound of this crate, with its unit in the name.
//!
//! Worst-case memory of a [`Server`](crate::Server) that is full: at most 416 bytes for each of [`TRANSFERS_MAX`]
//! transfers and about 150 for its places in maps, queues and heap (6 MB); one more kilobyte for each transfer in
//! netascii mode; 128 KiB for each upload, of which there are none by default; and [`ERRORS_QUEUED_MAX`] replies of
//! 160 bytes. Files are read again for a retransmission, so a window costs nothing.

use core::time::Duration;

/// Smallest block size that can be negotiated, in bytes (RFC 2348).
pub const BLOCK_SIZE_MIN: u16 = 8;
/// Block size when none is negotiated, in bytes (RFC 1350).
pub const BLOCK_SIZE_DEFAULT: u16 = 512;
/// Largest block size that can be negotiated, in bytes (RFC 2348).
pub const BLOCK_SIZE_MAX: u16 = 65464;
/// Block size that fills an Ethernet frame over IPv4, in bytes: 1500 less 20 (IP), 8 (UDP) and 4 (TFTP).
pub const BLOCK_SIZE_ETHERNET_IPV4: u16 = 1468;
/// Block size that fills an Ethernet frame over IPv6, in bytes: 1500 less 40 (IP), 8 (UDP) and 4 (TFTP).
pub const BLOCK_SIZE_ETHERNET_IPV6: u16 = 1448;

/// Bytes in front of the payload of a DATA packet: opcode and block number.
pub const DATA_HEADER_BYTES: usize = 4;

/// Default of the largest window a server agrees to, in blocks.
pub const WINDOW_SIZE_MAX: u16 = 64;
/// Default of the most data a server has in flight for one transfer, in bytes.
pub const WINDOW_BYTES_MAX: u32 = 1 << 20;
/// Largest window in netascii mode, in blocks: the converter's state is kept for each block in flight.
pub const NETASCII_WINDOW_SIZE_MAX: u16 = 64;

/// Most datagrams that one `poll_transmit` hands out: what every kernel takes in one segmented send.
pub const BURST_SEGMENTS_MAX: usize = 64;
/// Most bytes that one `poll_transmit` hands out: the largest UDP payload over IPv4.
pub const BURST_BYTES_MAX: usize = 65_507;

/// Default of the transfers a server has at once.
pub const TRANSFERS_MAX: usize = 10_000;
/// Default of the transfers one address has at once.
pub const TRANSFERS_PER_ADDRESS_MAX: u16 = 64;
/// Default of the transfers of one address that it has not yet acknowledged anything of.
pub const UNPROVEN_PER_ADDRESS_MAX: u16 = 8;
/// Default of the transfers one network has at once: an IPv4 /24, an IPv6 /64.
pub const TRANSFERS_PER_PREFIX_MAX: u16 = 4096;
/// Default of the transfers of one network that nothing has been acknowledged of: two for each host of a /24. A
/// flood from forged addresses leaves room for others, and ages out with [`OPENING_RESENDS_MAX`].
pub const UNPROVEN_PER_PREFIX_MAX: u16 = 512;
/// Least time between two reports of one transfer's progress.
pub const PROGRESS_INTERVAL_MIN: Duration = Duration::from_secs(5);

/// ERROR packets that wait to be sent; further ones are dropped.
pub const ERRORS_QUEUED_MAX: usize = 1024;
/// Bytes of text in an ERROR packet of ours, and kept of one received.
pub const ERROR_TEXT_BYTES_MAX: usize = 96;
/// ERROR packets a second in answer to datagrams that belong to nobody (wrong transfer id, unreadable request).
pub const STRAY_ERRORS_PER_SECOND_MAX: u32 = 100;

/// Most bytes of one upload that wait to be stored and acknowledged: the largest window of an upload. An upload
/// holds at most this, and as much again in spare room.
pub const UPLOAD_WINDOW_BYTES_MAX: u32 = 1 << 16;
/// Shortest wait behind an upload's last block for a client that missed its acknowledgement (RFC 1350 section 6):
/// tftp-hpa, atftp and U-Boot repeat themselves after 5 s. Clients that negotiate a timeout are waited for twice
/// that long.
pub const UPLOAD_DALLY_MIN: Duration = Duration::from_secs(6);
/// Longest wait behind an upload's last block.
pub const UPLOAD_DALLY_MAX: Duration = Duration::from_secs(12);

/// How often a driver that is still putting an upload's file in place is asked again.
pub const FINISH_INTERVAL: Duration = Duration::from_millis(5);

/// Repetitions of the first packet (OACK or DATA 1) while nothing has been acknowledged. A request whose
/// source address is forged costs its victim at most one packet more than this, each of at most
/// [`BLOCK_SIZE_DEFAULT`] + [`DATA_HEADER_BYTES`] bytes, and the server a transfer for 6.1 s.
pub const OPENING_RESENDS_MAX: u8 = 3;
/// Least wait behind the last of them. In all it is more than the 5 s after which U-Boot, tftp-hpa and atftp repeat an
/// acknowledgement that was lost: they would find nobody, and some of them repeat it for a minute.
pub const OPENING_LAST_WAIT: Duration = Duration::from_secs(4);
/// Least time between answers to repetitions of one request.
pub const DUPLICATE_REQUEST_INTERVAL_MIN: Duration = Duration::from_millis(50);
/// A repeated request within this time of the transfer's last progress is a stray copy, and ignored; later it
/// is a client that began anew from the same port.
pub const RESTART_QUIET_MIN: Duration = Duration::from_secs(1);

/// Shortest retransmission timeout.
pub const RETRANSMIT_MIN: Duration = Duration::from_millis(50);
/// Retransmission timeout until a round trip was measured: the first repetitions of an OACK. Short, since GRUB repeats
/// nothing and EDK2 waits for 4 s; with its doublings the last comes after those.
pub const RETRANSMIT_INITIAL: Duration = Duration::from_millis(300);
/// Longest retransmission timeout before backing off.
pub const RETRANSMIT_MAX: Duration = Duration::from_secs(1);
/// Longest retransmission timeout after backing off.
pub const RETRANSMIT_BACKOFF_MAX: Duration = Duration::from_secs(4);
/// A transfer without progress for this long is given up. More than the 5 s after which U-Boot repeats itself
/// and the 10 s after which lwIP gives up.
pub const NO_PROGRESS_MAX: Duration = Duration::from_secs(30);
/// Repetitions of a window of which only the last acknowledgement is missing.
pub const FINAL_RESENDS_MAX: u32 = 6;
/// Shortest wait after a repeated acknowledgement before the window is sent again.
pub const GAP_QUIET_MIN: Duration = Duration::from_millis(2);
/// Wait after a repeated acknowledgement until a round trip was measured; it doubles with each repair.
pub const GAP_QUIET_UNMEASURED: Duration = Duration::from_millis(50);
/// Longest wait after a repeated acknowledgement before the window is sent again. More than a round trip on any
/// path that machines boot over.
pub const GAP_QUIET_MAX: Duration = Duration::from_secs(1);

/// Least time between a client's answers to blocks it already has.
pub const REACKNOWLEDGE_INTERVAL_MIN: Duration = Duration::from_millis(10);
/// Times a client sends its request, and times it repeats an acknowledgement without hearing anything: 27 s in
/// all, unless it asks for a timeout.
pub const CLIENT_TRIES_MAX: u32 = 8;
/// Pause before a client's second attempt; it doubles with each one.
pub const ATTEMPT_PAUSE_MIN: Duration = Duration::from_secs(1);
/// Longest pause between a client's attempts.
pub const ATTEMPT_PAUSE_MAX: Duration = Duration::from_secs(30);
/// Longest request a client sends, in bytes (RFC 2347).
pub const REQUEST_BYTES_MAX: usize = 512;
