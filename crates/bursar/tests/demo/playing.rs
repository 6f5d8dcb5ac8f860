//! A demo that plays, ends in order or is killed, and goes on.

use std::collections::BTreeSet;

use bursar_store::{DatabaseUrl, OpenMode, Store, StoreOptions};
use serde_json::Value;

use crate::stage::{Demo, Stage};

/// Waits for so many settled rounds, and returns the newest ones.
#[track_caller]
fn settled(demo: &Demo, count: usize) -> Vec<Value> {
    demo.wait("settled rounds", |demo| Some(demo.settlements()).filter(|found| found.len() >= count))
}

fn ids(settlements: &[Value]) -> BTreeSet<String> {
    settlements.iter().map(|one| one["roundId"].as_str().unwrap().to_owned()).collect()
}

/// The book's sum and the audit log, by command line.
#[track_caller]
fn is_sound(stage: &Stage) {
    let trial = stage.tool().json(&["ledger", "trial"]);
    assert_eq!(trial["assets"][0]["sum"], "0", "{trial}");
    assert!(trial["assets"][0]["accounts"].as_u64().unwrap() > 10, "{trial}");
    let verified = stage.tool().json(&["audit", "verify"]);
    assert!(verified["ok"] == true && verified["events"].as_u64().unwrap() > 0, "{verified}");
}

fn wallets(stage: &Stage) -> BTreeSet<String> {
    let accounts = stage.tool().json(&["ledger", "accounts", "rounds/wallet/", "--limit", "1000"]);
    accounts["accounts"].as_array().unwrap().iter().map(|one| one["path"].to_string()).collect()
}

#[test]
fn a_demo_plays_ends_in_order_and_goes_on_where_it_stopped() {
    let stage = Stage::new();
    let first = stage.start();
    let before = settled(&first, 6);
    assert!(before.iter().any(|one| one["mode"] == "WIN"), "{before:?}");
    let stopped_at = first.now_ms();
    let end = first.interrupt();
    assert_eq!((end.code, end.stderr.as_str()), (Some(0), ""));
    assert!(
        end.stdout.contains("accounts sum to 0 PB, ") && end.stdout.contains("sum to 0 BAN."),
        "{}",
        end.stdout
    );
    is_sound(&stage);

    let second = stage.start();
    assert!(second.now_ms() >= stopped_at, "time went back");
    let known = ids(&before);
    let goes_on = |demo: &Demo| {
        let found = ids(&demo.settlements());
        (found.is_superset(&known) && found.len() >= known.len() + 12).then_some(())
    };
    second.wait("the first run's settlements and new ones", goes_on);
    assert_eq!(second.terminate().code, Some(0));
    is_sound(&stage);
    // Forty players in both runs: a second crowd would have made it more.
    assert!(wallets(&stage).len() <= 40, "{}", wallets(&stage).len());
}

#[test]
fn the_operator_s_token_is_shown_at_the_first_start_only_and_opens_nothing_in_the_log() {
    let stage = Stage::new();
    let first = stage.start();
    let text = first.text();
    let token = text.split_whitespace().find(|word| word.starts_with("bur_")).unwrap().to_owned();
    first.interrupt();
    let log = std::fs::read_to_string(stage.data().join("demo.log")).unwrap();
    assert!(!log.contains(&token));
    let operators = stage.tool().json(&["operators", "list"]);
    let operator = &operators["operators"][0];
    assert_eq!((&operator["name"], &operator["role"]), (&"demo-admin".into(), &"admin".into()));
    assert_eq!(operator["tokens"].as_array().unwrap().len(), 1);

    let second = stage.start();
    second.wait_for("bursar operators token demo-admin");
    let text = second.interrupt().stdout;
    assert!(!text.split_whitespace().any(|word| word.starts_with("bur_")), "{text}");
    assert_eq!(stage.tool().json(&["operators", "list"])["operators"].as_array().unwrap().len(), 1);
}

#[test]
fn after_a_kill_time_goes_on_and_rounds_that_fell_due_meanwhile_settle_by_their_own_prices() {
    let stage = Stage::new();
    let first = stage.start();
    settled(&first, 1);
    let pool = |demo: &Demo, id: &str| demo.get(&format!("/api/sim/pool?roundId={id}"))["stats"].clone();
    let start_ms = first.now_ms() / 120_000 * 120_000;
    let open: Vec<String> = ["SOL", "BTC", "ETH", "XRP", "PEPE", "BONK"]
        .iter()
        .map(|market| format!("{market}-{}-5m", start_ms / 1_000))
        .collect();
    first.wait("entries in the newest rounds", |demo| {
        open.iter().any(|id| pool(demo, id)["entries"] != 0).then_some(())
    });
    let seen_ms = first.now_ms();
    first.kill();

    let second = stage.start();
    // The clock's reserve is ten real seconds, which is more than the rest of any round at this speed.
    assert!(second.now_ms() >= seen_ms + 360_000, "{} after {seen_ms}", second.now_ms());
    let late = second.wait("the rounds of before the kill", |demo| {
        let settlements = demo.settlements();
        let joined = open.iter().filter(|id| pool(demo, id)["entries"] != 0);
        let found: Option<Vec<Value>> =
            joined.map(|id| settlements.iter().find(|one| one["roundId"] == id.as_str()).cloned()).collect();
        found.filter(|found| !found.is_empty())
    });
    assert!(late.iter().all(|one| one["reason"] != "oracle_unavailable"), "{late:?}");
    assert_eq!(second.interrupt().code, Some(0));
    is_sound(&stage);
}

#[test]
fn a_stop_by_command_line_shows_and_holds_the_players_off() {
    let stage = Stage::new();
    let demo = stage.start();
    settled(&demo, 1);
    let entries_of = |demo: &Demo| demo.get("/api/ops/summary")["totals"]["entries"].clone();
    stage.tool().json(&["ops", "pause", "joins", "--reason", "a try"]);
    let entries = entries_of(&demo);
    demo.wait_for("stops joins |");
    demo.wait_for("refused as joins_paused");
    // Without joins the rounds run out, and nothing is left to settle.
    demo.wait_for("rounds 0 open or locked, 0 due");
    assert_eq!(demo.get("/api/status")["joinsPaused"], true);
    assert_eq!(entries_of(&demo), entries, "nothing commits after a stop has");
    stage.tool().json(&["ops", "resume", "joins", "--reason", "over"]);
    demo.wait("a new entry", |demo| (entries_of(demo) != entries).then_some(()));
    assert_eq!(demo.interrupt().code, Some(0));
    is_sound(&stage);
}

#[test]
fn a_book_that_somebody_has_changed_is_shown_as_it_is_and_ends_the_demo_with_exit_1() {
    let stage = Stage::new();
    let first = stage.start();
    settled(&first, 6);
    assert_eq!(first.interrupt().code, Some(0));
    let url = DatabaseUrl::Sqlite(stage.data().join("demo.db"));
    let store = Store::open(&url, StoreOptions::new(OpenMode::Tool)).unwrap();
    let sql = "UPDATE ledger_account SET credits = debits WHERE path = 'rounds/treasury'";
    assert_eq!(store.transact("test.tamper", |tx| tx.execute(sql, &[])).unwrap(), 1);
    drop(store);

    let second = stage.start();
    second.wait_for(": NOT ZERO |");
    let end = second.interrupt();
    assert_eq!(end.code, Some(1));
    assert!(end.stderr.contains("the book does not balance"), "{}", end.stderr);
}
