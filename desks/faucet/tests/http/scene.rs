//! A faucet behind its routes, and short ways to call them.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::http::{Method, Request};
use bursar_access::SeededEntropy;
use bursar_audit::{Recorder, SaltKey};
use bursar_banano::rpc::NodeClient;
use bursar_banano::work::InThread;
use bursar_banano::{Asking, Banano, NodeSet, Seed, Settings};
use bursar_chain::Chain;
use bursar_control::{ConfigTable, Switch, Switchboard, settings};
use bursar_desk::{Desk, Platform, PlatformParts, Secrets};
use bursar_devnet_banano::{LocalNode, Node, NodeSettings};
use bursar_devnet_faucet::{Discord, DiscordApp as ServiceApp, Solana, StandIn, Stats, Yunite};
use bursar_faucet::desk::{FaucetConfig, FaucetDesk, FaucetParts};
use bursar_faucet::faucet::Faucet;
use bursar_faucet::http::{
    HttpConfig, Logs, Product, RebuildRefusal, Rebuilt, Routes, RoutesParts, SeedRefusal, surface,
};
use bursar_faucet::identity::admin;
use bursar_faucet::log_ring::LogRing;
use bursar_faucet::policy::Policy;
use bursar_faucet::rules::abuse::AbuseAction;
use bursar_faucet::rules::ban::BanE8;
use bursar_faucet::rules::cap_window::CapWindow;
use bursar_faucet::rules::caps::{CapMode, NamedCaps};
use bursar_faucet::rules::pruning::Retention;
use bursar_faucet::switches::SWITCHES;
use bursar_faucet::upstream::{
    DiscordApp, DiscordConfig, LiveUpstreams, SolanaTokensConfig, StatsConfig, ThrottleSettings, YuniteConfig,
};
use bursar_keys::{Kek, KeyId, KeyRing, Keystore, Schemes, SigningStops};
use bursar_payouts::{ChainRules, Payouts, PayoutsParts, SendSettings};
use bursar_store::{EngineKind, Migration, StoreError, Timestamp, Tx};
use bursar_test_stores::TestStore;
use bursar_web::metrics::{Format, HttpMetrics, Registry};
use bursar_web::{Application, CallerSecret, CorsPolicy, HeaderPolicy, Host, ProxyTrust, Unknown, assemble};
use futures_util::{StreamExt, stream};
use secrecy::SecretString;
use serde_json::Value;
use tokio::runtime::Runtime;

pub const GUILD: u64 = 1_000_000_000_000_007;
pub const ALICE: u64 = 80_351_110_224_678_912;
pub const BOB: u64 = 80_351_110_224_678_913;
pub const MINT: &str = "7ErxzRN1hpyMZC8gps7ANZFTGgeDG7cFmVZcMfE6oGrd";
pub const SECRET: &str = "a session secret of more than 32 bytes";
pub const ADMIN: &str = "root@example.org";
pub const PASSWORD: &str = "correct horse battery staple";
const REDIRECT: &str = "https://faucet.example/auth/discord/callback";
const ALL: Switch = Switch { desk: "platform", key: "payouts", variable: "BURSAR_PAYOUTS_HALTED" };

pub struct Scene {
    pub test: TestStore,
    pub discord: StandIn<Discord>,
    pub yunite: StandIn<Yunite>,
    pub stats: StandIn<Stats>,
    pub solana: StandIn<Solana>,
    pub faucet: Arc<Faucet>,
    pub secrets: Secrets,
    pub registry: Arc<Registry>,
    pub log: LogRing,
    application: Application,
    runtime: Runtime,
}

/// What a route answered.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub text: String,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("no JSON: {}", self.text))
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The cookie that was set, as it is sent back.
    pub fn cookie(&self) -> String {
        let set = self.header("set-cookie").expect("a cookie");
        set.split(';').next().unwrap().to_owned()
    }

    #[track_caller]
    pub fn refused(&self, status: u16, code: &str) {
        assert_eq!((self.status, self.json()["code"].as_str()), (status, Some(code)), "{}", self.text);
    }

    #[track_caller]
    pub fn ok(self) -> Value {
        assert_eq!(self.status, 200, "{}", self.text);
        self.json()
    }
}

pub fn on_each_engine(mut test: impl FnMut(&Scene)) {
    for kind in [EngineKind::Sqlite, EngineKind::Postgres] {
        println!("on {kind:?}");
        test(&Scene::on(kind, false, |_| {}));
    }
}

/// Nobody is asked and nothing is paid.
pub fn on_each_engine_in_dry_run(mut test: impl FnMut(&Scene)) {
    for kind in [EngineKind::Sqlite, EngineKind::Postgres] {
        println!("on {kind:?}");
        test(&Scene::on(kind, true, |config| config.is_demo = true));
    }
}

fn migrations(kind: EngineKind) -> Vec<Migration> {
    let mut all = bursar_audit::MIGRATIONS.to_vec();
    all.extend(bursar_control::MIGRATIONS);
    all.extend(bursar_access::MIGRATIONS);
    all.extend(bursar_desk::MIGRATIONS);
    all.push(ConfigTable::PLATFORM.migration("platform/0000_config", kind));
    all.extend(bursar_keys::MIGRATIONS);
    all.extend(bursar_ledger::MIGRATIONS);
    all.extend(bursar_payouts::MIGRATIONS);
    all.extend(bursar_faucet::migrations(kind));
    all
}

fn policy(dry_run: bool) -> Policy {
    Policy {
        dry_run,
        base_rate: "0.05".parse().unwrap(),
        file_caps: CapMode::Kills.default_caps(),
        environment_caps: NamedCaps::default(),
        cap_mode: CapMode::Kills,
        cap_window: CapWindow::Rolling,
        minimum: BanE8::ZERO,
        seed_fund: BanE8::of_ban(1_336),
        floor: BanE8::ZERO,
        batch_size: 0,
        promo_flags: Vec::new(),
        is_boost_on: true,
        kill_rate_per_minute: 10,
        abuse_action: AbuseAction::None,
    }
}

pub fn address(index: u32) -> String {
    Seed::from_bytes([9; 32]).secret_key(index).public_key().address()
}

fn payouts(test: &TestStore, chain: &Arc<dyn Chain>) -> Payouts {
    let kek = Kek::from_hexadecimal(&SecretString::from("1".repeat(64))).unwrap();
    let stops = SigningStops::new(Switchboard::new([], None)).guard_every_desk(ConfigTable::PLATFORM, &[ALL]);
    let entropy = Arc::new(SeededEntropy::new(1));
    let schemes: [Arc<dyn bursar_keys::KeyScheme>; 0] = [];
    Payouts::new(PayoutsParts {
        store: test.store(),
        keystore: Arc::new(Keystore::new(KeyRing::new(kek, []), Schemes::new(schemes), stops, entropy)),
        switchboard: Switchboard::new([], None),
        recorders: Arc::new(|name: &str| Recorder::new(name, SaltKey::new([5; 32]))),
        entropy: Arc::new(SeededEntropy::new(2)),
        chains: vec![ChainRules { chain: Arc::clone(chain), stops: Vec::new() }],
        stops: vec![(ConfigTable::PLATFORM, ALL)],
        generation: Arc::new(|_| Ok(0)),
        journal: None,
        metrics: None,
        faults: None,
        settings: SendSettings::default(),
    })
}

fn upstreams(
    app: DiscordApp,
    yunite: &StandIn<Yunite>,
    stats: &StandIn<Stats>,
    solana: &StandIn<Solana>,
) -> LiveUpstreams {
    let timeout = Duration::from_secs(5);
    let secret = |text: &str| SecretString::from(text);
    LiveUpstreams {
        discord: DiscordConfig::new(app, secret("s3cret"), GUILD.to_string()),
        yunite: YuniteConfig {
            base_url: yunite.base_url(),
            guild_id: "1".to_owned(),
            api_key: secret("key"),
            timeout,
        },
        stats: StatsConfig { base_url: stats.base_url(), api_key: secret("key"), timeout },
        throttle: ThrottleSettings { per_minute: 100_000, floor: 100_000, ceiling: 100_000, concurrent: 4 },
        tokens: SolanaTokensConfig::new(SecretString::from(solana.base_url()), MINT),
    }
}

impl Scene {
    pub fn on(kind: EngineKind, dry_run: bool, configure: impl FnOnce(&mut HttpConfig)) -> Scene {
        let test = TestStore::with(kind, &migrations(kind), |_| {});
        seed(&test);
        let app = ServiceApp {
            client_id: "app-1".to_owned(),
            client_secret: "s3cret".to_owned(),
            redirect_uri: REDIRECT.to_owned(),
        };
        let discord = StandIn::start(Discord::new(app)).unwrap();
        let yunite = StandIn::start(Yunite::new("1", "key")).unwrap();
        let stats = StandIn::start(Stats::new("key")).unwrap();
        let solana = StandIn::start(Solana::new()).unwrap();
        let app = DiscordApp { base_url: discord.base_url(), ..DiscordApp::new("app-1", REDIRECT) };
        let upstreams = upstreams(app.clone(), &yunite, &stats, &solana);
        let node = LocalNode::new("node", Node::new(NodeSettings::easy(1)), 10_000);
        let set = NodeSet::new(vec![NodeClient::new(node)], 1, Asking::InTurn).unwrap();
        let chain: Arc<dyn Chain> = Arc::new(Banano::new(set, Arc::new(InThread), Settings::default()));
        let secrets = Secrets::new([("SESSION_SECRET", Some(caller_secret(SECRET, None)))]);
        let registry = Arc::new(Registry::new());
        let platform = Platform::start(PlatformParts {
            store: test.store(),
            switchboard: Switchboard::new([], None),
            entropy: Arc::new(SeededEntropy::new(3)),
            metrics: Arc::clone(&registry),
            secrets: secrets.clone(),
        });
        let desk = FaucetDesk::new(FaucetParts {
            config: FaucetConfig {
                is_production: false,
                policy: policy(dry_run),
                sim_kills: 0,
                upstreams: Some(upstreams),
                donation_exclude_addresses: Vec::new(),
                retention: Retention::DEFAULT,
                start_jitter_s: 0,
                headers: HeaderPolicy::new(),
                cors: CorsPolicy::Closed,
            },
            payouts: payouts(&test, &chain),
            chain,
            operator: KeyId::parse("faucet-operator").unwrap(),
        });
        desk.open(&platform.unwrap()).unwrap();
        let faucet = desk.faucet().unwrap();
        let mut config = HttpConfig {
            product: Product { app_name: "Faucet of tests".to_owned(), ..Product::default() },
            discord: app,
            admin_discord_ids: vec![ALICE.to_string()],
            is_demo: false,
            headers: HeaderPolicy::new(),
            cors: CorsPolicy::Closed,
        };
        configure(&mut config);
        let runtime = Runtime::new().unwrap();
        let log = LogRing::new(100);
        let application = application(&faucet, config, &registry, &log);
        Scene { test, discord, yunite, stats, solana, faucet, secrets, registry, log, application, runtime }
    }

    /// Somebody in the guild, with an Epic account and so many kills so far.
    pub fn person(&self, id: u64, name: &str, epic: &str, kills: u64) {
        self.discord.set_person(id, name, [GUILD]);
        self.yunite.link(&id.to_string(), epic);
        self.stats.set_kills(epic, kills);
    }

    /// A sign-in that begins now: its state, and the cookie that binds it to the browser.
    pub fn begin(&self) -> (String, String) {
        let answer = self.get("/auth/discord/login", "");
        let location = answer.header("location").unwrap().to_owned();
        (location.split("state=").nth(1).unwrap().to_owned(), answer.cookie())
    }

    pub fn come_back(&self, (state, cookie): &(String, String), code: &str) -> Answer {
        self.get(&format!("/auth/discord/callback?state={state}&code={code}"), cookie)
    }

    /// Signs a person in through the whole flow; the cookie.
    pub fn sign_in(&self, id: u64) -> String {
        let (login, code) = (self.begin(), self.discord.issue_code(id));
        let answer = self.come_back(&login, &code);
        assert_eq!((answer.status, answer.header("location")), (302, Some("/")), "{}", answer.text);
        answer.cookie()
    }

    /// Alice, signed in.
    pub fn alice(&self) -> String {
        self.person(ALICE, "alice", "epic_alice", 1_208);
        self.sign_in(ALICE)
    }

    /// An administrator's cookie.
    pub fn admin(&self) -> String {
        let (store, now) = (self.test.store(), self.test.now());
        let made = store.transact("test.admin", |tx| {
            let password = SecretString::from(PASSWORD);
            admin::set_password(tx, &SeededEntropy::new(9), ADMIN, &password, now)
                .map_err(|error| StoreError::Decode(error.to_string()))
        });
        made.unwrap();
        let body = format!("{{\"email\": \"{ADMIN}\", \"password\": \"{PASSWORD}\"}}");
        let answer = self.post("/admin/login", "", &body);
        assert_eq!(answer.status, 200, "{}", answer.text);
        answer.cookie()
    }

    pub fn get(&self, path: &str, cookie: &str) -> Answer {
        self.send(Method::GET, path, &[("cookie", cookie)], "", 1)
    }

    pub fn post(&self, path: &str, cookie: &str, body: &str) -> Answer {
        self.send(Method::POST, path, &[("cookie", cookie)], body, 1)
    }

    /// A call from the client 127.0.0.`client`.
    pub fn send(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
        client: u8,
    ) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers.iter().filter(|(_, value)| !value.is_empty()) {
            request = request.header(*name, *value);
        }
        let peer = SocketAddr::from(([127, 0, 0, client], 1));
        self.answer(request.body(Body::from(body.to_owned())).unwrap(), peer)
    }

    /// A call whose body comes late: `meanwhile` runs once the server waits for it.
    pub fn post_slowly(
        &self,
        path: &str,
        cookie: &str,
        body: &str,
        meanwhile: impl FnOnce() + Send + 'static,
    ) -> Answer {
        let body = body.to_owned();
        let late = stream::once(async move {
            tokio::task::spawn_blocking(meanwhile).await.unwrap();
            Ok::<_, std::io::Error>(body)
        });
        let request = Request::builder().method(Method::POST).uri(path).header("cookie", cookie);
        let peer = SocketAddr::from(([127, 0, 0, 1], 1));
        self.answer(request.body(Body::from_stream(late)).unwrap(), peer)
    }

    fn answer(&self, request: Request<Body>, peer: SocketAddr) -> Answer {
        self.runtime.block_on(async {
            let response = self.application.answer(request, peer).await;
            let status = response.status().as_u16();
            let headers = response.headers().iter();
            let headers =
                headers.map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned())).collect();
            let bytes = to_bytes(response.into_body(), 1 << 20).await.unwrap();
            Answer { status, headers, text: String::from_utf8(bytes.to_vec()).unwrap() }
        })
    }

    /// Reads the first pieces of a stream, until `is_enough` of what came or it ends; `meanwhile` runs once the head has arrived.
    pub fn stream(
        &self,
        path: &str,
        cookie: &str,
        meanwhile: impl FnOnce(),
        is_enough: impl Fn(&str) -> bool,
    ) -> Answer {
        let request = Request::builder().uri(path).header("cookie", cookie).body(Body::empty()).unwrap();
        self.runtime.block_on(async {
            let response = self.application.answer(request, SocketAddr::from(([127, 0, 0, 1], 1))).await;
            let status = response.status().as_u16();
            let headers = response.headers().iter();
            let headers =
                headers.map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned())).collect();
            meanwhile();
            let (mut text, mut pieces) = (String::new(), response.into_body().into_data_stream());
            while !is_enough(&text) {
                let Some(piece) = pieces.next().await else { break };
                text.push_str(std::str::from_utf8(&piece.unwrap()).unwrap());
            }
            Answer { status, headers, text }
        })
    }

    pub fn count(&self, sql: &'static str) -> i64 {
        self.test
            .store()
            .read("test.count", |tx| tx.query_first(sql, &[], |row| row.get(0)))
            .unwrap()
            .unwrap()
    }

    pub fn write<T>(&self, mut work: impl FnMut(&mut Tx<'_>, Timestamp) -> Result<T, StoreError>) -> T {
        let now = self.test.now();
        self.test.store().transact("test.write", |tx| work(tx, now)).unwrap()
    }

    pub fn set(&self, setting: settings::Setting, value: i64) {
        self.write(|tx, now| {
            settings::change(tx, ConfigTable::FAUCET, setting, value, ("tester", "test"), now)
        });
    }

    pub fn metric(&self, series: &str) -> Option<String> {
        let text = self.registry.render(Format::Text);
        text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' ').map(str::to_owned))
    }
}

/// The same text with another last character.
pub fn forged(text: &str) -> String {
    let (rest, last) = text.split_at(text.len() - 1);
    format!("{rest}{}", if last == "A" { "B" } else { "A" })
}

pub fn caller_secret(current: &str, previous: Option<&str>) -> CallerSecret {
    CallerSecret { current: SecretString::from(current), previous: previous.map(SecretString::from) }
}

/// Switches run; limits stand at their greatest value.
fn seed(test: &TestStore) {
    let now = test.now();
    let limits = [bursar_faucet::settings::GLOBAL_PER_MINUTE, bursar_faucet::settings::PER_IP_PER_MINUTE];
    let seeded = test.store().transact("test.seed", |tx| {
        settings::seed(tx, ConfigTable::PLATFORM, &[(ALL.key, "off".to_owned(), "", false)], now)?;
        let switches = SWITCHES.iter().map(|switch| (switch.key, "off".to_owned(), "", false));
        let settings = bursar_faucet::settings::SETTINGS.iter().map(|setting| {
            let is_limit = limits.iter().any(|limit| limit.key == setting.key);
            let value = if is_limit { setting.max } else { setting.default };
            (setting.key, value.to_string(), "", false)
        });
        let rows: Vec<_> = switches.chain(settings).collect();
        settings::seed(tx, ConfigTable::FAUCET, &rows, now)
    });
    seeded.unwrap();
}

fn application(
    faucet: &Arc<Faucet>,
    config: HttpConfig,
    registry: &Arc<Registry>,
    log: &LogRing,
) -> Application {
    let routes = Routes::new(RoutesParts {
        faucet: Arc::clone(faucet),
        config,
        set_seed: Arc::new(|_, _, _, _| Ok(Err(SeedRefusal("an operator's seed is set already".to_owned())))),
        rebuild_donations: Arc::new(|wish| match wish.force {
            true => Ok(Rebuilt { found: 3, inserted: 2 }),
            false => Err(RebuildRefusal::Exists),
        }),
        logs: Logs { ring: log.clone(), mask: Arc::new(|line| line.replace(SECRET, "***")) },
    });
    let host = Host {
        trust: ProxyTrust::default(),
        version: "1".to_owned(),
        commit: "0123456789012345678901234567890123456789".to_owned(),
        http: HttpMetrics::register(registry, false).unwrap(),
        unknown: Unknown::NotFound,
        headers: HeaderPolicy::new(),
        documentation: true,
    };
    assemble(vec![surface(routes.unwrap())], host).unwrap()
}
