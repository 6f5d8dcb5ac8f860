//! The trial balance: over all accounts of an asset the sum is zero.

use bursar_ledger::{Overdraft, TrialBalance, trial_balance};
use bursar_money::{Amount, Asset, Balance, Turnover};
use bursar_store::{Store, Timestamp};

use crate::town::{KIND, batch, for_each_engine};

fn totals(store: &Store) -> Vec<TrialBalance> {
    store.read("test.totals", trial_balance).unwrap()
}

#[test]
fn every_asset_sums_to_zero_over_more_accounts_than_a_page_holds() {
    const ACCOUNTS: usize = 4_100;
    for_each_engine(|town| {
        batch(&town.store(), Timestamp::from_ms(1), |book, _| {
            let sources =
                [Asset::Sol, Asset::Ether].map(|asset| book.open("source", asset, Overdraft::Allowed));
            for index in 0..ACCOUNTS {
                let (asset, source) =
                    if index % 2 == 0 { (Asset::Sol, sources[0]) } else { (Asset::Ether, sources[1]) };
                let account = book.open(&format!("many/{index:05}"), asset, Overdraft::Forbidden);
                book.transfer(source, account, Amount::new(3), KIND, 0).unwrap();
            }
            Ok(())
        });
        let moved = Amount::new(3 * 2_050);
        let of = |asset, accounts, moved| TrialBalance {
            asset,
            accounts,
            debits: Turnover::from(moved),
            credits: Turnover::from(moved),
            sum: Balance::ZERO,
        };
        let expected = [
            of(Asset::PanchoBucks, 3, Amount::ZERO),
            of(Asset::Sol, 2_051, moved),
            of(Asset::Ether, 2_051, moved),
        ];
        assert_eq!(totals(&town.store()), expected);
    });
}

#[test]
fn a_book_through_which_more_has_gone_than_an_amount_holds_still_sums_to_zero() {
    for_each_engine(|town| {
        town.pay(town.world, town.ann, u128::MAX).unwrap();
        town.pay(town.ann, town.bob, 20).unwrap();
        let total = totals(&town.store()).remove(0);
        let moved = Turnover::from(Amount::MAX).plus(Amount::new(20)).unwrap();
        assert_eq!((total.debits, total.credits, total.sum), (moved, moved, Balance::ZERO));
    });
}

#[test]
fn a_total_that_somebody_changed_by_hand_shows_in_the_sum() {
    for_each_engine(|town| {
        town.pay(town.world, town.ann, 100).unwrap();
        let changed = town.store().transact("test.tamper", |tx| {
            let sql = "UPDATE ledger_account SET credits = $1 WHERE id = $2";
            tx.execute(sql, &[Amount::new(103).into(), town.ann.0.into()])
        });
        assert_eq!(changed.unwrap(), 1);
        assert_eq!(totals(&town.store())[0].sum, Balance::Credit(Amount::new(3)));
    });
}
