//! Alerts about settlement (docs/spec/rounds.md 4.10, section 5): judged by a timer right when a threshold is reached,
//! and by whoever reads the operators' health. All processes together raise each at most once in a minute.

use std::sync::Arc;

use bursar_audit::{Actor, Event, Level, Recorder, Target};
use bursar_control::{ConfigTable, SwitchState, Switchboard, settings};
use bursar_store::{Param, Store, StoreError, Timestamp, Tx};
use serde_json::{Value, json};

use crate::DESK;
use crate::settings::{ALERT_LAG_MS, ALERT_PENDING_ROUNDS, PAUSE_SIM_SETTLEMENTS, Values};
use crate::status::{DueRounds, due_rounds};
use crate::timing::Round;

/// An alert that was raised is not raised again for this long.
const QUIET_MS: i64 = 60_000;
/// The timer counts rounds this long after they end: at the very end all markets are due and being settled.
const JUST_ENDED_MS: i64 = 1_000;

/// Due rounds wait too long, or too many do.
const HEALTH: &str = "ops.health_settlement_alert";
/// Entries stay pending because settlement is stopped, and by now too long.
const STOPPED: &str = "sim_results.settlement_lag_detected";

/// When due rounds are too many or too late; reaching one of the two is enough.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Thresholds {
    /// Due rounds; 0 means any.
    pub pending: i64,
    /// Age of the oldest of them, in milliseconds.
    pub lag_ms: i64,
}

impl Thresholds {
    /// Whether `due` is worth an alert.
    #[must_use]
    pub fn are_reached_by(self, due: DueRounds) -> bool {
        due.pending > 0 && (due.pending >= self.pending || due.max_lag_ms >= self.lag_ms)
    }
}

/// Raises alerts.
pub struct Alerts {
    store: Arc<Store>,
    switchboard: Switchboard,
    recorder: Recorder,
}

impl Alerts {
    /// `recorder` is the alerts' own chain.
    #[must_use]
    pub fn new(store: Arc<Store>, switchboard: Switchboard, recorder: Recorder) -> Alerts {
        Alerts { store, switchboard, recorder }
    }

    /// Whether there is anything to raise now.
    pub fn has_any(&self, tx: &mut Tx<'_>, now: Timestamp) -> Result<bool, StoreError> {
        Ok(!self.wanted(tx, now)?.is_empty())
    }

    /// Raises what is to be raised now.
    pub fn judge(&self) -> Result<(), StoreError> {
        self.store.transact("rounds.alerts", |tx| {
            let now = tx.reading()?;
            for (name, payload) in self.wanted(tx, now)? {
                self.raise_in(tx, (Level::Warn, name), &payload, now)?;
            }
            Ok(())
        })
    }

    /// Raises an alert about something that went wrong just now, unless it was raised within the last minute.
    pub fn raise(&self, level: Level, name: &'static str, payload: &Value) -> Result<(), StoreError> {
        self.store.transact("rounds.alert", |tx| {
            let now = tx.reading()?;
            self.raise_in(tx, (level, name), payload, now)
        })
    }

    /// When the timer has something to judge next; `None` while no round waits.
    pub fn next(&self, tx: &mut Tx<'_>) -> Result<Option<Timestamp>, StoreError> {
        let now = tx.reading()?;
        let Thresholds { pending, lag_ms } = thresholds(tx)?;
        let Some(oldest) = unsettled(tx, 0)? else { return Ok(None) };
        let too_late = oldest.after_ms(lag_ms);
        let too_many = unsettled(tx, pending.max(1) - 1)?.map(|end| end.after_ms(JUST_ENDED_MS));
        let health = too_many.into_iter().fold(too_late, Timestamp::min).max(quiet_until(tx, HEALTH)?);
        let stopped = match self.is_stopped(tx, now)? {
            true => Some(too_late.max(quiet_until(tx, STOPPED)?)),
            false => None,
        };
        Ok(Some(stopped.into_iter().fold(health, Timestamp::min)))
    }

    fn wanted(&self, tx: &mut Tx<'_>, now: Timestamp) -> Result<Vec<(&'static str, Value)>, StoreError> {
        let (due, thresholds) = (due_rounds(tx, now)?, thresholds(tx)?);
        if !thresholds.are_reached_by(due) {
            return Ok(Vec::new());
        }
        let payload = json!({
            "pendingDueRounds": due.pending, "maxSettlementLagMs": due.max_lag_ms,
            "pendingThreshold": thresholds.pending, "lagThresholdMs": thresholds.lag_ms,
        });
        let mut wanted = vec![(HEALTH, payload.clone())];
        if due.max_lag_ms >= thresholds.lag_ms && self.is_stopped(tx, now)? {
            wanted.push((STOPPED, payload));
        }
        let mut loud = Vec::new();
        for (name, payload) in wanted {
            if quiet_until(tx, name)? <= now {
                loud.push((name, payload));
            }
        }
        Ok(loud)
    }

    fn is_stopped(&self, tx: &mut Tx<'_>, now: Timestamp) -> Result<bool, StoreError> {
        let states = self.switchboard.peek(tx, ConfigTable::ROUNDS, &[PAUSE_SIM_SETTLEMENTS], now)?;
        Ok(states.into_iter().any(SwitchState::is_stopped))
    }

    fn raise_in(
        &self,
        tx: &mut Tx<'_>,
        (level, name): (Level, &'static str),
        payload: &Value,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        // Of several processes that get here at once, one changes the row.
        let sql = "INSERT INTO rounds_alert (alert, raised_at) VALUES ($1, $2) ON CONFLICT (alert) \
                   DO UPDATE SET raised_at = excluded.raised_at WHERE rounds_alert.raised_at <= $3";
        let params = [Param::Text(name), now.into(), now.after_ms(-QUIET_MS).into()];
        if tx.execute(sql, &params)? == 0 {
            return Ok(());
        }
        let event = Event {
            level,
            desk: DESK,
            name,
            actor: Actor::system("rounds.alerts"),
            target: Target { kind: "desk", id: DESK.to_owned() },
            request_id: None,
            correlation_id: None,
            payload: payload.to_string(),
        };
        self.recorder.record(tx, &[event], now).map(|_| ())
    }
}

fn thresholds(tx: &mut Tx<'_>) -> Result<Thresholds, StoreError> {
    let wanted = [ALERT_PENDING_ROUNDS, ALERT_LAG_MS];
    let values = Values(settings::values(tx, ConfigTable::ROUNDS, &wanted)?);
    Ok(Thresholds { pending: values.get(ALERT_PENDING_ROUNDS), lag_ms: values.get(ALERT_LAG_MS) })
}

/// The end of the round with `older` unsettled ones before it.
fn unsettled(tx: &mut Tx<'_>, older: i64) -> Result<Option<Timestamp>, StoreError> {
    let sql = "SELECT round_key FROM rounds_pool WHERE state < 2 ORDER BY round_key LIMIT 1 OFFSET $1";
    let key = tx.query_first(sql, &[older.into()], |row| row.get::<i64>(0))?;
    Ok(key.and_then(Round::from_key).map(|round| Timestamp::from_ms(round.end_ms())))
}

/// When an alert may be raised again.
fn quiet_until(tx: &mut Tx<'_>, name: &'static str) -> Result<Timestamp, StoreError> {
    let sql = "SELECT raised_at FROM rounds_alert WHERE alert = $1";
    let raised = tx.query_first(sql, &[name.into()], |row| row.get::<Timestamp>(0))?;
    Ok(raised.map_or(Timestamp::from_ms(0), |at| at.after_ms(QUIET_MS)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_threshold_reached_is_enough_and_nothing_pending_is_never_too_much() {
        let due = |pending, max_lag_ms| DueRounds { pending, max_lag_ms, running: 0 };
        let reached = |pending, lag_ms, due| Thresholds { pending, lag_ms }.are_reached_by(due);
        assert!(!reached(2, 5_000, due(1, 4_999)));
        assert!(reached(2, 5_000, due(2, 0)));
        assert!(reached(2, 5_000, due(1, 5_000)));
        assert!(!reached(0, 0, due(0, 0)));
    }
}
