//! Alerts about late settlement: when they are raised and how often (docs/spec/rounds.md 4.10, R16, R17).

use std::sync::Arc;

use bursar_audit::{Level, Recorder, SaltKey};
use bursar_rounds::alert::Alerts;
use bursar_rounds::market::Market;
use bursar_rounds::settings::{ALERT_LAG_MS, ALERT_PENDING_ROUNDS, PAUSE_SIM_SETTLEMENTS};
use serde_json::{Value, json};

use crate::fixture::{Desk, START, for_each_desk, round, up};

const HEALTH: &str = "ops.health_settlement_alert";
const STOPPED: &str = "sim_results.settlement_lag_detected";
const END: i64 = START + 360_000;

fn alerts(desk: &Desk, process: &str) -> Alerts {
    let recorder = Recorder::new(format!("{process}/alerts"), SaltKey::new([3; 32]));
    Alerts::new(Arc::clone(&desk.store), desk.switchboard.clone(), recorder)
}

/// One entry in the first round of each of these markets; nothing settles them.
fn play(desk: &Desk, markets: &[Market]) {
    let bets: Vec<_> = markets.iter().map(|market| up(1, 5).round(round(*market, 0))).collect();
    desk.accept(&bets);
}

/// How often each of the two was raised, after a judgement at `ms`.
fn judged(desk: &Desk, alerts: &Alerts, ms: i64) -> (usize, usize) {
    desk.at(ms);
    alerts.judge().unwrap();
    (desk.count_events(HEALTH), desk.count_events(STOPPED))
}

fn next(desk: &Desk, alerts: &Alerts) -> Option<i64> {
    desk.read(|tx| alerts.next(tx)).map(|at| at.ms())
}

#[test]
fn r16_the_number_of_due_rounds_counts_from_its_threshold_on() {
    for_each_desk(|desk| {
        desk.set(ALERT_PENDING_ROUNDS, 2);
        let alerts = alerts(desk, "a");
        play(desk, &[Market::Sol]);
        assert_eq!(judged(desk, &alerts, END), (0, 0));
        desk.at(START);
        play(desk, &[Market::Btc]);
        assert_eq!(judged(desk, &alerts, END - 1), (0, 0));
        assert_eq!(judged(desk, &alerts, END), (1, 0));
        let event = desk.events(HEALTH).remove(0);
        assert_eq!(event.level, Level::Warn);
        let payload: Value = serde_json::from_str(&event.payload.unwrap()).unwrap();
        let expected = json!({"pendingDueRounds": 2, "maxSettlementLagMs": 0, "pendingThreshold": 2,
                              "lagThresholdMs": 120_000});
        assert_eq!(payload, expected);
    });
}

#[test]
fn r17_the_settlement_lag_counts_from_its_threshold_on() {
    for_each_desk(|desk| {
        desk.set(ALERT_LAG_MS, 5_000);
        let alerts = alerts(desk, "a");
        play(desk, &[Market::Sol]);
        assert_eq!(judged(desk, &alerts, END + 4_999), (0, 0));
        assert_eq!(judged(desk, &alerts, END + 5_000), (1, 0));
    });
}

#[test]
fn an_alert_is_raised_once_a_minute_by_all_processes_together() {
    for_each_desk(|desk| {
        desk.set(ALERT_PENDING_ROUNDS, 1);
        let (one, other) = (alerts(desk, "a"), alerts(desk, "b"));
        play(desk, &[Market::Sol]);
        assert_eq!(judged(desk, &one, END), (1, 0));
        assert_eq!(judged(desk, &other, END + 59_999), (1, 0));
        assert_eq!(judged(desk, &other, END + 60_000), (2, 0));
        assert_eq!(judged(desk, &one, END + 60_000), (2, 0));
        let event = "sim_settle.unhandled_error";
        one.raise(Level::Error, event, &json!({"why": "test"})).unwrap();
        other.raise(Level::Error, event, &json!({"why": "test"})).unwrap();
        assert_eq!(desk.count_events(event), 1);
        desk.assert_books();
    });
}

#[test]
fn entries_that_stay_pending_because_settlement_is_stopped_have_an_alert_of_their_own() {
    for_each_desk(|desk| {
        let alerts = alerts(desk, "a");
        play(desk, &[Market::Sol]);
        desk.stop(PAUSE_SIM_SETTLEMENTS);
        assert_eq!(judged(desk, &alerts, END + 119_999), (0, 0));
        assert_eq!(judged(desk, &alerts, END + 120_000), (1, 1));
        desk.resume(PAUSE_SIM_SETTLEMENTS);
        assert_eq!(judged(desk, &alerts, END + 180_000), (2, 1));
    });
}

#[test]
fn the_timer_is_needed_when_a_threshold_will_be_reached_and_not_before_the_minute_is_over() {
    for_each_desk(|desk| {
        let alerts = alerts(desk, "a");
        assert_eq!(next(desk, &alerts), None);
        play(desk, &[Market::Sol, Market::Btc]);
        assert_eq!(next(desk, &alerts), Some(END + 120_000));
        desk.set(ALERT_PENDING_ROUNDS, 2);
        assert_eq!(next(desk, &alerts), Some(END + 1_000), "rounds have a second to be settled in");
        desk.set(ALERT_LAG_MS, 500);
        assert_eq!(next(desk, &alerts), Some(END + 500));
        assert_eq!(judged(desk, &alerts, END + 500), (1, 0));
        assert_eq!(next(desk, &alerts), Some(END + 60_500));
        desk.stop(PAUSE_SIM_SETTLEMENTS);
        assert_eq!(next(desk, &alerts), Some(END + 500), "the other one was not raised yet");
        desk.resume(PAUSE_SIM_SETTLEMENTS);
        desk.settle().unwrap();
        assert_eq!((next(desk, &alerts), judged(desk, &alerts, END + 3_600_000)), (None, (1, 0)));
    });
}
