//! Banano's keys as a scheme of the key store: a seed, its account 0, and Ed25519 over BLAKE2b.

use bursar_banano::{PublicKey as BananoKey, Seed, Signature};
use bursar_chain::Address;
use bursar_keys::{KeyScheme, KeySecret, Origin, PublicKey};
use bursar_store::EngineKind;

use crate::scene::{Scene, granted, new_key, pay, policy, secret};

pub struct BananoScheme;

fn key_of(secret: &KeySecret) -> Option<bursar_banano::SecretKey> {
    let seed: [u8; 32] = secret.expose().try_into().ok()?;
    Some(Seed::from_bytes(seed).secret_key(0))
}

fn public(key: &PublicKey) -> Option<BananoKey> {
    key.0.as_slice().try_into().ok().map(BananoKey)
}

impl KeyScheme for BananoScheme {
    fn name(&self) -> &'static str {
        "banano_seed"
    }

    fn public_key(&self, secret: &KeySecret) -> Option<PublicKey> {
        key_of(secret).map(|key| PublicKey(key.public_key().0.to_vec()))
    }

    fn address(&self, public_key: &PublicKey) -> Option<Address> {
        let key = public(public_key).filter(BananoKey::can_sign)?;
        Some(Address::from_canonical(key.address()))
    }

    fn sign(&self, secret: &KeySecret, message: &[u8]) -> Option<Vec<u8>> {
        key_of(secret).map(|key| key.sign(message).0.to_vec())
    }

    fn verifies(&self, public_key: &PublicKey, message: &[u8], signature: &[u8]) -> bool {
        let (Some(key), Ok(signature)) = (public(public_key), signature.try_into()) else { return false };
        key.verifies(message, &Signature(signature))
    }
}

#[test]
fn the_faucets_seed_of_zeros_is_the_account_that_its_specification_names() {
    let scene = Scene::on(EngineKind::Sqlite);
    let origin = Origin::Import(secret(&"00".repeat(32)));
    let new = bursar_keys::NewKey { scheme: "banano_seed".into(), ..new_key("faucet-hot", origin) };
    scene.add(&new).unwrap();
    let record = scene.read(|tx| scene.keystore.key(tx, &new.id)).unwrap();
    let address = "ban_3i1aq1cchnmbn9x5rsbap8b15akfh7wj7pwskuzi7ahz8oq6cobd99d4r3b7";
    assert_eq!(record.key.address.as_str(), address);
    assert_eq!(
        record.key.public_key.to_string().to_uppercase(),
        "C008B814A7D269A1FA3C6528B19201A24D797912DB9996FF02A1FF356E45552B"
    );
    scene.act(|tx, by| scene.keystore.set_policy(tx, by, &new.id, &policy())).unwrap();
    let authorization = granted(scene.authorize(&pay("p1", "faucet-hot", "ban_1", 1)));
    let signer = scene.keystore.signer_after_commit(&scene.store(), authorization).unwrap().unwrap();
    let signature = bursar_chain::Signer::sign(&signer, &[7; 32]).unwrap();
    assert!(BananoScheme.verifies(&record.key.public_key, &[7; 32], &signature));
}
