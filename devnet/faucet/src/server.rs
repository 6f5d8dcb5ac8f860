//! A stand-in behind HTTP on loopback.

use std::collections::BTreeMap;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{DefaultBodyLimit, OriginalUri, State};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::Response as HttpResponse;
use futures_util::{StreamExt, stream};
use parking_lot::Mutex;
use serde_json::json;
use tokio::sync::oneshot;

use crate::fault::{Faults, Misbehaviour};
use crate::service::{Request, Response, Service};

/// Longest request body that is read, in bytes.
const REQUEST_LIMIT_BYTES: usize = 1 << 20;
/// Length of the padding under [`Misbehaviour::Oversized`], in bytes.
const PADDING_BYTES: usize = 4 << 20;

struct Desk<S> {
    service: S,
    faults: Faults,
    calls: BTreeMap<&'static str, u64>,
    at_once: usize,
    most_at_once: usize,
}

/// A running stand-in with a thread of its own; dropping it stops it, pending answers included.
pub struct StandIn<S> {
    address: SocketAddr,
    desk: Arc<Mutex<Desk<S>>>,
    stop: Option<oneshot::Sender<()>>,
    server: Option<JoinHandle<()>>,
}

impl<S: Service> StandIn<S> {
    /// Serves the service on a free port of the loopback address.
    pub fn start(service: S) -> io::Result<StandIn<S>> {
        StandIn::start_at(service, SocketAddr::from(([127, 0, 0, 1], 0)))
    }

    /// Serves the service on a loopback address; any other address is `InvalidInput`.
    pub fn start_at(service: S, listen: SocketAddr) -> io::Result<StandIn<S>> {
        if !listen.ip().is_loopback() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "a stand-in serves loopback only"));
        }
        let listener = TcpListener::bind(listen)?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let desk =
            Desk { service, faults: Faults::default(), calls: BTreeMap::new(), at_once: 0, most_at_once: 0 };
        let desk = Arc::new(Mutex::new(desk));
        let routes = Router::new()
            .fallback(serve::<S>)
            .layer(DefaultBodyLimit::max(REQUEST_LIMIT_BYTES))
            .with_state(Arc::clone(&desk));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (stop, stopped) = oneshot::channel();
        let server = thread::Builder::new().name("faucet-stand-in".to_owned()).spawn(move || {
            // Both ends of this race are the stand-in's end: dropping the runtime drops every open connection.
            runtime.block_on(async {
                let Ok(listener) = tokio::net::TcpListener::from_std(listener) else { return };
                tokio::select! {
                    _ = axum::serve(listener, routes) => {}
                    _ = stopped => {}
                }
            });
        })?;
        Ok(StandIn { address, desk, stop: Some(stop), server: Some(server) })
    }
}

impl<S> StandIn<S> {
    /// Base URL without trailing slash, such as `http://127.0.0.1:40123`.
    #[must_use]
    pub fn base_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Looks at the service, or changes what it knows.
    pub fn with<T>(&self, act: impl FnOnce(&mut S) -> T) -> T {
        act(&mut self.desk.lock().service)
    }

    /// Lets the next `times` requests go wrong, after those of earlier faults.
    pub fn fail_next(&self, misbehaviour: Misbehaviour, times: u32) {
        self.desk.lock().faults.add(None, misbehaviour, times);
    }

    /// Like [`StandIn::fail_next`], for requests of one operation; see each service for their names.
    pub fn fail_next_of(&self, operation: &str, misbehaviour: Misbehaviour, times: u32) {
        self.desk.lock().faults.add(Some(operation), misbehaviour, times);
    }

    /// Forgets the faults that still wait.
    pub fn behave(&self) {
        self.desk.lock().faults.clear();
    }

    /// How many requests came, those that went wrong included.
    #[must_use]
    pub fn calls(&self) -> u64 {
        self.desk.lock().calls.values().sum()
    }

    /// How many requests of one operation came.
    #[must_use]
    pub fn calls_of(&self, operation: &str) -> u64 {
        self.desk.lock().calls.get(operation).copied().unwrap_or(0)
    }

    /// The most requests that were under way at the same time.
    #[must_use]
    pub fn most_at_once(&self) -> usize {
        self.desk.lock().most_at_once
    }
}

impl<S> Drop for StandIn<S> {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(server) = self.server.take() {
            let _ = server.join();
        }
    }
}

/// A request under way; counted until it is answered or its client has gone.
struct UnderWay<S>(Arc<Mutex<Desk<S>>>);

impl<S> UnderWay<S> {
    fn begin(desk: Arc<Mutex<Desk<S>>>) -> UnderWay<S> {
        {
            let mut desk = desk.lock();
            desk.at_once += 1;
            desk.most_at_once = desk.most_at_once.max(desk.at_once);
        }
        UnderWay(desk)
    }
}

impl<S> Drop for UnderWay<S> {
    fn drop(&mut self) {
        self.0.lock().at_once -= 1;
    }
}

async fn serve<S: Service>(
    State(desk): State<Arc<Mutex<Desk<S>>>>,
    method: Method,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
    body: String,
) -> HttpResponse {
    let _under_way = UnderWay::begin(Arc::clone(&desk));
    let named = |(name, value): (&axum::http::HeaderName, &axum::http::HeaderValue)| {
        (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
    };
    let request = Request {
        method: method.to_string(),
        path: uri.path().to_owned(),
        query: uri.query().unwrap_or_default().to_owned(),
        headers: headers.iter().map(named).collect(),
        body,
    };
    let (misbehaviour, response) = desk.lock().take(&request);
    match misbehaviour {
        None => whole(response),
        Some(Misbehaviour::Delay(delay_ms)) => {
            tokio::time::sleep(Duration::from_millis(delay_ms)).await;
            whole(response)
        }
        Some(Misbehaviour::DropAnswer | Misbehaviour::DropRequest) => broken_off(200, String::new()),
        Some(Misbehaviour::CutBody) => {
            let half = response.body.len() / 2;
            broken_off(response.status, response.body.get(..half).unwrap_or_default().to_owned())
        }
        Some(Misbehaviour::Silence) => std::future::pending().await,
        Some(Misbehaviour::Garbage) => {
            let body = "<html>upstream is having a moment</html>".to_owned();
            whole(Response { body, ..response })
        }
        Some(Misbehaviour::Oversized) => {
            let body = format!("{}{}", response.body, " ".repeat(PADDING_BYTES));
            whole(Response { body, ..response })
        }
        Some(Misbehaviour::Body(body)) => whole(Response::typed(200, "application/json", body)),
        Some(Misbehaviour::Status(status)) => whole(failed(status, &request.path)),
        Some(Misbehaviour::TooManyRequests { retry_after_ms }) => whole(limited(retry_after_ms)),
    }
}

impl<S: Service> Desk<S> {
    /// Counts the request and does it, unless its misbehaviour is that it is not done.
    fn take(&mut self, request: &Request) -> (Option<Misbehaviour>, Response) {
        let operation = self.service.operation(request);
        *self.calls.entry(operation).or_default() += 1;
        let misbehaviour = self.faults.take(operation);
        let response = match misbehaviour {
            Some(
                Misbehaviour::DropRequest
                | Misbehaviour::Status(_)
                | Misbehaviour::TooManyRequests { .. }
                | Misbehaviour::Body(_),
            ) => Response::typed(200, "text/plain", String::new()),
            _ => self.service.answer(request),
        };
        (misbehaviour, response)
    }
}

fn whole(response: Response) -> HttpResponse {
    let status = StatusCode::from_u16(response.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut built = HttpResponse::builder().status(status);
    for (name, value) in &response.headers {
        built = built.header(*name, value);
    }
    built.body(Body::from(response.body)).unwrap_or_default()
}

/// The real services put more into their error bodies; nothing of it may reach a client's own messages.
fn failed(status: u16, path: &str) -> Response {
    let mut response = Response::json(status, &json!({ "message": "stand-in secret detail", "code": 0 }));
    if (300..400).contains(&status) {
        response.headers.push(("location", path.to_owned()));
    }
    response
}

fn limited(retry_after_ms: Option<u64>) -> Response {
    let Some(milliseconds) = retry_after_ms else { return failed(429, "") };
    let (seconds, rest) = (milliseconds / 1_000, milliseconds % 1_000);
    let body = format!(
        r#"{{"message":"You are being rate limited.","retry_after":{seconds}.{rest:03},"global":false}}"#
    );
    let mut response = Response::typed(429, "application/json", body);
    response.headers.push(("retry-after", milliseconds.div_ceil(1_000).to_string()));
    response
}

/// A body that ends in a broken connection after `start`; with an empty start not even a head arrives.
fn broken_off(status: u16, start: String) -> HttpResponse {
    let begins = !start.is_empty();
    let cut = stream::once(async move {
        if begins {
            // Waiting once lets the server flush the start; an error at hand would drop it together with the head.
            tokio::task::yield_now().await;
        }
        Err::<String, _>(io::Error::from(io::ErrorKind::BrokenPipe))
    });
    let start = stream::iter(Some(start).filter(|start| !start.is_empty()).map(Ok));
    let mut response = HttpResponse::new(Body::from_stream(start.chain(cut)));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or_default();
    response
}
