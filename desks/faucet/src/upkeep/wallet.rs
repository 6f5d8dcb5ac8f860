//! Odd movements of the operator's wallet (F48). One raw that nobody can explain halts payouts.

use std::thread;
use std::time::Duration;

use bursar_store::{StoreError, Tx};

use crate::faucet::Faucet;
use crate::halt::halt_payouts;
use crate::record::{Finding, Payout};
use crate::rules::ban::BanE8;
use crate::rules::wallet_watch::{WalletAnomaly, WalletView, anomalies};
use bursar_money::Amount;

const WEEK_MS: i64 = 7 * 86_400_000;
/// The wallet is compared while nothing of it is under way; this often is looked for such a moment.
const LOOKS: u32 = 10;
const LOOK_AGAIN: Duration = Duration::from_millis(200);

/// What came of a look at the wallet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Watched {
    /// There is no wallet yet.
    NoWallet,
    /// No comparison was possible: the chain gave no answer, or something was always under way.
    Unknown,
    /// What is odd; nothing when all is well.
    Compared(Vec<WalletAnomaly>),
}

/// Compares the wallet with its chain and notes what is odd. What cannot be explained halts payouts.
pub fn watch(faucet: &Faucet) -> Result<Watched, StoreError> {
    let store = &faucet.platform.store;
    let Some(wallet) = store.read("faucet.watched", |tx| faucet.payouts.wallet(tx, &faucet.operator))? else {
        return Ok(Watched::NoWallet);
    };
    for look in 0..LOOKS {
        if look > 0 {
            thread::sleep(LOOK_AGAIN);
        }
        let before = store.read("faucet.booked", |tx| booked(tx, faucet))?;
        let Some(seen) = faucet.balance.ask()? else { return Ok(Watched::Unknown) };
        let after = store.read("faucet.booked", |tx| booked(tx, faucet))?;
        // The two looks at the books say that nothing moved while the chain was asked.
        let Some(booked) = before.filter(|before| Some(*before) == after) else { continue };
        // Until the payouts room has compared it once, nobody has booked what an imported seed's account held already.
        if wallet.matched_at.is_none() && seen.settled > booked {
            return Ok(Watched::Unknown);
        }
        let found = store.transact("faucet.wallet_watch", |tx| {
            let now = tx.reading()?;
            let view = WalletView {
                on_chain: seen.settled,
                booked,
                floor: faucet.policy.floor,
                sent_in_7_days: sent_since(tx, now.after_ms(-WEEK_MS))?,
            };
            let found = anomalies(&view);
            note(tx, faucet, &found)?;
            Ok(found)
        })?;
        return Ok(Watched::Compared(found));
    }
    Ok(Watched::Unknown)
}

/// What the chain must hold; `None` = something is under way, so that both may be right.
fn booked(tx: &mut Tx<'_>, faucet: &Faucet) -> Result<Option<Amount>, StoreError> {
    let Some(wallet) = faucet.payouts.wallet(tx, &faucet.operator)? else { return Ok(None) };
    let is_at_rest = faucet.payouts.is_at_rest(tx, &faucet.operator)?;
    Ok(is_at_rest.then_some(wallet.expected))
}

fn sent_since(tx: &mut Tx<'_>, since: bursar_store::Timestamp) -> Result<BanE8, StoreError> {
    Payout::sent_since(tx, since)
}

fn note(tx: &mut Tx<'_>, faucet: &Faucet, found: &[WalletAnomaly]) -> Result<(), StoreError> {
    let now = tx.reading()?;
    for kind in ["unexplained_delta", "below_floor", "runway_short"] {
        let anomaly = found.iter().find(|anomaly| anomaly.kind() == kind);
        let detail = match anomaly {
            Some(WalletAnomaly::UnexplainedDelta { raw, is_deficit }) => {
                let word = if *is_deficit { "less" } else { "more" };
                format!("the chain holds {raw} raw {word} than the books say")
            }
            Some(WalletAnomaly::BelowFloor) => "the balance is below the floor; top the wallet up".to_owned(),
            Some(WalletAnomaly::RunwayShort) => {
                "at the pace of the last 7 days the balance lasts less than 3; top the wallet up".to_owned()
            }
            None => String::new(),
        };
        let count = i64::from(anomaly.is_some());
        let before = Finding::note(tx, &format!("wallet.{kind}"), count, &detail, now)?;
        let is_new = before.is_none_or(|before| before.count == 0);
        // An operator who resumes payouts knowing of it is not overruled an hour later.
        if is_new && anomaly.is_some_and(|anomaly| anomaly.halts_payouts()) {
            tracing::error!(
                detail,
                "payouts are halted: the operator's wallet holds what the books do not explain"
            );
            halt_payouts(tx, &faucet.recorder, &detail, now)?;
        }
    }
    Ok(())
}
