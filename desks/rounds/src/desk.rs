//! The rounds desk as the platform sees it: tables, switches, settings, routes, jobs and readiness.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bursar_audit::Level;
use bursar_control::settings::Setting;
use bursar_control::{ConfigTable, Switch};
use bursar_desk::alert::AlertRule;
use bursar_desk::job::{Cadence, Job, JobFault, Progress};
use bursar_desk::{Desk, DeskFault, OpenDesk, Platform, Readiness};
use bursar_store::lane::{Lane, LaneOptions};
use bursar_store::{EngineKind, Migration, StoreError};
use bursar_web::infrastructure::{Finding, Weight};
use bursar_web::{CorsPolicy, HeaderPolicy, ServiceKey};
use serde_json::json;

use crate::alert::Alerts;
use crate::http::{FaultBudget, OneAtATime, Routes, StatusCache, surface};
use crate::join::JoinWork;
use crate::launch::LaunchFacts;
use crate::metrics::DeskMetrics;
use crate::oracle::{HermesClient, HermesConfig, LatestPrices, PriceSource};
use crate::settings;
use crate::settle::{SettleError, Settler, SettlerParts, TreasuryGuard, next_due};
use crate::timing::Round;
use crate::watch::rules;
use crate::{DESK, migrations, worker};

/// How often settlement is tried again while due rounds stay unsettled (docs/spec/rounds.md section 5).
const SWEEP_MS: i64 = 5_000;

/// What the desk is told at start.
#[derive(Clone)]
pub struct RoundsConfig {
    /// Whether the server runs with real money: a missing key then closes what it opens elsewhere.
    pub is_production: bool,
    /// Opens play-money settlement (`x-sim-settle-key`).
    pub sim_settle_key: ServiceKey,
    /// Opens health, summary and the switches (`x-ops-key`).
    pub ops_key: ServiceKey,
    /// Where prices come from.
    pub hermes: HermesBase,
    /// Whether fees go where the operator expects.
    pub treasury: TreasuryGuard,
    /// How long the public status may reuse its counts.
    pub status_cache: Duration,
    /// What the prelaunch gate looks at.
    pub launch: LaunchFacts,
    /// The build commit, shown in the operators' health.
    pub build: String,
    /// The security headers of its answers.
    pub headers: HeaderPolicy,
    /// Foreign origins that may read its answers.
    pub cors: CorsPolicy,
}

/// Base URL of the price service; `Debug` does not show it, since it may carry a provider's token.
#[derive(Clone)]
pub struct HermesBase(pub String);

/// The desk.
pub struct RoundsDesk {
    config: RoundsConfig,
    prices: OnceLock<Arc<LatestPrices>>,
}

impl RoundsDesk {
    /// A desk with its configuration; nothing runs yet.
    #[must_use]
    pub fn new(config: RoundsConfig) -> RoundsDesk {
        RoundsDesk { config, prices: OnceLock::new() }
    }

    /// The newest prices as this desk asks for them; `None` until it was opened.
    #[must_use]
    pub fn latest_prices(&self) -> Option<Arc<LatestPrices>> {
        self.prices.get().map(Arc::clone)
    }
}

impl Desk for RoundsDesk {
    fn name(&self) -> &'static str {
        DESK
    }

    fn migrations(&self, engine: EngineKind) -> Vec<Migration> {
        migrations(engine)
    }

    fn table(&self) -> ConfigTable {
        ConfigTable::ROUNDS
    }

    fn switches(&self) -> Vec<Switch> {
        settings::SWITCHES.to_vec()
    }

    fn settings(&self) -> Vec<Setting> {
        settings::all()
    }

    fn alerts(&self) -> Vec<AlertRule> {
        rules(self.config.treasury)
    }

    fn open(&self, platform: &Platform) -> Result<OpenDesk, DeskFault> {
        let prices = HermesClient::new(HermesConfig::new(self.config.hermes.0.clone()))
            .map_err(|error| DeskFault::Setting { desk: DESK, why: error.to_string() })?;
        let prices: Arc<dyn PriceSource> = Arc::new(prices);
        let settler = Settler::new(SettlerParts {
            store: Arc::clone(&platform.store),
            switchboard: platform.switchboard.clone(),
            recorder: platform.recorder("rounds.settle"),
            prices: Arc::clone(&prices),
            treasury: self.config.treasury,
        });
        let joins = JoinWork::new(platform.switchboard.clone(), platform.recorder("rounds.join"));
        let joins = Arc::new(Lane::start(Arc::clone(&platform.store), joins, LaneOptions::default())?);
        let metrics = DeskMetrics::register(&platform.metrics, &joins)?;
        let told = metrics.clone();
        let settler = Arc::new(settler.telling(move |settled| told.count_settled(settled)));
        let recorder = platform.recorder("rounds.alerts");
        let alerts = Alerts::new(Arc::clone(&platform.store), platform.switchboard.clone(), recorder);
        let alerts = Arc::new(alerts);
        let status = Arc::new(StatusCache::new(self.config.status_cache));
        let settle =
            settle_job(Arc::clone(&settler), Arc::clone(&status), Arc::clone(&alerts), metrics.clone());
        let alert = alert_job(Arc::clone(&alerts));
        let routes = Routes {
            platform: platform.clone(),
            config: self.config.clone(),
            started_at: platform.store.read("rounds.started_at", |tx| tx.reading())?,
            joins,
            settler,
            settling: OneAtATime::default(),
            recorder: platform.recorder("rounds.ops"),
            status,
            alerts,
            metrics,
            faults: FaultBudget::default(),
            latest_prices: Arc::clone(self.prices.get_or_init(|| Arc::new(LatestPrices::new(prices)))),
        };
        Ok(OpenDesk {
            surface: surface(Arc::new(routes)),
            jobs: vec![settle, alert],
            readiness: self.readiness(),
        })
    }
}

impl RoundsDesk {
    /// A wrong treasury is not ready in any mode, an unknown one not in production (docs/spec/rounds.md 3.5). Rounds
    /// that wait for prices degrade (H15).
    fn readiness(&self) -> Readiness {
        let (treasury, is_production) = (self.config.treasury, self.config.is_production);
        Arc::new(move |tx| {
            let required = |text: &str| {
                vec![Finding {
                    scope: DESK,
                    check: "treasury",
                    weight: Weight::Required,
                    text: text.to_owned(),
                }]
            };
            let mut findings = match treasury {
                TreasuryGuard::Matches => Vec::new(),
                TreasuryGuard::Off if !is_production => Vec::new(),
                TreasuryGuard::Off => {
                    required("PANCHO_EXPECTED_TREASURY_WALLET is unset; set it to the fee wallet")
                }
                TreasuryGuard::Mismatch => required(
                    "the treasury wallet is not the expected one; correct PANCHO_TREASURY_WALLET or \
                     PANCHO_EXPECTED_TREASURY_WALLET",
                ),
            };
            findings.extend(price_feed(tx)?);
            Ok(findings)
        })
    }
}

/// Settles rounds when they end, and tries those again that could not be settled.
fn settle_job(
    settler: Arc<Settler>,
    status: Arc<StatusCache>,
    alerts: Arc<Alerts>,
    metrics: DeskMetrics,
) -> Job {
    let run = move || -> Result<Progress, JobFault> {
        let settled = match settler.run_due(None) {
            Ok(report) => report.settled,
            Err(SettleError::Paused) => return Ok(Progress::Done),
            Err(error) => {
                metrics.count_settle_failure(&error);
                tell(&alerts, &error);
                return Err(error.into());
            }
        };
        status.forget();
        Ok(if settled.is_empty() { Progress::Done } else { Progress::More })
    };
    let next = |tx: &mut bursar_store::Tx<'_>| -> Result<_, StoreError> { next_due(tx) };
    Job::new(worker::JOB, Cadence::every_ms(SWEEP_MS), move |_| run()).when(next)
}

/// Tells operators that the timer could not settle: nobody waits for its answer.
fn tell(alerts: &Alerts, error: &SettleError) {
    let payload = json!({"why": error.to_string()});
    if let Err(error) = alerts.raise(Level::Error, error.event(), &payload) {
        tracing::error!(%error, "a failed settlement could not be recorded");
    }
}

/// Judges the alerts when a threshold is reached.
fn alert_job(alerts: Arc<Alerts>) -> Job {
    let timer = Arc::clone(&alerts);
    let run = move || -> Result<Progress, JobFault> {
        alerts.judge()?;
        Ok(Progress::Done)
    };
    Job::new("rounds.alerts", Cadence::every_ms(SWEEP_MS), move |_| run()).when(move |tx| timer.next(tx))
}

/// The price feed is judged by what it does to rounds: those whose prices were asked for in vain.
fn price_feed(tx: &mut bursar_store::Tx<'_>) -> Result<Option<Finding>, StoreError> {
    let sql = "SELECT round_key, last_miss FROM rounds_price_retry ORDER BY round_key LIMIT 1";
    let oldest = tx.query_first(sql, &[], |row| Ok((row.get::<i64>(0)?, row.get::<String>(1)?)))?;
    Ok(oldest.map(|(key, why)| {
        let round = Round::from_key(key).map_or_else(String::new, Round::id);
        let text = format!("{round} and perhaps others wait for prices: {why}");
        Finding { scope: DESK, check: "price_feed", weight: Weight::Degraded, text }
    }))
}
