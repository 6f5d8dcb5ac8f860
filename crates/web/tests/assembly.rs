//! A toy desk over a real loopback listener: routing, envelopes, ids, limits, metrics, documentation.
#![allow(clippy::unwrap_used, clippy::panic, reason = "test code")]

mod support;

use axum::Json;
use axum::http::{HeaderValue, Method, StatusCode};
use bursar_web::metrics::{Format, Registry};
use bursar_web::{AssemblyError, CorsPolicy, Envelope, ProxyTrust, ServeLimits, Surface, Unknown, assemble};
use serde_json::{Value, json};
use std::sync::Arc;
use support::{Server, host, nested_desk, route, toy_desk};

fn refused(surfaces: Vec<Surface>) -> AssemblyError {
    match assemble(surfaces, host(&Registry::new())) {
        Err(error) => error,
        Ok(_) => panic!("the surfaces were accepted"),
    }
}

fn single(desk: &'static str, method: Method, path: &'static str, id: &'static str) -> Surface {
    let handler = |_| async { Ok(Json(Value::Null)) };
    Surface::new(desk, Envelope::Flat, 64).route(route(method, path, id, handler))
}

#[test]
fn h3_two_desks_cannot_register_one_method_and_path() {
    let (rounds, faucet) = ("rounds", "faucet");
    let error = refused(vec![single(rounds, Method::GET, "/x", "a"), single(faucet, Method::GET, "/x", "b")]);
    assert_eq!(error.to_string(), "GET /x is registered by `rounds` and by `faucet`; only one may answer it");
    let surfaces = vec![single(rounds, Method::GET, "/x", "a"), single(faucet, Method::POST, "/x", "b")];
    assert!(assemble(surfaces, host(&Registry::new())).is_ok());
}

#[test]
fn clashing_templates_operation_ids_and_schemas_are_refused() {
    let clash =
        refused(vec![single("a", Method::GET, "/x/{id}", "a"), single("b", Method::POST, "/x/{name}", "b")]);
    assert!(matches!(clash, AssemblyError::Template { path: "/x/{name}", desk: "b", .. }), "{clash}");
    let twice = refused(vec![single("a", Method::GET, "/x", "same"), single("b", Method::GET, "/y", "same")]);
    assert_eq!(twice, AssemblyError::OperationTwice { id: "same", first: "/x", second: "/y" });
    let with_schema = |desk, path, id| {
        let mut surface = single(desk, Method::GET, path, id);
        surface.schemas.push(("Entry", json!({})));
        surface
    };
    let twice = refused(vec![with_schema("a", "/x", "a"), with_schema("b", "/y", "b")]);
    assert_eq!(twice, AssemblyError::SchemaTwice("Entry"));
}

#[tokio::test]
async fn a_request_reaches_its_handler_with_parameters_query_and_body() {
    let server = Server::start(vec![toy_desk()]).await;
    server
        .get("/toy/rounds/SOL%2F1?limit=5")
        .await
        .expect(StatusCode::OK, json!({"id": "SOL/1", "limit": "5", "client": "127.0.0.1"}));
    server
        .post("/toy/rounds/7", r#"{"stake":5}"#)
        .await
        .expect(StatusCode::OK, json!({"joined": "7", "body": {"stake": 5}}));
}

#[tokio::test]
async fn h6_h8_h16_every_answer_carries_ids_security_headers_and_build() {
    let server = Server::start(vec![toy_desk()]).await;
    for (method, path, status) in [
        ("GET", "/toy/rounds/7", 200),
        ("GET", "/nowhere", 404),
        ("PUT", "/toy/rounds/7", 405),
        ("OPTIONS", "/toy/rounds/7", 204),
        ("GET", "/toy/fault", 500),
        ("HEAD", "/toy/rounds/7", 200),
    ] {
        let answer = server.send(method, path, "X-Request-Id: r-1\r\n", "").await;
        assert_eq!(answer.status, status, "{method} {path}");
        for (name, value) in [
            ("x-request-id", "r-1"),
            ("x-correlation-id", "r-1"),
            ("x-bursar-build", "0123456789012345678901234567890123456789"),
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "strict-origin-when-cross-origin"),
            ("permissions-policy", "camera=(), microphone=(), geolocation=()"),
            ("content-security-policy", "default-src 'self'; frame-ancestors 'none'"),
        ] {
            assert_eq!(answer.header(name), Some(value), "{method} {path}");
        }
    }
}

#[tokio::test]
async fn h12_unknown_paths_and_methods_speak_the_union_or_the_nested_envelope() {
    let server = Server::start(vec![toy_desk(), nested_desk()]).await;
    let not_found = json!({"error": "not found", "code": "not_found", "detail": "Not Found"});
    server.get("/toy/nothing").await.expect(StatusCode::NOT_FOUND, not_found.clone());
    server.get("/toy/rounds/%ff").await.expect(StatusCode::NOT_FOUND, not_found);
    let nested = server.send("GET", "/nested/nothing", "X-Request-Id: r-2\r\n", "").await;
    nested.expect(
        StatusCode::NOT_FOUND,
        json!({"ok": false, "error": {"code": "not_found", "message": "not found"}, "requestId": "r-2"}),
    );
    let wrong = server.send("DELETE", "/toy/rounds/7", "", "").await;
    wrong.expect(
        StatusCode::METHOD_NOT_ALLOWED,
        json!({"error": "method not allowed", "code": "method_not_allowed", "detail": "Method Not Allowed"}),
    );
    assert_eq!(wrong.header("allow"), Some("get, head, options, post"));
}

#[tokio::test]
async fn refusals_are_rendered_in_the_desks_envelope() {
    let server = Server::start(vec![toy_desk(), nested_desk()]).await;
    let limited = server.post("/toy/limited", "").await;
    limited.expect(
        StatusCode::TOO_MANY_REQUESTS,
        json!({"error": "Too many requests.", "code": "rate_limited", "retryAfterSec": 3}),
    );
    assert_eq!(limited.header("retry-after"), Some("3"));
    let nested = server.send("POST", "/nested/things", "X-Request-Id: r-3\r\n", "{}").await;
    nested.expect(
        StatusCode::CONFLICT,
        json!({"ok": false, "requestId": "r-3",
               "error": {"code": "conflict", "message": "taken", "details": {"have": 3}}}),
    );
    let malformed = server.post("/nested/things", "{").await;
    assert_eq!((malformed.status, &malformed.json()["error"]["code"]), (400, &json!("validation_error")));
}

#[tokio::test]
async fn h11_a_body_over_the_desks_limit_is_413_before_it_is_read() {
    let server = Server::start(vec![toy_desk()]).await;
    let fits = format!("\"{}\"", "x".repeat(62));
    assert_eq!(server.post("/toy/rounds/7", &fits).await.status, 200);
    let answer = server.post("/toy/rounds/7", &format!(" {fits}")).await;
    assert_eq!((answer.status, &answer.json()["code"]), (413, &json!("body_too_large")));
    let huge = server.post("/toy/rounds/7", &"x".repeat(900_000)).await;
    assert_eq!(huge.status, 413);
}

#[tokio::test]
async fn faults_panics_and_deadlines_show_no_internal_text() {
    let server = Server::start(vec![toy_desk()]).await;
    let internal = json!({"error": "Internal error. It was logged.", "code": "internal"});
    server.get("/toy/fault").await.expect(StatusCode::INTERNAL_SERVER_ERROR, internal.clone());
    server.get("/toy/panic").await.expect(StatusCode::INTERNAL_SERVER_ERROR, internal);
    let late = server.get("/toy/slow").await;
    assert_eq!((late.status, &late.json()["code"]), (504, &json!("deadline_exceeded")));
}

#[tokio::test]
async fn head_answers_like_get_without_a_body() {
    let server = Server::start(vec![toy_desk()]).await;
    let (get, head) = (server.get("/toy/rounds/7").await, server.send("HEAD", "/toy/rounds/7", "", "").await);
    assert_eq!((head.status, head.body.as_str()), (200, ""));
    assert_eq!(head.header("content-length"), Some(get.body.len().to_string().as_str()));
    assert_eq!(head.header("content-type"), Some("application/json"));
}

#[tokio::test]
async fn h7_the_forwarded_address_counts_only_behind_a_trusted_proxy() {
    let forwarded = "X-Forwarded-For: 198.51.100.4\r\n";
    let server = Server::start(vec![toy_desk()]).await;
    let direct = server.send("GET", "/toy/rounds/7", forwarded, "").await;
    assert_eq!(direct.json()["client"], "127.0.0.1");
    let registry = Arc::new(Registry::new());
    let mut host = host(&registry);
    host.trust = ProxyTrust { networks: vec!["127.0.0.0/8".parse().unwrap()], ..ProxyTrust::default() };
    let server = Server::start_with(vec![toy_desk()], host, registry, ServeLimits::default()).await;
    let proxied = server.send("GET", "/toy/rounds/7", forwarded, "").await;
    assert_eq!(proxied.json()["client"], "198.51.100.4");
}

#[tokio::test]
async fn h9_cors_belongs_to_the_desk_of_the_path() {
    let mut open = nested_desk();
    open.cors = CorsPolicy::Origins(vec![HeaderValue::from_static("https://a.example")]);
    let server = Server::start(vec![toy_desk(), open]).await;
    let allowed = |answer: &support::Answer| answer.header("access-control-allow-origin").map(str::to_owned);
    let from = |origin: &str| format!("Origin: {origin}\r\n");
    let listed = server.send("POST", "/nested/things", &from("https://a.example"), "{}").await;
    assert_eq!(allowed(&listed).as_deref(), Some("https://a.example"));
    let foreign = server.send("POST", "/nested/things", &from("https://b.example"), "{}").await;
    assert_eq!(allowed(&foreign), None);
    let other_desk = server.send("GET", "/toy/rounds/7", &from("https://a.example"), "").await;
    assert_eq!(allowed(&other_desk), None);
    let preflight = "Origin: https://a.example\r\nAccess-Control-Request-Method: POST\r\n";
    let answer = server.send("OPTIONS", "/nested/things", preflight, "").await;
    assert_eq!((answer.status, allowed(&answer).as_deref()), (204, Some("https://a.example")));
    assert_eq!(answer.header("access-control-allow-methods"), Some("options, post"));
}

#[tokio::test]
async fn m2_requests_are_counted_by_template_and_status_and_strangers_create_no_series() {
    let server = Server::start(vec![toy_desk()]).await;
    for path in ["/toy/rounds/1", "/toy/rounds/2", "/nowhere/1", "/nowhere/2"] {
        server.get(path).await;
    }
    server.post("/toy/limited", "").await;
    server.send("BREW", "/nowhere", "", "").await;
    server.send("PUT", "/toy/rounds/1", "", "").await;
    server.send("HEAD", "/toy/rounds/1", "", "").await;
    let text = server.registry.render(Format::Text);
    let counted: Vec<&str> = text.lines().filter(|line| line.starts_with("http_requests_total{")).collect();
    let expected = [
        r#"http_requests_total{method="GET",path="/toy/rounds/{id}",status="200"} 2"#,
        r#"http_requests_total{method="GET",path="unmatched",status="404"} 2"#,
        r#"http_requests_total{method="HEAD",path="/toy/rounds/{id}",status="200"} 1"#,
        r#"http_requests_total{method="POST",path="/toy/limited",status="429"} 1"#,
        r#"http_requests_total{method="PUT",path="/toy/rounds/{id}",status="405"} 1"#,
        r#"http_requests_total{method="other",path="unmatched",status="404"} 1"#,
    ];
    assert_eq!(counted, expected);
    let line = r#"http_request_duration_seconds_count{method="GET",path="/toy/rounds/{id}"} 2"#;
    assert!(text.contains(line), "{text}");
    assert!(text.contains("bursar_http_requests_in_flight 0\n"));
}

#[tokio::test]
async fn v6_before_it_is_ready_everything_but_infrastructure_is_503_until_the_application_is_replaced() {
    let registry = Registry::new();
    let whole = host(&registry);
    let mut starting = whole.clone();
    starting.unknown = Unknown::NotReady;
    starting.documentation = false;
    let handle = bursar_web::ApplicationHandle::new(assemble(vec![], starting).unwrap());
    let get = async |path: &str| {
        let request = axum::http::Request::get(path).body(axum::body::Body::empty()).unwrap();
        let response = handle.answer(request, ([127, 0, 0, 1], 1).into()).await;
        (response.status().as_u16(), response.headers().get("retry-after").cloned())
    };
    assert_eq!(get("/toy/rounds/7").await, (503, Some(HeaderValue::from_static("1"))));
    handle.replace(assemble(vec![toy_desk()], whole).unwrap());
    assert_eq!(get("/toy/rounds/7").await, (200, None));
}

#[tokio::test]
async fn the_documentation_describes_every_route_and_loads_nothing_from_elsewhere() {
    let server = Server::start(vec![toy_desk()]).await;
    let api = server.get("/openapi.json").await.json();
    assert_eq!(api["openapi"], "3.1.0");
    let paths: Vec<&String> = api["paths"].as_object().unwrap().keys().collect();
    let expected = [
        "/docs",
        "/docs/docs.css",
        "/docs/docs.js",
        "/docs/errors",
        "/docs/errors/{code}",
        "/openapi.json",
        "/toy/fault",
        "/toy/limited",
        "/toy/panic",
        "/toy/rounds/{id}",
        "/toy/slow",
    ];
    assert_eq!(paths, expected);
    for (path, content_type) in [
        ("/docs", "text/html; charset=utf-8"),
        ("/docs/docs.js", "text/javascript; charset=utf-8"),
        ("/docs/docs.css", "text/css; charset=utf-8"),
    ] {
        let file = server.get(path).await;
        assert_eq!((file.status, file.header("content-type")), (200, Some(content_type)));
        assert!(!file.body.contains("http://") && !file.body.contains("https://"), "{path}");
        assert!(!file.body.contains("<script>") && !file.body.contains(" style="), "{path}");
    }
}

#[tokio::test]
async fn every_error_code_has_a_page() {
    let server = Server::start(vec![toy_desk()]).await;
    let list = server.get("/docs/errors").await.body;
    let codes: Vec<&str> =
        list.lines().filter_map(|line| line.strip_prefix("- [`")?.split('`').next()).collect();
    assert!(codes.contains(&"malformed_json") && codes.len() >= 17, "{codes:?}");
    for code in codes {
        let page = server.get(&format!("/docs/errors/{code}")).await;
        assert_eq!(page.status, 200, "{code}");
        assert!(page.body.starts_with(&format!("# `{code}`\n")), "{}", page.body);
    }
    let unknown = server.get("/docs/errors/no_such_code").await;
    unknown.expect(StatusCode::NOT_FOUND, json!({"error": "not found", "code": "not_found"}));
}
