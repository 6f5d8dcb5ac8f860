//! A signature takes an authorisation that is on record, and is not to be had while anything is stopped.

use bursar_chain::{SignError, Signer};
use bursar_control::{ConfigTable, ControlFile, Switchboard};
use bursar_keys::{
    Authorization, Decision, Ed25519, KeyError, KeyScheme, Keystore, Origin, PublicKey, Rejection,
    SigningStops,
};
use bursar_store::{EngineKind, StoreError};

use crate::scene::{
    EVERYTHING, HALTED, HOUR_MS, PUBLIC, SECRET, Scene, authorize_one, granted, id, keystore, new_key,
    on_each_engine, pay, policy, rejected, ring, schemes, secret, stops_on, upkeep,
};

/// A key that everybody knows, with a policy.
fn set_out(scene: &Scene) {
    scene.add(&new_key("hot-1", Origin::Import(secret(SECRET)))).unwrap();
    scene.act(|tx, by| scene.keystore.set_policy(tx, by, &id("hot-1"), &policy())).unwrap();
}

/// Authorises and signs `message` in one transaction.
fn sign_within(scene: &Scene, intent: &str, message: &[u8]) -> Result<Vec<u8>, KeyError> {
    scene.write(|tx, now| {
        let order = pay(intent, "hot-1", "ann", 10);
        let authorization = granted(authorize_one(&scene.keystore, tx, &order, now)?);
        let signer = scene.keystore.signer(tx, authorization, now)?;
        Ok(signer.map(|signer| signer.sign(message).unwrap()))
    })
}

fn sign_after(scene: &Scene, authorization: Authorization) -> Result<Vec<u8>, KeyError> {
    let signer = scene.keystore.signer_after_commit(&scene.store(), authorization).unwrap();
    signer.map(|signer| signer.sign(b"message").unwrap())
}

fn public_key() -> PublicKey {
    PublicKey(hex::decode(PUBLIC).unwrap())
}

#[test]
fn what_is_authorised_is_signed_within_its_transaction_or_after_it() {
    on_each_engine(|scene| {
        set_out(scene);
        let within = sign_within(scene, "p1", b"message").unwrap();
        assert!(Ed25519.verifies(&public_key(), b"message", &within));
        let authorization = granted(scene.authorize(&pay("p2", "hot-1", "ann", 10)));
        assert_eq!(sign_after(scene, authorization).unwrap(), within);
        let authorization = granted(scene.authorize(&upkeep("u1", "hot-1")));
        assert_eq!(sign_after(scene, authorization).unwrap(), within);
    });
}

#[test]
fn a_signer_says_whose_it_is_and_what_for() {
    on_each_engine(|scene| {
        set_out(scene);
        let order = pay("p1", "hot-1", "ann", 10);
        let authorization = granted(scene.authorize(&order));
        let signer = scene.keystore.signer_after_commit(&scene.store(), authorization).unwrap().unwrap();
        assert_eq!((signer.address().as_str(), signer.key().id.as_str()), (PUBLIC, "hot-1"));
        assert_eq!(signer.authorization().work(), &order.work);
    });
}

#[test]
fn one_authorisation_signs_one_message() {
    on_each_engine(|scene| {
        set_out(scene);
        let authorization = granted(scene.authorize(&pay("p1", "hot-1", "ann", 10)));
        let signer = scene.keystore.signer_after_commit(&scene.store(), authorization).unwrap().unwrap();
        let first = signer.sign(b"one").unwrap();
        assert!(matches!(signer.sign(b"two"), Err(SignError::Refused(_))));
        assert_eq!(signer.sign(b"one").unwrap(), first);
    });
}

#[test]
fn an_authorisation_whose_transaction_did_not_commit_signs_nothing() {
    on_each_engine(|scene| {
        set_out(scene);
        let (order, now) = (pay("p1", "hot-1", "ann", 10), scene.test.now());
        let mut smuggled = None;
        let undone = scene.store().transact("test.undone", |tx| {
            smuggled = Some(granted(authorize_one(&scene.keystore, tx, &order, now)?));
            Err::<(), _>(StoreError::Decode("the intent cannot be stored".into()))
        });
        assert!(undone.is_err());
        assert_eq!(rejected(sign_after(scene, smuggled.unwrap())), Rejection::NotAuthorized);
    });
}

#[test]
fn an_authorisation_signs_within_its_own_transaction_only() {
    on_each_engine(|scene| {
        set_out(scene);
        let authorization =
            std::cell::Cell::new(Some(granted(scene.authorize(&pay("p1", "hot-1", "ann", 10)))));
        let refused = scene.write(|tx, now| {
            let signer = scene.keystore.signer(tx, authorization.take().unwrap(), now)?;
            Ok(signer.map(|_| ()))
        });
        assert_eq!(rejected(refused), Rejection::NotAuthorized);
    });
}

#[test]
fn an_authorisation_that_was_given_again_replaces_the_former() {
    on_each_engine(|scene| {
        set_out(scene);
        let order = pay("p1", "hot-1", "ann", 10);
        let [former, latest] = [(); 2].map(|()| granted(scene.authorize(&order)));
        assert_eq!(rejected(sign_after(scene, former)), Rejection::NotAuthorized);
        sign_after(scene, latest).unwrap();
    });
}

#[test]
fn an_authorisation_is_signed_within_the_hour() {
    on_each_engine(|scene| {
        set_out(scene);
        let [one, two] =
            ["p1", "p2"].map(|intent| granted(scene.authorize(&pay(intent, "hot-1", "ann", 10))));
        assert_eq!(one.expires_at(), scene.test.now().after_ms(HOUR_MS));
        scene.test.advance_ms(HOUR_MS);
        sign_after(scene, one).unwrap();
        scene.test.advance_ms(1);
        assert_eq!(rejected(sign_after(scene, two)), Rejection::AuthorizationExpired);
    });
}

#[test]
fn a_stop_of_the_desk_or_of_everything_refuses_to_authorise_and_to_sign() {
    on_each_engine(|scene| {
        set_out(scene);
        for (number, (table, switch)) in
            [(ConfigTable::FAUCET, HALTED), (ConfigTable::PLATFORM, EVERYTHING)].into_iter().enumerate()
        {
            let order = pay(&format!("p{number}"), "hot-1", "ann", 10);
            let authorization = granted(scene.authorize(&order));
            scene.set_switch(table, switch, true);
            let stopped = Rejection::SwitchStopped { switch: switch.key };
            assert_eq!(rejected(sign_after(scene, authorization)), stopped);
            assert_eq!(scene.authorize(&order), Decision::Refused(stopped));
            scene.set_switch(table, switch, false);
            let authorization = granted(scene.authorize(&order));
            sign_after(scene, authorization).unwrap();
        }
    });
}

#[test]
fn a_switch_that_is_missing_or_unreadable_is_a_stop() {
    let edits = [
        "UPDATE faucet_config SET value = 'maybe' WHERE key = 'payouts_halted'",
        "DELETE FROM faucet_config WHERE key = 'payouts_halted'",
    ];
    for edit in edits {
        on_each_engine(|scene| {
            set_out(scene);
            let authorization = granted(scene.authorize(&pay("p1", "hot-1", "ann", 10)));
            scene.type_sql(edit);
            assert_eq!(rejected(sign_after(scene, authorization)).code(), "signing_stopped");
            assert_eq!(scene.outcome(&pay("p2", "hot-1", "ann", 10)), "signing_stopped");
        });
    }
}

#[test]
fn a_table_of_switches_that_cannot_be_read_ends_in_no_signature() {
    on_each_engine(|scene| {
        set_out(scene);
        let authorization = granted(scene.authorize(&pay("p1", "hot-1", "ann", 10)));
        scene.type_sql("ALTER TABLE faucet_config RENAME TO lost");
        assert!(scene.keystore.signer_after_commit(&scene.store(), authorization).is_err());
        let now = scene.test.now();
        let orders = [pay("p2", "hot-1", "ann", 10)];
        assert!(scene.store().transact("test.pay", |tx| scene.keystore.authorize(tx, &orders, now)).is_err());
    });
}

#[test]
fn a_stop_by_the_environment_or_an_unreadable_control_file_binds_too() {
    let scene = Scene::on(EngineKind::Sqlite);
    set_out(&scene);
    let file = scene.test.folder().unwrap().join("test.db");
    std::fs::write(file.with_extension("db.control"), "nonsense").unwrap();
    let boards =
        [Switchboard::new([HALTED.variable], None), Switchboard::new([], Some(ControlFile::beside(&file)))];
    for board in boards {
        let stopped = with_stops(stops_on(board));
        let decision = scene.write(|tx, now| authorize_one(&stopped, tx, &pay("p1", "hot-1", "ann", 1), now));
        assert_eq!(crate::scene::code(&decision), "signing_stopped");
    }
}

#[test]
fn a_desk_that_no_switch_guards_signs_nothing() {
    let scene = Scene::on(EngineKind::Sqlite);
    set_out(&scene);
    let board = || Switchboard::new([], None);
    let unguarded = [
        SigningStops::new(board()),
        SigningStops::new(board()).guard("faucet", ConfigTable::FAUCET, &[]),
        SigningStops::new(board()).guard("arena", ConfigTable::FAUCET, &[HALTED]),
        SigningStops::new(board()).guard_every_desk(ConfigTable::PLATFORM, &[EVERYTHING]),
    ];
    for stops in unguarded {
        let keystore = with_stops(stops);
        let decision =
            scene.write(|tx, now| authorize_one(&keystore, tx, &pay("p1", "hot-1", "ann", 1), now));
        assert_eq!(crate::scene::code(&decision), "signing_stopped");
    }
}

#[test]
fn a_key_that_was_stopped_or_retired_after_the_authorisation_signs_nothing() {
    on_each_engine(|scene| {
        set_out(scene);
        let [one, two] =
            ["p1", "p2"].map(|intent| granted(scene.authorize(&pay(intent, "hot-1", "ann", 10))));
        let stopped =
            scene.write(|tx, now| scene.keystore.stop(tx, &id("hot-1"), "system:test", "drill", now));
        stopped.unwrap();
        assert_eq!(rejected(sign_after(scene, one)).code(), "key_stopped");
        scene.retire("hot-1").unwrap();
        assert_eq!(rejected(sign_after(scene, two)), Rejection::KeyRetired);
    });
}

#[test]
fn a_process_without_the_key_encryption_key_signs_nothing() {
    on_each_engine(|scene| {
        set_out(scene);
        let authorization = granted(scene.authorize(&pay("p1", "hot-1", "ann", 10)));
        let other = keystore("2");
        let signer = other.signer_after_commit(&scene.store(), authorization).unwrap();
        assert!(matches!(signer.map(|_| ()), Err(KeyError::Sealed(_))));
    });
}

fn with_stops(stops: SigningStops) -> Keystore {
    let entropy = std::sync::Arc::new(bursar_access::SeededEntropy::new(1));
    Keystore::new(ring("1"), schemes(), stops, entropy)
}
