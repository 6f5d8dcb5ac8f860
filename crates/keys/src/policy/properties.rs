//! Caps hold over every history, whatever the clock does, and refuse nothing that they need not.

use std::collections::BTreeMap;

use bursar_chain::Address;
use bursar_money::{Amount, Asset, U256};
use bursar_store::Timestamp;
use proptest::prelude::*;
use uuid::Uuid;

use super::book::Charge;
use super::*;
use crate::KeyId;

/// One attempt at a payment, after a move of the clock, which may go back.
#[derive(Clone, Debug)]
struct Step {
    clock_ms: i64,
    amount: u128,
    intent: u8,
}

/// A key as the store would keep it between batches.
struct Kept {
    policy: Policy,
    known: BTreeMap<String, Known>,
    charges: Vec<Charge>,
}

fn key() -> KeyId {
    KeyId::parse("hot-1").unwrap()
}

impl Kept {
    fn new(caps: &[(i64, u128)]) -> Kept {
        let caps = caps.iter().map(|&(window_ms, max)| RollingCap { window_ms, max: Amount::new(max) });
        let policy = Policy {
            asset: Asset::Banano,
            payment_max: Amount::MAX,
            is_listed_only: false,
            first_use_hold_ms: 0,
            approval: None,
            caps: caps.collect(),
        };
        Kept { policy, known: BTreeMap::new(), charges: Vec::new() }
    }

    /// What a batch at `clock` loads: sums by difference of running totals, as the store reads them.
    fn load(&self, clock: Timestamp) -> Book {
        let last = self.charges.last();
        let now = last.map_or(clock, |last| last.at.max(clock));
        let before = |cap: &RollingCap| {
            let start = now.ms() - cap.window_ms;
            let earlier = self.charges.iter().rev().find(|charge| charge.at.ms() < start);
            earlier.map_or(U256::ZERO, |charge| charge.charged)
        };
        let windows = self.policy.caps.iter().map(|&cap| Window { cap, charged_before: before(&cap) });
        let account = Account {
            halted: None,
            windows: windows.collect(),
            policy: Some(self.policy.clone()),
            now,
            charges: last.map_or(0, |last| last.number),
            charged: last.map_or(U256::ZERO, |last| last.charged),
            destinations: BTreeMap::new(),
            added: Vec::new(),
        };
        let accounts = BTreeMap::from([(key(), account)]);
        Book { accounts, known: self.known.clone(), batch: Uuid::nil() }
    }

    fn save(&mut self, mut book: Book) {
        self.charges.append(&mut book.accounts.get_mut(&key()).unwrap().added);
        self.known = book.known;
    }

    /// What is charged in the window that ends at `end`, summed one by one.
    fn used(&self, cap: &RollingCap, end: Timestamp) -> U256 {
        let inside = self
            .charges
            .iter()
            .filter(|charge| charge.at.ms() >= end.ms() - cap.window_ms && charge.at <= end);
        inside.fold(U256::ZERO, |sum, charge| sum + U256::from(charge.amount.units()))
    }
}

fn order(step: &Step) -> Order {
    let destination = Address::from_canonical("ann".into());
    let work = Work::Payment { asset: Asset::Banano, destination, amount: Amount::new(step.amount) };
    // An intent is of one amount for ever.
    Order { intent: format!("{}-{}", step.intent, step.amount), key: key(), work }
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let jump = prop_oneof![4 => 0_i64..5_000, 2 => -20_000_i64..0, 1 => 0_i64..100_000];
    let amount = prop_oneof![6 => 1_u128..60, 1 => Just(u128::MAX), 1 => Just(u128::MAX / 2)];
    let step = (jump, amount, 0_u8..20);
    proptest::collection::vec(step, 1..80).prop_map(|parts| {
        let mut clock_ms = 1_700_000_000_000;
        let walk = parts.into_iter().map(|(jump, amount, intent)| {
            clock_ms += jump;
            Step { clock_ms, amount, intent }
        });
        walk.collect()
    })
}

fn caps() -> impl Strategy<Value = Vec<(i64, u128)>> {
    let max = prop_oneof![4 => 0_u128..300, 1 => Just(u128::MAX)];
    proptest::collection::vec((1_000_i64..50_000, max), 1..4)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn no_window_ever_holds_more_than_its_cap(steps in steps(), caps in caps(), at_once in 1_usize..4) {
        let mut kept = Kept::new(&caps);
        for batch in steps.chunks(at_once) {
            let mut book = kept.load(Timestamp::from_ms(batch[0].clock_ms));
            for step in batch {
                let _ = decide(&mut book, &order(step), 0);
            }
            kept.save(book);
        }
        prop_assert!(kept.charges.is_sorted_by_key(|charge| charge.at));
        for charge in &kept.charges {
            for cap in &kept.policy.caps {
                prop_assert!(kept.used(cap, charge.at) <= U256::from(cap.max.units()), "{cap:?} {charge:?}");
            }
        }
    }

    #[test]
    fn what_fits_every_window_is_authorised_and_what_does_not_is_refused_with_the_exact_rest(
        steps in steps(),
        caps in caps(),
    ) {
        let mut kept = Kept::new(&caps);
        for step in &steps {
            let mut book = kept.load(Timestamp::from_ms(step.clock_ms));
            let now = book.accounts[&key()].now;
            let order = order(step);
            let is_repeat = kept.known.get(&order.intent).is_some_and(|known| {
                now <= known.at.after_ms(kept.policy.authorization_lifetime_ms())
            });
            let left = |cap: &RollingCap| U256::from(cap.max.units()) - kept.used(cap, now);
            let short = kept.policy.caps.iter().find(|cap| U256::from(step.amount) > left(cap));
            match decide(&mut book, &order, 0) {
                Decision::Authorized(authorization) => {
                    prop_assert!(is_repeat || short.is_none());
                    prop_assert!(authorization.expires_at() >= now);
                    prop_assert_eq!(book.accounts[&key()].added.len(), usize::from(!is_repeat));
                }
                Decision::Refused(Rejection::AboveCap { window_ms, max, left: said }) => {
                    prop_assert!(!is_repeat);
                    let cap = short.unwrap();
                    prop_assert_eq!((window_ms, max), (cap.window_ms, cap.max));
                    prop_assert_eq!(U256::from(said.units()), left(cap));
                    prop_assert!(book.accounts[&key()].added.is_empty());
                }
                other => prop_assert!(false, "{:?}", other),
            }
            kept.save(book);
        }
    }

    #[test]
    fn a_clock_that_goes_back_frees_nothing(back_ms in 1_i64..1_000_000_000, amount in 1_u128..=100) {
        let mut kept = Kept::new(&[(10_000, 100)]);
        let start = Timestamp::from_ms(1_700_000_000_000);
        let full = Step { clock_ms: start.ms(), amount: 100, intent: 0 };
        let mut book = kept.load(start);
        prop_assert!(matches!(decide(&mut book, &order(&full), 0), Decision::Authorized(_)));
        kept.save(book);
        let later = Step { clock_ms: start.ms() - back_ms, amount, intent: 1 };
        let mut book = kept.load(Timestamp::from_ms(later.clock_ms));
        let refused = decide(&mut book, &order(&later), 0);
        prop_assert!(matches!(refused, Decision::Refused(Rejection::AboveCap { .. })), "{:?}", refused);
    }
}
