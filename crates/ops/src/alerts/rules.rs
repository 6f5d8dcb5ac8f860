//! The platform's own rules: faults of ours, and jobs that nobody does.

use std::collections::BTreeMap;
use std::sync::Arc;

use bursar_audit::Level;
use bursar_control::ConfigTable;
use bursar_control::settings::Setting;
use bursar_desk::alert::{AlertRule, Figure, Measured, Telling, Threshold};
use bursar_desk::job::{Job, Pace, job_rows};
use bursar_store::{Clock, StoreError, Timestamp, Tx};

use crate::rollup::{Series, total};

/// The total of answers that were faults of ours; whoever counts them adds to it.
pub const INTERNAL_ERRORS: &str = "internal_errors";

const MINUTE_MS: i64 = 60_000;
const PLATFORM: &str = "platform";

/// From how many faults of ours on an alert is raised.
const INTERNAL_ERRORS_MIN: Setting = Setting {
    key: "alert_internal_errors",
    variable: "BURSAR_ALERT_INTERNAL_ERRORS",
    min: 1,
    max: 1_000_000,
    default: 1,
    description: "answers of 500 since the last alert from which on the next is raised",
};
/// After how many intervals without a run a job counts as missed.
const MISSED_INTERVALS: Setting = Setting {
    key: "alert_missed_intervals",
    variable: "BURSAR_ALERT_MISSED_INTERVALS",
    min: 1,
    max: 1_000,
    default: 2,
    description: "intervals of a job without success, while work is due, from which on an alert is raised",
};

/// The live settings of these rules, kept in the platform's configuration table.
#[must_use]
pub fn settings() -> Vec<Setting> {
    vec![INTERNAL_ERRORS_MIN, MISSED_INTERVALS]
}

/// Answers of 500, over all processes: a summary beside the events that routes record of single faults.
#[must_use]
pub fn internal_errors() -> AlertRule {
    AlertRule {
        id: "internal_errors",
        desk: PLATFORM,
        telling: Telling::Event(Level::Error, "ops.internal_errors"),
        figure: Figure::Total,
        threshold: live(INTERNAL_ERRORS_MIN, 1),
        cooldown_ms: MINUTE_MS,
        runbook: "internal-errors",
        measure: Arc::new(|tx, _| Ok(Measured::of(total(tx, INTERNAL_ERRORS)?))),
    }
}

/// The answers of 500 among counters that have grown.
#[must_use]
pub fn count_internal_errors(grown: &BTreeMap<String, i64>) -> i64 {
    let is_fault = |series: &str| {
        let is_request = series.starts_with("http_requests_total{");
        is_request && Series::parse(series).is_some_and(|series| series.label("status") == "500")
    };
    let faults = grown.iter().filter(|(series, _)| is_fault(series));
    faults.fold(0, |sum, (_, growth)| sum.saturating_add(*growth))
}

/// A job with work that nobody does: its worker hangs, fails or has no lease. The figure is for how long work has been
/// due without success, in milliseconds; `started` is when this process began to follow. `None` for jobs that cannot be
/// judged: those without due work, and all under a clock that moves only by hand, which nobody misses between moves.
#[must_use]
pub fn missed(desk: &'static str, job: &Job, clock: &Clock, started: Timestamp) -> Option<AlertRule> {
    let factor = match clock {
        Clock::System => 1,
        // A fast clock makes no thread faster: intervals are those of real time.
        Clock::Fast { factor, .. } => i64::from(*factor),
        Clock::Manual(_) | Clock::Simulated(_) => return None,
    };
    let work_at = job.work_at.clone().filter(|_| job.pace == Pace::Rules)?;
    let name = job.name;
    let measure = move |tx: &mut Tx<'_>, now: Timestamp| -> Result<Measured, StoreError> {
        let Some(due) = work_at(tx)? else { return Ok(Measured::of(0)) };
        let row = job_rows(tx)?.into_iter().find(|row| row.name == name);
        let succeeded = row.as_ref().and_then(|row| row.succeeded_at);
        let since = succeeded.into_iter().fold(due.max(started), Timestamp::max);
        let measured = Measured::of(now.ms().saturating_sub(since.ms()).max(0)).with("job", name);
        let holder = row.as_ref().and_then(|row| row.holder.clone());
        Ok(measured.with("holder", holder).with("lastError", row.and_then(|row| row.last_error)))
    };
    // A rule lives as long as the process; there is one a job.
    let id: &'static str = Box::leak(format!("missed:{name}").into_boxed_str());
    Some(AlertRule {
        id,
        desk,
        telling: Telling::Event(Level::Error, "ops.keeper_missed"),
        figure: Figure::State,
        threshold: live(MISSED_INTERVALS, job.cadence.distance_ms().saturating_mul(factor)),
        cooldown_ms: MINUTE_MS,
        runbook: "keeper-missed",
        measure: Arc::new(measure),
    })
}

fn live(setting: Setting, factor: i64) -> Threshold {
    Threshold::Live { table: ConfigTable::PLATFORM, setting, factor }
}
