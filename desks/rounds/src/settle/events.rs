//! What settlement tells the audit log (docs/spec/rounds.md 4.14).

use bursar_audit::{Actor, Event, Level, Target};
use serde_json::{Value, json};

use super::retry::Retry;
use super::settler::SettledRound;
use crate::DESK;

/// Rounds are paid out to the end; `checked` is how many were due.
pub(super) fn completed(rounds: &[SettledRound], checked: usize) -> Event {
    let ids: Vec<String> = rounds.iter().map(|settled| settled.round.id()).collect();
    let payload = json!({"checked": checked, "settled": ids.len(), "rounds": ids});
    event(Level::Info, "sim_settle.batch_completed", String::new(), &payload)
}

/// A round's prices were asked for in vain.
pub(super) fn price_unavailable(Retry { round, why, .. }: &Retry) -> Event {
    let payload = json!({"roundId": round.id(), "why": why});
    event(Level::Warn, "sim_settle.price_unavailable", round.id(), &payload)
}

fn event(level: Level, name: &'static str, round: String, payload: &Value) -> Event {
    Event {
        level,
        desk: DESK,
        name,
        actor: Actor::system("rounds.settle"),
        target: Target { kind: "round", id: round },
        request_id: None,
        correlation_id: None,
        payload: payload.to_string(),
    }
}
