//! Balances at a past time, also of accounts with thousands of postings.

use bursar_ledger::{AccountId, MIGRATIONS, balance_at};
use bursar_money::{Amount, Balance};
use bursar_store::Timestamp;
use bursar_test_stores::{START_MS, for_each_engine};
use proptest::prelude::*;

use crate::town::{KIND, Town, batch};

/// A batch: milliseconds since the one before, how many transfers, and what each moves.
type Step = (i64, usize, u128);

fn past_balance(town: &Town<'_>, account: AccountId, at_ms: i64) -> Balance {
    let at = Timestamp::from_ms(at_ms);
    town.store().read("test.past", |tx| balance_at(tx, account, at)).unwrap()
}

/// Pays into Ann; every fourth transfer goes on from her to Bob. Gives her postings as (time, debit, amount).
fn run(town: &Town<'_>, steps: &[Step]) -> Vec<(i64, bool, u128)> {
    let mut postings = Vec::new();
    for (pause_ms, count, amount) in steps {
        let now = town.test.advance_ms(*pause_ms);
        batch(&town.store(), now, |book, tx| {
            book.load(tx, &[town.world, town.ann, town.bob])?;
            let [world, ann, bob] = [town.world, town.ann, town.bob].map(|id| book.slot(id).unwrap());
            for n in 0..*count {
                let (debit, credit) = if n % 4 == 3 { (ann, bob) } else { (world, ann) };
                book.transfer(debit, credit, Amount::new(*amount), KIND, 0).unwrap();
            }
            Ok(())
        });
        postings.extend((0..*count).map(|n| (now.ms(), n % 4 == 3, *amount)));
    }
    postings
}

fn replayed(postings: &[(i64, bool, u128)], at_ms: i64) -> Balance {
    let side = |debit| {
        let counted = postings.iter().filter(|(at, is_debit, _)| *at <= at_ms && *is_debit == debit);
        Amount::new(counted.map(|(.., amount)| amount).sum())
    };
    Balance::between(side(false), side(true))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_balance_at_any_time_is_what_a_replay_of_all_postings_gives(
        steps in prop::collection::vec((0_i64..4, 1_usize..800, 1_u128..1_000), 4..9),
    ) {
        for_each_engine(&MIGRATIONS, |test| {
            let town = Town::open(test);
            let postings = run(&town, &steps);
            for at_ms in START_MS - 1..=test.now().ms() + 1 {
                assert_eq!(past_balance(&town, town.ann, at_ms), replayed(&postings, at_ms), "at {at_ms}");
            }
        });
    }
}

#[test]
fn every_thousandth_posting_of_an_account_leaves_a_waypoint_with_its_totals() {
    for_each_engine(&MIGRATIONS, |test| {
        let town = Town::open(test);
        run(&town, &[(1, 999, 1), (1, 2, 1), (1, 998, 1), (1, 1, 1), (1, 900, 1)]);
        let sql = "SELECT posting, transfer, debits, credits, at FROM ledger_waypoint WHERE account = $1 \
                   ORDER BY posting";
        let waypoints = town.store().read("test.waypoints", |tx| {
            tx.query(sql, &[town.ann.0.into()], |row| {
                let (debits, credits): (Amount, Amount) = (row.get(2)?, row.get(3)?);
                let at: Timestamp = row.get(4)?;
                Ok((row.get(0)?, row.get(1)?, debits.units(), credits.units(), at.ms() - START_MS))
            })
        });
        let [(first, second)] = [((1_000, 1_000, 249, 751, 2), (2_000, 2_000, 498, 1_502, 4))];
        assert_eq!(waypoints.unwrap(), [first, second]);
    });
}

#[test]
fn an_account_without_postings_had_nothing_at_any_time() {
    for_each_engine(&MIGRATIONS, |test| {
        let town = Town::open(test);
        for account in [town.ann, AccountId(999)] {
            assert_eq!(past_balance(&town, account, START_MS), Balance::ZERO);
        }
    });
}

#[test]
fn a_debt_of_the_past_is_shown_as_one() {
    for_each_engine(&MIGRATIONS, |test| {
        let town = Town::open(test);
        run(&town, &[(1, 1, 40), (1, 1, 2)]);
        let world = [0, 1, 2].map(|ms| past_balance(&town, town.world, START_MS + ms).to_string());
        assert_eq!(world, ["0", "-40", "-42"]);
    });
}
