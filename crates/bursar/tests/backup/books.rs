//! What the rounds desk checks of a restored database: each cheat below fits every hash, and is found.

use serde_json::{Value, json};

use crate::evidence::Evidence;
use crate::harness::{Join, Place, Prices, START_MS, Setup, Tool};

const END_MS: i64 = START_MS + 360_000;

/// One won round (10 UP against 25 DOWN) and one refunded one (5 UP, of another market).
fn played(place: &Place) -> Tool {
    let prices = Prices::start();
    prices.set_round("SOL", START_MS, 100, 101);
    let server = Setup::rounds(place).env("HERMES_URL", &prices.url()).start();
    Join::new("up").wallet(1).up(10).accepted(&server);
    Join::new("down").wallet(2).down(25).accepted(&server);
    Join::new("alone").round("BTC", START_MS).wallet(3).up(5).accepted(&server);
    server.move_clock(END_MS);
    let tool = Tool::beside(&server);
    server.kill();
    tool
}

/// Cheats with `sql`, backs up, and says what the desk finds in the backup.
fn found(sql: &str) -> Vec<String> {
    let place = Place::sqlite();
    let tool = played(&place);
    Evidence::of(&place).execute(sql);
    tool.json(&["backup", "create"]);
    let verified = tool.run(&["backup", "verify"]).json();
    let findings = verified["findings"].as_array().unwrap();
    let desk = findings.iter().filter(|finding| finding["code"] == "desk");
    desk.map(|finding| finding["text"].as_str().unwrap().to_owned()).collect()
}

/// A transfer like the newest of `kind`, with the next number.
fn again(kind: i64) -> String {
    format!(
        "INSERT INTO ledger_transfer SELECT (SELECT MAX(id) + 1 FROM ledger_transfer), debit_account, credit_account, \
         amount, debit_previous, credit_previous, kind, cause, at FROM ledger_transfer WHERE kind = {kind} LIMIT 1"
    )
}

#[test]
fn an_honest_game_has_no_finding() {
    assert_eq!(found("SELECT 1"), [""; 0]);
}

#[test]
fn an_entry_that_is_paid_twice_is_found() {
    let found = found(&again(101));
    assert!(found.contains(&"rounds: entry 1 is paid twice".to_owned()), "{found:?}");
    let text = "rounds: SOL-1700000040-5m has paid 6580 and a fee of 210, which is not its pool";
    assert!(found.iter().any(|found| found.starts_with(text)) || found.len() > 1, "{found:?}");
}

#[test]
fn a_refund_that_was_taken_back_is_found() {
    let found = found("DELETE FROM ledger_transfer WHERE kind = 102");
    assert_eq!(found, ["rounds: 2 rounds are settled, but 1 pools were paid out"]);
}

#[test]
fn a_fee_that_differs_from_the_settlement_is_found() {
    let fee = "UPDATE rounds_settlement SET fee_cents = x'000000000000000000000000000000d3' WHERE mode = 0";
    assert_eq!(found(fee), ["rounds: SOL-1700000040-5m took a fee of 210 instead of 211"]);
}

#[test]
fn a_pool_that_keeps_money_is_found() {
    let total =
        "UPDATE rounds_settlement SET total_cents = x'00000000000000000000000000000dad' WHERE mode = 0";
    let found = found(total);
    let text = "rounds: SOL-1700000040-5m has paid 3290 and a fee of 210, which is not its pool";
    assert!(found.contains(&text.to_owned()), "{found:?}");
}

#[test]
fn an_entry_without_its_stake_and_one_that_stands_twice_are_found() {
    let stake = found("UPDATE rounds_entry SET stake_bucks = 50 WHERE id = 'up'");
    assert_eq!(stake, ["rounds: entry 1 has no transfer of its stake of 50 bucks"]);
    let twice = "INSERT INTO rounds_entry SELECT 4711, id_hash, id, round_key, wallet, side, stake_bucks, joined_at, \
                 wallet_previous FROM rounds_entry WHERE id = 'up'";
    let found = found(twice);
    assert!(found.contains(&"rounds: the entry id \"up\" stands twice".to_owned()), "{found:?}");
}

#[test]
fn a_proof_says_no_with_exit_1_and_is_noted_as_a_failure() {
    let place = Place::sqlite();
    let tool = played(&place);
    Evidence::of(&place).execute("DELETE FROM ledger_transfer WHERE kind = 102");
    tool.json(&["backup", "create"]);
    let verified = tool.run(&["backup", "verify"]);
    let answer: Value = verified.json();
    assert_eq!((verified.status, &answer["ok"]), (1, &json!(false)));
    assert!(verified.stderr.contains("is damaged:\n- "), "{}", verified.stderr);
    let sql = "SELECT failures FROM ops_backup WHERE work = 'verify'";
    assert_eq!(Evidence::of(&place).column::<i64>(sql, &[]), [1]);
    let sql = "SELECT event FROM audit_events WHERE level = 2";
    assert_eq!(Evidence::of(&place).column::<String>(sql, &[]), ["backup.verify_failed"]);
}
