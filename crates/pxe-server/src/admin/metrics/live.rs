//! What others count, looked at for each scrape.

use core::fmt;
use core::time::Duration;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Instant;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;

use crate::admin::Parts;
use crate::config::DhcpMode;
use crate::driver::{Answer, Question};
use crate::engine::PoolUse;

/// Counting large pools takes a loop some milliseconds: so seldom at most.
const POOLS_COUNTED_EVERY: Duration = Duration::from_secs(10);

/// Looks at what the server is made of.
pub(super) struct Live {
    /// The parts have the journal, which has the metrics, which have us.
    parts: Weak<Parts>,
    pools: Mutex<Option<(Instant, Vec<PoolUse>)>>,
}

impl Live {
    pub(super) fn of(parts: &Arc<Parts>) -> Self {
        Self { parts: Arc::downgrade(parts), pools: Mutex::default() }
    }

    fn pools(&self, parts: &Parts) -> Vec<PoolUse> {
        if parts.in_use.config().dhcp.mode != DhcpMode::Server {
            return Vec::new();
        }
        let mut known = self.pools.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        if let Some((at, pools)) = &*known
            && now.saturating_duration_since(*at) < POOLS_COUNTED_EVERY
        {
            return pools.clone();
        }
        let Ok(Answer::Pools(pools)) = parts.asker.ask(Question::Pools) else { return Vec::new() };
        *known = Some((now, pools.clone()));
        pools
    }
}

impl fmt::Debug for Live {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Live").finish_non_exhaustive()
    }
}

/// Writes metrics of one kind each.
struct Writer<'e>(DescriptorEncoder<'e>);

impl Writer<'_> {
    fn gauge(&mut self, name: &str, help: &str, value: u64) -> fmt::Result {
        self.family(name, help, false, &[("", "", value)])
    }

    fn counter(&mut self, name: &str, help: &str, value: u64) -> fmt::Result {
        self.family(name, help, true, &[("", "", value)])
    }

    /// Values with one label each; an empty one is left out.
    fn family(
        &mut self,
        name: &str,
        help: &str,
        counts: bool,
        values: &[(&str, &str, u64)],
    ) -> fmt::Result {
        let kind = if counts { MetricType::Counter } else { MetricType::Gauge };
        let mut encoder = self.0.encode_descriptor(name, help, None, kind)?;
        for (label, text, value) in values {
            let labels = [(*label, *text)];
            let labels = if label.is_empty() { &labels[..0] } else { &labels[..] };
            let value = *value;
            let encoder = encoder.encode_family(&labels)?;
            match counts {
                true => ConstCounter::new(value).encode(encoder)?,
                false => {
                    ConstGauge::new(i64::try_from(value).unwrap_or(i64::MAX)).encode(encoder)?
                }
            }
        }
        Ok(())
    }

    fn pools(&mut self, pools: &[PoolUse]) -> fmt::Result {
        let help = "Addresses in the pools of a network, by what they are used for";
        let mut encoder =
            self.0.encode_descriptor("lease_pool_addresses", help, None, MetricType::Gauge)?;
        for PoolUse { network, usage } in pools {
            for (state, count) in [
                ("leased", usage.leased),
                ("offered", usage.offered),
                ("quarantined", usage.quarantined),
                ("free", usage.free),
            ] {
                let labels = [("network", network.as_str()), ("state", state)];
                let count = i64::try_from(count).unwrap_or(i64::MAX);
                ConstGauge::new(count).encode(encoder.encode_family(&labels)?)?;
            }
        }
        let help = "Addresses in the pools of a network";
        let mut encoder =
            self.0.encode_descriptor("lease_pool_size_addresses", help, None, MetricType::Gauge)?;
        for PoolUse { network, usage } in pools {
            let labels = [("network", network.as_str())];
            let count = i64::try_from(usage.addresses).unwrap_or(i64::MAX);
            ConstGauge::new(count).encode(encoder.encode_family(&labels)?)?;
        }
        Ok(())
    }
}

impl Collector for Live {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let Some(parts) = self.parts.upgrade() else { return Ok(()) };
        let mut writer = Writer(encoder);
        let (vitals, drops) = (&parts.vitals, parts.vitals.drops());
        let ready = u64::from(vitals.is_ready() && !vitals.is_stuck(Instant::now()));
        writer.gauge("ready", "Whether clients are served", ready)?;
        let up = u64::from(!vitals.is_store_away());
        writer.gauge("lease_store_up", "Whether the lease store answers", up)?;
        writer.family(
            "dropped_datagrams",
            "Datagrams that were broken or not for us, or that the lease store was too slow for",
            true,
            &[
                ("reason", "dhcp_malformed", drops.dhcp),
                ("reason", "tftp_malformed", drops.tftp),
                ("reason", "lease_store_slow", drops.lost),
            ],
        )?;
        writer.counter("lost_steps", "Steps of boots that nobody took in time", drops.events)?;
        writer.gauge("tftp_transfers", "TFTP transfers under way", vitals.transfers())?;
        writer.counter(
            "tftp_sent_bytes",
            "Bytes of files delivered by TFTP",
            vitals.tftp_bytes(),
        )?;
        if let Some(http) = &parts.http {
            let (connections, downloads) = (http.connections() as u64, http.downloads() as u64);
            writer.gauge("http_connections", "Connections of boot programs", connections)?;
            writer.gauge("http_downloads", "Answers under way to boot programs", downloads)?;
            writer.counter(
                "http_sent_bytes",
                "Bytes sent by HTTP to boot programs",
                http.bytes(),
            )?;
        }
        let counts = parts.journal.counts();
        let machines = counts.machines as u64;
        writer.gauge("journal_machines", "Machines with a story", machines)?;
        writer.gauge("journal_bytes", "Memory that stories take", counts.bytes as u64)?;
        writer.family(
            "journal_dropped_machines",
            "Machines whose story made room for others, or found none",
            true,
            &[("reason", "evicted", counts.evicted), ("reason", "left_out", counts.left_out)],
        )?;
        match self.pools(&parts) {
            pools if pools.is_empty() => Ok(()),
            pools => writer.pools(&pools),
        }
    }
}
