//! Accounts: numbered in order, found by path and asset, listed by prefix.

use bursar_ledger::{AccountId, Overdraft, TransferKind, account_by_path, accounts_by_prefix};
use bursar_money::{Amount, Asset, Balance};
use bursar_store::{Store, StoreError, Timestamp};

use crate::town::{batch, for_each_engine, open_account};

/// Paths and assets of a listing.
fn listed(store: &Store, prefix: &str, after: Option<(&str, Asset)>, limit: i64) -> Vec<(String, Asset)> {
    let accounts = store.read("test.list", |tx| accounts_by_prefix(tx, prefix, after, limit)).unwrap();
    accounts.into_iter().map(|account| (account.path, account.asset)).collect()
}

#[test]
fn a_new_account_is_empty_and_has_the_next_number() {
    for_each_engine(|town| {
        assert_eq!([town.world, town.ann, town.bob], [1, 2, 3].map(AccountId));
        let view = town.view(town.ann);
        assert_eq!((view.id, view.path.as_str(), view.asset), (town.ann, "town/ann", Asset::PanchoBucks));
        assert_eq!((view.balance(), view.held, view.postings), (Balance::ZERO, Amount::ZERO, 0));
        assert_eq!(view.last_transfer, None);
    });
}

#[test]
fn one_path_may_hold_several_assets_in_accounts_of_their_own() {
    for_each_engine(|town| {
        let store = town.store();
        let ether = open_account(&store, "town/ann", Asset::Ether, Overdraft::Forbidden);
        let find = |asset| store.read("test.find", |tx| account_by_path(tx, "town/ann", asset)).unwrap();
        assert_eq!(find(Asset::Ether).map(|account| account.id), Some(ether));
        assert_eq!(find(Asset::PanchoBucks).map(|account| account.id), Some(town.ann));
        assert_eq!(find(Asset::Sol), None);
    });
}

#[test]
fn an_account_cannot_be_opened_twice() {
    for_each_engine(|town| {
        let opened = town.store().transact("test.open", |tx| {
            let mut book = bursar_ledger::Book::default();
            book.open("town/ann", Asset::PanchoBucks, Overdraft::Allowed);
            book.number(tx)?;
            book.write(tx, Timestamp::from_ms(0))
        });
        assert!(matches!(opened, Err(StoreError::Duplicate(_))), "{opened:?}");
    });
}

#[test]
fn accounts_of_one_batch_are_found_by_path_at_once_and_may_wait_for_their_names() {
    for_each_engine(|town| {
        let (names, _) = batch(&town.store(), Timestamp::from_ms(0), |book, tx| {
            let shop = book.open("town/shop", Asset::PanchoBucks, Overdraft::Allowed);
            assert_eq!(book.slot_of_path("town/shop", Asset::PanchoBucks), Some(shop));
            let unnamed = [(); 2].map(|()| book.open("", Asset::PanchoBucks, Overdraft::Forbidden));
            book.number(tx)?;
            let names = unnamed.map(|slot| format!("town/{}", book.account_id(slot).0));
            unnamed.into_iter().zip(names.clone()).for_each(|(slot, name)| book.name(slot, name));
            Ok(names)
        });
        let all = listed(&town.store(), "town/", None, 10);
        assert!(names.iter().all(|name| all.iter().any(|(path, _)| path == name)), "{names:?} in {all:?}");
    });
}

#[test]
fn a_batch_that_is_numbered_once_more_keeps_its_numbers() {
    for_each_engine(|town| {
        let ((first, again), _) = batch(&town.store(), Timestamp::from_ms(0), |book, tx| {
            let shop = book.open("town/shop", Asset::PanchoBucks, Overdraft::Allowed);
            book.load(tx, &[town.world])?;
            let world = book.slot(town.world).unwrap();
            let sale = book.transfer(world, shop, Amount::new(3), TransferKind(1), 0).unwrap();
            book.number(tx)?;
            let first = (book.account_id(shop), book.transfer_id(sale));
            book.number(tx)?;
            Ok((first, (book.account_id(shop), book.transfer_id(sale))))
        });
        assert_eq!(first, again);
    });
}

#[test]
fn accounts_are_loaded_by_path_and_by_number_and_are_the_same() {
    for_each_engine(|town| {
        let (found, _) = batch(&town.store(), Timestamp::from_ms(0), |book, tx| {
            book.load_paths(tx, &["town/bob", "town/nobody", "town/ann", "town/bob"])?;
            book.load(tx, &[town.bob, town.world, AccountId(99)])?;
            let by_path = |path| book.slot_of_path(path, Asset::PanchoBucks);
            assert_eq!(by_path("town/bob"), book.slot(town.bob));
            assert_eq!(book.account(by_path("town/bob").unwrap()).path, "town/bob");
            assert_eq!(book.slot_of_path("town/bob", Asset::Sol), None);
            Ok([by_path("town/ann"), by_path("town/nobody"), book.slot(town.world), book.slot(AccountId(99))]
                .map(|slot| slot.is_some()))
        });
        assert_eq!(found, [true, false, true, false]);
    });
}

#[test]
fn an_account_may_be_named_after_its_own_number() {
    for_each_engine(|town| {
        let store = town.store();
        let named = store.transact("test.name", |tx| {
            let mut book = bursar_ledger::Book::default();
            let slot = book.open("", Asset::PanchoBucks, Overdraft::Allowed);
            book.number(tx)?;
            book.name(slot, format!("wallet/{}", book.account_id(slot).0));
            book.write(tx, Timestamp::from_ms(0))
        });
        named.unwrap();
        assert_eq!(listed(&store, "wallet/", None, 10), [("wallet/4".to_owned(), Asset::PanchoBucks)]);
    });
}

#[test]
fn a_prefix_lists_its_accounts_by_path_and_asset_page_by_page() {
    for_each_engine(|town| {
        let store = town.store();
        let opened = [
            ("desk/b", Asset::Sol),
            ("desk/a-1", Asset::Sol),
            ("desk/a/1", Asset::Sol),
            ("desk/Z", Asset::Sol),
            ("desk/a", Asset::Ether),
            ("desk/a", Asset::Sol),
            ("desk", Asset::Sol),
            ("desk2/a", Asset::Sol),
        ];
        for (path, asset) in opened {
            open_account(&store, path, asset, Overdraft::Forbidden);
        }
        let expected = [
            ("desk/Z", Asset::Sol),
            ("desk/a", Asset::Sol),
            ("desk/a", Asset::Ether),
            ("desk/a-1", Asset::Sol),
            ("desk/a/1", Asset::Sol),
            ("desk/b", Asset::Sol),
        ]
        .map(|(path, asset)| (path.to_owned(), asset));
        assert_eq!(listed(&store, "desk/", None, 100), expected);
        for size in 1..=expected.len() {
            let mut pages = Vec::new();
            loop {
                let after: Option<&(String, Asset)> = pages.last();
                let after = after.map(|(path, asset)| (path.as_str(), *asset));
                let page = listed(&store, "desk/", after, i64::try_from(size).unwrap());
                if page.is_empty() {
                    break;
                }
                pages.extend(page);
            }
            assert_eq!(pages, expected, "pages of {size}");
        }
    });
}
