//! What becomes of transfers: how far they are and how they end, told in the clients' stories.

use core::time::Duration;
use std::time::Instant;

use pxe_tftp::{Event, FailureReason, TransferId};

use super::content::ContentStore;
use super::event::Stage;
use super::open::OpenTransfer;
use super::upload::not_stored;
use super::{Engine, Output};

/// Progress is told when so much of the file has come since it was told last, in percent,
const TOLD_PERCENT_MIN: u64 = 10;
/// or when this much time has passed.
const TOLD_EVERY: Duration = Duration::from_secs(60);

impl Engine {
    /// Turns what the TFTP machine has to say into the clients' stories, and gives back what ended
    /// transfers had open.
    pub(super) fn collect_transfers(&mut self, now: Instant, content: &mut dyn ContentStore) {
        while let Some(event) = self.tftp.server.poll_event() {
            let transfer = event.transfer();
            if event.is_end() {
                self.end_transfer(now, transfer, event, content);
                continue;
            }
            let Some(open) = self.tftp.get_mut(transfer) else { continue };
            let (client, file) = (open.client, open.file.clone());
            let stage = match event {
                Event::Progress { bytes, size, .. } if open.has_news(now, bytes, size) => {
                    Stage::Progress { file, bytes, size }
                }
                Event::Stored { bytes, elapsed, .. } => Stage::Stored { file, bytes, elapsed },
                _ => continue,
            };
            self.report(now, client, stage);
        }
    }

    fn end_transfer(
        &mut self,
        now: Instant,
        transfer: TransferId,
        event: Event,
        content: &mut dyn ContentStore,
    ) {
        let Some(open) = self.tftp.take(transfer) else { return };
        content.close(open.content);
        self.push(Output::Close(transfer));
        let client = open.client;
        if let (Some((peer, Some(machine))), Event::Finished { .. }) = (open.baited, &event) {
            self.shared.delivered(now, peer, machine.hardware_address().unwrap_or_default());
        }
        let is_whole = matches!(event, Event::Finished { .. });
        let last_piece = open.last_piece.clone().filter(|_| is_whole);
        let shortfall = open.shortfall.as_ref().filter(|_| is_whole);
        let shortfall = shortfall.and_then(|it| it.ending(&open.file));
        if let Some(stage) = ending(open, event) {
            self.report(now, client, stage);
        }
        if let Some(stage) = last_piece.and_then(|last| self.shared.has_got(now, last)) {
            self.report(now, client, stage);
        }
        // Last, since it is how the boot stands now.
        if let Some(stage) = shortfall {
            self.report(now, client, stage);
        }
    }
}

impl OpenTransfer {
    /// Whether enough has happened since progress was told last; takes note of it.
    fn has_news(&mut self, now: Instant, bytes: u64, size: u64) -> bool {
        has_news(&mut self.told, now, bytes, size)
    }
}

/// Whether enough has happened since progress was `told`, when and how many bytes; takes note of it.
pub(crate) fn has_news(told: &mut (Instant, u64), now: Instant, bytes: u64, size: u64) -> bool {
    let (told_at, told_bytes) = *told;
    let step = size / 100 * TOLD_PERCENT_MIN;
    let far = step > 0 && bytes >= told_bytes.saturating_add(step);
    let news = far || now.saturating_duration_since(told_at) >= TOLD_EVERY;
    if news {
        *told = (now, bytes);
    }
    news
}

/// The last step of a transfer's story; none if another one tells it.
fn ending(open: OpenTransfer, event: Event) -> Option<Stage> {
    let OpenTransfer { file, size, is_upload, trouble, .. } = open;
    Some(match event {
        // That it is stored was told before.
        Event::Finished { .. } if is_upload => return None,
        Event::Finished { bytes, elapsed, blocks_sent, blocks_resent, .. } => {
            let resent_percent = blocks_resent.saturating_mul(100) / blocks_sent.max(1);
            Stage::Delivered { file, bytes, elapsed, resent_percent }
        }
        Event::ProbeEnded { bytes: 0, .. } => Stage::Probed { file },
        Event::ProbeEnded { bytes, .. } => Stage::Closed { file, bytes },
        // Another transfer tells this client's story.
        Event::Failed {
            reason: FailureReason::UnwantedCopy | FailureReason::Superseded, ..
        } => {
            return None;
        }
        Event::Failed { reason, bytes, .. } => {
            let reason = match trouble {
                Some(trouble) if is_upload => trouble,
                Some(trouble) => format!("{reason}: {trouble}"),
                None => reason.to_string(),
            };
            if is_upload {
                return Some(not_stored(file, &format!("{reason} (after {bytes} bytes)")));
            }
            Stage::Failed { file, reason: format!("{reason} (after {bytes} of {size} bytes)") }
        }
        _ => return None,
    })
}
