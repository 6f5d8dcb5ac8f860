//! One cycle of the faucet: everybody's kills read and accrued, then settled, up to the last intent committed. Statistics
//! answer at once, so that what is measured is ours.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use bursar_access::{Actor, By, Entropy, SeededEntropy};
use bursar_audit::{Recorder, SaltKey};
use bursar_banano::rpc::NodeClient;
use bursar_banano::work::InThread;
use bursar_banano::{Asking, Banano, NodeSet, Seed, Settings};
use bursar_control::{ConfigTable, Switch, Switchboard, settings};
use bursar_devnet_banano::{LocalNode, Node, NodeSettings};
use bursar_faucet::accrual::{AccrualParts, AccrualRun};
use bursar_faucet::money::Accounts;
use bursar_faucet::operator_key::{BananoSeed, OPERATOR, SCHEME};
use bursar_faucet::policy::Policy;
use bursar_faucet::record::{Tally, USERS, User, WALLET_LINKS, WalletLink};
use bursar_faucet::rules::abuse::AbuseAction;
use bursar_faucet::rules::ban::BanE8;
use bursar_faucet::rules::baseline::{Baseline, KillCursor};
use bursar_faucet::rules::cap_window::CapWindow;
use bursar_faucet::rules::caps::{CapMode, NamedCaps};
use bursar_faucet::rules::eligibility::Eligibility;
use bursar_faucet::settlement::{Settlement, SettlementParts};
use bursar_faucet::switches::{PAYOUTS_HALTED, SWITCHES};
use bursar_faucet::upstream::{DryRunKills, Upstreams};
use bursar_keys::{
    Kek, KeyId, KeyRing, KeyScheme, KeySecret, Keystore, NewKey, Origin, Policy as KeyPolicy, Schemes,
    SigningStops,
};
use bursar_money::{Amount, Asset};
use bursar_payouts::{ChainRules, DeskRules, Payouts, PayoutsParts, SendSettings};
use bursar_store::lease::Lease;
use bursar_store::{Clock, Store, Timestamp};
use clap::Args;
use secrecy::SecretString;

use crate::database::Database;
use crate::joins::START_MS;

const ALL: Switch = Switch { desk: "platform", key: "payouts", variable: "BURSAR_PAYOUTS_HALTED" };
const MINUTE_MS: i64 = 60_000;

/// Sizes.
#[derive(Args, Clone)]
pub struct Options {
    #[command(flatten)]
    pub database: Database,
    /// Players, each of whom killed five since the last run.
    #[arg(long, default_value_t = 1_000)]
    pub players: u32,
    /// Cycles, a day apart.
    #[arg(long, default_value_t = 7)]
    pub cycles: u32,
}

/// What a cycle needs.
struct Bench {
    store: Arc<Store>,
    accrual: AccrualRun,
    settlement: Settlement,
    lease: Lease,
}

/// Runs the benchmark.
pub fn run(options: &Options) {
    let clock = Arc::new(AtomicI64::new(START_MS));
    let opened = options.database.open(Clock::Simulated(Arc::clone(&clock)));
    let bench = prepare(&opened.store);
    add_players(&bench.store, options.players);
    let mut figures: Vec<(Duration, Duration)> = Vec::new();
    for _ in 0..options.cycles {
        clock.fetch_add(24 * 60 * MINUTE_MS, Ordering::Relaxed);
        let began = Instant::now();
        let accrued = bench.accrual.run(&bench.lease, &|| false).expect("accrual");
        let accrual = began.elapsed();
        let began = Instant::now();
        let settled = bench.settlement.run(&bench.lease, &|| false).expect("settlement");
        figures.push((accrual, began.elapsed()));
        let everybody = u64::from(options.players);
        assert_eq!((accrued.rows, settled.payouts), (everybody, everybody), "everybody earns and is paid");
    }
    figures.sort();
    let (accrual, settlement) = figures[figures.len() / 2];
    let slowest = figures.iter().map(|(accrual, settlement)| *accrual + *settlement).max().expect("a cycle");
    println!(
        "faucet cycle of {} players: {:.3} s (accrual {:.3} s, settlement to all intents committed {:.3} s), slowest of {}: {:.3} s",
        options.players,
        (accrual + settlement).as_secs_f64(),
        accrual.as_secs_f64(),
        settlement.as_secs_f64(),
        options.cycles,
        slowest.as_secs_f64()
    );
}

fn prepare(store: &Arc<Store>) -> Bench {
    let mut migrations = bursar_access::MIGRATIONS.to_vec();
    migrations.push(ConfigTable::PLATFORM.migration("platform/0000_config", store.kind()));
    migrations.extend(bursar_keys::MIGRATIONS);
    migrations.extend(bursar_payouts::MIGRATIONS);
    migrations.extend(bursar_faucet::migrations(store.kind()));
    store.migrate(&migrations).expect("migrations run");
    let operator = KeyId::parse(OPERATOR).expect("a name");
    let payouts = payouts(store);
    open_wallet(store, &payouts, &operator);
    payouts.register(DeskRules {
        desk: "faucet",
        table: ConfigTable::FAUCET,
        switches: vec![PAYOUTS_HALTED],
        margin: None,
        ear: None,
    });
    let policy = Arc::new(policy());
    let kills = Arc::new(DryRunKills { kills_per_read: 5 });
    let accrual = AccrualRun::new(AccrualParts {
        store: Arc::clone(store),
        switchboard: Switchboard::new([], None),
        live: Upstreams { kills, ..Upstreams::dry_run(0) },
        dry_run: Upstreams::dry_run(0),
        policy: Arc::clone(&policy),
    });
    let settlement = Settlement::new(SettlementParts {
        store: Arc::clone(store),
        switchboard: Switchboard::new([], None),
        payouts,
        operator,
        balance: Arc::new(|| Some(BanE8::MAX)),
        entropy: Arc::new(SeededEntropy::new(3)),
        policy,
        recorder: Arc::new(recorder("settlement")),
    });
    let lease = store.transact("bench.lease", |tx| {
        let real = tx.real_time()?;
        Lease::take(tx, "faucet.bench", "bench", real, i64::from(u32::MAX))
    });
    let lease = lease.expect("a lease").expect("nobody else has it");
    Bench { store: Arc::clone(store), accrual, settlement, lease }
}

fn open_wallet(store: &Store, payouts: &Payouts, operator: &KeyId) {
    let keystore = keystore();
    let policy = KeyPolicy {
        asset: Asset::Banano,
        payment_max: Amount::MAX,
        is_listed_only: false,
        first_use_hold_ms: 0,
        approval: None,
        caps: Vec::new(),
    };
    let [desk, chain, purpose, scheme] = ["faucet", "banano", "payouts", SCHEME].map(str::to_owned);
    let opened = store.transact("bench.wallet", |tx| {
        let now = tx.reading()?;
        let off =
            |tx: &mut _, table, key| settings::seed(tx, table, &[(key, "off".to_owned(), "", false)], now);
        off(tx, ConfigTable::PLATFORM, ALL.key)?;
        SWITCHES.iter().try_for_each(|switch| off(tx, ConfigTable::FAUCET, switch.key))?;
        let secret = KeySecret::from_hexadecimal(&SecretString::from("07".repeat(32))).expect("a seed");
        let new = NewKey {
            id: operator.clone(),
            desk: desk.clone(),
            chain: chain.clone(),
            purpose: purpose.clone(),
            scheme: scheme.clone(),
            origin: Origin::Import(secret),
        };
        let root = Actor::cli("root");
        let by = By::new(&root, now);
        keystore.add(tx, &by, &new)?.expect("a new key");
        keystore.set_policy(tx, &by, operator, &policy)?.expect("a policy");
        payouts.open_wallets(tx, &recorder("wallet"), now)?;
        Accounts::ensure(tx, now)
    });
    opened.expect("the operator's wallet");
}

fn add_players(store: &Store, players: u32) {
    let seed = Seed::from_bytes([9; 32]);
    let addresses: Vec<String> =
        (0..players).map(|index| seed.secret_key(index).public_key().address()).collect();
    let added = store.transact("bench.players", |tx| {
        let now = tx.reading()?;
        let count = i64::from(players);
        let (first, links) = (tx.allocate(USERS, count)?, tx.allocate(WALLET_LINKS, count)?);
        let users: Vec<User> = (first..first + count).map(|id| user(id, now)).collect();
        let links = addresses.iter().zip(first..).zip(links..).map(|((address, user_id), id)| WalletLink {
            id,
            user_id,
            address: address.clone(),
            is_primary: true,
            is_verified: true,
            verified_at: Some(now),
            created_at: now,
        });
        let baseline = Baseline::Set { number: 1, kills: KillCursor { baseline: 0, cursor: 0 } };
        let tallies: Vec<Tally> =
            users.iter().map(|user| Tally { baseline, ..Tally::new(user.id, false) }).collect();
        User::save(tx, &users, now)?;
        WalletLink::save(tx, &links.collect::<Vec<_>>(), now)?;
        Tally::save(tx, &tallies)
    });
    added.expect("players");
}

fn user(id: i64, now: Timestamp) -> User {
    User {
        id,
        discord_user_id: Some(format!("discord_{id}")),
        discord_username: Some(format!("user_{id}")),
        is_guild_member: true,
        epic_account_id: Some(format!("epic_{id}")),
        eligibility: Eligibility::Eligible,
        region_code: Some("EU".to_owned()),
        solana_address: None,
        token_balance: 0,
        token_verified_at: None,
        verified_at: Some(now),
        last_read_at: None,
        last_settlement_at: None,
        erased_at: None,
        created_at: now,
    }
}

fn policy() -> Policy {
    Policy {
        dry_run: false,
        base_rate: BanE8::new(5_000_000).expect("0.05 BAN"),
        file_caps: CapMode::Kills.default_caps(),
        environment_caps: NamedCaps::default(),
        cap_mode: CapMode::Kills,
        cap_window: CapWindow::Rolling,
        minimum: BanE8::ZERO,
        seed_fund: BanE8::of_ban(1_336),
        floor: BanE8::of_ban(50),
        batch_size: 0,
        promo_flags: Vec::new(),
        is_boost_on: true,
        kill_rate_per_minute: 10,
        abuse_action: AbuseAction::None,
    }
}

fn payouts(store: &Arc<Store>) -> Payouts {
    let node = LocalNode::new("node", Node::new(NodeSettings::easy(1)), 10_000);
    let nodes = NodeSet::new(vec![NodeClient::new(node)], 1, Asking::InTurn).expect("a node");
    let chain = Arc::new(Banano::new(nodes, Arc::new(InThread), Settings::default()));
    Payouts::new(PayoutsParts {
        store: Arc::clone(store),
        keystore: Arc::new(keystore()),
        switchboard: Switchboard::new([], None),
        recorders: Arc::new(recorder),
        entropy: Arc::new(SeededEntropy::new(2)),
        chains: vec![ChainRules { chain, stops: Vec::new() }],
        stops: vec![(ConfigTable::PLATFORM, ALL)],
        generation: Arc::new(|_| Ok(0)),
        journal: None,
        metrics: None,
        faults: None,
        settings: SendSettings::default(),
    })
}

fn keystore() -> Keystore {
    let kek = Kek::from_hexadecimal(&SecretString::from("1".repeat(64))).expect("a key");
    let schemes: [Arc<dyn KeyScheme>; 1] = [Arc::new(BananoSeed)];
    let stops = SigningStops::new(Switchboard::new([], None))
        .guard("faucet", ConfigTable::FAUCET, &[PAYOUTS_HALTED])
        .guard_every_desk(ConfigTable::PLATFORM, &[ALL]);
    let entropy: Arc<dyn Entropy> = Arc::new(SeededEntropy::new(1));
    Keystore::new(KeyRing::new(kek, []), Schemes::new(schemes), stops, entropy)
}

fn recorder(lane: &str) -> Recorder {
    Recorder::new(format!("bench/{lane}"), SaltKey::new([5; 32]))
}
