//! The audit row of a resume that insists although payments may be missing here.

use bursar_audit::{Actor, Event, Level, Target};
use bursar_store::{StoreError, Tx};
use serde_json::json;

use super::{BLIND, UNKNOWN};
use crate::DESK;
use crate::record::Finding;
use crate::switches::PAYOUTS_HALTED;

/// Says who let payouts go on, why, and over which open findings. Record it in the transaction that resumes.
pub fn resumed_by_force(tx: &mut Tx<'_>, actor: &str, reason: &str) -> Result<Event, StoreError> {
    let open = |finding: &Finding| finding.count > 0 && [BLIND, UNKNOWN].contains(&finding.kind.as_str());
    let findings: Vec<_> = Finding::all(tx)?
        .iter()
        .filter(|finding| open(finding))
        .map(|finding| {
            json!({
                "kind": finding.kind, "count": finding.count, "detail": finding.detail,
                "sinceMs": finding.since.ms(),
            })
        })
        .collect();
    let payload = json!({ "force": true, "reason": reason, "findings": findings });
    Ok(Event {
        level: Level::Warn,
        desk: DESK,
        name: "faucet.payouts_resumed_by_force",
        actor: Actor { kind: "operator", id: actor.to_owned() },
        target: Target { kind: "switch", id: PAYOUTS_HALTED.key.to_owned() },
        request_id: None,
        correlation_id: None,
        payload: payload.to_string(),
    })
}
