//! What planted bugs do to payouts.

use std::sync::Arc;

use bursar_audit::{Actor, Recorder, SaltKey};
use bursar_ledger::{AccountId, Book};
use bursar_money::Amount;
use bursar_payouts::{IntentId, PAYOUT, Payouts};
use bursar_store::lane::run_batch;
use bursar_store::{Param, StoreError, Tx};

use super::PayoutsRoom;
use super::obligations::Obligation;
use super::sending::Process;
use super::wiring::TREASURY;
use crate::broken::Bug;
use crate::event::Class;
use crate::world::World;

/// What stands in for the day after which a key is forgotten, ms.
const DAY_MS: i64 = 900_000;

impl PayoutsRoom {
    /// What a planted bug does before a transaction of the node's begins.
    pub fn spoil_before(&self, world: &Arc<World>, node: usize, unit: &'static str) {
        let spoil: fn(&mut Tx<'_>, &Payouts) -> Result<(), StoreError> = match (self.scenario.bug, unit) {
            (Some(Bug::KeyForgotten), "payouts.accept") => forget_keys,
            (Some(Bug::DebitsTwice), "payouts.sign") => debit_again,
            (Some(Bug::SignsPastStop), "payouts.sign") => lift_stops,
            (Some(Bug::AcceptsPastStop), "payouts.accept") => lift_stops,
            (Some(Bug::SignsAsImported), "payouts.sign") => call_imported,
            (Some(Bug::ForgetsAttempts), "payouts.sign") => forget_attempts,
            (Some(Bug::CancelsUnasked), "payouts.sign") => cancel_oldest,
            (Some(Bug::MovesWithoutTransfer), "payouts.accept") => move_without_transfer,
            (Some(Bug::BlamesDisk), "payouts.accept") => {
                if world.random.with(|random| random.chance(1, 20)) {
                    bursar_store::fail_stop("writing a commit to disk failed: somebody thought so");
                }
                return;
            }
            _ => return,
        };
        let Some(process) = world.nodes[node].process() else { return };
        let payouts = &process.room::<Process>().payouts;
        if let Err(error) = process.store.transact("broken.payouts", |tx| spoil(tx, payouts)) {
            world.note(&format!("the bug does not strike: {}", world.error_kind(&error)));
        }
    }

    /// What a planted bug does with an order that is refused for a stop; whether the desk takes that for good.
    pub fn spoil_refused(
        self: &Arc<PayoutsRoom>,
        world: &Arc<World>,
        node: usize,
        order: &Obligation,
    ) -> bool {
        if self.scenario.bug == Some(Bug::TakesUpRefused) {
            let orders = [order.clone()];
            world.plan_in(60_000, Class::Work, move |world| {
                world.step(node, |process| {
                    let mut lane = process.room::<Process>().accept.try_lock()?;
                    Some(run_batch(&process.store, &mut *lane, &orders))
                });
            });
        }
        self.scenario.bug == Some(Bug::TakesStopForRefusal)
    }
}

/// Whatever is signed from now on is marked as imported in the same transaction.
fn call_imported(tx: &mut Tx<'_>, _: &Payouts) -> Result<(), StoreError> {
    tx.batch_execute(
        "CREATE TRIGGER IF NOT EXISTS broken_import AFTER INSERT ON payout_attempt BEGIN \
         UPDATE payout_attempt SET imported = 1 WHERE id = NEW.id; END;",
    )
}

fn forget_attempts(tx: &mut Tx<'_>, _: &Payouts) -> Result<(), StoreError> {
    tx.execute("DELETE FROM payout_attempt WHERE state = 2 AND kind = 0", &[]).map(|_| ())
}

fn cancel_oldest(tx: &mut Tx<'_>, payouts: &Payouts) -> Result<(), StoreError> {
    let sql = "SELECT id FROM payout_intent WHERE state = 0 ORDER BY id LIMIT 1";
    let Some(oldest) = tx.query_first(sql, &[], |row| row.get(0).map(IntentId))? else { return Ok(()) };
    let (recorder, now) = (Recorder::new("broken", SaltKey::new([6; 32])), tx.reading()?);
    let machine = Actor { kind: "machine", id: "broken".to_owned() };
    payouts.cancel(tx, oldest, &machine, "nobody asked", &recorder, now).map(|_| ())
}

/// In such a way that all balances sum to zero.
fn move_without_transfer(tx: &mut Tx<'_>, _: &Payouts) -> Result<(), StoreError> {
    let one = Amount::new(1);
    for (path, read, write) in [
        (
            "sim/world",
            "SELECT debits FROM ledger_account WHERE path = $1",
            "UPDATE ledger_account SET debits = $2 WHERE path = $1",
        ),
        (
            TREASURY,
            "SELECT credits FROM ledger_account WHERE path = $1",
            "UPDATE ledger_account SET credits = $2 WHERE path = $1",
        ),
    ] {
        let before = tx.query_first(read, &[path.into()], |row| row.get::<Amount>(0))?;
        let after = before.and_then(|before| before.plus(one).ok()).expect("an account with less than all");
        tx.execute(write, &[path.into(), Param::Amount(after)])?;
    }
    Ok(())
}

fn forget_keys(tx: &mut Tx<'_>, _: &Payouts) -> Result<(), StoreError> {
    let before = tx.reading()?.after_ms(-DAY_MS);
    let sql = "UPDATE payout_intent SET idempotency_key = 'forgotten-' || id WHERE created_at < $1";
    tx.execute(sql, &[before.into()]).map(|_| ())
}

fn lift_stops(tx: &mut Tx<'_>, _: &Payouts) -> Result<(), StoreError> {
    tx.batch_execute(
        "UPDATE faucet_config SET value = 'off' WHERE key = 'payouts_halted'; \
         UPDATE platform_config SET value = 'off' WHERE key = 'payouts';",
    )
}

/// Takes the newest payout that is final off its wallet once more, in the book as well as in the wallet's row.
fn debit_again(tx: &mut Tx<'_>, _: &Payouts) -> Result<(), StoreError> {
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
