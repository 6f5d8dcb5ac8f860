//! A sealed secret opens for its own row, key, chain, purpose and state, and for nothing else.

use bursar_access::SeededEntropy;
use proptest::prelude::*;
use secrecy::SecretString;

use super::*;

fn ring(digits: &[&str]) -> KeyRing {
    let mut keks = digits.iter().map(|digit| {
        Kek::from_hexadecimal(&SecretString::from(digit.repeat(64))).expect("64 hexadecimal digits")
    });
    let current = keks.next().expect("one at least");
    KeyRing::new(current, keks)
}

fn key() -> KeyId {
    KeyId::parse("hot-1").unwrap()
}

fn binding(key: &KeyId) -> Binding<'_> {
    Binding {
        row: 7,
        key,
        desk: "faucet",
        chain: "banano",
        purpose: "payouts",
        scheme: "ed25519",
        holder: "local",
        endpoint: "",
        public_key: &[1, 2, 3],
        is_retired: false,
    }
}

fn secret() -> KeySecret {
    KeySecret::from_bytes(vec![0xAB; 32].into())
}

fn sealed() -> Sealed {
    seal(&ring(&["1"]), &binding(&key()), &secret(), &SeededEntropy::new(1)).unwrap()
}

#[test]
fn a_sealed_secret_opens_again_and_does_not_show() {
    let sealed = sealed();
    assert!(open(&ring(&["1"]), &binding(&key()), &sealed).unwrap().is_same(&secret()));
    assert!(!sealed.bytes.windows(4).any(|window| window == [0xAB; 4]));
    assert_eq!((sealed.nonce.len(), sealed.bytes.len()), (24, 48));
}

#[test]
fn each_sealing_has_a_nonce_of_its_own() {
    let (ring, key, entropy) = (ring(&["1"]), key(), SeededEntropy::new(1));
    let [one, two] = [(); 2].map(|()| seal(&ring, &binding(&key), &secret(), &entropy).unwrap());
    assert_ne!(one.nonce, two.nonce);
    assert_ne!(one.bytes, two.bytes);
}

#[test]
fn a_secret_moved_to_another_row_key_chain_purpose_or_state_does_not_open() {
    let (mine, other) = (key(), KeyId::parse("hot-2").unwrap());
    let bound = binding(&mine);
    let elsewhere = [
        Binding { row: 8, ..bound },
        Binding { key: &other, ..bound },
        Binding { desk: "arena", ..bound },
        Binding { chain: "solana", ..bound },
        Binding { purpose: "claims", ..bound },
        Binding { scheme: "banano", ..bound },
        Binding { holder: "remote_bearer", ..bound },
        Binding { endpoint: "https://signer.example", ..bound },
        Binding { public_key: &[1, 2, 4], ..bound },
        Binding { is_retired: true, ..bound },
        // The same letters, cut elsewhere.
        Binding { desk: "fauce", chain: "tbanano", ..bound },
    ];
    let ring = ring(&["1"]);
    for elsewhere in elsewhere {
        let opened = open(&ring, &elsewhere, &sealed());
        assert_eq!(opened.unwrap_err(), SealError::Altered(elsewhere.key.clone()), "{elsewhere:?}");
    }
}

#[test]
fn without_its_key_encryption_key_a_secret_stays_closed_and_the_id_is_named() {
    let sealed = sealed();
    let refused = open(&ring(&["2"]), &binding(&key()), &sealed).unwrap_err();
    assert_eq!(refused, SealError::KekMissing { key: key(), kek: sealed.kek.clone() });
    // Another key under the same id cannot be had through the ring, and would not open it.
    let relabelled = Sealed { kek: ring(&["2"]).current_id().clone(), ..sealed };
    assert_eq!(open(&ring(&["2"]), &binding(&key()), &relabelled).unwrap_err(), SealError::Altered(key()));
}

#[test]
fn a_secret_of_no_length_or_too_much_is_not_sealed() {
    for length in [0, SECRET_LENGTH_MAX + 1] {
        let refused =
            seal(&ring(&["1"]), &binding(&key()), &KeySecret::zeros(length), &SeededEntropy::new(1));
        assert_eq!(refused.unwrap_err(), SealError::Length(key()));
    }
}

proptest! {
    #[test]
    fn one_flipped_bit_or_a_cut_is_found(place in 0_usize..72 * 8, cut in 0_usize..72) {
        let (ring, key) = (ring(&["1"]), key());
        let whole = sealed();
        let mut flipped = whole.clone();
        let (byte, bit) = (place / 8, 1 << (place % 8));
        match byte.checked_sub(24) {
            None => flipped.nonce[byte] ^= bit,
            Some(byte) => flipped.bytes[byte] ^= bit,
        }
        prop_assert!(open(&ring, &binding(&key), &flipped).is_err());
        let mut short = whole;
        match cut.checked_sub(24) {
            None => short.nonce.truncate(cut),
            Some(cut) => short.bytes.truncate(cut),
        }
        prop_assert!(open(&ring, &binding(&key), &short).is_err());
    }

    #[test]
    fn any_secret_comes_back(secret in proptest::collection::vec(any::<u8>(), 1..200), row: i64) {
        let (ring, key) = (ring(&["1", "2"]), key());
        let bound = Binding { row, ..binding(&key) };
        let secret = KeySecret::from_bytes(secret.into());
        let sealed = seal(&ring, &bound, &secret, &SeededEntropy::new(3)).unwrap();
        prop_assert!(open(&ring, &bound, &sealed).unwrap().is_same(&secret));
    }
}
