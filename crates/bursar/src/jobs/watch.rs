//! What each process watches by itself: its own counters, stored by minute, and the figures of all alert rules.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use bursar_desk::{Platform, Refusals};
use bursar_ops::alerts::rules::{INTERNAL_ERRORS, count_internal_errors};
use bursar_ops::alerts::{Evaluator, Seen};
use bursar_ops::rollup::{Addition, Growth, add};
use bursar_store::{Store, StoreError};
use bursar_web::metrics::{MetricError, Reading, Registry, Unit};
use parking_lot::{Condvar, Mutex};

/// How often rules are measured and counters looked at. Real time.
const LOOK: Duration = Duration::from_secs(2);
/// How often counters are stored; faults of ours are stored at the next look.
const STORE: Duration = Duration::from_secs(10);
/// The counters that are kept by minute.
const KEPT: [&str; 8] = [
    "http_requests_total",
    "http_request_duration_seconds",
    "bursar_rate_limited_total",
    "rounds_joins_total",
    "rounds_settled_total",
    "rounds_voided_total",
    "rounds_settle_failures_total",
    "rounds_settlement_lag_seconds",
];

/// Watches until it is stopped. Jobs cannot do this: one process runs a job, and each has counters of its own.
pub(crate) struct Watch {
    shared: Arc<Shared>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

struct Shared {
    store: Arc<Store>,
    metrics: Arc<Registry>,
    refusals: Refusals,
    evaluator: Arc<Evaluator>,
    growth: Mutex<Growth>,
    seen: Mutex<Vec<Seen>>,
    stopping: Mutex<bool>,
    wake: Condvar,
}

impl Watch {
    /// Registers the rules' figures as metrics. [`Watch::start`] begins to fill them.
    pub fn new(platform: &Platform, evaluator: Evaluator) -> Result<Watch, MetricError> {
        let shared = Arc::new(Shared {
            store: Arc::clone(&platform.store),
            metrics: Arc::clone(&platform.metrics),
            refusals: platform.refusals.clone(),
            evaluator: Arc::new(evaluator),
            growth: Mutex::default(),
            seen: Mutex::default(),
            stopping: Mutex::new(false),
            wake: Condvar::new(),
        });
        shared.register()?;
        Ok(Watch { shared, thread: Mutex::default() })
    }

    /// What raises the alerts that this process sees pending.
    pub fn teller(&self) -> Teller {
        Teller(Arc::clone(&self.shared))
    }

    /// Starts the thread.
    pub fn start(&self) -> Result<(), StoreError> {
        let shared = Arc::clone(&self.shared);
        let thread = std::thread::Builder::new().name("watch".to_owned()).spawn(move || shared.follow());
        let thread = thread.map_err(|error| StoreError::Unavailable(format!("watching thread: {error}")))?;
        *self.thread.lock() = Some(thread);
        Ok(())
    }

    /// Ends the thread; what was counted last is stored.
    pub fn stop(&self) {
        *self.shared.stopping.lock() = true;
        self.shared.wake.notify_all();
        if let Some(thread) = self.thread.lock().take() {
            // A panic of the thread was reported where it happened.
            let _ = thread.join();
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Raises alerts on behalf of the job that holds the lease.
#[derive(Clone)]
pub(crate) struct Teller(Arc<Shared>);

impl Teller {
    /// Whether this process sees an alert that is to be raised or ended.
    pub fn has_any(&self) -> bool {
        self.0.seen.lock().iter().any(|seen| seen.is_pending)
    }

    /// Raises and ends them.
    pub fn tell(&self) -> Result<(), StoreError> {
        let told = self.0.evaluator.tell();
        self.0.look();
        told
    }
}

impl Shared {
    fn follow(&self) {
        let mut stored = Instant::now();
        loop {
            let stopping = self.wait();
            if self.count(stopping || stored.elapsed() >= STORE) {
                stored = Instant::now();
            }
            if stopping {
                return;
            }
            self.look();
        }
    }

    /// Waits until the next look; says whether this is the end.
    fn wait(&self) -> bool {
        let mut stopping = self.stopping.lock();
        if !*stopping {
            self.wake.wait_for(&mut stopping, LOOK);
        }
        *stopping
    }

    fn look(&self) {
        let seen = self.evaluator.look();
        *self.seen.lock() = seen;
    }

    /// Stores what was counted when `is_time`, or when there are faults to tell of. Says whether the time counts anew.
    fn count(&self, is_time: bool) -> bool {
        let mut growth = self.growth.lock();
        let grown = growth.since_stored(&self.metrics.render_only(&KEPT));
        let errors = count_internal_errors(&grown);
        if !is_time && errors == 0 {
            return false;
        }
        let totals = [(INTERNAL_ERRORS, errors)].into_iter().filter(|(_, errors)| *errors > 0);
        let addition =
            Addition { grown, refused: self.refusals.take(), totals: totals.collect::<BTreeMap<_, _>>() };
        if addition.is_empty() {
            return true;
        }
        let added = self.store.transact("ops.minutes", |tx| {
            let now = tx.reading()?;
            add(tx, &addition, now)
        });
        match added {
            Ok(()) => growth.note_stored(&addition.grown),
            Err(error) => {
                tracing::warn!(%error, "counts could not be stored; they are stored with the next");
                self.refusals.put_back(addition.refused);
            }
        }
        true
    }

    fn register(self: &Arc<Self>) -> Result<(), MetricError> {
        type Read = fn(&Seen) -> i64;
        let gauges: [(&'static str, &'static str, Read); 2] = [
            (
                "bursar_alert_value",
                "The figure of each alert rule, in the rule's own unit; absent while it cannot be measured.",
                |seen| seen.value,
            ),
            ("bursar_alert_threshold", "The figure from which on each alert is raised.", |seen| {
                seen.threshold
            }),
        ];
        for (name, help, read) in gauges {
            let shared = Arc::downgrade(self);
            self.metrics.computed_gauge(name, help, ["rule"], Unit::ONE, move || {
                let Some(shared) = shared.upgrade() else { return Vec::new() };
                let seen = shared.seen.lock();
                seen.iter()
                    .map(|seen| Reading { labels: [seen.rule.to_owned()], value: read(seen) })
                    .collect()
            })?;
        }
        Ok(())
    }
}
