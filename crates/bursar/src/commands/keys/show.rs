//! Keys as the command line shows them: everything but their secrets.

use bursar_access::Actor;
use bursar_keys::{KekUse, KeyCommands, KeyShown, Verified};
use serde_json::{Value, json};

use super::{fault, ok};
use crate::commands::payouts::room::Room;
use crate::commands::table::{cell, table};
use crate::commands::{CommandError, Context};

pub(super) fn list(room: &Room, context: &Context, json: bool) -> Result<Value, CommandError> {
    let list = read(room, context, |commands| commands.list().map_err(fault))?;
    if json {
        return Ok(json!({"ok": true, "keys": list.keys, "keks": list.keks, "rotation": list.rotation}));
    }
    let mut lines = vec![keys(&list.keys)];
    lines.extend(kek_lines(&list.keks));
    lines.extend(list.rotation.map(|rotation| {
        format!(
            "{} began to move all secrets to {}; {} moved so far, `bursar keys rotate` goes on",
            rotation.begun_by, rotation.kek, rotation.moved
        )
    }));
    Ok(lines.join("\n").into())
}

pub(super) fn verify(room: &Room, context: &Context, json: bool) -> Result<Value, CommandError> {
    let verified = read(room, context, |commands| commands.verify().map_err(fault))?;
    let Verified { is_sound, keys } = &verified;
    let answer = match json {
        true => {
            let keys: Vec<Value> =
                keys.iter().map(|(key, finding)| json!({"key": key, "finding": finding})).collect();
            match is_sound {
                true => ok("keys", &keys),
                false => json!({"ok": false, "code": "keys_unsound", "keys": keys}),
            }
        }
        false => {
            let rows = keys.iter().map(|(key, finding)| [key.to_string(), (*finding).to_owned()]);
            table(["KEY", "FINDING"], rows).into()
        }
    };
    if *is_sound {
        return Ok(answer);
    }
    let unsound = keys.iter().filter(|(_, finding)| !matches!(*finding, "sound" | "remote"));
    let unsound: Vec<String> = unsound.map(|(key, finding)| format!("{key} ({finding})")).collect();
    let why = format!(
        "Not sound: {}. For kek_missing set the seal key that they were sealed with; for retired_unsealed repeat `bursar keys \
         retire`, if the key was meant to be retired; for anything else stop payouts and compare with the newest backup.",
        unsound.join(", ")
    );
    Err(CommandError::No { answer, why })
}

/// One key as the answer of a command.
pub(super) fn answer(key: &KeyShown, json: bool) -> Value {
    if json { ok("key", key) } else { keys(std::slice::from_ref(key)).into() }
}

fn keys(keys: &[KeyShown]) -> String {
    let rows = keys.iter().map(|key| {
        let state = key
            .reason
            .as_ref()
            .map_or_else(|| key.state.to_owned(), |reason| format!("{}: {}", key.state, cell(reason)));
        [
            key.id.to_string(),
            key.desk.clone(),
            key.chain.clone(),
            key.purpose.clone(),
            key.holder.to_owned(),
            state,
            key.address.clone(),
            key.policy.clone().unwrap_or_else(|| "none: it signs nothing".to_owned()),
        ]
    });
    table(["KEY", "DESK", "CHAIN", "PURPOSE", "HOLDER", "STATE", "ADDRESS", "POLICY"], rows)
}

/// What seals the secrets, a line each.
pub(super) fn kek_lines(keks: &[KekUse]) -> impl Iterator<Item = String> {
    keks.iter().map(|kek| {
        let standing = match (kek.is_current, kek.is_held) {
            (true, _) => "the current seal key",
            (false, true) => "a former seal key",
            (false, false) => "a seal key that is not set here",
        };
        let secrets = if kek.secrets == 1 { "secret" } else { "secrets" };
        format!("{} {secrets} sealed with {}, {standing}", kek.secrets, kek.kek)
    })
}

/// Asks the key store as the person at the terminal.
fn read<T>(
    room: &Room,
    context: &Context,
    ask: impl FnOnce(&KeyCommands<'_>) -> Result<T, CommandError>,
) -> Result<T, CommandError> {
    let actor = Actor::cli(context.user());
    ask(&KeyCommands {
        keystore: &room.payments.keystore,
        store: &room.store,
        recorder: &room.recorder,
        actor: &actor,
        approval: None,
        draft: None,
    })
}
