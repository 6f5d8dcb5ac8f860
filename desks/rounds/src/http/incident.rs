//! `GET` and `PUT /api/ops/incident`: what players are told about an interruption (docs/spec/rounds.md R35).

use std::sync::Arc;

use axum::Json;
use axum::http::StatusCode;
use axum::response::Response;
use bursar_desk::control_fold::fold;
use bursar_store::Tx;
use bursar_web::platform_codes::INVALID_BODY;
use bursar_web::{ApiError, Auth, Call, Operation, schema};
use serde::Deserialize;
use serde_json::json;

use super::ops::KEY;
use super::switches::WORDS_CHARACTERS_MAX;
use super::{Routes, no_store};
use crate::incident::{Incident, MESSAGE_CHARACTERS_MAX, current, set as store};

pub(super) const PATH: &str = "/api/ops/incident";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Wish {
    message: String,
    eta_ms: Option<i64>,
    actor: String,
    #[serde(default)]
    reason: String,
}

pub(super) fn show_operation() -> Operation {
    Operation::new("rounds_incident", "What players are told now.", Auth::ServiceKey(KEY))
        .answer(StatusCode::OK, "The incident, or null.", json!({"type": "object"}))
        .refusal(StatusCode::UNAUTHORIZED, "No key, a wrong one, or none is configured.")
}

pub(super) fn set_operation() -> Operation {
    let request = schema::object([
        ("message", schema::string()),
        ("etaMs?", schema::nullable(schema::integer())),
        ("actor", schema::string()),
        ("reason?", schema::string()),
    ]);
    Operation::new("rounds_set_incident", "Tell players about an interruption.", Auth::ServiceKey(KEY))
        .describe(
            "Shown in /api/status at once. An empty message takes it away; so does resuming the last switch.",
        )
        .request(request)
        .answer(StatusCode::OK, "The incident, or null.", json!({"type": "object"}))
        .refusal(StatusCode::BAD_REQUEST, "Too long, or no actor.")
        .refusal(StatusCode::UNAUTHORIZED, "No key, a wrong one, or none is configured.")
}

pub(super) async fn show(routes: Arc<Routes>, call: Call) -> Result<Response, ApiError> {
    routes.admit_changer(PATH, &call).await?;
    routes.incident().await
}

pub(super) async fn set(routes: Arc<Routes>, mut call: Call) -> Result<Response, ApiError> {
    routes.admit_changer(PATH, &call).await?;
    let wish: Wish = call.json().await?;
    let fits = |text: &str, max: usize| text.chars().count() <= max && !text.contains('\0');
    let is_valid = fits(&wish.message, MESSAGE_CHARACTERS_MAX)
        && fits(&wish.actor, WORDS_CHARACTERS_MAX)
        && fits(&wish.reason, WORDS_CHARACTERS_MAX)
        && !wish.actor.trim().is_empty();
    if !is_valid {
        let text = "message takes up to 500 characters, actor 1 to 200, reason up to 200.";
        return Err(ApiError::because(&INVALID_BODY, text));
    }
    let recorder = routes.recorder.clone();
    let work = move |tx: &mut Tx<'_>| {
        let now = tx.reading()?;
        let incident = Incident { message: wish.message.clone(), eta_ms: wish.eta_ms };
        let shown = Some(&incident).filter(|incident| !incident.message.trim().is_empty());
        store(tx, shown, (&wish.actor, &wish.reason), now)?;
        fold(tx, &recorder, now).map(|_| ())
    };
    routes.platform.off_thread.transact("rounds.incident", work).await?;
    routes.incident().await
}

impl Routes {
    async fn incident(&self) -> Result<Response, ApiError> {
        let incident = self.platform.off_thread.read("rounds.incident", current).await?;
        Ok(no_store(Json(json!({"ok": true, "incident": incident}))))
    }
}
