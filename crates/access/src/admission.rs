//! The gate for privileged writes: is the caller still who they were, have they the right, and who else agreed.

use bursar_store::{Sequence, StoreError, Timestamp, Tx};

use crate::actor::{Actor, OperatorId};
use crate::approval::{ApprovalId, ApprovalState, decide_clearance};
use crate::authentication::confirm;
use crate::draft::{Draft, Drafted};
use crate::permission::authorize;
use crate::policy::{Policy, policy};
use crate::rejection::Rejection;
use crate::{Act, Change, Outcome, accepted, sql};

/// Numbers of operators and approvals, and the row by which writers of this room take turns.
const TURNS: Sequence = Sequence("access");

/// Who asks, when, and with which approval.
#[derive(Clone, Copy, Debug)]
pub struct By<'a> {
    /// The caller, as authenticated.
    pub actor: &'a Actor,
    /// The batch's time.
    pub now: Timestamp,
    /// The approval request that the caller has had approved for this act.
    pub approval: Option<ApprovalId>,
    /// Where the act is written down instead of being admitted.
    pub draft: Option<&'a Draft>,
}

impl<'a> By<'a> {
    /// A caller without an approval.
    #[must_use]
    pub fn new(actor: &'a Actor, now: Timestamp) -> By<'a> {
        By { actor, now, approval: None, draft: None }
    }

    /// The same caller, with an approval.
    #[must_use]
    pub fn with(self, approval: ApprovalId) -> By<'a> {
        By { approval: Some(approval), ..self }
    }

    /// The same caller, who only wants to know what would be admitted.
    #[must_use]
    pub fn drafting(self, draft: Option<&'a Draft>) -> By<'a> {
        By { draft, ..self }
    }

    /// Refuses a draft of what nobody is asked about. To be called before anything is done without [`admit`].
    ///
    /// # Errors
    /// [`Rejection::ApprovalNotNeeded`].
    pub fn check_undrafted(&self) -> Result<(), Rejection> {
        if self.draft.is_some() { Err(Rejection::ApprovalNotNeeded) } else { Ok(()) }
    }
}

/// Leave to do one act in this transaction. Nothing is written yet: decide the rest, then [`Admission::spend`] it.
#[derive(Debug)]
#[must_use = "the approval is used up only when the admission is spent"]
pub struct Admission {
    cleared: Cleared,
    now: Timestamp,
}

/// By whom an act was done and who approved it, for the audit log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cleared {
    /// Who did it, with the role of this moment.
    pub actor: Actor,
    /// The approval that it used up.
    pub approval: Option<ApprovalId>,
    /// Those whose approval counted.
    pub approvers: Vec<OperatorId>,
}

/// An operation of this room that was done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Done {
    /// What changed.
    pub change: Change,
    /// By whom, with whose approval.
    pub cleared: Cleared,
}

/// Decides whether `by` may do `act` now: the operator is confirmed and locked against change, the right is checked,
/// and where policy asks for it, the approval named in `by` must be their own, for exactly this act, and sufficient.
pub fn admit(tx: &mut Tx<'_>, by: &By<'_>, act: &Act) -> Outcome<Admission> {
    admit_with(tx, by, act, 0)
}

/// The same for an act that takes so many approvals at least, whatever the policy of its action says: one that would
/// loosen what other people must approve takes what it loosens.
pub fn admit_with(tx: &mut Tx<'_>, by: &By<'_>, act: &Act, approvals_needed: u32) -> Outcome<Admission> {
    accepted!(act.check());
    if by.approval.is_some() {
        // Before any other lock, so that two users of one approval queue up instead of deadlocking.
        take_turn(tx)?;
    }
    let actor = accepted!(confirm(tx, by.actor, by.now)?);
    accepted!(authorize(&actor, act.permission, &act.desk));
    let policy = policy(tx, &act.action)?;
    let policy = Policy { approvals_needed: policy.approvals_needed.max(approvals_needed), ..policy };
    if let Some(draft) = by.draft {
        let needed = policy.approvals_needed_by(&actor);
        draft.put(Drafted { act: act.clone(), approvals_needed: needed });
        return Ok(Err(Rejection::ApprovalNeeded { needed, given: 0 }));
    }
    let request = match by.approval {
        Some(id) => match sql::approval(tx, id)? {
            Some(request) => Some(request),
            None => return Ok(Err(Rejection::ApprovalUnknown)),
        },
        None => None,
    };
    accepted!(decide_clearance(&policy, &actor, act, request.as_ref(), by.now));
    let approvers = request.iter().flat_map(|request| request.counted()).map(|vote| vote.operator).collect();
    Ok(Ok(Admission { cleared: Cleared { actor, approval: by.approval, approvers }, now: by.now }))
}

/// Admits an operator to what concerns only their own credentials.
pub(crate) fn admit_as_oneself(tx: &mut Tx<'_>, by: &By<'_>) -> Outcome<Admission> {
    accepted!(by.check_undrafted());
    let actor = accepted!(confirm(tx, by.actor, by.now)?);
    Ok(Ok(Admission { cleared: Cleared { actor, approval: None, approvers: Vec::new() }, now: by.now }))
}

impl Admission {
    /// Who is admitted, with the role of this moment.
    #[must_use]
    pub fn actor(&self) -> &Actor {
        &self.cleared.actor
    }

    /// By whom the act is done, and whose approval it will use up.
    #[must_use]
    pub fn cleared(&self) -> &Cleared {
        &self.cleared
    }

    /// Uses the approval up, in the transaction that does the act.
    pub fn spend(self, tx: &mut Tx<'_>) -> Result<Cleared, StoreError> {
        if let Some(id) = self.cleared.approval {
            let by = self.cleared.actor.audit_id();
            if !sql::end_approval(tx, id, ApprovalState::Spent, &by, self.now)? {
                return Err(StoreError::Conflict(format!("approval {id} ended meanwhile")));
            }
        }
        Ok(self.cleared)
    }

    pub(crate) fn done(self, tx: &mut Tx<'_>, change: Change) -> Outcome<Done> {
        Ok(Ok(Done { change, cleared: self.spend(tx)? }))
    }
}

/// Waits until no other transaction writes in this room, and returns a number that was never given before. What is
/// read after it stays as it is until this transaction ends.
pub(crate) fn take_turn(tx: &mut Tx<'_>) -> Result<i64, StoreError> {
    tx.allocate(TURNS, 1)
}
