//! Intervals, rate and caps that administrators change while the faucet runs; they hold from the next cycle on.

use std::sync::Arc;

use axum::Json;
use bursar_control::ConfigTable;
use bursar_control::settings::{self, Setting};
use bursar_store::{StoreError, Timestamp, Tx};
use bursar_web::platform_codes::INVALID_BODY;
use bursar_web::{ApiError, Call};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value, json};

use super::super::guards::{Act, Done};
use super::super::{Routes, codes};
use crate::faucet::Faucet;
use crate::policy::unusable_caps;
use crate::rules::ban::BanE8;
use crate::settings::{
    ACCRUAL_INTERVAL_S, BAN_PER_KILL_E8, DAILY_KILL_CAP, SETTLEMENT_INTERVAL_S, Values, WEEKLY_KILL_CAP,
};

/// The shortest interval; less is raised to it.
const INTERVAL_S_MIN: i64 = 30;

#[derive(Deserialize)]
struct IntervalWish {
    accrual_interval_seconds: Option<i64>,
    settlement_interval_seconds: Option<i64>,
}

/// `null` takes an override back: the configuration holds again.
#[derive(Deserialize)]
struct TermWish {
    #[serde(default, deserialize_with = "sent")]
    ban_per_kill: Option<Option<Value>>,
    #[serde(default, deserialize_with = "sent")]
    daily_kill_cap: Option<Option<i64>>,
    #[serde(default, deserialize_with = "sent")]
    weekly_kill_cap: Option<Option<i64>>,
}

/// Tells `null` from a member that was not sent.
fn sent<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

pub(super) async fn intervals(routes: Arc<Routes>, _: Call, _: Timestamp) -> Result<Json<Value>, ApiError> {
    routes.intervals().await.map(Json)
}

pub(super) async fn set_intervals(routes: Arc<Routes>, act: Act) -> Result<Value, ApiError> {
    let wish: IntervalWish = act.json()?;
    let wanted = [
        (ACCRUAL_INTERVAL_S, wish.accrual_interval_seconds),
        (SETTLEMENT_INTERVAL_S, wish.settlement_interval_seconds),
    ];
    let wanted =
        wanted.into_iter().filter_map(|(setting, value)| Some((setting, value?.max(INTERVAL_S_MIN))));
    let wanted: Vec<(Setting, i64)> = wanted.collect();
    if wanted.iter().any(|(setting, value)| *value > setting.max) {
        return Err(ApiError::of(&codes::INVALID_INTERVAL));
    }
    routes.change(prepared(&act, "update_scheduler_config", wanted)).await?;
    routes.faucet.platform.waker.wake();
    routes.intervals().await
}

pub(super) async fn terms(routes: Arc<Routes>, _: Call, _: Timestamp) -> Result<Json<Value>, ApiError> {
    routes.terms().await.map(Json)
}

pub(super) async fn set_terms(routes: Arc<Routes>, act: Act) -> Result<Value, ApiError> {
    let wish: TermWish = act.json()?;
    let rate = match &wish.ban_per_kill {
        Some(Some(sent)) => Some(Some(rate(sent)?)),
        Some(None) => Some(None),
        None => None,
    };
    let caps = [(DAILY_KILL_CAP, wish.daily_kill_cap), (WEEKLY_KILL_CAP, wish.weekly_kill_cap)];
    for (setting, value) in &caps {
        if value.flatten().is_some_and(|value| value < 0 || value > setting.max) {
            let text = format!("{} takes a whole number from 0 to {}, or null.", setting.key, setting.max);
            return Err(ApiError::because(&codes::INVALID_SETTING, text));
        }
    }
    let wanted = [(BAN_PER_KILL_E8, rate)].into_iter().chain(caps);
    let wanted: Vec<(Setting, i64)> =
        wanted.filter_map(|(setting, value)| Some((setting, value?.unwrap_or(setting.default)))).collect();
    routes.change(prepared(&act, "update_payout_config", wanted)).await?;
    routes.terms().await
}

/// A rate above zero: a decimal as text, or a JSON number taken by its digits.
fn rate(sent: &Value) -> Result<i64, ApiError> {
    let text = match sent {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => return Err(ApiError::because(&INVALID_BODY, "ban_per_kill takes a decimal number.")),
    };
    let rate: Option<BanE8> = text.parse().ok().filter(|rate: &BanE8| !rate.is_zero());
    rate.filter(|rate| rate.e8() <= BAN_PER_KILL_E8.max).map(BanE8::e8).ok_or_else(|| {
        let text = "ban_per_kill takes a number above 0 and up to 10000 with at most 8 decimals.";
        ApiError::because(&codes::INVALID_SETTING, text)
    })
}

/// A change that is about to be made.
struct Prepared {
    who: String,
    wanted: Vec<(Setting, i64)>,
    event: bursar_audit::Event,
    detail: Map<String, Value>,
}

fn prepared(act: &Act, action: &'static str, wanted: Vec<(Setting, i64)>) -> Prepared {
    let shown: Vec<String> =
        wanted.iter().map(|(setting, value)| format!("{}={value}", setting.key)).collect();
    let detail = Map::new();
    let done = Done { action, target: ("config", "faucet"), summary: shown.join(" "), detail: Value::Null };
    Prepared { who: act.admin.principal(), wanted, event: act.event(&done), detail }
}

impl Routes {
    /// Writes settings, with what they were in the audit row.
    async fn change(&self, prepared: Prepared) -> Result<(), ApiError> {
        let recorder = self.recorder.clone();
        let work = move |tx: &mut Tx<'_>| {
            let now = tx.reading()?;
            let mut before = prepared.detail.clone();
            for (setting, value) in &prepared.wanted {
                let by = (prepared.who.as_str(), "an administrator's change");
                let was = settings::change(tx, ConfigTable::FAUCET, *setting, *value, by, now)?;
                before.insert(setting.key.to_owned(), json!({"before": was, "after": value}));
            }
            let mut event = prepared.event.clone();
            let mut payload: Value = serde_json::from_str(&event.payload)
                .map_err(|error| StoreError::Decode(error.to_string()))?;
            payload["detail"] = Value::Object(before);
            event.payload = payload.to_string();
            recorder.record(tx, &[event], now).map(|_| ())
        };
        self.faucet.platform.off_thread.transact("faucet.settings", work).await
    }

    async fn intervals(&self) -> Result<Value, ApiError> {
        let read = |tx: &mut Tx<'_>| {
            let intervals = Values::read(tx)?.intervals();
            Ok(json!({
                "accrual_interval_seconds": intervals.accrual_s(),
                "settlement_interval_seconds": intervals.settlement_s(),
            }))
        };
        self.faucet.platform.off_thread.read("faucet.intervals", read).await
    }

    async fn terms(&self) -> Result<Value, ApiError> {
        let faucet = Arc::clone(&self.faucet);
        self.faucet.platform.off_thread.read("faucet.terms", move |tx| effective(tx, &faucet)).await
    }
}

fn effective(tx: &mut Tx<'_>, faucet: &Faucet) -> Result<Value, StoreError> {
    let now = tx.reading()?;
    let live = Values::read(tx)?;
    let caps = faucet.policy.cap_terms(&live, now).map_err(|error| unusable_caps(&error))?.caps;
    let named = live.caps();
    let has_overrides = live.base_rate().is_some() || named.daily.is_some() || named.weekly.is_some();
    Ok(json!({
        "ban_per_kill": faucet.policy.rate_totals(tx, &live, now)?.base, "daily_kill_cap": caps.daily,
        "weekly_kill_cap": caps.weekly, "has_overrides": has_overrides,
    }))
}
