//! `GET` and `POST /api/ops/switches`: kill switches at run time (docs/spec/rounds.md 4.13).

use std::sync::Arc;

use axum::Json;
use axum::http::StatusCode;
use axum::response::Response;
use bursar_control::{ConfigTable, StopSource, Switch, SwitchState};
use bursar_store::{StoreError, Timestamp, Tx};
use bursar_web::platform_codes::INVALID_BODY;
use bursar_web::{ApiError, Auth, Call, Operation, schema};
use serde::Deserialize;
use serde_json::{Value, json};

use super::ops::KEY;
use super::{Routes, codes, no_store};
use crate::operate::{Toggle, Toggled, WORDS, forget_recorded, switches, toggle, word};
use crate::settings::SWITCHES;

pub(super) const PATH: &str = "/api/ops/switches";
/// Longest actor or reason, in characters.
pub(super) const WORDS_CHARACTERS_MAX: usize = 200;
/// The longest stop that ends by itself, in milliseconds: 366 days.
const STOP_MS_MAX: i64 = 366 * 86_400_000;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Wish {
    switch: String,
    state: String,
    actor: String,
    reason: String,
    expires_at_ms: Option<i64>,
    #[serde(default)]
    force: bool,
}

pub(super) fn list_operation() -> Operation {
    Operation::new("rounds_switches", "The kill switches and who set them.", Auth::ServiceKey(KEY))
        .answer(StatusCode::OK, "Each switch with its state and source.", json!({"type": "object"}))
        .refusal(StatusCode::UNAUTHORIZED, "No key, a wrong one, or none is configured.")
}

pub(super) fn set_operation() -> Operation {
    let names: Vec<&str> = WORDS.iter().map(|(word, _)| *word).collect();
    let request = schema::object([
        ("switch", schema::one_of(&names)),
        ("state", schema::one_of(&["on", "off"])),
        ("actor", schema::string()),
        ("reason", schema::string()),
        ("expiresAtMs?", schema::integer()),
        ("force?", schema::boolean()),
    ]);
    Operation::new("rounds_set_switch", "Stop (`on`) or resume (`off`).", Auth::ServiceKey(KEY))
        .describe("Binds the very next write. `all` sets the three switches in one change.")
        .request(request)
        .answer(StatusCode::OK, "The switches as they are now.", json!({"type": "object"}))
        .refusal(StatusCode::BAD_REQUEST, "Another spelling, or no actor or reason.")
        .refusal(StatusCode::UNAUTHORIZED, "No key, a wrong one, or none is configured.")
        .refusal(
            StatusCode::CONFLICT,
            "The environment holds it stopped, or overdue rounds wait, or nobody settles.",
        )
}

pub(super) async fn list(routes: Arc<Routes>, call: Call) -> Result<Response, ApiError> {
    routes.admit_changer(PATH, &call).await?;
    Ok(no_store(Json(routes.switches().await?)))
}

pub(super) async fn set(routes: Arc<Routes>, mut call: Call) -> Result<Response, ApiError> {
    routes.admit_changer(PATH, &call).await?;
    let wish: Wish = call.json().await?;
    let named = named(&wish)?;
    let stop = wish.state == "on";
    let held = held_by_environment(&routes, named, stop);
    match routes.toggle(named, stop, wish).await? {
        Toggled::RoundsWait(waiting) => {
            return Err(ApiError::of(&codes::ROUNDS_PENDING).with_detail("pendingDueRounds", waiting));
        }
        Toggled::WorkerSilent(silent_ms) => {
            return Err(ApiError::of(&codes::WORKER_SILENT).with_detail("silentMs", silent_ms));
        }
        Toggled::Done if !held.is_empty() => {
            return Err(ApiError::of(&codes::HELD_BY_ENVIRONMENT).with_detail("variables", held));
        }
        Toggled::Done => {}
    }
    Ok(no_store(Json(routes.switches().await?)))
}

fn named(wish: &Wish) -> Result<&'static [Switch], ApiError> {
    let invalid = |text: &'static str| ApiError::because(&INVALID_BODY, text);
    if !matches!(wish.state.as_str(), "on" | "off") {
        return Err(invalid("state takes exactly \"on\" (stopped) or \"off\" (running)."));
    }
    for text in [&wish.actor, &wish.reason] {
        let length = text.chars().count();
        if text.trim().is_empty() || length > WORDS_CHARACTERS_MAX || text.contains('\0') {
            return Err(invalid("actor and reason take 1 to 200 characters: who, and why."));
        }
    }
    switches(&wish.switch).ok_or_else(|| invalid("switch takes joins, sim-settlement, settle-api or all."))
}

/// The variables of this process that keep switches stopped whatever their rows say.
fn held_by_environment(routes: &Routes, named: &[Switch], stop: bool) -> Vec<&'static str> {
    let is_held = |switch: &&Switch| !stop && routes.platform.switchboard.is_held_by_environment(**switch);
    named.iter().filter(is_held).map(|switch| switch.variable).collect()
}

impl Routes {
    async fn toggle(&self, named: &'static [Switch], stop: bool, wish: Wish) -> Result<Toggled, ApiError> {
        let (recorder, switchboard) = (self.recorder.clone(), self.platform.switchboard.clone());
        let expires_at = wish.expires_at_ms.filter(|_| stop).map(Timestamp::from_ms);
        let Wish { actor, reason, force, .. } = wish;
        let work = move |tx: &mut Tx<'_>| {
            let now = tx.reading()?;
            if expires_at.is_some_and(|end| end <= now || end > now.after_ms(STOP_MS_MAX)) {
                return Ok(None);
            }
            let wanted = Toggle { switches: named, stop, actor: &actor, reason: &reason, expires_at, force };
            let toggled = toggle(tx, &wanted, &recorder, now)?;
            if !stop && toggled == Toggled::Done {
                forget_recorded(&switchboard, named)?;
            }
            Ok(Some(toggled))
        };
        let toggled = self.platform.off_thread.transact("rounds.toggle", work).await?;
        self.platform.waker.wake();
        toggled.ok_or_else(|| {
            // A stop that has ended before it begins would look like one and stop nothing.
            let text = "expiresAtMs takes a time within the coming 366 days, in Unix milliseconds.";
            ApiError::because(&INVALID_BODY, text)
        })
    }

    /// Every switch with its state, its source and who set its row.
    async fn switches(&self) -> Result<Value, ApiError> {
        let switchboard = self.platform.switchboard.clone();
        let read = move |tx: &mut Tx<'_>| {
            let now = tx.reading()?;
            let states = switchboard.peek(tx, ConfigTable::ROUNDS, &SWITCHES, now)?;
            let rows = rows(tx)?;
            let shown = SWITCHES.iter().zip(states).map(|(switch, state)| {
                let row = rows.iter().find(|(key, _)| key == switch.key).map(|(_, row)| row.clone());
                let mut shown = row.unwrap_or_else(|| json!({}));
                shown["switch"] = word(*switch).into();
                shown["variable"] = switch.variable.into();
                shown["stopped"] = state.is_stopped().into();
                shown["stoppedBy"] = stopped_by(state).into();
                shown
            });
            Ok(json!({"ok": true, "switches": shown.collect::<Vec<_>>(), "updatedAtMs": now.ms()}))
        };
        self.platform.off_thread.read("rounds.switches", read).await
    }
}

fn stopped_by(state: SwitchState) -> Option<&'static str> {
    match state {
        SwitchState::Running => None,
        SwitchState::Stopped(StopSource::Environment) => Some("environment"),
        SwitchState::Stopped(StopSource::Row) => Some("row"),
        SwitchState::Stopped(StopSource::ControlFile) => Some("control_file"),
        SwitchState::Stopped(StopSource::Unreadable) => Some("unreadable"),
    }
}

fn rows(tx: &mut Tx<'_>) -> Result<Vec<(String, Value)>, StoreError> {
    let sql = "SELECT key, value, source, actor, reason, expires_at, updated_at FROM rounds_config \
               WHERE key IN ($1, $2, $3)";
    let keys = SWITCHES.map(|switch| switch.key.into());
    tx.query(sql, &keys, |row| {
        let time = |index| Ok::<_, StoreError>(row.get::<Option<Timestamp>>(index)?.map(Timestamp::ms));
        let shown = json!({
            "state": row.get::<String>(1)?, "source": row.get::<String>(2)?,
            "actor": row.get::<Option<String>>(3)?, "reason": row.get::<Option<String>>(4)?,
            "expiresAtMs": time(5)?, "updatedAtMs": time(6)?,
        });
        Ok((row.get(0)?, shown))
    })
}
