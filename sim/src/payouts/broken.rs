//! What planted bugs do to payouts.

use std::sync::Arc;

use bursar_ledger::{AccountId, Book};
use bursar_money::Amount;
use bursar_payouts::PAYOUT;
use bursar_store::{Param, StoreError, Tx};

use super::PayoutsRoom;
use crate::broken::Bug;
use crate::world::World;

/// What stands in for the day after which a key is forgotten, ms.
const DAY_MS: i64 = 900_000;

impl PayoutsRoom {
    /// What a planted bug does before a transaction of the node's begins.
    pub fn spoil_before(&self, world: &Arc<World>, node: usize, unit: &'static str) {
        let spoil: fn(&mut Tx<'_>) -> Result<(), StoreError> = match (self.scenario.bug, unit) {
            (Some(Bug::KeyForgotten), "payouts.accept") => forget_keys,
            (Some(Bug::DebitsTwice), "payouts.sign") => debit_again,
            (Some(Bug::SignsPastStop), "payouts.sign") => lift_stops,
            _ => return,
        };
        let Some(process) = world.nodes[node].process() else { return };
        if let Err(error) = process.store.transact("broken.payouts", spoil) {
            world.note(&format!("the bug does not strike: {}", world.error_kind(&error)));
        }
    }
}

fn forget_keys(tx: &mut Tx<'_>) -> Result<(), StoreError> {
    let before = tx.reading()?.after_ms(-DAY_MS);
    let sql = "UPDATE payout_intent SET idempotency_key = 'forgotten-' || id WHERE created_at < $1";
    tx.execute(sql, &[before.into()]).map(|_| ())
}

fn lift_stops(tx: &mut Tx<'_>) -> Result<(), StoreError> {
    tx.batch_execute(
        "UPDATE faucet_config SET value = 'off' WHERE key = 'payouts_halted'; \
         UPDATE platform_config SET value = 'off' WHERE key = 'payouts';",
    )
}

/// Takes the newest payout that is final off its wallet once more, in the book as well as in the wallet's row.
fn debit_again(tx: &mut Tx<'_>) -> Result<(), StoreError> {
    let sql = "SELECT i.id, i.wallet, i.amount, w.expected_balance, w.account, w.suspense_account FROM payout_intent i \
               JOIN payout_wallet w ON w.name = i.wallet WHERE i.state = 4 AND i.reason = 'owed' ORDER BY i.id DESC LIMIT 1";
    let newest = tx.query_first(sql, &[], |row| {
        let ids = (row.get::<i64>(0)?, row.get::<String>(1)?);
        let amounts = (row.get::<Amount>(2)?, row.get::<Amount>(3)?);
        Ok((ids, amounts, [AccountId(row.get(4)?), AccountId(row.get(5)?)]))
    })?;
    let Some(((intent, wallet), (amount, expected), [account, suspense])) = newest else { return Ok(()) };
    let Ok(left) = expected.minus(amount) else { return Ok(()) };
    let mut book = Book::default();
    book.load(tx, &[account, suspense])?;
    let [account, suspense] = [account, suspense].map(|id| book.slot(id).expect("just loaded"));
    book.transfer(suspense, account, amount, PAYOUT, intent).expect("a transfer that nothing refuses");
    book.number(tx)?;
    let now = tx.reading()?;
    book.write(tx, now)?;
    tx.execute("UPDATE payout_intent SET reason = 'twice' WHERE id = $1", &[intent.into()])?;
    let set = "UPDATE payout_wallet SET expected_balance = $2 WHERE name = $1";
    tx.execute(set, &[wallet.as_str().into(), Param::Amount(left)]).map(|_| ())
}
