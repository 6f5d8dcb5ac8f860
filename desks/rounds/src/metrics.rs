//! What the desk counts (docs/spec/platform.md M1).

use std::sync::Arc;

use bursar_store::lane::Lane;
use bursar_web::metrics::{Counter, CounterFamily, MetricError, Reading, Registry, Unit};

use crate::join::JoinWork;

/// The desk's metrics.
#[derive(Clone)]
pub(crate) struct DeskMetrics {
    /// Joins by result: `created`, `replayed`, or the code of the refusal.
    pub joins: CounterFamily<1>,
    /// Rounds settled by this process.
    pub settled: Arc<Counter>,
    /// Settlement runs that failed.
    pub settle_failures: Arc<Counter>,
}

impl DeskMetrics {
    pub fn register(registry: &Registry, lane: &Arc<Lane<JoinWork>>) -> Result<DeskMetrics, MetricError> {
        let count = |name, help| Ok(registry.counter(name, help, [], Unit::ONE)?.with([]));
        let lane = Arc::downgrade(lane);
        let help = "Joins that wait for their batch.";
        registry.computed_gauge("rounds_join_queue", help, [], Unit::ONE, move || {
            let waiting = lane.upgrade().and_then(|lane| i64::try_from(lane.waiting()).ok());
            waiting.map(|value| Reading { labels: [], value }).into_iter().collect()
        })?;
        Ok(DeskMetrics {
            joins: registry.counter("rounds_joins_total", "Joins by result.", ["result"], Unit::ONE)?,
            settled: count("rounds_settled_total", "Rounds settled by this process.")?,
            settle_failures: count("rounds_settle_failures_total", "Settlement runs that failed.")?,
        })
    }
}
