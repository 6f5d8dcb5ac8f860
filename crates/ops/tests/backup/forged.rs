//! Backups whose hashes all fit, of databases in which something was wrong: the proof finds it.

use bursar_store::EngineKind;

use crate::town::{ENGINES, Town};

/// Changes the database past its guards, backs it up, and says what verifying finds.
fn found(kind: EngineKind, sql: &str) -> Vec<String> {
    let town = Town::on(kind);
    let unguarded = match kind {
        EngineKind::Sqlite => {
            format!("DROP TRIGGER audit_events_unchanged; DROP TRIGGER audit_links_kept; {sql}")
        }
        EngineKind::Postgres => format!(
            "ALTER TABLE audit_events DISABLE TRIGGER USER; ALTER TABLE audit_links DISABLE TRIGGER USER; {sql}"
        ),
    };
    town.test.store().transact("test.forge", |tx| tx.batch_execute(&unguarded)).unwrap();
    let backup = town.back_up();
    let verified = town.try_verify(&backup.name, town.lock()).unwrap();
    verified.findings.iter().map(|finding| format!("{}: {finding}", finding.code())).collect()
}

/// One finding, whose text contains `text`.
fn assert_found(sql: [&str; 2], text: &str) {
    for (kind, sql) in ENGINES.into_iter().zip(sql) {
        let found = found(kind, sql);
        assert!(found.iter().any(|found| found.contains(text)), "{kind:?}: {text} in {found:?}");
    }
}

/// An amount of so many units, as each engine stores it.
fn amount(units: u8) -> [String; 2] {
    [format!("x'{}{units:02x}'", "00".repeat(15)), units.to_string()]
}

#[test]
fn money_from_nowhere_is_found_in_the_sum_and_in_the_account() {
    let [sqlite, postgres] = amount(9);
    let sql = |amount: &str| format!("UPDATE ledger_account SET credits = {amount} WHERE path = 'town/till'");
    let sql = [sql(&sqlite), sql(&postgres)];
    assert_found([&sql[0], &sql[1]], "ledger_not_zero: the accounts of PB sum to -12336 instead of 0");
    assert_found([&sql[0], &sql[1]], "account_differs");
}

#[test]
fn an_edited_transfer_is_found_at_both_accounts() {
    let [sqlite, postgres] = amount(9);
    let sql = |amount: &str| format!("UPDATE ledger_transfer SET amount = {amount} WHERE kind = 8");
    let [sqlite, postgres] = [sql(&sqlite), sql(&postgres)];
    assert_eq!(found(EngineKind::Sqlite, &sqlite).len(), 2);
    assert_found([&sqlite, &postgres], "its totals are greater than those of its transfers");
}

#[test]
fn a_deleted_transfer_breaks_the_posting_chain() {
    let sql = "DELETE FROM ledger_transfer WHERE id = 600";
    assert_found([sql, sql], "its posting chain is broken at transfer 601");
}

#[test]
fn a_transfer_of_an_account_that_is_not_there_is_found() {
    let sql = "UPDATE ledger_transfer SET credit_account = 4711 WHERE kind = 8";
    assert_found([sql, sql], "account 4711: transfer 1201 names it, and it is not there");
}

#[test]
fn an_account_that_forgot_its_last_transfer_is_found() {
    let sql = "UPDATE ledger_account SET last_transfer = 1 WHERE path = 'town/till'";
    assert_found([sql, sql], "its last transfer is not the one that its row says");
}

#[test]
fn a_hold_that_vanished_is_found() {
    let sql = "DELETE FROM ledger_hold";
    assert_found([sql, sql], "less is held of it than its row says");
}

#[test]
fn an_edited_audit_event_and_a_deleted_link_are_found() {
    let edit = "UPDATE audit_events SET event = 'test.untold' WHERE id = 3";
    assert_found([edit, edit], "audit_chain: the audit log: link");
    let delete = "DELETE FROM audit_links WHERE chain = 'one' AND number = 1";
    assert_found([delete, delete], "audit_chain");
}

#[test]
fn a_sound_database_has_no_finding() {
    for kind in ENGINES {
        assert_eq!(found(kind, "SELECT 1"), [""; 0]);
    }
}
