//! Who may do what: operators, roles, tokens, sessions, the first admin, and four-eyes approvals.
//!
//! Entry points: [`authenticate_token`] and [`authenticate_session`] say who is asking, [`authorize`] is the pure
//! matrix of rights, [`admit`] is the whole gate for a privileged write (operator still enabled, right held, other
//! people's approval where [`Policy`] asks for it). Everything that writes takes a `Tx` and returns what changed, so
//! that the caller records it in the same transaction. Nothing here reads a clock or draws hidden randomness.

mod act;
mod actor;
mod admission;
mod approval;
mod authentication;
mod bootstrap;
mod change;
mod draft;
mod entropy;
mod event;
mod four_eyes;
#[cfg(feature = "fuzz")]
pub mod fuzz;
mod operator;
mod permission;
mod policy;
mod rejection;
mod secret;
mod session;
mod sql;
mod token;

pub use act::{Act, PLATFORM, actions};
pub use actor::{Actor, OperatorId, ServicePrincipal, Via};
pub use admission::{Admission, By, Cleared, Done, admit, admit_with};
pub use approval::{
    APPROVAL_LIFETIME_MS_MAX, ApprovalId, ApprovalRequest, ApprovalState, Vote, decide_clearance, decide_vote,
};
pub use authentication::{
    Authenticated, USE_STAMP_INTERVAL_MS, UseStamp, authenticate_session, authenticate_token, confirm,
    stamp_uses,
};
pub use bootstrap::{
    BOOTSTRAP_LIFETIME_MS, FirstAdmin, OneTimeToken, bootstrap, exchange_bootstrap, replace_bootstrap,
};
pub use change::Change;
pub use draft::{Draft, Drafted, transact_unless_drafting};
pub use entropy::{Entropy, OsEntropy, SeededEntropy};
pub use four_eyes::{
    Filed, approval, approve, blank_ended_approvals, decline_approval, open_approvals, request_approval,
    withdraw_approval,
};
pub use operator::{
    Operator, add_operator, add_payer, check_operator_name, disable_operator, enable_operator,
    operator_by_name, operators, set_role,
};
pub use permission::{Permission, Role, authorize};
pub use policy::{APPROVALS_NEEDED_MAX, Policy, policies, policy, set_policy};
pub use rejection::{CODES, Rejection};
pub use secret::{CredentialId, IssuedSecret};
pub use session::{Session, SessionLimits, end_session, open_session, purge_sessions, sessions_of};
pub use token::{Issued, TOKENS_PER_OPERATOR_MAX, Token, TokenOrder, issue_token, revoke_token, tokens_of};

use bursar_store::{Migration, StoreError};

/// The tables of this room.
pub const MIGRATIONS: [Migration; 2] = [
    Migration { name: "access/0001_access", epoch: 1, sql: include_str!("../migrations/0001_access.sql") },
    Migration { name: "access/0002_payers", epoch: 1, sql: include_str!("../migrations/0002_payers.sql") },
];

/// What an operation ends in: our fault outside, the caller's doing inside. A rejection has written nothing, so the
/// transaction may be committed with a record of the refusal.
pub type Outcome<T> = Result<Result<T, Rejection>, StoreError>;

/// Takes the value of an accepted step, or returns its rejection from an [`Outcome`] function.
macro_rules! accepted {
    ($step:expr) => {
        match $step {
            Ok(value) => value,
            Err(rejection) => return Ok(Err(rejection)),
        }
    };
}
pub(crate) use accepted;
