//! A wallet's entries and what became of them (docs/spec/rounds.md 4.3). Reading changes nothing.

use std::collections::HashMap;

use bursar_ledger::AccountId;
use bursar_money::{Amount, AmountError, Price};
use bursar_store::{Row, StoreError, Tx};
use serde::Serialize;
use serde_json::value::RawValue;

use crate::entry::Entry;
use crate::mark;
use crate::settle::{Plan, Settlement, Verdict};
use crate::timing::Round;
use crate::wallet::{Address, Wallet};

const PAGE: i64 = 256;
/// Entries whose rounds may be open; a wallet rarely has more of them.
const OPEN_PAGE: i64 = 16;

/// What the results route answers. Amounts are cents, whatever the names say.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct WalletResults {
    /// The address.
    pub wallet: String,
    /// Entries, newest first.
    pub rounds: Vec<WalletRound>,
    /// Sums over all entries, whatever page was asked for.
    pub totals: WalletTotals,
    /// `SIM`.
    pub mode: &'static str,
    /// `PANCHO_BUCKS`.
    pub unit: &'static str,
    /// Which of the entries are shown.
    pub paging: Paging,
}

/// A page of a wallet's entries.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Paging {
    /// Entries in an answer at most.
    pub limit: i64,
    /// Newer entries that were skipped.
    pub offset: i64,
    /// All entries of the wallet.
    pub total: i64,
}

/// Sums in cents.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct WalletTotals {
    /// All stakes.
    pub staked_lamports: u128,
    /// All payouts of settled rounds.
    pub paid_lamports: u128,
    /// Payouts less stakes of settled rounds.
    pub pnl_lamports: i128,
}

/// One entry.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct WalletRound {
    /// Round id.
    pub round_id: String,
    /// Start, Unix ms.
    pub round_start_ms: i64,
    /// End, Unix ms.
    pub round_end_ms: i64,
    /// When it was accepted, Unix ms.
    pub joined_at_ms: i64,
    /// `UP` or `DOWN`.
    pub direction: &'static str,
    /// The client's id.
    pub entry_signature: String,
    /// Stake, cents.
    pub stake_lamports: u128,
    /// Stake, whole bucks.
    pub stake_usd: i64,
    /// `PENDING`, `WIN`, `LOSS` or `REFUND`.
    pub status: &'static str,
    /// Payout, cents; 0 while pending.
    pub payout_lamports: u128,
    /// Always empty for play money.
    pub payout_signatures: [String; 0],
    /// Payout less stake once settled.
    pub pnl_lamports: Option<i128>,
    /// What was decided.
    pub settlement: Option<SettlementFacts>,
}

/// A settlement as its players see it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SettlementFacts {
    /// `WIN` or `REFUND`.
    pub mode: &'static str,
    /// The winning side.
    pub winner_side: Option<&'static str>,
    /// Why it was refunded.
    pub reason: Option<&'static str>,
    /// Price at the lock, 0 when none was needed.
    pub start_price: Box<RawValue>,
    /// Price at the end, 0 when none was needed.
    pub end_price: Box<RawValue>,
    /// When, Unix ms.
    pub settled_at_ms: i64,
}

impl SettlementFacts {
    /// The facts of a plan. Prices are printed exactly, as decimal numbers.
    pub fn of(plan: &Plan) -> Result<SettlementFacts, StoreError> {
        let prices = plan.evidence.as_ref().map(|(start, end)| (start.price(), end.price()));
        let (start, end) = prices.unwrap_or((Price::ZERO, Price::ZERO));
        let number = |price: Price| {
            RawValue::from_string(price.to_string()).map_err(|error| StoreError::Decode(error.to_string()))
        };
        let (mode, reason) = match plan.verdict {
            Verdict::Win { .. } => ("WIN", None),
            Verdict::Refund(reason) => ("REFUND", Some(reason.word())),
        };
        Ok(SettlementFacts {
            mode,
            winner_side: plan.winner().map(crate::stake::Side::word),
            reason,
            start_price: number(start)?,
            end_price: number(end)?,
            settled_at_ms: plan.settled_at.ms(),
        })
    }
}

/// Up to `limit` entries of a wallet after skipping `offset`, newest first, with sums over all of them.
pub fn for_wallet(
    tx: &mut Tx<'_>,
    wallet: Address,
    limit: i64,
    offset: i64,
) -> Result<WalletResults, StoreError> {
    let mut results = WalletResults {
        wallet: wallet.to_text(),
        rounds: Vec::new(),
        totals: WalletTotals::default(),
        mode: "SIM",
        unit: "PANCHO_BUCKS",
        paging: Paging { limit, offset, total: 0 },
    };
    let Some(wallet) = Wallet::find(tx, wallet)? else { return Ok(results) };
    results.totals = totals(tx, &wallet)?;
    results.paging.total = wallet.entries;
    let Some((from, mut skip)) = start(tx, &wallet, offset.max(0))? else { return Ok(results) };
    let mut next = Some(from);
    while let Some(from) = next {
        let wanted = limit - i64::try_from(results.rounds.len()).unwrap_or(limit);
        if wanted <= 0 {
            break;
        }
        let page = Entry::walk(tx, from, PAGE.min(wanted.saturating_add(skip)))?;
        next = page.last().and_then(|entry| entry.wallet_previous);
        let skipped = usize::try_from(skip).unwrap_or(usize::MAX).min(page.len());
        skip -= i64::try_from(skipped).unwrap_or(skip);
        let shown = page.get(skipped..).unwrap_or_default();
        let settlements = settlements_of(tx, shown.iter())?;
        for entry in shown {
            results.rounds.push(wallet_round(entry, settlements.get(&entry.round))?);
        }
    }
    Ok(results)
}

/// Where to walk from, and how many entries to skip there, so that `offset` entries are passed over; `None` beyond the
/// oldest.
fn start(tx: &mut Tx<'_>, wallet: &Wallet, offset: i64) -> Result<Option<(i64, i64)>, StoreError> {
    let number = wallet.entries.saturating_sub(offset);
    if number <= 0 {
        return Ok(None);
    }
    let mark = if offset > PAGE { mark::at_or_after(tx, wallet.account, number)? } else { None };
    Ok(Some(mark.map_or((wallet.last_entry, offset), |mark| (mark.sequence, mark.number - number))))
}

fn settlements_of<'e>(
    tx: &mut Tx<'_>,
    entries: impl Iterator<Item = &'e Entry>,
) -> Result<HashMap<Round, Settlement>, StoreError> {
    let mut rounds: Vec<Round> = entries.map(|entry| entry.round).collect();
    rounds.sort_unstable();
    rounds.dedup();
    let settlements = Settlement::load(tx, &rounds)?;
    Ok(settlements.into_iter().map(|settlement| (settlement.plan.round, settlement)).collect())
}

fn wallet_round(entry: &Entry, settlement: Option<&Settlement>) -> Result<WalletRound, StoreError> {
    let stake = entry.stake.cents();
    let payout = match settlement {
        Some(settlement) => payout(settlement, entry)?,
        None => Amount::ZERO,
    };
    let status = match settlement.map(|settlement| settlement.plan.verdict) {
        None => "PENDING",
        Some(Verdict::Refund(_)) => "REFUND",
        Some(Verdict::Win { winner, .. }) if winner == entry.side => "WIN",
        Some(Verdict::Win { .. }) => "LOSS",
    };
    Ok(WalletRound {
        round_id: entry.round.id(),
        round_start_ms: entry.round.start_ms(),
        round_end_ms: entry.round.end_ms(),
        joined_at_ms: entry.joined_at.ms(),
        direction: entry.side.word(),
        entry_signature: entry.id.clone(),
        stake_lamports: stake.units(),
        stake_usd: entry.stake.bucks(),
        status,
        payout_lamports: payout.units(),
        payout_signatures: [],
        pnl_lamports: settlement.map(|_| difference(payout, stake)).transpose()?,
        settlement: settlement.map(|settlement| SettlementFacts::of(&settlement.plan)).transpose()?,
    })
}

/// Sums from the wallet's ledger account, corrected by the few entries whose rounds are not completely posted.
fn totals(tx: &mut Tx<'_>, wallet: &Wallet) -> Result<WalletTotals, StoreError> {
    let (staked, mut paid) = account_totals(tx, wallet.account)?;
    let mut settled_stakes = staked;
    let oldest_open =
        tx.query_first("SELECT COALESCE(MIN(round_key), -1) FROM rounds_pool WHERE state < 2", &[], |row| {
            row.get::<i64>(0)
        })?;
    // Entries descend by start and not by key: within one start a wallet may go from market to market.
    let oldest_open = oldest_open.and_then(Round::from_key).map(Round::start_ms);
    let mut next = oldest_open.map(|_| wallet.last_entry);
    while let (Some(from), Some(oldest)) = (next, oldest_open) {
        let page = Entry::walk(tx, from, OPEN_PAGE)?;
        let may_be_open = |entry: &&Entry| entry.round.start_ms() >= oldest;
        next = page.last().filter(may_be_open).and_then(|entry| entry.wallet_previous);
        let settlements = settlements_of(tx, page.iter().filter(may_be_open))?;
        for entry in page.iter().filter(may_be_open) {
            match settlements.get(&entry.round) {
                None => settled_stakes = settled_stakes.minus(entry.stake.cents()).map_err(broken)?,
                Some(settlement) if !settlement.is_posted(entry.side, entry.sequence) => {
                    paid = paid.plus(payout(settlement, entry)?).map_err(broken)?;
                }
                Some(_) => {}
            }
        }
    }
    Ok(WalletTotals {
        staked_lamports: staked.units(),
        paid_lamports: paid.units(),
        pnl_lamports: difference(paid, settled_stakes)?,
    })
}

fn payout(settlement: &Settlement, entry: &Entry) -> Result<Amount, StoreError> {
    settlement.plan.payout(entry.side, entry.stake, entry.sequence).map_err(broken)
}

/// Debits are all stakes of a wallet, credits all it was paid.
fn account_totals(tx: &mut Tx<'_>, account: AccountId) -> Result<(Amount, Amount), StoreError> {
    let sql = "SELECT debits, credits FROM ledger_account WHERE id = $1";
    let read = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?));
    let totals = tx.query_first(sql, &[account.0.into()], read)?;
    totals.ok_or_else(|| StoreError::Decode("a wallet without its ledger account".into()))
}

fn difference(a: Amount, b: Amount) -> Result<i128, StoreError> {
    let wide = |amount: Amount| i128::try_from(amount.units()).map_err(|_| broken(AmountError::Overflow));
    Ok(wide(a)? - wide(b)?)
}

fn broken(error: AmountError) -> StoreError {
    StoreError::Decode(format!("a wallet's sums: {error}"))
}
