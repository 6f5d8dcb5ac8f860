//! Running settlements: which rounds are due, their prices, then freezing and paying out in turns with joins.

use std::collections::HashMap;
use std::sync::Arc;

use bursar_audit::Recorder;
use bursar_control::{ConfigTable, Switchboard, settings};
use bursar_store::{Store, StoreError, Timestamp, Tx};

use super::asking::Asking;
use super::decide::{Verdict, is_one_sided};
use super::freeze::{Prices, SWITCH_TABLE, freeze};
use super::retry::Retry;
use super::turns::Turns;
use super::{events, post, retry};
use crate::CLOCK;
use crate::oracle::{AcceptPolicy, PriceSource};
use crate::pool::{Pool, PoolState};
use crate::settings::{CONFIDENCE_MAX_BPS, PAUSE_SIM_SETTLEMENTS, SETTLE_LIMIT, VOID_AFTER_MS, Values, all};
use crate::timing::Round;

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
        "settlement refused: the treasury wallet is not the expected one; correct PANCHO_TREASURY_WALLET or \
         PANCHO_EXPECTED_TREASURY_WALLET"
    )]
    TreasuryMismatch,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl SettleError {
    /// The audit event (docs/spec/rounds.md 4.14).
    #[must_use]
    pub fn event(&self) -> &'static str {
        match self {
            SettleError::Paused => "sim_settle.paused_by_flag",
            SettleError::TreasuryMismatch => "sim_settle.treasury_mismatch",
            SettleError::Store(_) => "sim_settle.unhandled_error",
        }
    }
}

/// What one run did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SettleReport {
    /// Due rounds that were looked at.
    pub checked: usize,
    /// Ids of those that this run has paid out to the end, oldest first.
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

/// A round that was just paid out to the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SettledRound {
    /// Which.
    pub round: Round,
    /// How it ended.
    pub verdict: Verdict,
    /// When, by the rules' clock.
    pub at: Timestamp,
}

/// Told of each settled round once it is on disk.
type Listener = Arc<dyn Fn(&SettledRound) + Send + Sync>;

/// Settles due rounds. Any number of settlers, in any number of processes, may run at once.
pub struct Settler {
    parts: SettlerParts,
    chunk_entries: i64,
    listener: Listener,
    turns: Turns,
}

struct Due {
    now: Timestamp,
    settings: Values,
    pools: Vec<Pool>,
    /// Tries in vain so far, by round key.
    misses: HashMap<i64, i64>,
}

impl Settler {
    /// A settler.
    #[must_use]
    pub fn new(parts: SettlerParts) -> Settler {
        let turns = Turns::default();
        Settler { parts, chunk_entries: CHUNK_ENTRIES, listener: Arc::new(|_| ()), turns }
    }

    /// Pays out at most `entries` (at least 1) in one transaction.
    #[must_use]
    pub fn paying_in_chunks_of(self, entries: i64) -> Settler {
        Settler { chunk_entries: entries.max(1), ..self }
    }

    /// Tells `listener` of each round that this settler has paid out to the end.
    #[must_use]
    pub fn telling(self, listener: impl Fn(&SettledRound) + Send + Sync + 'static) -> Settler {
        Settler { listener: Arc::new(listener), ..self }
    }

    /// Settles due rounds, oldest first, at most `limit` or as many as the setting says. Rounds that need no price do
    /// not wait for the price service. What fails is due again at the next call (invariant SETTLES).
    pub fn run_due(&self, limit: Option<i64>) -> Result<SettleReport, SettleError> {
        self.check_treasury()?;
        let due = self.due(limit)?;
        let checked = due.pools.len();
        let mut settled = Vec::new();
        let (ready, mut waiting): (Vec<&Pool>, Vec<&Pool>) =
            due.pools.iter().partition(|pool| needs_no_price(pool));
        for pools in ready.chunks(CHUNK_ROUNDS) {
            let rounds: Vec<_> = pools.iter().map(|pool| (pool.round, Prices::NotNeeded)).collect();
            settled.extend(self.settle(&rounds, checked)?);
        }
        self.turns.sort(&mut waiting);
        let mut asking = Asking::new(&*self.parts.prices, policy(&due.settings), &self.turns);
        for pools in waiting.chunks(CHUNK_ROUNDS) {
            let rounds = self.ask(&due, &mut asking, pools)?;
            settled.extend(self.settle(&rounds, checked)?);
        }
        settled.sort_unstable();
        Ok(SettleReport { checked, settled: settled.into_iter().map(Round::id).collect() })
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
            let limit = limit.unwrap_or_else(|| settings.get(SETTLE_LIMIT)).max(0);
            let pools = Pool::due(tx, now, limit)?;
            let rounds: Vec<Round> = pools.iter().map(|pool| pool.round).collect();
            let misses = retry::misses(tx, &rounds)?;
            Ok(Some(Due { now, settings, pools, misses }))
        })?;
        due.ok_or(SettleError::Paused)
    }

    /// Freezes rounds and pays them out; returns those that are settled then. `checked` is for the audit log.
    fn settle(&self, rounds: &[(Round, Prices)], checked: usize) -> Result<Vec<Round>, SettleError> {
        let mut settled = Vec::new();
        if rounds.is_empty() {
            return Ok(settled);
        }
        self.guarded("rounds.freeze", |tx, now| freeze(tx, rounds, now))?;
        let rounds: Vec<Round> = rounds.iter().map(|(round, _)| *round).collect();
        loop {
            let progress = self.guarded("rounds.post", |tx, now| {
                let progress = post::post(tx, &rounds, self.chunk_entries, now)?;
                if !progress.completed.is_empty() {
                    let event = events::completed(&progress.completed, checked);
                    self.parts.recorder.record(tx, &[event], now)?;
                }
                Ok(progress)
            })?;
            progress.completed.iter().for_each(|done| (self.listener)(done));
            settled.extend(progress.completed.iter().map(|done| done.round));
            if !progress.is_more {
                return Ok(settled);
            }
        }
    }

    /// The rounds whose prices are known, or past waiting for; when the others are tried again is noted.
    fn ask(
        &self,
        due: &Due,
        asking: &mut Asking<'_>,
        pools: &[&Pool],
    ) -> Result<Vec<(Round, Prices)>, SettleError> {
        let (mut known, mut missed) = (Vec::new(), Vec::new());
        for round in pools.iter().map(|pool| pool.round) {
            match asking.prices(round) {
                Ok((start, end)) => known.push((round, Prices::Known(start, end))),
                Err(miss) => missed.push((round, miss)),
            }
        }
        let mut retries = Vec::new();
        for (round, miss) in missed {
            let misses = due.misses.get(&round.key()).copied().unwrap_or(0);
            let deadline = Timestamp::from_ms(round.end_ms()).after_ms(due.settings.get(VOID_AFTER_MS));
            match asking.retry(round, miss, misses, deadline, due.now) {
                Some(retry) => retries.push(retry),
                None => known.push((round, Prices::Void { deadline })),
            }
        }
        self.note(&retries)?;
        Ok(known)
    }

    fn note(&self, retries: &[Retry]) -> Result<(), SettleError> {
        if retries.is_empty() {
            return Ok(());
        }
        for Retry { round, why, .. } in retries {
            tracing::warn!(round = round.id(), why, "no usable price; the round stays due");
        }
        self.parts.store.transact("rounds.price_miss", |tx| {
            let now = tx.open_clock(CLOCK)?;
            let noted = retry::note(tx, retries, now)?;
            let first = noted.into_iter().filter(|retry| retry.misses == 1).map(events::price_unavailable);
            self.parts.recorder.record(tx, &first.collect::<Vec<_>>(), now)?;
            tx.close_clock(CLOCK, now)
        })?;
        Ok(())
    }

    /// Runs one step under the desk's clock and the switch that stops settlement (invariant STOP-BINDS).
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
}

/// Whether a due round's outcome is known from its stakes, or was decided before.
fn needs_no_price(pool: &Pool) -> bool {
    pool.state != PoolState::Unsealed || is_one_sided(&pool.stakes)
}

/// A bound that cannot be read counts as the default one: the check never falls away by accident.
fn policy(settings: &Values) -> AcceptPolicy {
    let bound = u16::try_from(settings.get(CONFIDENCE_MAX_BPS));
    let default = AcceptPolicy::default();
    AcceptPolicy { max_confidence_bps: bound.unwrap_or(default.max_confidence_bps), ..default }
}
