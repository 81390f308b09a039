//! Frames of a capture file: pcap, in both precisions and byte orders, and pcapng.

use core::time::Duration;
use std::fs::File;
use std::path::Path;

use pcap_parser::{Block, Linktype, PcapBlockOwned, PcapError, create_reader};

/// Frames that are read of one capture; of a longer one the rest is left out, which is told.
pub const FRAMES_MAX: usize = 1_000_000;
/// Bytes of the longest block that is read.
const BLOCK_BYTES: usize = 1 << 20;

/// One frame.
#[derive(Debug)]
pub(super) struct Frame<'f> {
    /// Since 1970.
    pub(super) at: Duration,
    pub(super) link: Linktype,
    pub(super) bytes: &'f [u8],
}

/// Calls `take` for each frame; whether the file goes on behind the last one.
///
/// # Errors
/// What is wrong with the file, in words.
pub(super) fn frames(path: &Path, take: &mut dyn FnMut(&Frame<'_>)) -> Result<bool, String> {
    let place = path.display();
    let file = File::open(path).map_err(|error| format!("{place} cannot be read: {error}"))?;
    let mut reader = create_reader(BLOCK_BYTES, file).map_err(|error| match error {
        PcapError::Eof => format!("{place} is empty"),
        _ => format!("{place} is neither pcap nor pcapng: make one with tcpdump -w boot.pcap"),
    })?;
    let mut clocks = Clocks::default();
    let mut count = 0;
    let mut last_refill = 0;
    loop {
        match reader.next() {
            Ok((read, block)) => {
                if let Some(frame) = clocks.frame(&block) {
                    if count == FRAMES_MAX {
                        return Ok(true);
                    }
                    count += 1;
                    take(&frame);
                }
                drop(block);
                reader.consume(read);
                last_refill = 0;
            }
            Err(PcapError::Eof) => return Ok(false),
            // A capture that was cut off: what came before is good.
            Err(PcapError::UnexpectedEof) => return Ok(true),
            Err(PcapError::Incomplete(_)) => {
                last_refill += 1;
                if last_refill > 2 || reader.refill().is_err() {
                    return Ok(true);
                }
            }
            Err(error) => {
                return Err(format!("{place} is broken behind {count} packets: {error:?}"));
            }
        }
    }
}

/// How the file counts time, and what its frames are.
#[derive(Default)]
struct Clocks {
    link: Option<Linktype>,
    is_nano: bool,
    /// Of pcapng's interfaces: what they carry, offset in seconds, ticks in a second.
    interfaces: Vec<(Linktype, u64, u64)>,
}

impl Clocks {
    fn frame<'f>(&mut self, block: &'f PcapBlockOwned<'_>) -> Option<Frame<'f>> {
        match block {
            PcapBlockOwned::LegacyHeader(header) => {
                (self.link, self.is_nano) =
                    (Some(header.network), header.is_nanosecond_precision());
                None
            }
            PcapBlockOwned::Legacy(packet) => {
                let unit = if self.is_nano { 1 } else { 1_000 };
                let nanos = u64::from(packet.ts_usec) * unit;
                let at = Duration::from_secs(packet.ts_sec.into()) + Duration::from_nanos(nanos);
                Some(Frame { at, link: self.link?, bytes: packet.data })
            }
            PcapBlockOwned::NG(Block::SectionHeader(_)) => {
                self.interfaces.clear();
                None
            }
            PcapBlockOwned::NG(Block::InterfaceDescription(interface)) => {
                let offset = u64::try_from(interface.ts_offset()).unwrap_or_default();
                let ticks =
                    interface.ts_resolution().filter(|ticks| *ticks > 0).unwrap_or(1_000_000);
                self.interfaces.push((interface.linktype, offset, ticks));
                None
            }
            PcapBlockOwned::NG(Block::EnhancedPacket(packet)) => {
                let (link, offset, ticks) =
                    *self.interfaces.get(usize::try_from(packet.if_id).ok()?)?;
                let time = u64::from(packet.ts_high) << 32 | u64::from(packet.ts_low);
                let nanos = u128::from(time % ticks) * 1_000_000_000 / u128::from(ticks);
                let at = Duration::from_secs((time / ticks).saturating_add(offset));
                let at = at
                    .saturating_add(Duration::from_nanos(u64::try_from(nanos).unwrap_or_default()));
                let length = usize::try_from(packet.caplen).ok()?.min(packet.data.len());
                Some(Frame { at, link, bytes: packet.data.get(..length)? })
            }
            PcapBlockOwned::NG(_) => None,
        }
    }
}
