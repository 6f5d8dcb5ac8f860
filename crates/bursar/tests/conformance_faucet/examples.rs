//! Worked examples of docs/spec/faucet.md section 12 about keys, blocks and the names of payouts.

use bursar_banano::work::Threshold;
use bursar_banano::{SecretKey, Seed, SignedBlock};
use serde_json::json;

use crate::evidence::Evidence;
use crate::harness::faucet::Outside;
use crate::harness::{LiveFaucet, Place, Tool};

const ZEROS_0: &str = "ban_3i1aq1cchnmbn9x5rsbap8b15akfh7wj7pwskuzi7ahz8oq6cobd99d4r3b7";

#[test]
fn example_e1_seeds_give_the_accounts_that_others_compute() {
    for (seed, index, public, address) in [
        ("00", 0, "C008B814A7D269A1FA3C6528B19201A24D797912DB9996FF02A1FF356E45552B", ZEROS_0),
        (
            "00",
            1,
            "E30D22B7935BCC25412FC07427391AB4C98A4AD68BAA733300D23D82C9D20AD3",
            "ban_3rrf6cus8pye6o1kzi5n6wwjof8bjb7ff4xcgesi3njxid6x64pms6onw1f9",
        ),
    ] {
        let key = Seed::from_hexadecimal(&seed.repeat(32)).unwrap().secret_key(index).public_key();
        assert_eq!((key.to_string().as_str(), key.address().as_str()), (public, address));
    }
    let ones = Seed::from_hexadecimal(&"FF".repeat(32)).unwrap().secret_key(0).public_key();
    assert_eq!(ones.address(), "ban_1ugyfqhfw337bgfwgqa617ynyj18ojx7ywuncn83xu8ad77zp9mip188iakf");
    let private = "9F0E444C69F77A49BD0BE89DB92C38FE713E0963165CCA12FAF5712D7657120F";
    let bytes: [u8; 32] = hex::decode(private).unwrap().try_into().unwrap();
    assert_eq!(SecretKey::from_bytes(&bytes).public_key().address(), ZEROS_0);
}

#[test]
fn example_e1_the_operators_wallet_is_account_0_of_the_seed_that_was_set() {
    let place = Place::sqlite();
    let outside = Outside::start();
    let setup = outside.setup(&place);
    assert_eq!(Tool::of(&setup).json(&["migrate", "up"])["ok"], true);
    let faucet = LiveFaucet::around(outside, setup.start());
    let seed = json!({"seed": "00".repeat(32)});
    let set = faucet.admin_post("/admin/config/operator-seed", &seed).expect(200);
    assert_eq!(set["address"], ZEROS_0);
}

/// The state block that the protocol's documentation gives as an example, made with the key `00..02`.
#[test]
fn example_e3_the_published_state_block_is_reproduced_to_the_last_digit() {
    let mut bytes = [0; 32];
    bytes[31] = 2;
    let key = SecretKey::from_bytes(&bytes);
    let published: SignedBlock = serde_json::from_value(json!({
        "type": "state",
        "account": "ban_3qgmh14nwztqw4wmcdzy4xpqeejey68chx6nciczwn9abji7ihhum9qtpmdr",
        "previous": "F47B23107E5F34B2CE06F562B5C435DF72A533251CB414C51B2B62A8F63A00E4",
        "representative": "ban_1hza3f7wiiqa7ig3jczyxj5yo86yegcmqk3criaz838j91sxcckpfhbhhra1",
        "balance": "1000000000000000000000",
        "link": "19D3D919475DEED4696B5D13018151D1AF88B2BD3BCFF048B45031C1F36D1858",
        "signature": "3BFBA64A775550E6D49DF1EB8EEC2136DCD74F090E2ED658FBD9E80F17CB1C9F\
                      9F7BDE2B93D95558EC2F277FFF15FD11E6E2162A1714731B743D1E941FA4560A",
        "work": "cab7404f0b5449d0",
    }))
    .unwrap();
    let hash = "FF0144381CFF0B2C079A115E7ADA7E96F43FD219446E7524C48D1CC9900C4F17";
    assert_eq!(published.hash().to_string(), hash);
    assert_eq!(published.block.account, key.public_key());
    assert_eq!(published.block.clone().signed(&key, published.work), published);
    let root = published.block.root();
    assert_eq!(published.work.value(&root), 0xffff_ffd2_b7ff_ab7b);
    assert!(Threshold::BANANO.admits(&root, published.work));
}

/// The key of a payout of so many accruals, made after so many of somebody else's.
fn key_of_payout(earlier: u32, own: u32) -> String {
    let place = Place::sqlite();
    let faucet = LiveFaucet::start(&place);
    faucet.switch("payouts_halted", "on");
    let [other, player] = [1, 2].map(|number| faucet.player(number, 0));
    for (epic, accruals) in [(&other.epic, earlier), (&player.epic, own)] {
        for _ in 0..accruals {
            faucet.outside.stats.grow_kills(epic, 1);
            faucet.pass_ms(60_000);
        }
    }
    faucet.switch("payouts_halted", "off");
    faucet.pass_ms(60_000);
    assert_eq!(faucet.outside.paid_e8(&player).len(), 1);
    let sql = "SELECT idempotency_key FROM faucet_payout WHERE address = $1";
    Evidence::of(&place).column(sql, &[player.address.as_str().into()]).pop().unwrap()
}

#[test]
fn example_e7_the_key_of_a_payout_is_the_digest_of_its_accruals_in_numerical_order() {
    for (earlier, own, key) in [
        (0, 1, "6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b"),
        (0, 2, "17f8af97ad4a7f7639a4c9171d5185cbafb85462877a4746c21bdb0a4f940ca0"),
        // In the order of text 10 would come before 9.
        (8, 2, "69c37d73f38de14c86035211434b780645c046f331a70bb6da9db9ba15400a7f"),
    ] {
        assert_eq!(key_of_payout(earlier, own), key, "{own} after {earlier}");
    }
}
