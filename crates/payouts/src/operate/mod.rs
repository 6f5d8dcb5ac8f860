//! What operators and desks do to intents by hand: hold, release, cancel, resolve.

mod pause;
mod resolve;
mod wallets;

pub(crate) use pause::check_reason;
pub(crate) use resolve::RESOLVED;
pub use resolve::{Afterwards, Resolution};

use bursar_access::Actor as Operator;
use bursar_audit::Actor;

/// An operator as the audit log names them.
pub(crate) fn audited(operator: &Operator) -> Actor {
    Actor { kind: "operator", id: operator.audit_id() }
}
