//! A faucet over a store, a node and statistics that are stood in for, and short ways to act on them.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use bursar_access::{Actor, By, Entropy, SeededEntropy};
use bursar_audit::{Recorder, SaltKey};
use bursar_banano::rpc::NodeClient;
use bursar_banano::work::InThread;
use bursar_banano::{Asking, Banano, NodeSet, PublicKey, Seed, Settings, StateBlock, Subtype};
use bursar_chain::Chain;
use bursar_control::{ConfigTable, Switch, SwitchChange, Switchboard, settings};
use bursar_desk::job::Job;
use bursar_desk::{Desk, OpenDesk, Platform, PlatformParts, Secrets};
use bursar_devnet_banano::{Command, LocalNode, Node, NodeSettings};
use bursar_devnet_faucet::{StandIn, Stats};
use bursar_faucet::accrual::Run;
use bursar_faucet::desk::{FaucetConfig, FaucetDesk, FaucetParts};
use bursar_faucet::faucet::Faucet;
use bursar_faucet::operator_key::{BananoSeed, OPERATOR, SCHEME};
use bursar_faucet::policy::Policy;
use bursar_faucet::rules::abuse::AbuseAction;
use bursar_faucet::rules::ban::BanE8;
use bursar_faucet::rules::cap_window::CapWindow;
use bursar_faucet::rules::caps::{CapMode, NamedCaps};
use bursar_faucet::rules::pruning::Retention;
use bursar_faucet::settlement::Cycle;
use bursar_faucet::switches::SWITCHES;
use bursar_faucet::upstream::{
    DiscordApp, DiscordConfig, LiveUpstreams, SolanaTokensConfig, StatsConfig, ThrottleSettings, YuniteConfig,
};
use bursar_keys::{
    Kek, KeyId, KeyRing, KeyScheme, KeySecret, Keystore, NewKey, Origin, Policy as KeyPolicy, Schemes,
    SigningStops,
};
use bursar_money::{Amount, Asset};
use bursar_payouts::{ChainRules, Journal, Payouts, PayoutsParts, SendSettings, Sender, Turn};
use bursar_store::lease::Lease;
use bursar_store::{EngineKind, Migration, Store, StoreError, Timestamp, Tx};
use bursar_test_stores::{START_MS, TestStore};
use bursar_web::metrics::{Format, Registry};
use bursar_web::{CorsPolicy, HeaderPolicy};
use secrecy::SecretString;

const ALL: Switch = Switch { desk: "platform", key: "payouts", variable: "BURSAR_PAYOUTS_HALTED" };
const SEED: [u8; 32] = [7; 32];
const STATS_KEY: &str = "stats-key";
pub const MINUTE_MS: i64 = 60_000;
/// 1 BAN in raw.
pub const BAN: u128 = 100_000_000_000_000_000_000_000_000_000;

pub struct Scene {
    pub test: TestStore,
    pub node: LocalNode,
    pub stats: StandIn<Stats>,
    pub faucet: Arc<Faucet>,
    pub jobs: Vec<Job>,
    pub registry: Arc<Registry>,
    pub payouts: Payouts,
    pub operator: KeyId,
    root: Actor,
    config: FaucetConfig,
    starts: u64,
    /// How many restores the data has been through.
    pub generation: Arc<AtomicI64>,
    /// Where signed payouts are written down, from the next start on.
    pub journal: Option<PathBuf>,
}

pub fn on_each_engine(mut test: impl FnMut(&mut Scene)) {
    on_each_engine_with(|_| {}, &mut test);
}

/// With a configuration that differs from the usual one: live, 0.05 BAN a kill without factors, caps 150 and 750, no floor.
pub fn on_each_engine_with(configure: impl Fn(&mut FaucetConfig), mut test: impl FnMut(&mut Scene)) {
    for kind in [EngineKind::Sqlite, EngineKind::Postgres] {
        println!("on {kind:?}");
        test(&mut Scene::on(kind, &configure));
    }
}

pub fn ban(text: &str) -> BanE8 {
    text.parse().unwrap()
}

pub fn migrations(kind: EngineKind) -> Vec<Migration> {
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

pub fn recorder(name: &str) -> Recorder {
    Recorder::new(name, SaltKey::new([5; 32]))
}

/// Account `index` of a seed that pays nobody: somebody to be paid.
pub fn payee_key(index: u32) -> PublicKey {
    Seed::from_bytes([9; 32]).secret_key(index).public_key()
}

pub fn address(index: u32) -> String {
    payee_key(index).address()
}

pub fn policy() -> Policy {
    Policy {
        dry_run: false,
        base_rate: ban("0.05"),
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

/// Who funds accounts on the node that stands in: here that is the operator.
fn genesis() -> String {
    let mut bytes = *b"bursar devnet banano genesis....";
    bytes[24..].copy_from_slice(&1_u64.to_be_bytes());
    Seed::from_bytes(bytes).secret_key(0).public_key().address()
}

fn keystore() -> Keystore {
    let kek = Kek::from_hexadecimal(&SecretString::from("1".repeat(64))).unwrap();
    let schemes: [Arc<dyn KeyScheme>; 1] = [Arc::new(BananoSeed)];
    let stops = SigningStops::new(Switchboard::new([], None)).guard_every_desk(ConfigTable::PLATFORM, &[ALL]);
    let stops = stops.guard("faucet", ConfigTable::FAUCET, &SWITCHES[..1]);
    let entropy: Arc<dyn Entropy> = Arc::new(SeededEntropy::new(1));
    Keystore::new(KeyRing::new(kek, []), Schemes::new(schemes), stops, entropy)
}

fn chain_of(node: &LocalNode) -> Arc<dyn Chain> {
    Arc::new(banano_of(node))
}

pub fn banano_of(node: &LocalNode) -> Banano {
    let set = NodeSet::new(vec![NodeClient::new(node.clone())], 1, Asking::InTurn).unwrap();
    let thresholds = NodeSettings::easy(1).thresholds;
    Banano::new(set, Arc::new(InThread), Settings { thresholds, ..Settings::default() })
}

fn upstreams(stats: &StandIn<Stats>) -> LiveUpstreams {
    let secret = || SecretString::from("unused");
    let timeout = Duration::from_secs(5);
    LiveUpstreams {
        discord: DiscordConfig::new(DiscordApp::new("1", "http://127.0.0.1/back"), secret(), "1"),
        yunite: YuniteConfig {
            base_url: YuniteConfig::BASE_URL.to_owned(),
            guild_id: "1".to_owned(),
            api_key: secret(),
            timeout,
        },
        stats: StatsConfig { base_url: stats.base_url(), api_key: SecretString::from(STATS_KEY), timeout },
        throttle: ThrottleSettings { per_minute: 100_000, floor: 100_000, ceiling: 100_000, concurrent: 4 },
        tokens: SolanaTokensConfig::new(
            SecretString::from("http://127.0.0.1:1"),
            "7ErxzRN1hpyMZC8gps7ANZFTGgeDG7cFmVZcMfE6oGrd",
        ),
    }
}

fn payouts_over(
    store: Arc<Store>,
    node: &LocalNode,
    generation: &Arc<AtomicI64>,
    journal: Option<&Path>,
) -> Payouts {
    let generation = Arc::clone(generation);
    let opened = |path| Arc::new(Journal::open(path, &SeededEntropy::new(3)).unwrap());
    Payouts::new(PayoutsParts {
        store,
        keystore: Arc::new(keystore()),
        switchboard: Switchboard::new([], None),
        recorders: Arc::new(recorder),
        entropy: Arc::new(SeededEntropy::new(2)),
        chains: vec![ChainRules { chain: chain_of(node), stops: Vec::new() }],
        stops: vec![(ConfigTable::PLATFORM, ALL)],
        generation: Arc::new(move |_| Ok(generation.load(Ordering::SeqCst))),
        journal: journal.map(opened),
        metrics: None,
        faults: None,
        settings: SendSettings::default(),
    })
}

impl Scene {
    pub fn on(kind: EngineKind, configure: &impl Fn(&mut FaucetConfig)) -> Scene {
        let test = TestStore::with(kind, &migrations(kind), |_| {});
        let now = test.now();
        let off = |tx: &mut Tx<'_>, table, key| {
            settings::seed(tx, table, &[(key, "off".to_owned(), "", false)], now)
        };
        let seeded = test.store().transact("test.seed", |tx| {
            off(tx, ConfigTable::PLATFORM, ALL.key)?;
            SWITCHES.iter().try_for_each(|switch| off(tx, ConfigTable::FAUCET, switch.key))
        });
        seeded.unwrap();
        let node = LocalNode::new("node", Node::new(NodeSettings::easy(1)), 10_000);
        let stats = StandIn::start(Stats::new(STATS_KEY)).unwrap();
        let generation = Arc::default();
        let payouts = payouts_over(test.store(), &node, &generation, None);
        let operator = KeyId::parse(OPERATOR).unwrap();
        let mut config = FaucetConfig {
            is_production: false,
            policy: policy(),
            sim_kills: 0,
            upstreams: Some(upstreams(&stats)),
            donation_exclude_addresses: vec![genesis()],
            retention: Retention::DEFAULT,
            start_jitter_s: 0,
            headers: HeaderPolicy::new(),
            cors: CorsPolicy::Closed,
        };
        configure(&mut config);
        let registry = Arc::new(Registry::new());
        let opened = open(&test, &node, &payouts, &operator, &config, &registry, 0);
        let (faucet, OpenDesk { jobs, .. }) = opened;
        let root = Actor::cli("root");
        let scene = Scene {
            test,
            node,
            stats,
            faucet,
            jobs,
            registry,
            payouts,
            operator,
            root,
            config,
            starts: 0,
            generation,
            journal: None,
        };
        scene.add_key();
        scene
    }

    /// Starts the server again on the same store, configured anew.
    pub fn restart(&mut self, configure: impl Fn(&mut FaucetConfig)) {
        configure(&mut self.config);
        self.starts += 1;
        self.payouts = payouts_over(self.test.store(), &self.node, &self.generation, self.journal.as_deref());
        self.registry = Arc::new(Registry::new());
        let Scene { test, node, payouts, operator, config, registry, starts, .. } = self;
        let (faucet, OpenDesk { jobs, .. }) = open(test, node, payouts, operator, config, registry, *starts);
        (self.faucet, self.jobs) = (faucet, jobs);
    }

    /// Starts the server again with a journal of payouts in the folder.
    pub fn keep_journal(&mut self, folder: &tempfile::TempDir) {
        self.journal = Some(folder.path().join("payouts.journal"));
        self.restart(|_| {});
    }

    fn add_key(&self) {
        let [desk, chain, purpose, scheme] = ["faucet", "banano", "payouts", SCHEME].map(str::to_owned);
        let secret = KeySecret::from_hexadecimal(&SecretString::from("07".repeat(32))).unwrap();
        let new = NewKey {
            id: self.operator.clone(),
            desk,
            chain,
            purpose,
            scheme,
            origin: Origin::Import(secret),
        };
        let keystore = keystore();
        let policy = KeyPolicy {
            asset: Asset::Banano,
            payment_max: Amount::new(1_000_000 * BAN),
            is_listed_only: false,
            first_use_hold_ms: 0,
            approval: None,
            caps: Vec::new(),
        };
        self.write(|tx, now| {
            let by = By::new(&self.root, now);
            keystore.add(tx, &by, &new)?.unwrap();
            keystore.set_policy(tx, &by, &new.id, &policy)?.unwrap();
            self.payouts.open_wallets(tx, &recorder("test"), now)
        });
    }

    pub fn store(&self) -> Arc<Store> {
        self.test.store()
    }

    pub fn write<T>(&self, mut work: impl FnMut(&mut Tx<'_>, Timestamp) -> Result<T, StoreError>) -> T {
        let now = self.test.now();
        self.store().transact("test.write", |tx| work(tx, now)).unwrap()
    }

    pub fn read<T>(&self, work: impl FnOnce(&mut Tx<'_>) -> Result<T, StoreError>) -> T {
        self.store().read("test.read", work).unwrap()
    }

    pub fn count(&self, sql: &'static str) -> i64 {
        self.read(|tx| tx.query_first(sql, &[], |row| row.get(0))).unwrap()
    }

    pub fn set_switch(&self, switch: Switch, stop: bool) {
        let (table, actor, reason) = (ConfigTable::FAUCET, "alice", "drill");
        let change = SwitchChange { table, switch, stop, actor, reason, expires_at: None };
        self.write(|tx, now| Switchboard::set(tx, &[change], now));
    }

    pub fn accrue(&self) -> Run {
        self.faucet.accrue(&|| false).unwrap()
    }

    pub fn settle(&self) -> Cycle {
        self.faucet.settle(&|| false).unwrap()
    }

    /// Lets time pass, on the node too.
    pub fn pass(&self, ms: i64) {
        self.pass_until(self.test.now().after_ms(ms));
    }

    pub fn pass_until(&self, until: Timestamp) {
        if until > self.test.now() {
            self.test.set_time(until);
        }
        self.node.set_now(u64::try_from(self.test.now().ms() - START_MS).unwrap());
    }

    pub fn wallet_key(&self) -> PublicKey {
        Seed::from_bytes(SEED).secret_key(0).public_key()
    }

    pub fn command(&self, command: Command) {
        self.node.command(command).unwrap();
    }

    /// A lease for a run of this job.
    pub fn lease_of(&self, job: &str) -> Lease {
        self.write(|tx, now| Lease::take(tx, &format!("test:{job}"), "test", now, 1_000)).unwrap()
    }

    /// Somebody sends money to the operator's wallet; it waits to be accepted.
    pub fn fund(&self, raw: u128) {
        let account = self.wallet_key().address();
        self.command(Command::Fund { account, raw: raw.to_string() });
    }

    /// The wallet's account accepts this much without the server, as it did before its seed was imported.
    pub fn hold(&self, raw: u128) {
        self.fund(raw);
        let key = self.wallet_key();
        let (source, item) = self.node.with(|node| node.ledger().waiting(&key).next().unwrap());
        let opened = StateBlock::open(key, source, item.amount, key);
        let signed = opened.signed(&Seed::from_bytes(SEED).secret_key(0), bursar_banano::work::Work(0));
        self.command(Command::Gossip(Box::new(signed)));
        self.command(Command::ConfirmAll);
    }

    /// The operator's sender, and the lease it takes its turns under.
    pub fn sender(&self) -> (Sender, Lease) {
        let wallet = self.read(|tx| self.payouts.wallet(tx, &self.operator)).unwrap();
        let lease = self.write(|tx, now| Lease::take(tx, "payouts.test", "one", now, 1_000)).unwrap();
        (self.payouts.sender(&wallet).unwrap(), lease)
    }

    /// Funds the wallet and lets it accept the money.
    pub fn funded(&self, raw: u128) {
        self.fund(raw);
        self.send();
    }

    /// Takes the sender's turns, and lets the time pass that they wait for, until nothing is left to do soon.
    pub fn send(&self) {
        self.send_for(60);
    }

    pub fn send_for(&self, turns: u32) {
        let (sender, lease) = self.sender();
        for _ in 0..turns {
            match sender.turn(&lease).unwrap() {
                Turn::Worked => {}
                Turn::Idle { until: None } => return,
                Turn::Idle { until: Some(until) } | Turn::Waiting { until, .. } => self.pass_until(until),
            }
        }
    }

    /// What each payee was sent, by the chain's own history.
    pub fn paid(&self, to: u32) -> u128 {
        self.node
            .with(|node| node.ledger().waiting(&payee_key(to)).map(|(_, item)| item.amount.units()).sum())
    }

    /// How many sends of the wallet the chain holds.
    pub fn sends(&self) -> usize {
        let own = self.wallet_key();
        self.node.with(|node| {
            let blocks = node.ledger().blocks();
            blocks
                .iter()
                .filter(|entry| entry.block.block.account == own && entry.subtype == Subtype::Send)
                .count()
        })
    }

    /// Whoever has stolen the key sends from the wallet, final at once.
    pub fn steal(&self, raw: u128) {
        let secret = Seed::from_bytes(SEED).secret_key(0);
        let head = self.node.with(|node| node.ledger().head(&self.wallet_key())).unwrap();
        let block = head.send(payee_key(99), Amount::new(raw)).unwrap();
        let signed = block.signed(&secret, bursar_banano::work::Work(0));
        self.command(Command::Gossip(Box::new(signed)));
        self.command(Command::ConfirmAll);
    }

    /// The value of a series as a scrape shows it.
    pub fn metric(&self, series: &str) -> Option<String> {
        let text = self.registry.render(Format::Text);
        text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' ').map(str::to_owned))
    }
}

fn open(
    test: &TestStore,
    node: &LocalNode,
    payouts: &Payouts,
    operator: &KeyId,
    config: &FaucetConfig,
    registry: &Arc<Registry>,
    starts: u64,
) -> (Arc<Faucet>, OpenDesk) {
    let platform = Platform::start(PlatformParts {
        store: test.store(),
        switchboard: Switchboard::new([], None),
        entropy: Arc::new(SeededEntropy::new(3 + starts)),
        metrics: Arc::clone(registry),
        secrets: Secrets::default(),
    });
    let desk = FaucetDesk::new(FaucetParts {
        config: config.clone(),
        payouts: payouts.clone(),
        chain: chain_of(node),
        operator: operator.clone(),
    });
    let opened = desk.open(&platform.unwrap()).unwrap();
    (desk.faucet().unwrap(), opened)
}
