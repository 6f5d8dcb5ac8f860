//! States of the faucet as gauges: read from the database when somebody scrapes, so that they are right on every process
//! and after every restart.

use std::collections::BTreeSet;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use bursar_store::{StoreError, Timestamp, Tx};
use bursar_web::metrics::{MetricError, Reading, Registry, Unit};
use parking_lot::Mutex;

use crate::faucet::Faucet;
use crate::mode::Mode;
use crate::policy::unusable_caps;
use crate::record::{Finding, Heartbeat, Totals};
use crate::rules::schedule::{Intervals, lag_minutes};
use crate::settings::Values;
use crate::settlement::{payable, waiting};
use crate::switches::SWITCHES;

/// One scrape asks several gauges: they share a reading, unless it is older than this.
const SHARED_FOR: Duration = Duration::from_millis(200);
/// Players whose caps are looked at, oldest first, to find how long somebody has waited who could be paid.
const LOOK: usize = 500;
/// Phases with an interval of their own.
const HOUR_S: i64 = 3_600;
const BAN: Unit = Unit { decimals: 8 };
/// The gauge of the mode.
const MODE: &str = "app_dry_run_mode";

/// One consistent look.
#[derive(Clone, Debug)]
pub struct Figures {
    /// Mode and switches.
    pub mode: Mode,
    /// How long the oldest payable accrual has waited, in whole minutes.
    pub lag_minutes: i64,
    /// Sums of live rows.
    pub totals: Totals,
    /// Times between runs.
    pub intervals: Intervals,
    /// The newest run of each phase.
    pub heartbeats: Vec<Heartbeat>,
    /// What the checks found last.
    pub findings: Vec<Finding>,
}

impl Figures {
    /// Reads all of it.
    pub fn read(tx: &mut Tx<'_>, faucet: &Faucet) -> Result<Figures, StoreError> {
        let now = tx.reading()?;
        let mode = faucet.mode(tx, now)?;
        let live = Values::read(tx)?;
        Ok(Figures {
            mode,
            lag_minutes: lag_minutes(oldest_payable(tx, faucet, mode.dry_run, now)?, now),
            totals: Totals::peek(tx, false)?,
            intervals: live.intervals(),
            heartbeats: Heartbeat::all(tx)?,
            findings: Finding::all(tx)?,
        })
    }

    fn interval_s(&self, job: &str) -> Option<i64> {
        match job {
            "accrual" | "hodl_scan" => Some(i64::from(self.intervals.accrual_s())),
            "settlement" => Some(i64::from(self.intervals.settlement_s())),
            "reconcile" => Some(HOUR_S),
            "prune" => Some(24 * HOUR_S),
            _ => None,
        }
    }
}

/// Since when the longest waiting player has waited who could be paid: eligible, with a wallet, and left enough by the caps.
pub fn oldest_payable(
    tx: &mut Tx<'_>,
    faucet: &Faucet,
    dry_run: bool,
    now: Timestamp,
) -> Result<Option<Timestamp>, StoreError> {
    let live = Values::read(tx)?;
    let terms = faucet.policy.cap_terms(&live, now).map_err(|error| unusable_caps(&error))?;
    let mut players = waiting(tx, dry_run, faucet.policy.minimum)?;
    players.sort_unstable_by_key(|player| (player.since, player.user_id));
    for some in players.chunks(LOOK) {
        let payable = payable(tx, some.to_vec(), dry_run, terms, faucet.policy.minimum)?;
        if let Some(first) = payable.first() {
            return Ok(Some(first.since));
        }
    }
    Ok(None)
}

/// Figures that the gauges of one scrape share.
struct Shared {
    /// The faucet holds the registry, and the registry these gauges.
    faucet: Weak<Faucet>,
    newest: Mutex<Option<Shown>>,
}

/// A reading, and the gauges that it was shown by: a gauge that asks again is asked by another scrape.
struct Shown {
    at: Instant,
    figures: Arc<Figures>,
    by: BTreeSet<&'static str>,
}

impl Shared {
    fn figures(&self, gauge: &'static str) -> Option<Arc<Figures>> {
        let mut newest = self.newest.lock();
        if let Some(shown) = newest.as_mut().filter(|shown| shown.at.elapsed() < SHARED_FOR)
            && shown.by.insert(gauge)
        {
            return Some(Arc::clone(&shown.figures));
        }
        let faucet = self.faucet.upgrade()?;
        match faucet.platform.store.read("faucet.figures", |tx| Figures::read(tx, &faucet)) {
            Ok(figures) => {
                let figures = Arc::new(figures);
                let (at, by) = (Instant::now(), BTreeSet::from([gauge]));
                *newest = Some(Shown { at, figures: Arc::clone(&figures), by });
                Some(figures)
            }
            Err(error) => {
                tracing::warn!(%error, "the faucet's figures cannot be read; their gauges are missing from this scrape");
                None
            }
        }
    }
}

type Read<const N: usize> = fn(&Figures) -> Vec<([String; N], i64)>;

/// Registers the gauges.
pub fn register(registry: &Registry, faucet: &Arc<Faucet>) -> Result<(), MetricError> {
    let shared = Arc::new(Shared { faucet: Arc::downgrade(faucet), newest: Mutex::default() });
    one(
        registry,
        &shared,
        "payout_accrual_lag_minutes",
        "Age of the oldest accrual that could be paid.",
        Unit::ONE,
        |f| vec![([], f.lag_minutes)],
    )?;
    one(registry, &shared, "faucet_open_accrual_ban", "BAN in open accruals.", BAN, |f| {
        vec![([], f.totals.open.e8())]
    })?;
    one(registry, &shared, "faucet_inflight_payout_ban", "BAN in payouts under way.", BAN, |f| {
        vec![([], f.totals.reserved.e8())]
    })?;
    labelled(
        registry,
        &shared,
        "faucet_last_cycle_timestamp_seconds",
        "When each phase last succeeded.",
        "job",
        |f| {
            let succeeded = f.heartbeats.iter().filter_map(|beat| Some((beat.job.clone(), beat.last_ok_at?)));
            succeeded.map(|(job, at)| ([job], at.ms().div_euclid(1_000))).collect()
        },
    )?;
    labelled(
        registry,
        &shared,
        "faucet_cycle_interval_seconds",
        "Time between two runs of each phase.",
        "job",
        |f| {
            let phases =
                f.heartbeats.iter().filter_map(|beat| Some((beat.job.clone(), f.interval_s(&beat.job)?)));
            phases.map(|(job, seconds)| ([job], seconds)).collect()
        },
    )?;
    labelled(registry, &shared, "faucet_switch", "Switches: 1 = on.", "name", |f| {
        let states =
            [f.mode.payouts_halted, f.mode.accrual_halted, f.mode.scheduler_halted, f.mode.is_forced];
        SWITCHES.iter().zip(states).map(|(switch, on)| ([switch.key.to_owned()], i64::from(on))).collect()
    })?;
    labelled(
        registry,
        &shared,
        "faucet_reconcile_mismatch",
        "Kills that do not add up, by kind.",
        "kind",
        |f| of_check(&f.findings, "reconcile."),
    )?;
    labelled(
        registry,
        &shared,
        "faucet_wallet_anomaly",
        "What is odd about the operator's wallet.",
        "kind",
        |f| of_check(&f.findings, "wallet."),
    )?;
    dry_run_gauge(registry, &shared)?;
    balance_gauge(registry, faucet)
}

fn of_check(findings: &[Finding], prefix: &str) -> Vec<([String; 1], i64)> {
    let named =
        findings.iter().filter_map(|finding| Some((finding.kind.strip_prefix(prefix)?, finding.count)));
    named.map(|(kind, count)| ([kind.to_owned()], count)).collect()
}

fn one(
    registry: &Registry,
    shared: &Arc<Shared>,
    name: &'static str,
    help: &'static str,
    unit: Unit,
    read: Read<0>,
) -> Result<(), MetricError> {
    let shared = Arc::clone(shared);
    registry.computed_gauge(name, help, [], unit, move || {
        let read = shared.figures(name).map_or_else(Vec::new, |figures| read(&figures));
        read.into_iter().map(|(labels, value)| Reading { labels, value }).collect()
    })
}

fn labelled(
    registry: &Registry,
    shared: &Arc<Shared>,
    name: &'static str,
    help: &'static str,
    label: &'static str,
    read: Read<1>,
) -> Result<(), MetricError> {
    let shared = Arc::clone(shared);
    registry.computed_gauge(name, help, [label], Unit::ONE, move || {
        let read = shared.figures(name).map_or_else(Vec::new, |figures| read(&figures));
        read.into_iter().map(|(labels, value)| Reading { labels, value }).collect()
    })
}

/// Always there: without a database everything counts as dry-run, since nothing can be paid.
fn dry_run_gauge(registry: &Registry, shared: &Arc<Shared>) -> Result<(), MetricError> {
    let (shared, help) = (Arc::clone(shared), "1 = no real money moves.");
    registry.computed_gauge(MODE, help, [], Unit::ONE, move || {
        let is_dry = shared.figures(MODE).is_none_or(|figures| figures.mode.dry_run);
        vec![Reading { labels: [], value: i64::from(is_dry) }]
    })
}

/// What the chain said last; missing until it was asked.
fn balance_gauge(registry: &Registry, faucet: &Arc<Faucet>) -> Result<(), MetricError> {
    let balance = Arc::clone(&faucet.balance);
    let help = "What the operator's wallet holds by the chain.";
    registry.computed_gauge("faucet_operator_balance_ban", help, [], BAN, move || {
        let seen = balance.known().map(|seen| seen.balance().e8());
        seen.map(|value| Reading { labels: [], value }).into_iter().collect()
    })
}
