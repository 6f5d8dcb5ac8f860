//! The one error that every handler returns; an envelope turns it into a body.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;

use axum::http::{HeaderName, HeaderValue, StatusCode};
use serde_json::{Map, Value};

use crate::error_code::ErrorCode;
use crate::platform_codes::{INTERNAL, RATE_LIMITED};

/// A refusal or a fault on its way to the caller. Boxed, so that `Result<_, ApiError>` stays small.
#[derive(Clone)]
pub struct ApiError(Box<Contents>);

#[derive(Clone)]
struct Contents {
    status: StatusCode,
    code: &'static str,
    message: Cow<'static, str>,
    details: Map<String, Value>,
    retry_after_s: Option<u64>,
    headers: Vec<(HeaderName, HeaderValue)>,
    fault: Option<String>,
}

impl ApiError {
    /// An error with its own text. `code` is snake_case and registered with the desk's error codes.
    pub fn new(status: StatusCode, code: &'static str, message: impl Into<Cow<'static, str>>) -> Self {
        Self(Box::new(Contents {
            status,
            code,
            message: message.into(),
            details: Map::new(),
            retry_after_s: None,
            headers: Vec::new(),
            fault: None,
        }))
    }

    /// An error that says what its registered code says.
    pub fn of(code: &ErrorCode) -> Self {
        Self::new(code.status, code.code, code.summary)
    }

    /// An error with a registered code's status and name and a more specific text.
    pub fn because(code: &ErrorCode, message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(code.status, code.code, message)
    }

    /// A fault of ours: the caller sees a 500 without internal text, the log gets the whole chain.
    pub fn fault(cause: &(dyn Error + 'static)) -> Self {
        Self::of(&INTERNAL).with_fault(cause)
    }

    /// A 429 that may be tried again after `retry_after_s` seconds.
    pub fn rate_limited(retry_after_s: u64) -> Self {
        Self::of(&RATE_LIMITED).with_retry_after(retry_after_s)
    }

    /// Replaces the status.
    #[must_use]
    pub fn with_status(mut self, status: StatusCode) -> Self {
        self.0.status = status;
        self
    }

    /// Adds one field of detail: beside the error in flat envelopes, under `details` in the nested one.
    #[must_use]
    pub fn with_detail(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.0.details.insert(name.to_owned(), value.into());
        self
    }

    /// Sets the `Retry-After` header, in seconds.
    #[must_use]
    pub fn with_retry_after(mut self, seconds: u64) -> Self {
        self.0.retry_after_s = Some(seconds);
        self
    }

    /// Adds a response header, such as `X-RateLimit-Limit` or `WWW-Authenticate`.
    #[must_use]
    pub fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.0.headers.push((name, value));
        self
    }

    /// Keeps the cause, with all its sources, for the log. It is never sent.
    #[must_use]
    pub fn with_fault(mut self, cause: &(dyn Error + 'static)) -> Self {
        let mut text = cause.to_string();
        let mut source = cause.source();
        while let Some(inner) = source {
            text.push_str(": ");
            text.push_str(&inner.to_string());
            source = inner.source();
        }
        self.0.fault = Some(text);
        self
    }

    /// The HTTP status.
    pub fn status(&self) -> StatusCode {
        self.0.status
    }

    /// The stable code.
    pub fn code(&self) -> &'static str {
        self.0.code
    }

    /// The text for people, safe to send: a 500 only shows text that is written in the program.
    pub fn message(&self) -> &str {
        match &self.0.message {
            Cow::Owned(_) if self.hides_text() => INTERNAL.summary,
            message => message,
        }
    }

    /// The fields of detail, safe to send: a 500 has none.
    pub fn details(&self) -> Map<String, Value> {
        if self.hides_text() { Map::new() } else { self.0.details.clone() }
    }

    /// Seconds for `Retry-After`.
    pub fn retry_after_s(&self) -> Option<u64> {
        self.0.retry_after_s
    }

    /// Additional response headers.
    pub fn headers(&self) -> &[(HeaderName, HeaderValue)] {
        &self.0.headers
    }

    /// What the log is told, and the caller is not.
    pub fn fault_text(&self) -> Option<&str> {
        self.0.fault.as_deref()
    }

    fn hides_text(&self) -> bool {
        self.0.status == StatusCode::INTERNAL_SERVER_ERROR
    }
}

impl fmt::Debug for ApiError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("ApiError")
            .field("status", &self.0.status)
            .field("code", &self.0.code)
            .field("message", &self.0.message)
            .field("fault", &self.0.fault)
            .finish_non_exhaustive()
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {}: {}", self.0.status.as_u16(), self.0.code, self.0.message)
    }
}

impl Error for ApiError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("cannot read row 7")]
    struct Outer(#[source] std::io::Error);

    #[test]
    fn a_fault_keeps_its_chain_for_the_log_and_shows_none_of_it() {
        let error = ApiError::fault(&Outer(std::io::Error::other("disk sdb1 is gone")));
        assert_eq!(error.fault_text(), Some("cannot read row 7: disk sdb1 is gone"));
        assert_eq!((error.status().as_u16(), error.code()), (500, "internal"));
        assert_eq!(error.message(), "Internal error. It was logged.");
    }

    #[test]
    fn a_500_shows_texts_written_in_the_program_but_no_composed_text_and_no_details() {
        let status = StatusCode::INTERNAL_SERVER_ERROR;
        let named = ApiError::new(status, "vault_unset", "vault not configured");
        assert_eq!(named.message(), "vault not configured");
        let composed =
            ApiError::new(status, "oops", format!("host {}", "db.internal")).with_detail("sql", "x");
        assert_eq!(composed.message(), "Internal error. It was logged.");
        assert!(composed.details().is_empty());
    }

    #[test]
    fn a_refusal_shows_its_composed_text_and_details() {
        let error = ApiError::because(&crate::platform_codes::CONFLICT, format!("round {} is closed", 3));
        assert_eq!(error.message(), "round 3 is closed");
        assert_eq!(error.with_detail("round", 3).details()["round"], 3);
    }
}
