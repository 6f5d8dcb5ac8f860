//! `/openapi.json`, the interactive `/docs`, and a page per error code.

use std::fmt::Write as _;
use std::sync::Arc;

use axum::http::{Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;

use crate::assembly::Host;
use crate::call::Call;
use crate::envelope::Envelope;
use crate::error::ApiError;
use crate::error_code::ErrorRegistry;
use crate::openapi;
use crate::operation::{Auth, Operation};
use crate::platform_codes::NOT_FOUND;
use crate::route::{Route, Surface};
use crate::schema;

/// Platform routes take at most this much (H11).
const BODY_BYTES_MAX: usize = 64 * 1024;

/// The documentation of the given surfaces and of itself.
pub(crate) fn surface(others: &[Surface], host: &Host, errors: ErrorRegistry) -> Surface {
    let errors = Arc::new(errors);
    let mut surface = Surface::new("platform", Envelope::Flat, BODY_BYTES_MAX);
    surface.headers = host.headers.clone();
    surface.routes = pages(&errors);
    // The description lists its own route, so the route is described before the text exists.
    let route = |text| {
        let operation = Operation::new("openapi", "This API as OpenAPI 3.1.", Auth::None);
        Route::fixed("/openapi.json", operation, "application/json", text)
    };
    let mut all = others.to_vec();
    all.push(surface.clone().route(route(Bytes::new())));
    let text = Bytes::from(openapi::document(&all, &host.version).to_string());
    surface.route(route(text))
}

fn pages(errors: &Arc<ErrorRegistry>) -> Vec<Route> {
    let asset = |id, summary, path, content_type, text: &'static str| {
        let operation = Operation::new(id, summary, Auth::None);
        Route::fixed(path, operation, content_type, Bytes::from_static(text.as_bytes()))
    };
    let (list, page) = (Arc::clone(errors), Arc::clone(errors));
    let list_operation = Operation::new("docs_errors", "All error codes.", Auth::None).answer_as(
        StatusCode::OK,
        "A list in Markdown, one code a line.",
        "text/markdown; charset=utf-8",
        schema::string(),
    );
    let page_operation = Operation::new("docs_error", "What an error code means.", Auth::None)
        .answer_as(StatusCode::OK, "A page in Markdown.", "text/markdown; charset=utf-8", schema::string())
        .refusal(StatusCode::NOT_FOUND, "No such code.");
    vec![
        asset(
            "docs",
            "This API as an interactive page.",
            "/docs",
            "text/html; charset=utf-8",
            include_str!("../assets/docs.html"),
        ),
        asset(
            "docs_script",
            "The page's script.",
            "/docs/docs.js",
            "text/javascript; charset=utf-8",
            include_str!("../assets/docs.js"),
        ),
        asset(
            "docs_style",
            "The page's style.",
            "/docs/docs.css",
            "text/css; charset=utf-8",
            include_str!("../assets/docs.css"),
        ),
        Route::new(Method::GET, "/docs/errors", list_operation, move |_| {
            let text = error_list(&list);
            async { Ok(markdown(text)) }
        }),
        Route::new(Method::GET, "/docs/errors/{code}", page_operation, move |call: Call| {
            let text = page.page(call.parameter("code"));
            async { text.map(markdown).ok_or_else(|| ApiError::of(&NOT_FOUND)) }
        }),
    ]
}

fn markdown(text: String) -> Response {
    ([(header::CONTENT_TYPE, "text/markdown; charset=utf-8")], text).into_response()
}

fn error_list(errors: &ErrorRegistry) -> String {
    let mut text = "# Error codes\n\n".to_owned();
    for code in errors.names() {
        for (owner, entry) in errors.entries(code) {
            let status = entry.status.as_u16();
            let _ = writeln!(text, "- [`{code}`](/docs/errors/{code}) {status}, {owner}: {}", entry.summary);
        }
    }
    text
}
