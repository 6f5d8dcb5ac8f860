//! Payouts that callers from outside ask for: who may, what pays for them, what they are told, and what may be taken back.

use std::collections::BTreeSet;

use bursar_access::{
    Actor, By, OperatorId, SeededEntropy, TokenOrder, Via, add_payer, authenticate_token, disable_operator,
    issue_token,
};
use bursar_chain::Address;
use bursar_control::ConfigTable;
use bursar_keys::KeyId;
use bursar_ledger::{Book, Overdraft, TransferKind};
use bursar_money::{Amount, Asset, Balance};
use bursar_payouts::{
    Accepted, Funding, IntentState, Notice, OutsideFilter, OutsideKey, OutsideLane, OutsideOrder,
    OutsideRules, Payouts, Rejection, Request, due_notices, next_notice, notice_delivered, notice_failed,
};
use bursar_store::lane::LaneOptions;
use serde_json::Value;
use uuid::Uuid;

use crate::scene::{DESK, HALTED, Scene, TREASURY, on_each_engine, payee, recorder};

pub fn credit(units: u128) -> Balance {
    Balance::Credit(Amount::new(units))
}

pub fn code<T: std::fmt::Debug>(reply: &Result<T, Rejection>) -> &'static str {
    reply.as_ref().err().map_or("accepted", Rejection::code)
}

/// A payer of this desk, signed in.
pub fn payer(scene: &Scene, name: &str, desk: &str) -> Actor {
    let entropy = SeededEntropy::new(u64::try_from(name.len()).unwrap());
    let issued = scene.write(|tx, now| {
        let by = By::new(&scene.root, now);
        add_payer(tx, &by, name, desk)?.unwrap();
        issue_token(tx, &by, &entropy, &TokenOrder { operator: name, label: "", expires_at: None })
    });
    let token = issued.unwrap().secret.reveal().to_owned();
    let now = scene.test.now();
    scene.read(|tx| authenticate_token(tx, &token, now)).unwrap().actor
}

pub fn number(actor: &Actor) -> OperatorId {
    actor.operator().unwrap()
}

pub fn order(by: &Actor, key: &str, to: &Address, amount: u128) -> OutsideOrder {
    OutsideOrder {
        by: by.clone(),
        desk: DESK,
        wallet: KeyId::parse("hot").unwrap(),
        key: OutsideKey::parse(by, key).unwrap(),
        destination: to.clone(),
        amount: Amount::new(amount),
        asset: Asset::Banano,
        reference: "invoice 7".to_owned(),
        request: Request { id: Some("request-1".to_owned()), correlation_id: Some("batch-1".to_owned()) },
    }
}

pub fn lane(scene: &Scene) -> OutsideLane {
    scene.payouts.start_outside_lane(LaneOptions::default()).unwrap()
}

pub fn ask(lane: &OutsideLane, order: OutsideOrder) -> Result<Accepted, Rejection> {
    lane.call(order).unwrap()
}

pub fn fund(scene: &Scene, amount: u128, way: Funding) -> Result<Balance, Rejection> {
    scene.write(|tx, now| {
        let by = By::new(&scene.root, now);
        scene.payouts.fund(tx, &by, &scene.wallet, Amount::new(amount), way, "launch", &recorder("test.fund"))
    })
}

/// The wallet holds `raw` that are the desk's own.
pub fn desk_owns(scene: &Scene, raw: u128) {
    scene.funded(raw);
    scene
        .write(|tx, now| {
            let by = By::new(&scene.root, now);
            let (payouts, path) = (&scene.payouts, "faucet/treasury");
            payouts.assign(tx, &by, 1, path, "a top-up", &recorder("test.assign"))
        })
        .unwrap();
}

/// The desk comes to owe so much to others, out of nothing that it has.
pub fn owe(scene: &Scene, raw: u128) {
    scene.write(|tx, now| {
        let mut book = Book::default();
        let expense = book.open("faucet/expense", Asset::Banano, Overdraft::Allowed);
        let owed = book.open("faucet/owed", Asset::Banano, Overdraft::Forbidden);
        book.transfer(expense, owed, Amount::new(raw), TransferKind(999), 0).unwrap();
        book.number(tx)?;
        book.write(tx, now)
    });
}

/// A payer whose wallet has funds of `raw`.
pub fn funded(scene: &Scene, raw: u128) -> (OutsideLane, Actor) {
    desk_owns(scene, raw);
    fund(scene, raw, Funding::Fill).unwrap();
    (lane(scene), payer(scene, "shop", DESK))
}

fn state_of(scene: &Scene, id: Uuid) -> IntentState {
    scene.read(|tx| scene.payouts.show(tx, id)).unwrap().payout.state
}

pub fn take_back(scene: &Scene, by: &Actor, id: Uuid) -> Result<(), Rejection> {
    take_back_at(scene, &scene.payouts, by, id)
}

/// The same at a server with these payouts.
pub fn take_back_at(scene: &Scene, payouts: &Payouts, by: &Actor, id: Uuid) -> Result<(), Rejection> {
    scene.write(|tx, now| {
        let (by, request) = (By::new(by, now), Request::default());
        payouts.take_back(tx, &by, id, "changed my mind", &request, &recorder("test.cancel"))
    })
}

pub fn due(scene: &Scene) -> Vec<Notice> {
    let now = scene.test.now();
    scene.store().transact("test.due", |tx| due_notices(tx, now, 100)).unwrap()
}

/// Delivers everything that is due, and says what was told, in order.
pub fn told(scene: &Scene) -> Vec<Value> {
    let mut told = Vec::new();
    loop {
        let notices = due(scene);
        if notices.is_empty() {
            return told;
        }
        for notice in notices {
            told.push(serde_json::from_str(&notice.body).unwrap());
            scene.store().transact("test.told", |tx| notice_delivered(tx, &notice)).unwrap();
        }
    }
}

pub fn names(told: &[Value]) -> Vec<&str> {
    told.iter().map(|told| told["event"].as_str().unwrap()).collect()
}

#[test]
fn an_order_from_outside_is_held_in_the_wallets_funds_and_recorded_under_its_payer() {
    on_each_engine(|scene| {
        let (lane, shop) = funded(scene, 500);
        let accepted = ask(&lane, order(&shop, "a", &payee(1), 100)).unwrap();
        assert!(accepted.is_new);
        assert_eq!(scene.account("payouts/hot/funds"), (credit(500), 100));
        assert_eq!(scene.account("faucet/treasury"), (credit(TREASURY), 0));
        let sql =
            "SELECT actor, request_id, correlation_id FROM audit_events WHERE event = 'payout.accepted'";
        let recorded: Vec<[String; 3]> =
            scene.read(|tx| tx.query(sql, &[], |row| Ok([row.get(0)?, row.get(1)?, row.get(2)?])));
        let actor = format!("operator:{}", number(&shop));
        assert_eq!(recorded, [[actor, "request-1".to_owned(), "batch-1".to_owned()]]);
    });
}

#[test]
fn a_key_is_one_payout_for_ever_and_another_payers_key_is_another() {
    on_each_engine(|scene| {
        let (lane, shop) = funded(scene, 500);
        let bob = payer(scene, "bobby", DESK);
        let first = ask(&lane, order(&shop, "a", &payee(1), 100)).unwrap();
        scene.test.advance_ms(400 * 86_400_000);
        let again = ask(&lane, order(&shop, "a", &payee(1), 100)).unwrap();
        assert_eq!((again.public_id, again.is_new), (first.public_id, false));
        let Err(Rejection::KeyReused { stored, given }) = ask(&lane, order(&shop, "a", &payee(1), 101))
        else {
            panic!()
        };
        assert!(stored.len() == 64 && given.len() == 64 && stored != given);
        let other = ask(&lane, order(&bob, "a", &payee(1), 100)).unwrap();
        assert_ne!(other.public_id, first.public_id);
        assert_eq!(scene.account("payouts/hot/funds").1, 200);
    });
}

#[test]
fn keys_that_said_the_number_of_their_payer_say_its_name() {
    on_each_engine(|scene| {
        let (lane, shop) = funded(scene, 500);
        let first = ask(&lane, order(&shop, "12/a_%", &payee(1), 100)).unwrap();
        let formerly = format!("api/{}/12/a_%", number(&shop));
        let set = "UPDATE payout_intent SET idempotency_key = $1";
        scene.write(|tx, _| tx.execute(set, &[(&formerly).into()]));
        let renaming = bursar_payouts::MIGRATIONS.iter().find(|step| step.name.ends_with("payers_by_name"));
        // Twice, as whoever runs the printed text by hand may.
        for _ in 0..2 {
            scene.write(|tx, _| tx.batch_execute(renaming.unwrap().sql));
        }
        let again = ask(&lane, order(&shop, "12/a_%", &payee(1), 100)).unwrap();
        assert_eq!((again.public_id, again.is_new), (first.public_id, false));
    });
}

#[test]
fn h10_whoever_asks_is_admitted_where_the_order_is_accepted() {
    on_each_engine(|scene| {
        let (lane, shop) = funded(scene, 500);
        let stranger = payer(scene, "stranger", "rounds");
        assert_eq!(code(&ask(&lane, order(&stranger, "a", &payee(1), 1))), "forbidden");
        // Naming the desk that its token belongs to opens nothing of another desk's.
        let of_rounds = OutsideOrder { desk: "rounds", ..order(&stranger, "a", &payee(1), 1) };
        assert_eq!(code(&ask(&lane, of_rounds.clone())), "payouts_not_open");
        scene.payouts.open_to_outside(OutsideRules {
            desk: "rounds",
            treasury: "t",
            owed: &[],
            closed: None,
        });
        assert_eq!(code(&ask(&lane, of_rounds)), "wallet_not_found");
        let Via::Payer { operator, token, .. } = stranger.via.clone() else { panic!() };
        let forged = Via::Payer { operator, token, desk: DESK.to_owned() };
        let forged = Actor { via: forged, ..stranger };
        assert_eq!(code(&ask(&lane, order(&forged, "a", &payee(1), 1))), "forbidden");
        assert_eq!(code(&ask(&lane, order(&shop, "a", &payee(1), 1))), "accepted");
        scene.write(|tx, now| disable_operator(tx, &By::new(&scene.root, now), "shop")).unwrap();
        assert_eq!(code(&ask(&lane, order(&shop, "b", &payee(1), 1))), "unauthorized");
        assert_eq!(scene.account("payouts/hot/funds").1, 1);
    });
}

#[test]
fn what_is_not_in_the_funds_is_not_paid_whatever_the_desk_has() {
    on_each_engine(|scene| {
        let (lane, shop) = funded(scene, 500);
        assert_eq!(code(&ask(&lane, order(&shop, "a", &payee(1), 501))), "insufficient_funds");
        assert_eq!(code(&ask(&lane, order(&shop, "b", &payee(1), 500))), "accepted");
        assert_eq!(code(&ask(&lane, order(&shop, "c", &payee(1), 1))), "insufficient_funds");
        assert_eq!(scene.account("faucet/treasury"), (credit(TREASURY), 0));
    });
}

#[test]
fn what_cannot_be_paid_is_refused_and_a_stop_binds() {
    on_each_engine(|scene| {
        let (lane, shop) = funded(scene, 20_000);
        let address = |text: &str| Address::from_canonical(text.to_owned());
        let burn = address("ban_1burnbabyburndiscoinferno111111111111111111111111111aj49sw3w");
        let own = scene.read(|tx| scene.payouts.wallet(tx, &scene.wallet)).unwrap().address;
        let cases = [
            (address("ban_nobody"), 1, "invalid_address"),
            (burn, 1, "burn_address"),
            (own, 1, "own_wallet"),
            (payee(1), 10_001, "above_payment_max"),
        ];
        for (to, amount, wanted) in cases {
            assert_eq!(code(&ask(&lane, order(&shop, "x", &to, amount))), wanted);
        }
        let in_sol = OutsideOrder { asset: Asset::Sol, ..order(&shop, "x", &payee(1), 1) };
        assert_eq!(code(&ask(&lane, in_sol)), "other_asset");
        let known = ask(&lane, order(&shop, "known", &payee(1), 1)).unwrap();
        scene.set_switch(ConfigTable::FAUCET, HALTED, true);
        assert_eq!(code(&ask(&lane, order(&shop, "x", &payee(1), 1))), "payouts_stopped");
        assert_eq!(ask(&lane, order(&shop, "known", &payee(1), 1)).unwrap().public_id, known.public_id);
        scene.set_switch(ConfigTable::FAUCET, HALTED, false);
        let closed =
            OutsideRules { desk: DESK, treasury: "faucet/treasury", owed: &[], closed: Some("a dry-run") };
        scene.payouts.open_to_outside(closed);
        assert_eq!(code(&ask(&lane, order(&shop, "x", &payee(1), 1))), "payouts_not_open");
        assert!(!ask(&lane, order(&shop, "known", &payee(1), 1)).unwrap().is_new);
        assert_eq!(scene.account("payouts/hot/funds").1, 1);
    });
}

#[test]
fn a_desks_own_order_cannot_take_a_key_from_outside() {
    on_each_engine(|scene| {
        assert_eq!(code(&scene.order("api/1/a", &payee(1), 1)), "invalid_body");
    });
}

#[test]
fn funds_are_filled_only_with_what_belongs_to_nobody_else() {
    on_each_engine(|scene| {
        // Money that came unasked is nobody's yet.
        scene.funded(1_000);
        let Err(Rejection::OwedToOthers { free }) = fund(scene, 1, Funding::Fill) else { panic!() };
        assert_eq!(free, Amount::ZERO);
        scene
            .write(|tx, now| {
                let by = By::new(&scene.root, now);
                scene.payouts.assign(tx, &by, 1, "faucet/treasury", "a top-up", &recorder("test.assign"))
            })
            .unwrap();
        // The desk comes to owe 300 to its players.
        owe(scene, 300);
        assert_eq!(fund(scene, 701, Funding::Fill), Err(Rejection::OwedToOthers { free: Amount::new(700) }));
        assert_eq!(fund(scene, 600, Funding::Fill), Ok(credit(600)));
        assert_eq!(fund(scene, 101, Funding::Fill), Err(Rejection::OwedToOthers { free: Amount::new(100) }));
        assert_eq!(fund(scene, 0, Funding::Fill).unwrap_err().code(), "invalid_body");
        assert_eq!(fund(scene, 200, Funding::TakeBack), Ok(credit(400)));
        assert_eq!(fund(scene, 401, Funding::TakeBack).unwrap_err().code(), "insufficient_funds");
        assert_eq!(scene.account("faucet/treasury").0, credit(TREASURY + 1_000 - 400));
        let sql = "SELECT event FROM audit_events WHERE event = 'payout.funded'";
        assert_eq!(scene.read(|tx| tx.query(sql, &[], |row| row.get::<String>(0))).len(), 2);
    });
}

#[test]
fn what_a_payout_holds_cannot_be_taken_from_the_funds() {
    on_each_engine(|scene| {
        let (lane, shop) = funded(scene, 500);
        ask(&lane, order(&shop, "a", &payee(1), 400)).unwrap();
        assert_eq!(fund(scene, 101, Funding::TakeBack).unwrap_err().code(), "insufficient_funds");
        assert_eq!(fund(scene, 100, Funding::TakeBack), Ok(credit(400)));
    });
}

#[test]
fn a_payout_is_taken_back_while_nothing_is_signed_and_its_money_is_free_again() {
    on_each_engine(|scene| {
        let (lane, shop) = funded(scene, 500);
        let stranger = payer(scene, "stranger", "rounds");
        let [waits, held, sent] =
            ["a", "b", "c"].map(|key| ask(&lane, order(&shop, key, &payee(1), 100)).unwrap());
        scene
            .write(|tx, now| {
                let by = By::new(&scene.root, now);
                scene.payouts.hold(tx, &by, held.id, "odd", &recorder("test.hold"))
            })
            .unwrap();
        assert_eq!(take_back(scene, &stranger, waits.public_id), Err(Rejection::Unknown));
        for payout in [&waits, &held] {
            assert_eq!(take_back(scene, &shop, payout.public_id), Ok(()));
            assert_eq!(take_back(scene, &shop, payout.public_id), Ok(()));
            assert_eq!(state_of(scene, payout.public_id), IntentState::Cancelled);
        }
        assert_eq!(scene.account("payouts/hot/funds").1, 100);
        let (sender, lease) = (scene.sender(), scene.lease("one").unwrap());
        scene.run(&sender, &lease);
        assert_eq!(take_back(scene, &shop, sent.public_id), Err(Rejection::TooLate(IntentState::Final)));
        let of_desk = scene.order("own", &payee(1), 1).unwrap();
        assert_eq!(take_back(scene, &shop, of_desk.public_id), Err(Rejection::Unknown));
    });
}

#[test]
fn what_is_signed_is_not_taken_back() {
    on_each_engine(|scene| {
        let (lane, shop) = funded(scene, 500);
        let payout = ask(&lane, order(&shop, "a", &payee(1), 100)).unwrap();
        scene.misbehave("process", bursar_devnet_banano::Misbehaviour::DropRequest, 100);
        let (sender, lease) = (scene.sender(), scene.lease("one").unwrap());
        scene.run_for(&sender, &lease, 6);
        let Err(Rejection::TooLate(state)) = take_back(scene, &shop, payout.public_id) else { panic!() };
        assert!(matches!(state, IntentState::Signed | IntentState::Broadcast), "{state}");
        assert_eq!(scene.account("payouts/hot/funds").1, 100);
    });
}

#[test]
fn a_payout_from_outside_is_paid_from_the_funds_and_the_desk_does_not_hear_of_it() {
    on_each_engine(|scene| {
        let (lane, shop) = funded(scene, 500);
        scene.heard.0.lock().clear();
        ask(&lane, order(&shop, "a", &payee(1), 100)).unwrap();
        let (sender, lease) = (scene.sender(), scene.lease("one").unwrap());
        scene.run(&sender, &lease);
        assert_eq!(scene.account("payouts/hot/funds"), (credit(400), 0));
        assert_eq!(scene.heard(), Vec::<String>::new());
        let told = told(scene);
        assert_eq!(names(&told), ["payout.accepted", "payout.signed", "payout.broadcast", "payout.final"]);
        let last = &told[3]["payout"];
        assert_eq!(
            (&last["state"], &last["amount"], &last["key"]),
            (&"final".into(), &"100".into(), &"a".into())
        );
        assert_eq!(last["attempts"][0]["state"], "final");
        assert_eq!(last["transaction"], last["attempts"][0]["transaction"]);
        let ids: BTreeSet<_> = told.iter().map(|told| told["id"].as_str()).collect();
        assert_eq!(ids.len(), 4, "each has an id of its own");
    });
}

#[test]
fn of_one_payout_nothing_is_told_before_what_went_before_and_others_go_on() {
    on_each_engine(|scene| {
        let (lane, shop) = funded(scene, 500);
        let one = ask(&lane, order(&shop, "a", &payee(1), 1)).unwrap();
        take_back(scene, &shop, one.public_id).unwrap();
        ask(&lane, order(&shop, "b", &payee(1), 1)).unwrap();
        let first = due(scene);
        assert_eq!(first.len(), 2, "the oldest of each");
        assert_eq!(due(scene), [], "claimed");
        let (failing, other) = (&first[0], &first[1]);
        scene.store().transact("test.told", |tx| notice_delivered(tx, other)).unwrap();
        let now = scene.test.now();
        scene
            .store()
            .transact("test.failed", |tx| notice_failed(tx, failing, &recorder("test.notices"), now))
            .unwrap();
        assert_eq!(scene.read(next_notice), Some(now.after_ms(5_000)));
        assert_eq!(due(scene), []);
        scene.test.advance_ms(5_000);
        let again = due(scene);
        assert_eq!((again[0].id, again[0].attempts, &again[0].body), (failing.id, 1, &failing.body));
        let now = scene.test.now();
        scene
            .store()
            .transact("test.failed", |tx| notice_failed(tx, &again[0], &recorder("test.notices"), now))
            .unwrap();
        assert_eq!(scene.read(next_notice), Some(now.after_ms(10_000)));
        scene.test.advance_ms(10_000);
        assert_eq!(names(&told(scene)), ["payout.accepted", "payout.cancelled"]);
        assert_eq!(scene.read(next_notice), None);
    });
}

#[test]
fn a_notice_stands_or_falls_with_its_change_and_a_desks_own_payouts_are_not_told_of() {
    on_each_engine(|scene| {
        let (lane, shop) = funded(scene, 500);
        scene.order("own", &payee(1), 1).unwrap();
        let one = ask(&lane, order(&shop, "a", &payee(1), 1)).unwrap();
        assert_eq!(names(&told(scene)), ["payout.accepted"]);
        let now = scene.test.now();
        let undone = scene.store().transact("test.undone", |tx| {
            let by = By::new(&shop, now);
            let recorder = recorder("test.cancel");
            scene.payouts.take_back(tx, &by, one.public_id, "no", &Request::default(), &recorder)?.unwrap();
            Err::<(), _>(bursar_store::StoreError::Decode("and something else fails".into()))
        });
        assert!(undone.is_err());
        assert_eq!(told(scene), Vec::<Value>::new());
        assert_eq!(state_of(scene, one.public_id), IntentState::Accepted);
    });
}

#[test]
fn lists_show_what_was_asked_for_from_outside_newest_first() {
    on_each_engine(|scene| {
        let (lane, shop) = funded(scene, 500);
        scene.order("own", &payee(1), 1).unwrap();
        for key in ["a", "b", "c"] {
            ask(&lane, order(&shop, key, &payee(1), 1)).unwrap();
        }
        let all = OutsideFilter { desk: DESK, wallet: None, state: None, key: None };
        let list = |filter: &OutsideFilter, before, limit| {
            let page = scene.read(|tx| scene.payouts.outside_payouts(tx, filter, before, limit));
            page.iter().map(|shown| shown.payout.id.0).collect::<Vec<_>>()
        };
        assert_eq!(list(&all, None, 2), [4, 3]);
        assert_eq!(list(&all, Some(bursar_payouts::IntentId(3)), 2), [2]);
        let b = OutsideKey::parse(&shop, "b").unwrap();
        assert_eq!(list(&OutsideFilter { key: Some(b), ..all.clone() }, None, 10), [3]);
        let none = OutsideFilter { state: Some(IntentState::Held), ..all.clone() };
        assert_eq!(list(&none, None, 10), Vec::<i64>::new());
        let other = OutsideFilter { wallet: Some(KeyId::parse("cold").unwrap()), ..all.clone() };
        assert_eq!(list(&other, None, 10), Vec::<i64>::new());
        assert_eq!(list(&OutsideFilter { desk: "rounds", ..all }, None, 10), Vec::<i64>::new());
    });
}

#[test]
fn fifty_at_once_with_one_key_make_one_payout() {
    on_each_engine(|scene| {
        let (lane, shop) = funded(scene, 500);
        let others = [self::lane(scene), self::lane(scene)];
        let ids: Vec<Uuid> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..50)
                .map(|number| {
                    let lane = if number % 3 == 0 { &lane } else { &others[number % 2] };
                    let order = order(&shop, "a", &payee(1), 100);
                    scope.spawn(move || ask(lane, order).unwrap().public_id)
                })
                .collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert!(ids.windows(2).all(|pair| pair[0] == pair[1]));
        assert_eq!(scene.account("payouts/hot/funds").1, 100);
        assert_eq!(scene.count("SELECT COUNT(*) FROM payout_webhook"), 1);
    });
}

#[test]
fn a_policy_that_asks_for_other_people_lets_no_program_act_alone() {
    on_each_engine(|scene| {
        let (lane, shop) = funded(scene, 500);
        let payout = ask(&lane, order(&shop, "a", &payee(1), 1)).unwrap();
        for action in ["payouts.api_create", "payouts.api_cancel"] {
            let policy = bursar_access::Policy { approvals_needed: 1, ..bursar_access::Policy::open(action) };
            scene
                .write(|tx, now| bursar_access::set_policy(tx, &By::new(&scene.root, now), &policy))
                .unwrap();
        }
        assert_eq!(code(&ask(&lane, order(&shop, "b", &payee(1), 1))), "approval_needed");
        assert_eq!(take_back(scene, &shop, payout.public_id).unwrap_err().code(), "approval_needed");
    });
}
