//! `GET` and `POST /admin/switches`: stops that bind the very next write, on every process.

use std::sync::Arc;

use axum::Json;
use bursar_control::{ConfigTable, StopSource, Switch, SwitchChange, SwitchState, Switchboard, settings};
use bursar_store::{StoreError, Timestamp, Tx};
use bursar_web::platform_codes::INVALID_BODY;
use bursar_web::{ApiError, Call};
use serde::Deserialize;
use serde_json::{Value, json};

use super::super::guards::{Act, Done, moment, reason};
use super::super::{Routes, codes};
use crate::adoption::keeps_stopped;
use crate::faucet::Faucet;
use crate::switches::SWITCHES;

#[derive(Deserialize)]
struct Wish {
    switch: String,
    state: String,
    reason: String,
}

pub(super) async fn list(routes: Arc<Routes>, _: Call, _: Timestamp) -> Result<Json<Value>, ApiError> {
    routes.switches().await.map(Json)
}

pub(super) async fn set(routes: Arc<Routes>, act: Act) -> Result<Value, ApiError> {
    let wish: Wish = act.json()?;
    let stop = match wish.state.as_str() {
        "on" => true,
        "off" => false,
        _ => {
            return Err(ApiError::because(
                &INVALID_BODY,
                "state takes \"on\" (stopped) or \"off\" (running).",
            ));
        }
    };
    let why = reason(&wish.reason)?.to_owned();
    let switch = SWITCHES.into_iter().find(|switch| switch.key == wish.switch);
    let switch = switch.ok_or_else(|| {
        let known = "payouts_halted, accrual_halted, scheduler_halted or force_dry_run";
        ApiError::because(&INVALID_BODY, format!("switch takes {known}."))
    })?;
    let done = act.event(&Done {
        action: "set_switch",
        target: ("switch", switch.key),
        summary: format!("{} {}: {why}", switch.key, wish.state),
        detail: json!({"state": wish.state, "reason": why}),
    });
    let (who, shared) = (act.admin.principal(), Arc::clone(&routes));
    let work = move |tx: &mut Tx<'_>| {
        let now = tx.reading()?;
        if !stop && keeps_stopped(tx, switch)? {
            return Ok(false);
        }
        let table = ConfigTable::FAUCET;
        let change = SwitchChange { table, switch, stop, actor: &who, reason: &why, expires_at: None };
        Switchboard::set(tx, &[change], now)?;
        shared.recorder.record(tx, std::slice::from_ref(&done), now)?;
        if !stop {
            forget_recorded(&shared.faucet.platform.switchboard, switch)?;
        }
        Ok(true)
    };
    if !routes.faucet.platform.off_thread.transact("faucet.set_switch", work).await? {
        return Err(ApiError::of(&codes::PAYMENTS_UNADOPTED));
    }
    routes.faucet.platform.waker.wake();
    if !stop && routes.faucet.platform.switchboard.is_held_by_environment(switch) {
        return Err(ApiError::of(&codes::SWITCH_HELD).with_detail("variable", switch.variable));
    }
    routes.switches().await
}

/// Takes a resumed switch out of the control file, before the commit, which otherwise keeps it stopped.
fn forget_recorded(switchboard: &Switchboard, switch: Switch) -> Result<(), StoreError> {
    match switchboard.control_file() {
        Some(file) if file.stops()?.iter().any(|stop| stop.desk == switch.desk && stop.key == switch.key) => {
            file.forget(&[switch])
        }
        _ => Ok(()),
    }
}

impl Routes {
    async fn switches(&self) -> Result<Value, ApiError> {
        let faucet = Arc::clone(&self.faucet);
        let read = move |tx: &mut Tx<'_>| {
            let now = tx.reading()?;
            Ok(json!({"switches": states(tx, &faucet, now)?}))
        };
        self.faucet.platform.off_thread.read("faucet.switches", read).await
    }
}

/// Every switch with its state and source, and who changed its row last.
pub(super) fn states(tx: &mut Tx<'_>, faucet: &Faucet, now: Timestamp) -> Result<Vec<Value>, StoreError> {
    let states = faucet.platform.switchboard.peek(tx, ConfigTable::FAUCET, &SWITCHES, now)?;
    let rows = settings::rows(tx, ConfigTable::FAUCET)?;
    let sql = "SELECT key, actor, reason, updated_at FROM faucet_config WHERE key IN ($1, $2, $3, $4)";
    let keys = SWITCHES.map(|switch| switch.key.into());
    let changed = tx.query(sql, &keys, |row| {
        let (key, actor, why): (String, Option<String>, Option<String>) =
            (row.get(0)?, row.get(1)?, row.get(2)?);
        Ok((key, actor, why, row.get::<Option<Timestamp>>(3)?))
    })?;
    let shown = SWITCHES.iter().zip(states).map(|(switch, state)| {
        let row = rows.iter().find(|row| row.key == switch.key).map(|row| row.value.as_str());
        let by = changed.iter().find(|(key, ..)| key == switch.key);
        json!({
            "switch": switch.key, "variable": switch.variable, "stopped": state.is_stopped(),
            "stopped_by": stopped_by(state), "state": row, "actor": by.and_then(|by| by.1.as_deref()),
            "reason": by.and_then(|by| by.2.as_deref()), "updated_at": by.and_then(|by| by.3).map(moment),
        })
    });
    Ok(shown.collect())
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
