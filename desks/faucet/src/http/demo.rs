//! The demonstration's routes: 403 wherever it is off (docs/spec/faucet.md 4.3).

use std::sync::Arc;

use axum::Json;
use axum::http::{Method, StatusCode};
use axum::response::Response;
use bursar_store::Timestamp;
use bursar_web::{ApiError, Auth, Call, Operation, Route};
use serde_json::{Value, json};

use super::guards::with_cookie;
use super::refusals::{cycle_refused, settled};
use super::{CYCLE_TIME_MAX, Routes, codes, reading, route};
use crate::demo;
use crate::settlement::Cycle;

pub(super) fn routes(routes: &Arc<Routes>) -> Vec<Route> {
    let post = || Method::POST;
    vec![
        route(
            routes,
            post(),
            "/auth/demo-login",
            about("faucet_demo_login", "Sign in as the demonstration's player."),
            login,
        ),
        route(
            routes,
            post(),
            "/demo/seed",
            about("faucet_demo_seed", "Make players, accruals and payouts."),
            seed,
        )
        .answer_time_max(CYCLE_TIME_MAX),
        route(
            routes,
            post(),
            "/demo/run-scheduler",
            about("faucet_demo_run", "Let the players earn, and settle."),
            run,
        )
        .answer_time_max(CYCLE_TIME_MAX),
        route(
            routes,
            post(),
            "/demo/clear",
            about("faucet_demo_clear", "Erase the demonstration's players."),
            clear,
        ),
    ]
}

fn about(id: &'static str, summary: &'static str) -> Operation {
    reading(id, summary, Auth::None).refusal(StatusCode::FORBIDDEN, "Not in dry-run, or DEMO_MODE is off.")
}

impl Routes {
    /// Passes where nothing is real and the demonstration was asked for; a forced dry-run of a live faucet is not that.
    pub(super) fn demonstration(&self) -> Result<(), ApiError> {
        let is_on = self.config.is_demo && self.faucet.policy.dry_run && !self.faucet.config.is_production;
        if is_on { Ok(()) } else { Err(ApiError::of(&codes::DEMO_OFF)) }
    }
}

async fn login(routes: Arc<Routes>, _: Call, now: Timestamp) -> Result<Response, ApiError> {
    routes.demonstration()?;
    let faucet = Arc::clone(&routes.faucet);
    let user = settled(routes.faucet.platform.off_thread.run(move || demo::sign_in(&faucet)).await?)?;
    let answer = json!({
        "discord_user_id": user.discord_user_id, "discord_username": user.discord_username,
        "epic_account_id": user.epic_account_id,
    });
    Ok(with_cookie(Json(answer), routes.session_of(&user, now)?))
}

async fn seed(routes: Arc<Routes>, _: Call, _: Timestamp) -> Result<Json<Value>, ApiError> {
    routes.demonstration()?;
    let faucet = Arc::clone(&routes.faucet);
    let done = routes.faucet.platform.off_thread.run(move || demo::seed(&faucet)).await?;
    settled(done)?.map_err(cycle_refused)?;
    Ok(Json(json!({"status": "ok"})))
}

async fn run(routes: Arc<Routes>, _: Call, _: Timestamp) -> Result<Json<Value>, ApiError> {
    routes.demonstration()?;
    let faucet = Arc::clone(&routes.faucet);
    let cycle = routes.faucet.platform.off_thread.run(move || demo::run(&faucet)).await?;
    let Cycle { candidates, payouts, accruals, .. } = cycle.map_err(cycle_refused)?;
    Ok(Json(json!({
        "status": "ok", "candidates": candidates, "payouts": payouts, "accruals_settled": accruals,
    })))
}

async fn clear(routes: Arc<Routes>, _: Call, _: Timestamp) -> Result<Json<Value>, ApiError> {
    routes.demonstration()?;
    let shared = Arc::clone(&routes);
    let work = move || demo::clear(&shared.faucet, &shared.recorder);
    let gone = routes.faucet.platform.off_thread.run(work).await?.map_err(|error| ApiError::fault(&error))?;
    Ok(Json(json!({"status": "ok", "players": gone})))
}
