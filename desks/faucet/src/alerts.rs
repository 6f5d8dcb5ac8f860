//! What operators of the faucet are told of by the server itself: those of docs/spec/faucet.md section 7 that are states of
//! the database. Rates over time are Prometheus' to judge (deploy/prometheus/faucet.rules.yml).

use std::sync::Arc;

use bursar_audit::Level;
use bursar_desk::alert::{AlertRule, Figure, Measure, Measured, Telling, Threshold};
use bursar_store::{StoreError, Timestamp, Tx};

use crate::DESK;
use crate::record::{Finding, Heartbeat};
use crate::settings::Values;

const COOLDOWN_MS: i64 = 3_600_000;

/// The rules, in an order without meaning.
#[must_use]
pub fn rules() -> Vec<AlertRule> {
    let rule = |id, level, event, runbook, measure| AlertRule {
        id,
        desk: DESK,
        telling: Telling::Event(level, event),
        figure: Figure::State,
        threshold: Threshold::Fixed(1),
        cooldown_ms: COOLDOWN_MS,
        runbook,
        measure,
    };
    let stale: Measure = Arc::new(stale_accrual);
    let wallet: Measure = Arc::new(|tx, _| of_check(tx, "wallet."));
    let kills: Measure = Arc::new(|tx, _| of_check(tx, "reconcile."));
    let unknown: Measure = Arc::new(|tx, _| of_check(tx, "payout."));
    vec![
        rule("faucet_accrual_stale", Level::Error, "ops.faucet_accrual_stale", "faucet-lag", stale),
        rule("faucet_wallet_anomaly", Level::Error, "ops.faucet_wallet_anomaly", "faucet-wallet", wallet),
        rule(
            "faucet_reconcile_mismatch",
            Level::Error,
            "ops.faucet_reconcile_mismatch",
            "faucet-reconcile",
            kills,
        ),
        rule("faucet_payout_unknown", Level::Error, "ops.faucet_payout_unknown", "faucet-wallet", unknown),
    ]
}

/// Whether no accrual run has succeeded for more than two intervals (A6): by how many seconds.
fn stale_accrual(tx: &mut Tx<'_>, now: Timestamp) -> Result<Measured, StoreError> {
    let interval_s = i64::from(Values::read(tx)?.intervals().accrual_s());
    let last = Heartbeat::find(tx, "accrual")?.and_then(|beat| beat.last_ok_at);
    let late_s = last.map_or(0, |last| now.ms().saturating_sub(last.ms()) / 1_000 - 2 * interval_s);
    Ok(Measured::of(late_s.max(0)).with("intervalSeconds", interval_s))
}

/// The worst of the findings of one check.
fn of_check(tx: &mut Tx<'_>, prefix: &str) -> Result<Measured, StoreError> {
    let findings = Finding::all(tx)?;
    let wrong = findings.iter().filter(|finding| finding.kind.starts_with(prefix) && finding.count > 0);
    let worst = wrong.max_by_key(|finding| finding.count);
    Ok(worst.map_or_else(
        || Measured::of(0),
        |finding| {
            Measured::of(finding.count)
                .with("kind", finding.kind.clone())
                .with("detail", finding.detail.clone())
        },
    ))
}
