//! What an operation changed, as the audit log records it.

use crate::actor::{OperatorId, ServicePrincipal};
use crate::approval::ApprovalId;
use crate::permission::Role;
use crate::secret::CredentialId;

/// One change. Serialized it is the audit event's payload: it may name people, and never holds a secret.
/// Times are Unix milliseconds.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(tag = "change", rename_all = "snake_case", rename_all_fields = "camelCase")]
pub enum Change {
    /// An operator was added.
    OperatorAdded {
        /// The operator.
        operator: OperatorId,
        /// The operator's name.
        name: String,
        /// The role.
        role: Role,
        /// The one desk that a payer may have pay.
        #[serde(skip_serializing_if = "Option::is_none")]
        desk: Option<String>,
    },
    /// An operator's role was changed.
    RoleChanged {
        /// The operator.
        operator: OperatorId,
        /// The operator's name.
        name: String,
        /// The role before.
        from: Role,
        /// The role now.
        to: Role,
    },
    /// An operator was disabled, and with it all that was live.
    OperatorDisabled {
        /// The operator.
        operator: OperatorId,
        /// The operator's name.
        name: String,
        /// Tokens that were live.
        tokens_revoked: u64,
        /// Sessions that were open.
        sessions_ended: u64,
    },
    /// An operator was enabled again, without any credential.
    OperatorEnabled {
        /// The operator.
        operator: OperatorId,
        /// The operator's name.
        name: String,
    },
    /// A token was issued.
    TokenIssued {
        /// The token.
        token: CredentialId,
        /// The operator.
        operator: OperatorId,
        /// What the token is for.
        label: String,
        /// When it ends, Unix milliseconds.
        expires_at_ms: Option<i64>,
    },
    /// A token was revoked, and the sessions that it opened with it.
    TokenRevoked {
        /// The token.
        token: CredentialId,
        /// The operator.
        operator: OperatorId,
        /// Sessions that were open.
        sessions_ended: u64,
    },
    /// A session was opened.
    SessionOpened {
        /// The session.
        session: CredentialId,
        /// The operator.
        operator: OperatorId,
        /// The token.
        token: CredentialId,
        /// When it ends, Unix milliseconds.
        expires_at_ms: i64,
    },
    /// A session was ended before its time.
    SessionEnded {
        /// The session.
        session: CredentialId,
        /// The operator.
        operator: OperatorId,
    },
    /// A one-time token for the first admin was made.
    BootstrapIssued {
        /// The one-time token.
        bootstrap: CredentialId,
        /// When it ends, Unix milliseconds.
        expires_at_ms: i64,
    },
    /// The one-time token was exchanged for the first admin.
    BootstrapExchanged {
        /// The one-time token.
        bootstrap: CredentialId,
        /// The operator.
        operator: OperatorId,
        /// The operator's name.
        name: String,
        /// The token.
        token: CredentialId,
    },
    /// How many approvals an action needs was changed.
    PolicySet {
        /// The action.
        action: String,
        /// Approvals needed before.
        from_approvals: u32,
        /// Approvals needed now.
        to_approvals: u32,
        /// Services bound before.
        from_services: Vec<ServicePrincipal>,
        /// Services bound now.
        to_services: Vec<ServicePrincipal>,
    },
    /// An approval was asked for.
    ApprovalRequested {
        /// The request.
        approval: ApprovalId,
        /// The action.
        action: String,
        /// The desk.
        desk: String,
        /// What it acts on.
        subject: String,
        /// When it ends, Unix milliseconds.
        expires_at_ms: i64,
    },
    /// Somebody approved; `approvals` people have now.
    Approved {
        /// The request.
        approval: ApprovalId,
        /// Approvals so far.
        approvals: u32,
    },
    /// Somebody declined, which ends the request.
    ApprovalDeclined {
        /// The request.
        approval: ApprovalId,
    },
    /// The requester withdrew the request.
    ApprovalWithdrawn {
        /// The request.
        approval: ApprovalId,
    },
}

impl Change {
    /// The audit event's name.
    #[must_use]
    pub const fn event(&self) -> &'static str {
        match self {
            Change::OperatorAdded { .. } => "access.operator_added",
            Change::RoleChanged { .. } => "access.role_changed",
            Change::OperatorDisabled { .. } => "access.operator_disabled",
            Change::OperatorEnabled { .. } => "access.operator_enabled",
            Change::TokenIssued { .. } => "access.token_issued",
            Change::TokenRevoked { .. } => "access.token_revoked",
            Change::SessionOpened { .. } => "access.session_opened",
            Change::SessionEnded { .. } => "access.session_ended",
            Change::BootstrapIssued { .. } => "access.bootstrap_issued",
            Change::BootstrapExchanged { .. } => "access.bootstrap_exchanged",
            Change::PolicySet { .. } => "access.policy_set",
            Change::ApprovalRequested { .. } => "access.approval_requested",
            Change::Approved { .. } => "access.approved",
            Change::ApprovalDeclined { .. } => "access.approval_declined",
            Change::ApprovalWithdrawn { .. } => "access.approval_withdrawn",
        }
    }

    /// What was changed: type and id, neither of them personal data.
    #[must_use]
    pub fn target(&self) -> (&'static str, String) {
        match self {
            Change::OperatorAdded { operator, .. }
            | Change::RoleChanged { operator, .. }
            | Change::OperatorDisabled { operator, .. }
            | Change::OperatorEnabled { operator, .. } => ("operator", operator.to_string()),
            Change::TokenIssued { token, .. } | Change::TokenRevoked { token, .. } => {
                ("token", token.to_string())
            }
            Change::SessionOpened { session, .. } | Change::SessionEnded { session, .. } => {
                ("session", session.to_string())
            }
            Change::BootstrapIssued { bootstrap, .. } | Change::BootstrapExchanged { bootstrap, .. } => {
                ("bootstrap", bootstrap.to_string())
            }
            Change::PolicySet { action, .. } => ("policy", action.clone()),
            Change::ApprovalRequested { approval, .. }
            | Change::Approved { approval, .. }
            | Change::ApprovalDeclined { approval }
            | Change::ApprovalWithdrawn { approval } => ("approval", approval.to_string()),
        }
    }
}
