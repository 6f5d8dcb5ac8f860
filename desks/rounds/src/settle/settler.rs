//! Running settlements: which rounds are due, their prices, then freezing and paying out in turns with joins.

use std::collections::HashMap;
use std::sync::Arc;

use bursar_audit::{Actor, Event, Level, Recorder, Target};
use bursar_control::{ConfigTable, Switchboard, settings};
use bursar_store::{Store, StoreError, Timestamp, Tx};
use serde_json::json;

use super::decide::is_one_sided;
use super::freeze::{Prices, SWITCH_TABLE, freeze};
use super::{post, retry};
use crate::market::Market;
use crate::oracle::{AcceptPolicy, PriceEvidence, PriceSource, find_price};
use crate::pool::{Pool, PoolState};
use crate::settings::{CONFIDENCE_MAX_BPS, PAUSE_SIM_SETTLEMENTS, SETTLE_LIMIT, VOID_AFTER_MS, Values, all};
use crate::timing::Round;
use crate::{CLOCK, DESK};

/// Entries paid out in one transaction; joins take their turn between two.
const CHUNK_ENTRIES: i64 = 2_048;
/// Rounds frozen in one transaction.
const CHUNK_ROUNDS: usize = 64;

/// Whether fees go where the operator expects (docs/spec/rounds.md 3.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TreasuryGuard {
    /// No expected wallet is configured.
    Off,
    /// The configured wallet is the expected one.
    Matches,
    /// It is not: nothing may be settled.
    Mismatch,
}

/// Why nothing was settled.
#[derive(Debug, thiserror::Error)]
pub enum SettleError {
    /// Settlement is stopped.
    #[error("settlement is paused; resume it with `bursar ops resume sim-settlement`")]
    Paused,
    /// The treasury guard refuses.
    #[error(
        "settlement refused: the treasury wallet is not the expected one; correct PANCHO_TREASURY_WALLET or PANCHO_EXPECTED_TREASURY_WALLET"
    )]
    TreasuryMismatch,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What one run did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SettleReport {
    /// Due rounds that were looked at.
    pub checked: usize,
    /// Ids of those that are settled now, oldest first.
    pub settled: Vec<String>,
}

/// What a settler works with.
pub struct SettlerParts {
    /// The database.
    pub store: Arc<Store>,
    /// Stops.
    pub switchboard: Switchboard,
    /// The settler's own audit chain.
    pub recorder: Recorder,
    /// Where prices come from.
    pub prices: Arc<dyn PriceSource>,
    /// Whether fees go where the operator expects.
    pub treasury: TreasuryGuard,
}

/// Settles due rounds. Any number of settlers, in any number of processes, may run at once.
pub struct Settler {
    parts: SettlerParts,
    chunk_entries: i64,
}

struct Due {
    now: Timestamp,
    settings: Values,
    pools: Vec<Pool>,
}

impl Settler {
    /// A settler.
    #[must_use]
    pub fn new(parts: SettlerParts) -> Settler {
        Settler { parts, chunk_entries: CHUNK_ENTRIES }
    }

    /// Pays out at most `entries` (at least 1) in one transaction.
    #[must_use]
    pub fn paying_in_chunks_of(self, entries: i64) -> Settler {
        Settler { chunk_entries: entries.max(1), ..self }
    }

    /// Settles due rounds, oldest first, at most `limit` or as many as the setting says.
    pub fn run_due(&self, limit: Option<i64>) -> Result<SettleReport, SettleError> {
        self.check_treasury()?;
        let due = self.due(limit)?;
        let mut report = SettleReport { checked: due.pools.len(), settled: Vec::new() };
        let unsealed: Vec<&Pool> =
            due.pools.iter().filter(|pool| pool.state == PoolState::Unsealed).collect();
        for pools in unsealed.chunks(CHUNK_ROUNDS) {
            let priced = self.prices(&due, pools)?;
            if !priced.is_empty() {
                self.guarded("rounds.freeze", |tx, now| freeze(tx, &priced, now))?;
            }
        }
        let rounds: Vec<Round> = due.pools.iter().map(|pool| pool.round).collect();
        for rounds in rounds.chunks(CHUNK_ROUNDS) {
            loop {
                let progress =
                    self.guarded("rounds.post", |tx, now| post::post(tx, rounds, self.chunk_entries, now))?;
                report.settled.extend(progress.completed.iter().map(|round| round.id()));
                if !progress.is_more {
                    break;
                }
            }
        }
        self.record(&report)?;
        Ok(report)
    }

    fn check_treasury(&self) -> Result<(), SettleError> {
        match self.parts.treasury {
            TreasuryGuard::Off | TreasuryGuard::Matches => Ok(()),
            TreasuryGuard::Mismatch => Err(SettleError::TreasuryMismatch),
        }
    }

    /// The rounds to settle, and the settings that hold now.
    fn due(&self, limit: Option<i64>) -> Result<Due, SettleError> {
        let due = self.parts.store.read("rounds.due", |tx| {
            let now = tx.reading()?;
            let states = self.parts.switchboard.peek(tx, SWITCH_TABLE, &[PAUSE_SIM_SETTLEMENTS], now)?;
            if states.iter().any(|state| state.is_stopped()) {
                return Ok(None);
            }
            let settings = Values(settings::values(tx, ConfigTable::ROUNDS, &all())?);
            let limit = limit.unwrap_or_else(|| settings.get(SETTLE_LIMIT));
            let pools = Pool::due(tx, now, limit)?;
            Ok(Some(Due { now, settings, pools }))
        })?;
        due.ok_or(SettleError::Paused)
    }

    /// What is known about the prices of each round; rounds whose prices cannot be had yet are left out.
    fn prices(&self, due: &Due, pools: &[&Pool]) -> Result<Vec<(Round, Prices)>, SettleError> {
        let policy = policy(&due.settings);
        let mut asked: HashMap<(Market, i64), Result<PriceEvidence, String>> = HashMap::new();
        let mut priced = Vec::new();
        for pool in pools {
            let round = pool.round;
            if is_one_sided(&pool.stakes) {
                priced.push((round, Prices::NotNeeded));
                continue;
            }
            let mut price_at = |second: i64| {
                let answer = asked.entry((round.market(), second)).or_insert_with(|| {
                    find_price(&*self.parts.prices, round.market(), second, policy)
                        .map_err(|miss| miss.to_string())
                });
                answer.clone()
            };
            let found =
                price_at(round.start_price_s()).and_then(|start| Ok((start, price_at(round.end_price_s())?)));
            match found {
                Ok((start, end)) => priced.push((round, Prices::Known(start, end))),
                Err(_) if due.now.ms() >= round.end_ms() + due.settings.get(VOID_AFTER_MS) => {
                    priced.push((round, Prices::Void));
                }
                Err(why) => self.note_miss(round, &why)?,
            }
        }
        Ok(priced)
    }

    fn note_miss(&self, round: Round, why: &str) -> Result<(), SettleError> {
        tracing::warn!(round = round.id(), why, "no usable price; the round stays due");
        self.parts.store.transact("rounds.price_miss", |tx| {
            let now = tx.open_clock(CLOCK)?;
            let misses = retry::note_miss(tx, round, why, now)?;
            if misses == 1 {
                let payload = json!({"roundId": round.id(), "why": why}).to_string();
                let event = self.event(Level::Warn, "sim_settle.price_unavailable", round.id(), payload);
                self.parts.recorder.record(tx, &[event], now)?;
            }
            tx.close_clock(CLOCK, now)
        })?;
        Ok(())
    }

    /// Runs one step under the desk's clock and the switch that stops settlement.
    fn guarded<T>(
        &self,
        unit: &'static str,
        mut step: impl FnMut(&mut Tx<'_>, Timestamp) -> Result<T, StoreError>,
    ) -> Result<T, SettleError> {
        let done = self.parts.store.transact(unit, |tx| {
            let now = tx.open_clock(CLOCK)?;
            let states = self.parts.switchboard.read(tx, SWITCH_TABLE, &[PAUSE_SIM_SETTLEMENTS], now)?;
            if states.iter().any(|state| state.is_stopped()) {
                return Ok(None);
            }
            let done = step(tx, now)?;
            tx.close_clock(CLOCK, now)?;
            Ok(Some(done))
        })?;
        done.ok_or(SettleError::Paused)
    }

    fn record(&self, report: &SettleReport) -> Result<(), SettleError> {
        if report.settled.is_empty() {
            return Ok(());
        }
        let payload =
            json!({"checked": report.checked, "settled": report.settled.len(), "rounds": report.settled});
        let event = self.event(Level::Info, "sim_settle.batch_completed", String::new(), payload.to_string());
        self.parts.store.transact("rounds.settled", |tx| {
            let now = tx.reading()?;
            self.parts.recorder.record(tx, std::slice::from_ref(&event), now).map(|_| ())
        })?;
        Ok(())
    }

    fn event(&self, level: Level, name: &'static str, round: String, payload: String) -> Event {
        Event {
            level,
            desk: DESK,
            name,
            actor: Actor::system("rounds.settle"),
            target: Target { kind: "round", id: round },
            request_id: None,
            correlation_id: None,
            payload,
        }
    }
}

/// A bound that cannot be read counts as the default one: the check never falls away by accident.
fn policy(settings: &Values) -> AcceptPolicy {
    let bound = u16::try_from(settings.get(CONFIDENCE_MAX_BPS));
    let default = AcceptPolicy::default();
    AcceptPolicy { max_confidence_bps: bound.unwrap_or(default.max_confidence_bps), ..default }
}
