//! Rows that were changed by hand: the seal shows it, and nothing is signed.

use std::sync::Arc;

use bursar_chain::{Address, SignError, Signer};
use bursar_keys::{
    Change, Ed25519, KeyError, KeyScheme, KeySecret, Keystore, Origin, PublicKey, Rejection, Schemes,
    SealError,
};

use crate::scene::{
    Scene, granted, id, keystore, new_key, on_each_engine, pay, policy, rejected, ring, stops,
};

const SWAP: &str = "UPDATE key_secret SET key_id = 'x' WHERE key_id = 'hot-1'";

/// Whether a signature can still be had from `hot-1`.
fn refuses_to_sign(scene: &Scene) -> KeyError {
    let authorization = granted(scene.authorize(&pay("p1", "hot-1", "ann", 1)));
    let signer = scene.keystore.signer_after_commit(&scene.store(), authorization).unwrap();
    signer.map(|_| ()).unwrap_err()
}

#[test]
fn a_row_that_was_altered_does_not_open_and_is_named() {
    on_each_engine(|scene| {
        let edits = [
            "chain = 'solana'",
            "purpose = 'claims'",
            "scheme = 'banano_seed'",
            "holder = 'remote_hmac', endpoint = 'https://thief.example'",
            "holder = 'remote_bearer', endpoint = 'https://thief.example'",
        ];
        for (number, edit) in edits.iter().enumerate() {
            let name = format!("hot-{number}");
            scene.add(&new_key(&name, Origin::Generate)).unwrap();
            scene.type_sql(&format!("UPDATE key_pair SET {edit} WHERE id = '{name}'"));
        }
        assert_eq!(scene.findings(), ["altered"; 5]);
    });
}

#[test]
fn a_key_given_to_another_desk_by_hand_signs_for_neither() {
    on_each_engine(|scene| {
        scene.key_with("hot-1", &policy());
        scene.type_sql("UPDATE key_pair SET purpose = 'claims' WHERE id = 'hot-1'");
        assert_eq!(refuses_to_sign(scene), SealError::Altered(id("hot-1")).into());
    });
}

#[test]
fn two_keys_whose_secrets_are_swapped_open_neither() {
    on_each_engine(|scene| {
        for name in ["hot-1", "hot-2", "xx"] {
            scene.key_with(name, &policy());
        }
        scene.type_sql("DELETE FROM key_secret WHERE key_id = 'xx'");
        let swap = [
            SWAP.replace("'x'", "'xx'"),
            "UPDATE key_secret SET key_id = 'hot-1' WHERE key_id = 'hot-2'".to_owned(),
            "UPDATE key_secret SET key_id = 'hot-2' WHERE key_id = 'xx'".to_owned(),
        ];
        swap.iter().for_each(|sql| scene.type_sql(sql));
        assert_eq!(scene.findings(), ["altered", "altered", "secret_missing"]);
        assert_eq!(refuses_to_sign(scene), SealError::Altered(id("hot-1")).into());
    });
}

#[test]
fn a_secret_moved_to_another_row_number_does_not_open() {
    on_each_engine(|scene| {
        scene.key_with("hot-1", &policy());
        scene.type_sql("UPDATE key_secret SET id = id + 1");
        assert_eq!(scene.findings(), ["altered"]);
    });
}

#[test]
fn a_key_that_is_un_retired_by_hand_does_not_open() {
    on_each_engine(|scene| {
        scene.key_with("hot-1", &policy());
        scene.retire("hot-1").unwrap();
        // Whatever is left of the mark keeps it retired.
        scene.type_sql("UPDATE key_pair SET retired_at = NULL, retired_by = NULL");
        assert_eq!(scene.outcome(&pay("p0", "hot-1", "ann", 1)), "key_retired");
        scene.type_sql("UPDATE key_pair SET retired_reason = NULL");
        assert_eq!(scene.findings(), ["altered"]);
        assert_eq!(refuses_to_sign(scene), SealError::Altered(id("hot-1")).into());
    });
}

#[test]
fn a_key_that_is_retired_by_hand_is_found_and_retiring_it_properly_seals_it() {
    on_each_engine(|scene| {
        scene.key_with("hot-1", &policy());
        let mark = "retired_at = created_at, retired_by = 'me', retired_reason = 'by hand'";
        scene.type_sql(&format!("UPDATE key_pair SET {mark}"));
        assert_eq!(scene.outcome(&pay("p1", "hot-1", "ann", 1)), "key_retired");
        assert_eq!(scene.findings(), ["retired_unsealed"]);
        assert!(scene.retire("hot-1").is_ok());
        assert_eq!(scene.findings(), ["sound"]);
        let record = scene.read(|tx| scene.keystore.key(tx, &id("hot-1"))).unwrap();
        assert_eq!(record.key.retired.unwrap().reason, "by hand", "it was retired when it was");
    });
}

#[test]
fn a_public_key_that_was_replaced_by_hand_is_found() {
    on_each_engine(|scene| {
        for name in ["hot-1", "hot-2"] {
            scene.key_with(name, &policy());
        }
        let other = "SELECT address FROM key_pair WHERE id = 'hot-2'";
        scene.type_sql(&format!("UPDATE key_pair SET address = ({other}) WHERE id = 'hot-1'"));
        assert_eq!(scene.findings(), ["other_address", "sound"]);
    });
}

/// Derives other keys under the same name, as a program with a mistake does.
struct Mistaken;

impl KeyScheme for Mistaken {
    fn name(&self) -> &'static str {
        Ed25519.name()
    }

    fn public_key(&self, secret: &KeySecret) -> Option<PublicKey> {
        let mut turned: Vec<u8> = secret.expose().to_vec();
        turned.reverse();
        Ed25519.public_key(&KeySecret::from_bytes(turned.into()))
    }

    fn address(&self, public_key: &PublicKey) -> Option<Address> {
        Ed25519.address(public_key)
    }

    fn sign(&self, secret: &KeySecret, message: &[u8]) -> Option<Vec<u8>> {
        let mut turned: Vec<u8> = secret.expose().to_vec();
        turned.reverse();
        Ed25519.sign(&KeySecret::from_bytes(turned.into()), message)
    }

    fn verifies(&self, public_key: &PublicKey, message: &[u8], signature: &[u8]) -> bool {
        Ed25519.verifies(public_key, message, signature)
    }
}

#[test]
fn a_secret_that_gives_another_public_key_is_found_and_its_signature_is_not_used() {
    on_each_engine(|scene| {
        scene.key_with("hot-1", &policy());
        let schemes = Schemes::new([Arc::new(Mistaken) as Arc<dyn KeyScheme>]);
        let entropy = Arc::new(bursar_access::SeededEntropy::new(1));
        let mistaken = Keystore::new(ring("1"), schemes, stops(), entropy);
        let checks = scene.read(|tx| mistaken.verify(tx));
        assert_eq!(checks[0].finding.code(), "other_public_key");
        let authorization = granted(scene.authorize(&pay("p1", "hot-1", "ann", 1)));
        let signer = mistaken.signer_after_commit(&scene.store(), authorization).unwrap().unwrap();
        assert_eq!(signer.sign(b"message"), Err(SignError::BadSignature));
    });
}

#[test]
fn a_process_without_the_key_encryption_key_says_which_it_lacks() {
    on_each_engine(|scene| {
        scene.key_with("hot-1", &policy());
        let other = crate::scene::keystore("2");
        let checks = scene.read(|tx| other.verify(tx));
        assert_eq!(checks[0].finding.code(), "kek_missing");
        let uses = scene.read(|tx| other.kek_uses(tx));
        assert_eq!((uses[0].secrets, uses[0].is_held, uses[0].is_current), (1, false, false));
    });
}

#[test]
fn a_key_whose_secret_does_not_open_is_retired_all_the_same_and_the_change_says_why() {
    on_each_engine(|scene| {
        for name in ["hot-1", "hot-2", "hot-3"] {
            scene.key_with(name, &policy());
        }
        scene.type_sql("UPDATE key_pair SET purpose = 'claims' WHERE id = 'hot-1'");
        scene.type_sql("DELETE FROM key_secret WHERE key_id = 'hot-2'");
        let unopened = |name: &str| match scene.retire(name).unwrap().change {
            Change::KeyRetired { unopened, .. } => unopened,
            other => panic!("{other:?}"),
        };
        assert!(unopened("hot-1").unwrap().contains("does not open: its row was altered"));
        assert!(unopened("hot-2").unwrap().contains("no sealed secret"));
        assert_eq!(unopened("hot-3"), None);
        let lacking = keystore("2");
        let left = scene.key_with("hot-4", &policy());
        let done = scene.act(|tx, by| lacking.retire(tx, by, &left, "lost")).unwrap();
        let told = done.audit_event().payload;
        assert!(told.contains("sealed with the key-encryption key"), "{told}");
        // Once more it says the same, and not that there is nothing to do: with the key it is sealed then.
        let again = |keystore: &Keystore| scene.act(|tx, by| keystore.retire(tx, by, &left, "lost"));
        let refused = again(&lacking).unwrap_err();
        assert!(matches!(refused, KeyError::Sealed(SealError::KekMissing { .. })), "{refused:?}");
        for name in ["hot-1", "hot-2", "hot-3", "hot-4"] {
            assert_eq!(scene.outcome(&pay("p1", name, "ann", 1)), "key_retired");
        }
        assert_eq!(scene.findings(), ["altered", "secret_missing", "sound", "retired_unsealed"]);
        assert!(matches!(again(&scene.keystore).unwrap().change, Change::KeyRetired { unopened: None, .. }));
        assert_eq!(rejected(again(&scene.keystore)), Rejection::NothingToChange);
    });
}
