//! Every bound of the responders, with its unit in its name.

use core::time::Duration;

/// Replies that wait to be sent. When full, the oldest is discarded: its client has asked again
/// since or soon will. Worst case 256 × 1472 bytes, about 370 KiB, kept for reuse.
pub const REPLIES_QUEUED_MAX: usize = 256;

/// Offers that are held back for [`OFFER_DELAY`]. When full, the oldest is discarded. Worst case as
/// for [`REPLIES_QUEUED_MAX`], about 370 KiB.
pub const OFFERS_DELAYED_MAX: usize = 256;

/// How long [`ProxyStyle::Delayed`](super::ProxyStyle::Delayed) holds an offer back: behind the
/// offers of most DHCP servers (those that ping an address first wait a second for it), and well
/// within the 4 seconds that firmware collects offers.
pub const OFFER_DELAY: Duration = Duration::from_millis(1500);

/// Clients that [`ProxyStyles::Adaptive`](super::ProxyStyles::Adaptive) remembers. When full, the one
/// unheard for longest is forgotten. Worst case 8192 × 190 bytes, about 1.5 MiB.
pub const ADAPTED_CLIENTS_MAX: usize = 8_192;

/// Makers of network cards whose habit it remembers. When full, the one unheard for longest is
/// forgotten. Worst case 1024 × 90 bytes, about 90 KiB.
pub const ADAPTED_MAKERS_MAX: usize = 1_024;

/// Replies of a [`ServerResponder`](super::ServerResponder) that wait to be sent: as many as one commit of
/// a store may bring. When full, the oldest is discarded. Worst case 1024 × 1472 bytes, about 1.5 MiB, kept
/// for reuse.
pub const SERVER_REPLIES_QUEUED_MAX: usize = 1024;

/// Requests that a [`ServerResponder`](super::ServerResponder) holds until their leases are stored. When
/// full, the oldest is given up: its client asks again. Worst case 8192 × ([`REQUEST_BYTES_MAX`] + 300)
/// bytes, about 18 MiB; with requests as clients send them, about 5 MiB.
pub const HELD_REQUESTS_MAX: usize = 8_192;

/// Longest datagram that a server reads. Clients send no more than one Ethernet frame, to which relays add
/// at most 257 bytes.
pub const REQUEST_BYTES_MAX: usize = 2_048;

/// Age at which a held request is given up: a store that took longer has failed, and no client still
/// waits for this answer.
pub const HELD_AGE_MAX: Duration = Duration::from_secs(10);

/// DISCOVERs of one [`ForeignProbe`](super::ForeignProbe).
pub const PROBE_SENDS_MAX: usize = 3;

/// Events that wait to be read. When full, the oldest is discarded and counted. Worst case
/// 1024 × 96 bytes, about 96 KiB.
pub const EVENTS_QUEUED_MAX: usize = 1024;

/// Longest name that goes into the header's `file` field: 128 bytes less the NUL that receivers
/// expect.
pub const HEADER_FILE_BYTES_MAX: usize = 127;

/// Longest name or URL at all: option 67 holds 255 bytes, firmware wants a NUL at its end, and no
/// boot client joins a split option (RFC 3396).
pub const BOOT_FILE_BYTES_MAX: usize = 254;

/// A reply is never longer than its request plus this, or 300 bytes: our own options (53, 54, 60,
/// 43, 67 and END) at their longest. Everything else in a reply is the fixed header and echoes. The
/// shortest message that draws a reply has some 250 bytes, so a forged one gains an attacker less
/// than a factor of 3.
pub const REPLY_GROWTH_BYTES_MAX: usize = 3 + 6 + 13 + 51 + 257 + 1;

/// Age at which an unsent reply is worthless: iPXE stops listening for proxies two seconds after
/// its first offer (`DHCP_DISC_PROXY_TIMEOUT_SEC`), and everybody else has asked again by four.
pub(crate) const REPLY_AGE_MAX: Duration = Duration::from_secs(4);

/// What an event takes, at most.
const EVENT_BYTES: usize = 96;

const _: () = assert!(HEADER_FILE_BYTES_MAX < BOOT_FILE_BYTES_MAX);
const _: () = assert!(EVENTS_QUEUED_MAX >= SERVER_REPLIES_QUEUED_MAX);
const _: () = assert!(EVENTS_QUEUED_MAX >= 2 * (REPLIES_QUEUED_MAX + OFFERS_DELAYED_MAX));
const _: () = assert!(size_of::<super::ProxyEvent>() <= EVENT_BYTES);
const _: () = assert!(size_of::<super::ServerEvent>() <= EVENT_BYTES);
