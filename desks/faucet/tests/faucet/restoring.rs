//! After a restore nobody is paid a second time for what was paid since the backup.

use std::sync::atomic::Ordering;

use bursar_faucet::settlement::Skipped;

use crate::scene::{BAN, Scene, on_each_engine};

/// The tables of money and of what is owed.
const TABLES: [&str; 15] = [
    "faucet_payout",
    "faucet_reward_accrual",
    "faucet_tally",
    "faucet_totals",
    "key_authorization",
    "key_charge",
    "ledger_account",
    "ledger_hold",
    "ledger_transfer",
    "ledger_waypoint",
    "payout_attempt",
    "payout_intent",
    "payout_journal",
    "payout_receipt",
    "payout_wallet",
];

pub fn backup(scene: &Scene) {
    let copy = |table: &str| format!("CREATE TABLE kept_{table} AS SELECT * FROM {table};");
    let sql: String = TABLES.map(copy).concat();
    scene.write(|tx, _| tx.batch_execute(&sql));
}

/// Puts the tables back as they were, as a restore does.
pub fn restore(scene: &Scene) {
    let copy = |table: &str| format!("DELETE FROM {table}; INSERT INTO {table} SELECT * FROM kept_{table};");
    let sql: String = TABLES.map(copy).concat();
    scene.write(|tx, _| tx.batch_execute(&sql));
    scene.generation.fetch_add(1, Ordering::SeqCst);
}

#[test]
fn no_order_is_given_before_the_journal_has_brought_back_what_was_paid() {
    on_each_engine(|scene| {
        let folder = tempfile::tempdir().unwrap();
        scene.keep_journal(&folder);
        scene.funded(100 * BAN);
        let id = scene.player(0);
        scene.earn(id, 75);
        backup(scene);
        assert_eq!(scene.settle().payouts, 1);
        scene.send();
        assert_eq!(scene.sends(), 1);
        restore(scene);
        scene.restart(|_| {});
        let intents = |scene: &Scene| scene.count("SELECT COUNT(*) FROM payout_intent");
        assert_eq!((scene.settle().skipped, intents(scene)), (Some(Skipped::WalletStill), 0));
        // The journal's intent pays a payout that is not here: nobody is paid until somebody has looked.
        scene.send();
        assert_eq!((scene.settle().skipped, intents(scene)), (Some(Skipped::Halted), 1));
        scene.send();
        assert_eq!(scene.sends(), 1);
    });
}

#[test]
fn nothing_is_ordered_from_a_wallet_that_somebody_stopped() {
    on_each_engine(|scene| {
        scene.funded(100 * BAN);
        let id = scene.player(0);
        scene.earn(id, 75);
        scene.write(|tx, _| tx.batch_execute("UPDATE payout_wallet SET standing = 1"));
        assert_eq!(scene.settle().skipped, Some(Skipped::WalletStill));
        assert_eq!(scene.count("SELECT COUNT(*) FROM payout_intent"), 0);
        scene.write(|tx, _| tx.batch_execute("UPDATE payout_wallet SET standing = 0"));
        assert_eq!(scene.settle().payouts, 1);
    });
}
