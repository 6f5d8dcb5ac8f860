//! Deleting what is old (F40, F47). What the rows were worth is folded into their players' tallies in the same
//! transaction, so that no figure changes.

use std::collections::BTreeMap;

use bursar_audit::{Actor, Event, Level, Target, redact};
use bursar_desk::job::JobFault;
use bursar_store::{EngineKind, Param, StoreError, Timestamp, Tx};
use serde_json::json;

use super::erase::{take_back_erased, write_off_erased};
use crate::faucet::Faucet;
use crate::identity::tries;
use crate::phase::Ran;
use crate::policy::damaged;
use crate::record::{Accrual, KeptAnswer, Tally};
use crate::rules::cursor_ranges::CursorRange;
use crate::rules::holdings::Share;
use crate::rules::pruning::{BATCH_ROWS, Cutoffs, PrunedAccrual, Retention};
use crate::{CLOCK, DESK};

/// Rows that went, or would go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pruned {
    /// Settled accruals.
    pub accruals: u64,
    /// Payouts that have ended.
    pub payouts: u64,
    /// Verification records that are not their player's newest.
    pub verifications: u64,
    /// Reviewed flags.
    pub flags: u64,
    /// Single-use values that have expired.
    pub nonces: u64,
    /// Audit rows by or about administrators, of which nothing but their place in the chain is left.
    pub audit: u64,
}

impl Pruned {
    /// The rows by table, by the names that metrics have.
    pub(crate) fn tables(&self) -> [(&'static str, u64); 6] {
        [
            ("reward_accrual", self.accruals),
            ("payout", self.payouts),
            ("verification_record", self.verifications),
            ("abuse_flag", self.flags),
            ("nonce", self.nonces),
            ("admin_audit", self.audit),
        ]
    }
}

/// The nightly run.
pub fn prune_now(faucet: &Faucet, is_stopping: &dyn Fn() -> bool) -> Result<Ran, JobFault> {
    prune(faucet, faucet.config.retention, &Actor::system("faucet.prune"), is_stopping)?;
    Ok(Ran::Well)
}

/// Deletes what is older than `retention`, batch after batch, and records how much it was.
pub fn prune(
    faucet: &Faucet,
    retention: Retention,
    by: &Actor,
    is_stopping: &dyn Fn() -> bool,
) -> Result<Pruned, StoreError> {
    let store = &faucet.platform.store;
    let now = store.read("faucet.prune", |tx| tx.reading())?;
    let cutoffs = retention.cutoffs(now);
    let until_empty = |batch: &dyn Fn(&mut Tx<'_>) -> Result<u64, StoreError>| {
        let mut gone = 0;
        while !is_stopping() {
            let some = store.transact("faucet.prune", |tx| batch(tx))?;
            gone += some;
            if some == 0 {
                break;
            }
        }
        Ok::<u64, StoreError>(gone)
    };
    let money = cutoffs.money;
    let mut pruned = Pruned { accruals: until_empty(&|tx| accruals(tx, &cutoffs))?, ..Pruned::default() };
    // A payout goes once nothing refers to it.
    pruned.payouts = until_empty(&|tx| delete(tx, PAYOUTS, money))?;
    pruned.verifications = until_empty(&|tx| delete(tx, VERIFICATIONS, cutoffs.verification))?;
    pruned.flags = until_empty(&|tx| delete(tx, FLAGS, cutoffs.flag))?;
    pruned.nonces = until_empty(&|tx| delete(tx, NONCES, now))?;
    pruned.audit = until_empty(&|tx| audit(tx, faucet, money))?;
    until_empty(&|tx| take_back_erased(tx, &faucet.payouts, by, &faucet.recorder))?;
    until_empty(&|tx| write_off_erased(tx))?;
    until_empty(&|tx| tries::forget_over(tx, now, i64::from(BATCH_ROWS)))?;
    until_empty(&|tx| KeptAnswer::forget_old(tx, now, i64::from(BATCH_ROWS)))?;
    for (table, rows) in pruned.tables() {
        faucet.metrics.pruned.with([table]).add(rows);
    }
    store.transact("faucet.pruned", |tx| {
        let now = tx.reading()?;
        faucet.recorder.record(tx, &[event(&pruned, money, by)], now).map(|_| ())
    })?;
    Ok(pruned)
}

/// How many rows would go.
pub fn prunable(tx: &mut Tx<'_>, retention: Retention) -> Result<Pruned, StoreError> {
    let now = tx.reading()?;
    let cutoffs = retention.cutoffs(now);
    let mut count = |sql: &'static str, before: Timestamp| {
        let rows = tx.query_first(sql, &[before.into()], |row| row.get::<i64>(0))?;
        Ok::<u64, StoreError>(rows.and_then(|rows| u64::try_from(rows).ok()).unwrap_or(0))
    };
    Ok(Pruned {
        accruals: count(
            "SELECT COUNT(*) FROM faucet_reward_accrual WHERE state = 'settled' AND settled_at < $1",
            cutoffs.money,
        )?,
        payouts: count(
            "SELECT COUNT(*) FROM faucet_payout WHERE status IN ('confirmed', 'failed') AND last_attempt_at < $1 \
               AND COALESCE(error_detail, '') <> 'adopted from the chain after a restore'",
            cutoffs.money,
        )?,
        verifications: count(
            "SELECT COUNT(*) FROM faucet_verification_record r WHERE r.created_at < $1 AND EXISTS \
               (SELECT 1 FROM faucet_verification_record n WHERE n.user_id = r.user_id AND n.id > r.id)",
            cutoffs.verification,
        )?,
        flags: count(
            "SELECT COUNT(*) FROM faucet_abuse_flag f WHERE f.state <> 'open' AND f.reviewed_at < $1 \
               AND NOT (f.state = 'confirmed' AND EXISTS (SELECT 1 FROM faucet_user u \
                 WHERE u.id = f.user_id AND u.eligibility = 'held'))",
            cutoffs.flag,
        )?,
        nonces: count("SELECT COUNT(*) FROM faucet_nonce WHERE expires_at < $1", now)?,
        audit: count(
            "SELECT COUNT(*) FROM audit_events WHERE (actor_kind = 'faucet_admin' OR target_type = 'admin_user') \
               AND payload IS NOT NULL AND at < $1",
            cutoffs.money,
        )?,
    })
}

/// An adopted payout stays: nothing else says that its transaction is recorded, and it could be adopted again.
const PAYOUTS: &str = "DELETE FROM faucet_payout WHERE id IN (SELECT p.id FROM faucet_payout p \
     WHERE p.status IN ('confirmed', 'failed') AND p.last_attempt_at < $1 \
       AND COALESCE(p.error_detail, '') <> 'adopted from the chain after a restore' \
       AND NOT EXISTS (SELECT 1 FROM faucet_reward_accrual a WHERE a.payout_id = p.id) \
     ORDER BY p.id LIMIT $2)";
const VERIFICATIONS: &str = "DELETE FROM faucet_verification_record WHERE id IN \
     (SELECT r.id FROM faucet_verification_record r WHERE r.created_at < $1 AND EXISTS \
        (SELECT 1 FROM faucet_verification_record n WHERE n.user_id = r.user_id AND n.id > r.id) \
     ORDER BY r.id LIMIT $2)";
/// A confirmed flag stays for as long as its player is held: it is why.
const FLAGS: &str = "DELETE FROM faucet_abuse_flag WHERE id IN (SELECT f.id FROM faucet_abuse_flag f \
     WHERE f.state <> 'open' AND f.reviewed_at < $1 \
       AND NOT (f.state = 'confirmed' AND EXISTS (SELECT 1 FROM faucet_user u \
         WHERE u.id = f.user_id AND u.eligibility = 'held')) \
     ORDER BY f.id LIMIT $2)";
const NONCES: &str = "DELETE FROM faucet_nonce WHERE hash IN (SELECT o.hash FROM faucet_nonce o \
     WHERE o.expires_at < $1 ORDER BY o.expires_at LIMIT $2)";

fn delete(tx: &mut Tx<'_>, sql: &'static str, before: Timestamp) -> Result<u64, StoreError> {
    tx.execute(sql, &[before.into(), i64::from(BATCH_ROWS).into()])
}

/// Blanks some old audit rows of administrators, and of what the command line did to them. The rows themselves are links of
/// a chain that breaks without them.
fn audit(tx: &mut Tx<'_>, faucet: &Faucet, before: Timestamp) -> Result<u64, StoreError> {
    let now = tx.reading()?;
    let sql = "SELECT id FROM audit_events WHERE (actor_kind = 'faucet_admin' OR target_type = 'admin_user') \
                 AND payload IS NOT NULL AND at < $1 ORDER BY id LIMIT $2";
    let old: Vec<i64> = tx.query(sql, &[before.into(), i64::from(BATCH_ROWS).into()], |row| row.get(0))?;
    if old.is_empty() {
        return Ok(0);
    }
    let (why, by) = ("older than the faucet keeps audit rows", Actor::system("faucet.prune"));
    redact(tx, &faucet.recorder, &old, why, &by, now)?
        .map_err(|refusal| StoreError::Decode(format!("old audit rows: {refusal}")))?;
    Ok(u64::try_from(old.len()).unwrap_or(u64::MAX))
}

/// Deletes some settled accruals and folds them.
fn accruals(tx: &mut Tx<'_>, cutoffs: &Cutoffs) -> Result<u64, StoreError> {
    let now = tx.open_clock(CLOCK)?;
    let old = Accrual::settled_before(tx, cutoffs.money, i64::from(BATCH_ROWS))?;
    for dry_run in [false, true] {
        let mut by_user: BTreeMap<i64, Vec<&Accrual>> = BTreeMap::new();
        for row in old.iter().filter(|row| row.dry_run == dry_run) {
            by_user.entry(row.user_id).or_default().push(row);
        }
        let users: Vec<i64> = by_user.keys().copied().collect();
        let mut tallies = Tally::load(tx, &users, dry_run)?;
        for tally in &mut tallies {
            let number = tally.baseline.number();
            let rows = by_user.get(&tally.user_id).map_or(&[][..], Vec::as_slice);
            let pruned: Vec<PrunedAccrual> = rows.iter().map(|row| folded(row, number)).collect();
            tally.folded = tally.folded.fold(&pruned).map_err(damaged)?;
        }
        Tally::save(tx, &tallies)?;
    }
    let ids: Vec<i64> = old.iter().map(|row| row.id).collect();
    let gone = delete_ids(tx, &ids)?;
    tx.close_clock(CLOCK, now)?;
    Ok(gone)
}

fn folded(row: &Accrual, baseline: u32) -> PrunedAccrual {
    let range = CursorRange::between(row.cursor_from, row.cursor_to);
    PrunedAccrual {
        share: Share { kills: u64::from(row.kills), amount: row.amount },
        range: range.filter(|_| row.baseline_number == baseline),
    }
}

fn delete_ids(tx: &mut Tx<'_>, ids: &[i64]) -> Result<u64, StoreError> {
    let sql = match tx.engine() {
        EngineKind::Sqlite => {
            "DELETE FROM faucet_reward_accrual WHERE id IN (SELECT value FROM json_each($1))"
        }
        EngineKind::Postgres => {
            "DELETE FROM faucet_reward_accrual WHERE id IN \
             (SELECT CAST(id AS BIGINT) FROM jsonb_array_elements_text($1) AS gone(id))"
        }
    };
    let ids = serde_json::to_string(ids).map_err(|error| StoreError::Decode(error.to_string()))?;
    tx.execute(sql, &[Param::Json(&ids)])
}

fn event(pruned: &Pruned, before: Timestamp, by: &Actor) -> Event {
    let payload = json!({
        "before": before.ms(), "accruals": pruned.accruals, "payouts": pruned.payouts,
        "verifications": pruned.verifications, "flags": pruned.flags, "nonces": pruned.nonces,
        "audit": pruned.audit,
    });
    Event {
        level: Level::Info,
        desk: DESK,
        name: "faucet.pruned",
        actor: by.clone(),
        target: Target { kind: "desk", id: DESK.to_owned() },
        request_id: None,
        correlation_id: None,
        payload: payload.to_string(),
    }
}
