//! One act as it is admitted and approved: what, where, on what, in full, and the right it takes.

use crate::permission::{Permission, Role};
use crate::policy::Policy;
use crate::rejection::Rejection;

/// The desk named by acts that belong to no desk.
pub const PLATFORM: &str = "platform";

/// Longest action name, in bytes.
const ACTION_LENGTH_MAX: usize = 64;
/// Longest desk or subject, in bytes.
const SUBJECT_LENGTH_MAX: usize = 256;
/// Longest payload that people can be asked to approve, in bytes.
const PAYLOAD_LENGTH_MAX: usize = 16_384;
const DIGEST_CONTEXT: &str = "bursar access act digest v1";

/// The actions of this room, as policies name them.
pub mod actions {
    /// Adding an operator.
    pub const ADD_OPERATOR: &str = "access.operator.add";
    /// Changing an operator's role.
    pub const SET_ROLE: &str = "access.operator.set_role";
    /// Disabling an operator.
    pub const DISABLE_OPERATOR: &str = "access.operator.disable";
    /// Enabling an operator again.
    pub const ENABLE_OPERATOR: &str = "access.operator.enable";
    /// Issuing a token for somebody else.
    pub const ISSUE_TOKEN: &str = "access.token.issue";
    /// Changing how many approvals an action needs.
    pub const SET_POLICY: &str = "access.policy.set";
}

/// One act.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Act {
    /// Stable name of the action, which policies refer to: a-z, 0-9, `.`, `_` and `-`, at most 64.
    pub action: String,
    /// The desk it acts on, or [`PLATFORM`].
    pub desk: String,
    /// What it acts on, such as a payout's id; at most 256 bytes.
    pub subject: String,
    /// The act in full, in a canonical text that approvers can read; at most 16 KiB. No secrets.
    pub payload: String,
    /// The right it takes, and that its approvers must hold too.
    pub permission: Permission,
}

impl Act {
    /// Adding an operator.
    #[must_use]
    pub fn add_operator(name: &str, role: Role) -> Act {
        Act::on_people(actions::ADD_OPERATOR, name, format!("role={role}"))
    }

    /// Adding a payer.
    #[must_use]
    pub fn add_payer(name: &str, desk: &str) -> Act {
        Act::on_people(actions::ADD_OPERATOR, name, format!("role={} desk={desk}", Role::Payer))
    }

    /// Changing an operator's role.
    #[must_use]
    pub fn set_role(name: &str, role: Role) -> Act {
        Act::on_people(actions::SET_ROLE, name, format!("role={role}"))
    }

    /// Disabling an operator.
    #[must_use]
    pub fn disable_operator(name: &str) -> Act {
        Act::on_people(actions::DISABLE_OPERATOR, name, String::new())
    }

    /// Enabling an operator again.
    #[must_use]
    pub fn enable_operator(name: &str) -> Act {
        Act::on_people(actions::ENABLE_OPERATOR, name, String::new())
    }

    /// Issuing a token for somebody else that is accepted for `lifetime_ms` from its issue on (`None` = until it is
    /// revoked).
    #[must_use]
    pub fn issue_token(name: &str, label: &str, lifetime_ms: Option<i64>) -> Act {
        let lifetime = lifetime_ms.map_or_else(|| "never".to_owned(), |ms| format!("{ms}ms"));
        // The label, which may read like anything, comes last.
        Act::on_people(actions::ISSUE_TOKEN, name, format!("expires_in={lifetime} label={label}"))
    }

    /// Revoking a token or ending a session; no policy holds that up.
    pub(crate) fn revoke_credential(name: &str) -> Act {
        Act::on_people("access.credential.revoke", name, String::new())
    }

    /// Setting a policy.
    #[must_use]
    pub fn set_policy(policy: &Policy) -> Act {
        let mut services: Vec<String> = policy.services.iter().map(ToString::to_string).collect();
        services.sort();
        services.dedup();
        Act {
            action: actions::SET_POLICY.into(),
            desk: PLATFORM.into(),
            subject: policy.action.clone(),
            payload: format!("approvals_needed={} services={}", policy.approvals_needed, services.join(",")),
            permission: Permission::ManagePolicy,
        }
    }

    fn on_people(action: &'static str, name: &str, payload: String) -> Act {
        Act {
            action: action.into(),
            desk: PLATFORM.into(),
            subject: name.to_owned(),
            payload,
            permission: Permission::ManageOperators,
        }
    }

    /// What an approval is bound to: every part of the act, each with its length.
    pub(crate) fn digest(&self) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new_derive_key(DIGEST_CONTEXT);
        let parts = [&self.action, &self.desk, &self.subject, &self.payload, self.permission.name()];
        for part in parts {
            let length = u64::try_from(part.len()).unwrap_or(u64::MAX);
            hasher.update(&length.to_be_bytes()).update(part.as_bytes());
        }
        *hasher.finalize().as_bytes()
    }

    /// Refuses what could not be stored or shown to approvers.
    pub(crate) fn check(&self) -> Result<(), Rejection> {
        check_action(&self.action)?;
        let bounded = |field, text: &str, length_max| {
            let fits = text.len() <= length_max && !text.contains('\0');
            fits.then_some(())
                .ok_or(Rejection::Invalid { field, rule: "it is too long or holds a NUL character" })
        };
        bounded("desk", &self.desk, SUBJECT_LENGTH_MAX)?;
        bounded("subject", &self.subject, SUBJECT_LENGTH_MAX)?;
        bounded("payload", &self.payload, PAYLOAD_LENGTH_MAX)
    }
}

/// Refuses an action name that no policy could carry.
pub(crate) fn check_action(action: &str) -> Result<(), Rejection> {
    let allowed = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'_' | b'-');
    let is_name = !action.is_empty() && action.len() <= ACTION_LENGTH_MAX && action.bytes().all(allowed);
    let rule = "an action is 1 to 64 characters of a-z, 0-9, '.', '_' and '-'";
    is_name.then_some(()).ok_or(Rejection::Invalid { field: "action", rule })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_of_an_act_is_bound_by_its_digest() {
        let act = Act::add_operator("ann", Role::Viewer);
        let others = [
            Act { action: "access.operator.ad".into(), ..act.clone() },
            Act { desk: "rounds".into(), ..act.clone() },
            Act { subject: "bob".into(), ..act.clone() },
            Act { payload: "role=admin".into(), ..act.clone() },
            Act { permission: Permission::ManagePolicy, ..act.clone() },
            // The same letters, cut elsewhere.
            Act { subject: "annr".into(), payload: "ole=viewer".into(), ..act.clone() },
        ];
        assert_eq!(act.digest(), Act::add_operator("ann", Role::Viewer).digest());
        for other in others {
            assert_ne!(act.digest(), other.digest(), "{other:?}");
        }
    }

    #[test]
    fn an_act_that_cannot_be_shown_is_refused() {
        let act = Act::add_operator("ann", Role::Viewer);
        assert_eq!(act.check(), Ok(()));
        let bad = [
            Act { action: String::new(), ..act.clone() },
            Act { action: "Pay Out".into(), ..act.clone() },
            Act { subject: "x".repeat(257), ..act.clone() },
            Act { payload: "x".repeat(16_385), ..act.clone() },
            Act { payload: "a\0b".into(), ..act.clone() },
        ];
        for act in bad {
            assert_eq!(act.check().unwrap_err().status(), 400);
        }
    }
}
