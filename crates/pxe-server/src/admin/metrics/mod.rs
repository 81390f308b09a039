//! `/metrics`, for Prometheus: counts of steps and how long they took, told by the journal; what is counted elsewhere
//! is looked at for each scrape (`live`). Labels have few values: never a machine.

mod live;

use core::fmt;
use core::num::NonZeroUsize;
use core::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use lru::LruCache;
use prometheus_client::encoding::{EncodeLabelSet, prometheus_text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use super::problem::Problem;
use super::{Parts, Site};
use crate::engine::{ClientId, LeaseStep, STAGE_WORDS, Stage};
use crate::journal::{Sink, Told};
use live::Live;

/// Boots whose times are taken.
pub const TIMED_BOOTS_MAX: usize = 8_192;

/// From milliseconds to the patience of firmware.
const SECONDS: [f64; 12] = [0.001, 0.005, 0.02, 0.1, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0];

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct StepLabels {
    stage: &'static str,
    firmware: Arc<str>,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct FirmwareLabels {
    firmware: Arc<str>,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct BuildLabels {
    version: &'static str,
}

type Times = Family<FirmwareLabels, Histogram, fn() -> Histogram>;

/// What is counted of what the journal tells.
pub(super) struct Metrics {
    registry: Registry,
    steps: Steps,
    repeats: Steps,
    offer: Times,
    wait: Times,
    transfer: Times,
    boots: Mutex<LruCache<ClientId, Boot>>,
}

/// Counts of steps.
struct Steps {
    family: Family<StepLabels, Counter>,
    /// Those of machines whose firmware is not known, by the place of the word in [`STAGE_WORDS`]: a flood of strangers
    /// has no label to be looked for.
    unknown: [OnceLock<Counter>; STAGE_WORDS.len()],
}

impl Steps {
    fn new() -> Self {
        Self { family: Family::default(), unknown: [const { OnceLock::new() }; STAGE_WORDS.len()] }
    }

    fn count(&self, told: &Told<'_>) {
        let stage = told.event.stage.word();
        let labels = || StepLabels { stage, firmware: named(told) };
        let unknown = STAGE_WORDS.binary_search(&stage).ok().filter(|_| told.firmware.is_none());
        match unknown.and_then(|at| self.unknown.get(at)) {
            Some(counter) => {
                counter.get_or_init(|| self.family.get_or_create_owned(&labels())).inc();
            }
            None => {
                self.family.get_or_create(&labels()).inc();
            }
        }
    }
}

/// When the last steps of a boot came, in milliseconds.
#[derive(Clone, Copy, Debug, Default)]
struct Boot {
    discovered: Option<u64>,
    offered: Option<u64>,
    /// Its boot program is on its way.
    fetching: bool,
}

impl Metrics {
    pub(super) fn of(parts: &Arc<Parts>) -> Arc<Self> {
        let times = || Times::new_with_constructor(|| Histogram::new(SECONDS));
        let mut metrics = Self::empty(times(), times(), times());
        metrics.register();
        metrics.registry.register_collector(Box::new(Live::of(parts)));
        let metrics = Arc::new(metrics);
        parts.journal.subscribe(Arc::clone(&metrics) as Arc<dyn Sink>);
        metrics
    }

    fn empty(offer: Times, wait: Times, transfer: Times) -> Self {
        let most = NonZeroUsize::new(TIMED_BOOTS_MAX).unwrap_or(NonZeroUsize::MIN);
        Self {
            registry: Registry::with_prefix("pxe"),
            steps: Steps::new(),
            repeats: Steps::new(),
            offer,
            wait,
            transfer,
            boots: Mutex::new(LruCache::new(most)),
        }
    }

    fn register(&mut self) {
        let Self { registry, steps, repeats, offer, wait, transfer, .. } = self;
        registry.register(
            "boot_steps",
            "Steps of boots, by stage and firmware",
            steps.family.clone(),
        );
        registry.register(
            "boot_steps_repeated",
            "Steps that came again: retransmissions, and machines that try for ever",
            repeats.family.clone(),
        );
        for (name, help, times) in [
            ("boot_offer_seconds", "From a machine's first DISCOVER to its offer", offer),
            (
                "boot_loader_wait_seconds",
                "From the offer to the request for the boot program",
                wait,
            ),
            ("boot_loader_transfer_seconds", "How long the boot program took", transfer),
        ] {
            registry.register(name, help, times.clone());
        }
        let build = Family::<BuildLabels, Gauge<i64, core::sync::atomic::AtomicI64>>::default();
        build.get_or_create(&BuildLabels { version: env!("CARGO_PKG_VERSION") }).set(1);
        registry.register("build_info", "The version of this program", build);
        let started = Gauge::<f64, AtomicU64>::default();
        started.set(crate::state::unix_ms() as f64 / 1000.0);
        registry.register("start_time_seconds", "When this program started, in UNIX time", started);
    }

    fn time(&self, told: &Told<'_>) {
        let firmware = || FirmwareLabels { firmware: named(told) };
        let mut boots = self.boots.lock().unwrap_or_else(PoisonError::into_inner);
        let since =
            |then: Option<u64>| then.map(|then| told.unix_ms.saturating_sub(then) as f64 / 1000.0);
        match &told.event.stage {
            Stage::Discovered { ipxe: false, .. } => {
                let boot = Boot { discovered: Some(told.unix_ms), ..Boot::default() };
                boots.put(told.event.client, boot);
            }
            Stage::Offered { .. }
            | Stage::Leased { step: LeaseStep::Offered, file: Some(_), .. } => {
                let Some(boot) = boots.get_mut(&told.event.client) else { return };
                if let Some(seconds) = since(boot.discovered.take()) {
                    self.offer.get_or_create(&firmware()).observe(seconds);
                    boot.offered = Some(told.unix_ms);
                }
            }
            Stage::Requested { .. } | Stage::Probed { .. } => {
                let Some(boot) = boots.get_mut(&told.event.client) else { return };
                if let Some(seconds) = since(boot.offered.take()) {
                    self.wait.get_or_create(&firmware()).observe(seconds);
                    boot.fetching = true;
                }
            }
            Stage::Delivered { elapsed, .. } => {
                let Some(boot) = boots.get_mut(&told.event.client) else { return };
                if core::mem::take(&mut boot.fetching) {
                    self.transfer.get_or_create(&firmware()).observe(elapsed.as_secs_f64());
                }
            }
            _ => {}
        }
    }
}

fn named(told: &Told<'_>) -> Arc<str> {
    told.firmware.map_or_else(|| "unknown".into(), Arc::clone)
}

impl Sink for Metrics {
    fn take(&self, told: &Told<'_>) {
        if told.repeated {
            return self.repeats.count(told);
        }
        self.steps.count(told);
        // Of boots that nobody follows the times are not taken.
        if !told.left_out {
            self.time(told);
        }
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}

/// Everything that is measured.
pub(super) async fn scrape(State(site): State<Site>) -> Response {
    let metrics = Arc::clone(&site.metrics);
    // The pools are asked of a loop.
    let encoded = tokio::task::spawn_blocking(move || {
        let mut text = String::new();
        prometheus_text::encode(&mut text, &metrics.registry).map(|()| text)
    });
    match encoded.await {
        Ok(Ok(text)) => {
            ([(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response()
        }
        _ => Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "the metrics cannot be written")
            .into_response(),
    }
}

#[cfg(test)]
mod tests {
    use core::time::Duration;

    use super::*;
    use crate::engine::Event;

    #[test]
    fn a_boot_is_counted_and_timed_once() {
        let times = || Times::new_with_constructor(|| Histogram::new(SECONDS));
        let mut metrics = Metrics::empty(times(), times(), times());
        metrics.register();
        let tell = |unix_ms: u64, stage: Stage, repeated: bool| {
            let client = ClientId::Mac([2, 0, 0, 0, 0, 1]);
            let event = Event { client, repeated, stage, detail: None };
            let firmware: Arc<str> = "x64-uefi".into();
            let firmware = Some(&firmware);
            metrics.take(&Told { unix_ms, event: &event, firmware, repeated, left_out: false });
        };
        let file = || "ipxe.efi".to_owned();
        let discovered =
            || Stage::Discovered { firmware: None, ipxe: false, reasons: String::new() };
        tell(1_000, discovered(), false);
        tell(1_500, discovered(), true);
        tell(1_500, Stage::Offered { file: file() }, false);
        tell(4_500, Stage::Requested { file: file(), bytes: 9, why: String::new() }, false);
        let elapsed = Duration::from_millis(200);
        for _ in 0..2 {
            let stage = Stage::Delivered { file: file(), bytes: 9, elapsed, resent_percent: 0 };
            tell(5_000, stage, false);
        }
        let mut text = String::new();
        prometheus_text::encode(&mut text, &metrics.registry).expect("encoded");
        for line in [
            "pxe_boot_steps_total{stage=\"delivered\",firmware=\"x64-uefi\"} 2",
            "pxe_boot_steps_repeated_total{stage=\"discovered\",firmware=\"x64-uefi\"} 1",
            "pxe_boot_offer_seconds_sum{firmware=\"x64-uefi\"} 0.5",
            "pxe_boot_loader_wait_seconds_sum{firmware=\"x64-uefi\"} 3.0",
            "pxe_boot_loader_transfer_seconds_sum{firmware=\"x64-uefi\"} 0.2",
            "pxe_boot_loader_transfer_seconds_count{firmware=\"x64-uefi\"} 1",
        ] {
            assert!(text.lines().any(|known| known == line), "{line} is not in\n{text}");
        }
        assert!(!text.contains("02:00"), "a machine's address is no label");
    }
}
