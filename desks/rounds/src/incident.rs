//! What players are told about an interruption: a text and an expected end, kept with the desk's settings so that each
//! change is audited like theirs (docs/spec/rounds.md R35).

use bursar_store::{Param, StoreError, Timestamp, Tx};
use serde::Serialize;
use uuid::Uuid;

const MESSAGE: &str = "incident_message";
const ETA: &str = "incident_eta_ms";
/// Longest text, in characters.
pub const MESSAGE_CHARACTERS_MAX: usize = 500;

/// An interruption that players are told about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Incident {
    /// What happened, in words for players.
    pub message: String,
    /// When it is expected to be over, Unix ms.
    pub eta_ms: Option<i64>,
}

/// The incident that is shown now.
pub fn current(tx: &mut Tx<'_>) -> Result<Option<Incident>, StoreError> {
    let sql = "SELECT key, value FROM rounds_config WHERE key IN ($1, $2)";
    let rows = tx.query(sql, &[MESSAGE.into(), ETA.into()], |row| {
        Ok((row.get::<String>(0)?, row.get::<String>(1)?))
    })?;
    let value = |key: &str| rows.iter().find(|(name, _)| name == key).map(|(_, value)| value.clone());
    let message = value(MESSAGE).filter(|message| !message.is_empty());
    Ok(message.map(|message| Incident { message, eta_ms: value(ETA).and_then(|eta| eta.parse().ok()) }))
}

/// Shows `incident` from now on; `None` = nothing any more.
pub fn set(
    tx: &mut Tx<'_>,
    incident: Option<&Incident>,
    (actor, reason): (&str, &str),
    now: Timestamp,
) -> Result<(), StoreError> {
    let message = incident.map_or("", |incident| incident.message.as_str());
    let eta = incident.and_then(|incident| incident.eta_ms).map_or_else(String::new, |eta| eta.to_string());
    for (key, value) in [(MESSAGE, message), (ETA, eta.as_str())] {
        let sql = "INSERT INTO rounds_config (key, value, description, source, updated_at, change_id) \
                   VALUES ($1, '', 'shown to players while it is not empty', 'default', $2, $3) ON CONFLICT (key) DO NOTHING";
        // Not this batch's own id: the change that follows must not look hand-typed.
        tx.execute(sql, &[key.into(), now.into(), Uuid::nil().into()])?;
        let sql = "UPDATE rounds_config SET value = $2, source = 'operator', actor = $3, reason = $4, \
                   updated_at = $5, change_id = $6 WHERE key = $1 AND value <> $2";
        let texts = [key, value, actor, reason].map(Param::Text);
        let params = [&texts[..], &[now.into(), tx.batch().into()]].concat();
        tx.execute(sql, &params)?;
    }
    Ok(())
}
