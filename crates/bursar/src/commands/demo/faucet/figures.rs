//! How the faucet stands, in the database and on the chain.

use bursar_control::{ConfigTable, Switchboard};
use bursar_faucet::record::Totals;
use bursar_faucet::record::listing::newest_payouts;
use bursar_faucet::rules::ban::BanE8;
use bursar_faucet::rules::payout_state::PayoutState;
use bursar_faucet::switches::SWITCHES;
use bursar_money::Amount;
use bursar_store::{Store, StoreError};

use super::outside::Outside;

/// Payouts that are looked through for the newest that is confirmed.
const NEWEST: i64 = 50;

/// The faucet at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::commands::demo) struct FaucetFigures {
    pub players: u64,
    pub kills: u64,
    pub open: BanE8,
    pub on_the_way: BanE8,
    pub paid: BanE8,
    /// Block and amount of the newest payout that is final.
    pub last: Option<(String, BanE8)>,
    /// Payouts on the chain.
    pub sends: usize,
    /// What the operator's account holds, in raw.
    pub holds: Amount,
    /// Switches that are on.
    pub stops: Vec<&'static str>,
    /// Whether what the chain says was sent is what the book says was paid, what is on its way aside.
    pub agrees: bool,
}

/// Reads the database, then the chain, then the database again: what was paid at first is on the chain, and nothing is
/// there that was not paid or on its way at last.
pub(in crate::commands::demo) fn figures(
    store: &Store,
    switchboard: &Switchboard,
    outside: &Outside,
) -> Result<FaucetFigures, StoreError> {
    let before = store.read("demo.faucet_before", |tx| Totals::peek(tx, false))?;
    let account = outside.operator().ok_or_else(|| StoreError::Decode("the operator's seed".to_owned()))?;
    let ((sends, sent), holds) = (outside.chain.sent(&account), outside.chain.balance(&account));
    let (after, newest, stops) = store.read("demo.faucet", |tx| {
        let now = tx.reading()?;
        let states = switchboard.peek(tx, ConfigTable::FAUCET, &SWITCHES, now)?;
        let on = SWITCHES.iter().zip(states).filter(|(_, state)| state.is_stopped());
        let stops: Vec<&'static str> = on.map(|(switch, _)| switch.key).collect();
        Ok((Totals::peek(tx, false)?, newest_payouts(tx, false, NEWEST)?, stops))
    })?;
    let most = raw(after.paid)?.plus(raw(after.reserved)?);
    let most = most.map_err(|error| StoreError::Decode(error.to_string()))?;
    let confirmed = newest.into_iter().find(|row| row.state == PayoutState::Confirmed);
    Ok(FaucetFigures {
        players: after.users,
        kills: after.accrued_kills,
        open: after.open,
        on_the_way: after.reserved,
        paid: after.paid,
        last: confirmed.and_then(|row| Some((row.tx_hash?, row.amount))),
        sends,
        holds,
        stops,
        agrees: raw(before.paid)? <= sent && sent <= most,
    })
}

fn raw(amount: BanE8) -> Result<Amount, StoreError> {
    amount.to_raw().map_err(|error| StoreError::Decode(error.to_string()))
}
