//! What the faucet counts, by the names of docs/spec/faucet.md 4.6. What is a state is in [`crate::figures`].

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bursar_payouts::IntentState;
use bursar_web::metrics::{Counter, CounterFamily, Histogram, HistogramFamily, MetricError, Registry, Unit};

use crate::accrual::Run;
use crate::rules::payout_state::PayoutState;
use crate::rules::region::label;
use crate::settlement::{Cycle, INSUFFICIENT, Word};
use crate::upkeep::Pruned;
use crate::upstream::{Observer, Unavailable, Upstream};

const BAN: Unit = Unit { decimals: 8 };
const PAYOUT_BAN: &[&str] = &["0.0001", "0.001", "0.01", "0.1", "1", "5", "10", "25", "50"];
/// The default buckets of Prometheus' own libraries.
const SECONDS: &[&str] =
    &["0.005", "0.01", "0.025", "0.05", "0.075", "0.1", "0.25", "0.5", "0.75", "1", "2.5", "5", "7.5", "10"];

/// The faucet's counters and histograms.
#[derive(Clone)]
pub struct FaucetMetrics {
    payout_amount: Arc<Histogram>,
    attempts: CounterFamily<1>,
    ambiguous: Arc<Counter>,
    /// Whether nobody knew at first what became of an attempt that has not been counted since: it counts as ambiguous alone.
    is_ambiguous: Arc<AtomicBool>,
    retry_latency: Arc<Histogram>,
    payouts_by_region: CounterFamily<1>,
    kills_by_region: CounterFamily<1>,
    flagged_users: Arc<Counter>,
    considered: Arc<Counter>,
    rows: Arc<Counter>,
    zero_delta: Arc<Counter>,
    kills: Arc<Counter>,
    candidates: Arc<Counter>,
    payouts: Arc<Counter>,
    settled: Arc<Counter>,
    fortnite_calls: Arc<Counter>,
    fortnite_errors: Arc<Counter>,
    fortnite_limited: Arc<Counter>,
    fortnite_kills: Arc<Counter>,
    fortnite_latency: Arc<Histogram>,
    upstream_latency: HistogramFamily<1>,
    /// Holders of the boost token that were looked at.
    pub hodl_users: Arc<Counter>,
    /// Holders whose balance changed.
    pub hodl_updated: Arc<Counter>,
    /// Phases of the scheduler that failed.
    pub scheduler_errors: Arc<Counter>,
    /// Verifications that administrators asked for, by result.
    pub admin_reverify: CounterFamily<1>,
    /// Retries that administrators asked for, by result.
    pub admin_payout_retry: CounterFamily<1>,
    /// Sign-ins whose region a proxy named.
    pub region_header: Arc<Counter>,
    /// Sign-ins whose region was taken from the address.
    pub region_inferred: Arc<Counter>,
    /// Sign-ins without a region.
    pub region_unknown: Arc<Counter>,
    /// Rows that were pruned, by table.
    pub pruned: CounterFamily<1>,
}

impl FaucetMetrics {
    /// Registers all of them.
    pub fn register(registry: &Registry) -> Result<FaucetMetrics, MetricError> {
        let count = |name, help| Ok::<_, MetricError>(registry.counter(name, help, [], Unit::ONE)?.with([]));
        let by = |name, help, label| registry.counter(name, help, [label], Unit::ONE);
        let seconds = |name, help| {
            Ok::<_, MetricError>(registry.histogram(name, help, [], Unit::MILLISECONDS, SECONDS)?.with([]))
        };
        let amount = registry.histogram("payout_amount_ban", "Payouts by amount.", [], BAN, PAYOUT_BAN)?;
        let attempts = by("payout_attempts_total", "Attempts to pay, by result.", "result")?;
        for result in ["success", "failed"] {
            attempts.with([result]);
        }
        releases(registry)?;
        Ok(FaucetMetrics {
            payout_amount: amount.with([]),
            attempts,
            ambiguous: count(
                "faucet_payout_ambiguous_total",
                "Attempts whose outcome was unknown at first.",
            )?,
            is_ambiguous: Arc::default(),
            retry_latency: seconds("payout_retry_latency_seconds", "Planned waits before another attempt.")?,
            payouts_by_region: from_zero(
                by("payouts_by_region_total", "Payouts made.", "region")?,
                &[label(None)],
            ),
            kills_by_region: from_zero(
                by("kills_by_region_total", "Kills accrued.", "region")?,
                &[label(None)],
            ),
            flagged_users: count("flagged_users_total", "Flags raised.")?,
            considered: count("accrual_users_considered_total", "Players whose turn it was.")?,
            rows: count("accrual_rows_created_total", "Accruals made.")?,
            zero_delta: count("accrual_zero_delta_total", "Readings without growth.")?,
            kills: count("accrual_kills_delta_total", "Kills accrued.")?,
            candidates: count("settlement_candidates_total", "Players looked at for a payout.")?,
            payouts: count("settlement_payouts_total", "Payouts sent.")?,
            settled: count("settlement_accruals_settled_total", "Accruals settled.")?,
            fortnite_calls: count("fortnite_calls_total", "Questions to the statistics.")?,
            fortnite_errors: count("fortnite_errors_total", "Questions without a usable answer.")?,
            fortnite_limited: count(
                "fortnite_local_rate_limited_total",
                "Questions that waited for our limit.",
            )?,
            fortnite_kills: count("fortnite_kills_delta_total", "Growth that the statistics told of.")?,
            fortnite_latency: seconds("fortnite_request_latency_seconds", "How long the statistics took.")?,
            upstream_latency: upstream_latency(registry)?,
            hodl_users: count("hodl_scan_users_total", "Token holders looked at.")?,
            hodl_updated: count("hodl_scan_updated_total", "Token holders whose balance changed.")?,
            scheduler_errors: count("scheduler_errors_total", "Phases of the scheduler that failed.")?,
            admin_reverify: from_zero(
                by("admin_reverify_total", "Verifications asked for by administrators.", "result")?,
                &["accepted", "error"],
            ),
            admin_payout_retry: from_zero(
                by("admin_payout_retry_total", "Retries asked for by administrators.", "result")?,
                &["accepted", "already_sent", "refused"],
            ),
            region_header: count("region_header_present_total", "Sign-ins whose region a proxy named.")?,
            region_inferred: count("region_inferred_total", "Sign-ins whose region the address told.")?,
            region_unknown: count("region_unknown_total", "Sign-ins without a region.")?,
            pruned: from_zero(
                by("faucet_pruned_rows_total", "Rows pruned.", "table")?,
                &Pruned::default().tables().map(|(table, _)| table),
            ),
        })
    }

    /// Counts new flags.
    pub fn count_flags(&self, raised: u64) {
        self.flagged_users.add(raised);
    }

    /// Counts an accrual run.
    pub fn count_run(&self, run: &Run) {
        self.considered.add(run.considered);
        self.rows.add(run.rows);
        self.zero_delta.add(run.unchanged);
        self.kills.add(run.kills);
        self.fortnite_kills.add(run.kills);
        self.count_flags(run.flagged);
        for (kills, region) in &run.made {
            self.kills_by_region.with([label(region.as_deref())]).add(u64::from(*kills));
        }
    }

    /// Counts a settlement. Payouts of dry-run are over at once; how real ones end is told by [`FaucetMetrics::hear`].
    pub fn count_cycle(&self, cycle: &Cycle) {
        self.candidates.add(cycle.candidates);
        for (amount, region) in &cycle.made {
            self.payout_amount.observe(amount.units());
            self.payouts_by_region.with([label(region.as_deref())]).increment();
        }
        if cycle.dry_run {
            self.payouts.add(cycle.payouts);
            self.settled.add(cycle.accruals);
            self.attempts.with(["success"]).add(cycle.payouts);
        }
    }

    /// Counts how a payout went on.
    pub fn hear(&self, word: &Word<'_>) {
        let was_signed = matches!(word.change.from, IntentState::Signed | IntentState::Broadcast);
        match word.state {
            PayoutState::Confirmed => {
                self.payouts.increment();
                self.settled.add(u64::try_from(word.settled).unwrap_or(0));
                self.attempts.with(["success"]).increment();
            }
            PayoutState::Held if word.change.why.as_deref() == Some(INSUFFICIENT) => self.count_failure(),
            // Another block stands in the place of what was signed.
            PayoutState::Created if was_signed => self.count_failure(),
            PayoutState::Failed => self.count_failure(),
            PayoutState::Signed if word.change.to == IntentState::Signed => {
                self.is_ambiguous.store(false, Ordering::Relaxed);
            }
            PayoutState::Created | PayoutState::Held | PayoutState::Signed | PayoutState::Published => {}
        }
    }

    /// Counts an attempt of which nobody knows whether a node took it.
    pub fn doubted(&self) {
        self.ambiguous.increment();
        self.is_ambiguous.store(true, Ordering::Relaxed);
    }

    /// Counts that a payment is sent once more after so many milliseconds because no node has it, so that the attempt before
    /// has failed: nodes refused or lost it, unless nobody knew. One whose fate is still unknown is sent again untold.
    pub fn retried(&self, waited_ms: i64) {
        self.retry_latency.observe(u64::try_from(waited_ms).unwrap_or(0));
        if !self.is_ambiguous.swap(false, Ordering::Relaxed) {
            self.count_failure();
        }
    }

    fn count_failure(&self) {
        self.attempts.with(["failed"]).increment();
    }
}

/// With these series from the start, so that the first increase is seen as one.
fn from_zero(family: CounterFamily<1>, labels: &[&str]) -> CounterFamily<1> {
    for label in labels {
        family.with([label]);
    }
    family
}

/// How long each service took, from zero for each.
fn upstream_latency(registry: &Registry) -> Result<HistogramFamily<1>, MetricError> {
    let (name, help) = ("faucet_upstream_latency_seconds", "How long each service took.");
    let latency = registry.histogram(name, help, ["upstream"], Unit::MILLISECONDS, SECONDS)?;
    for upstream in Upstream::ALL {
        latency.with([upstream.name()]);
    }
    Ok(latency)
}

/// Counted where releases are made; here so that dashboards find them.
fn releases(registry: &Registry) -> Result<(), MetricError> {
    for (name, help) in [("image_build_total", "Images built."), ("rollback_total", "Rollbacks.")] {
        let made = registry.counter(name, help, ["repository_type"], Unit::ONE)?;
        for kind in ["canonical", "staging"] {
            made.with([kind]);
        }
    }
    Ok(())
}

impl Observer for FaucetMetrics {
    fn called(&self, upstream: Upstream, took: Duration, error: Option<&Unavailable>) {
        let took_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        self.upstream_latency.with([upstream.name()]).observe(took_ms);
        if upstream == Upstream::Fortnite {
            self.fortnite_calls.increment();
            self.fortnite_errors.add(u64::from(error.is_some()));
            self.fortnite_latency.observe(took_ms);
        }
    }

    fn locally_limited(&self, upstream: Upstream) {
        if upstream == Upstream::Fortnite {
            self.fortnite_limited.increment();
        }
    }
}
