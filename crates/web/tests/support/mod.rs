//! A toy desk, and a client that speaks HTTP/1.1 over a real connection.
#![allow(clippy::unwrap_used, dead_code, reason = "support for tests; each test file uses a part of it")]

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::http::{Method, StatusCode};
use bursar_web::metrics::{HttpMetrics, Registry};
use bursar_web::{
    ApiError, ApplicationHandle, Auth, Call, Drained, Envelope, HeaderPolicy, Host, Operation, ProxyTrust,
    Route, ServeLimits, Surface, Unknown, assemble, platform_codes, serve,
};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// What all test hosts have in common.
pub fn host(registry: &Registry) -> Host {
    Host {
        trust: ProxyTrust::default(),
        version: "1.4.0".to_owned(),
        commit: "0123456789012345678901234567890123456789".to_owned(),
        http: HttpMetrics::register(registry, false).unwrap(),
        unknown: Unknown::NotFound,
        headers: HeaderPolicy::new(),
        documentation: true,
    }
}

pub fn route<F, Fut>(method: Method, path: &'static str, id: &'static str, handler: F) -> Route
where
    F: Fn(Call) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<Json<Value>, ApiError>> + Send + 'static,
{
    Route::new(method, path, Operation::new(id, "A toy.", Auth::None), handler)
}

/// A desk with one route of each kind.
pub fn toy_desk() -> Surface {
    Surface::new("toy", Envelope::FlatRetry, 64)
        .route(route(Method::GET, "/toy/rounds/{id}", "toy_round", |call| async move {
            let limit = call.query("limit").map(|limit| limit.into_owned());
            Ok(Json(json!({"id": call.parameter("id"), "limit": limit, "client": call.client().to_string()})))
        }))
        .route(route(Method::POST, "/toy/rounds/{id}", "toy_join", |mut call| async move {
            let body: Value = call.json().await?;
            Ok(Json(json!({"joined": call.parameter("id"), "body": body})))
        }))
        .route(route(Method::POST, "/toy/limited", "toy_limited", |_| async {
            Err(ApiError::rate_limited(3))
        }))
        .route(route(Method::GET, "/toy/fault", "toy_fault", |_| async {
            Err(ApiError::fault(&std::io::Error::other("secret host db-7")))
        }))
        .route(route(Method::GET, "/toy/panic", "toy_panic", |_| async { panic!("secret panic text") }))
        .route(
            route(Method::GET, "/toy/slow", "toy_slow", |_| std::future::pending())
                .answer_time_max(Duration::from_millis(20)),
        )
}

/// A desk with the nested envelope.
pub fn nested_desk() -> Surface {
    Surface::new("nested", Envelope::Nested, 1_024).route(route(
        Method::POST,
        "/nested/things",
        "nested_things",
        |mut call| async move {
            let _: Value = call.json().await?;
            Err(ApiError::because(&platform_codes::CONFLICT, "taken").with_detail("have", 3))
        },
    ))
}

/// A server on a loopback port.
pub struct Server {
    pub address: SocketAddr,
    pub registry: Arc<Registry>,
    stop: oneshot::Sender<()>,
    ended: JoinHandle<Drained>,
}

impl Server {
    pub async fn start(surfaces: Vec<Surface>) -> Self {
        let registry = Arc::new(Registry::new());
        let host = host(&registry);
        Self::start_with(surfaces, host, registry, ServeLimits::default()).await
    }

    pub async fn start_with(
        surfaces: Vec<Surface>,
        host: Host,
        registry: Arc<Registry>,
        limits: ServeLimits,
    ) -> Self {
        let application = ApplicationHandle::new(assemble(surfaces, host).unwrap());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let ended = tokio::spawn(async move {
            serve(listener, application, limits, async {
                let _ = stopped.await;
            })
            .await
        });
        Self { address, registry, stop, ended }
    }

    /// Gives the shutdown signal and waits for the end.
    pub async fn stop(self) -> Drained {
        self.stop.send(()).unwrap();
        self.ended.await.unwrap()
    }

    /// Gives the shutdown signal.
    pub fn signal(self) -> JoinHandle<Drained> {
        self.stop.send(()).unwrap();
        self.ended
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send("GET", path, "", "").await
    }

    pub async fn post(&self, path: &str, body: &str) -> Answer {
        self.send("POST", path, "", body).await
    }

    /// One request on a connection of its own; `headers` are whole lines.
    pub async fn send(&self, method: &str, path: &str, headers: &str, body: &str) -> Answer {
        let length = body.len();
        let text = format!(
            "{method} {path} HTTP/1.1\r\nhost: toy\r\nconnection: close\r\ncontent-length: {length}\r\n{headers}\r\n{body}"
        );
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(text.as_bytes()).await.unwrap();
        read_answer(&mut stream).await
    }
}

/// Reads one answer up to the end of the connection.
pub async fn read_answer(stream: &mut TcpStream) -> Answer {
    let mut text = Vec::new();
    stream.read_to_end(&mut text).await.unwrap();
    let text = String::from_utf8(text).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no HTTP answer: {text:?}"));
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Answer { status, head: head.to_ascii_lowercase(), body: body.to_owned() }
}

/// One answer.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| line.strip_prefix(&format!("{name}: ")))
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }

    /// Asserts status and JSON body.
    #[track_caller]
    pub fn expect(&self, status: StatusCode, body: Value) {
        assert_eq!((self.status, self.json()), (status.as_u16(), body));
    }
}
