//! The error codes that the platform itself sends, each with its explanation.

use axum::http::StatusCode;

use crate::error_code::ErrorCode;

macro_rules! platform_codes {
    ($($constant:ident = $code:literal, $status:ident, $summary:literal, $cause:literal, $remedy:literal;)*) => {
        $(
            #[doc = $summary]
            pub static $constant: ErrorCode = ErrorCode {
                code: $code,
                status: StatusCode::$status,
                summary: $summary,
                cause: $cause,
                remedy: $remedy,
            };
        )*
        /// Every code of the platform.
        pub static PLATFORM_CODES: &[&ErrorCode] = &[$(&$constant),*];
    };
}

platform_codes! {
    BAD_REQUEST = "bad_request", BAD_REQUEST,
        "The request cannot be understood.",
        "A parameter or header is missing or has the wrong form.",
        "Compare the request with the operation's description in /docs and send it again.";
    BODY_TIMEOUT = "body_timeout", REQUEST_TIMEOUT,
        "The request body did not arrive in time.",
        "The sender is too slow or stopped in the middle.",
        "Send the request again over a stable connection.";
    BODY_TOO_LARGE = "body_too_large", PAYLOAD_TOO_LARGE,
        "The request body is larger than this route accepts.",
        "Each route has a limit for its body, so that one caller cannot fill the memory.",
        "Send less, or split the work over several requests.";
    CONFLICT = "conflict", CONFLICT,
        "The request does not fit the present state.",
        "Somebody else changed the same thing, or it was done before with other contents.",
        "Read the present state, decide again, and send a new request.";
    DEADLINE_EXCEEDED = "deadline_exceeded", GATEWAY_TIMEOUT,
        "The request took longer than it may.",
        "The server or something behind it is slow. The request may still take effect.",
        "Ask again with the same id or idempotency key: it is never carried out twice.";
    FORBIDDEN = "forbidden", FORBIDDEN,
        "These credentials do not allow this.",
        "The caller is known, but lacks the right that the route asks for.",
        "Use an account with the right, or ask an operator for it.";
    IDEMPOTENCY_KEY_INVALID = "idempotency_key_invalid", BAD_REQUEST,
        "The idempotency key is not usable.",
        "The header Idempotency-Key must hold 1 to 255 visible ASCII characters, once.",
        "Send one key, for example a UUID.";
    IDEMPOTENCY_KEY_REUSED = "idempotency_key_reused", CONFLICT,
        "This idempotency key belongs to a different request.",
        "The key was first used with another body.",
        "Send the first body again to get its answer, or use a new key.";
    INTERNAL = "internal", INTERNAL_SERVER_ERROR,
        "Internal error. It was logged.",
        "Something failed on the server's side; the details are in its log under the request id.",
        "Try again with the same id, and quote the request id when reporting it.";
    INVALID_BODY = "invalid_body", BAD_REQUEST,
        "The request body lacks a field or holds a wrong value.",
        "The body is JSON, but not of the shape that the route asks for.",
        "Correct the field named in the message and send the request again.";
    INVALID_QUERY = "invalid_query", BAD_REQUEST,
        "The query lacks a parameter or holds a wrong value.",
        "A parameter after the `?` is not what this route asks for.",
        "Correct the parameter named in the message and send the request again.";
    MALFORMED_JSON = "malformed_json", BAD_REQUEST,
        "The request body is not acceptable JSON.",
        "It does not parse, is not UTF-8, repeats a key, holds a NUL character, or nests too deeply.",
        "Correct the body at the place named in the message and send it again.";
    METHOD_NOT_ALLOWED = "method_not_allowed", METHOD_NOT_ALLOWED,
        "This path does not answer this method.",
        "The path exists, but only for the methods in the Allow header.",
        "Use one of those methods.";
    NOT_FOUND = "not_found", NOT_FOUND,
        "There is nothing at this path.",
        "The path or the thing it names does not exist, or the desk it belongs to is switched off.",
        "Compare the path with /docs; check that the desk is listed in /health.";
    NOT_READY = "not_ready", SERVICE_UNAVAILABLE,
        "The server is not ready to serve this yet.",
        "Migrations are pending, or a required part is missing; /readyz names it.",
        "Wait for /readyz to answer 200, then try again.";
    OVERLOADED = "overloaded", SERVICE_UNAVAILABLE,
        "The server has more work than it can take.",
        "A queue or the number of connections is full; nothing of this request was done.",
        "Wait for the seconds in Retry-After and send the same request again.";
    RATE_LIMITED = "rate_limited", TOO_MANY_REQUESTS,
        "Too many requests.",
        "The caller passed the limit that this route sets per address, account or wallet.",
        "Wait for the seconds in Retry-After, then go on more slowly.";
    UNAUTHORIZED = "unauthorized", UNAUTHORIZED,
        "Valid credentials are required.",
        "The credentials are missing, wrong, expired or revoked.",
        "Sign in again, or check the key against the server's configuration.";
}
