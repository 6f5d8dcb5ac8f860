//! Backups on a timer, the daily proof that the newest one restores, and their ages for everybody to see.

use std::sync::Arc;

use bursar_audit::{Actor, Recorder};
use bursar_desk::Platform;
use bursar_desk::job::{Cadence, Job, JobFault, JobTurn, Progress};
use bursar_ops::backup::{BackupError, Finding, Retention, Work, WorkRow, removable, remove, work_rows};
use bursar_store::{Store, StoreError, Timestamp, Tx};
use bursar_web::metrics::{MetricError, Reading, Registry, Unit};
use parking_lot::Mutex;

use crate::config::Configuration;
use crate::host::{Backups, Chronicle};

const MINUTE_MS: i64 = 60_000;
/// Backups are counted from 02:00 UTC (docs/spec/platform.md, jobs).
const FIRST_MS: i64 = 120 * MINUTE_MS;
/// The proof runs daily at 08:17 UTC.
const PROOF: Cadence = Cadence::daily_at(8, 17);
/// How old the figures of the metrics may be. Real time.
const FIGURES_MS: i64 = 1_000;

/// The jobs of backups; also registers their metrics.
pub(super) fn jobs(platform: &Platform, configuration: &Configuration) -> Vec<Job> {
    let figures = Arc::new(Mutex::new(Figures::default()));
    if let Err(error) = register(&platform.metrics, &figures) {
        tracing::error!(%error, "the metrics of backups cannot be registered");
    }
    // Every process looks, since each shows the metrics; there is never anything to run.
    let look = move |tx: &mut Tx<'_>| {
        *figures.lock() = Figures::read(tx)?;
        Ok(None)
    };
    let keeper = Arc::new(Keeper {
        store: Arc::clone(&platform.store),
        recorders: [Work::Create, Work::Verify]
            .map(|work| platform.recorder(&format!("backup/{}", work.name()))),
        configuration: configuration.clone(),
    });
    let every = i64::from(configuration.backup.interval_minutes).saturating_mul(MINUTE_MS);
    let every = Cadence::every_ms(every).from_offset_ms(FIRST_MS);
    let prover = Arc::clone(&keeper);
    vec![
        Job::new("platform.backup", every, move |turn| keeper.create(turn)),
        Job::new("platform.backup_verify", PROOF, move |_| prover.verify()),
        Job::new("platform.backup_figures", Cadence::every_ms(FIGURES_MS), |_| Ok(Progress::Done))
            .when(look)
            .in_real_time(),
    ]
}

struct Keeper {
    store: Arc<Store>,
    /// A chain of each kind of work, since they may run at the same time.
    recorders: [Recorder; 2],
    configuration: Configuration,
}

impl Keeper {
    fn chronicle(&self, work: Work) -> Chronicle<'_> {
        let [create, verify] = &self.recorders;
        let (recorder, actor) = match work {
            Work::Create => (create, "platform.backup"),
            Work::Verify => (verify, "platform.backup_verify"),
        };
        Chronicle { store: &self.store, recorder, actor: Actor::system(actor) }
    }

    /// Makes a backup and removes those that need not be kept.
    fn create(&self, turn: &JobTurn) -> Result<Progress, JobFault> {
        let made = || -> Result<(), JobFault> {
            let now = self.store.read("backup.now", |tx| tx.reading())?;
            let backups = Backups::new(&self.configuration, None)?;
            let created = backups.create(&self.store.url(), now, &|| !turn.is_stopping())?;
            let bytes = backups.bytes(&created.name)?;
            self.chronicle(Work::Create).created(&created, bytes)?;
            self.prune(&backups)
        };
        match made() {
            Ok(()) => Ok(Progress::Done),
            Err(fault) if turn.is_stopping() => Err(fault),
            Err(fault) => {
                self.chronicle(Work::Create).failed(Work::Create, None, &fault.to_string())?;
                Err(fault)
            }
        }
    }

    /// Removes those that need not be kept, and says which; the newest that was proven stays.
    fn prune(&self, backups: &Backups) -> Result<(), JobFault> {
        let chronicle = self.chronicle(Work::Create);
        let proven = chronicle.newest_proven(&backups.target().names()?)?;
        let mut removable = removable(backups.target(), Retention::STANDARD)?;
        removable.retain(|name| Some(name) != proven.as_ref());
        if removable.is_empty() {
            return Ok(());
        }
        chronicle.pruned(&removable, "beyond the standard retention", &backups.target().place())?;
        Ok(remove(backups.target(), &removable)?)
    }

    /// Proves that the newest backup restores.
    fn verify(&self) -> Result<Progress, JobFault> {
        let mut name = None;
        let mut proven = || -> Result<(), JobFault> {
            let backups = Backups::new(&self.configuration, None)?;
            let newest = name.insert(backups.newest()?);
            let verified = backups.verify(newest, false, None)?;
            if !verified.findings.is_empty() {
                let (name, findings) = (newest.clone(), verified.findings);
                return Err(Box::new(BackupError::Damaged { name, findings: first(findings) }));
            }
            let bytes = backups.bytes(newest)?;
            Ok(self.chronicle(Work::Verify).proven(newest, bytes, verified.took_ms)?)
        };
        let result = proven();
        if let Err(fault) = &result {
            self.chronicle(Work::Verify).failed(Work::Verify, name.as_ref(), &fault.to_string())?;
        }
        result.map(|()| Progress::Done)
    }
}

/// The first few findings: an event has no room for all.
fn first(mut findings: Vec<Finding>) -> Vec<Finding> {
    findings.truncate(20);
    findings
}

/// What the metrics show: the rows, and what the rules' clock showed when they were read.
#[derive(Default)]
struct Figures {
    now: Option<Timestamp>,
    rows: Vec<WorkRow>,
}

impl Figures {
    fn read(tx: &mut Tx<'_>) -> Result<Figures, StoreError> {
        Ok(Figures { now: Some(tx.reading()?), rows: work_rows(tx)? })
    }

    fn of<T>(&self, work: Work, read: impl FnOnce(&WorkRow) -> Option<T>) -> Option<T> {
        self.rows.iter().find(|row| row.work == work).and_then(read)
    }

    fn age_ms(&self, work: Work) -> Option<i64> {
        let succeeded = self.of(work, |row| row.succeeded_at)?;
        Some(self.now?.ms().saturating_sub(succeeded.ms()).max(0))
    }
}

fn register(metrics: &Registry, figures: &Arc<Mutex<Figures>>) -> Result<(), MetricError> {
    type Read = fn(&Figures) -> Option<i64>;
    let last: Read = |figures| figures.of(Work::Create, |row| row.succeeded_at).map(Timestamp::ms);
    let gauges: [(&'static str, &'static str, Unit, Read); 5] = [
        (
            "bursar_backup_age_seconds",
            "Time since the last backup, by the rules' clock; absent while there is none.",
            Unit::MILLISECONDS,
            |figures| figures.age_ms(Work::Create),
        ),
        (
            "bursar_restore_proof_age_seconds",
            "Time since a backup was last proven by restoring it, by the rules' clock; absent while none was.",
            Unit::MILLISECONDS,
            |figures| figures.age_ms(Work::Verify),
        ),
        ("bursar_last_backup_timestamp_seconds", "When the last backup was made.", Unit::MILLISECONDS, last),
        ("aiba_last_backup_timestamp_seconds", "The same under the arena's name.", Unit::MILLISECONDS, last),
        ("bursar_backup_bytes", "Size of the last backup.", Unit::ONE, |figures| {
            figures.of(Work::Create, |row| row.bytes)
        }),
    ];
    for (name, help, unit, read) in gauges {
        let figures = Arc::clone(figures);
        metrics.computed_gauge(name, help, [], unit, move || {
            read(&figures.lock()).map(|value| Reading { labels: [], value }).into_iter().collect()
        })?;
    }
    let figures = Arc::clone(figures);
    let help = "Backups that could not be made, and proofs that failed.";
    metrics.computed_counter("bursar_backup_failures_total", help, ["work"], Unit::ONE, move || {
        let figures = figures.lock();
        let count = |work| figures.of(work, |row: &WorkRow| Some(row.failures)).unwrap_or(0);
        let reading = |work: Work| Reading { labels: [work.name().to_owned()], value: count(work) };
        Work::ALL.map(reading).into()
    })
}
