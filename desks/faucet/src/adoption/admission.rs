//! Who may adopt, and with whose approval: it is used up with the first payment, and what is left of the same hole is
//! recorded under it for a day.

use bursar_access::{Act, Admission, ApprovalId, By, Permission, Rejection, admit, approval, policy};
use bursar_store::{StoreError, Timestamp, Tx};

use super::find::Lost;
use super::{Adoption, Outcome, Refusal, Turn};
use crate::DESK;

/// The act as policies know it.
const ACTION: &str = "faucet.adopt";
/// Going on with one that began under that policy; under none of its own.
const CONTINUED: &str = "faucet.adopt.continue";
/// For how long after it began: a day.
const CONTINUED_MS: i64 = 86_400_000;

impl Adoption<'_> {
    /// Who may, and with which approval it goes on that was used up before.
    pub(super) fn admitted(&self, tx: &mut Tx<'_>, lost: &Lost) -> Outcome<(Admission, Option<ApprovalId>)> {
        let fresh = By::new(self.actor, tx.reading()?).drafting(self.draft);
        let (by, act) = (By { approval: self.approval, ..fresh }, self.act(lost));
        match (admit(tx, &by, &act)?, self.approval) {
            (Ok(admission), _) => Ok(Ok((admission, None))),
            (Err(Rejection::ApprovalEnded { .. }), Some(approval))
                if is_begun(tx, approval, &act, &self.actor.audit_id(), fresh.now)? =>
            {
                let continued = continued(tx, &fresh, act, approval)?;
                Ok(continued.map(|admission| (admission, Some(approval))).map_err(Refusal::Access))
            }
            (Err(rejection), _) => Ok(Err(Refusal::Access(rejection))),
        }
    }

    /// The act that is approved: one hole of the records, and no later one.
    fn act(&self, lost: &Lost) -> Act {
        Act {
            action: ACTION.to_owned(),
            desk: DESK.to_owned(),
            subject: self.operator.to_string(),
            payload: format!(
                "wholeHistory={} blind={} sinceMs={} why={}",
                self.is_whole_history, lost.is_blind, lost.hole.since, self.reason
            ),
            permission: Permission::ResolvePayout,
        }
    }

    /// Uses the approval up with the first payment that is recorded or payout that is taken back, or with the end when there
    /// is none.
    pub(super) fn use_up(&self, tx: &mut Tx<'_>, turn: Turn, is_over: bool) -> Result<(), StoreError> {
        let Turn { admission: Some(admission), continued, lost, now, .. } = turn else { return Ok(()) };
        match (continued, admission.cleared().approval) {
            (Some(approval), _) if is_over => return end(tx, approval, now),
            (Some(_), _) => return Ok(()),
            (None, Some(approval)) if !is_over => {
                begin(tx, approval, &self.act(&lost), &self.actor.audit_id(), now)?;
            }
            (None, _) => {}
        }
        admission.spend(tx).map(|_| ())
    }
}

/// Leave to go on under an approval that is used up, as long as no fewer people approve than the policy asks for by now:
/// one of them may have lost the right, and the policy may have been raised.
fn continued(
    tx: &mut Tx<'_>,
    by: &By<'_>,
    act: Act,
    used: ApprovalId,
) -> Result<Result<Admission, Rejection>, StoreError> {
    let admission = match admit(tx, by, &Act { action: CONTINUED.to_owned(), ..act })? {
        Ok(admission) => admission,
        Err(rejection) => return Ok(Err(rejection)),
    };
    let needed = policy(tx, ACTION)?.approvals_needed_by(admission.actor());
    let given = approval(tx, used)?.map_or(0, |request| request.approvals());
    Ok(if given < needed { Err(Rejection::ApprovalNeeded { needed, given }) } else { Ok(admission) })
}

/// Notes that an act has begun with this approval, which `by` brought.
fn begin(
    tx: &mut Tx<'_>,
    approval: ApprovalId,
    act: &Act,
    by: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO faucet_adoption_run (approval, subject, payload, begun_by, begun_at) \
               VALUES ($1, $2, $3, $4, $5)";
    let (subject, payload) = (act.subject.as_str(), act.payload.as_str());
    let params = [approval.0.into(), subject.into(), payload.into(), by.into(), now.into()];
    tx.execute(sql, &params).map(|_| ())
}

/// Whether exactly this act began with this approval, by the same caller, not longer ago than it may be continued, and has
/// not ended.
fn is_begun(
    tx: &mut Tx<'_>,
    approval: ApprovalId,
    act: &Act,
    by: &str,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let sql = "SELECT approval FROM faucet_adoption_run \
               WHERE approval = $1 AND subject = $2 AND payload = $3 AND begun_by = $4 AND begun_at > $5 \
                 AND ended_at IS NULL";
    let (subject, payload) = (act.subject.as_str(), act.payload.as_str());
    let since = now.after_ms(-CONTINUED_MS);
    let params = [approval.0.into(), subject.into(), payload.into(), by.into(), since.into()];
    Ok(tx.query_first(sql, &params, |row| row.get::<i64>(0))?.is_some())
}

/// Notes that nothing is left of what began with this approval.
fn end(tx: &mut Tx<'_>, approval: ApprovalId, now: Timestamp) -> Result<(), StoreError> {
    let sql = "UPDATE faucet_adoption_run SET ended_at = $2 WHERE approval = $1 AND ended_at IS NULL";
    tx.execute(sql, &[approval.0.into(), now.into()]).map(|_| ())
}
