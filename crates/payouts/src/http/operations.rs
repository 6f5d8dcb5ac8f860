//! What the API description says of these routes.

use axum::http::StatusCode;
use bursar_web::{Auth, Operation, Parameter, Place, schema};
use serde_json::{Value, json};

use crate::{IntentState, PAGE_MAX};

const PAYOUT: &str = "Payout";

/// The named schemas.
pub(super) fn schemas() -> Vec<(&'static str, Value)> {
    vec![(PAYOUT, payout())]
}

pub(super) fn create() -> Operation {
    let request = schema::object([
        ("wallet", text("Name of the wallet that pays: one of the desk's.")),
        ("to", text("Whom, as an address of the wallet's chain; checked whole.")),
        ("amount", amount()),
        ("asset", text("Symbol of what is paid, such as BAN.")),
        ("reference?", schema::nullable(json!({"type": "string", "maxLength": 200}))),
    ]);
    let key = Parameter {
        name: "Idempotency-Key",
        place: Place::Header,
        required: true,
        schema: json!({"type": "string", "minLength": 1, "maxLength": 100, "pattern": "^[!-~]+$"}),
        description: "The caller's own name for this payout, good for ever.",
    };
    described("create_payout", "Have a payout made, once for each key.")
        .describe(
            "The money is held in the wallet's funds at once and leaves as soon as the chain takes it. Asking again with \
             the same key and the same request answers 200 with the same payout as it stands then, however late; with \
             another request 409 with both hashes.",
        )
        .parameter(key)
        .request(request)
        .answer(StatusCode::CREATED, "It was made now.", schema::reference(PAYOUT))
        .answer(StatusCode::OK, "It was made before by this key.", schema::reference(PAYOUT))
        .refusal(StatusCode::BAD_REQUEST, "The key, the body, or a value in it is not acceptable.")
        .refusal(StatusCode::NOT_FOUND, "The desk has no such wallet.")
        .refusal(StatusCode::CONFLICT, "The key was used for another request, or the wallet cannot pay this.")
        .refusal(
            StatusCode::SERVICE_UNAVAILABLE,
            "Payouts are stopped, the wallet is not matched since a restore, or too much waits; see Retry-After.",
        )
}

pub(super) fn list() -> Operation {
    let states = schema::one_of(&IntentState::ALL.map(IntentState::name));
    let page = schema::object([
        ("payouts", schema::array(schema::reference(PAYOUT))),
        ("next", schema::nullable(schema::string())),
    ]);
    described("list_payouts", "The payouts of the token's desk that were asked for here, newest first.")
        .query("state", states, "Only those in this state.")
        .query("desk", schema::string(), "The token's own desk; another is refused.")
        .query("wallet", schema::string(), "Only those from this wallet.")
        .query("key", schema::string(), "Only the one that the caller made with this Idempotency-Key.")
        .query("limit", schema::integer_between(1, PAGE_MAX), "How many at most; 50 unless given.")
        .query("cursor", schema::string(), "`next` of the page before.")
        .answer(StatusCode::OK, "A page; `next` is null on the last one.", page)
        .refusal(StatusCode::BAD_REQUEST, "A parameter is not acceptable.")
}

pub(super) fn show() -> Operation {
    described("show_payout", "One payout with its transactions.")
        .answer(StatusCode::OK, "The payout.", schema::reference(PAYOUT))
        .refusal(StatusCode::NOT_FOUND, "The desk has no such payout.")
}

pub(super) fn take_back() -> Operation {
    let reason = json!({"type": "string", "minLength": 1, "maxLength": 200});
    let request = schema::object([("reason?", schema::nullable(reason))]);
    described("cancel_payout", "Take a payout back, as long as nothing is signed for it.")
        .describe("Its money is free again. One that is cancelled already stays so and is answered with 200.")
        .request(request)
        .answer(StatusCode::OK, "It is cancelled.", schema::reference(PAYOUT))
        .refusal(StatusCode::BAD_REQUEST, "The body is not acceptable.")
        .refusal(StatusCode::NOT_FOUND, "The desk has no such payout.")
        .refusal(StatusCode::CONFLICT, "It is too late: `state` says how far the payout is.")
        .refusal(
            StatusCode::SERVICE_UNAVAILABLE,
            "The wallet is not matched since a restore, so it may have been paid; see Retry-After.",
        )
}

fn described(id: &'static str, summary: &'static str) -> Operation {
    Operation::new(id, summary, Auth::Operator("payer"))
        .refusal(StatusCode::UNAUTHORIZED, "No valid token.")
        .refusal(StatusCode::FORBIDDEN, "The token is no payer's, or another desk's.")
        .refusal(StatusCode::TOO_MANY_REQUESTS, "Too many calls; see Retry-After.")
}

fn text(description: &str) -> Value {
    json!({"type": "string", "description": description})
}

fn amount() -> Value {
    json!({
        "type": "string", "pattern": "^[1-9][0-9]{0,38}$",
        "description": "Whole base units of the asset above 0, such as raw of BAN.",
    })
}

fn payout() -> Value {
    let moment = || json!({"type": "string", "format": "date-time"});
    let attempt = schema::object([
        ("transaction", text("Its id on the chain, such as a block's hash.")),
        ("kind", schema::one_of(&["payment", "freeing"])),
        ("state", schema::one_of(&["signed", "broadcast", "final", "dead"])),
        ("signedAt", moment()),
    ]);
    schema::object([
        ("id", json!({"type": "string", "format": "uuid"})),
        ("state", schema::one_of(&IntentState::ALL.map(IntentState::name))),
        ("desk", schema::string()),
        ("wallet", schema::string()),
        ("asset", schema::string()),
        ("amount", amount()),
        ("to", text("In the chain's canonical form.")),
        ("reference", schema::nullable(schema::string())),
        ("payer", text("Name of the account that asked for it.")),
        ("key", text("The Idempotency-Key that it was made with.")),
        ("requestHash", text("Hash of the request, 64 hexadecimal digits.")),
        ("why", schema::nullable(text("Why it is held, failed or cancelled."))),
        ("stuck", schema::boolean()),
        ("transaction", schema::nullable(text("The payment that is final, else the one under way."))),
        ("attempts", schema::array(attempt)),
        ("createdAt", moment()),
        ("changedAt", moment()),
        ("broadcastAt", schema::nullable(moment())),
        ("endedAt", schema::nullable(moment())),
    ])
}
