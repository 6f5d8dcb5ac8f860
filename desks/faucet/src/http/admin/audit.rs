//! `GET /admin/audit`: what administrators did.

use std::sync::Arc;

use axum::Json;
use bursar_store::{Timestamp, Tx};
use bursar_web::{ApiError, Call};
use serde_json::{Value, json};

use super::super::Routes;
use super::super::guards::{moment, page};
use crate::identity::admin::principal;
use crate::record::listing::{AdminEvent, AdminEvents};

pub(super) async fn audit(routes: Arc<Routes>, call: Call, _: Timestamp) -> Result<Json<Value>, ApiError> {
    let page = page(&call, 50, 200)?;
    let (action, target_type) = (text(&call, "action"), text(&call, "target_type"));
    let actor = text(&call, "actor_email");
    let actor = if actor.is_empty() { actor } else { principal(&actor) };
    drop(call);
    let read = move |tx: &mut Tx<'_>| {
        let wanted = AdminEvents { action: &action, principal: &actor, target_type: &target_type };
        wanted.rows(tx, page.limit, page.offset)
    };
    let rows = routes.faucet.platform.off_thread.read("faucet.audit", read).await?;
    let events: Vec<Value> = rows.iter().map(shown).collect();
    Ok(Json(json!({
        "count": events.len(), "limit": page.limit, "offset": page.offset, "events": events,
    })))
}

fn text(call: &Call, name: &str) -> String {
    call.query(name).map(std::borrow::Cow::into_owned).unwrap_or_default()
}

fn shown(event: &AdminEvent) -> Value {
    let payload: Value =
        event.payload.as_deref().and_then(|text| serde_json::from_str(text).ok()).unwrap_or(Value::Null);
    json!({
        "id": event.id, "created_at": moment(event.at), "action": event.action,
        "actor_email": payload.get("actor_email"), "target_type": event.target.0,
        "target_id": event.target.1, "summary": payload.get("summary"),
    })
}
