//! `bursar replay rounds`: plays a recorded price series through the whole desk and proves that no cent was lost.

use std::fs::File;
use std::io::BufReader;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use bursar_audit::{Recorder, SaltKey};
use bursar_control::{ConfigTable, Switchboard, settings};
use bursar_devnet::prices::source::Gap;
use bursar_devnet::prices::{PriceFeed, Recorded};
use bursar_ledger::trial_balance;
use bursar_money::{Amount, AmountError, Balance};
use bursar_rounds::canary::Mark;
use bursar_rounds::join::{ClaimedWallet, JoinCommand, JoinRequest, JoinWork};
use bursar_rounds::market::Market;
use bursar_rounds::oracle::{HermesClient, HermesConfig};
use bursar_rounds::settle::{Settler, SettlerParts, TreasuryGuard};
use bursar_rounds::stake::{Side, TIERS_BUCKS};
use bursar_rounds::timing::{CYCLE_MS, LENGTH_MS, Round};
use bursar_rounds::wallet::Address;
use bursar_store::lane::run_batch;
use bursar_store::{Clock, DatabaseUrl, OpenMode, Store, StoreOptions, Timestamp};
use serde_json::{Value, json};

use crate::schema;

/// What to play.
#[derive(Clone, Debug, clap::Args)]
pub struct ReplayOptions {
    /// Prices as CSV: `unix_seconds,price`.
    #[arg(long)]
    pub prices: PathBuf,
    /// The market that they are the prices of.
    #[arg(long, default_value = "BTC")]
    pub market: String,
    /// Simulated players; about half of them join each round.
    #[arg(long, default_value_t = 50)]
    pub players: u32,
    /// Repeats the same game with the same number.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// The database to play in; it must be empty of rounds. Without one a file is made and removed at the end.
    #[arg(long)]
    pub database: Option<DatabaseUrl>,
}

/// Why a replay ended early.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// The file or folder cannot be used.
    #[error("cannot use {path}: {error}")]
    File {
        /// Which.
        path: String,
        /// Why.
        error: String,
    },
    /// No such market.
    #[error("unknown market {0:?}; use SOL, BTC, ETH, XRP, PEPE or BONK")]
    Market(String),
    /// The series is shorter than one round.
    #[error("the price series is shorter than one round of six minutes")]
    TooShort,
    /// The local price feed could not be started or asked.
    #[error("the local price feed failed: {0}")]
    Feed(String),
    /// A join was refused that must not be.
    #[error("a join was refused: {0}")]
    Join(String),
    /// Settling failed.
    #[error(transparent)]
    Settle(#[from] bursar_rounds::settle::SettleError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] bursar_store::StoreError),
    /// A sum does not fit.
    #[error(transparent)]
    Amount(#[from] AmountError),
}

struct Table {
    store: Arc<Store>,
    clock: Arc<AtomicI64>,
    work: JoinWork,
    settler: Settler,
    market: Market,
    _feed: PriceFeed,
    _folder: Option<tempfile::TempDir>,
}

/// Plays the series and returns the summary; its `conserved` is true when every total agrees to the cent.
pub fn run(options: &ReplayOptions) -> Result<Value, ReplayError> {
    let market =
        Market::from_key(&options.market).ok_or_else(|| ReplayError::Market(options.market.clone()))?;
    let (feed, (first_s, last_s)) = feed(options, market)?;
    let first = Round::current(market, Timestamp::from_ms(first_s * 1_000 + CYCLE_MS - 1));
    let last_ms = last_s * 1_000;
    if first.end_ms() > last_ms {
        return Err(ReplayError::TooShort);
    }
    let mut table = set_up(options, market, feed, first.start_ms())?;
    let mut start_ms = first.start_ms();
    while start_ms <= last_ms {
        table.clock.store(start_ms, Ordering::SeqCst);
        table.settler.run_due(None)?;
        if start_ms + LENGTH_MS <= last_ms {
            table.play(options, start_ms)?;
        }
        start_ms += CYCLE_MS;
    }
    table.clock.store(last_ms, Ordering::SeqCst);
    table.settler.run_due(None)?;
    table.summary(options, first.start_ms(), last_ms)
}

fn feed(options: &ReplayOptions, market: Market) -> Result<(PriceFeed, (i64, i64)), ReplayError> {
    let named = |error: &dyn std::fmt::Display| ReplayError::File {
        path: options.prices.display().to_string(),
        error: error.to_string(),
    };
    let file = File::open(&options.prices).map_err(|error| named(&error))?;
    let recorded = Recorded::new(Gap::Within(10)).with_feed(market.feed_id(), BufReader::new(file));
    let recorded = recorded.map_err(|error| named(&error))?;
    let span = recorded.span(market.feed_id()).ok_or(ReplayError::TooShort)?;
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    let feed = PriceFeed::start(recorded, any).map_err(|error| ReplayError::Feed(error.to_string()))?;
    Ok((feed, span))
}

fn set_up(
    options: &ReplayOptions,
    market: Market,
    feed: PriceFeed,
    start_ms: i64,
) -> Result<Table, ReplayError> {
    let (url, folder) = match &options.database {
        Some(url) => (url.clone(), None),
        None => {
            let folder = tempfile::tempdir().map_err(|error| ReplayError::File {
                path: "a temporary folder".into(),
                error: error.to_string(),
            })?;
            (DatabaseUrl::Sqlite(folder.path().join("replay.db")), Some(folder))
        }
    };
    let clock = Arc::new(AtomicI64::new(start_ms));
    let simulated = Clock::Simulated(Arc::clone(&clock));
    let store = Store::open(&url, StoreOptions { clock: simulated, ..StoreOptions::new(OpenMode::Server) })?;
    let store = Arc::new(store);
    store.migrate(&schema::migrations(store.kind()))?;
    let rows = settings_rows();
    store.transact("replay.settings", |tx| {
        settings::seed(tx, ConfigTable::ROUNDS, &rows, Timestamp::from_ms(start_ms))
    })?;
    let client = HermesClient::new(HermesConfig::new(feed.base_url()));
    let client = client.map_err(|error| ReplayError::Feed(error.to_string()))?;
    let switchboard = Switchboard::new([], None);
    let recorder = |chain: &str| Recorder::new(format!("replay/{chain}"), SaltKey::new([0; 32]));
    let settler = Settler::new(SettlerParts {
        store: Arc::clone(&store),
        switchboard: switchboard.clone(),
        recorder: recorder("settle"),
        prices: Arc::new(client),
        treasury: TreasuryGuard::Off,
    });
    let work = JoinWork::new(switchboard, recorder("join"));
    Ok(Table { store, clock, work, settler, market, _feed: feed, _folder: folder })
}

/// The desk's rows with the limits out of the way: all players share one address here.
fn settings_rows() -> Vec<(&'static str, String, &'static str, bool)> {
    let raised = |setting: bursar_control::settings::Setting| {
        let value = if setting.key.ends_with("_limit") { setting.max } else { setting.default };
        (setting.key, value.to_string(), setting.description, true)
    };
    let switches =
        bursar_rounds::settings::SWITCHES.iter().map(|switch| (switch.key, "off".to_owned(), "", false));
    bursar_rounds::settings::all().into_iter().map(raised).chain(switches).collect()
}

impl Table {
    /// About half of the players join the round that opens at `start_ms`.
    fn play(&mut self, options: &ReplayOptions, start_ms: i64) -> Result<(), ReplayError> {
        let round = Round::current(self.market, Timestamp::from_ms(start_ms));
        let commands: Vec<JoinCommand> =
            (0..options.players).filter_map(|player| join(options.seed, round, player)).collect();
        for reply in run_batch(&self.store, &mut self.work, &commands) {
            let joined = reply.map_err(|fault| ReplayError::Join(fault.to_string()))?;
            joined.map_err(|rejection| ReplayError::Join(rejection.to_string()))?;
        }
        Ok(())
    }

    fn summary(&self, options: &ReplayOptions, first_ms: i64, last_ms: i64) -> Result<Value, ReplayError> {
        let totals = self.store.read("replay.totals", |tx| {
            let sql = "SELECT mode, winner, reason, total_cents, fee_cents, completed_at IS NULL FROM rounds_settlement";
            let settlements = tx.query(sql, &[], |row| {
                Ok(Settled {
                    winner: row.get::<Option<i64>>(1)?.map(Side::from_code).transpose()?,
                    reason: row.get(2)?,
                    total: row.get(3)?,
                    fee: row.get(4)?,
                    is_open: row.get(5)?,
                })
            })?;
            let sql = "SELECT debits, credits, path FROM ledger_account ORDER BY path";
            let accounts = tx.query(sql, &[], |row| {
                Ok((row.get::<Amount>(0)?, row.get::<Amount>(1)?, row.get::<String>(2)?))
            })?;
            let summary = bursar_rounds::summary::summary(tx, 1, Timestamp::from_ms(last_ms))?;
            Ok((settlements, accounts, trial_balance(tx)?, summary))
        })?;
        let (settlements, accounts, trial, summary) = totals;
        let of =
            |prefix: &str| accounts.iter().filter(|(.., path)| path.starts_with(prefix)).collect::<Vec<_>>();
        let staked = Amount::sum(of("rounds/wallet/").iter().map(|account| account.0))?;
        let paid = Amount::sum(of("rounds/wallet/").iter().map(|account| account.1))?;
        let fees = Amount::sum(of("rounds/treasury").iter().map(|account| account.1))?;
        let planned_fees = Amount::sum(settlements.iter().map(|settled| settled.fee))?;
        let pooled = Amount::sum(settlements.iter().map(|settled| settled.total))?;
        let pools_empty = of("rounds/pool/").iter().all(|account| account.0 == account.1);
        let sum_zero = trial.iter().all(|asset| asset.sum == Balance::ZERO);
        let open = settlements.iter().filter(|settled| settled.is_open).count();
        let conserved = sum_zero
            && pools_empty
            && open == 0
            && paid.plus(fees)? == staked
            && pooled == staked
            && planned_fees == fees;
        let won = |side: Side| settlements.iter().filter(|settled| settled.winner == Some(side)).count();
        let refunds =
            |why: &str| settlements.iter().filter(|settled| settled.reason.as_deref() == Some(why)).count();
        Ok(json!({
            "ok": conserved, "market": self.market.key(), "players": options.players, "seed": options.seed,
            "from": first_ms / 1_000, "to": last_ms / 1_000,
            "entries": summary.totals.entries, "rounds": settlements.len(),
            "roundsUp": won(Side::Up), "roundsDown": won(Side::Down),
            "refunds": {"oneSided": refunds("one_sided"), "tie": refunds("tie"),
                        "oracleUnavailable": refunds("oracle_unavailable")},
            "stakedCents": staked.to_string(), "paidCents": paid.to_string(), "feeCents": fees.to_string(),
            "poolsEmpty": pools_empty, "ledgerSumZero": sum_zero, "unsettledRounds": summary.totals.pending_due_rounds,
            "conserved": conserved,
        }))
    }
}

struct Settled {
    winner: Option<Side>,
    reason: Option<String>,
    total: Amount,
    fee: Amount,
    is_open: bool,
}

/// What `player` does in `round`: always the same for one seed.
fn join(seed: u64, round: Round, player: u32) -> Option<JoinCommand> {
    let wallet = *blake3::hash(format!("wallet {seed} {player}").as_bytes()).as_bytes();
    let choice = blake3::hash(format!("choice {seed} {} {player}", round.id()).as_bytes());
    let [joins, side, tier, ..] = choice.as_bytes();
    if joins % 2 == 0 {
        return None;
    }
    Some(JoinCommand {
        client: "127.0.0.1".into(),
        mark: Mark::None,
        body: Ok(JoinRequest {
            id: format!("replay-{seed}-{}-{player}", round.id()),
            round_id: round.id(),
            market: round.market().key().into(),
            feed_id: round.market().feed_id().into(),
            round_start_ms: round.start_ms(),
            round_end_ms: round.end_ms(),
            wallet: ClaimedWallet::new(Address::from_bytes(wallet).to_text()),
            direction: if side % 2 == 0 { "UP" } else { "DOWN" }.into(),
            stake_bucks: TIERS_BUCKS.get(usize::from(tier % 6)).copied(),
        }),
        request_id: "replay".into(),
        correlation_id: None,
    })
}
