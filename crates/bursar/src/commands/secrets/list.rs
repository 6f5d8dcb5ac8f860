//! `bursar secrets list`: what is set here, and what each server has in force.

use bursar_access::{Entropy, OsEntropy};
use bursar_control::secret_roster::{Holder, fingerprint_salt, holders};
use serde_json::{Value, json};

use super::configuration;
use crate::commands::context::Patience;
use crate::commands::{CommandError, Context};
use crate::secrets::{Salt, inventory};

pub(super) fn list(context: &Context) -> Result<Value, CommandError> {
    let (configuration, refused) = configuration(context)?;
    let store = context.open_ready(&configuration, Patience::Ordinary)?;
    let mut fresh = [0; 32];
    OsEntropy.fill(&mut fresh);
    let (salt, holders) =
        store.transact("command.secrets", |tx| Ok((Salt(fingerprint_salt(tx, fresh)?), holders(tx)?)))?;
    let here = inventory(&configuration, salt);
    let servers: Vec<Value> = holders.iter().map(shown).collect();
    Ok(json!({"ok": true, "here": here, "refusedHere": refused, "servers": servers}))
}

/// A server with its secrets in force and what came of its newest reading.
fn shown(holder: &Holder) -> Value {
    let json = |text: &str| serde_json::from_str(text).unwrap_or(Value::Null);
    json!({
        "process": holder.process, "place": holder.place, "secrets": json(&holder.secrets),
        "newest": json(&holder.outcome),
    })
}
