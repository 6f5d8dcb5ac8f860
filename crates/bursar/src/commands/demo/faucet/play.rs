//! What happens around the faucet: the operator sets the wallet up and fills it, people sign in, link wallets and play.

use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use bursar_faucet::identity::verify::peek;
use bursar_faucet::record::Tally;
use bursar_store::clock::machine_time;
use bursar_store::{Clock, Store, StoreError};
use serde_json::json;

use super::client::Client;
use super::outside::Outside;
use super::people::{OPERATOR, Person, STRETCH_MS, career, kills};
use crate::commands::demo::halt::Halt;

/// What the wallet is filled with at first, and what a donor gives now and then, in BAN.
const FIRST_BAN: u128 = 480;
const GIFT_BAN: u128 = 5;
const GIFT_EVERY: Duration = Duration::from_secs(20);
/// Until the next try when the server refused something.
const AGAIN: Duration = Duration::from_secs(1);
const LOOK: Duration = Duration::from_millis(200);

/// The people and the operator, in a thread of their own.
#[derive(Clone)]
pub(in crate::commands::demo) struct Play {
    pub outside: Arc<Outside>,
    pub clock: Clock,
    pub halt: Halt,
}

/// Why something did not work; it is tried again.
#[derive(Debug, thiserror::Error)]
enum PlayFault {
    #[error(transparent)]
    Http(#[from] ureq::Error),
    #[error("{what} was answered with {status}")]
    Refused { what: &'static str, status: u16 },
    #[error("the operator's seed is no seed")]
    Seed,
    #[error("the chain gave nothing: {0}")]
    Chain(String),
}

impl Play {
    /// Begins at `address`, where people go on with the kills that the faucet has read of them.
    pub fn start(&self, address: SocketAddr, store: &Store) -> std::io::Result<JoinHandle<()>> {
        self.recall(store);
        let (play, client) = (self.clone(), Client::new(address));
        std::thread::Builder::new().name("faucet-people".to_owned()).spawn(move || play.play(&client))
    }

    /// Lifetime kills never fall: they go on from what was last read, which the database knows.
    fn recall(&self, store: &Store) {
        for person in &self.outside.people {
            let known = last_reading(store, person).unwrap_or_else(|error| {
                tracing::warn!(%error, "the kills of a player are not known; the career begins anew");
                None
            });
            let lifetime = known.unwrap_or_else(|| career(self.outside.seed, person));
            self.outside.stats.set_kills(&person.epic, lifetime);
        }
        self.outside.stats.set_kills("epic_demo_operator", 0);
    }

    fn play(&self, client: &Client) {
        if self.until_done(|| self.set_up(client)) {
            return;
        }
        for person in &self.outside.people {
            if self.until_done(|| self.join(client, person)) {
                return;
            }
        }
        let mut stretch = self.stretch();
        let mut given = Instant::now();
        while !self.halt.wait(LOOK) {
            if self.stretch() != stretch {
                stretch = self.stretch();
                self.kill(stretch);
            }
            if given.elapsed() >= GIFT_EVERY {
                given = Instant::now();
                if let Err(fault) = self.give(GIFT_BAN) {
                    tracing::warn!(%fault, "a donation did not work");
                }
            }
        }
    }

    /// Does it until it works; true = the halt was called.
    fn until_done(&self, act: impl Fn() -> Result<(), PlayFault>) -> bool {
        loop {
            match act() {
                Ok(()) => return self.halt.is_called(),
                // A server that ends answers nobody any more.
                Err(_) if self.halt.is_called() => return true,
                Err(fault) => tracing::warn!(%fault, "the demo's faucet is not set up yet"),
            }
            if self.halt.wait(AGAIN) {
                return true;
            }
        }
    }

    /// The operator stores the seed, at the first start, and fills a wallet that nobody has filled.
    fn set_up(&self, client: &Client) -> Result<(), PlayFault> {
        let cookie = self.sign_in(client, OPERATOR)?;
        let admin = client.post("/admin/login", &cookie, &json!({}))?;
        let admin = expect("an administrator's sign-in", admin.status, 200).map(|()| admin.cookie)?;
        let body = json!({"seed": self.outside.secrets.operator});
        let stored = client.post("/admin/config/operator-seed", &admin, &body)?;
        // A seed is never overwritten: from the second start on it is there.
        let is_there = stored.status == 400 && stored.body["code"] == "invalid_seed";
        if !is_there {
            expect("the operator's seed", stored.status, 200)?;
        }
        let account = self.outside.operator().ok_or(PlayFault::Seed)?;
        if self.outside.chain.is_unknown(&account) { self.give(FIRST_BAN) } else { Ok(()) }
    }

    fn give(&self, ban: u128) -> Result<(), PlayFault> {
        let account = self.outside.operator().ok_or(PlayFault::Seed)?;
        self.outside.chain.give(&account, ban).map_err(PlayFault::Chain)
    }

    /// Somebody signs in and links a wallet.
    fn join(&self, client: &Client, person: &Person) -> Result<(), PlayFault> {
        let cookie = self.sign_in(client, person.id)?;
        let linked = client.post("/link/wallet", &cookie, &json!({"banano_address": person.wallet}))?;
        expect("a wallet", linked.status, 200)
    }

    /// Signs somebody in as Discord would; the session's cookie.
    fn sign_in(&self, client: &Client, id: u64) -> Result<String, PlayFault> {
        let login = client.get("/auth/discord/login", "")?;
        expect("the way to Discord", login.status, 307)?;
        let state = login.location.split("state=").nth(1).unwrap_or_default();
        let code = self.outside.discord.issue_code(id);
        // The cookie binds the way back to the browser that began.
        let path = format!("/auth/discord/callback?state={state}&code={code}");
        let back = client.get(&path, &login.cookie)?;
        expect("a sign-in", back.status, 302).map(|()| back.cookie)
    }

    /// Everybody plays for one stretch.
    fn kill(&self, start_ms: i64) {
        for person in &self.outside.people {
            let made = kills(self.outside.seed, person, start_ms);
            if made > 0 {
                self.outside.stats.grow_kills(&person.epic, made);
            }
        }
    }

    /// When the stretch of now began, by the rules' clock.
    fn stretch(&self) -> i64 {
        self.clock.transform(machine_time()).ms().div_euclid(STRETCH_MS) * STRETCH_MS
    }
}

fn expect(what: &'static str, status: u16, wanted: u16) -> Result<(), PlayFault> {
    if status == wanted { Ok(()) } else { Err(PlayFault::Refused { what, status }) }
}

/// The lifetime kills that the faucet read last.
fn last_reading(store: &Store, person: &Person) -> Result<Option<u64>, StoreError> {
    store.read("demo.kills", |tx| {
        let Some(user) = peek(tx, &person.id.to_string())? else { return Ok(None) };
        let tally = Tally::peek(tx, &[user.id], false)?.pop();
        Ok(tally.and_then(|tally| tally.last_reading).map(|(_, kills)| u64::from(kills)))
    })
}
