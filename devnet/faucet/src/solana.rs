//! A Solana node that knows token accounts and nothing else.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::server::StandIn;
use crate::service::{Request, Response, Service};

/// One token account of a wallet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holding {
    /// The token's mint.
    pub mint: String,
    /// Base units.
    pub amount: u64,
    /// Digits after the point.
    pub decimals: u8,
}

/// The node. Operations are `getTokenAccountsByOwner` and `other`.
#[derive(Default)]
pub struct Solana {
    wallets: BTreeMap<String, Vec<Holding>>,
    refusals: Vec<(i64, String)>,
}

impl Solana {
    /// A node without wallets.
    #[must_use]
    pub fn new() -> Solana {
        Solana::default()
    }

    /// The wallet has these token accounts and no others.
    pub fn set(&mut self, wallet: &str, holdings: Vec<Holding>) {
        self.wallets.insert(wallet.to_owned(), holdings);
    }

    /// The next question that is not refused yet is answered by this JSON-RPC error, with HTTP status 200.
    pub fn refuse_next(&mut self, code: i64, message: &str) {
        self.refusals.push((code, message.to_owned()));
    }

    fn token_accounts(&self, params: &Value) -> Option<Value> {
        let (wallet, mint) = (params[0].as_str()?, params[1]["mint"].as_str()?);
        if params[2]["encoding"] != "jsonParsed" {
            return None;
        }
        let holdings = self.wallets.get(wallet).into_iter().flatten().filter(|holding| holding.mint == mint);
        let accounts = holdings.enumerate().map(|(index, holding)| {
            let shown = shown(holding);
            let info = json!({
                "isNative": false, "mint": mint, "owner": wallet, "state": "initialized",
                "tokenAmount": {
                    "amount": holding.amount.to_string(), "decimals": holding.decimals, "uiAmountString": shown,
                    "uiAmount": serde_json::from_str::<Value>(&shown).unwrap_or_default(),
                },
            });
            let data = json!({
                "program": "spl-token", "space": 165, "parsed": { "type": "account", "info": info },
            });
            let account = json!({ "data": data, "executable": false, "lamports": 2_039_280, "space": 165 });
            json!({ "pubkey": format!("account{index}"), "account": account })
        });
        Some(json!({ "context": { "slot": 1 }, "value": accounts.collect::<Vec<_>>() }))
    }
}

impl Service for Solana {
    fn operation(&self, request: &Request) -> &'static str {
        let body: Value = serde_json::from_str(&request.body).unwrap_or_default();
        match body["method"].as_str() {
            Some("getTokenAccountsByOwner") => "getTokenAccountsByOwner",
            _ => "other",
        }
    }

    fn answer(&mut self, request: &Request) -> Response {
        let body: Value = serde_json::from_str(&request.body).unwrap_or_default();
        let id = &body["id"];
        let refused = |code: i64, message: &str| {
            let error = json!({ "code": code, "message": message });
            Response::json(200, &json!({ "jsonrpc": "2.0", "error": error, "id": id }))
        };
        if !self.refusals.is_empty() {
            let (code, message) = self.refusals.remove(0);
            return refused(code, &message);
        }
        if self.operation(request) == "other" {
            return refused(-32_601, "Method not found");
        }
        match self.token_accounts(&body["params"]) {
            Some(result) => Response::json(200, &json!({ "jsonrpc": "2.0", "result": result, "id": id })),
            None => refused(-32_602, "Invalid params"),
        }
    }
}

/// The amount as a decimal, without zeros at its end.
fn shown(holding: &Holding) -> String {
    let places = usize::from(holding.decimals);
    let digits = format!("{:0>width$}", holding.amount.to_string(), width = places + 1);
    let (whole, fraction) = digits.split_at(digits.len() - places);
    match fraction.trim_end_matches('0') {
        "" => whole.to_owned(),
        fraction => format!("{whole}.{fraction}"),
    }
}

impl StandIn<Solana> {
    /// The wallet has these token accounts of one mint: base units and digits after the point.
    pub fn set_tokens(&self, wallet: &str, mint: &str, accounts: &[(u64, u8)]) {
        let holding = |&(amount, decimals): &(u64, u8)| Holding { mint: mint.to_owned(), amount, decimals };
        self.with(|solana| solana.set(wallet, accounts.iter().map(holding).collect()));
    }

    /// The next question is answered by this JSON-RPC error.
    pub fn refuse_next(&self, code: i64, message: &str) {
        self.with(|solana| solana.refuse_next(code, message));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_shown_as_a_node_shows_them() {
        let show = |amount, decimals| shown(&Holding { mint: String::new(), amount, decimals });
        let shown = [show(1_500_000, 6), show(1_000_000, 6), show(7, 2), show(7, 0), show(0, 6)];
        assert_eq!(shown, ["1.5", "1", "0.07", "7", "0"]);
    }
}
