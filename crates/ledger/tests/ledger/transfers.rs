//! Transfers: what is refused, what moves, and that what is refused leaves no trace.

use std::panic::{AssertUnwindSafe, catch_unwind};

use bursar_ledger::{AccountId, Book, LedgerRefusal, Overdraft, TransferId, TransferKind};
use bursar_money::{Amount, AmountError, Asset};
use bursar_store::{Timestamp, set_fail_stop_handler};

use crate::town::{KIND, batch, for_each_engine, open_account};

#[test]
fn money_moves_from_the_debited_account_to_the_credited_one() {
    for_each_engine(|town| {
        assert_eq!(town.pay(town.world, town.ann, 100), Ok(TransferId(1)));
        assert_eq!(town.pay(town.ann, town.bob, 30), Ok(TransferId(2)));
        assert_eq!([town.world, town.ann, town.bob].map(|id| town.balance(id)), ["-100", "70", "30"]);
        let ann = town.view(town.ann);
        assert_eq!((ann.debits, ann.credits, ann.postings), (Amount::new(30), Amount::new(100), 2));
    });
}

#[test]
fn a_transfer_says_why_and_when_it_was_made() {
    for_each_engine(|town| {
        let at = town.test.advance_ms(123);
        batch(&town.store(), at, |book, tx| {
            book.load(tx, &[town.world, town.ann])?;
            let (world, ann) = (book.slot(town.world).unwrap(), book.slot(town.ann).unwrap());
            Ok(book.transfer(world, ann, Amount::new(5), TransferKind(42), 4_711).unwrap())
        });
        let [posting] = &town.history(town.ann, None, 10)[..] else { panic!("one posting") };
        assert_eq!((posting.kind, posting.cause, posting.at), (TransferKind(42), 4_711, at));
        assert_eq!(
            (posting.counterpart, posting.is_debit, posting.amount),
            (town.world, false, Amount::new(5))
        );
    });
}

#[test]
fn an_account_that_may_not_owe_spends_what_it_has_and_no_more() {
    for_each_engine(|town| {
        town.pay(town.world, town.ann, 100).unwrap();
        assert_eq!(town.pay(town.ann, town.bob, 101), Err(LedgerRefusal::InsufficientFunds));
        assert_eq!(town.pay(town.ann, town.bob, 100), Ok(TransferId(2)));
        assert_eq!(town.pay(town.ann, town.bob, 1), Err(LedgerRefusal::InsufficientFunds));
        assert_eq!(town.pay(town.bob, town.world, 40), Ok(TransferId(3)));
        assert_eq!([town.world, town.ann, town.bob].map(|id| town.balance(id)), ["-60", "0", "60"]);
    });
}

#[test]
fn what_makes_no_sense_is_refused() {
    for_each_engine(|town| {
        let sol = open_account(&town.store(), "town/ann", Asset::Sol, Overdraft::Allowed);
        assert_eq!(town.pay(town.world, town.world, 1), Err(LedgerRefusal::SameAccount));
        assert_eq!(town.pay(town.world, sol, 1), Err(LedgerRefusal::AssetMismatch));
        assert_eq!(town.pay(town.world, town.ann, 0), Err(LedgerRefusal::ZeroAmount));
    });
}

#[test]
fn totals_end_at_the_largest_amount_and_a_refusal_there_changes_nothing() {
    for_each_engine(|town| {
        let overflow = Err(LedgerRefusal::Amount(AmountError::Overflow));
        town.pay(town.world, town.ann, u128::MAX).unwrap();
        assert_eq!(town.pay(town.world, town.bob, 1), overflow);
        town.pay(town.ann, town.bob, u128::MAX - 1).unwrap();
        assert_eq!(town.pay(town.bob, town.ann, 1), overflow);
        assert_eq!(town.balance(town.world), format!("-{}", u128::MAX));
        assert_eq!(
            [town.ann, town.bob].map(|id| town.balance(id)),
            ["1".into(), (u128::MAX - 1).to_string()]
        );
    });
}

#[test]
fn a_batch_decides_on_what_it_did_itself_and_its_refusals_leave_no_trace() {
    for_each_engine(|town| {
        let (outcomes, _) = batch(&town.store(), Timestamp::from_ms(1), |book, tx| {
            book.load(tx, &[town.world, town.ann, town.bob])?;
            let [world, ann, bob] = [town.world, town.ann, town.bob].map(|id| book.slot(id).unwrap());
            let new = book.open("town/new", Asset::PanchoBucks, Overdraft::Forbidden);
            let mut pay =
                |debit, credit, amount| book.transfer(debit, credit, Amount::new(amount), KIND, 0).is_ok();
            Ok([
                pay(ann, bob, 1),
                pay(world, ann, 10),
                pay(ann, bob, 11),
                pay(ann, new, 10),
                pay(new, bob, 4),
                pay(new, world, 7),
            ])
        });
        assert_eq!(outcomes, [false, true, false, true, true, false]);
        assert_eq!([town.world, town.ann, town.bob].map(|id| town.balance(id)), ["-10", "0", "4"]);
        assert_eq!(town.history(AccountId(4), None, 10).len(), 2);
        assert_eq!(town.pay(town.world, town.ann, 1), Ok(TransferId(4)));
    });
}

#[test]
fn a_batch_of_refusals_only_writes_nothing() {
    for_each_engine(|town| {
        assert!(town.pay(town.ann, town.bob, 1).is_err());
        assert_eq!((town.view(town.ann).postings, town.history(town.ann, None, 10)), (0, vec![]));
        assert_eq!(town.pay(town.world, town.ann, 1), Ok(TransferId(1)));
    });
}

#[test]
fn a_transfer_decided_after_the_numbering_stops_the_process_instead_of_taking_a_number_of_others() {
    set_fail_stop_handler(|reason| panic!("fail-stop: {reason}"));
    for_each_engine(|town| {
        let late = catch_unwind(AssertUnwindSafe(|| {
            town.store().transact("test.late", |tx| {
                let mut book = Book::default();
                book.load(tx, &[town.world, town.ann])?;
                let (world, ann) = (book.slot(town.world).unwrap(), book.slot(town.ann).unwrap());
                book.transfer(world, ann, Amount::new(1), KIND, 0).unwrap();
                book.number(tx)?;
                book.transfer(world, ann, Amount::new(1), KIND, 0).unwrap();
                book.write(tx, Timestamp::from_ms(1))
            })
        }));
        assert!(late.is_err());
        assert_eq!(town.pay(town.world, town.ann, 1), Ok(TransferId(1)));
    });
}
