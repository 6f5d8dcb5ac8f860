//! The rules of authorisation as tables.

use std::collections::BTreeMap;

use bursar_chain::Address;
use bursar_money::{Amount, Asset, U256};
use bursar_store::Timestamp;
use uuid::Uuid;

use super::*;
use crate::KeyId;

const NOW: Timestamp = Timestamp::from_ms(1_700_000_000_000);
const HOUR_MS: i64 = 3_600_000;
const BATCH: Uuid = Uuid::from_u128(7);

fn key() -> KeyId {
    KeyId::parse("hot-1").unwrap()
}

fn policy() -> Policy {
    Policy {
        asset: Asset::Banano,
        payment_max: Amount::new(100),
        is_listed_only: false,
        first_use_hold_ms: 0,
        approval: None,
        caps: vec![RollingCap { window_ms: 24 * HOUR_MS, max: Amount::new(150) }],
    }
}

fn account(policy: Policy) -> Account {
    Account {
        halted: None,
        windows: policy.caps.iter().map(|&cap| Window { cap, charged_before: U256::ZERO }).collect(),
        policy: Some(policy),
        now: NOW,
        charges: 0,
        charged: U256::ZERO,
        destinations: BTreeMap::new(),
        added: Vec::new(),
    }
}

fn book(account: Account) -> Book {
    Book { accounts: BTreeMap::from([(key(), account)]), known: BTreeMap::new(), batch: BATCH }
}

fn pay(intent: &str, destination: &str, amount: u128) -> Order {
    let destination = Address::from_canonical(destination.into());
    let work = Work::Payment { asset: Asset::Banano, destination, amount: Amount::new(amount) };
    Order { intent: intent.into(), key: key(), work }
}

fn refused(decision: Decision) -> Rejection {
    match decision {
        Decision::Refused(rejection) => rejection,
        other => panic!("{other:?}"),
    }
}

fn granted(decision: Decision) -> Authorization {
    match decision {
        Decision::Authorized(authorization) => authorization,
        other => panic!("{other:?}"),
    }
}

fn passes(decision: Decision) {
    drop(granted(decision));
}

/// Decides one payment of 10 under a changed account.
fn decide_with(change: impl FnOnce(&mut Account)) -> Decision {
    let mut account = account(policy());
    change(&mut account);
    decide(&mut book(account), &pay("p1", "ann", 10), 0)
}

#[test]
fn an_order_within_its_limits_is_authorised_and_charged() {
    let mut book = book(account(policy()));
    let authorization = granted(decide(&mut book, &pay("p1", "ann", 10), 0));
    assert_eq!((authorization.intent(), authorization.key()), ("p1", &key()));
    assert_eq!(authorization.expires_at(), NOW.after_ms(HOUR_MS));
    assert_eq!(authorization.batch(), BATCH);
    let account = &book.accounts[&key()];
    assert_eq!((account.charges, account.charged, account.added.len()), (1, U256::from(10), 1));
}

#[test]
fn a_stop_of_any_kind_refuses() {
    for halted in [
        Rejection::SwitchStopped { switch: "payouts_halted" },
        Rejection::KeyRetired,
        Rejection::KeyStopped { reason: "drill".into() },
    ] {
        let decision = decide_with(|account| account.halted = Some(halted.clone()));
        assert_eq!(refused(decision), halted);
    }
}

#[test]
fn a_key_that_is_unknown_or_has_no_policy_signs_nothing() {
    assert_eq!(refused(decide_with(|account| account.policy = None)), Rejection::NoPolicy);
    let mut upkeep = book(Account { policy: None, ..account(policy()) });
    let order = Order { work: Work::Upkeep, ..pay("u1", "ann", 1) };
    assert_eq!(refused(decide(&mut upkeep, &order, 0)), Rejection::NoPolicy);
    let mut nobody = Book { accounts: BTreeMap::new(), ..upkeep };
    assert_eq!(refused(decide(&mut nobody, &order, 0)), Rejection::KeyUnknown);
}

#[test]
fn an_order_that_makes_no_sense_is_refused() {
    let mut book = book(account(policy()));
    let bad = [
        pay("", "ann", 1),
        pay(&"x".repeat(129), "ann", 1),
        pay("a\0", "ann", 1),
        pay("p", "", 1),
        pay("p", &"x".repeat(257), 1),
        pay("p", "a\0", 1),
        pay("p", "ann", 0),
    ];
    for order in bad {
        assert_eq!(refused(decide(&mut book, &order, 0)).code(), "invalid_body", "{order:?}");
    }
    assert_eq!((book.known.len(), book.accounts[&key()].charges), (0, 0));
}

#[test]
fn a_payment_in_another_asset_is_refused() {
    let destination = Address::from_canonical("ann".into());
    let work = Work::Payment { asset: Asset::Sol, destination, amount: Amount::new(1) };
    let order = Order { work, ..pay("p1", "ann", 1) };
    let refused = refused(decide(&mut book(account(policy())), &order, 0));
    assert_eq!(refused, Rejection::OtherAsset(Asset::Banano));
}

#[test]
fn one_payment_is_at_most_the_maximum() {
    let mut book = book(account(policy()));
    let most = Rejection::AbovePaymentMax { max: Amount::new(100) };
    assert_eq!(refused(decide(&mut book, &pay("p1", "ann", 101), 0)), most);
    passes(decide(&mut book, &pay("p1", "ann", 100), 0));
}

#[test]
fn a_listed_only_key_pays_listed_destinations_only() {
    let listed_only = Policy { is_listed_only: true, ..policy() };
    let mut account = account(listed_only);
    for (address, is_listed) in [("ann", true), ("bob", false)] {
        let sighting = Sighting { is_listed, first_seen_at: NOW, is_new: false };
        account.destinations.insert(address.into(), sighting);
    }
    let mut book = book(account);
    passes(decide(&mut book, &pay("p1", "ann", 1), 0));
    for stranger in ["bob", "cay"] {
        let decision = decide(&mut book, &pay("p2", stranger, 1), 0);
        assert_eq!(refused(decision), Rejection::DestinationNotListed);
    }
    assert!(!book.accounts[&key()].destinations.contains_key("cay"));
}

#[test]
fn a_new_destination_waits_from_its_first_sight_to_the_moment_the_hold_ends() {
    let held = Policy { first_use_hold_ms: HOUR_MS, ..policy() };
    let mut book = book(account(held));
    let until = NOW.after_ms(HOUR_MS);
    assert_eq!(decide(&mut book, &pay("p1", "ann", 1), 0), Decision::Held { until });
    assert_eq!(book.accounts[&key()].destinations["ann"].first_seen_at, NOW);
    let mut at = |now: Timestamp| {
        book.accounts.get_mut(&key()).unwrap().now = now;
        decide(&mut book, &pay("p1", "ann", 1), 0)
    };
    assert_eq!(at(until.after_ms(-1)), Decision::Held { until });
    passes(at(until));
}

#[test]
fn what_is_refused_leaves_no_sight_of_its_destination() {
    let mut book = book(account(policy()));
    refused(decide(&mut book, &pay("p1", "ann", 101), 0));
    passes(decide(&mut book, &pay("p2", "bob", 100), 0));
    refused(decide(&mut book, &pay("p3", "cay", 51), 0));
    let seen: Vec<&str> = book.accounts[&key()].destinations.keys().map(String::as_str).collect();
    assert_eq!(seen, ["bob"]);
}

#[test]
fn a_payment_above_the_threshold_takes_the_approvals() {
    let rule = ApprovalRule { above: Amount::new(10), needed: 2 };
    let mut book = book(account(Policy { approval: Some(rule), ..policy() }));
    passes(decide(&mut book, &pay("p1", "ann", 10), 0));
    for given in [0, 1] {
        let needed = Rejection::ApprovalNeeded { needed: 2, given };
        assert_eq!(refused(decide(&mut book, &pay("p2", "ann", 11), given)), needed);
    }
    passes(decide(&mut book, &pay("p2", "ann", 11), 2));
    // What was approved stays approved.
    passes(decide(&mut book, &pay("p2", "ann", 11), 0));
}

#[test]
fn a_threshold_that_was_lowered_holds_for_what_was_authorised_before() {
    let mut book = book(account(policy()));
    passes(decide(&mut book, &pay("p1", "ann", 11), 0));
    let rule = ApprovalRule { above: Amount::new(10), needed: 1 };
    book.accounts.get_mut(&key()).unwrap().policy = Some(Policy { approval: Some(rule), ..policy() });
    let needed = Rejection::ApprovalNeeded { needed: 1, given: 0 };
    assert_eq!(refused(decide(&mut book, &pay("p1", "ann", 11), 0)), needed);
}

#[test]
fn a_cap_is_reached_and_not_passed_and_says_what_is_left() {
    let mut book = book(account(policy()));
    passes(decide(&mut book, &pay("p1", "ann", 100), 0));
    let [max, left] = [150, 50].map(Amount::new);
    let above = Rejection::AboveCap { window_ms: 24 * HOUR_MS, max, left };
    assert_eq!(refused(decide(&mut book, &pay("p2", "ann", 51), 0)), above);
    passes(decide(&mut book, &pay("p2", "ann", 50), 0));
    let above = Rejection::AboveCap { window_ms: 24 * HOUR_MS, max, left: Amount::ZERO };
    assert_eq!(refused(decide(&mut book, &pay("p3", "ann", 1), 0)), above);
}

#[test]
fn the_tightest_of_several_caps_decides_and_a_refusal_charges_none() {
    let caps = [(HOUR_MS, 20), (24 * HOUR_MS, 150)];
    let caps = caps.map(|(window_ms, max)| RollingCap { window_ms, max: Amount::new(max) }).to_vec();
    let mut book = book(account(Policy { caps, ..policy() }));
    assert_eq!(refused(decide(&mut book, &pay("p1", "ann", 21), 0)).code(), "above_cap");
    passes(decide(&mut book, &pay("p1", "ann", 20), 0));
    assert_eq!(book.accounts[&key()].charged, U256::from(20));
}

#[test]
fn the_same_intent_is_charged_once() {
    let mut book = book(account(policy()));
    for _ in 0..3 {
        passes(decide(&mut book, &pay("p1", "ann", 100), 0));
    }
    assert_eq!((book.accounts[&key()].charges, book.known.len()), (1, 1));
}

#[test]
fn an_intent_that_comes_again_for_something_else_is_refused() {
    let mut book = book(account(policy()));
    passes(decide(&mut book, &pay("p1", "ann", 10), 0));
    let upkeep = Order { work: Work::Upkeep, ..pay("p1", "ann", 10) };
    for other in [pay("p1", "bob", 10), pay("p1", "ann", 11), upkeep] {
        assert_eq!(refused(decide(&mut book, &other, 0)), Rejection::IntentReused);
    }
}

#[test]
fn an_intent_that_comes_again_after_its_lifetime_is_charged_again() {
    let caps = vec![RollingCap { window_ms: 60_000, max: Amount::new(150) }];
    let short = Policy { caps, ..policy() };
    assert_eq!(short.authorization_lifetime_ms(), 60_000);
    let mut book = book(account(short));
    let mut charges_at = |now: Timestamp| {
        book.accounts.get_mut(&key()).unwrap().now = now;
        let authorization = granted(decide(&mut book, &pay("p1", "ann", 60), 0));
        (book.accounts[&key()].charges, authorization.expires_at())
    };
    let first_end = NOW.after_ms(60_000);
    assert_eq!(charges_at(NOW), (1, first_end));
    assert_eq!(charges_at(first_end), (1, first_end));
    assert_eq!(charges_at(first_end.after_ms(1)), (2, first_end.after_ms(60_001)));
}

#[test]
fn upkeep_is_never_charged() {
    let mut book = book(account(policy()));
    let order = Order { work: Work::Upkeep, ..pay("u1", "ann", 1) };
    let authorization = granted(decide(&mut book, &order, 0));
    assert_eq!((authorization.work(), book.accounts[&key()].charges), (&Work::Upkeep, 0));
}

#[test]
fn a_policy_that_could_not_hold_is_refused() {
    let cap = |window_ms| RollingCap { window_ms, max: Amount::new(1) };
    let good = Policy { caps: vec![cap(HOUR_MS), cap(1_000)], ..policy() };
    assert_eq!(good.checked().unwrap().caps, [cap(1_000), cap(HOUR_MS)]);
    let rule = |needed| Some(ApprovalRule { above: Amount::ZERO, needed });
    let bad = [
        Policy { caps: vec![cap(999)], ..policy() },
        Policy { caps: vec![cap(31_622_400_001)], ..policy() },
        Policy { caps: vec![cap(1_000), cap(1_000)], ..policy() },
        Policy { caps: (1..=5).map(|n| cap(n * 1_000)).collect(), ..policy() },
        Policy { first_use_hold_ms: -1, ..policy() },
        Policy { first_use_hold_ms: 2_592_000_001, ..policy() },
        Policy { approval: rule(0), ..policy() },
        Policy { approval: rule(9), ..policy() },
    ];
    for policy in bad {
        assert_eq!(policy.checked().unwrap_err().code(), "invalid_body", "{policy:?}");
    }
}
