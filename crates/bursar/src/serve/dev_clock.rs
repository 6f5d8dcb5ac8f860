//! `GET` and `POST /dev/clock`: moving the manual clock. In production these routes do not exist.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::http::{Method, StatusCode};
use bursar_desk::Platform;
use bursar_desk::job::{MoveRefusal, Scheduler};
use bursar_store::Timestamp;
use bursar_web::platform_codes::{BAD_REQUEST, CONFLICT, NOT_READY};
use bursar_web::{ApiError, Auth, Call, Envelope, Operation, Route, Surface, schema};
use serde::Deserialize;
use serde_json::{Value, json};

const PATH: &str = "/dev/clock";
const BODY_BYTES_MAX: usize = 1_024;
/// A long move runs many jobs; the answer says that all of them are done.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(600);
/// The longest move, 366 days: every run of every job on the way takes its time, and nothing ends a move but its end.
const MOVE_MS_MAX: i64 = 366 * 86_400_000;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Wish {
    now_ms: i64,
}

/// The routes.
pub(super) fn surface(platform: &Platform, scheduler: &Arc<Scheduler>) -> Surface {
    let answer = schema::object([("nowMs", schema::integer())]);
    let show = Operation::new("dev_clock", "What the rules' clock shows.", Auth::None).answer(
        StatusCode::OK,
        "Unix milliseconds.",
        answer.clone(),
    );
    let set = Operation::new("dev_move_clock", "Move the manual clock forward.", Auth::None)
        .describe("Everything that falls due on the way runs in order before the answer is sent.")
        .request(answer.clone())
        .answer(StatusCode::OK, "What the clock shows now.", answer)
        .refusal(StatusCode::BAD_REQUEST, "Not a number, or earlier than the clock shows.")
        .refusal(StatusCode::CONFLICT, "The clock is not a manual one.");
    let (shown, moved) = (platform.clone(), (platform.clone(), Arc::clone(scheduler)));
    Surface::new("platform", Envelope::Flat, BODY_BYTES_MAX)
        .route(Route::new(Method::GET, PATH, show, move |_| show_clock(shown.clone())))
        .route(
            Route::new(Method::POST, PATH, set, move |call| {
                let (platform, scheduler) = moved.clone();
                move_clock(platform, scheduler, call)
            })
            .answer_time_max(ANSWER_TIME_MAX),
        )
}

async fn show_clock(platform: Platform) -> Result<Json<Value>, ApiError> {
    let now = platform.off_thread.read("serve.clock", |tx| tx.reading()).await?;
    Ok(Json(json!({"nowMs": now.ms()})))
}

async fn move_clock(
    platform: Platform,
    scheduler: Arc<Scheduler>,
    mut call: Call,
) -> Result<Json<Value>, ApiError> {
    let wish: Wish = call.json().await?;
    let to = Timestamp::from_ms(wish.now_ms);
    let now = platform.off_thread.read("serve.clock", |tx| tx.reading()).await?;
    if to > now.after_ms(MOVE_MS_MAX) {
        let text = "The clock moves by at most 366 days at a time; move it in several steps.";
        return Err(ApiError::because(&BAD_REQUEST, text));
    }
    let moved = platform.off_thread.run(move || scheduler.move_clock(to)).await?;
    moved.map(|now| Json(json!({"nowMs": now.ms()}))).map_err(|refusal| match refusal {
        MoveRefusal::Backward { .. } => ApiError::because(&BAD_REQUEST, refusal.to_string()),
        MoveRefusal::NotManual => ApiError::because(&CONFLICT, refusal.to_string()),
        MoveRefusal::Stopping => ApiError::of(&NOT_READY),
        MoveRefusal::Busy(_) | MoveRefusal::Store(_) => ApiError::fault(&refusal),
    })
}
