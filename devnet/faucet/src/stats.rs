//! The Fortnite statistics: lifetime kills by account, under a key.

use std::collections::BTreeMap;

use serde_json::json;

use crate::server::StandIn;
use crate::service::{Request, Response, Service};

/// What the service says about an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StatsAccount {
    /// So many kills in its lifetime.
    Kills(u64),
    /// Its owner shows nobody: 403.
    Private,
    /// It answers, and `overall` is null: the account never finished a match.
    NullOverall,
    /// It answers, without the kills.
    NoKills,
    /// It answers with this JSON text in place of the kills.
    Odd(String),
    /// It answers with another account's numbers.
    Swapped(u64),
}

/// The service. Its only operation is `stats`.
pub struct Stats {
    key: String,
    accounts: BTreeMap<String, StatsAccount>,
}

impl Stats {
    /// A service that knows no account and wants this key.
    #[must_use]
    pub fn new(key: &str) -> Stats {
        Stats { key: key.to_owned(), accounts: BTreeMap::new() }
    }

    /// Says from now on this about the account.
    pub fn set(&mut self, account: &str, says: StatsAccount) {
        self.accounts.insert(account.to_owned(), says);
    }

    /// Adds kills to the account and returns their number; whatever else was said of it, it has kills now.
    pub fn grow_kills(&mut self, account: &str, by: u64) -> u64 {
        let before = match self.accounts.get(account) {
            Some(StatsAccount::Kills(kills)) => *kills,
            _ => 0,
        };
        let kills = before.saturating_add(by);
        self.set(account, StatsAccount::Kills(kills));
        kills
    }
}

impl Service for Stats {
    fn operation(&self, _: &Request) -> &'static str {
        "stats"
    }

    fn answer(&mut self, request: &Request) -> Response {
        let refuse =
            |status: u16, error: &str| Response::json(status, &json!({ "status": status, "error": error }));
        if request.header("authorization") != Some(self.key.as_str()) {
            return refuse(401, "invalid or missing api key");
        }
        let account = match request.path.strip_prefix("/stats/br/v2/") {
            Some(account) if request.method == "GET" && !account.contains('/') => account,
            _ => return refuse(404, "the requested endpoint does not exist"),
        };
        if account.len() < 3 || account.contains('%') {
            return refuse(400, "invalid accountId");
        }
        let (name, overall) = match self.accounts.get(account) {
            None => return refuse(404, "the requested account does not exist"),
            Some(StatsAccount::Private) => {
                return refuse(403, "the requested account's stats are not public");
            }
            Some(StatsAccount::NullOverall) => (account, "null".to_owned()),
            Some(StatsAccount::NoKills) => (account, r#"{"wins":1}"#.to_owned()),
            Some(StatsAccount::Kills(kills)) => (account, overall(&kills.to_string())),
            Some(StatsAccount::Odd(text)) => (account, overall(text)),
            Some(StatsAccount::Swapped(kills)) => ("somebody_else", overall(&kills.to_string())),
        };
        let account = json!({ "id": name, "name": format!("player {name}") });
        let body = format!(
            r#"{{"status":200,"data":{{"account":{account},"battlePass":{{"level":7,"progress":50}},"image":null,"stats":{{"all":{{"overall":{overall},"solo":null,"duo":null,"squad":null,"ltm":null}},"keyboardMouse":null,"gamepad":null,"touch":null}}}}}}"#
        );
        Response::typed(200, "application/json", body)
    }
}

fn overall(kills: &str) -> String {
    format!(
        r#"{{"score":1,"scorePerMin":0.5,"wins":1,"kills":{kills},"killsPerMin":0.113,"deaths":9,"kd":1.25,"matches":10}}"#
    )
}

impl StandIn<Stats> {
    /// Says from now on this about the account.
    pub fn set_account(&self, account: &str, says: StatsAccount) {
        self.with(|stats| stats.set(account, says));
    }

    /// Sets the account's lifetime kills.
    pub fn set_kills(&self, account: &str, kills: u64) {
        self.set_account(account, StatsAccount::Kills(kills));
    }

    /// Adds to the account's lifetime kills and returns them.
    pub fn grow_kills(&self, account: &str, by: u64) -> u64 {
        self.with(|stats| stats.grow_kills(account, by))
    }
}
