//! The refusals of the routes of incidents.

use axum::http::StatusCode;
use bursar_desk::incident::Refusal;
use bursar_web::platform_codes::INVALID_BODY;
use bursar_web::{ApiError, ErrorCode};

/// No such incident.
pub(super) const NOT_THERE: ErrorCode = ErrorCode {
    code: "incident_not_found",
    status: StatusCode::NOT_FOUND,
    summary: "There is no such incident.",
    cause: "The number is wrong, or the incident is another desk's.",
    remedy: "List the incidents of your desk and use a number from there.",
};
/// The act does not fit how far the incident is.
const STATE: ErrorCode = ErrorCode {
    code: "incident_state",
    status: StatusCode::CONFLICT,
    summary: "This cannot be done with the incident any more, or not yet.",
    cause: "An open incident is updated and resolved, a resolved one is reviewed; a reviewed one stays as it is.",
    remedy: "Look at its state; the message says what can be done instead.",
};
/// It is too late to open it again.
const WATCH_OVER: ErrorCode = ErrorCode {
    code: "incident_watch_over",
    status: StatusCode::CONFLICT,
    summary: "The incident was resolved too long ago to be opened again.",
    cause: "For 30 minutes after its end a fault that comes back is the same incident; later it is a new one.",
    remedy: "Open a new incident whose title names the old one.",
};

/// The codes that these routes add to the platform's.
pub const CODES: &[ErrorCode] = &[NOT_THERE, STATE, WATCH_OVER];

pub(super) fn refused(refusal: &Refusal) -> ApiError {
    let code = match refusal {
        Refusal::NotFound(_) => &NOT_THERE,
        Refusal::State { .. } => &STATE,
        Refusal::WatchOver(_) => &WATCH_OVER,
        Refusal::NoDesk(_) | Refusal::Invalid { .. } => &INVALID_BODY,
    };
    ApiError::because(code, format!("{refusal}."))
}
