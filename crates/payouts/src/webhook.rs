//! What callers from outside are told of their payouts: written with each change, delivered at least once, and of one
//! payout in the order of its changes.

use bursar_audit::Recorder;
use bursar_store::{StoreError, Timestamp, Tx};
use serde_json::json;
use uuid::Uuid;

use crate::document::{document, moment};
use crate::outside::is_outside;
use crate::pages::PayoutShown;
use crate::sql::webhooks;
use crate::{IntentId, Payouts, events};

/// Deliveries that one caller may claim at a time.
const CLAIM_MAX: i64 = 100;
/// How long the receiver may take to answer one delivery.
const TIMEOUT_MS: i64 = 2_500;
/// A claim lasts until its deliveries, sent one after the other, have all timed out, and this much longer.
const CLAIM_SPARE_MS: i64 = 10_000;
/// Wait after the first failure; it doubles with each further one.
const BACKOFF_FIRST_MS: i64 = 5_000;
/// The longest wait between two attempts.
const BACKOFF_MAX_MS: i64 = 3_600_000;
/// How long a notice is tried: 30 days.
const TRIED_MS: i64 = 30 * 86_400_000;

/// A change of a payout on its way to the receiver of the webhook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// Its number; later changes of a payout have higher ones.
    pub(crate) number: i64,
    /// The payout that changed.
    pub(crate) intent: IntentId,
    /// Its id, by which a receiver tells a repetition; it says when the change was.
    pub id: Uuid,
    /// Deliveries that failed before.
    pub attempts: i64,
    /// JSON text to send as it is.
    pub body: String,
}

/// Stores what is told of these changes, each under its name such as `payout.final`. Payouts that nobody from outside
/// asked for are passed over.
pub(crate) fn tell(
    payouts: &Payouts,
    tx: &mut Tx<'_>,
    changes: &[(&'static str, PayoutShown)],
    now: Timestamp,
) -> Result<(), StoreError> {
    let told: Vec<_> = changes.iter().filter(|(_, shown)| is_outside(&shown.payout.key)).collect();
    let count = i64::try_from(told.len()).map_err(|_| StoreError::Decode("notice count".into()))?;
    if count == 0 {
        return Ok(());
    }
    let first = tx.allocate(webhooks::NOTICES, count)?;
    let rows: Vec<_> = (first..)
        .zip(told)
        .map(|(number, (event, shown))| {
            let id = payouts.public_id(now);
            let told =
                json!({ "id": id.to_string(), "event": event, "at": moment(now), "payout": document(shown) });
            webhooks::NewNotice { number, id, intent: shown.payout.id, body: told.to_string() }
        })
        .collect();
    webhooks::insert(tx, &rows, now)
}

/// Up to `limit` (100 at most) notices that are due: the oldest of each payout alone, so that none overtakes another of the same payout. They
/// are claimed: nobody else gets them until they could all have timed out.
pub fn due_notices(tx: &mut Tx<'_>, now: Timestamp, limit: i64) -> Result<Vec<Notice>, StoreError> {
    let limit = limit.clamp(1, CLAIM_MAX);
    let until = now.after_ms(limit.saturating_mul(TIMEOUT_MS).saturating_add(CLAIM_SPARE_MS));
    webhooks::claim(tx, now, until, limit)
}

/// When the next notice falls due.
pub fn next_notice(tx: &mut Tx<'_>) -> Result<Option<Timestamp>, StoreError> {
    webhooks::next_at(tx)
}

/// The receiver has it.
pub fn notice_delivered(tx: &mut Tx<'_>, notice: &Notice) -> Result<(), StoreError> {
    webhooks::delete(tx, notice.number)
}

/// It is tried again: 5 s after the first failure, then twice as long each time, at most an hour. A change that is older
/// than 30 days by then is given up, so that a receiver which is gone fills no disk; `recorder`'s chain tells of it.
pub fn notice_failed(
    tx: &mut Tx<'_>,
    notice: &Notice,
    recorder: &Recorder,
    now: Timestamp,
) -> Result<(), StoreError> {
    let since = made_at(notice);
    if since.after_ms(TRIED_MS) <= now {
        webhooks::delete(tx, notice.number)?;
        return recorder.record(tx, &[events::notice_given_up(notice, since)], now).map(|_| ());
    }
    let doublings = u32::try_from(notice.attempts.max(0)).unwrap_or(u32::MAX);
    let wait = BACKOFF_FIRST_MS.saturating_mul(2i64.checked_pow(doublings).unwrap_or(i64::MAX));
    webhooks::put_off(tx, notice, now.after_ms(wait.min(BACKOFF_MAX_MS)))
}

/// When the change was, by the first 48 bits of its id.
fn made_at(notice: &Notice) -> Timestamp {
    let ms = i64::try_from(notice.id.as_u128() >> 80);
    Timestamp::from_ms(ms.unwrap_or(i64::MAX))
}

/// Drops notices that were due before `before`, for a server without a receiver; says how many.
pub fn drop_notices(tx: &mut Tx<'_>, before: Timestamp) -> Result<u64, StoreError> {
    webhooks::delete_before(tx, before)
}
