//! What operators of this desk are told of (docs/spec/rounds.md section 5). Late settlement is told by [`crate::alert`]
//! at the very instant; its figures stand here for metrics.

use std::sync::Arc;

use bursar_audit::Level;
use bursar_control::ConfigTable;
use bursar_control::settings::Setting;
use bursar_desk::alert::{AlertRule, Figure, Measure, Measured, Telling, Threshold};
use bursar_store::{StoreError, Timestamp, Tx};

use crate::DESK;
use crate::settings::{ALERT_LAG_MS, ALERT_PENDING_ROUNDS, ALERT_PRICE_FEED_MS};
use crate::settle::TreasuryGuard;
use crate::status::due_rounds;
use crate::timing::Round;

const MINUTE_MS: i64 = 60_000;
/// A wrong treasury stays wrong until somebody restarts the server.
const TREASURY_COOLDOWN_MS: i64 = 60 * MINUTE_MS;

/// The rules, in an order without meaning.
#[must_use]
pub fn rules(treasury: TreasuryGuard) -> Vec<AlertRule> {
    let rule = |id, telling, threshold, runbook, measure| AlertRule {
        id,
        desk: DESK,
        telling,
        figure: Figure::State,
        threshold,
        cooldown_ms: MINUTE_MS,
        runbook,
        measure,
    };
    let pending: Measure = Arc::new(|tx, now| Ok(Measured::of(due_rounds(tx, now)?.pending)));
    let lag: Measure = Arc::new(|tx, now| Ok(Measured::of(due_rounds(tx, now)?.max_lag_ms)));
    let mismatch = i64::from(treasury == TreasuryGuard::Mismatch);
    let price_feed = Telling::Event(Level::Warn, "ops.price_feed_failing");
    let wrong_treasury = Telling::Event(Level::Error, "ops.treasury_mismatch");
    vec![
        rule("rounds_pending", Telling::ByDesk, live(ALERT_PENDING_ROUNDS), "settlement-late", pending),
        rule("rounds_settlement_lag", Telling::ByDesk, live(ALERT_LAG_MS), "settlement-late", lag),
        rule(
            "rounds_price_feed",
            price_feed,
            live(ALERT_PRICE_FEED_MS),
            "price-feed-failing",
            Arc::new(waiting_for_prices),
        ),
        AlertRule {
            cooldown_ms: TREASURY_COOLDOWN_MS,
            ..rule(
                "rounds_treasury_mismatch",
                wrong_treasury,
                Threshold::Fixed(1),
                "treasury-mismatch",
                Arc::new(move |_, _| Ok(Measured::of(mismatch))),
            )
        },
    ]
}

/// For how long the oldest round whose prices were asked for in vain has been waiting, in milliseconds.
fn waiting_for_prices(tx: &mut Tx<'_>, now: Timestamp) -> Result<Measured, StoreError> {
    let sql = "SELECT round_key, last_miss FROM rounds_price_retry ORDER BY round_key LIMIT 1";
    let oldest = tx.query_first(sql, &[], |row| Ok((row.get::<i64>(0)?, row.get::<String>(1)?)))?;
    let Some((round, why)) = oldest.and_then(|(key, why)| Some((Round::from_key(key)?, why))) else {
        return Ok(Measured::of(0));
    };
    let waiting_ms = now.ms().saturating_sub(round.end_ms()).max(0);
    Ok(Measured::of(waiting_ms).with("roundId", round.id()).with("why", why))
}

fn live(setting: Setting) -> Threshold {
    Threshold::Live { table: ConfigTable::ROUNDS, setting, factor: 1 }
}
