//! Stopping and resuming the faucet's switches: what stops payouts after a restore ends by a resume alone.

use bursar_store::Timestamp;
use serde_json::json;

use crate::payment_scene::{Payments, on_each_engine};

/// As after a restore without journals: payments may be missing here, and payouts are stopped until somebody resumes them.
fn stopped_by_a_restore(payments: &Payments) {
    let sql = "INSERT INTO faucet_finding (kind, count, detail, since, checked_at) \
               VALUES ('payout.blind', 1, 'no journal', $1, $1)";
    payments.write(|tx, now| tx.execute(sql, &[now.into()]));
    payments.yes("faucet stop payouts --reason restored --actor cay");
}

fn row(payments: &Payments) -> (Option<Timestamp>, String) {
    let ends = "SELECT expires_at FROM faucet_config WHERE key = 'payouts_halted'";
    let why = "SELECT actor || ': ' || reason FROM faucet_config WHERE key = 'payouts_halted'";
    (payments.scene.column::<Option<Timestamp>>(ends)[0], payments.scene.column::<String>(why).remove(0))
}

#[test]
fn a_stop_for_a_while_does_not_make_the_stop_of_a_restore_end_by_itself() {
    on_each_engine(|payments| {
        stopped_by_a_restore(payments);
        let answer = payments.yes("faucet stop payouts --for 15m --reason drill");
        assert_eq!(answer["switches"][0]["expiresAtMs"], json!(null));
        assert_eq!(row(payments), (None, "cli:cay: restored".to_owned()));
        let said = payments.scene.words();
        assert!(said.contains("stays so") && said.contains("bursar faucet resume payouts"), "{said}");
        assert_eq!(payments.code("faucet resume payouts --reason over"), "payments_unadopted");
    });
}

#[test]
fn a_resume_by_force_is_recorded_with_the_findings_that_it_overrides() {
    on_each_engine(|payments| {
        stopped_by_a_restore(payments);
        let told = || {
            let mut events = payments.scene.events();
            events.retain(|event| event.event == "faucet.payouts_resumed_by_force");
            events
        };
        payments.code("faucet resume payouts --reason over");
        assert!(told().is_empty());
        payments.yes("faucet resume payouts --force --reason meant --actor bea");
        let [event] = &told()[..] else { panic!("one event") };
        let payload: serde_json::Value = serde_json::from_str(event.payload.as_deref().unwrap()).unwrap();
        assert_eq!((event.actor.as_str(), &payload["reason"]), ("cli:bea", &json!("meant")));
        assert_eq!(
            (&payload["force"], &payload["findings"][0]["kind"]),
            (&json!(true), &json!("payout.blind"))
        );
        assert_eq!(payload["findings"][0]["detail"], "no journal");
        // Where nothing is missing, force overrides nothing.
        payments.yes("faucet stop accrual");
        payments.yes("faucet resume accrual --force --reason meant");
        assert_eq!(told().len(), 1);
    });
}
