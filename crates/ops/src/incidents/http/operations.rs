//! What the API description says about the routes of incidents.

use axum::http::StatusCode;
use bursar_desk::incident::{Class, IncidentGuard, State};
use bursar_web::{Auth, Operation, schema};
use serde_json::{Value, json};

/// List, open, show and act, for callers by any of the `guards`; `None` without guards.
pub(super) fn all(guards: &[IncidentGuard]) -> Option<[Operation; 4]> {
    let (first, others) = guards.split_first()?;
    let described = [list(&first.auth), open(&first.auth), show(&first.auth), act(&first.auth)];
    Some(described.map(|operation| {
        let operation =
            others.iter().fold(operation, |operation, guard| operation.or_auth(guard.auth.clone()));
        operation.refusal(StatusCode::UNAUTHORIZED, "No desk's scheme knows the caller.")
    }))
}

fn list(auth: &Auth) -> Operation {
    let states = schema::one_of(&State::ALL.map(State::name));
    Operation::new("incidents", "The incidents of the caller's desk, the newest first.", auth.clone())
        .query("state", states, "Only those that far.")
        .query("limit", schema::integer_between(1, 200), "How many at most; 50 unless given.")
        .query("before", schema::integer(), "Only those with a smaller number: the next page.")
        .answer(StatusCode::OK, "The incidents.", json!({"type": "object"}))
        .refusal(StatusCode::BAD_REQUEST, "No such state, or a limit out of bounds.")
}

fn open(auth: &Auth) -> Operation {
    let request = schema::object([
        ("class", classes()),
        ("title", schema::string()),
        ("message?", schema::string()),
        ("expected_end?", schema::nullable(schema::string())),
    ]);
    Operation::new("open_incident", "Open an incident of the caller's desk.", auth.clone())
        .describe(
            "P0 and S1 halt the desk's payouts at once. message is what users are told; empty = nothing.",
        )
        .request(request)
        .answer(StatusCode::CREATED, "The incident.", json!({"type": "object"}))
        .refusal(StatusCode::BAD_REQUEST, "No such class, or a text or time out of bounds.")
}

fn show(auth: &Auth) -> Operation {
    Operation::new(
        "incident",
        "One incident with its timeline, timers and what happened meanwhile.",
        auth.clone(),
    )
    .answer(StatusCode::OK, "The incident.", json!({"type": "object"}))
    .refusal(StatusCode::NOT_FOUND, "There is no such incident of this desk.")
}

fn act(auth: &Auth) -> Operation {
    let request = schema::object([
        ("note?", schema::string()),
        ("message?", schema::string()),
        ("expected_end?", schema::nullable(schema::string())),
        ("class?", classes()),
    ]);
    Operation::new("act_on_incident", "Acknowledge, update, resolve, reopen or review an incident.", auth.clone())
        .describe("act in the path is acknowledge, update, resolve, reopen or review; only update takes more than a note.")
        .request(request)
        .answer(StatusCode::OK, "The incident.", json!({"type": "object"}))
        .refusal(StatusCode::BAD_REQUEST, "A text or time out of bounds, or nothing new.")
        .refusal(StatusCode::NOT_FOUND, "There is no such incident of this desk, or no such act.")
        .refusal(StatusCode::CONFLICT, "The incident is too far for it, or not far enough.")
}

fn classes() -> Value {
    schema::one_of(&Class::ALL.map(Class::name))
}
