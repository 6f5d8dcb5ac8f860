//! Answers of pages: HTML with its headers, redirects, and refusals that a person can read.

use std::future::Future;
use std::sync::Arc;

use axum::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bursar_web::{ApiError, Call, Operation, RequestIdentity, Route, schema};
use maud::{Markup, html};

use crate::document::{Document, Header, render};
use crate::wording::sentence;

/// How long a page may be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keeping {
    /// Browsers ask again each time.
    AskAgain,
    /// Nobody keeps it: it is one operator's.
    Never,
}

/// A page.
pub(crate) fn page(status: StatusCode, keeping: Keeping, markup: Markup) -> Response {
    let kept = match keeping {
        Keeping::AskAgain => "no-cache",
        Keeping::Never => "no-store",
    };
    let headers = [(header::CONTENT_TYPE, "text/html; charset=utf-8"), (header::CACHE_CONTROL, kept)];
    (status, headers, markup.into_string()).into_response()
}

/// Sends the browser to `path` with a `GET`, so that reloading posts nothing twice.
pub(crate) fn see(path: &str) -> Response {
    let target = HeaderValue::try_from(path).unwrap_or(HeaderValue::from_static("/"));
    (StatusCode::SEE_OTHER, [(header::LOCATION, target), (header::CACHE_CONTROL, no_store())]).into_response()
}

/// A redirect that also sets a cookie.
pub(crate) fn see_with_cookie(path: &str, cookie: HeaderValue) -> Response {
    let mut response = see(path);
    response.headers_mut().append(header::SET_COOKIE, cookie);
    response
}

/// Carries a refusal's headers over to a page.
pub(crate) fn with_headers_of(error: &ApiError, mut response: Response) -> Response {
    let headers = response.headers_mut();
    if let Some(seconds) = error.retry_after_s() {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    for (name, value) in error.headers() {
        headers.append::<HeaderName>(name.clone(), value.clone());
    }
    response
}

/// A route whose answers, refusals included, are pages.
pub(crate) fn route<S, F, Fut>(
    state: &Arc<S>,
    method: Method,
    path: &'static str,
    operation: Operation,
    run: F,
) -> Route
where
    S: Send + Sync + 'static,
    F: Fn(Arc<S>, Call) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<Response, ApiError>> + Send + 'static,
{
    let state = Arc::clone(state);
    let html = schema::string();
    let operation = operation.answer_as(StatusCode::OK, "The page.", "text/html", html);
    Route::new(method, path, operation, move |call: Call| {
        let identity = call.identity().clone();
        let answer = run(Arc::clone(&state), call);
        async move { Ok::<_, ApiError>(answer.await.unwrap_or_else(|error| refusal(&error, &identity))) }
    })
}

/// The page of a refusal. A fault of ours is logged whole and shown without its inside.
pub(crate) fn refusal(error: &ApiError, identity: &RequestIdentity) -> Response {
    if let Some(fault) = error.fault_text() {
        tracing::error!(
            target: "bursar::http",
            event = "request_fault",
            requestId = identity.request_id(),
            correlation_id = identity.correlation_id(),
            code = error.code(),
            fault,
            "a page failed"
        );
    }
    let title = error.status().canonical_reason().unwrap_or("Refused");
    let body = html! {
        section.card.narrow {
            h1 { (title) }
            p { (sentence(error.message())) }
            @if let Some(seconds) = error.retry_after_s() {
                p { "Try again in " (seconds) " s." }
            }
            p.quiet { "Code " code { (error.code()) } ", request " code { (identity.request_id()) } }
            p { a href="/" { "To the start page" } }
        }
    };
    let document = Document { title, now_ms: None, refresh: None, header: Header::Plain, body };
    with_headers_of(error, page(error.status(), Keeping::Never, render(document)))
}

fn no_store() -> HeaderValue {
    HeaderValue::from_static("no-store")
}
