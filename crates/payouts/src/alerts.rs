//! What operators are to be told of: payouts that take too long or wait for a person, and wallets that stand still.

use std::sync::Arc;

use bursar_audit::Level;
use bursar_desk::alert::{AlertRule, Figure, Measured, Telling, Threshold};
use bursar_store::{StoreError, Timestamp, Tx};

use crate::wallet::Standing;
use crate::{IntentState, sql};

/// An alert is not raised again for this long, in milliseconds.
const COOLDOWN_MS: i64 = 900_000;

/// The rules, for the platform's evaluator.
#[must_use]
pub fn alerts() -> Vec<AlertRule> {
    vec![
        rule("payout_stuck", Telling::ByDesk, "payout-stuck", stuck),
        rule(
            "payout_wallet_halted",
            Telling::Event(Level::Error, "payout.wallet_halted"),
            "payout-wallet-halted",
            halted,
        ),
        rule("payout_held", Telling::Event(Level::Warn, "payout.held_alert"), "payout-held", held),
    ]
}

type Measuring = fn(&mut Tx<'_>, Timestamp) -> Result<Measured, StoreError>;

fn rule(id: &'static str, telling: Telling, runbook: &'static str, measure: Measuring) -> AlertRule {
    AlertRule {
        id,
        desk: "platform",
        telling,
        figure: Figure::State,
        threshold: Threshold::Fixed(1),
        cooldown_ms: COOLDOWN_MS,
        runbook,
        measure: Arc::new(measure),
    }
}

fn stuck(tx: &mut Tx<'_>, _: Timestamp) -> Result<Measured, StoreError> {
    Ok(Measured::of(sql::intents::count_stuck(tx)?))
}

fn held(tx: &mut Tx<'_>, _: Timestamp) -> Result<Measured, StoreError> {
    let counts = sql::intents::count_by_desk(tx, IntentState::Held)?;
    Ok(Measured::of(counts.into_iter().map(|(_, count)| count).sum()))
}

fn halted(tx: &mut Tx<'_>, _: Timestamp) -> Result<Measured, StoreError> {
    let wallets = sql::wallets::all(tx)?;
    let halted: Vec<String> = wallets
        .into_iter()
        .filter(|wallet| wallet.standing != Standing::Running)
        .map(|wallet| format!("{}: {}", wallet.name, wallet.why))
        .collect();
    let value = i64::try_from(halted.len()).unwrap_or(i64::MAX);
    Ok(Measured::of(value).with("wallets", halted))
}
