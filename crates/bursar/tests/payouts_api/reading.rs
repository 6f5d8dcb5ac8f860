//! Lists page by page and by filter, and what is not there for a payer.

use serde_json::{Value, json};

use crate::harness::Place;
use crate::shop::{Shop, WALLET};

fn ids(page: &Value) -> Vec<String> {
    let payouts = page["payouts"].as_array().unwrap();
    payouts.iter().map(|payout| payout["id"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_list_is_read_page_by_page_newest_first() {
    Place::for_each_engine(|place| {
        let shop = Shop::open(place);
        let mut made: Vec<String> = ["a", "b", "c", "d", "e"].map(|key| shop.pay(key)).into();
        made.reverse();
        let first = shop.get("/v1/payouts?limit=2").expect(200);
        assert_eq!((ids(&first), &first["next"]), (made[..2].to_vec(), &json!(made[1])));
        let second = shop.get(&format!("/v1/payouts?limit=2&cursor={}", made[1])).expect(200);
        assert_eq!((ids(&second), &second["next"]), (made[2..4].to_vec(), &json!(made[3])));
        let last = shop.get(&format!("/v1/payouts?limit=2&cursor={}", made[3])).expect(200);
        assert_eq!((ids(&last), &last["next"]), (made[4..].to_vec(), &Value::Null));
        assert_eq!(first["payouts"][0], shop.show(&made[0]));
    });
}

#[test]
fn a_list_is_narrowed_by_state_wallet_key_and_desk() {
    Place::for_each_engine(|place| {
        let shop = Shop::open(place);
        let [one, two, three] = ["a", "b", "c"].map(|key| shop.pay(key));
        shop.cancel(&two, "").expect(200);
        let list = |query: &str| ids(&shop.get(&format!("/v1/payouts?{query}")).expect(200));
        assert_eq!(list("state=accepted"), [three.clone(), one.clone()]);
        assert_eq!(list("state=cancelled"), [&*two]);
        assert_eq!(list("key=a"), [one]);
        assert_eq!(list(&format!("wallet={WALLET}&desk=faucet&state=accepted&limit=1")), [three]);
        assert_eq!((list("wallet=cold"), list("key=z")), (vec![], vec![]));
        assert_eq!(shop.get("/v1/payouts?desk=rounds").expect_code(403), "forbidden");
        let nowhere = "cursor=01890000-0000-7000-8000-000000000000";
        for bad in
            ["state=lost", "limit=0", "limit=201", "limit=x", "cursor=x", "colour=red", "key=", nowhere]
        {
            assert_eq!(shop.get(&format!("/v1/payouts?{bad}")).expect_code(400), "invalid_query", "{bad}");
        }
    });
}

#[test]
fn a_desks_own_payouts_are_not_there() {
    let place = Place::sqlite();
    let shop = Shop::open(&place);
    let player = shop.faucet.player(1, 1_208);
    shop.faucet.outside.stats.grow_kills(&player.epic, 7);
    shop.faucet.cycle();
    shop.faucet.cycle();
    assert_eq!(shop.faucet.outside.paid_e8(&player), [70_000_000]);
    let own = shop.tool().json(&["payouts", "list", "--json"])["payouts"][0]["publicId"].clone();
    let own = own.as_str().unwrap();
    assert_eq!(shop.get("/v1/payouts").expect(200)["payouts"], json!([]));
    assert_eq!(shop.get(&format!("/v1/payouts/{own}")).expect_code(404), "payout_not_found");
    assert_eq!(shop.cancel(own, "").expect_code(404), "payout_not_found");
    for nothing in ["1", "x", "01890000-0000-7000-8000-000000000000"] {
        assert_eq!(shop.get(&format!("/v1/payouts/{nothing}")).expect_code(404), "payout_not_found");
    }
    // And the faucet goes on: what was asked for from outside is no payout of its own.
    shop.pay("a");
    shop.faucet.cycle();
    assert_eq!(shop.paid().len(), 1);
    let switches = shop.faucet.admin_get("/admin/switches").to_string();
    assert!(!switches.contains("\"stopped\":true"), "{switches}");
}
