//! What is linked to an incident, and what it waits for.

use bursar_audit::Level;
use bursar_desk::incident::{Act, Class};
use bursar_ops::incidents::{Report, Timer, report};
use bursar_store::EngineKind;
use bursar_test_stores::TestStore;

use crate::rooms::{MINUTE, act, on_each_engine, open, record};

fn read(test: &TestStore, id: i64) -> Option<Report> {
    test.store().read("test.report", |tx| report(tx, id)).unwrap()
}

fn names(test: &TestStore, id: i64) -> Vec<String> {
    read(test, id).unwrap().linked.into_iter().map(|linked| linked.name).collect()
}

#[test]
fn switches_and_alerts_from_15_minutes_before_the_opening_until_the_end_are_linked_and_nothing_else() {
    on_each_engine(|test| {
        let warn = |desk, name, kind| record(test, Level::Warn, desk, name, kind);
        warn("faucet", "ops.too_early", "alert");
        test.advance_ms(1);
        warn("faucet", "ops.why_it_was_opened", "alert");
        test.advance_ms(15 * MINUTE);
        let id = open(test, "faucet", Class::S2, "");
        test.advance_ms(MINUTE);
        warn("faucet", "control.switch_changed", "config");
        warn("faucet", "ops.raised_by_the_desk", "desk");
        warn("faucet", "payout.wallet_stopped", "wallet");
        warn("platform", "ops.of_all", "alert");
        warn("rounds", "ops.of_another_desk", "alert");
        warn("faucet", "join.rate_limited", "route");
        record(test, Level::Info, "faucet", "ops.alert_resolved", "alert");
        test.advance_ms(MINUTE);
        warn("faucet", "ops.at_the_end", "alert");
        act(test, id, &Act::Resolve { note: "over".to_owned() });
        test.advance_ms(1);
        warn("faucet", "ops.after_it", "alert");
        assert_eq!(
            names(test, id),
            [
                "ops.why_it_was_opened",
                "control.switch_changed",
                "ops.raised_by_the_desk",
                "payout.wallet_stopped",
                "ops.of_all",
                "ops.at_the_end"
            ]
        );
        let all = open(test, "platform", Class::P1, "");
        assert!(
            names(test, all).contains(&"ops.of_another_desk".to_owned()),
            "the platform's has every desk's"
        );
    });
}

#[test]
fn the_halt_of_payouts_is_linked_to_the_incident_that_caused_it() {
    on_each_engine(|test| {
        let id = open(test, "faucet", Class::S1, "");
        let linked = read(test, id).unwrap().linked;
        let shown: Vec<_> =
            linked.iter().map(|one| (one.name.as_str(), one.target.as_str(), one.actor.as_str())).collect();
        assert_eq!(shown, [("control.switch_changed", "faucet/halt_payouts", "cli:ann")]);
    });
}

#[test]
fn a_report_has_the_timeline_and_when_each_timer_is_due() {
    on_each_engine(|test| {
        assert!(read(test, 1).is_none());
        let id = open(test, "faucet", Class::S2, "Payouts are slow.");
        test.advance_ms(20 * MINUTE);
        let found = read(test, id).unwrap();
        let due: Vec<_> = found
            .timers
            .iter()
            .map(|(timer, due)| (*timer, (due.ms() - found.incident.opened_at.ms()) / MINUTE))
            .collect();
        assert_eq!(due, [(Timer::Respond, 15), (Timer::Communicate, 120)]);
        let shown = found.shown();
        assert_eq!(shown["timeline"][0]["act"], "opened");
        let overdue = |timer: usize| shown["timers"][timer]["overdue"].clone();
        assert_eq!([overdue(0), overdue(1)], [true, false]);
    });
}

#[test]
fn looking_for_what_happened_meanwhile_walks_no_ordinary_event() {
    on_each_engine(|test| {
        let sql = match test.kind() {
            EngineKind::Sqlite => {
                "EXPLAIN QUERY PLAN SELECT id FROM audit_events WHERE level > 0 AND at >= 1 AND at < 2 ORDER BY at, id"
            }
            EngineKind::Postgres => {
                "EXPLAIN SELECT id FROM audit_events WHERE level > 0 AND at >= clock_timestamp() AND at < now() \
                 ORDER BY at, id"
            }
        };
        let column = if test.kind() == EngineKind::Sqlite { 3 } else { 0 };
        let plan: Vec<String> =
            test.store().read("test.plan", |tx| tx.query(sql, &[], |row| row.get(column))).unwrap();
        assert!(plan.iter().any(|line| line.contains("audit_events_attention")), "{plan:?}");
    });
}
