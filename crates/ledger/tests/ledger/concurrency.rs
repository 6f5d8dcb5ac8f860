//! Batches of several threads on the same accounts: nothing is lost, and numbers follow the commits.

use std::thread;

use bursar_ledger::{AccountId, TransferId, trial_balance};
use bursar_money::{Amount, Asset};
use bursar_store::Store;

use crate::town::{KIND, Town, batch, for_each_engine};

const BATCHES: usize = 25;

/// Moves one from each account to the next, round and round; by number, or by path in the opposite order.
fn round_and_round(town: &Town<'_>, store: &Store, by_path: bool) {
    for _ in 0..BATCHES {
        batch(store, town.test.now(), |book, tx| {
            if by_path {
                book.load_paths(tx, &["town/world", "town/bob", "town/ann"])?;
            } else {
                book.load(tx, &[town.world, town.bob, town.ann])?;
            }
            let [world, ann, bob] = [town.world, town.ann, town.bob].map(|id| book.slot(id).unwrap());
            for (debit, credit) in [(world, ann), (ann, bob), (bob, world)] {
                book.transfer(debit, credit, Amount::new(1), KIND, 0).unwrap();
            }
            Ok(())
        });
    }
}

#[test]
fn four_threads_on_three_accounts_lose_nothing_and_keep_every_chain_whole() {
    for_each_engine(|town| {
        let stores = [town.store(), town.test.another(|_| {})];
        thread::scope(|scope| {
            for (worker, store) in stores.iter().cycle().take(4).enumerate() {
                scope.spawn(move || round_and_round(town, store, worker % 2 == 1));
            }
        });
        let transfers = i64::try_from(4 * BATCHES * 3).unwrap();
        for account in [town.world, town.ann, town.bob] {
            let postings = town.history(account, None, 10_000);
            assert_eq!((postings.len(), town.balance(account)), (4 * BATCHES * 2, "0".into()));
        }
        let next = town.pay(town.world, town.ann, 1);
        assert_eq!(next, Ok(TransferId(transfers + 1)));
        let totals = town.store().read("test.totals", trial_balance).unwrap();
        assert!(totals.iter().all(|total| total.sum.is_zero()));
    });
}

#[test]
fn money_that_two_threads_reach_for_is_spent_once() {
    for_each_engine(|town| {
        town.pay(town.world, town.ann, 20).unwrap();
        let spent = thread::scope(|scope| {
            let threads = [0; 4]
                .map(|_| scope.spawn(|| (0..10).filter(|_| town.pay(town.ann, town.bob, 1).is_ok()).count()));
            threads.map(|thread| thread.join().unwrap()).iter().sum::<usize>()
        });
        assert_eq!((spent, town.balance(town.ann), town.balance(town.bob)), (20, "0".into(), "20".into()));
    });
}

#[test]
fn accounts_opened_by_several_threads_get_numbers_without_gaps() {
    for_each_engine(|town| {
        let store = town.store();
        thread::scope(|scope| {
            for worker in 0..4 {
                let store = &store;
                scope.spawn(move || {
                    for index in 0..10 {
                        let path = format!("opened/{worker}/{index}");
                        crate::town::open_account(
                            store,
                            &path,
                            Asset::Sol,
                            bursar_ledger::Overdraft::Allowed,
                        );
                    }
                });
            }
        });
        let opened = store
            .read("test.list", |tx| bursar_ledger::accounts_by_prefix(tx, "opened/", None, 100))
            .unwrap();
        let mut ids: Vec<AccountId> = opened.iter().map(|account| account.id).collect();
        ids.sort_unstable();
        assert_eq!(ids, (4..44).map(AccountId).collect::<Vec<_>>());
    });
}
