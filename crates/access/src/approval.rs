//! Approval requests and the pure rules of four-eyes: who may approve, and when an act is cleared.

use std::fmt;

use bursar_store::Timestamp;

use crate::Act;
use crate::actor::{Actor, OperatorId, Via};
use crate::permission::{Permission, Role, authorize};
use crate::policy::Policy;
use crate::rejection::Rejection;

/// Longest life of a request, in milliseconds: 7 days.
pub const APPROVAL_LIFETIME_MS_MAX: i64 = 604_800_000;

/// Number of an approval request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize)]
#[serde(transparent)]
pub struct ApprovalId(pub i64);

impl fmt::Display for ApprovalId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Where a request stands. It leaves `Open` once and for good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ApprovalState {
    /// Waits for approvals, or for the act.
    Open,
    /// The act was done with it.
    Spent,
    /// Somebody with the right said no.
    Declined,
    /// The requester took it back.
    Withdrawn,
}

impl ApprovalState {
    const ALL: [ApprovalState; 4] =
        [ApprovalState::Open, ApprovalState::Spent, ApprovalState::Declined, ApprovalState::Withdrawn];

    /// Its stored name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            ApprovalState::Open => "open",
            ApprovalState::Spent => "spent",
            ApprovalState::Declined => "declined",
            ApprovalState::Withdrawn => "withdrawn",
        }
    }

    /// The state of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<ApprovalState> {
        ApprovalState::ALL.into_iter().find(|state| state.name() == name)
    }
}

/// One operator's approval, with the operator as it stands now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vote {
    /// Who.
    pub operator: OperatorId,
    /// Their name.
    pub name: String,
    /// Their role now.
    pub role: Role,
    /// Whether they are enabled now.
    pub enabled: bool,
    /// When they approved.
    pub at: Timestamp,
}

/// A request to have one act approved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApprovalRequest {
    /// Its number.
    pub id: ApprovalId,
    /// The action.
    pub action: String,
    /// The desk, or `platform`.
    pub desk: String,
    /// What it acts on.
    pub subject: String,
    /// The act in full, as approvers read it.
    pub payload: String,
    /// What it is bound to.
    pub digest: Vec<u8>,
    /// The right that it and its approval take.
    pub permission: Permission,
    /// Who asked, as the audit log calls them.
    pub requested_by: String,
    /// Their name.
    pub requester_name: String,
    /// When they asked.
    pub requested_at: Timestamp,
    /// From when on it is worth nothing.
    pub expires_at: Timestamp,
    /// Where it stands.
    pub state: ApprovalState,
    /// One entry a person, in the order of their numbers.
    pub votes: Vec<Vote>,
}

impl ApprovalRequest {
    /// The approvals that count: of people other than the requester who are still enabled and still have the right.
    pub fn counted(&self) -> impl Iterator<Item = &Vote> {
        self.votes.iter().filter(|vote| {
            let is_entitled = vote.enabled && vote.role.includes(self.permission);
            is_entitled && !self.is_requester(vote.operator, &vote.name)
        })
    }

    /// How many approvals count.
    #[must_use]
    pub fn approvals(&self) -> u32 {
        u32::try_from(self.counted().count()).unwrap_or(u32::MAX)
    }

    /// Refuses a request that has ended or run out.
    pub(crate) fn check_open(&self, now: Timestamp) -> Result<(), Rejection> {
        match self.state {
            ApprovalState::Open if now < self.expires_at => Ok(()),
            ApprovalState::Open => Err(Rejection::ApprovalEnded { how: "left until it ran out" }),
            ApprovalState::Spent => Err(Rejection::ApprovalEnded { how: "used" }),
            ApprovalState::Declined => Err(Rejection::ApprovalEnded { how: "declined" }),
            ApprovalState::Withdrawn => Err(Rejection::ApprovalEnded { how: "withdrawn" }),
        }
    }

    /// Whether an operator is the person who asked. The same name is taken for the same person, such as that of a
    /// service principal.
    fn is_requester(&self, operator: OperatorId, name: &str) -> bool {
        self.requested_by == format!("operator:{operator}") || self.requester_name == name
    }
}

/// Whether `actor` may do `act` now, under `policy` and with `request`, if they bring one. Four-eyes as a pure rule.
///
/// # Errors
/// [`Rejection::NotAnOperator`] when approval is needed and the actor is known by a name at the command line alone;
/// [`Rejection::ApprovalNeeded`] when too few approve; [`Rejection::ApprovalMismatch`] or
/// [`Rejection::ApprovalEnded`] when the request brought is of no use.
pub fn decide_clearance(
    policy: &Policy,
    actor: &Actor,
    act: &Act,
    request: Option<&ApprovalRequest>,
    now: Timestamp,
) -> Result<(), Rejection> {
    let needed = policy.approvals_needed_by(actor);
    if matches!(actor.via, Via::Cli) && (needed > 0 || request.is_some()) {
        // At the command line anybody can give any name, so four eyes could be two.
        return Err(Rejection::NotAnOperator);
    }
    let given = match request {
        None => 0,
        Some(request) => {
            if request.requested_by != actor.audit_id() || request.digest != act.digest() {
                return Err(Rejection::ApprovalMismatch);
            }
            request.check_open(now)?;
            request.approvals()
        }
    };
    if given >= needed { Ok(()) } else { Err(Rejection::ApprovalNeeded { needed, given }) }
}

/// Whether `actor` may approve or decline `request` now, and as which operator.
///
/// # Errors
/// [`Rejection::NotAnOperator`], [`Rejection::OwnRequest`], [`Rejection::ApprovalEnded`], or the refusal of
/// [`authorize`] for the right that the act itself takes.
pub fn decide_vote(
    request: &ApprovalRequest,
    actor: &Actor,
    now: Timestamp,
) -> Result<OperatorId, Rejection> {
    let operator = actor.operator().ok_or(Rejection::NotAnOperator)?;
    authorize(actor, request.permission, &request.desk)?;
    request.check_open(now)?;
    if request.is_requester(operator, &actor.name) {
        return Err(Rejection::OwnRequest);
    }
    Ok(operator)
}

#[cfg(test)]
mod tests;
