//! The refresh job's work: players without an Epic account, and those who were not looked at for longest (docs/spec/faucet.md
//! 3.1).

use bursar_store::{StoreError, Timestamp, Tx};

use super::rejection::IdentityFault;
use super::sign_in::again;
use super::verify::{Source, known};
use crate::faucet::Faucet;
use crate::rules::eligibility::Eligibility;
use crate::upstream::LINKS_PER_CALL;

/// Players of each kind in one run: as many as one call to Yunite takes.
const AT_ONCE: i64 = 50;
/// A verification that is younger than this is not looked at again.
const FRESH_MS: i64 = 6 * 3_600_000;

/// What a run did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Refreshed {
    /// Players whom Yunite told something of.
    pub looked_at: u64,
    /// Players whose standing was revoked by it.
    pub revoked: u64,
    /// Players of whom nothing was learnt; they stay as they are, and their turn comes again after everybody else's.
    pub unknown: u64,
}

/// Looks players up again, many in a call. Stand-ins never say anything new, so a faucet that is configured for dry-run
/// looks nobody up. Blocks.
pub fn refresh(faucet: &Faucet, is_stopping: &dyn Fn() -> bool) -> Result<Refreshed, StoreError> {
    let mut refreshed = Refreshed::default();
    if faucet.policy.dry_run {
        return Ok(refreshed);
    }
    let players = faucet.platform.store.read("faucet.refresh", |tx| {
        let now = tx.reading()?;
        due(tx, now.after_ms(-FRESH_MS))
    })?;
    for some in players.chunks(LINKS_PER_CALL) {
        if is_stopping() {
            return Ok(refreshed);
        }
        let ids: Vec<&str> = some.iter().map(String::as_str).collect();
        let readings = faucet.people().links.look_up(&ids);
        for (id, reading) in some.iter().zip(readings) {
            if is_stopping() {
                return Ok(refreshed);
            }
            note_asked(faucet, id)?;
            let known = known(faucet, id)?;
            let before = known.user.as_ref().map(|user| user.eligibility);
            match again(faucet, &known, id, reading, Source::VerificationRefresh) {
                Ok(Ok(user)) => {
                    refreshed.looked_at += 1;
                    let is_loss =
                        user.eligibility == Eligibility::Revoked && before != Some(Eligibility::Revoked);
                    refreshed.revoked += u64::from(is_loss);
                }
                Ok(Err(rejection)) => {
                    tracing::warn!(%rejection, "a player could not be refreshed");
                    refreshed.unknown += 1;
                }
                Err(IdentityFault::Store(error)) => return Err(error),
                Err(fault) => {
                    tracing::warn!(%fault, "a player could not be refreshed");
                    refreshed.unknown += 1;
                }
            }
        }
    }
    Ok(refreshed)
}

/// Whoever was asked about goes to the end of the line, whatever comes of it: who cannot be verified must not keep the job
/// from those who left.
fn note_asked(faucet: &Faucet, discord_user_id: &str) -> Result<(), StoreError> {
    let sql = "INSERT INTO faucet_refresh (user_id, asked_at) SELECT id, $2 FROM faucet_user WHERE discord_user_id = $1 \
               ON CONFLICT (user_id) DO UPDATE SET asked_at = excluded.asked_at";
    faucet.platform.store.transact("faucet.refresh", |tx| {
        let now = tx.reading()?;
        tx.execute(sql, &[discord_user_id.into(), now.into()]).map(|_| ())
    })
}

/// Discord ids of those whose turn it is, the longest not looked at first.
fn due(tx: &mut Tx<'_>, before: Timestamp) -> Result<Vec<String>, StoreError> {
    let unlinked = "SELECT u.discord_user_id FROM faucet_user u LEFT JOIN faucet_refresh r ON r.user_id = u.id \
                    WHERE u.epic_account_id IS NULL AND u.discord_user_id IS NOT NULL \
                    ORDER BY CASE WHEN u.verified_at > r.asked_at THEN u.verified_at \
                        ELSE COALESCE(r.asked_at, u.verified_at) END, u.id LIMIT $1";
    let mut ids: Vec<String> = tx.query(unlinked, &[AT_ONCE.into()], |row| row.get(0))?;
    let linked = "SELECT u.discord_user_id FROM faucet_user u LEFT JOIN faucet_refresh r ON r.user_id = u.id \
                  WHERE u.epic_account_id IS NOT NULL AND u.discord_user_id IS NOT NULL AND u.verified_at < $1 \
                  ORDER BY CASE WHEN u.verified_at > r.asked_at THEN u.verified_at \
                      ELSE COALESCE(r.asked_at, u.verified_at) END, u.id LIMIT $2";
    ids.extend(tx.query(linked, &[before.into(), AT_ONCE.into()], |row| row.get::<String>(0))?);
    Ok(ids)
}
