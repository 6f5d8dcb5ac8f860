//! How an error looks in the body: one adapter per family of desks (docs/spec, error envelopes, H12).

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use serde_json::{Map, Value, json};

use crate::error::ApiError;
use crate::platform_codes::{INVALID_BODY, INVALID_QUERY, MALFORMED_JSON, METHOD_NOT_ALLOWED, NOT_FOUND};

/// The shape of a desk's error bodies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Envelope {
    /// `{error, code, …details}`: commitments, trades, platform.
    Flat,
    /// As `Flat`, and a 429 that names a time carries `retryAfterSec`: rounds.
    FlatRetry,
    /// `{detail, code, …details}`, bodies that don't parse are 422: faucet.
    Detail,
    /// `{ok:false, error:{code, message, details?}, requestId}`: arena.
    Nested,
    /// `{error, code, detail, …details}`: unknown paths, and routes that two desks share.
    Union,
}

impl Envelope {
    /// The whole response for an error.
    pub fn render(self, error: &ApiError, request_id: &str) -> Response {
        let (status, body) = self.body(error, request_id);
        let mut response = Response::new(axum::body::Body::from(body.to_string()));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if let Some(seconds) = error.retry_after_s() {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        for (name, value) in error.headers() {
            headers.append(name, value.clone());
        }
        response
    }

    /// Status and body for an error.
    pub fn body(self, error: &ApiError, request_id: &str) -> (StatusCode, Value) {
        let (status, code) = self.status_and_code(error);
        if self == Self::Nested {
            return (status, nested(code, error, request_id));
        }
        let mut body = error.details();
        if matches!(self, Self::Flat | Self::FlatRetry | Self::Union) {
            body.insert("error".to_owned(), Value::from(plain_text(error)));
        }
        if matches!(self, Self::Detail | Self::Union) {
            body.entry("detail").or_insert_with(|| Value::from(detail_text(self, error)));
        }
        if self == Self::FlatRetry
            && status == StatusCode::TOO_MANY_REQUESTS
            && let Some(seconds) = error.retry_after_s()
        {
            body.insert("retryAfterSec".to_owned(), Value::from(seconds));
        }
        body.insert("code".to_owned(), Value::from(code));
        (status, Value::Object(body))
    }

    /// The JSON Schema of this envelope's error body.
    pub fn schema(self) -> Value {
        let text = json!({"type": "string"});
        let (properties, required) = match self {
            Self::Flat => (json!({"error": text, "code": text}), json!(["error", "code"])),
            Self::FlatRetry => (
                json!({"error": text, "code": text, "retryAfterSec": {"type": "integer", "minimum": 1}}),
                json!(["error", "code"]),
            ),
            Self::Detail => (
                json!({"detail": {"type": ["string", "object", "array"]}, "code": text}),
                json!(["detail", "code"]),
            ),
            Self::Union => (
                json!({"error": text, "code": text, "detail": {"type": ["string", "object", "array"]}}),
                json!(["error", "code", "detail"]),
            ),
            Self::Nested => (
                json!({"ok": {"const": false}, "requestId": text, "error": {"type": "object",
                    "properties": {"code": text, "message": text, "details": {"type": "object"}},
                    "required": ["code", "message"]}}),
                json!(["ok", "error", "requestId"]),
            ),
        };
        json!({"type": "object", "properties": properties, "required": required})
    }

    /// The name of [`Envelope::schema`] among an OpenAPI document's components.
    pub fn schema_name(self) -> &'static str {
        match self {
            Self::Flat => "FlatError",
            Self::FlatRetry => "FlatRetryError",
            Self::Detail => "DetailError",
            Self::Nested => "NestedError",
            Self::Union => "UnionError",
        }
    }

    /// A body or query that does not parse is 422 in the `Detail` envelope and `validation_error` in the nested one.
    fn status_and_code(self, error: &ApiError) -> (StatusCode, &'static str) {
        let refusals = [MALFORMED_JSON.code, INVALID_BODY.code, INVALID_QUERY.code];
        let does_not_parse = refusals.contains(&error.code());
        match self {
            Self::Detail if does_not_parse => (StatusCode::UNPROCESSABLE_ENTITY, error.code()),
            Self::Nested if does_not_parse => (error.status(), "validation_error"),
            _ => (error.status(), error.code()),
        }
    }
}

/// Arena's success body: `{ok:true, data, requestId}`; a value that already says `ok:true` only gets the id.
pub fn nested_success(data: Value, request_id: &str) -> Value {
    match data {
        Value::Object(mut fields) if fields.get("ok") == Some(&Value::Bool(true)) => {
            fields.insert("requestId".to_owned(), Value::from(request_id));
            Value::Object(fields)
        }
        data => json!({"ok": true, "data": data, "requestId": request_id}),
    }
}

fn nested(code: &str, error: &ApiError, request_id: &str) -> Value {
    let mut inner = Map::new();
    inner.insert("code".to_owned(), Value::from(code));
    inner.insert("message".to_owned(), Value::from(plain_text(error)));
    let details = error.details();
    if !details.is_empty() {
        inner.insert("details".to_owned(), Value::Object(details));
    }
    json!({"ok": false, "error": inner, "requestId": request_id})
}

/// The two refusals of the router have one wording in every envelope, whatever the path was.
fn plain_text(error: &ApiError) -> &str {
    match error.message() {
        message if message == NOT_FOUND.summary => "not found",
        message if message == METHOD_NOT_ALLOWED.summary => "method not allowed",
        message => message,
    }
}

fn detail_text(envelope: Envelope, error: &ApiError) -> &str {
    match error.message() {
        message if message == NOT_FOUND.summary => "Not Found",
        message if message == METHOD_NOT_ALLOWED.summary => "Method Not Allowed",
        _ if envelope == Envelope::Detail && error.status() == StatusCode::TOO_MANY_REQUESTS => error.code(),
        message => message,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform_codes::CONFLICT;

    fn check(envelope: Envelope, error: &ApiError, status: u16, body: Value) {
        let rendered = envelope.body(error, "request-1");
        assert_eq!((rendered.0.as_u16(), rendered.1), (status, body), "{envelope:?}");
    }

    #[test]
    fn a_refusal_with_details_in_each_envelope() {
        let error = ApiError::because(&CONFLICT, "stake differs").with_detail("limit", 250);
        let flat = json!({"error": "stake differs", "code": "conflict", "limit": 250});
        check(Envelope::Flat, &error, 409, flat.clone());
        check(Envelope::FlatRetry, &error, 409, flat);
        check(
            Envelope::Detail,
            &error,
            409,
            json!({"detail": "stake differs", "code": "conflict", "limit": 250}),
        );
        check(
            Envelope::Nested,
            &error,
            409,
            json!({"ok": false, "requestId": "request-1",
                   "error": {"code": "conflict", "message": "stake differs", "details": {"limit": 250}}}),
        );
        check(
            Envelope::Union,
            &error,
            409,
            json!({"error": "stake differs", "code": "conflict", "detail": "stake differs", "limit": 250}),
        );
    }

    #[test]
    fn a_429_in_each_envelope() {
        let error =
            ApiError::new(StatusCode::TOO_MANY_REQUESTS, "rate_limited", "slow down").with_retry_after(7);
        check(Envelope::Flat, &error, 429, json!({"error": "slow down", "code": "rate_limited"}));
        check(
            Envelope::FlatRetry,
            &error,
            429,
            json!({"error": "slow down", "code": "rate_limited", "retryAfterSec": 7}),
        );
        check(
            Envelope::Detail,
            &error.clone().with_detail("scope", "global"),
            429,
            json!({"detail": "rate_limited", "scope": "global", "code": "rate_limited"}),
        );
        let response = Envelope::Nested.render(&error, "request-1");
        assert_eq!(response.headers()["retry-after"], "7");
        assert_eq!(response.headers()["content-type"], "application/json");
    }

    #[test]
    fn a_body_or_query_that_does_not_parse_is_400_or_422_or_a_validation_error() {
        for refusal in [&MALFORMED_JSON, &INVALID_BODY, &INVALID_QUERY] {
            let (error, code) = (ApiError::because(refusal, "why"), refusal.code);
            check(Envelope::Flat, &error, 400, json!({"error": "why", "code": code}));
            check(Envelope::Detail, &error, 422, json!({"detail": "why", "code": code}));
            let inner = json!({"code": "validation_error", "message": "why"});
            check(
                Envelope::Nested,
                &error,
                400,
                json!({"ok": false, "error": inner, "requestId": "request-1"}),
            );
        }
    }

    #[test]
    fn h12_unknown_paths_speak_the_union() {
        let body = json!({"error": "not found", "code": "not_found", "detail": "Not Found"});
        check(Envelope::Union, &ApiError::of(&NOT_FOUND), 404, body);
        check(
            Envelope::Union,
            &ApiError::of(&METHOD_NOT_ALLOWED),
            405,
            json!({"error": "method not allowed", "code": "method_not_allowed", "detail": "Method Not Allowed"}),
        );
    }

    #[test]
    fn faucet_detail_may_be_an_object() {
        let error = ApiError::of(&CONFLICT).with_detail("detail", json!({"reason": "no_wallet"}));
        check(Envelope::Detail, &error, 409, json!({"detail": {"reason": "no_wallet"}, "code": "conflict"}));
    }

    #[test]
    fn details_never_replace_the_envelopes_own_fields() {
        let error =
            ApiError::because(&CONFLICT, "real").with_detail("error", "fake").with_detail("code", "fake");
        check(Envelope::Flat, &error, 409, json!({"error": "real", "code": "conflict"}));
    }

    #[test]
    fn arena_success_is_wrapped_unless_it_already_says_ok() {
        assert_eq!(
            nested_success(json!([1]), "request-1"),
            json!({"ok": true, "data": [1], "requestId": "request-1"})
        );
        assert_eq!(
            nested_success(json!({"ok": true, "stars": 2}), "request-1"),
            json!({"ok": true, "stars": 2, "requestId": "request-1"})
        );
    }
}
