//! `bursar keys rotate`: every secret sealed with the current seal key, step by step; cut off, it goes on.

use bursar_keys::Rotated;
use serde_json::Value;

use super::seal::must_seal;
use super::show::kek_lines;
use super::{STILL_IN_THE_LOG, change, commands, fault, ok};
use crate::commands::payouts::Who;
use crate::commands::payouts::room::Room;
use crate::commands::{CommandError, Context};

pub(super) fn rotate(room: &Room, who: &Who, context: &Context, json: bool) -> Result<Value, CommandError> {
    let who = who.signed(room, context)?;
    must_seal(room, context)?;
    // Begun here, so that its event says why; what follows finds it under way.
    let begun = change(room, &who, |tx, by| {
        let begun = room.payments.keystore.begin_rotation(tx, by)?;
        Ok(begun.map(|(_, done)| {
            let is_new = done.is_some();
            (done, is_new)
        }))
    })?;
    let mut rotated = commands(room, &who).rotate().map_err(fault)?;
    rotated.is_resumed = !begun;
    let answer = if json { ok("rotation", &rotated) } else { text(&rotated).into() };
    if !rotated.is_wiped {
        context.say(STILL_IN_THE_LOG);
    }
    if rotated.stuck.is_empty() {
        if rotated.keks.iter().all(|kek| kek.is_current) {
            context.say(
                "Nothing in this database is sealed with the former seal key any more: take it out of the environment. \
                 Backups that were made before still need it: keep a copy apart until the last of them is removed.",
            );
        }
        return Ok(answer);
    }
    let lines =
        rotated.stuck.iter().map(|(key, why)| format!("- {key}: {why}")).collect::<Vec<_>>().join("\n");
    let why = format!(
        "These secrets do not open and stay as they are. Set the seal key that they were sealed with as \
         FAUCET_SEAL_KEY_PREVIOUS and repeat:\n{lines}"
    );
    Err(CommandError::No { answer: if json { failed(answer) } else { answer }, why })
}

fn failed(mut answer: Value) -> Value {
    if let Some(members) = answer.as_object_mut() {
        members.insert("ok".to_owned(), false.into());
        members.insert("code".to_owned(), "secrets_stuck".into());
    }
    answer
}

fn text(rotated: &Rotated) -> String {
    let begun = if rotated.is_resumed { "went on with the rotation to" } else { "rotated to" };
    let head = format!("{begun} {}: {} moved, {} stuck", rotated.kek, rotated.moved, rotated.stuck.len());
    std::iter::once(head).chain(kek_lines(&rotated.keks)).collect::<Vec<_>>().join("\n")
}
