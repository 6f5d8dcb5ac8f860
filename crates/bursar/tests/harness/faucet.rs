//! A live faucet for black-box tests: a real server that pays on a node of the test's own, with stand-ins for Discord,
//! Yunite, the statistics and Solana.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use bursar_banano::{PublicKey, Seed, Subtype};
use bursar_devnet_banano::{Command, Fault, Misbehaviour, Node, NodeServer, NodeSettings};
use bursar_devnet_faucet::{Discord, DiscordApp, Solana, StandIn, Stats, Yunite};
use bursar_store::{OpenMode, Store, StoreOptions};
use serde_json::{Value, json};

use super::{Answer, Place, START_MS, Server, Setup, Tool};

/// One e8 in raw.
pub const RAW_PER_E8: u128 = 10_u128.pow(21);
/// One BAN in raw.
pub const RAW_PER_BAN: u128 = 10_u128.pow(29);
/// The operator's seed, as the route takes it.
pub const OPERATOR_SEED: &str = "0707070707070707070707070707070707070707070707070707070707070707";
/// Signs sessions.
pub const SESSION_SECRET: &str = "a session secret of forty characters, yes";
/// How often both cycles run.
pub const INTERVAL_MS: i64 = 30_000;

const GUILD: u64 = 1_000_000_000_000_007;
/// The Discord account that administers.
const ADMIN: u64 = 80_351_110_224_000_001;
const REDIRECT: &str = "http://127.0.0.1/auth/discord/callback";
/// The longest wait under a real clock.
const PATIENCE: Duration = Duration::from_secs(30);

/// Everything outside the server; it outlives servers that are killed and started again.
pub struct Outside {
    /// The chain.
    pub node: NodeServer,
    pub discord: StandIn<Discord>,
    pub yunite: StandIn<Yunite>,
    pub stats: StandIn<Stats>,
    pub solana: StandIn<Solana>,
}

/// A send of the operator's, as the chain has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    /// The block, upper-case hexadecimal.
    pub hash: String,
    /// Whom.
    pub to: String,
    /// How much, in raw.
    pub raw: u128,
}

/// Somebody who plays, signed in and with a wallet.
#[derive(Clone, Debug)]
pub struct Player {
    /// The Discord account.
    pub id: u64,
    /// The Epic account, by which the statistics know them.
    pub epic: String,
    /// Where they are paid.
    pub address: String,
    /// Their session, for 24 hours of the rules' clock.
    pub cookie: String,
}

/// A live faucet and everything around it.
pub struct LiveFaucet {
    pub outside: Outside,
    pub server: Server,
    /// The administrator's session, renewed when it has ended.
    admin: Mutex<Option<String>>,
}

impl Outside {
    pub fn start() -> Outside {
        let app = DiscordApp {
            client_id: "app-1".to_owned(),
            client_secret: "discord secret".to_owned(),
            redirect_uri: REDIRECT.to_owned(),
        };
        Outside {
            node: NodeServer::start(Node::new(NodeSettings::easy(1)), ([127, 0, 0, 1], 0).into()).unwrap(),
            discord: StandIn::start(Discord::new(app)).unwrap(),
            yunite: StandIn::start(Yunite::new(&GUILD.to_string(), "yunite key")).unwrap(),
            stats: StandIn::start(Stats::new("fortnite key")).unwrap(),
            solana: StandIn::start(Solana::new()).unwrap(),
        }
    }

    /// A live server on these services under the manual clock: cycles every 30 s, nobody is rate limited, and a proxy on
    /// this machine may name regions. Its schema is not there yet.
    pub fn setup(&self, place: &Place) -> Setup {
        Setup::bare(place)
            .env("BURSAR_DESKS", "faucet")
            .env("P2S_DRY_RUN", "false")
            .env("P2S_INTERVAL_SECONDS", "30")
            .env("SESSION_SECRET", SESSION_SECRET)
            .env("FAUCET_SEAL_KEY", &"5e".repeat(32))
            .env("BANANO_NODE_RPC", &self.node.base_url())
            .env("FAUCET_ALLOW_LOOPBACK_NODE", "1")
            .env("FAUCET_WORK_THRESHOLD", "f000000000000000")
            .env("DISCORD_API_BASE", &self.discord.base_url())
            .env("DISCORD_CLIENT_ID", "app-1")
            .env("DISCORD_CLIENT_SECRET", "discord secret")
            .env("DISCORD_REDIRECT_URI", REDIRECT)
            .env("YUNITE_BASE_URL", &self.yunite.base_url())
            .env("YUNITE_API_KEY", "yunite key")
            .env("YUNITE_GUILD_ID", &GUILD.to_string())
            .env("FORTNITE_BASE_URL", &self.stats.base_url())
            .env("FORTNITE_API_KEY", "fortnite key")
            .env("FAUCET_SOLANA_RPC_URL", &self.solana.base_url())
            .env("ADMIN_DISCORD_USERNAMES", &ADMIN.to_string())
            .env("TRUSTED_PROXIES", "127.0.0.1")
            .env("RATE_LIMIT_GLOBAL_PER_MINUTE", "0")
            .env("RATE_LIMIT_PER_IP_PER_MINUTE", "0")
            .manual_clock(START_MS)
    }

    /// Sends BAN to the operator's account, in e8: it waits to be received.
    pub fn fund_e8(&self, e8: u128) {
        let raw = (e8 * RAW_PER_E8).to_string();
        self.node.command(Command::Fund { account: operator().address(), raw }).unwrap();
    }

    /// What the operator's account holds by the chain, in raw; what waits to be received is not in it.
    pub fn operator_balance(&self) -> u128 {
        self.node.with(|node| node.ledger().balance(&operator()).units())
    }

    /// Every send of the operator's, oldest first.
    pub fn sends(&self) -> Vec<Sent> {
        self.node.with(|node| {
            let blocks = node.ledger().blocks();
            let ours = blocks.into_iter().filter(|entry| entry.block.block.account == operator());
            let sends = ours.filter(|entry| entry.subtype == Subtype::Send);
            sends
                .map(|entry| Sent {
                    hash: entry.block.hash().to_string(),
                    to: PublicKey(entry.block.block.link).address(),
                    raw: entry.amount.units(),
                })
                .collect()
        })
    }

    /// What was sent to one player, in e8, oldest first.
    pub fn paid_e8(&self, player: &Player) -> Vec<u128> {
        let sends = self.sends().into_iter().filter(|sent| sent.to == player.address);
        sends.map(|sent| sent.raw / RAW_PER_E8).collect()
    }

    /// The next `times` requests of this action to the node go wrong.
    pub fn node_fault(&self, action: &str, misbehaviour: Misbehaviour, times: u32) {
        let fault = Fault { action: Some(action.to_owned()), misbehaviour, times };
        self.node.command(Command::Fault(fault)).unwrap();
    }

    /// Somebody in the guild with an Epic account and so many kills in their life.
    pub fn person(&self, id: u64, epic: &str, kills: u64) {
        self.discord.set_person(id, &format!("player{id}"), [GUILD]);
        self.yunite.link(&id.to_string(), epic);
        self.stats.set_kills(epic, kills);
    }
}

/// The operator's account.
pub fn operator() -> PublicKey {
    Seed::from_bytes([7; 32]).secret_key(0).public_key()
}

/// The address of player number `number`.
pub fn player_address(number: u32) -> String {
    Seed::from_bytes([9; 32]).secret_key(number).public_key().address()
}

impl LiveFaucet {
    /// A live faucet under the manual clock whose operator holds 99 BAN, just below the first milestone.
    pub fn start(place: &Place) -> LiveFaucet {
        LiveFaucet::start_with(place, 99, |setup| setup)
    }

    /// The same with so many BAN, at least 1, and another environment.
    pub fn start_with(place: &Place, ban: u128, change: impl FnOnce(Setup) -> Setup) -> LiveFaucet {
        let outside = Outside::start();
        let setup = change(outside.setup(place));
        assert_eq!(Tool::of(&setup).json(&["migrate", "up"])["ok"], true);
        outside.fund_e8(ban * 100_000_000);
        let is_manual = setup.environment().iter().any(|(name, _)| name == "BURSAR_CLOCK");
        let faucet = LiveFaucet { server: setup.start(), outside, admin: Mutex::default() };
        faucet.set_operator_seed();
        if is_manual {
            faucet.pass_ms(1_000);
        }
        faucet.wait_until("the operator's money", || faucet.outside.operator_balance() == ban * RAW_PER_BAN);
        faucet
    }

    /// A server that was started on these services; no operator's seed is set.
    pub fn around(outside: Outside, server: Server) -> LiveFaucet {
        LiveFaucet { server, outside, admin: Mutex::default() }
    }

    /// Stores the seed through its route.
    pub fn set_operator_seed(&self) {
        let set = self.admin_post("/admin/config/operator-seed", &json!({"seed": OPERATOR_SEED}));
        assert_eq!(set.expect(200)["address"], operator().address());
    }

    /// Kills the server as a power cut does, and starts it again on the same database and services.
    pub fn restart(self) -> LiveFaucet {
        LiveFaucet { server: self.server.restart(), ..self }
    }

    // People.

    /// Player number `number`, who has `kills` so far: through Discord's sign-in, and with a wallet.
    pub fn player(&self, number: u32, kills: u64) -> Player {
        self.player_through(number, kills, &[])
    }

    /// The same, who signs in with these headers of a proxy, such as `x-region`.
    pub fn player_through(&self, number: u32, kills: u64, headers: &[(&str, &str)]) -> Player {
        let (id, epic) = (80_351_110_225_000_000 + u64::from(number), format!("epic_{number}"));
        self.outside.person(id, &epic, kills);
        let cookie = self.sign_in(id, headers);
        let address = player_address(number);
        let link = json!({"banano_address": address}).to_string();
        let linked = self.server.post_with("/link/wallet", &[("cookie", &cookie)], &link);
        assert_eq!(linked.expect(200)["linked"], true);
        Player { id, epic, address, cookie }
    }

    /// Signs somebody in through Discord; the cookie.
    pub fn sign_in(&self, id: u64, headers: &[(&str, &str)]) -> String {
        let login = self.server.get("/auth/discord/login");
        let state = login.header("location").unwrap().split("state=").nth(1).unwrap().to_owned();
        let code = self.outside.discord.issue_code(id);
        let path = format!("/auth/discord/callback?state={state}&code={code}");
        let binding = cookie_of(&login);
        let mut headers = headers.to_vec();
        headers.push(("cookie", binding.as_str()));
        let answer = self.server.get_with(&path, &headers);
        assert_eq!((answer.status, answer.header("location")), (302, Some("/")), "{}", answer.text);
        cookie_of(&answer)
    }

    /// What a player is told.
    #[track_caller]
    pub fn mine(&self, player: &Player, path: &str) -> Value {
        self.server.get_with(path, &[("cookie", &player.cookie)]).expect(200)
    }

    /// Their accruals, newest first.
    #[track_caller]
    pub fn accruals(&self, player: &Player) -> Vec<Value> {
        self.mine(player, "/me/accruals")["accruals"].as_array().unwrap().clone()
    }

    /// Their payouts, newest first.
    #[track_caller]
    pub fn payouts(&self, player: &Player) -> Vec<Value> {
        self.mine(player, "/me/payouts")["payouts"].as_array().unwrap().clone()
    }

    // The administrator.

    /// A session of the administrator's, through Discord and the allow-list.
    pub fn admin(&self) -> String {
        if let Some(cookie) = self.admin.lock().unwrap().clone() {
            let still = self.server.get_with("/admin/switches", &[("cookie", &cookie)]);
            if still.status == 200 {
                return cookie;
            }
        }
        self.outside.person(ADMIN, "epic_admin", 0);
        let cookie = self.sign_in(ADMIN, &[]);
        let answer = self.server.post_with("/admin/login", &[("cookie", &cookie)], "{}");
        assert_eq!(answer.status, 200, "{}", answer.text);
        let cookie = cookie_of(&answer);
        *self.admin.lock().unwrap() = Some(cookie.clone());
        cookie
    }

    #[track_caller]
    pub fn admin_get(&self, path: &str) -> Value {
        self.server.get_with(path, &[("cookie", &self.admin())]).expect(200)
    }

    #[track_caller]
    pub fn admin_post(&self, path: &str, body: &Value) -> Answer {
        self.server.post_with(path, &[("cookie", &self.admin())], &body.to_string())
    }

    /// Turns a switch `on` or `off`.
    #[track_caller]
    pub fn switch(&self, name: &str, state: &str) {
        let wish = json!({"switch": name, "state": state, "reason": "a test"});
        self.admin_post("/admin/switches", &wish).expect(200);
    }

    /// Sets base rate and caps.
    #[track_caller]
    pub fn terms(&self, terms: &Value) {
        self.admin_post("/admin/payout/config", terms).expect(200);
    }

    /// One accrual and one settlement now; what is to be paid is accepted, and sent once the clock moves.
    #[track_caller]
    pub fn trigger(&self) -> Value {
        self.admin_post("/admin/scheduler/trigger", &json!({})).expect(200)
    }

    // Time.

    /// Lets time pass under the manual clock; everything due on the way has run when this returns.
    #[track_caller]
    pub fn pass_ms(&self, ms: i64) {
        self.server.move_clock(self.server.now_ms() + ms);
    }

    /// Lets both cycles run once, and what they pay go out.
    #[track_caller]
    pub fn cycle(&self) {
        self.pass_ms(INTERVAL_MS);
    }

    /// Waits under a real clock until `is_so`.
    #[track_caller]
    pub fn wait_until(&self, what: &str, mut is_so: impl FnMut() -> bool) {
        let patience = Instant::now() + PATIENCE;
        while !is_so() {
            assert!(Instant::now() < patience, "{what} did not happen: {}", self.server.log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// A number that the database holds.
    pub fn stored(&self, place: &Place, sql: &'static str) -> i64 {
        let mut options = StoreOptions::new(OpenMode::Tool);
        (options.postgres_connections, options.sqlite_readers) = (1, 1);
        let url = if place.is_embedded() { place.url() } else { format!("{}?sslmode=disable", place.url()) };
        let store = Store::open(&url.parse().unwrap(), options).unwrap();
        store.read("test.stored", |tx| tx.query_first(sql, &[], |row| row.get(0))).unwrap().expect("a row")
    }

    // Metrics.

    /// A series on `/metrics` by its name with labels, as it is written there.
    pub fn series(&self, series: &str) -> Option<f64> {
        let text = self.server.get("/metrics").text;
        let value = text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '))?;
        Some(value.split(' ').next().unwrap().parse().unwrap())
    }

    /// A series that must be there.
    #[track_caller]
    pub fn metric(&self, series: &str) -> f64 {
        self.series(series).unwrap_or_else(|| panic!("no {series} in {}", self.server.get("/metrics").text))
    }
}

/// The cookie that an answer sets, as it is sent back.
fn cookie_of(answer: &Answer) -> String {
    answer.header("set-cookie").expect("a cookie").split(';').next().unwrap().to_owned()
}
