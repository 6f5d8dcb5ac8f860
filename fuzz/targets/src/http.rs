//! The head of a request: client address, cookies, ids, path and query; and a whole request through the web kit.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::LazyLock;

use axum::Json;
use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, Method, Request, header};
use bursar_web::metrics::{HttpMetrics, Registry};
use bursar_web::{
    Application, Auth, Call, Envelope, HeaderPolicy, Host, Operation, ProxyTrust, Route, Surface, Unknown,
    assemble, client_ip, cookie, idempotency_key, set_cookie,
};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::input::{first, line, text};

const PEER: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1));

/// The address is the peer's or one that stands in the header; without trust it is the peer's.
pub fn client_address(bytes: &[u8]) {
    let (choice, mut rest) = first(bytes);
    let networks = if choice & 1 == 0 { vec![] } else { vec!["10.0.0.0/8".parse().unwrap()] };
    let trust = ProxyTrust { networks, count: usize::from(choice >> 6), ..ProxyTrust::default() };
    let mut headers = HeaderMap::new();
    let mut sent = String::new();
    while !rest.is_empty() && headers.len() < 8 {
        let (value, after) = line(rest);
        rest = after;
        sent.push_str(&String::from_utf8_lossy(value));
        sent.push(',');
        if let Ok(value) = HeaderValue::from_bytes(value) {
            headers.append("x-forwarded-for", value);
        }
    }
    let found = client_ip(PEER, &headers, &trust);
    if !trust.believes(PEER) {
        assert_eq!(found, PEER);
    }
    assert!(found == PEER || is_named(&sent, found), "{found} in {sent:?}");
    assert_eq!(found.to_canonical(), found);
}

/// Whether some part of `sent` reads as `address`, however it is written.
fn is_named(sent: &str, address: IpAddr) -> bool {
    let parts = sent.split([',', ' ', '\t', '[', ']']);
    let reads = |part: &str| part.parse::<IpAddr>().ok().or_else(|| socket(part));
    parts.filter_map(reads).any(|found| found.to_canonical() == address)
        || sent.split(',').filter_map(|part| socket(part.trim())).any(|found| found.to_canonical() == address)
}

fn socket(text: &str) -> Option<IpAddr> {
    text.parse::<SocketAddr>().ok().map(|socket| socket.ip())
}

/// A cookie that can be set is read back; what is read never holds a separator.
pub fn cookies(bytes: &[u8]) {
    let (sent, rest) = line(bytes);
    let mut headers = HeaderMap::new();
    if let Ok(value) = HeaderValue::from_bytes(sent) {
        headers.insert(header::COOKIE, value);
    }
    for name in ["p2s_session", "bursar_session", ""] {
        assert!(cookie(&headers, name).is_none_or(|value| !value.contains(';')));
    }
    let (Some(name), Some(value)) = (text(sent), text(rest)) else { return };
    let Some(set) = set_cookie(name, value, std::time::Duration::from_secs(60), true) else { return };
    let (pair, attributes) = set.to_str().unwrap().split_once("; ").unwrap();
    assert_eq!(attributes, "Path=/; Max-Age=60; HttpOnly; SameSite=Lax; Secure");
    headers.insert(header::COOKIE, HeaderValue::from_str(pair).unwrap());
    assert_eq!(cookie(&headers, name), Some(value));
}

/// A request as lines: method, target, headers, an empty line, body. Whatever it is, the answer is a complete one that
/// is not our fault, with the security headers and an id.
pub fn request(bytes: &[u8]) {
    static RUNTIME: LazyLock<Runtime> =
        LazyLock::new(|| tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap());
    static APPLICATION: LazyLock<Application> = LazyLock::new(application);
    let Some(request) = parsed(bytes) else { return };
    let is_head = request.method() == Method::HEAD;
    let answer = RUNTIME.block_on(async {
        let answer = APPLICATION.answer(request, SocketAddr::new(PEER, 4_000)).await;
        let (head, body) = answer.into_parts();
        (head, body.collect().await.unwrap().to_bytes())
    });
    let (head, body) = answer;
    assert!(head.status.as_u16() < 500, "{} {}", head.status, String::from_utf8_lossy(&body));
    for name in ["x-content-type-options", "x-request-id", "x-correlation-id", "content-security-policy"] {
        assert!(head.headers.contains_key(name), "{name}");
    }
    if head.status.is_client_error() && !is_head {
        let error: Value = serde_json::from_slice(&body).expect("errors are JSON");
        assert!(error["code"].is_string() || error["error"]["code"].is_string(), "{error}");
    }
}

fn parsed(bytes: &[u8]) -> Option<Request<Body>> {
    let (method, rest) = line(bytes);
    let (target, mut rest) = line(rest);
    let mut request = Request::builder().method(method).uri(target);
    while !rest.is_empty() {
        let (header, after) = line(rest);
        rest = after;
        if header.is_empty() {
            break;
        }
        let colon = header.iter().position(|byte| *byte == b':')?;
        request = request.header(&header[..colon], header[colon + 1..].trim_ascii());
    }
    request.body(Body::from(rest.to_vec())).ok()
}

/// A desk that reads everything that a request can hold.
fn application() -> Application {
    let registry = Registry::new();
    let host = Host {
        trust: ProxyTrust { networks: vec!["10.0.0.0/8".parse().unwrap()], ..ProxyTrust::default() },
        version: "0.0.0".to_owned(),
        commit: "0".repeat(40),
        http: HttpMetrics::register(&registry, false).unwrap(),
        unknown: Unknown::NotFound,
        headers: HeaderPolicy::new(),
        documentation: true,
    };
    let operation = |id| Operation::new(id, "Reads everything.", Auth::None);
    let get = Route::new(Method::GET, "/things/{id}", operation("get_thing"), read);
    let post = Route::new(Method::POST, "/things/{id}", operation("post_thing"), read);
    let nested = Route::new(Method::POST, "/nested/{id}", operation("post_nested"), read);
    let surfaces = vec![
        Surface::new("things", Envelope::FlatRetry, 256).route(get).route(post),
        Surface::new("nested", Envelope::Nested, 256).route(nested),
    ];
    assemble(surfaces, host).unwrap()
}

async fn read(mut call: Call) -> Result<Json<Value>, bursar_web::ApiError> {
    let pairs: Vec<_> = call.query_pairs().map(|(name, value)| format!("{name}={value}")).collect();
    let head = json!({
        "id": call.parameter("id"), "pairs": pairs, "client": call.client().to_string(),
        "cookie": call.cookie("a"), "bearer": call.bearer(), "html": call.prefers("text/html"),
        "region": call.region(), "key": idempotency_key(call.headers())?,
        "request": call.identity().request_id(), "trace": call.identity().trace_id(),
    });
    assert!(!call.parameter("id").contains('\0'));
    if call.method() == Method::GET {
        return Ok(Json(head));
    }
    let body: Option<Value> = call.optional_json().await?;
    Ok(Json(json!({"head": head, "body": body})))
}
