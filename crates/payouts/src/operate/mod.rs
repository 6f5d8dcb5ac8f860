//! What operators and desks do to intents by hand: hold, release, cancel, resolve.

mod ending;
mod pause;
mod payment_act;
mod resolve;
mod retry;
mod sight;
mod wallets;

pub(crate) use pause::check_reason;
pub(crate) use resolve::RESOLVED;
pub use resolve::{Afterwards, Resolution};
pub use sight::TransactionSight;
pub use wallets::WalletSight;

use bursar_access::{Actor as Operator, Cleared};
use bursar_audit::Actor;
use bursar_store::{StoreError, Tx};
use serde_json::{Map, Value, json};

use crate::case::{Case, Hand, Particulars};
use crate::{Payouts, events};

/// An operator as the audit log names them.
pub(crate) fn audited(operator: &Operator) -> Actor {
    Actor { kind: "operator", id: operator.audit_id() }
}

/// With whose approval an act was done, as members of its audit event's payload.
pub(crate) fn approved(cleared: &Cleared) -> Map<String, Value> {
    Map::from_iter([
        ("approval".to_owned(), json!(cleared.approval)),
        ("approvers".to_owned(), json!(cleared.approvers)),
    ])
}

/// Why a payout changes, and with whose approval.
fn approved_why(why: &str, cleared: &Cleared) -> Particulars {
    Particulars { detail: approved(cleared), ..Particulars::why(why) }
}

impl Payouts {
    /// Records what a person asked for that leaves the payout where it is.
    fn record_asked(
        &self,
        tx: &mut Tx<'_>,
        case: &Case,
        act: &str,
        why: &str,
        cleared: &Cleared,
        hand: &Hand<'_>,
    ) -> Result<(), StoreError> {
        let intent = &case.intent;
        let mut payload = approved(cleared);
        payload.extend([
            ("payout".to_owned(), json!(intent.public_id.to_string())),
            ("act".to_owned(), json!(act)),
            ("reason".to_owned(), json!(why)),
            ("state".to_owned(), json!(intent.state.name())),
        ]);
        let (desk, payload) = (events::desk_of(self, &intent.desk), Value::Object(payload));
        let (actor, name) = (hand.actor.clone(), "payout.act_asked");
        let event = events::of_intent(RESOLVED, desk, name, actor, intent.id.0, &payload);
        hand.recorder.record(tx, &[event], hand.now).map(|_| ())
    }
}
