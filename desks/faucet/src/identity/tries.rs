//! Wrong passwords by e-mail, and the lock after too many of them. They are counted alike whoever has the e-mail, in a
//! fixed number of slots: no answer tells whose it is, and made-up e-mails fill no disk.

use bursar_store::{StoreError, Timestamp, Tx};

/// Wrong passwords within [`LOCKED_MS`] that lock an e-mail.
pub const FAILURES_MAX: i64 = 5;
/// How long it stays locked, and for how long a wrong password counts.
pub const LOCKED_MS: i64 = 15 * 60_000;
/// What sign-ins take turns by. Not the desk's clock: nobody who is paid waits for whoever tries passwords.
const SIGN_INS: &str = "faucet.sign_ins";

/// Where tries at an e-mail are counted: one of 65,536 slots. E-mails that share one share its lock; whoever makes up such an
/// e-mail could as well try the other one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slot(u16);

impl Slot {
    /// The slot of an e-mail in canonical form.
    #[must_use]
    pub fn of(email: &str) -> Slot {
        let [first, second, ..] = blake3::derive_key("bursar faucet sign-in slot v1", email.as_bytes());
        Slot(u16::from_be_bytes([first, second]))
    }

    fn row(self) -> i64 {
        i64::from(self.0)
    }
}

#[derive(Clone, Copy)]
struct Count {
    failures: i64,
    locked_until: Option<Timestamp>,
    since: Timestamp,
}

/// Counts a try as wrong until it is known to be right; inside, until when the slot is locked, and now.
pub fn count(tx: &mut Tx<'_>, slot: Slot) -> Result<Result<(), (Timestamp, Timestamp)>, StoreError> {
    let now = tx.open_clock(SIGN_INS)?;
    let before = load(tx, slot)?;
    if let Some(until) = before.and_then(|count| count.locked_until).filter(|until| *until > now) {
        return Ok(Err((until, now)));
    }
    let going_on =
        before.filter(|count| count.locked_until.is_none() && count.since.after_ms(LOCKED_MS) > now);
    let (failures, since) = going_on.map_or((0, now), |count| (count.failures, count.since));
    let failures = failures.saturating_add(1);
    let locked_until = (failures >= FAILURES_MAX).then(|| now.after_ms(LOCKED_MS));
    let sql = "INSERT INTO faucet_sign_in (slot, failures, locked_until, since) VALUES ($1, $2, $3, $4) \
               ON CONFLICT (slot) DO UPDATE SET failures = excluded.failures, \
               locked_until = excluded.locked_until, since = excluded.since";
    tx.execute(sql, &[slot.row().into(), failures.into(), locked_until.into(), since.into()])?;
    tx.close_clock(SIGN_INS, now)?;
    Ok(Ok(()))
}

/// Takes back one counted try that was right, with the lock if it made that. Those before it go on counting: were they
/// forgotten, whoever tries could tell that somebody has signed in, and so that there is an administrator.
pub fn take_back(tx: &mut Tx<'_>, slot: Slot) -> Result<(), StoreError> {
    let sql = "UPDATE faucet_sign_in SET failures = failures - 1, locked_until = NULL \
               WHERE slot = $1 AND failures > 0";
    tx.execute(sql, &[slot.row().into()]).map(|_| ())
}

/// Forgets all that was counted in a slot.
pub fn clear(tx: &mut Tx<'_>, slot: Slot) -> Result<(), StoreError> {
    tx.execute("DELETE FROM faucet_sign_in WHERE slot = $1", &[slot.row().into()]).map(|_| ())
}

/// Whether a slot is locked at `now`.
pub fn is_locked(tx: &mut Tx<'_>, slot: Slot, now: Timestamp) -> Result<bool, StoreError> {
    let count = load(tx, slot)?;
    Ok(count.and_then(|count| count.locked_until).is_some_and(|until| until > now))
}

/// Deletes counts that are over, at most `limit`; how many went. What counts at `now` does not change by it.
pub fn forget_over(tx: &mut Tx<'_>, now: Timestamp, limit: i64) -> Result<u64, StoreError> {
    let sql = "DELETE FROM faucet_sign_in WHERE slot IN (SELECT o.slot FROM faucet_sign_in o \
               WHERE o.since <= $1 AND (o.locked_until IS NULL OR o.locked_until <= $2) ORDER BY o.since LIMIT $3)";
    tx.execute(sql, &[now.after_ms(-LOCKED_MS).into(), now.into(), limit.into()])
}

fn load(tx: &mut Tx<'_>, slot: Slot) -> Result<Option<Count>, StoreError> {
    let sql = "SELECT failures, locked_until, since FROM faucet_sign_in WHERE slot = $1";
    tx.query_first(sql, &[slot.row().into()], |row| {
        Ok(Count { failures: row.get(0)?, locked_until: row.get(1)?, since: row.get(2)? })
    })
}
