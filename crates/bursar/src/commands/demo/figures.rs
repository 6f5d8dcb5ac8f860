//! What the demo shows, read from the database: each part in one snapshot.

use bursar_control::Switchboard;
use bursar_ledger::{TrialBalance, account_by_path, accounts_by_prefix, trial_balance};
use bursar_money::{Amount, Asset};
use bursar_rounds::market::Market;
use bursar_rounds::settle::{Settlement, TREASURY_PATH};
use bursar_rounds::status::{Pauses, due_rounds, pauses};
use bursar_rounds::summary::{MarketTotal, market_totals};
use bursar_store::{Store, StoreError, Timestamp, Tx};

/// Where players' accounts are in the book.
const WALLETS: &str = "rounds/wallet/";
const PLAY_MONEY: Asset = Asset::PanchoBucks;
/// Accounts read at a time.
const PAGE: i64 = 1_000;
/// Settlements read: rounds of all markets end together, so these are the last two of each.
const NEWEST: i64 = 12;

/// How the rounds stand.
pub(super) struct Rounds {
    pub now: Timestamp,
    /// Rounds with entries that have not ended.
    pub running: i64,
    /// Rounds that have ended and wait for their settlement.
    pub due: i64,
    /// Rounds that are settled.
    pub settled: i64,
    pub entries: i64,
    pub markets: Vec<(Market, MarketTotal)>,
    /// Newest first.
    pub newest: Vec<Settlement>,
    pub pauses: Pauses,
}

/// How the money stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Money {
    /// What players have put in, in all.
    pub staked: Amount,
    /// What they were paid: winnings and stakes given back.
    pub paid: Amount,
    /// What the treasury took.
    pub fee: Amount,
    /// All accounts added up, for each asset that has any.
    pub trial: Vec<TrialBalance>,
}

impl Money {
    /// Whether each asset's accounts sum to zero.
    pub fn balances(&self) -> bool {
        self.trial.iter().all(|asset| asset.sum.is_zero())
    }
}

pub(super) fn rounds(store: &Store, switchboard: &Switchboard) -> Result<Rounds, StoreError> {
    store.read("demo.rounds", |tx| {
        let now = tx.reading()?;
        let due = due_rounds(tx, now)?;
        let markets: Vec<_> = market_totals(tx)?.into_iter().collect();
        let all: i64 = markets.iter().map(|(_, total)| total.rounds).sum();
        Ok(Rounds {
            now,
            running: due.running,
            due: due.pending,
            settled: all - due.running - due.pending,
            entries: markets.iter().map(|(_, total)| total.entries).sum(),
            markets,
            newest: Settlement::newest(tx, NEWEST)?,
            pauses: pauses(tx, switchboard, now)?,
        })
    })
}

/// Adds up the whole book; takes longer the more accounts there are.
pub(super) fn money(store: &Store) -> Result<Money, StoreError> {
    store.read("demo.money", |tx| {
        let (staked, paid) = wallets(tx)?;
        let fee =
            account_by_path(tx, TREASURY_PATH, PLAY_MONEY)?.map_or(Amount::ZERO, |treasury| treasury.credits);
        Ok(Money { staked, paid, fee, trial: trial_balance(tx)? })
    })
}

/// What the players' accounts gave, and what they got.
fn wallets(tx: &mut Tx<'_>) -> Result<(Amount, Amount), StoreError> {
    let (mut staked, mut paid) = (Amount::ZERO, Amount::ZERO);
    let mut after: Option<(String, Asset)> = None;
    loop {
        let behind = after.as_ref().map(|(path, asset)| (path.as_str(), *asset));
        let page = accounts_by_prefix(tx, WALLETS, behind, PAGE)?;
        for account in page.iter().filter(|account| account.asset == PLAY_MONEY) {
            staked = plus(staked, account.debits)?;
            paid = plus(paid, account.credits)?;
        }
        match page.last() {
            Some(last) => after = Some((last.path.clone(), last.asset)),
            None => return Ok((staked, paid)),
        }
    }
}

fn plus(one: Amount, other: Amount) -> Result<Amount, StoreError> {
    one.plus(other).map_err(|error| StoreError::Decode(error.to_string()))
}
