//! A backup of the records, falling back to it, and what an operator then says of the wallet.

use std::sync::atomic::Ordering;

use bursar_access::By;
use bursar_chain::TransactionId;
use bursar_money::Amount;
use bursar_payouts::{Payouts, Rejection, Sender, WalletSight, WalletStanding};

use crate::scene::{Scene, recorder};

/// Where the wallet stands, and why.
pub fn standing(scene: &Scene) -> (WalletStanding, String) {
    let wallet = scene.read(|tx| scene.payouts.wallet(tx, &scene.wallet)).unwrap();
    (wallet.standing, wallet.why)
}

/// The tables of payouts and the book.
const TABLES: [&str; 15] = [
    "payout_wallet",
    "payout_journal",
    "payout_head",
    "payout_doubt",
    "payout_intent",
    "payout_attempt",
    "payout_receipt",
    "payout_webhook",
    "ledger_account",
    "ledger_transfer",
    "ledger_waypoint",
    "ledger_hold",
    "key_authorization",
    "key_charge",
    "store_sequences",
];

pub fn backup(scene: &Scene) {
    let copy = |table: &str| format!("CREATE TABLE kept_{table} AS SELECT * FROM {table};");
    let sql: String = TABLES.map(copy).concat();
    scene.write(|tx, _| tx.batch_execute(&sql));
}

/// Another backup can be made.
pub fn forget_backup(scene: &Scene) {
    let sql: String = TABLES.map(|table| format!("DROP TABLE kept_{table};")).concat();
    scene.write(|tx, _| tx.batch_execute(&sql));
}

/// Puts the tables back as they were, as a restore does; `counted` = and says that there was one.
pub fn restore(scene: &Scene, counted: bool) {
    let copy = |table: &str| format!("DELETE FROM {table}; INSERT INTO {table} SELECT * FROM kept_{table};");
    // Numbers of audit events go on: the log itself is not put back.
    let keep = "UPDATE kept_store_sequences SET next = (SELECT next FROM store_sequences s WHERE s.name = 'audit_events') \
                WHERE name = 'audit_events';";
    let sql: String = TABLES.map(copy).concat();
    scene.write(|tx, _| tx.batch_execute(&format!("{keep}{sql}")));
    if counted {
        scene.generation.fetch_add(1, Ordering::SeqCst);
    }
}

/// An operator's word on what the chain holds, given by these payouts.
pub fn word(scene: &Scene, payouts: &Payouts, holds: u128, journals_are_lost: bool) -> Result<(), Rejection> {
    word_on(scene, payouts, holds, None, journals_are_lost)
}

/// The same by somebody who saw what the account ends in.
pub fn word_on(
    scene: &Scene,
    payouts: &Payouts,
    holds: u128,
    newest: Option<TransactionId>,
    journals_are_lost: bool,
) -> Result<(), Rejection> {
    let expected = scene.read(|tx| payouts.wallet(tx, &scene.wallet)).unwrap().expected;
    let sight = WalletSight { holds: Amount::new(holds), expected, newest, journals_are_lost };
    scene.write(|tx, now| {
        let (by, recorder) = (By::new(&scene.root, now), recorder("test.operator"));
        payouts.match_wallet(tx, &by, &scene.wallet, &sight, "looked", &recorder)
    })
}

pub fn matched(scene: &Scene, payouts: &Payouts, holds: u128) -> Result<(), Rejection> {
    word(scene, payouts, holds, false)
}

/// Lets the wallet pay what it owes, before the records fall back.
pub fn pay(scene: &Scene) {
    scene.run(&scene.sender(), &scene.lease("one").unwrap());
}

/// A server starts beside the journal, and does what there is to do.
pub fn recover(scene: &Scene) {
    let (_, sender) = start(scene, true);
    scene.run(&sender, &scene.lease("one").unwrap());
}

/// Whether an operator, by these payouts, has stopped the wallet.
pub fn try_stop(scene: &Scene, payouts: &Payouts) -> Result<(), Rejection> {
    scene.write(|tx, now| {
        let (by, recorder) = (By::new(&scene.root, now), recorder("test.operator"));
        payouts.stop_wallet(tx, &by, &scene.wallet, "drill", &recorder)
    })
}

pub fn stop(scene: &Scene) {
    try_stop(scene, &scene.payouts).unwrap();
}

pub fn start(scene: &Scene, has_journal: bool) -> (Payouts, Sender) {
    let payouts = scene.restarted_with(has_journal);
    let sender = scene.sender_of(&payouts);
    (payouts, sender)
}
