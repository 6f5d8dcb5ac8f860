//! Holds: money set aside until it is posted or voided, once.

use bursar_ledger::{AccountId, HoldId, HoldState, LedgerRefusal, TransferId};
use bursar_money::{Amount, AmountError};

use crate::town::{KIND, Town, batch, for_each_engine};

fn hold(town: &Town<'_>, debit: AccountId, credit: AccountId, amount: u128) -> Result<HoldId, LedgerRefusal> {
    let (held, book) = batch(&town.store(), town.test.now(), |book, tx| {
        book.load(tx, &[debit, credit])?;
        let (debit, credit) = (book.slot(debit).unwrap(), book.slot(credit).unwrap());
        Ok(book.hold(debit, credit, Amount::new(amount), KIND, 0))
    });
    held.map(|slot| book.hold_id(slot))
}

fn post(town: &Town<'_>, hold: HoldId) -> Result<TransferId, LedgerRefusal> {
    let (posted, book) = batch(&town.store(), town.test.now(), |book, tx| {
        book.load_holds(tx, &[hold])?;
        Ok(book.post_hold(book.hold_slot(hold).unwrap()))
    });
    posted.map(|transfer| book.transfer_id(transfer))
}

fn void(town: &Town<'_>, hold: HoldId) -> Result<(), LedgerRefusal> {
    let (voided, _) = batch(&town.store(), town.test.now(), |book, tx| {
        book.load_holds(tx, &[hold])?;
        Ok(book.void_hold(book.hold_slot(hold).unwrap()))
    });
    voided
}

/// Ann's balance and what is set aside of it.
fn ann(town: &Town<'_>) -> (String, u128) {
    (town.balance(town.ann), town.view(town.ann).held.units())
}

#[test]
fn held_money_stays_in_its_account_and_cannot_be_spent_or_held_again() {
    for_each_engine(|town| {
        town.pay(town.world, town.ann, 100).unwrap();
        assert_eq!(hold(town, town.ann, town.world, 60), Ok(HoldId(1)));
        assert_eq!(ann(town), ("100".into(), 60));
        assert_eq!(town.pay(town.ann, town.bob, 41), Err(LedgerRefusal::InsufficientFunds));
        assert_eq!(hold(town, town.ann, town.bob, 41), Err(LedgerRefusal::InsufficientFunds));
        assert_eq!(hold(town, town.ann, town.bob, 40), Ok(HoldId(2)));
        assert_eq!(town.pay(town.ann, town.bob, 1), Err(LedgerRefusal::InsufficientFunds));
        assert_eq!(town.history(town.ann, None, 10).len(), 1);
    });
}

#[test]
fn a_posted_hold_becomes_its_transfer() {
    for_each_engine(|town| {
        town.pay(town.world, town.ann, 100).unwrap();
        let held = hold(town, town.ann, town.bob, 60).unwrap();
        assert_eq!(post(town, held), Ok(TransferId(2)));
        assert_eq!((ann(town), town.balance(town.bob)), (("40".into(), 0), "60".into()));
        assert_eq!(town.history(town.bob, None, 10)[0].transfer, TransferId(2));
        assert_eq!(town.pay(town.ann, town.bob, 40), Ok(TransferId(3)));
    });
}

#[test]
fn a_voided_hold_gives_back_what_it_set_aside() {
    for_each_engine(|town| {
        town.pay(town.world, town.ann, 100).unwrap();
        let held = hold(town, town.ann, town.bob, 60).unwrap();
        assert_eq!(void(town, held), Ok(()));
        assert_eq!((ann(town), town.balance(town.bob)), (("100".into(), 0), "0".into()));
        assert_eq!(town.pay(town.ann, town.bob, 100), Ok(TransferId(2)));
    });
}

#[test]
fn a_hold_ends_once() {
    for_each_engine(|town| {
        town.pay(town.world, town.ann, 100).unwrap();
        let [posted, voided] = [30, 50].map(|amount| hold(town, town.ann, town.bob, amount).unwrap());
        post(town, posted).unwrap();
        void(town, voided).unwrap();
        for ended in [posted, voided] {
            assert_eq!(post(town, ended), Err(LedgerRefusal::HoldEnded));
            assert_eq!(void(town, ended), Err(LedgerRefusal::HoldEnded));
        }
        assert_eq!((ann(town), town.balance(town.bob)), (("70".into(), 0), "30".into()));
    });
}

#[test]
fn a_hold_can_be_posted_in_the_batch_that_made_it_and_not_twice_there_either() {
    for_each_engine(|town| {
        town.pay(town.world, town.ann, 10).unwrap();
        let ((slot, again), book) = batch(&town.store(), town.test.now(), |book, tx| {
            book.load(tx, &[town.ann, town.bob])?;
            let (ann, bob) = (book.slot(town.ann).unwrap(), book.slot(town.bob).unwrap());
            let slot = book.hold(ann, bob, Amount::new(10), KIND, 0).unwrap();
            book.post_hold(slot).unwrap();
            Ok((slot, book.post_hold(slot).unwrap_err()))
        });
        assert_eq!((again, book.hold_at(slot).state), (LedgerRefusal::HoldEnded, HoldState::Posted));
        assert_eq!((ann(town), town.balance(town.bob)), (("0".into(), 0), "10".into()));
        assert_eq!(post(town, book.hold_id(slot)), Err(LedgerRefusal::HoldEnded));
    });
}

#[test]
fn what_could_not_be_posted_is_not_held() {
    for_each_engine(|town| {
        let overflow = Err(LedgerRefusal::Amount(AmountError::Overflow));
        town.pay(town.world, town.ann, u128::MAX).unwrap();
        assert_eq!(hold(town, town.world, town.bob, 1).map(|_| ()), overflow, "its debits are full");
        town.pay(town.ann, town.bob, u128::MAX - 10).unwrap();
        town.pay(town.bob, town.world, 20).unwrap();
        assert_eq!(hold(town, town.bob, town.ann, 1).map(|_| ()), overflow, "its credits are full");
        let held = hold(town, town.ann, town.bob, 10).unwrap();
        assert_eq!(post(town, held).map(|_| ann(town)), Ok(("0".into(), 0)));
    });
}

#[test]
fn a_hold_whose_room_others_have_taken_stays_as_it_is_and_can_be_voided() {
    for_each_engine(|town| {
        town.pay(town.world, town.ann, 10).unwrap();
        let held = hold(town, town.ann, town.bob, 10).unwrap();
        town.pay(town.world, town.bob, u128::MAX - 10).unwrap();
        town.pay(town.bob, town.ann, 5).unwrap();
        town.pay(town.ann, town.bob, 5).unwrap();
        // Bob's credits are 5 short of the largest amount.
        assert_eq!(post(town, held), Err(LedgerRefusal::Amount(AmountError::Overflow)));
        assert_eq!(town.view(town.ann).held, Amount::new(10));
        assert_eq!(void(town, held), Ok(()));
        assert_eq!(town.view(town.ann).held, Amount::ZERO);
    });
}

#[test]
fn what_makes_no_sense_is_refused() {
    for_each_engine(|town| {
        assert_eq!(hold(town, town.world, town.world, 1), Err(LedgerRefusal::SameAccount));
        assert_eq!(hold(town, town.world, town.ann, 0), Err(LedgerRefusal::ZeroAmount));
        assert_eq!(hold(town, town.ann, town.bob, 1), Err(LedgerRefusal::InsufficientFunds));
    });
}
