//! The rows that remember what was raised, so that all processes together raise it once.

use bursar_store::{Param, StoreError, Tx};

use super::decide::Memory;

/// What is remembered of a rule, and which version of the row says it; -1 = there is no row.
pub(super) fn load(tx: &mut Tx<'_>, rule: &'static str) -> Result<(Memory, i64), StoreError> {
    let sql = "SELECT stands, raised_at, told, version FROM ops_alert WHERE rule = $1";
    let found = tx.query_first(sql, &[rule.into()], |row| {
        let memory = Memory { stands: row.get::<i64>(0)? == 1, raised_at: row.get(1)?, told: row.get(2)? };
        Ok((memory, row.get(3)?))
    })?;
    Ok(found.unwrap_or((Memory::default(), -1)))
}

/// Writes the row unless another process has changed it since `version`; says whether it did.
pub(super) fn save(
    tx: &mut Tx<'_>,
    rule: &'static str,
    memory: Memory,
    version: i64,
) -> Result<bool, StoreError> {
    let sql = "INSERT INTO ops_alert (rule, stands, raised_at, told, version) VALUES ($1, $2, $3, $4, $5) \
               ON CONFLICT (rule) DO UPDATE SET stands = excluded.stands, raised_at = excluded.raised_at, \
               told = excluded.told, version = excluded.version WHERE ops_alert.version = $6";
    let params: [Param<'_>; 6] = [
        rule.into(),
        i64::from(memory.stands).into(),
        memory.raised_at.into(),
        memory.told.into(),
        version.saturating_add(1).into(),
        version.into(),
    ];
    Ok(tx.execute(sql, &params)? == 1)
}
