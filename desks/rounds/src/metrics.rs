//! What the desk counts (docs/spec/platform.md M1).

use std::sync::Arc;

use bursar_store::lane::Lane;
use bursar_web::metrics::{Counter, CounterFamily, Histogram, MetricError, Reading, Registry, Unit};

use crate::join::JoinWork;
use crate::settle::{RefundReason, SettleError, SettledRound, Verdict};

/// The first are good days, the middle ones retries for a price, the last the void deadline and a pause.
const LAG_BOUNDS_S: &[&str] = &["0.1", "0.5", "1", "3", "5", "10", "30", "60", "120", "300", "900", "3600"];

/// The desk's metrics.
#[derive(Clone)]
pub(crate) struct DeskMetrics {
    /// Joins by result: `created`, `replayed`, or the code of the refusal.
    pub joins: CounterFamily<1>,
    /// Rounds settled by this process.
    settled: Arc<Counter>,
    /// Of them, those refunded because no price could be had.
    voided: Arc<Counter>,
    /// From a round's end to its last payout.
    settlement_lag: Arc<Histogram>,
    /// Settlement runs that failed.
    settle_failures: Arc<Counter>,
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
        let help = "From a round's end to its last payout, by the rules' clock.";
        let name = "rounds_settlement_lag_seconds";
        let lag = registry.histogram(name, help, [], Unit::MILLISECONDS, LAG_BOUNDS_S)?;
        Ok(DeskMetrics {
            joins: registry.counter("rounds_joins_total", "Joins by result.", ["result"], Unit::ONE)?,
            settled: count("rounds_settled_total", "Rounds settled by this process.")?,
            voided: count("rounds_voided_total", "Settled rounds refunded because no usable price came.")?,
            settlement_lag: lag.with([]),
            settle_failures: count("rounds_settle_failures_total", "Settlement runs that failed.")?,
        })
    }

    /// Counts a settlement run that failed; one that was stopped did not.
    pub fn count_settle_failure(&self, error: &SettleError) {
        match error {
            SettleError::Paused => {}
            SettleError::TreasuryMismatch | SettleError::Store(_) => self.settle_failures.increment(),
        }
    }

    /// Counts a settled round.
    pub fn count_settled(&self, settled: &SettledRound) {
        self.settled.increment();
        if settled.verdict == Verdict::Refund(RefundReason::OracleUnavailable) {
            self.voided.increment();
        }
        let lag_ms = settled.at.ms() - settled.round.end_ms();
        self.settlement_lag.observe(u64::try_from(lag_ms).unwrap_or(0));
    }
}
