//! Raising alerts: every rule of every desk, judged every few seconds without anybody asking (R26a to R26c).

use std::sync::Arc;

use bursar_control::{ConfigTable, settings};
use bursar_desk::Platform;
use bursar_desk::alert::AlertRule;
use bursar_desk::job::{Cadence, Job, JobFault, JobTurn, Progress};
use bursar_ops::alerts::Evaluator;
use bursar_ops::alerts::rules::{internal_errors, missed};
use bursar_ops::incidents::Figures;
use bursar_ops::rollup::{KEPT_DAYS, prune};
use bursar_store::{Store, Timestamp};
use bursar_web::metrics::MetricError;

use super::watch::{Teller, Watch};
use crate::host::Desks;

/// How often the job looks whether something is to be raised. Real time.
const CADENCE_MS: i64 = 1_000;
const HOUR_MS: i64 = 3_600_000;
/// Long past: what is pending is overdue.
const OVERDUE: Timestamp = Timestamp::from_ms(0);

/// The watch over the rules of `desks` and over their `jobs`; it begins with [`Watch::start`].
pub(crate) fn watch(platform: &Platform, desks: &Desks, jobs: &[Job]) -> Result<Watch, WatchFault> {
    let store = &platform.store;
    let started = store.read("alerts.started", |tx| tx.reading())?;
    let mut rules: Vec<AlertRule> = vec![internal_errors()];
    let incidents = Figures::new();
    incidents.register(&platform.metrics)?;
    rules.extend(incidents.rules());
    for desk in desks.on() {
        rules.extend(desk.alerts());
        let of_desk = |job: &&Job| job.name.split_once('.').is_some_and(|(owner, _)| owner == desk.name());
        let missed = |job: &Job| missed(desk.name(), job, store.clock(), started);
        rules.extend(jobs.iter().filter(of_desk).filter_map(missed));
    }
    let evaluator = Evaluator::new(Arc::clone(store), platform.recorder("platform.alerts"), rules);
    Ok(Watch::new(platform, evaluator)?)
}

/// Why the watch cannot begin.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WatchFault {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] bursar_store::StoreError),
    /// A metric cannot be registered.
    #[error(transparent)]
    Metric(#[from] MetricError),
}

/// The jobs of the watch: raising, and pruning what was counted long ago.
pub(crate) fn jobs(platform: &Platform, watch: &Watch) -> [Job; 2] {
    let store = Arc::clone(&platform.store);
    let prune =
        Job::new("platform.rollup_prune", Cadence::every_ms(HOUR_MS), move |turn| prune_old(&store, turn));
    [tell_job(watch.teller()), prune]
}

fn tell_job(teller: Teller) -> Job {
    let pending = teller.clone();
    let run = move || -> Result<Progress, JobFault> {
        teller.tell()?;
        Ok(Progress::Done)
    };
    Job::new("platform.alerts", Cadence::every_ms(CADENCE_MS), move |_| run())
        .when(move |_| Ok(pending.has_any().then_some(OVERDUE)))
        .in_real_time()
}

fn prune_old(store: &Store, turn: &JobTurn) -> Result<Progress, JobFault> {
    let has_more = store.transact("ops.prune", |tx| {
        let now = tx.reading()?;
        let values = settings::values(tx, ConfigTable::PLATFORM, &[KEPT_DAYS])?;
        prune(tx, values.get(KEPT_DAYS.key).copied().unwrap_or(KEPT_DAYS.default), now)
    })?;
    Ok(if has_more && !turn.is_stopping() { Progress::More } else { Progress::Done })
}
