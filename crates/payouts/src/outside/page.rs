//! Lists of the payouts that were asked for from outside.

use bursar_keys::KeyId;
use bursar_store::{StoreError, Tx};
use uuid::Uuid;

use super::order::{OutsideKey, is_outside};
use crate::pages::{PAGE_MAX, PayoutShown, as_stored, shown};
use crate::sql::attempts;
use crate::sql::intents::{self, IntentRow};
use crate::{IntentId, IntentState, Payouts};

/// Which payouts of one desk a page shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutsideFilter {
    /// The desk.
    pub desk: &'static str,
    /// From this wallet; `None` = from any.
    pub wallet: Option<KeyId>,
    /// In this state; `None` = in any.
    pub state: Option<IntentState>,
    /// The one of this name; `None` = of any.
    pub key: Option<OutsideKey>,
}

impl Payouts {
    /// One payout of `desk` that was asked for from outside, by its public id.
    pub fn outside_payout(
        &self,
        tx: &mut Tx<'_>,
        desk: &str,
        id: Uuid,
    ) -> Result<Option<PayoutShown>, StoreError> {
        let row = intents::by_public_id(tx, id)?.filter(|row| row.desk == desk && is_outside(&row.key));
        row.map(|row| shown(tx, row)).transpose()
    }

    /// Up to `limit` (at most 200) of them, newest first, before the one numbered `before`.
    pub fn outside_payouts(
        &self,
        tx: &mut Tx<'_>,
        filter: &OutsideFilter,
        before: Option<IntentId>,
        limit: i64,
    ) -> Result<Vec<PayoutShown>, StoreError> {
        let before = before.unwrap_or(IntentId(i64::MAX));
        let rows = intents::outside_page(tx, filter, before, limit.clamp(1, PAGE_MAX))?;
        let ids: Vec<IntentId> = rows.iter().map(|row| row.id).collect();
        let mut attempts = attempts::of_intents(tx, &ids)?;
        let with_its_own = |row: IntentRow| {
            let own = attempts.extract_if(.., |attempt| attempt.intent == Some(row.id)).collect();
            as_stored(row, own)
        };
        Ok(rows.into_iter().map(with_its_own).collect())
    }
}
