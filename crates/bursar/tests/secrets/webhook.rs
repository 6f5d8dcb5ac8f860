//! The secret that signs deliveries: two signatures while it is replaced, and no event lost.

use std::collections::BTreeSet;

use bursar_audit::sign;
use bursar_store::Timestamp;

use crate::files::{Files, reload, wait_until};
use crate::harness::{Delivered, Place, Setup, Webhook};
use crate::under_load::{Caller, under_load};

const OLD: &str = "webhook-secret-1-0123456789abcdef01234567";
const NEW: &str = "webhook-secret-2-0123456789abcdef01234567";

/// By which secrets a delivery is signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Signed {
    Old,
    Both,
    New,
}

fn signed(delivered: &Delivered) -> Signed {
    let signature = delivered.header("x-bursar-signature").expect("every delivery is signed");
    let second: i64 = signature.trim_start_matches("t=").split(',').next().unwrap().parse().unwrap();
    let with = |secrets: &[&[u8]]| sign(secrets, Timestamp::from_ms(second * 1_000), &delivered.text);
    let [old, new] = [OLD, NEW].map(str::as_bytes);
    match signature {
        _ if signature == with(&[old]) => Signed::Old,
        _ if signature == with(&[new, old]) => Signed::Both,
        _ if signature == with(&[new]) => Signed::New,
        other => panic!("signed by neither: {other}"),
    }
}

#[test]
fn v8_deliveries_carry_both_signatures_while_the_secret_is_replaced_and_none_is_lost() {
    Place::for_each_engine(|place| {
        let (webhook, files) = (Webhook::start(), Files::new());
        let setup = Setup::rounds(place).env("SIM_SETTLE_API_KEY", "key");
        let setup = files.url(setup, "AUDIT_WEBHOOK_URL", &webhook.url());
        let server = files.secret(setup, "AUDIT_WEBHOOK_SECRET", OLD).start();
        // Each refused call is an event.
        let call = |_| {
            let status = server.post_with("/api/sim/settle", &[("x-sim-settle-key", "wrong")], "").status;
            std::thread::sleep(std::time::Duration::from_millis(100));
            if status == 401 { Ok(()) } else { Err(status.to_string()) }
        };
        let wait_for = |kind: Signed| {
            wait_until("such a delivery", || webhook.received().iter().any(|one| signed(one) == kind));
        };
        let calls = under_load(vec![Box::new(call) as Caller<'_>], |_| {
            wait_for(Signed::Old);
            files.rotate("AUDIT_WEBHOOK_SECRET", OLD, NEW);
            reload(&server);
            wait_for(Signed::Both);
            files.remove("AUDIT_WEBHOOK_SECRET_PREVIOUS");
            reload(&server);
            wait_for(Signed::New);
        });
        let refusals = || {
            let received = webhook.received();
            let of_calls = received.iter().filter(|one| one.json()["event"] == "sim_settle.unauthorized");
            of_calls.map(|one| one.json()["id"].as_i64().unwrap()).collect::<BTreeSet<i64>>()
        };
        wait_until("the last delivery", || refusals().len() as u64 == calls[0]);
        let kinds: Vec<Signed> = webhook.received().iter().map(signed).collect();
        assert!(kinds.is_sorted(), "a receiver never sees the old one again: {kinds:?}");
    });
}

#[test]
fn v8_the_receiver_may_move_without_a_restart() {
    let (place, files) = (Place::sqlite(), Files::new());
    let [first, second] = [Webhook::start(), Webhook::start()];
    let setup = Setup::rounds(&place).env("SIM_SETTLE_API_KEY", "key");
    let server = files.url(setup, "AUDIT_WEBHOOK_URL", &first.url()).start();
    files.put("AUDIT_WEBHOOK_URL", &second.url());
    reload(&server);
    assert_eq!(server.post_with("/api/sim/settle", &[("x-sim-settle-key", "wrong")], "").status, 401);
    second.wait_for_event("sim_settle.unauthorized");
}
