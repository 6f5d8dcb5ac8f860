//! Random batches give what a plain model in memory gives, on both engines.

use std::sync::atomic::{AtomicUsize, Ordering};

use bursar_ledger::{
    AccountId, Book, HoldId, LedgerRefusal, MIGRATIONS, Overdraft, account_by_path, history,
};
use bursar_money::{Amount, AmountError, Asset};
use bursar_store::{EngineKind, Store, Timestamp};
use bursar_test_stores::{START_MS, TestStore};
use proptest::prelude::*;

use crate::town::{KIND, batch};

/// Overdraft rule and asset of each account.
const ACCOUNTS: [(Overdraft, Asset); 5] = [
    (Overdraft::Allowed, Asset::Sol),
    (Overdraft::Forbidden, Asset::Sol),
    (Overdraft::Forbidden, Asset::Sol),
    (Overdraft::Allowed, Asset::Ether),
    (Overdraft::Forbidden, Asset::Ether),
];

#[derive(Clone, Debug)]
enum Op {
    Transfer { debit: usize, credit: usize, amount: u128 },
    Hold { debit: usize, credit: usize, amount: u128 },
    Post(usize),
    Void(usize),
}

/// What an account of the model holds, and its postings: (is debit, amount, batch).
#[derive(Clone, Default)]
struct Totals {
    debits: u128,
    credits: u128,
    held: u128,
    postings: Vec<(bool, u128, i64)>,
}

/// A hold of the model: debit, credit, amount, whether it is open.
type ModelHold = (usize, usize, u128, bool);

#[derive(Default)]
struct Model {
    accounts: [Totals; ACCOUNTS.len()],
    holds: Vec<ModelHold>,
}

const OVERFLOW: LedgerRefusal = LedgerRefusal::Amount(AmountError::Overflow);

impl Model {
    fn apply(&mut self, op: &Op, now: i64) -> Result<(), LedgerRefusal> {
        match *op {
            Op::Transfer { debit, credit, amount } => {
                self.check(debit, credit, amount)?;
                self.post(debit, credit, amount, now)
            }
            Op::Hold { debit, credit, amount } => {
                self.check(debit, credit, amount)?;
                let held = self.accounts[debit].held.checked_add(amount).ok_or(OVERFLOW)?;
                self.accounts[debit].debits.checked_add(held).ok_or(OVERFLOW)?;
                self.accounts[credit].credits.checked_add(amount).ok_or(OVERFLOW)?;
                self.accounts[debit].held = held;
                self.holds.push((debit, credit, amount, true));
                Ok(())
            }
            Op::Post(hold) => {
                let (debit, credit, amount) = self.open_hold(hold)?;
                self.post(debit, credit, amount, now)?;
                self.end_hold(hold);
                Ok(())
            }
            Op::Void(hold) => self.open_hold(hold).map(|_| self.end_hold(hold)),
        }
    }

    fn check(&self, debit: usize, credit: usize, amount: u128) -> Result<(), LedgerRefusal> {
        let account = &self.accounts[debit];
        let spendable = account.credits.saturating_sub(account.debits).saturating_sub(account.held);
        match () {
            () if debit == credit => Err(LedgerRefusal::SameAccount),
            () if ACCOUNTS[debit].1 != ACCOUNTS[credit].1 => Err(LedgerRefusal::AssetMismatch),
            () if amount == 0 => Err(LedgerRefusal::ZeroAmount),
            () if ACCOUNTS[debit].0 == Overdraft::Forbidden && spendable < amount => {
                Err(LedgerRefusal::InsufficientFunds)
            }
            () => Ok(()),
        }
    }

    fn post(&mut self, debit: usize, credit: usize, amount: u128, now: i64) -> Result<(), LedgerRefusal> {
        let debits = self.accounts[debit].debits.checked_add(amount).ok_or(OVERFLOW)?;
        let credits = self.accounts[credit].credits.checked_add(amount).ok_or(OVERFLOW)?;
        self.accounts[debit].debits = debits;
        self.accounts[credit].credits = credits;
        self.accounts[debit].postings.push((true, amount, now));
        self.accounts[credit].postings.push((false, amount, now));
        Ok(())
    }

    fn open_hold(&self, hold: usize) -> Result<(usize, usize, u128), LedgerRefusal> {
        let (debit, credit, amount, is_open) = self.holds[hold];
        if is_open { Ok((debit, credit, amount)) } else { Err(LedgerRefusal::HoldEnded) }
    }

    fn end_hold(&mut self, hold: usize) {
        let (debit, _, amount, is_open) = &mut self.holds[hold];
        *is_open = false;
        self.accounts[*debit].held -= *amount;
    }
}

/// The accounts of one case on one engine.
struct Case<'a> {
    store: &'a Store,
    prefix: String,
    accounts: Vec<AccountId>,
    holds: Vec<HoldId>,
}

impl Case<'_> {
    fn open(store: &Store, number: usize) -> Case<'_> {
        let prefix = format!("case/{number}");
        let (slots, book) = batch(store, Timestamp::from_ms(START_MS), |book, _| {
            let open = |(index, (overdraft, asset)): (usize, &(Overdraft, Asset))| {
                book.open(&format!("{prefix}/{index}"), *asset, *overdraft)
            };
            Ok(ACCOUNTS.iter().enumerate().map(open).collect::<Vec<_>>())
        });
        let accounts = slots.into_iter().map(|slot| book.account_id(slot)).collect();
        Case { store, prefix, accounts, holds: Vec::new() }
    }

    /// Runs the batch as the ledger does and as the model does, and compares every outcome.
    fn run(&mut self, ops: &[Op], now: i64, model: &mut Model) {
        let known_holds = model.holds.len();
        // An operation on a hold means one that earlier batches made, when there are any.
        let ops: Vec<&Op> = ops
            .iter()
            .filter(|op| !matches!(op, Op::Post(hold) | Op::Void(hold) if *hold >= known_holds))
            .collect();
        let ((outcomes, new_holds), book) = batch(self.store, Timestamp::from_ms(now), |book, tx| {
            book.load(tx, &self.accounts)?;
            book.load_holds(tx, &self.holds)?;
            let mut new_holds = Vec::new();
            let outcomes: Vec<_> = ops.iter().map(|op| self.decide(book, op, &mut new_holds)).collect();
            Ok((outcomes, new_holds))
        });
        self.holds.extend(new_holds.into_iter().map(|slot| book.hold_id(slot)));
        let expected: Vec<_> = ops.iter().map(|op| model.apply(op, now)).collect();
        assert_eq!(outcomes, expected, "{ops:?}");
    }

    fn decide(
        &self,
        book: &mut Book,
        op: &Op,
        new_holds: &mut Vec<bursar_ledger::HoldSlot>,
    ) -> Result<(), LedgerRefusal> {
        let slot = |index: usize| book.slot(self.accounts[index]).unwrap();
        match *op {
            Op::Transfer { debit, credit, amount } => {
                book.transfer(slot(debit), slot(credit), Amount::new(amount), KIND, 0).map(|_| ())
            }
            Op::Hold { debit, credit, amount } => {
                let held = book.hold(slot(debit), slot(credit), Amount::new(amount), KIND, 0)?;
                new_holds.push(held);
                Ok(())
            }
            Op::Post(hold) => book.post_hold(book.hold_slot(self.holds[hold]).unwrap()).map(|_| ()),
            Op::Void(hold) => book.void_hold(book.hold_slot(self.holds[hold]).unwrap()),
        }
    }

    /// Every account and its whole history are what the model has.
    fn check(&self, model: &Model) {
        for (index, expected) in model.accounts.iter().enumerate() {
            let path = format!("{}/{index}", self.prefix);
            let (view, postings) = self
                .store
                .read("test.account", |tx| {
                    let view = account_by_path(tx, &path, ACCOUNTS[index].1)?;
                    Ok((view.unwrap(), history(tx, self.accounts[index], None, 10_000)?))
                })
                .unwrap();
            let totals = [view.debits, view.credits, view.held].map(Amount::units);
            assert_eq!(totals, [expected.debits, expected.credits, expected.held], "{path}");
            let mut found: Vec<_> = postings
                .iter()
                .map(|posting| (posting.is_debit, posting.amount.units(), posting.at.ms()))
                .collect();
            found.reverse();
            assert_eq!(found, expected.postings, "{path}");
            assert_eq!(usize::try_from(view.postings).unwrap(), found.len());
        }
    }
}

fn amounts() -> impl Strategy<Value = u128> {
    prop_oneof![8 => 0_u128..50, 1 => Just(u128::MAX), 1 => Just(u128::MAX / 2)]
}

fn ops() -> impl Strategy<Value = Op> {
    let account = || 0..ACCOUNTS.len();
    prop_oneof![
        6 => (account(), account(), amounts()).prop_map(|(debit, credit, amount)| Op::Transfer { debit, credit, amount }),
        3 => (account(), account(), amounts()).prop_map(|(debit, credit, amount)| Op::Hold { debit, credit, amount }),
        2 => (0_usize..6).prop_map(Op::Post),
        1 => (0_usize..6).prop_map(Op::Void),
    ]
}

#[test]
fn random_batches_do_what_a_plain_model_does() {
    let stores =
        [EngineKind::Sqlite, EngineKind::Postgres].map(|kind| TestStore::with(kind, &MIGRATIONS, |_| {}));
    let number = AtomicUsize::new(0);
    let config = ProptestConfig { cases: 32, failure_persistence: None, ..ProptestConfig::default() };
    let batches = prop::collection::vec(prop::collection::vec(ops(), 1..25), 1..6);
    proptest!(config, |(batches in batches)| {
        let number = number.fetch_add(1, Ordering::Relaxed);
        for test in &stores {
            let store = test.store();
            let (mut model, mut case) = (Model::default(), Case::open(&store, number));
            for (ops, now) in batches.iter().zip(START_MS..) {
                case.run(ops, now, &mut model);
            }
            case.check(&model);
        }
    });
}
