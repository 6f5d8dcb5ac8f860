//! What callers are refused for, with a stable code, a status, and words on what to do next.

use crate::permission::{Permission, Role};

/// A refusal: the caller's doing. The text can be shown to the caller as it is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// One answer for unknown, wrong, expired and revoked credentials and for disabled operators.
    #[error(
        "These credentials are not accepted: they are unknown, expired or revoked. Sign in again, or ask an admin \
         for a new token."
    )]
    Unauthorized,
    /// The role does not include the right.
    #[error(
        "The role {role} does not include {permission}. Ask somebody with the role {} or above.",
        permission.lowest_role()
    )]
    RoleTooLow {
        /// What the actor has.
        role: Role,
        /// What was asked for.
        permission: Permission,
    },
    /// A service principal reaches beyond its desk.
    #[error(
        "These credentials belong to the desk {own} and do not give {permission} on {asked}. Use the admin \
         credentials of {asked}, or an operator's."
    )]
    OtherDesk {
        /// The principal's desk.
        own: String,
        /// The desk asked for.
        asked: String,
        /// The right asked for.
        permission: Permission,
    },
    /// Only an operator's account can do this: who it is has to be proven, and a name proves nobody.
    #[error(
        "Only an operator can do this, not a service key or a name at the command line. Sign in to the console, or \
         give your token to the command in a file (--token-file) or in BURSAR_OPERATOR_TOKEN."
    )]
    NotAnOperator,
    /// A session is not enough for this.
    #[error(
        "A session is not enough for this, because what it makes would outlive it. Use your token instead."
    )]
    TokenNeeded,
    /// A value that breaks its rule.
    #[error("The {field} is not acceptable: {rule}. Correct it and try again.")]
    Invalid {
        /// Which value.
        field: &'static str,
        /// What holds for it.
        rule: &'static str,
    },
    /// The name is taken; names are never given twice.
    #[error(
        "An operator of this name exists already, enabled or not. Choose another name, or enable that operator."
    )]
    OperatorExists,
    /// No operator has this name.
    #[error("There is no operator of this name. Look it up in the list of operators.")]
    OperatorUnknown,
    /// The operator is disabled.
    #[error("This operator is disabled and can hold no token. Enable the operator first.")]
    OperatorDisabled,
    /// Nobody could manage operators any more.
    #[error("This is the last enabled admin, and nobody could undo this. Make somebody else admin first.")]
    LastAdmin,
    /// The change is already in effect.
    #[error("This is so already; nothing was changed.")]
    NothingToChange,
    /// No such token or session, or none that still lives.
    #[error("There is no live credential with this id. Look it up in the operator's list.")]
    CredentialUnknown,
    /// The operator has as many tokens as allowed.
    #[error("The operator has {max} live tokens, which is the most. Revoke one that is not used.")]
    TooManyTokens {
        /// The most there may be.
        max: u32,
    },
    /// Policy asks for other people's approval.
    #[error(
        "This takes the approval of {needed} other people and has {given}. File an approval request, have it \
         approved, and repeat this with its id."
    )]
    ApprovalNeeded {
        /// Approvers needed.
        needed: u32,
        /// Approvers that count so far.
        given: u32,
    },
    /// Approval was asked for what takes nobody's.
    #[error(
        "No policy asks for other people's approval of this, so there is nothing to ask them. Do it without."
    )]
    ApprovalNotNeeded,
    /// No such request.
    #[error("There is no approval request with this id. Look it up in the list of requests.")]
    ApprovalUnknown,
    /// The request was made by somebody else, or for something else.
    #[error(
        "This approval request is somebody else's, or not for exactly this act. File a request of your own for what \
         you want to do."
    )]
    ApprovalMismatch,
    /// The request was used, declined, withdrawn, or ran out.
    #[error("This approval request has ended: it was {how}. File a new one.")]
    ApprovalEnded {
        /// How it ended.
        how: &'static str,
    },
    /// Nobody approves for themselves.
    #[error(
        "This request is your own, and it takes other people to approve it. Ask a colleague with the same right."
    )]
    OwnRequest,
}

/// Every code with its status, for the registry of error codes.
pub const CODES: [(&str, u16); 18] = [
    ("unauthorized", 401),
    ("forbidden", 403),
    ("operator_needed", 403),
    ("token_needed", 403),
    ("invalid_body", 400),
    ("operator_exists", 409),
    ("operator_not_found", 404),
    ("operator_disabled", 409),
    ("last_admin", 409),
    ("nothing_to_change", 409),
    ("credential_not_found", 404),
    ("too_many_tokens", 409),
    ("approval_needed", 409),
    ("approval_not_needed", 409),
    ("approval_not_found", 404),
    ("approval_mismatch", 409),
    ("approval_ended", 409),
    ("own_request", 403),
];

impl Rejection {
    /// The stable code; it never changes once published.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Rejection::Unauthorized => "unauthorized",
            Rejection::RoleTooLow { .. } | Rejection::OtherDesk { .. } => "forbidden",
            Rejection::NotAnOperator => "operator_needed",
            Rejection::TokenNeeded => "token_needed",
            Rejection::Invalid { .. } => "invalid_body",
            Rejection::OperatorExists => "operator_exists",
            Rejection::OperatorUnknown => "operator_not_found",
            Rejection::OperatorDisabled => "operator_disabled",
            Rejection::LastAdmin => "last_admin",
            Rejection::NothingToChange => "nothing_to_change",
            Rejection::CredentialUnknown => "credential_not_found",
            Rejection::TooManyTokens { .. } => "too_many_tokens",
            Rejection::ApprovalNeeded { .. } => "approval_needed",
            Rejection::ApprovalNotNeeded => "approval_not_needed",
            Rejection::ApprovalUnknown => "approval_not_found",
            Rejection::ApprovalMismatch => "approval_mismatch",
            Rejection::ApprovalEnded { .. } => "approval_ended",
            Rejection::OwnRequest => "own_request",
        }
    }

    /// The HTTP status it is sent with.
    #[must_use]
    pub const fn status(&self) -> u16 {
        match self {
            Rejection::Invalid { .. } => 400,
            Rejection::Unauthorized => 401,
            Rejection::RoleTooLow { .. }
            | Rejection::OtherDesk { .. }
            | Rejection::NotAnOperator
            | Rejection::TokenNeeded
            | Rejection::OwnRequest => 403,
            Rejection::OperatorUnknown | Rejection::CredentialUnknown | Rejection::ApprovalUnknown => 404,
            Rejection::OperatorExists
            | Rejection::OperatorDisabled
            | Rejection::LastAdmin
            | Rejection::NothingToChange
            | Rejection::TooManyTokens { .. }
            | Rejection::ApprovalNeeded { .. }
            | Rejection::ApprovalNotNeeded
            | Rejection::ApprovalMismatch
            | Rejection::ApprovalEnded { .. } => 409,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one_of_each() -> Vec<Rejection> {
        let permission = Permission::ResolvePayout;
        vec![
            Rejection::Unauthorized,
            Rejection::RoleTooLow { role: Role::Viewer, permission },
            Rejection::OtherDesk { own: "rounds".into(), asked: "faucet".into(), permission },
            Rejection::NotAnOperator,
            Rejection::TokenNeeded,
            Rejection::Invalid { field: "name", rule: "r" },
            Rejection::OperatorExists,
            Rejection::OperatorUnknown,
            Rejection::OperatorDisabled,
            Rejection::LastAdmin,
            Rejection::NothingToChange,
            Rejection::CredentialUnknown,
            Rejection::TooManyTokens { max: 20 },
            Rejection::ApprovalNeeded { needed: 2, given: 1 },
            Rejection::ApprovalNotNeeded,
            Rejection::ApprovalUnknown,
            Rejection::ApprovalMismatch,
            Rejection::ApprovalEnded { how: "declined" },
            Rejection::OwnRequest,
        ]
    }

    #[test]
    fn every_rejections_code_and_status_are_in_the_list() {
        let mut listed: Vec<(&str, u16)> = CODES.to_vec();
        for rejection in one_of_each() {
            let pair = (rejection.code(), rejection.status());
            assert!(CODES.contains(&pair), "{pair:?}");
            listed.retain(|listed| *listed != pair);
        }
        assert_eq!(listed, []);
    }

    #[test]
    fn a_rejection_says_what_why_and_what_to_do() {
        let refused = Rejection::RoleTooLow { role: Role::Viewer, permission: Permission::ResolvePayout };
        assert_eq!(
            refused.to_string(),
            "The role viewer does not include resolve_payout. Ask somebody with the role admin or above."
        );
        let needed = Rejection::ApprovalNeeded { needed: 2, given: 1 }.to_string();
        assert!(needed.starts_with("This takes the approval of 2 other people and has 1."), "{needed}");
    }
}
