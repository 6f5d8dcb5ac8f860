//! Requests as the command line shows them. Times are Unix milliseconds.

use bursar_access::{ApprovalId, ApprovalRequest, ApprovalState, Rejection, approval, open_approvals};
use bursar_store::Timestamp;
use serde_json::{Value, json};

use super::Room;
use crate::commands::CommandError;
use crate::commands::table::{cell, table};

/// Requests that are listed at most.
const LISTED_MAX: i64 = 1_000;

pub(super) fn list(room: &Room) -> Result<Value, CommandError> {
    let (requests, now) = room.store.read("command.approvals", |tx| {
        let now = tx.reading()?;
        Ok((open_approvals(tx, now, None, LISTED_MAX)?, now))
    })?;
    if room.json {
        let requests: Vec<Value> = requests.iter().map(|request| document(request, now)).collect();
        return Ok(json!({"ok": true, "requests": requests}));
    }
    let rows = requests.iter().map(|request| {
        [
            request.id.to_string(),
            request.action.clone(),
            request.desk.clone(),
            cell(&request.subject),
            request.requester_name.clone(),
            request.approvals().to_string(),
            instant(request.expires_at),
            cell(&request.payload),
        ]
    });
    Ok(table(["REQUEST", "ACT", "DESK", "ON", "ASKED BY", "APPROVALS", "UNTIL", "WHAT"], rows).into())
}

pub(super) fn show(room: &Room, id: ApprovalId) -> Result<Value, CommandError> {
    let (request, now) = room.store.read("command.approval", |tx| Ok((approval(tx, id)?, tx.reading()?)))?;
    let request = request.ok_or(Rejection::ApprovalUnknown)?;
    if room.json {
        return Ok(json!({"ok": true, "request": document(&request, now)}));
    }
    let votes: Vec<String> = request.votes.iter().map(|vote| vote.name.clone()).collect();
    let lines = [
        ("request", request.id.to_string()),
        ("state", state(&request, now).to_owned()),
        ("act", format!("{} of {}", request.action, request.desk)),
        ("on", cell(&request.subject)),
        ("what", cell(&request.payload)),
        ("takes", request.permission.to_string()),
        ("asked by", format!("{} at {}", request.requester_name, instant(request.requested_at))),
        ("until", instant(request.expires_at)),
        ("approved", if votes.is_empty() { "-".to_owned() } else { votes.join(", ") }),
        ("counting", request.approvals().to_string()),
    ];
    let text: Vec<String> = lines.into_iter().map(|(name, value)| format!("{name:<9} {value}")).collect();
    Ok(text.join("\n").into())
}

pub(super) fn document(request: &ApprovalRequest, now: Timestamp) -> Value {
    let counted: Vec<_> = request.counted().map(|vote| vote.operator).collect();
    let votes = request.votes.iter().map(|vote| {
        json!({
            "operator": vote.operator, "name": vote.name, "role": vote.role,
            "counts": counted.contains(&vote.operator), "atMs": vote.at.ms(),
        })
    });
    json!({
        "id": request.id, "state": state(request, now), "action": request.action, "desk": request.desk,
        "subject": request.subject, "payload": request.payload, "permission": request.permission.name(),
        "requestedBy": request.requested_by, "requesterName": request.requester_name,
        "requestedAtMs": request.requested_at.ms(), "expiresAtMs": request.expires_at.ms(),
        "approvals": request.approvals(), "votes": votes.collect::<Vec<_>>(),
    })
}

/// A request that ran out is open in its row.
fn state(request: &ApprovalRequest, now: Timestamp) -> &'static str {
    match request.state {
        ApprovalState::Open if now >= request.expires_at => "expired",
        state => state.name(),
    }
}

/// A time as people read it, in UTC.
fn instant(at: Timestamp) -> String {
    jiff::Timestamp::from_millisecond(at.ms()).map_or_else(|_| format!("{} ms", at.ms()), |at| at.to_string())
}
