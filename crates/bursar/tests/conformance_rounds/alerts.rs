//! What reaches the alert channel: late settlement and faults of ours (docs/spec/rounds.md 4.10, 4.14, section 5).

use std::time::{Duration, Instant};

use bursar_devnet::prices::{Failing, Faults};
use serde_json::{Value, json};

use crate::evidence::Evidence;
use crate::harness::{Join, START_MS, Server, Setup, Webhook};
use crate::scene::{END_MS, MARKETS, Scene, play};

const HEALTH: &str = "ops.health_settlement_alert";

fn told(scene: &Scene, webhook: &Webhook) -> Setup {
    scene.setup().env("AUDIT_WEBHOOK_URL", &webhook.url())
}

/// One entry in each of the first `count` markets, settlement stopped, so that they all wait at their end.
fn wait(server: &Server, count: usize) {
    server.switch("sim-settlement", "on").expect(200);
    for market in &MARKETS[..count] {
        Join::new(market).round(market, START_MS).accepted(server);
    }
}

fn raised(evidence: &Evidence) -> Vec<Value> {
    evidence.events(HEALTH)
}

#[test]
fn r16_one_waiting_round_is_silent_and_two_raise_a_warning_that_reaches_the_webhook() {
    for (count, is_raised) in [(1, false), (2, true)] {
        let scene = Scene::sqlite();
        let webhook = Webhook::start();
        let setup = told(&scene, &webhook).env("PANCHO_ALERT_PENDING_DUE_ROUNDS", "2");
        let server = setup.start();
        wait(&server, count);
        server.move_clock(END_MS + 1_000);
        let evidence = Evidence::of(&scene.place);
        assert_eq!(raised(&evidence).len(), usize::from(is_raised));
        if is_raised {
            let delivered = webhook.wait_for_event(HEALTH).json();
            assert_eq!(
                (&delivered["level"], &delivered["payload"]["pendingDueRounds"]),
                (&json!("WARN"), &json!(2))
            );
        }
    }
}

#[test]
fn r16_reading_health_raises_the_alert_at_once_and_once_a_minute() {
    let scene = Scene::sqlite();
    let server = scene.setup().env("PANCHO_ALERT_PENDING_DUE_ROUNDS", "2").start();
    wait(&server, 2);
    let evidence = Evidence::of(&scene.place);
    let read = |ms: i64| {
        server.move_clock(ms);
        server.ops("/api/ops/health");
        server.ops("/api/ops/health");
        raised(&evidence).len()
    };
    assert_eq!(read(END_MS - 1), 0);
    assert_eq!(read(END_MS), 1);
    assert_eq!(read(END_MS + 59_999), 1);
    assert_eq!(read(END_MS + 60_000), 2);
}

#[test]
fn r17_a_lag_below_the_threshold_is_silent_and_one_at_it_raises_a_warning() {
    let scene = Scene::sqlite();
    let webhook = Webhook::start();
    let server = told(&scene, &webhook).env("PANCHO_ALERT_SETTLEMENT_LAG_MS", "5000").start();
    wait(&server, 1);
    let evidence = Evidence::of(&scene.place);
    server.move_clock(END_MS + 4_999);
    server.ops("/api/ops/health");
    assert_eq!(raised(&evidence).len(), 0);
    server.move_clock(END_MS + 5_000);
    assert_eq!(raised(&evidence).len(), 1);
    let delivered = webhook.wait_for_event(HEALTH).json();
    assert_eq!(
        (&delivered["level"], &delivered["payload"]["maxSettlementLagMs"]),
        (&json!("WARN"), &json!(5_000))
    );
    // Entries stay pending because settlement is stopped: that is told as well.
    webhook.wait_for_event("sim_results.settlement_lag_detected");
}

#[test]
fn r26c_a_stalled_price_feed_raises_the_lag_alert_without_anybody_reading_health() {
    let scene = Scene::sqlite();
    let webhook = Webhook::start();
    let server = told(&scene, &webhook).start();
    play(&server, "SOL", START_MS);
    scene
        .prices
        .set_faults(Faults { fail: Some(Failing { status: 503, requests: u32::MAX }), ..Faults::default() });
    server.move_clock(END_MS + 119_999);
    assert_eq!(raised(&Evidence::of(&scene.place)).len(), 0);
    server.move_clock(END_MS + 120_000);
    let delivered = webhook.wait_for_event(HEALTH).json();
    assert_eq!(delivered["payload"]["maxSettlementLagMs"], 120_000);
    let ready = server.get("/readyz").expect(200);
    assert!(ready["degraded"].to_string().contains("rounds.price_feed"), "{ready}");
}

#[test]
fn r26a_a_fault_of_ours_is_at_the_webhook_as_an_error_whatever_it_strikes() {
    let scene = Scene::postgres();
    let webhook = Webhook::start();
    let server = told(&scene, &webhook).start();
    let mut psql = scene.place.psql();
    let mut broken = |table: &str, event: &str, call: &dyn Fn() -> u16| {
        psql.batch_execute(&format!("ALTER TABLE {table} RENAME TO gone")).unwrap();
        assert_eq!(call(), 500, "{event}");
        let begun = Instant::now();
        let delivered = webhook.wait_for_event(event).json();
        assert!(begun.elapsed() < Duration::from_secs(10), "{event} took {:?}", begun.elapsed());
        assert_eq!((&delivered["level"], &delivered["desk"]), (&json!("ERROR"), &json!("rounds")));
        assert!(delivered["payload"]["why"].as_str().unwrap().contains(table), "{delivered}");
        psql.batch_execute(&format!("ALTER TABLE gone RENAME TO {table}")).unwrap();
    };
    broken("rounds_wallet", "sim_results.unhandled_error", &|| {
        server.get(&format!("/api/sim/results?wallet={}", crate::harness::wallet(1))).status
    });
    broken("rounds_entry", "join.unhandled_error", &|| Join::new("entry").send(&server).status);
    broken("rounds_market_total", "ops.health_unhandled_error", &|| {
        server.get_with("/api/ops/health", &[("x-ops-key", crate::scene::OPS_KEY)]).status
    });
    broken("rounds_price_retry", "sim_settle.unhandled_error", &|| server.settle().status);
    Join::new("entry").accepted(&server);
}

/// The figure of a rule in the metrics; `None` until it was measured.
fn figure(server: &Server, rule: &str) -> Option<i64> {
    let series = format!("bursar_alert_value{{rule=\"{rule}\"}} ");
    server.get("/metrics").text.lines().find_map(|line| line.strip_prefix(&series)?.parse().ok())
}

/// Waits in real time until `is_so`.
#[track_caller]
fn eventually(is_so: impl Fn() -> bool) {
    let patience = Instant::now() + Duration::from_secs(20);
    while !is_so() {
        assert!(Instant::now() < patience, "it never came so");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn r26a_answers_of_500_on_any_route_are_summed_up_for_the_alert_channel_within_10_s() {
    let scene = Scene::postgres();
    let webhook = Webhook::start();
    let server = told(&scene, &webhook).start();
    let mut psql = scene.place.psql();
    psql.batch_execute("ALTER TABLE rounds_market_total RENAME TO gone").unwrap();
    server.get_with("/api/ops/summary", &[("x-ops-key", crate::scene::OPS_KEY)]).expect(500);
    let begun = Instant::now();
    let delivered = webhook.wait_for_event("ops.internal_errors").json();
    assert!(begun.elapsed() < Duration::from_secs(10), "it took {:?}", begun.elapsed());
    assert_eq!((&delivered["level"], &delivered["desk"]), (&json!("ERROR"), &json!("platform")));
    assert_eq!((&delivered["payload"]["value"], &delivered["payload"]["threshold"]), (&json!(1), &json!(1)));
    assert_eq!(delivered["payload"]["runbook"], "internal-errors");
}

#[test]
fn r26b_a_settlement_worker_that_stands_still_for_two_intervals_raises_an_alert_that_ends_when_it_works_again()
 {
    let scene = Scene::postgres();
    let server = scene.start();
    play(&server, "SOL", START_MS);
    server.kill();
    let mut psql = scene.place.psql();
    // Another process holds the job and does nothing.
    psql.batch_execute(
        "INSERT INTO store_leases (name, holder, token, until) \
         VALUES ('job:rounds.settle', 'stuck', 1, '2999-01-01')",
    )
    .unwrap();
    let webhook = Webhook::start();
    let setup = told(&scene, &webhook).env("AUDIT_WEBHOOK_SECRET", "signs-what-the-webhook-gets-0123456789");
    let begun = Instant::now();
    let server = setup.without("BURSAR_CLOCK").start();
    let delivered = webhook.wait_for_event("ops.keeper_missed");
    assert!(
        begun.elapsed() >= Duration::from_secs(10),
        "after {:?} no two intervals have passed",
        begun.elapsed()
    );
    assert!(delivered.header("x-bursar-signature").unwrap().starts_with("t="));
    let alert = delivered.json();
    assert_eq!((&alert["level"], &alert["desk"]), (&json!("ERROR"), &json!("rounds")));
    let payload = &alert["payload"];
    assert_eq!((&payload["job"], &payload["threshold"]), (&json!("rounds.settle"), &json!(10_000)));
    assert!(payload["value"].as_i64().unwrap() >= 10_000, "{payload}");
    psql.batch_execute("UPDATE store_leases SET until = '2000-01-01' WHERE holder = 'stuck'").unwrap();
    let evidence = Evidence::of(&scene.place);
    let resolved = || evidence.events("ops.alert_resolved");
    eventually(|| resolved().iter().any(|payload| payload["rule"] == "missed:rounds.settle"));
    assert_eq!(server.outcome(1).0, "REFUND");
}

#[test]
fn r26c_a_price_feed_that_fails_for_as_long_as_is_set_raises_an_alert_that_ends_when_prices_come() {
    let scene = Scene::sqlite();
    let webhook = Webhook::start();
    let server = told(&scene, &webhook).env("PANCHO_ALERT_PRICE_FEED_MS", "20000").start();
    play(&server, "SOL", START_MS);
    scene
        .prices
        .set_faults(Faults { fail: Some(Failing { status: 503, requests: u32::MAX }), ..Faults::default() });
    let evidence = Evidence::of(&scene.place);
    server.move_clock(END_MS + 19_999);
    eventually(|| figure(&server, "rounds_price_feed") == Some(19_999));
    assert_eq!(evidence.events("ops.price_feed_failing").len(), 0);
    server.move_clock(END_MS + 20_000);
    let delivered = webhook.wait_for_event("ops.price_feed_failing").json();
    let payload = &delivered["payload"];
    assert_eq!((&payload["roundId"], &payload["value"]), (&json!(crate::scene::ROUND), &json!(20_000)));
    scene.prices.set_faults(Faults::default());
    server.move_clock(END_MS + 120_000);
    eventually(|| !evidence.events("ops.alert_resolved").is_empty());
    assert_eq!(evidence.events("ops.price_feed_failing").len(), 1);
}

#[test]
fn r5_a_wrong_treasury_is_told_once_by_all_processes_without_any_settlement() {
    let scene = Scene::postgres();
    let webhook = Webhook::start();
    let setup = told(&scene, &webhook).env("TREASURY_WALLET", "7ErxzRN1hpyMZC8gps7ANZFTGgeDG7cFmVZcMfE6oGrd");
    let setup = setup.env("PANCHO_EXPECTED_TREASURY_WALLET", "52nguesHaBuF4psFr2uybVnW4angLW2ZtsBRSRmdF8k3");
    let servers = [setup.start(), setup.start()];
    webhook.wait_for_event("ops.treasury_mismatch");
    for server in &servers {
        eventually(|| figure(server, "rounds_treasury_mismatch") == Some(1));
    }
    // Both have looked, and the job of either may have run: give the slower one its turns.
    std::thread::sleep(Duration::from_secs(3));
    assert_eq!(Evidence::of(&scene.place).events("ops.treasury_mismatch").len(), 1);
}
