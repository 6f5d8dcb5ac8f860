//! What the process knows about itself, for the infrastructure routes (H13 to H15, H18).

use std::collections::BTreeSet;
use std::sync::Arc;

use bursar_control::Switchboard;
use bursar_desk::Readiness;
use bursar_store::{Clock, Migration, Store, StoreError, Timestamp, Tx};
use bursar_web::infrastructure::{DatabaseHealth, Finding, HealthSource, MetricsAccess, Upstreams, Weight};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use parking_lot::RwLock;

use super::{COMMIT, relations};
use crate::config::{Configuration, Mode};
use crate::host::service_key;

/// The scope of findings that concern every desk.
const PROCESS: &str = "process";
/// How far ahead of the clock what was written may lie before somebody has to look: clocks are put right by less.
const CLOCK_AHEAD_MS_MAX: i64 = 60_000;

/// The process's health.
#[derive(Clone)]
pub(super) struct ProcessHealth {
    store: Arc<Store>,
    switchboard: Switchboard,
    migrations: Arc<Vec<Migration>>,
    promised: Arc<BTreeSet<String>>,
    version: String,
    desks: Vec<&'static str>,
    metrics: MetricsAccess,
    /// The desks' checks; `None` until they have started.
    readiness: Arc<RwLock<Option<Vec<Readiness>>>>,
}

impl ProcessHealth {
    pub fn new(
        configuration: &Configuration,
        store: Arc<Store>,
        switchboard: Switchboard,
        migrations: Arc<Vec<Migration>>,
        desks: Vec<&'static str>,
    ) -> ProcessHealth {
        ProcessHealth {
            promised: Arc::new(relations::promised(&migrations)),
            store,
            switchboard,
            migrations,
            version: configuration.value("IMAGE_TAG").unwrap_or("dev").to_owned(),
            desks,
            metrics: metrics_access(configuration),
            readiness: Arc::default(),
        }
    }

    /// The same for a listener of operators: who can reach it may read the metrics, unless a token is asked for (H18).
    pub fn for_operators(&self) -> ProcessHealth {
        let metrics = match &self.metrics {
            token @ MetricsAccess::Token(_) => token.clone(),
            MetricsAccess::Open | MetricsAccess::Networks(_) => MetricsAccess::Open,
        };
        ProcessHealth { metrics, ..self.clone() }
    }

    /// The desks have started; these are their checks.
    pub fn opened(&self, checks: Vec<Readiness>) {
        *self.readiness.write() = Some(checks);
    }
}

impl HealthSource for ProcessHealth {
    fn version(&self) -> String {
        self.version.clone()
    }

    fn commit(&self) -> String {
        COMMIT.to_owned()
    }

    fn timestamp(&self) -> String {
        let real = bursar_store::clock::machine_time();
        // Under a manual clock this is its start: the time of day is no reason to ask the database.
        rfc3339(self.store.clock().transform(real))
    }

    fn desks(&self) -> Vec<&'static str> {
        self.desks.clone()
    }

    fn trades_enabled(&self) -> bool {
        false
    }

    fn trades_started(&self) -> bool {
        false
    }

    fn database(&self) -> BoxFuture<'_, DatabaseHealth> {
        let (store, migrations) = (Arc::clone(&self.store), Arc::clone(&self.migrations));
        let asked = tokio::task::spawn_blocking(move || match store.migration_state(&migrations) {
            Ok(state) => DatabaseHealth { answers: true, migrated: state.is_servable() },
            Err(error) => {
                tracing::warn!(%error, "the database does not answer");
                DatabaseHealth { answers: false, migrated: false }
            }
        });
        async { asked.await.unwrap_or(DatabaseHealth { answers: false, migrated: false }) }.boxed()
    }

    fn upstreams(&self) -> Upstreams {
        Upstreams::default()
    }

    fn readiness(&self) -> BoxFuture<'_, Vec<Finding>> {
        let look = Look {
            store: Arc::clone(&self.store),
            switchboard: self.switchboard.clone(),
            migrations: Arc::clone(&self.migrations),
            promised: Arc::clone(&self.promised),
            checks: self.readiness.read().clone(),
        };
        let looked = tokio::task::spawn_blocking(move || look.findings());
        async { looked.await.unwrap_or_else(|error| vec![required("checks", error.to_string())]) }.boxed()
    }

    fn metrics_access(&self) -> MetricsAccess {
        self.metrics.clone()
    }
}

/// One look at everything that readiness asks for.
struct Look {
    store: Arc<Store>,
    switchboard: Switchboard,
    migrations: Arc<Vec<Migration>>,
    promised: Arc<BTreeSet<String>>,
    checks: Option<Vec<Readiness>>,
}

impl Look {
    fn findings(&self) -> Vec<Finding> {
        let mut findings = self.schema();
        if !findings.is_empty() {
            return findings;
        }
        if let Err(error) = self.switchboard.recorded() {
            findings.push(required("control_file", error.to_string()));
        }
        let read = self.store.read("serve.readiness", |tx| self.read(tx));
        findings.extend(read.unwrap_or_else(|error| vec![required("database", error.to_string())]));
        findings
    }

    fn schema(&self) -> Vec<Finding> {
        let state = match self.store.migration_state(&self.migrations) {
            Ok(state) => state,
            Err(error) => return vec![required("database", error.to_string())],
        };
        let named = |list: &[String], what: &str| {
            (!list.is_empty()).then(|| required("migrations", format!("{what}: {}", list.join(", "))))
        };
        let pending = named(&state.pending, "run `bursar migrate up` for");
        let incompatible = named(&state.incompatible, "another version has changed");
        pending.into_iter().chain(incompatible).collect()
    }

    fn read(&self, tx: &mut Tx<'_>) -> Result<Vec<Finding>, StoreError> {
        let missing = relations::missing(tx, &self.promised)?;
        if !missing.is_empty() {
            let text = format!("{} gone; restore from a backup", missing.join(", "));
            return Ok(vec![required("relations", text)]);
        }
        let sql = "SELECT number FROM audit_links ORDER BY chain DESC, number DESC LIMIT 1";
        tx.query_first(sql, &[], |row| row.get::<i64>(0))?;
        let Some(checks) = &self.checks else {
            return Ok(vec![required("desks", "they are starting; ask again in a moment".to_owned())]);
        };
        let mut findings: Vec<Finding> = standing_time(tx, self.store.clock())?.into_iter().collect();
        for check in checks {
            findings.extend(check(tx)?);
        }
        Ok(findings)
    }
}

/// Time never goes back, so after a clock that ran far ahead and was put right it stands still: limits stay used up and
/// jobs wait.
fn standing_time(tx: &mut Tx<'_>, clock: &Clock) -> Result<Option<Finding>, StoreError> {
    let Clock::System = clock else { return Ok(None) };
    let now = tx.reading()?;
    let latest = tx.latest_mark()?.filter(|mark| *mark > now.after_ms(CLOCK_AHEAD_MS_MAX));
    Ok(latest.map(|mark| {
        let text = format!(
            "a clock has run ahead: time stands still until {}; set this machine's clock right, or restore a backup from before",
            rfc3339(mark)
        );
        Finding { scope: PROCESS, check: "clock", weight: Weight::Degraded, text }
    }))
}

fn required(check: &'static str, text: String) -> Finding {
    Finding { scope: PROCESS, check, weight: Weight::Required, text }
}

/// With a token it alone opens; else production lets loopback and listed networks read, other modes anybody.
fn metrics_access(configuration: &Configuration) -> MetricsAccess {
    let token = service_key(configuration, "METRICS_TOKEN");
    match (token.is_set(), configuration.mode) {
        (true, _) => MetricsAccess::Token(token),
        (false, Mode::Production) => MetricsAccess::Networks(configuration.metrics.allow.clone()),
        (false, Mode::Dev | Mode::Test) => MetricsAccess::Open,
    }
}

fn rfc3339(time: Timestamp) -> String {
    jiff::Timestamp::from_millisecond(time.ms()).map_or_else(|_| time.to_string(), |time| time.to_string())
}
