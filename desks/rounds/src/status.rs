//! How the desk is doing: the public banner and the operators' health (docs/spec/rounds.md 4.9, 4.10).

use bursar_control::{ConfigTable, SwitchState, Switchboard};
use bursar_store::{StoreError, Timestamp, Tx};
use serde::Serialize;

use crate::settings::SWITCHES;
use crate::summary::market_totals;
use crate::timing::Round;

/// Rounds past their end and not settled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DueRounds {
    /// How many.
    pub pending: i64,
    /// Age of the oldest, in milliseconds.
    pub max_lag_ms: i64,
    /// Rounds with entries that have not ended.
    pub running: i64,
}

/// The states of the desk's three switches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pauses {
    /// Joins.
    pub joins: bool,
    /// Settlement of play-money rounds.
    pub sim_settlements: bool,
    /// The real-money settlement route.
    pub settle_api: bool,
}

/// The public banner.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Status {
    /// Whether `status` is `ok`.
    pub ok: bool,
    /// `ok`, `degraded` or `paused`.
    pub status: &'static str,
    /// Joins are stopped.
    pub joins_paused: bool,
    /// Settlement of play-money rounds is stopped.
    pub settlement_paused: bool,
    /// The real-money settlement route is stopped.
    pub settle_api_paused: bool,
    /// Rounds past their end and not settled; -1 when unknown.
    pub pending_due_rounds: i64,
    /// Age of the oldest of them; -1 when unknown.
    pub max_settlement_lag_ms: i64,
    /// When, Unix ms.
    pub updated_at_ms: i64,
}

/// The operators' health.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Health {
    /// Whether `status` is `ok`.
    pub ok: bool,
    /// `ok` or `degraded`.
    pub status: &'static str,
    /// When, Unix ms.
    pub now_ms: i64,
    /// Totals.
    pub totals: HealthTotals,
    /// Settlement.
    pub settlement: SettlementHealth,
}

/// Totals in [`Health`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct HealthTotals {
    /// Entries ever accepted.
    pub entries: i64,
    /// Rounds past their end, settled or not.
    pub due_round_count: i64,
    /// Of these, those not settled.
    pub pending_due_rounds: i64,
}

/// Settlement in [`Health`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SettlementHealth {
    /// Age of the oldest pending round.
    pub max_settlement_lag_ms: i64,
}

/// Counts rounds that wait, exactly, however old they are.
pub fn due_rounds(tx: &mut Tx<'_>, now: Timestamp) -> Result<DueRounds, StoreError> {
    let last_due = Round::last_due_key(now);
    let sql =
        "SELECT COUNT(*), COALESCE(MIN(round_key), -1) FROM rounds_pool WHERE state < 2 AND round_key <= $1";
    let due = tx.query_first(sql, &[last_due.into()], |row| Ok((row.get::<i64>(0)?, row.get::<i64>(1)?)))?;
    let (pending, oldest) = due.unwrap_or((0, -1));
    let sql = "SELECT COUNT(*) FROM rounds_pool WHERE state < 2 AND round_key > $1";
    let running = tx.query_first(sql, &[last_due.into()], |row| row.get::<i64>(0))?.unwrap_or(0);
    let oldest_end = Round::from_key(oldest).filter(|_| pending > 0).map(Round::end_ms);
    Ok(DueRounds { pending, max_lag_ms: oldest_end.map_or(0, |end| (now.ms() - end).max(0)), running })
}

/// Reads the switches without holding them.
pub fn pauses(tx: &mut Tx<'_>, switchboard: &Switchboard, now: Timestamp) -> Result<Pauses, StoreError> {
    let states = switchboard.peek(tx, ConfigTable::ROUNDS, &SWITCHES, now)?;
    let stopped: Vec<bool> = states.into_iter().map(SwitchState::is_stopped).collect();
    // A switch that was not read counts as stopped.
    let at = |index: usize| stopped.get(index).copied().unwrap_or(true);
    Ok(Pauses { joins: at(0), sim_settlements: at(1), settle_api: at(2) })
}

/// The public banner: a pause shows before anything pending.
#[must_use]
pub fn status(pauses: Pauses, due: DueRounds, now: Timestamp) -> Status {
    let status = match (pauses.joins || pauses.sim_settlements, due.pending) {
        (true, _) => "paused",
        (false, 0) => "ok",
        (false, _) => "degraded",
    };
    Status {
        ok: status == "ok",
        status,
        joins_paused: pauses.joins,
        settlement_paused: pauses.sim_settlements,
        settle_api_paused: pauses.settle_api,
        pending_due_rounds: due.pending,
        max_settlement_lag_ms: due.max_lag_ms,
        updated_at_ms: now.ms(),
    }
}

/// The banner when the store cannot be read.
#[must_use]
pub fn unknown_status(now: Timestamp) -> Status {
    let pauses = Pauses { joins: false, sim_settlements: false, settle_api: false };
    status(pauses, DueRounds { pending: -1, max_lag_ms: -1, running: 0 }, now)
}

/// The operators' health.
pub fn health(tx: &mut Tx<'_>, now: Timestamp) -> Result<Health, StoreError> {
    let totals = market_totals(tx)?;
    let due = due_rounds(tx, now)?;
    let rounds: i64 = totals.values().map(|total| total.rounds).sum();
    let is_ok = due.pending == 0;
    Ok(Health {
        ok: is_ok,
        status: if is_ok { "ok" } else { "degraded" },
        now_ms: now.ms(),
        totals: HealthTotals {
            entries: totals.values().map(|total| total.entries).sum(),
            due_round_count: rounds - due.running,
            pending_due_rounds: due.pending,
        },
        settlement: SettlementHealth { max_settlement_lag_ms: due.max_lag_ms },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const RUNNING: Pauses = Pauses { joins: false, sim_settlements: false, settle_api: false };

    #[test]
    fn a_pause_takes_precedence_and_one_pending_round_degrades() {
        let now = Timestamp::from_ms(1);
        let due = |pending| DueRounds { pending, max_lag_ms: 0, running: 0 };
        assert_eq!(status(RUNNING, due(0), now).status, "ok");
        assert_eq!(status(RUNNING, due(1), now).status, "degraded");
        assert_eq!(status(Pauses { joins: true, ..RUNNING }, due(1), now).status, "paused");
        assert_eq!(status(Pauses { sim_settlements: true, ..RUNNING }, due(0), now).status, "paused");
    }

    #[test]
    fn a_store_that_cannot_be_read_is_degraded_with_minus_one() {
        let status = unknown_status(Timestamp::from_ms(5));
        assert_eq!((status.ok, status.status), (false, "degraded"));
        assert_eq!((status.pending_due_rounds, status.max_settlement_lag_ms), (-1, -1));
    }
}
