//! An order is accepted once, holds its money, and is refused for good reasons alone.

use bursar_control::ConfigTable;
use bursar_money::{Amount, Balance};
use bursar_payouts::{Debit, IntentState, LaneOrder, Rejection};
use bursar_store::StoreError;
use bursar_store::lane::LaneOptions;

use crate::scene::{ALL, DESK, HALTED, TREASURY, key, on_each_engine, payee};

fn credit(units: u128) -> Balance {
    Balance::Credit(Amount::new(units))
}

fn code<T: std::fmt::Debug>(reply: &Result<T, Rejection>) -> &'static str {
    reply.as_ref().err().map_or("accepted", Rejection::code)
}

#[test]
fn an_accepted_order_is_an_intent_whose_money_is_held() {
    on_each_engine(|scene| {
        let accepted = scene.order("a", &payee(1), 100).unwrap();
        assert_eq!((accepted.id.0, accepted.state, accepted.is_new), (1, IntentState::Accepted, true));
        assert_eq!(scene.account("faucet/treasury"), (credit(TREASURY), 100));
        assert_eq!(scene.account("payouts/hot"), (Balance::ZERO, 0));
        assert_eq!(scene.events(), ["payout.accepted"]);
        assert_eq!(scene.count("SELECT cause FROM ledger_hold"), 1);
    });
}

#[test]
fn the_same_key_with_the_same_order_is_the_same_intent_for_ever() {
    on_each_engine(|scene| {
        let first = scene.order("a", &payee(1), 100).unwrap();
        scene.test.advance_ms(400 * 86_400_000);
        let again = scene.order("a", &payee(1), 100).unwrap();
        assert_eq!((again.id, again.public_id, again.is_new), (first.id, first.public_id, false));
        let [one, two] = &scene.orders(&[("b", &payee(1), 5), ("b", &payee(1), 5)])[..] else { panic!() };
        let (one, two) = (one.as_ref().unwrap(), two.as_ref().unwrap());
        assert_eq!((one.id, one.is_new, two.is_new), (two.id, true, false));
        assert_eq!(scene.count("SELECT COUNT(*) FROM payout_intent"), 2);
        assert_eq!(scene.account("faucet/treasury").1, 105);
    });
}

#[test]
fn the_same_key_with_another_order_is_refused_with_both_hashes() {
    on_each_engine(|scene| {
        scene.order("a", &payee(1), 100).unwrap();
        for (to, amount) in [(payee(2), 100), (payee(1), 101)] {
            let Err(Rejection::KeyReused { stored, given }) = scene.order("a", &to, amount) else { panic!() };
            assert_eq!((stored.len(), given.len()), (64, 64));
            assert_ne!(stored, given);
        }
        let replies = scene.orders(&[("b", &payee(1), 5), ("b", &payee(1), 6)]);
        assert_eq!(replies.iter().map(code).collect::<Vec<_>>(), ["accepted", "idempotency_key_reused"]);
        assert_eq!(scene.account("faucet/treasury").1, 105);
    });
}

#[test]
fn what_cannot_be_paid_is_refused_and_holds_nothing() {
    on_each_engine(|scene| {
        let own = scene.read(|tx| scene.payouts.wallet(tx, &scene.wallet)).unwrap().address;
        let nobody = bursar_chain::Address::from_canonical("ban_nobody".to_owned());
        let burn = "ban_1burnbabyburndiscoinferno111111111111111111111111111aj49sw3w";
        let burn = bursar_chain::Address::from_canonical(burn.to_owned());
        let cases = [
            (&nobody, 1, "invalid_address"),
            (&burn, 1, "burn_address"),
            (&own, 1, "own_wallet"),
            (&payee(1), 0, "invalid_body"),
            (&payee(1), 10_001, "above_payment_max"),
        ];
        for (to, amount, wanted) in cases {
            assert_eq!(code(&scene.order("x", to, amount)), wanted);
        }
        assert_eq!(scene.account("faucet/treasury").1, 0);
        assert_eq!(scene.count("SELECT COUNT(*) FROM payout_intent"), 0);
        assert_eq!(scene.order("x", &payee(1), 10_000).unwrap().state, IntentState::Accepted);
    });
}

#[test]
fn orders_beyond_what_the_account_holds_are_refused_in_their_turn() {
    on_each_engine(|scene| {
        let names: Vec<String> = (0..101).map(|n| format!("k{n}")).collect();
        let to = payee(1);
        let orders: Vec<_> = names.iter().map(|name| (name.as_str(), &to, 10_000)).collect();
        let replies = scene.orders(&orders);
        assert_eq!(replies.iter().filter(|reply| reply.is_ok()).count(), 100);
        assert_eq!(code(&replies[100]), "insufficient_funds");
        assert_eq!(scene.account("faucet/treasury").1, TREASURY);
    });
}

#[test]
fn nothing_new_is_accepted_while_a_switch_is_stopped_and_what_was_accepted_is_still_told() {
    on_each_engine(|scene| {
        scene.order("a", &payee(1), 1).unwrap();
        for (table, switch) in [(ConfigTable::FAUCET, HALTED), (ConfigTable::PLATFORM, ALL)] {
            scene.set_switch(table, switch, true);
            let refused = scene.order("b", &payee(1), 1).unwrap_err();
            assert_eq!((refused.code(), refused.status()), ("payouts_stopped", 503));
            assert!(!scene.order("a", &payee(1), 1).unwrap().is_new);
            scene.set_switch(table, switch, false);
        }
        scene.write(|tx, _| tx.batch_execute("DELETE FROM faucet_config WHERE key = 'payouts_halted'"));
        assert_eq!(code(&scene.order("b", &payee(1), 1)), "payouts_stopped");
    });
}

#[test]
fn what_cannot_be_stored_is_refused() {
    on_each_engine(|scene| {
        let lane = scene.payouts.start_lane(LaneOptions::default()).unwrap();
        let call = |amount, reference, reason: &str| {
            let order = LaneOrder {
                desk: DESK,
                wallet: scene.wallet.clone(),
                key: key("a"),
                destination: payee(1),
                amount: Amount::new(amount),
                debit: Debit::Account(scene.treasury),
                reference,
                reason: reason.to_owned(),
            };
            lane.call(order).unwrap().err()
        };
        let flawed = [(0, 7, "kills"), (1, -1, "kills"), (1, 7, "a\0b"), (1, 7, &"\u{e9}".repeat(201))];
        let fields = flawed.map(|(amount, reference, reason)| match call(amount, reference, reason) {
            Some(Rejection::Invalid { field, .. }) => field,
            other => panic!("{other:?}"),
        });
        assert_eq!(fields, ["amount", "reference", "reason", "reason"]);
        assert_eq!(scene.count("SELECT COUNT(*) FROM payout_intent"), 0);
        assert_eq!(call(1, 0, &"\u{e9}".repeat(200)), None);
    });
}

#[test]
fn a_wallet_is_its_desks_alone() {
    on_each_engine(|scene| {
        let lane = scene.payouts.start_lane(LaneOptions::default()).unwrap();
        let order = |desk, wallet: &str, debit| LaneOrder {
            desk,
            wallet: bursar_keys::KeyId::parse(wallet).unwrap(),
            key: key("a"),
            destination: payee(1),
            amount: Amount::new(1),
            debit,
            reference: 0,
            reason: String::new(),
        };
        let treasury = Debit::Account(scene.treasury);
        assert_eq!(code(&lane.call(order("rounds", "hot", treasury)).unwrap()), "wallet_not_found");
        assert_eq!(code(&lane.call(order(DESK, "cold", treasury)).unwrap()), "wallet_not_found");
        let nobody = Debit::Account(bursar_ledger::AccountId(999));
        assert_eq!(code(&lane.call(order(DESK, "hot", nobody)).unwrap()), "account_not_found");
        assert_eq!(code(&lane.call(order(DESK, "hot", Debit::Funds)).unwrap()), "insufficient_funds");
        assert_eq!(code(&lane.call(order(DESK, "hot", treasury)).unwrap()), "accepted");
        assert!(!lane.call(order(DESK, "hot", treasury)).unwrap().unwrap().is_new);
    });
}

#[test]
fn an_intent_and_its_hold_stand_or_fall_with_the_callers_transaction() {
    on_each_engine(|scene| {
        let now = scene.test.now();
        let undone = scene.store().transact("test.undone", |tx| {
            scene.give(tx, &[("a", &payee(1), 100)], now)?;
            Err::<(), _>(StoreError::Decode("the desk's own row cannot be stored".into()))
        });
        assert!(undone.is_err());
        assert_eq!(scene.count("SELECT COUNT(*) FROM payout_intent"), 0);
        assert_eq!(scene.account("faucet/treasury").1, 0);
    });
}

#[test]
fn lanes_that_race_for_one_key_make_one_intent() {
    on_each_engine(|scene| {
        let lanes: Vec<_> =
            (0..3).map(|_| scene.payouts.start_lane(LaneOptions::default()).unwrap()).collect();
        let ids: Vec<_> = std::thread::scope(|scope| {
            let threads: Vec<_> = lanes
                .iter()
                .map(|lane| {
                    scope.spawn(|| {
                        let order = |n: i32| LaneOrder {
                            desk: DESK,
                            wallet: scene.wallet.clone(),
                            key: key(&format!("k{n}")),
                            destination: payee(1),
                            amount: Amount::new(1),
                            debit: Debit::Account(scene.treasury),
                            reference: 0,
                            reason: String::new(),
                        };
                        (0..20).map(|n| lane.call(order(n)).unwrap().unwrap().id).collect::<Vec<_>>()
                    })
                })
                .collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert!(ids.windows(2).all(|pair| pair[0] == pair[1]));
        assert_eq!(scene.count("SELECT COUNT(*) FROM payout_intent"), 20);
        assert_eq!(scene.account("faucet/treasury").1, 20);
    });
}

#[test]
fn a_policy_that_is_gone_refuses() {
    on_each_engine(|scene| {
        scene.write(|tx, _| tx.batch_execute("UPDATE key_pair SET asset = NULL"));
        assert_eq!(code(&scene.order("a", &payee(1), 1)), "key_without_policy");
    });
}
