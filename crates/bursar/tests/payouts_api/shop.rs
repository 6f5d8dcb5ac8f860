//! A program that has a live faucet pay: the faucet with funds in its wallet, and a payer's token.

use bursar_banano::Seed;
use serde_json::{Value, json};

use crate::harness::faucet::{RAW_PER_BAN, player_address};
use crate::harness::{Answer, LiveFaucet, Place, Setup, Tool};

pub const WALLET: &str = "faucet-operator";
/// What the operator sends to the wallet, in BAN.
pub const BAN: u128 = 99;
/// What the wallet's funds are filled with, in raw: ten BAN.
pub const FUNDS: u128 = 10 * RAW_PER_BAN;

pub struct Shop {
    pub faucet: LiveFaucet,
    pub token: String,
}

/// The devnet's account that gives money away: here it is the operator's own, so that nothing counts as donated.
fn giver() -> String {
    let mut seed = *b"bursar devnet banano genesis....";
    seed[24..].copy_from_slice(&1_u64.to_be_bytes());
    Seed::from_bytes(seed).secret_key(0).public_key().address()
}

/// The shipped configuration with the giver as the operator's own.
fn configs(place: &Place) -> String {
    let folder = place.folder().join("configs");
    std::fs::create_dir_all(&folder).unwrap();
    for name in ["integrations.yaml", "payout.yaml", "product.yaml"] {
        let shipped = concat!(env!("CARGO_MANIFEST_DIR"), "/../../configs");
        let text = std::fs::read_to_string(format!("{shipped}/{name}")).unwrap();
        let none = "donation_exclude_addresses: []";
        assert_eq!(text.contains(none), name == "payout.yaml");
        let own = format!("donation_exclude_addresses: [{}]", giver());
        std::fs::write(folder.join(name), text.replace(none, &own)).unwrap();
    }
    folder.to_str().unwrap().to_owned()
}

/// A payer's token, made at the command line.
pub fn payer(tool: &Tool, name: &str, desk: &str) -> String {
    tool.json(&["operators", "add", name, "--role", "payer", "--desk", desk]);
    tool.json(&["operators", "token", name])["token"].as_str().unwrap().to_owned()
}

/// Somebody to be paid, in the chain's canonical form.
pub fn payee() -> String {
    player_address(77)
}

/// One BAN for somebody.
pub fn wish() -> Value {
    json!({"wallet": WALLET, "to": payee(), "amount": RAW_PER_BAN.to_string(), "asset": "BAN", "reference": "order 12"})
}

impl Shop {
    pub fn open(place: &Place) -> Shop {
        Shop::open_with(place, |setup| setup)
    }

    pub fn open_with(place: &Place, change: impl FnOnce(Setup) -> Setup) -> Shop {
        let folder = configs(place);
        let faucet = LiveFaucet::start_with(place, BAN, |setup| change(setup.env("CONFIG_DIR", &folder)));
        let tool = Tool::beside(&faucet.server);
        let token = payer(&tool, "shop", "faucet");
        let shop = Shop { faucet, token };
        assert_eq!(shop.fund(&[&FUNDS.to_string()]).0["funds"], FUNDS.to_string());
        shop
    }

    pub fn tool(&self) -> Tool {
        Tool::beside(&self.faucet.server)
    }

    /// Runs `payouts fund` with this amount and more; its answer and exit.
    pub fn fund(&self, amount: &[&str]) -> (Value, i32) {
        let fund = ["payouts", "fund", WALLET, "--json", "--reason", "launch", "--amount"];
        let output = self.tool().run(&[&fund[..], amount].concat());
        (output.json(), output.status)
    }

    fn bearer(&self) -> String {
        format!("Bearer {}", self.token)
    }

    pub fn create(&self, key: &str, body: &Value) -> Answer {
        self.create_text(key, &body.to_string())
    }

    pub fn create_text(&self, key: &str, body: &str) -> Answer {
        let headers = [("authorization", &*self.bearer()), ("idempotency-key", key)];
        self.faucet.server.post_with("/v1/payouts", &headers, body)
    }

    pub fn get(&self, path: &str) -> Answer {
        self.faucet.server.get_with(path, &[("authorization", &self.bearer())])
    }

    pub fn show(&self, id: &str) -> Value {
        self.get(&format!("/v1/payouts/{id}")).expect(200)
    }

    pub fn cancel(&self, id: &str, body: &str) -> Answer {
        let path = format!("/v1/payouts/{id}/cancel");
        self.faucet.server.post_with(&path, &[("authorization", &self.bearer())], body)
    }

    /// A new payout of one BAN; its id.
    #[track_caller]
    pub fn pay(&self, key: &str) -> String {
        self.create(key, &wish()).expect(201)["id"].as_str().unwrap().to_owned()
    }

    /// Lets the wallet's sender do what is due.
    pub fn send(&self) {
        self.faucet.pass_ms(1_000);
    }

    /// What the payee was sent, in raw.
    pub fn paid(&self) -> Vec<u128> {
        let sends = self.faucet.outside.sends();
        sends.into_iter().filter(|sent| sent.to == payee()).map(|sent| sent.raw).collect()
    }
}
