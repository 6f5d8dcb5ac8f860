//! Asking for approval, and giving, declining and withdrawing it.

use bursar_store::{StoreError, Timestamp, Tx};

use crate::actor::Via;
use crate::admission::{Admission, By, Done, admit_as_oneself, take_turn};
use crate::approval::{APPROVAL_LIFETIME_MS_MAX, ApprovalId, ApprovalRequest, ApprovalState, decide_vote};
use crate::permission::authorize;
use crate::rejection::Rejection;
use crate::{Act, Change, Outcome, accepted, sql};

/// A request that was filed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filed {
    /// Its number, to be given to colleagues and brought back in [`By::with`].
    pub id: ApprovalId,
    /// What was done.
    pub done: Done,
}

/// Asks others to approve `act` within `lifetime_ms` (at most 7 days). Takes the right to do the act itself, and a
/// requester who is proven: nobody asks by a name at the command line, since they could approve under their own.
pub fn request_approval(tx: &mut Tx<'_>, by: &By<'_>, act: &Act, lifetime_ms: i64) -> Outcome<Filed> {
    accepted!(act.check());
    if !(1..=APPROVAL_LIFETIME_MS_MAX).contains(&lifetime_ms) {
        return Ok(Err(Rejection::Invalid { field: "lifetime", rule: "it is 1 ms to 7 days" }));
    }
    let id = ApprovalId(take_turn(tx)?);
    let admission = accepted!(admit_as_oneself(tx, by)?);
    let actor = admission.actor();
    if matches!(actor.via, Via::Cli) {
        return Ok(Err(Rejection::NotAnOperator));
    }
    accepted!(authorize(actor, act.permission, &act.desk));
    let request = ApprovalRequest {
        id,
        action: act.action.clone(),
        desk: act.desk.clone(),
        subject: act.subject.clone(),
        payload: act.payload.clone(),
        digest: act.digest().to_vec(),
        permission: act.permission,
        requested_by: actor.audit_id(),
        requester_name: actor.name.clone(),
        requested_at: by.now,
        expires_at: by.now.after_ms(lifetime_ms),
        state: ApprovalState::Open,
        votes: Vec::new(),
    };
    sql::insert_approval(tx, &request)?;
    let change = Change::ApprovalRequested {
        approval: id,
        action: request.action,
        desk: request.desk,
        subject: request.subject,
        expires_at_ms: request.expires_at.ms(),
    };
    Ok(admission.done(tx, change)?.map(|done| Filed { id, done }))
}

/// Approves a request. A second approval by the same person is [`Rejection::NothingToChange`] and counts for nothing.
pub fn approve(tx: &mut Tx<'_>, by: &By<'_>, id: ApprovalId) -> Outcome<Done> {
    let (admission, mut request) = accepted!(open_for_vote(tx, by, id)?);
    let operator = accepted!(decide_vote(&request, admission.actor(), by.now));
    if !sql::insert_vote(tx, id, operator, by.now)? {
        return Ok(Err(Rejection::NothingToChange));
    }
    request.votes = sql::votes(tx, id)?;
    admission.done(tx, Change::Approved { approval: id, approvals: request.approvals() })
}

/// Declines a request, which ends it whoever has approved.
pub fn decline_approval(tx: &mut Tx<'_>, by: &By<'_>, id: ApprovalId) -> Outcome<Done> {
    let (admission, request) = accepted!(open_for_vote(tx, by, id)?);
    accepted!(decide_vote(&request, admission.actor(), by.now));
    end(tx, by, admission, id, ApprovalState::Declined, Change::ApprovalDeclined { approval: id })
}

/// Takes one's own request back.
pub fn withdraw_approval(tx: &mut Tx<'_>, by: &By<'_>, id: ApprovalId) -> Outcome<Done> {
    let (admission, request) = accepted!(open_for_vote(tx, by, id)?);
    if request.requested_by != admission.actor().audit_id() {
        return Ok(Err(Rejection::ApprovalMismatch));
    }
    accepted!(request.check_open(by.now));
    end(tx, by, admission, id, ApprovalState::Withdrawn, Change::ApprovalWithdrawn { approval: id })
}

/// One request with its approvals.
pub fn approval(tx: &mut Tx<'_>, id: ApprovalId) -> Result<Option<ApprovalRequest>, StoreError> {
    sql::approval(tx, id)
}

/// Up to `limit` requests that wait at `now`, newest first, below `before` (`None` = from the newest).
pub fn open_approvals(
    tx: &mut Tx<'_>,
    now: Timestamp,
    before: Option<ApprovalId>,
    limit: i64,
) -> Result<Vec<ApprovalRequest>, StoreError> {
    sql::open_approvals(tx, now, before.unwrap_or(ApprovalId(i64::MAX)), limit)
}

/// Blanks the payloads of requests that ended or ran out before `before`, and says how many. The digests stay.
pub fn blank_ended_approvals(tx: &mut Tx<'_>, before: Timestamp) -> Result<u64, StoreError> {
    sql::blank_ended_approvals(tx, before)
}

fn open_for_vote(tx: &mut Tx<'_>, by: &By<'_>, id: ApprovalId) -> Outcome<(Admission, ApprovalRequest)> {
    take_turn(tx)?;
    let admission = accepted!(admit_as_oneself(tx, by)?);
    Ok(sql::approval(tx, id)?.map(|request| (admission, request)).ok_or(Rejection::ApprovalUnknown))
}

fn end(
    tx: &mut Tx<'_>,
    by: &By<'_>,
    admission: Admission,
    id: ApprovalId,
    state: ApprovalState,
    change: Change,
) -> Outcome<Done> {
    if !sql::end_approval(tx, id, state, &admission.actor().audit_id(), by.now)? {
        return Err(StoreError::Conflict(format!("approval {id} ended meanwhile")));
    }
    admission.done(tx, change)
}
