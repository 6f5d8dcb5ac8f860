//! The figures of a span of time, as JSON, and what of them is out of the ordinary.

use bursar_ops::backup::{Work, WorkRow};
use bursar_ops::rollup::{Bucket, Daily, Limited, RefusedCaller};
use bursar_rounds::status::Health;
use bursar_rounds::summary::Summary;
use bursar_store::Timestamp;
use serde_json::{Map, Value, json};

use super::window::Window;

/// A restore proof older than a month is worth a word.
const PROOF_AGE_MAX_MS: i64 = 31 * 86_400_000;
/// A wallet that is refused this often in the span stands out.
const REFUSED_CALLS_MIN: i64 = 100;

/// Everything that was read.
pub struct Figures {
    pub now: Timestamp,
    pub window: Window,
    pub counts: Daily,
    pub health: Health,
    pub summary: Summary,
    pub works: Vec<WorkRow>,
}

impl Figures {
    /// The answer for programs.
    pub fn answer(&self) -> Value {
        let counts = &self.counts;
        let percentile = |bps| counts.latency_at_bps(bps);
        json!({
            "ok": true, "nowMs": self.now.ms(),
            "window": {"fromMs": self.window.from.ms(), "untilMs": self.window.until.ms()},
            "requests": {
                "answered": self.answered(), "byStatus": counts.statuses(), "successBps": counts.success_bps(),
                "latencyUpToSeconds": {"p50": percentile(5_000), "p95": percentile(9_500), "p99": percentile(9_900)},
            },
            "rateLimited": counts.limited().iter().map(limited).collect::<Vec<_>>(),
            "refusedWallets": counts.refused.iter().map(refused).collect::<Vec<_>>(),
            "joins": counts.by_label("rounds_joins_total", "result"),
            "settlement": {
                "settled": self.settled(), "voided": self.voided(), "failedRuns": self.failed_runs(),
                "lagUpToSeconds": by_bound(&self.lag()),
            },
            "health": {"ok": self.health.ok, "status": self.health.status,
                       "pendingDueRounds": self.health.totals.pending_due_rounds,
                       "maxSettlementLagMs": self.health.settlement.max_settlement_lag_ms},
            "totals": self.summary.totals, "markets": self.summary.market_breakdown, "canary": self.summary.canary,
            "backup": {"lastAtMs": self.last_backup().map(Timestamp::ms), "restoreProofAgeMs": self.proof_age_ms()},
            "lookAt": self.look_at(),
        })
    }

    /// What is out of the ordinary, in words.
    pub fn look_at(&self) -> Vec<String> {
        let above_zero = |count: i64| Some(count).filter(|count| *count > 0);
        let mut words = Vec::new();
        if !self.health.ok {
            let waiting = self.health.totals.pending_due_rounds;
            words.push(format!("{waiting} rounds are overdue: see `bursar ops health`."));
        }
        if let Some(voided) = above_zero(self.voided()) {
            words.push(format!(
                "{voided} rounds were refunded because no price came: look at the price source."
            ));
        }
        if let Some(failed) = above_zero(self.failed_runs()) {
            words.push(format!(
                "{failed} settlement runs failed: `bursar audit list --level error` says why."
            ));
        }
        let faults = self.counts.statuses().into_iter().filter(|(status, _)| status.starts_with('5'));
        if let Some(faults) = above_zero(faults.map(|(_, calls)| calls).sum()) {
            words.push(format!(
                "{faults} answers were faults of ours: `bursar audit list --level error` says why."
            ));
        }
        if let Some(buckets) = above_zero(i64::try_from(self.counts.limited().len()).unwrap_or(i64::MAX)) {
            words.push(format!("{buckets} buckets refused calls: see rateLimited."));
        }
        let is_burst =
            |caller: &&RefusedCaller| caller.calls >= REFUSED_CALLS_MIN && !caller.subject.is_empty();
        for caller in self.counts.refused.iter().filter(is_burst) {
            words.push(format!("{} was refused {} times: see refusedWallets.", caller.subject, caller.calls));
        }
        if self.last_backup().is_none() {
            words.push("No backup has been made: run `bursar backup create`.".to_owned());
        }
        if self.proof_age_ms().is_none_or(|age| age > PROOF_AGE_MAX_MS) {
            let text = "No backup was proven by a restore within 31 days: run `bursar backup verify`.";
            words.push(text.to_owned());
        }
        words
    }

    /// Requests that were answered.
    pub fn answered(&self) -> i64 {
        self.counts.counter("http_requests_total")
    }

    /// Rounds that were settled.
    pub fn settled(&self) -> i64 {
        self.counts.counter("rounds_settled_total")
    }

    /// Rounds that were refunded.
    pub fn voided(&self) -> i64 {
        self.counts.counter("rounds_voided_total")
    }

    /// Runs of the settlement that failed.
    pub fn failed_runs(&self) -> i64 {
        self.counts.counter("rounds_settle_failures_total")
    }

    /// How late rounds were settled.
    pub fn lag(&self) -> Vec<Bucket> {
        self.counts.histogram("rounds_settlement_lag_seconds")
    }

    /// When the last backup was made.
    pub fn last_backup(&self) -> Option<Timestamp> {
        self.succeeded(Work::Create)
    }

    /// How long ago a backup was last proven by restoring it.
    pub fn proof_age_ms(&self) -> Option<i64> {
        Some(self.now.ms().saturating_sub(self.succeeded(Work::Verify)?.ms()).max(0))
    }

    fn succeeded(&self, work: Work) -> Option<Timestamp> {
        self.works.iter().find(|row| row.work == work).and_then(|row| row.succeeded_at)
    }
}

fn limited(limited: &Limited) -> Value {
    json!({"desk": limited.desk, "route": limited.route, "bucket": limited.bucket, "calls": limited.calls})
}

fn refused(caller: &RefusedCaller) -> Value {
    json!({"desk": caller.desk, "wallet": caller.subject, "calls": caller.calls, "codes": caller.codes})
}

fn by_bound(buckets: &[Bucket]) -> Map<String, Value> {
    buckets.iter().map(|bucket| (bucket.le.clone(), bucket.count.into())).collect()
}
