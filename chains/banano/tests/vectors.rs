//! What other implementations compute (tests/vectors/README.md), and what the network has published.
#![allow(
    clippy::unwrap_used,
    reason = "the small functions tests share may fail loudly like the tests themselves"
)]

use bursar_banano::work::{Root, Threshold, Work};
use bursar_banano::{BlockHash, LocalSigner, PublicKey, SecretKey, Seed, Signature, StateBlock, ban};
use bursar_chain::Signer;
use bursar_money::Amount;
use serde_json::Value;

fn vectors(name: &str) -> Vec<Value> {
    let all: Value = serde_json::from_str(include_str!("vectors/vectors.json")).unwrap();
    all[name].as_array().unwrap().clone()
}

fn text<'a>(vector: &'a Value, field: &str) -> &'a str {
    vector[field].as_str().unwrap()
}

fn secret(vector: &Value) -> SecretKey {
    let bytes: PublicKey = text(vector, "secret").parse().unwrap();
    SecretKey::from_bytes(&bytes.0)
}

#[test]
fn seeds_give_the_keys_and_addresses_that_others_compute() {
    let vectors = vectors("keys");
    assert_eq!(vectors.len(), 32);
    for vector in &vectors {
        let index = u32::try_from(vector["index"].as_u64().unwrap()).unwrap();
        let seed = Seed::from_hexadecimal(text(vector, "seed")).unwrap();
        let public = seed.secret_key(index).public_key();
        assert_eq!(public, secret(vector).public_key(), "{vector}");
        assert_eq!(public.to_string(), text(vector, "public"));
        assert_eq!(public.address(), text(vector, "address"));
        assert_eq!(PublicKey::from_address(text(vector, "address")), Ok(public));
    }
    let indexes: Vec<u64> = vectors.iter().filter_map(|vector| vector["index"].as_u64()).collect();
    assert!(indexes.contains(&0) && indexes.contains(&u64::from(u32::MAX)));
}

#[test]
fn keys_give_the_addresses_that_others_compute() {
    for vector in vectors("addresses") {
        let public: PublicKey = text(&vector, "public").parse().unwrap();
        assert_eq!(public.address(), text(&vector, "address"));
    }
}

#[test]
fn blocks_have_the_hashes_and_signatures_that_others_compute() {
    let vectors = vectors("blocks");
    assert_eq!(vectors.len(), 11);
    for vector in vectors {
        let link: BlockHash = text(&vector, "link").parse().unwrap();
        let block = StateBlock {
            account: PublicKey::from_address(text(&vector, "account")).unwrap(),
            previous: text(&vector, "previous").parse().unwrap(),
            representative: PublicKey::from_address(text(&vector, "representative")).unwrap(),
            balance: text(&vector, "balance").parse().unwrap(),
            link: link.0,
        };
        assert_eq!(block.hash().to_string(), text(&vector, "hash"), "{vector}");
        let signed = block.signed(&secret(&vector), Work(0));
        assert_eq!(signed.signature.to_string(), text(&vector, "signature"), "{vector}");
        assert!(signed.verifies());
        let remote = LocalSigner::new(secret(&vector)).sign(&signed.hash().0).unwrap();
        assert_eq!(remote, signed.signature.0);
    }
}

#[test]
fn work_has_the_value_that_others_compute() {
    for vector in vectors("work") {
        let root: BlockHash = text(&vector, "root").parse().unwrap();
        let (root, work) = (Root(root.0), text(&vector, "work").parse::<Work>().unwrap());
        assert_eq!(format!("{:016x}", work.value(&root)), text(&vector, "value"));
        assert_eq!(Threshold::BANANO.admits(&root, work), vector["valid"], "{vector}");
    }
}

#[test]
fn amounts_are_those_that_others_compute() {
    for vector in vectors("amounts") {
        let raw: Amount = text(&vector, "raw").parse().unwrap();
        assert_eq!(ban::from_ban(text(&vector, "ban")), Ok(raw));
        assert_eq!(ban::to_ban(raw), text(&vector, "ban"));
    }
}

/// The first block of the live network. It is of an older kind, whose hash covers source, representative and account;
/// key, address, signature and work are what they are today.
#[test]
fn the_genesis_block_of_the_live_network_verifies() {
    let address = "ban_1bananobh5rat99qfgt1ptpieie5swmoth87thi74qgbfrij7dcgjiij94xr";
    let key = PublicKey::from_address(address).unwrap();
    assert_eq!(key.to_string(), "2514452A978F08D1CF76BB40B6AD064183CF275D3CC5D3E0515DC96E2112AD4E");
    let hash: BlockHash = "F61A79F286ABC5CC01D3D09686F0567812B889A5C63ADE0E82DD30F3B2D96463".parse().unwrap();
    let signature: Signature = "533DCAB343547B93C4128E779848DEA5877D3278CB5EA948BB3A9AA1AE0DB293\
                                DE6D9DA4F69E8D1DDFA385F9B4C5E4F38DFA42C00D7B183560435D07AFA18900"
        .parse()
        .unwrap();
    assert!(key.verifies(&hash.0, &signature));
    let work: Work = "fa055f79fa56abcf".parse().unwrap();
    assert!(Threshold::BANANO.admits(&Root(key.0), work));
}

#[test]
fn the_best_known_burn_address_has_the_all_zero_key_and_nobody_can_sign_for_it() {
    let burn = PublicKey::from_address("ban_1111111111111111111111111111111111111111111111111111hifc8npp");
    assert_eq!(burn, Ok(PublicKey([0; 32])));
    assert!(!PublicKey([0; 32]).can_sign());
}
