//! Requests to read secrets anew, and what each serving process has in force (docs/spec/platform.md V8). No secrets here:
//! only their names and fingerprints.

use bursar_store::{EngineKind, Param, StoreError, Tx};

/// A process that was not seen for this long is gone. Real time.
pub const SILENCE_MAX_MS: i64 = 15_000;
/// Its row is kept this long, should it only have hung.
const KEPT_MS: i64 = 3_600_000;

/// A request to read secrets anew, which every serving process follows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReloadRequest {
    /// Rises with each request; 0 = there was none yet.
    pub number: i64,
    /// Who asked, such as `cli:ann`.
    pub actor: String,
    /// Why.
    pub reason: String,
}

/// What a serving process says of its secrets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    /// Its id, new at each start.
    pub process: String,
    /// Where it runs, such as `host:1234`.
    pub place: String,
    /// The newest request that it has done.
    pub answered: i64,
    /// The secrets in force, as JSON without a value in it.
    pub secrets: String,
    /// What came of its newest reading of them, as JSON.
    pub outcome: String,
}

/// Asks every serving process to read its secrets anew; the request's number. `salt` is used when there is none yet.
pub fn request_reload(tx: &mut Tx<'_>, actor: &str, reason: &str, salt: [u8; 32]) -> Result<i64, StoreError> {
    fingerprint_salt(tx, salt)?;
    let sql = "UPDATE control_secret_requests SET number = number + 1, actor = $1, reason = $2 WHERE id = 1 \
               RETURNING number";
    let number = tx.query_first(sql, &[actor.into(), reason.into()], |row| row.get(0))?;
    number.ok_or_else(|| StoreError::Decode("the row of requests to read secrets is gone".into()))
}

/// The newest request.
pub fn latest_request(tx: &mut Tx<'_>) -> Result<ReloadRequest, StoreError> {
    let sql = "SELECT number, actor, reason FROM control_secret_requests WHERE id = 1";
    let found = tx.query_first(sql, &[], |row| {
        Ok(ReloadRequest { number: row.get(0)?, actor: row.get(1)?, reason: row.get(2)? })
    })?;
    Ok(found.unwrap_or_else(|| ReloadRequest { number: 0, actor: String::new(), reason: String::new() }))
}

/// What fingerprints are keyed with, one for all processes of a database; `fresh` becomes it when there is none yet.
pub fn fingerprint_salt(tx: &mut Tx<'_>, fresh: [u8; 32]) -> Result<[u8; 32], StoreError> {
    let sql = "INSERT INTO control_secret_requests (id, number, actor, reason, salt) VALUES (1, 0, '', '', $1) \
               ON CONFLICT (id) DO NOTHING";
    tx.execute(sql, &[Param::Bytes(&fresh)])?;
    known_salt(tx)?.ok_or_else(|| StoreError::Decode("the salt of fingerprints is gone".into()))
}

fn known_salt(tx: &mut Tx<'_>) -> Result<Option<[u8; 32]>, StoreError> {
    let sql = "SELECT salt FROM control_secret_requests WHERE id = 1";
    let found = tx.query_first(sql, &[], |row| row.get::<Vec<u8>>(0))?;
    let whole = |salt: Vec<u8>| {
        salt.try_into().map_err(|_| StoreError::Decode("the salt of fingerprints is not 32 bytes".into()))
    };
    found.map(whole).transpose()
}

/// Writes what a process has in force, and drops those that are gone: all others on the embedded engine, which has one
/// server, and those not seen for an hour elsewhere.
pub fn report(tx: &mut Tx<'_>, holder: &Holder) -> Result<(), StoreError> {
    let now = tx.real_time()?;
    let gone_since = match tx.engine() {
        EngineKind::Sqlite => now,
        EngineKind::Postgres => now.after_ms(-KEPT_MS),
    };
    let sql = "DELETE FROM control_secret_holders WHERE process <> $1 AND seen_at <= $2";
    tx.execute(sql, &[holder.process.as_str().into(), gone_since.into()])?;
    let sql = "INSERT INTO control_secret_holders (process, place, answered, seen_at, secrets, outcome) \
               VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (process) DO UPDATE SET answered = excluded.answered, \
               seen_at = excluded.seen_at, secrets = excluded.secrets, outcome = excluded.outcome";
    let params = [
        holder.process.as_str().into(),
        holder.place.as_str().into(),
        holder.answered.into(),
        now.into(),
        holder.secrets.as_str().into(),
        holder.outcome.as_str().into(),
    ];
    tx.execute(sql, &params).map(|_| ())
}

/// Notes that a process is alive; `false` = its row is gone and has to be reported anew.
pub fn note_alive(tx: &mut Tx<'_>, process: &str) -> Result<bool, StoreError> {
    let now = tx.real_time()?;
    let sql = "UPDATE control_secret_holders SET seen_at = $2 WHERE process = $1";
    Ok(tx.execute(sql, &[process.into(), now.into()])? == 1)
}

/// Takes the row of a process that ends.
pub fn leave(tx: &mut Tx<'_>, process: &str) -> Result<(), StoreError> {
    tx.execute("DELETE FROM control_secret_holders WHERE process = $1", &[process.into()]).map(|_| ())
}

/// The processes that live, by their ids.
pub fn holders(tx: &mut Tx<'_>) -> Result<Vec<Holder>, StoreError> {
    let since = tx.real_time()?.after_ms(-SILENCE_MAX_MS);
    let sql = "SELECT process, place, answered, secrets, outcome FROM control_secret_holders \
               WHERE seen_at >= $1 ORDER BY process";
    tx.query(sql, &[since.into()], |row| {
        Ok(Holder {
            process: row.get(0)?,
            place: row.get(1)?,
            answered: row.get(2)?,
            secrets: row.get(3)?,
            outcome: row.get(4)?,
        })
    })
}
