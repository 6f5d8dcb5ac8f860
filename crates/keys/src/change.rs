//! What an operation changed, as the audit log records it.

use bursar_access::Cleared;
use bursar_audit::{Actor, Event, Level, Target};
use bursar_chain::Address;

use crate::{KekId, KeyId, Policy};

/// One change. Serialised it is the audit event's payload, and never holds a secret.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(tag = "change", rename_all = "snake_case", rename_all_fields = "camelCase")]
pub enum Change {
    /// A key was added.
    KeyAdded {
        /// The key.
        key: KeyId,
        /// Its desk.
        desk: String,
        /// Its chain.
        chain: String,
        /// What it is for.
        purpose: String,
        /// Its scheme.
        scheme: String,
        /// `generated`, `imported` or `remote`.
        origin: &'static str,
        /// Its account.
        address: String,
        /// The public key, hexadecimal.
        public_key: String,
    },
    /// A key was retired for good.
    KeyRetired {
        /// The key.
        key: KeyId,
        /// Why.
        reason: String,
        /// Why its secret did not open and stays sealed as it was; `None` = it is sealed anew to the retired state.
        #[serde(skip_serializing_if = "Option::is_none")]
        unopened: Option<String>,
    },
    /// A key was stopped.
    KeyStopped {
        /// The key.
        key: KeyId,
        /// Why.
        reason: String,
    },
    /// A key was resumed.
    KeyResumed {
        /// The key.
        key: KeyId,
        /// Why.
        reason: String,
    },
    /// What a key may sign was changed.
    PolicySet {
        /// The key.
        key: KeyId,
        /// What held before, in words.
        from: Option<String>,
        /// What holds now, in words.
        to: String,
    },
    /// A destination was put on a key's list, or taken off.
    DestinationListed {
        /// The key.
        key: KeyId,
        /// The destination.
        destination: String,
        /// On the list, or off.
        listed: bool,
    },
    /// Moving all secrets to another key-encryption key began.
    RotationBegun {
        /// Where to.
        kek: KekId,
    },
}

impl Change {
    /// The audit event's name.
    #[must_use]
    pub const fn event(&self) -> &'static str {
        match self {
            Change::KeyAdded { .. } => "keys.added",
            Change::KeyRetired { .. } => "keys.retired",
            Change::KeyStopped { .. } => "keys.stopped",
            Change::KeyResumed { .. } => "keys.resumed",
            Change::PolicySet { .. } => "keys.policy_set",
            Change::DestinationListed { .. } => "keys.destination_listed",
            Change::RotationBegun { .. } => "keys.rotation_begun",
        }
    }

    /// What was changed: type and id.
    #[must_use]
    pub fn target(&self) -> (&'static str, String) {
        match self {
            Change::KeyAdded { key, .. }
            | Change::KeyRetired { key, .. }
            | Change::KeyStopped { key, .. }
            | Change::KeyResumed { key, .. }
            | Change::PolicySet { key, .. }
            | Change::DestinationListed { key, .. } => ("key", key.to_string()),
            Change::RotationBegun { kek } => ("kek", kek.to_string()),
        }
    }
}

/// An operation that was done: what changed, by whom, approved by whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Done {
    /// What changed.
    pub change: Change,
    /// By whom, with whose approval.
    pub cleared: Cleared,
}

impl Done {
    /// The audit event, to be recorded in the same transaction.
    #[must_use]
    pub fn audit_event(&self) -> Event {
        let (kind, id) = self.change.target();
        let Cleared { actor, approval, approvers } = &self.cleared;
        let payload =
            serde_json::json!({"change": self.change, "approval": approval, "approvers": approvers});
        Event {
            level: Level::Warn,
            desk: bursar_access::PLATFORM,
            name: self.change.event(),
            actor: Actor { kind: "operator", id: actor.audit_id() },
            target: Target { kind, id },
            request_id: None,
            correlation_id: None,
            payload: payload.to_string(),
        }
    }
}

/// A policy in one canonical line, as approvers and the audit log read it.
pub(crate) fn policy_in_words(policy: &Policy) -> String {
    let caps: Vec<String> =
        policy.caps.iter().map(|cap| format!("{}ms:{}", cap.window_ms, cap.max)).collect();
    let approval = policy.approval.map(|rule| format!("{}>{}", rule.needed, rule.above));
    format!(
        "asset={} payment_max={} listed_only={} hold_ms={} approval={} caps={}",
        policy.asset,
        policy.payment_max,
        policy.is_listed_only,
        policy.first_use_hold_ms,
        approval.as_deref().unwrap_or("none"),
        if caps.is_empty() { "none".to_owned() } else { caps.join(",") }
    )
}

/// The change of a destination's listing.
pub(crate) fn destination_listed(key: &KeyId, destination: &Address, listed: bool) -> Change {
    Change::DestinationListed { key: key.clone(), destination: destination.to_string(), listed }
}
