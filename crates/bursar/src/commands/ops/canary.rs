//! The canary: two fresh, marked wallets join one open round, UP 10 and DOWN 25, and look for what became of it
//! (docs/spec/rounds.md section 5).

use std::thread::scope;
use std::time::Duration;

use bursar_access::{Entropy, OsEntropy};
use bursar_rounds::canary::HEADER as MARK_HEADER;
use bursar_rounds::market::Market;
use secrecy::SecretString;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::commands::load::{Connection, NoAnswer, Reply, Server, ServerClock, Window, insist};

/// The players: direction and stake in whole bucks.
const PLAYERS: [(&str, i64); 2] = [("UP", 10), ("DOWN", 25)];
/// Whoever reads the ledger or the results sees at once whose wallet it is.
const WALLET_MARK: &str = "Canary";
/// A wallet of 44 characters that begins with the mark is 32 bytes, whatever follows.
const WALLET_LENGTH: usize = 44;
const BASE58: &[u8; 58] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
/// From the end of a round to the last instant at which it may be pending.
const GRACE_MS: i64 = 3_000;

/// What the canary is told.
pub(super) struct Canary<'a> {
    pub server: &'a Server,
    pub clock: &'a ServerClock,
    pub market: Market,
    /// The operators' key, which marks its stakes so that players' figures can leave them out.
    pub key: Option<&'a SecretString>,
    /// It joins only with more than this left, in milliseconds.
    pub open_buffer_ms: i64,
    /// Its longest wait for such a window, in milliseconds.
    pub wait_max_ms: i64,
}

/// What it has found so far; what was not reached is null.
#[derive(Default)]
pub(super) struct Findings(pub Value);

/// Where it failed.
pub(super) struct Stumble {
    /// `price`, `window`, `joins`, `pool`, `results` or `settled`.
    pub step: &'static str,
    /// What the server answered, if it did.
    pub reply: Option<Reply>,
    /// In words.
    pub text: String,
}

struct Player {
    id: String,
    wallet: String,
    direction: &'static str,
    bucks: i64,
}

impl Canary<'_> {
    /// Plays, and with `to_the_end` waits until the round is settled. Findings are filled in as far as it comes.
    pub fn play(&self, to_the_end: bool, findings: &mut Findings) -> Result<(), Stumble> {
        let (connection, found) = (self.server.connect(), &mut findings.0);
        found["price"] = self.price(&connection)?;
        let window = self.window()?;
        let round_id = window.round_id(self.market);
        found["roundId"] = round_id.as_str().into();
        // An older server shows no part of canaries in its pools, and would not know the mark.
        let mark = self.key.filter(|_| {
            self.stats(&connection, &round_id).is_ok_and(|(_, stats)| stats["canary"].is_object())
        });
        found["marked"] = mark.is_some().into();
        let players = PLAYERS.map(|(direction, bucks)| Player::fresh(direction, bucks));
        found["joins"] = self.join(window, &players, mark)?;
        found["pool"] = self.pool(&connection, &round_id, mark.is_some())?;
        let entries = self.results(&connection, &players, "results")?;
        let statuses: Vec<&Value> = entries.iter().map(|entry| &entry["status"]).collect();
        found["statuses"] = json!(statuses);
        if statuses.iter().any(|status| **status != "PENDING") {
            return Err(Stumble::new("results", format!("an entry of an open round is {statuses:?}")));
        }
        if to_the_end {
            found["settled"] = self.settled(&connection, window, &players)?;
        }
        Ok(())
    }

    fn price(&self, connection: &Connection) -> Result<Value, Stumble> {
        let path = format!("/api/oracle?market={}", self.market.key());
        let reply = self.ask("price", None, || connection.get(&path))?;
        let price = reply.body["price"].clone();
        if price.is_number() {
            Ok(price)
        } else {
            Err(Stumble::answered("price", "there is no price", reply))
        }
    }

    /// The window that is open with enough time left, waiting for the next one if need be.
    fn window(&self) -> Result<Window, Stumble> {
        let now_ms = self.clock.now_ms();
        let current = Window::current(now_ms);
        if now_ms < current.lock_ms() - self.open_buffer_ms {
            return Ok(current);
        }
        let next = current.next();
        if next.start_ms() - now_ms > self.wait_max_ms {
            let text = format!("no window opens within {} ms", self.wait_max_ms);
            return Err(Stumble::new("window", text));
        }
        self.wait("window", next.start_ms())?;
        Ok(next)
    }

    /// Both join at once.
    fn join(
        &self,
        window: Window,
        players: &[Player; 2],
        mark: Option<&SecretString>,
    ) -> Result<Value, Stumble> {
        let one = |player: &Player| {
            let (connection, body) = (self.server.connect(), player.body(self.market, window));
            let mark = mark.map(|key| (MARK_HEADER, key));
            let send = || connection.post_with_key("/api/sim/entries", &body, mark);
            let reply = self.ask("joins", Some(window.lock_ms()), send)?;
            if reply.body["ok"] != true {
                return Err(Stumble::answered("joins", "the join was not accepted", reply));
            }
            Ok(json!({
                "id": player.id, "wallet": player.wallet, "direction": player.direction, "stakeBucks": player.bucks,
                "statusCode": reply.status, "created": reply.body["created"],
            }))
        };
        let [up, down] = players;
        let (up, down) = scope(|threads| {
            let down = threads.spawn(|| one(down));
            let up = one(up);
            (up, down.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
        });
        Ok(json!([up?, down?]))
    }

    /// Others may be in the pool too, so that it holds at least what the canary has staked.
    fn pool(&self, connection: &Connection, round_id: &str, is_marked: bool) -> Result<Value, Stumble> {
        let (reply, stats) = self.stats(connection, round_id)?;
        if !holds_stakes(&stats) {
            return Err(Stumble::answered("pool", "the pool lacks the canary's stakes", reply));
        }
        if is_marked && !holds_stakes(&stats["canary"]) {
            return Err(Stumble::answered("pool", "the pool does not show them as a canary's", reply));
        }
        Ok(stats)
    }

    fn stats(&self, connection: &Connection, round_id: &str) -> Result<(Reply, Value), Stumble> {
        let path = format!("/api/sim/pool?roundId={round_id}");
        let reply = self.ask("pool", None, || connection.get(&path))?;
        let stats = reply.body["stats"].clone();
        Ok((reply, stats))
    }

    /// Both entries as their wallets see them.
    fn results(
        &self,
        connection: &Connection,
        players: &[Player; 2],
        step: &'static str,
    ) -> Result<Vec<Value>, Stumble> {
        let one = |player: &Player| {
            let path = format!("/api/sim/results?wallet={}", player.wallet);
            let reply = self.ask(step, None, || connection.get(&path))?;
            let rounds = reply.body["rounds"].as_array();
            let entry = rounds.and_then(|all| all.iter().find(|entry| entry["entrySignature"] == player.id));
            match entry {
                Some(entry) => Ok(entry.clone()),
                None => Err(Stumble::answered(step, "an accepted entry is missing from the results", reply)),
            }
        };
        players.iter().map(one).collect()
    }

    /// Waits for the end and its grace; then both have to be settled, and paid by one and the same outcome.
    fn settled(
        &self,
        connection: &Connection,
        window: Window,
        players: &[Player; 2],
    ) -> Result<Value, Stumble> {
        self.wait("settled", window.end_ms() + GRACE_MS)?;
        let entries = self.results(connection, players, "settled")?;
        let outcomes: Vec<(&str, i64, i64)> =
            entries.iter().zip(players).map(|(entry, player)| outcome(entry, player)).collect();
        let is_right = match outcomes[..] {
            [("WIN", won, _), ("LOSS", lost, _)] | [("LOSS", lost, _), ("WIN", won, _)] => {
                won > 0 && lost == 0
            }
            [("REFUND", up, up_stake), ("REFUND", down, down_stake)] => up == up_stake && down == down_stake,
            _ => false,
        };
        let shown: Vec<Value> = outcomes
            .iter()
            .map(|(status, payout, _)| json!({"status": status, "payoutCents": payout}))
            .collect();
        if is_right {
            return Ok(shown.into());
        }
        let text = format!("{GRACE_MS} ms after the end the entries are {}", Value::from(shown));
        Err(Stumble::new("settled", text))
    }

    fn wait(&self, step: &'static str, until_ms: i64) -> Result<(), Stumble> {
        self.clock.wait_until(until_ms, |_| ()).map_err(|fault| Stumble::new(step, fault.to_string()))
    }

    /// A good answer, or why there is none.
    fn ask(
        &self,
        step: &'static str,
        deadline_ms: Option<i64>,
        send: impl Fn() -> Result<Reply, String>,
    ) -> Result<Reply, Stumble> {
        match insist(self.clock, deadline_ms, send).answer {
            Ok(reply) if reply.is_good() => Ok(reply),
            Ok(reply) => Err(Stumble::answered(step, "the server refused", reply)),
            Err(NoAnswer::Network(error)) => Err(Stumble::new(step, format!("no answer: {error}"))),
            Err(NoAnswer::TooLate { said }) => {
                let said = said.unwrap_or_else(|| "the window had closed".to_owned());
                Err(Stumble::new(step, format!("no answer in time: {said}")))
            }
        }
    }
}

impl Player {
    fn fresh(direction: &'static str, bucks: i64) -> Player {
        Player { id: format!("canary-{}", Uuid::new_v4()), wallet: marked_wallet(), direction, bucks }
    }

    fn body(&self, market: Market, window: Window) -> Value {
        json!({
            "id": self.id, "roundId": window.round_id(market), "market": market.key(), "feedId": market.feed_id(),
            "roundStartMs": window.start_ms(), "roundEndMs": window.end_ms(), "wallet": self.wallet,
            "direction": self.direction, "stakeBucks": self.bucks, "joinedAtMs": window.start_ms(),
        })
    }
}

impl Stumble {
    fn new(step: &'static str, text: String) -> Stumble {
        Stumble { step, reply: None, text }
    }

    fn answered(step: &'static str, text: &str, reply: Reply) -> Stumble {
        Stumble { step, text: format!("{text} ({})", reply.outcome()), reply: Some(reply) }
    }
}

/// Status, payout and stake in cents; -1 where the answer has no number.
fn outcome<'a>(entry: &'a Value, player: &Player) -> (&'a str, i64, i64) {
    let status = entry["status"].as_str().unwrap_or_default();
    (status, entry["payoutLamports"].as_i64().unwrap_or(-1), player.bucks * 100)
}

/// An address nobody has used, which says that it is a canary's.
fn marked_wallet() -> String {
    let mut random = [0; WALLET_LENGTH];
    OsEntropy.fill(&mut random);
    // The remainder favours some characters a little; they only have to differ.
    let marks = random.iter().filter_map(|byte| BASE58.get(usize::from(*byte) % BASE58.len()));
    let fresh = marks.map(|mark| char::from(*mark)).skip(WALLET_MARK.len());
    WALLET_MARK.chars().chain(fresh).collect()
}

/// Whether a pool, or the canaries' part of it, has at least what the canary stakes.
fn holds_stakes(stats: &Value) -> bool {
    let at_least = |name: &str, least: i64| stats[name].as_i64().is_some_and(|number| number >= least);
    let [(_, up), (_, down)] = PLAYERS;
    at_least("totalBucks", up + down)
        && at_least("upBucks", up)
        && at_least("downBucks", down)
        && at_least("entries", 2)
}

/// Time for one whole question.
pub(super) const TIMEOUT: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_canarys_wallet_is_a_fresh_address_that_begins_with_its_mark() {
        let wallets: std::collections::BTreeSet<String> = (0..100).map(|_| marked_wallet()).collect();
        assert_eq!(wallets.len(), 100);
        for wallet in wallets {
            assert!(wallet.starts_with("Canary"), "{wallet}");
            assert_eq!(bs58::decode(&wallet).into_vec().unwrap().len(), 32, "{wallet}");
        }
    }

    #[test]
    fn a_pool_without_one_of_the_stakes_is_not_enough() {
        let pool = |total: i64, up: i64, down: i64, entries: i64| json!({"totalBucks": total, "upBucks": up, "downBucks": down, "entries": entries});
        assert!(holds_stakes(&pool(35, 10, 25, 2)) && holds_stakes(&pool(1_000, 500, 500, 9)));
        for lacking in
            [pool(34, 10, 25, 2), pool(35, 9, 26, 2), pool(35, 35, 0, 2), pool(35, 10, 25, 1), Value::Null]
        {
            assert!(!holds_stakes(&lacking), "{lacking}");
        }
    }
}
