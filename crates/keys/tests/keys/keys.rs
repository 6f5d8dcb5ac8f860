//! Adding, showing, stopping and retiring keys.

use bursar_access::{Actor, By, ServicePrincipal};
use bursar_keys::{Change, Credential, Endpoint, Holder, KeySecret, NewKey, Origin, PublicKey, Rejection};
use secrecy::SecretString;

use crate::scene::{PUBLIC, SECRET, Scene, id, new_key, on_each_engine, pay, policy, rejected, secret};

fn imported(name: &str) -> NewKey {
    new_key(name, Origin::Import(secret(SECRET)))
}

fn remote(name: &str, credential: &str) -> NewKey {
    let origin = Origin::Remote {
        endpoint: Endpoint::parse("https://signer.example/sign").unwrap(),
        credential: Credential::Bearer,
        secret: KeySecret::from_text(&SecretString::from(credential.to_owned())),
        public_key: PublicKey(hex::decode(PUBLIC).unwrap()),
    };
    new_key(name, origin)
}

#[test]
fn an_imported_key_shows_the_public_key_that_follows_from_it() {
    on_each_engine(|scene| {
        let done = scene.add(&imported("hot-1")).unwrap();
        let Change::KeyAdded { key, origin, public_key, .. } = &done.change else { panic!("{done:?}") };
        assert_eq!((key, *origin, public_key.as_str()), (&id("hot-1"), "imported", PUBLIC));
        let record = scene.read(|tx| scene.keystore.key(tx, key)).unwrap();
        assert_eq!(record.key.public_key.to_string(), PUBLIC);
        assert_eq!((record.key.created_by.as_str(), record.policy), ("cli:root", None));
    });
}

#[test]
fn every_drawn_key_is_another() {
    on_each_engine(|scene| {
        for name in ["hot-1", "hot-2"] {
            scene.add(&new_key(name, Origin::Generate)).unwrap();
        }
        let keys = scene.read(|tx| scene.keystore.keys(tx));
        assert_eq!(keys.len(), 2);
        assert_ne!(keys[0].key.public_key, keys[1].key.public_key);
        assert_eq!(scene.findings(), ["sound", "sound"]);
    });
}

#[test]
fn a_name_is_given_once_also_when_its_key_is_retired() {
    on_each_engine(|scene| {
        scene.add(&new_key("hot-1", Origin::Generate)).unwrap();
        scene.retire("hot-1").unwrap();
        assert_eq!(rejected(scene.add(&new_key("hot-1", Origin::Generate))), Rejection::KeyExists);
    });
}

#[test]
fn a_wallet_is_one_key_so_a_retired_one_cannot_come_back_under_another_name() {
    on_each_engine(|scene| {
        scene.add(&imported("hot-1")).unwrap();
        scene.retire("hot-1").unwrap();
        let again = NewKey { desk: "arena".into(), ..imported("hot-2") };
        assert_eq!(rejected(scene.add(&again)), Rejection::WalletInUse(id("hot-1")));
        assert_eq!(
            rejected(scene.add(&remote("hot-3", &"c".repeat(16)))),
            Rejection::WalletInUse(id("hot-1"))
        );
    });
}

#[test]
fn what_is_no_key_is_refused() {
    on_each_engine(|scene| {
        let short = new_key("hot-1", Origin::Import(secret("00ff")));
        assert_eq!(rejected(scene.add(&short)), Rejection::BadSecret);
        let unknown = NewKey { scheme: "rot13".into(), ..imported("hot-1") };
        assert_eq!(rejected(scene.add(&unknown)), Rejection::SchemeUnknown("rot13".into()));
        for desk in ["", "Faucet", "a b", "f\0"] {
            let misnamed = NewKey { desk: desk.into(), ..imported("hot-1") };
            assert_eq!(rejected(scene.add(&misnamed)).code(), "invalid_body");
        }
        for credential in ["", "short", "sixteen characters with spaces"] {
            assert_eq!(rejected(scene.add(&remote("hot-1", credential))).code(), "invalid_body");
        }
        assert!(scene.read(|tx| scene.keystore.keys(tx)).is_empty());
    });
}

#[test]
fn a_remote_key_keeps_its_credential_sealed_and_its_place_in_the_open() {
    on_each_engine(|scene| {
        scene.add(&remote("hot-1", &"c".repeat(16))).unwrap();
        let record = scene.read(|tx| scene.keystore.key(tx, &id("hot-1"))).unwrap();
        let expected = Holder::Remote {
            endpoint: Endpoint::parse("https://signer.example/sign").unwrap(),
            credential: Credential::Bearer,
        };
        assert_eq!(record.key.holder, expected);
        assert_eq!(scene.findings(), ["remote"]);
    });
}

#[test]
fn a_retired_key_signs_nothing_stays_readable_and_is_proven() {
    on_each_engine(|scene| {
        scene.key_with("hot-1", &policy());
        let done = scene.retire("hot-1").unwrap();
        assert_eq!(
            done.change,
            Change::KeyRetired { key: id("hot-1"), reason: "replaced".into(), unopened: None }
        );
        let order = pay("p1", "hot-1", "ann", 1);
        assert_eq!(scene.outcome(&order), "key_retired");
        let record = scene.read(|tx| scene.keystore.key(tx, &id("hot-1"))).unwrap();
        let retired = record.key.retired.unwrap();
        assert_eq!((retired.by.as_str(), retired.at), ("cli:root", scene.test.now()));
        assert_eq!(scene.findings(), ["sound"]);
    });
}

#[test]
fn nothing_brings_a_retired_key_back() {
    on_each_engine(|scene| {
        scene.key_with("hot-1", &policy());
        scene.retire("hot-1").unwrap();
        let by_hand = [
            scene.retire("hot-1"),
            scene.act(|tx, by| scene.keystore.resume(tx, by, &id("hot-1"), "please")),
            scene.act(|tx, by| scene.keystore.set_policy(tx, by, &id("hot-1"), &policy())),
        ];
        let codes = by_hand.map(|refused| rejected(refused).code());
        assert_eq!(codes, ["nothing_to_change", "key_retired", "key_retired"]);
    });
}

#[test]
fn a_stopped_key_signs_nothing_until_it_is_resumed() {
    on_each_engine(|scene| {
        scene.key_with("hot-1", &policy());
        let reason = "unexplained outflow";
        let stop =
            || scene.write(|tx, now| scene.keystore.stop(tx, &id("hot-1"), "system:reconcile", reason, now));
        assert_eq!(stop().unwrap().event(), "keys.stopped");
        assert_eq!(rejected(stop()), Rejection::NothingToChange);
        assert_eq!(scene.outcome(&pay("p1", "hot-1", "ann", 1)), "key_stopped");
        scene.act(|tx, by| scene.keystore.resume(tx, by, &id("hot-1"), "explained")).unwrap();
        assert_eq!(scene.outcome(&pay("p1", "hot-1", "ann", 1)), "authorized");
    });
}

#[test]
fn a_desks_own_service_manages_the_keys_of_that_desk_alone() {
    on_each_engine(|scene| {
        let add = |scene: &Scene, desk: &str| {
            let service: Actor = ServicePrincipal::new("faucet", "admin").into();
            let new = NewKey { desk: desk.into(), ..new_key(&format!("hot-{desk}"), Origin::Generate) };
            scene.write(|tx, now| scene.keystore.add(tx, &By::new(&service, now), &new))
        };
        assert_eq!(rejected(add(scene, "arena")).code(), "forbidden");
        add(scene, "faucet").unwrap();
        let service: Actor = ServicePrincipal::new("faucet", "admin").into();
        let rotation = scene.write(|tx, now| scene.keystore.begin_rotation(tx, &By::new(&service, now)));
        assert_eq!(rejected(rotation).code(), "forbidden");
    });
}

#[test]
fn a_key_that_is_not_there_is_said_not_to_be() {
    on_each_engine(|scene| {
        assert_eq!(rejected(scene.retire("hot-9")), Rejection::KeyUnknown);
        assert_eq!(scene.outcome(&pay("p1", "hot-9", "ann", 1)), "key_not_found");
        for reason in ["", " ", &"x".repeat(201), "a\0"] {
            let refused = scene.act(|tx, by| scene.keystore.retire(tx, by, &id("hot-9"), reason));
            assert_eq!(rejected(refused).code(), "invalid_body");
        }
    });
}
