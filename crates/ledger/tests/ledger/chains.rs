//! An account's history: complete, in order, read from the newest posting backwards.

use bursar_ledger::{AccountId, Posting, TransferId};
use bursar_money::Amount;

use crate::town::{KIND, Town, batch, for_each_engine};

/// 30 transfers in batches of several sizes: into Ann, and every third one on to Bob.
fn busy(town: &Town<'_>) {
    let mut next = 0_u32;
    for size in [1, 7, 2, 12, 8] {
        batch(&town.store(), town.test.advance_ms(10), |book, tx| {
            book.load(tx, &[town.world, town.ann, town.bob])?;
            let [world, ann, bob] = [town.world, town.ann, town.bob].map(|id| book.slot(id).unwrap());
            for n in next..next + size {
                let (debit, credit) = if n % 3 == 2 { (ann, bob) } else { (world, ann) };
                book.transfer(debit, credit, Amount::new(1), KIND, i64::from(n)).unwrap();
            }
            Ok(())
        });
        next += size;
    }
}

fn ids(postings: &[Posting]) -> Vec<i64> {
    postings.iter().map(|posting| posting.transfer.0).collect()
}

#[test]
fn a_walk_from_the_newest_posting_gives_all_of_them_in_order() {
    for_each_engine(|town| {
        busy(town);
        assert_eq!(ids(&town.history(town.ann, None, 100)), (1..=30).rev().collect::<Vec<_>>());
        assert_eq!(
            ids(&town.history(town.bob, None, 100)),
            (1..=10).rev().map(|n| n * 3).collect::<Vec<_>>()
        );
        let world: Vec<i64> = (1..=30).rev().filter(|id| id % 3 != 0).collect();
        assert_eq!(ids(&town.history(town.world, None, 100)), world);
        assert_eq!(town.view(town.ann).last_transfer, Some(TransferId(30)));
    });
}

#[test]
fn each_posting_names_its_side_and_the_one_before_it() {
    for_each_engine(|town| {
        busy(town);
        let postings = town.history(town.ann, None, 100);
        for pair in postings.windows(2) {
            assert_eq!(pair[0].previous, Some(pair[1].transfer));
            assert!(pair[0].at >= pair[1].at);
        }
        assert_eq!(postings.last().map(|first| first.previous), Some(None));
        for posting in postings {
            let is_payment = posting.transfer.0 % 3 == 0;
            let counterpart = if is_payment { town.bob } else { town.world };
            assert_eq!((posting.is_debit, posting.counterpart), (is_payment, counterpart));
            assert_eq!(posting.cause, posting.transfer.0 - 1);
        }
    });
}

#[test]
fn pages_of_any_size_give_the_whole_history() {
    for_each_engine(|town| {
        busy(town);
        for size in [1, 4, 29, 30, 31] {
            let (mut found, mut from) = (Vec::new(), None);
            loop {
                let page = town.history(town.ann, from, size);
                assert!(page.len() <= usize::try_from(size).unwrap());
                found.extend(ids(&page));
                from = page.last().and_then(|last| last.previous);
                if from.is_none() {
                    break;
                }
            }
            assert_eq!(found, (1..=30).rev().collect::<Vec<_>>(), "pages of {size}");
        }
        assert_eq!(ids(&town.history(town.ann, Some(TransferId(17)), 3)), [17, 16, 15]);
        assert!(town.history(town.ann, None, 0).is_empty());
    });
}

#[test]
fn a_history_never_shows_the_postings_of_another_account() {
    for_each_engine(|town| {
        busy(town);
        // Transfer 2 went from the world to Ann, so it is none of Bob's.
        assert!(town.history(town.bob, Some(TransferId(2)), 100).is_empty());
        assert!(town.history(town.bob, Some(TransferId(999)), 100).is_empty());
        assert!(town.history(AccountId(999), None, 100).is_empty());
    });
}
