//! `GET` and `PUT /api/ops/incident`: what players are told about an interruption (docs/spec/rounds.md R35).

use std::sync::Arc;

use axum::Json;
use axum::http::StatusCode;
use axum::response::Response;
use bursar_desk::incident::By;
use bursar_store::Tx;
use bursar_web::platform_codes::INVALID_BODY;
use bursar_web::{ApiError, Auth, Call, Operation, schema};
use serde::Deserialize;
use serde_json::json;

use super::ops::KEY;
use super::switches::WORDS_CHARACTERS_MAX;
use super::{Routes, no_store};
use crate::incident::{Incident, current, end, tell};

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
            "Shown in /api/status at once: it becomes part of the desk's open incident, or opens one. An empty message \
             resolves the incidents that players are told of; so does resuming the last switch.",
        )
        .request(request)
        .answer(StatusCode::OK, "The incident, or null.", json!({"type": "object"}))
        .refusal(StatusCode::BAD_REQUEST, "Too long, no actor, or a time out of bounds.")
        .refusal(StatusCode::UNAUTHORIZED, "No key, a wrong one, or none is configured.")
}

pub(super) async fn show(routes: Arc<Routes>, call: Call) -> Result<Response, ApiError> {
    routes.admit_changer(PATH, &call).await?;
    routes.incident().await
}

pub(super) async fn set(routes: Arc<Routes>, mut call: Call) -> Result<Response, ApiError> {
    routes.admit_changer(PATH, &call).await?;
    let wish: Wish = call.json().await?;
    let fits = |text: &str| text.chars().count() <= WORDS_CHARACTERS_MAX && !text.contains('\0');
    if !fits(&wish.actor) || !fits(&wish.reason) || wish.actor.trim().is_empty() {
        return Err(ApiError::because(&INVALID_BODY, "actor takes 1 to 200 characters, reason up to 200."));
    }
    let recorder = routes.recorder.clone();
    let work = move |tx: &mut Tx<'_>| {
        let by = By { actor: &wish.actor, reason: &wish.reason };
        if wish.message.trim().is_empty() {
            return end(tx, "Players are told nothing any more.", by, &recorder).map(|_| Ok(()));
        }
        let told = Incident { message: wish.message.clone(), eta_ms: wish.eta_ms };
        Ok(tell(tx, &told, by, &recorder)?.map(|_| ()))
    };
    let told = routes.platform.off_thread.transact("rounds.incident", work).await?;
    told.map_err(|refusal| ApiError::because(&INVALID_BODY, format!("{refusal}.")))?;
    routes.incident().await
}

impl Routes {
    async fn incident(&self) -> Result<Response, ApiError> {
        let incident = self.platform.off_thread.read("rounds.incident", current).await?;
        Ok(no_store(Json(json!({"ok": true, "incident": incident}))))
    }
}
