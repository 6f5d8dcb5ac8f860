//! The body of `GET /health` (H13).

use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};

use super::HealthSource;

/// An older sample of an upstream counts as a failed one.
const SAMPLE_AGE_MAX: Duration = Duration::from_secs(10);

/// What the database said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DatabaseHealth {
    /// It answered a query.
    pub answers: bool,
    /// Its schema is the one this program needs.
    pub migrated: bool,
}

/// One look at an upstream, on the real clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UpstreamSample {
    /// Whether it answered well.
    pub healthy: bool,
    /// When it was looked at.
    pub taken_at: Instant,
}

/// The latest samples; `None` = not configured, or its desk is off.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Upstreams {
    /// The TON node.
    pub ton: Option<UpstreamSample>,
    /// Arena's vault contract.
    pub vault: Option<UpstreamSample>,
    /// The EVM node of trades.
    pub trades_rpc: Option<UpstreamSample>,
    /// The chain indexer of trades keeps up.
    pub trades_indexer: Option<UpstreamSample>,
}

/// Whether the process is healthy, and the body without the request id.
pub(super) fn body(
    source: &dyn HealthSource,
    database: DatabaseHealth,
    now: Instant,
) -> (bool, Map<String, Value>) {
    let upstreams = source.upstreams();
    let check = |sample: Option<UpstreamSample>| sample.map(|sample| sample.counts_as_healthy(now));
    let (trades_rpc, trades_indexer) = (check(upstreams.trades_rpc), check(upstreams.trades_indexer));
    let trades_down = source.trades_started() && (trades_rpc == Some(false) || trades_indexer == Some(false));
    let healthy = database.answers && database.migrated && !trades_down;
    let body = json!({
        "ok": healthy,
        "status": if healthy { "OK" } else { "FAIL" },
        "service": "bursar",
        "version": source.version(),
        "commit": source.commit(),
        "timestamp": source.timestamp(),
        "features": {"trades": source.trades_enabled()},
        "checks": {
            "db": database.answers,
            "migrations": database.migrated,
            "ton": check(upstreams.ton),
            "vault": check(upstreams.vault),
            "trades_rpc": trades_rpc,
            "trades_indexer": trades_indexer,
        },
        "desks": source.desks(),
    });
    match body {
        Value::Object(fields) => (healthy, fields),
        _ => (healthy, Map::new()),
    }
}

impl UpstreamSample {
    fn counts_as_healthy(self, now: Instant) -> bool {
        self.healthy && now.saturating_duration_since(self.taken_at) <= SAMPLE_AGE_MAX
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn h13_a_good_sample_counts_for_ten_seconds() {
        let taken_at = Instant::now();
        let healthy_after = |healthy: bool, age_ms: u64| {
            UpstreamSample { healthy, taken_at }.counts_as_healthy(taken_at + Duration::from_millis(age_ms))
        };
        assert!(healthy_after(true, 10_000));
        assert!(!healthy_after(true, 10_001));
        assert!(!healthy_after(false, 0));
    }
}
