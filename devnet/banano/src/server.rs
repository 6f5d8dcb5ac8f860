//! The node behind HTTP on loopback.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::body::Body;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use futures_util::stream;
use parking_lot::Mutex;
use tokio::sync::oneshot;

use crate::command::Command;
use crate::fault::{Outcome, Reply};
use crate::node::Node;

/// Longest request that is read, in bytes.
const REQUEST_LIMIT_BYTES: usize = 256 * 1024;

/// A running node with a thread of its own; dropping it stops it, pending answers included. `POST /` is the RPC, `POST
/// /control` takes a JSON list of commands.
pub struct NodeServer {
    address: SocketAddr,
    node: Arc<Mutex<Node>>,
    stop: Option<oneshot::Sender<()>>,
    server: Option<JoinHandle<()>>,
}

impl NodeServer {
    /// Serves the node on a loopback address (port 0 picks a free one); any other address is `InvalidInput`.
    pub fn start(node: Node, listen: SocketAddr) -> io::Result<NodeServer> {
        if !listen.ip().is_loopback() {
            let problem = "a Banano node stand-in serves loopback only";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, problem));
        }
        let listener = TcpListener::bind(listen)?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let node = Arc::new(Mutex::new(node));
        let routes = Router::new()
            .route("/", post(answer))
            .route("/control", post(control))
            .layer(DefaultBodyLimit::max(REQUEST_LIMIT_BYTES))
            .with_state(Arc::clone(&node));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (stop, stopped) = oneshot::channel();
        let server = thread::Builder::new().name("banano-node".to_owned()).spawn(move || {
            // Both ends of this race are the node's end: dropping the runtime drops every open connection.
            runtime.block_on(async {
                let Ok(listener) = tokio::net::TcpListener::from_std(listener) else { return };
                tokio::select! {
                    _ = axum::serve(listener, routes) => {}
                    _ = stopped => {}
                }
            });
        })?;
        Ok(NodeServer { address, node, stop: Some(stop), server: Some(server) })
    }

    /// The RPC's URL, such as `http://127.0.0.1:40123`.
    #[must_use]
    pub fn base_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Takes a command; see [`Node::command`].
    pub fn command(&self, command: Command) -> Result<(), String> {
        let mut node = self.node.lock();
        node.advance(now_ms());
        node.command(command)
    }

    /// Looks at the node, or does something to it.
    pub fn with<T>(&self, act: impl FnOnce(&mut Node) -> T) -> T {
        let mut node = self.node.lock();
        node.advance(now_ms());
        act(&mut node)
    }
}

impl Drop for NodeServer {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(server) = self.server.take() {
            let _ = server.join();
        }
    }
}

fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

async fn answer(State(node): State<Arc<Mutex<Node>>>, request: String) -> Response {
    let Reply { delay_ms, outcome } = node.lock().handle(now_ms(), &request);
    if delay_ms > 0 {
        tokio::time::sleep(Duration::from_millis(delay_ms)).await;
    }
    match outcome {
        Outcome::Answer { status, body } => {
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            (status, [(header::CONTENT_TYPE, "application/json")], body).into_response()
        }
        Outcome::Cut => {
            let cut = io::Error::from(io::ErrorKind::BrokenPipe);
            Body::from_stream(stream::once(async { Err::<String, _>(cut) })).into_response()
        }
        Outcome::Silence => std::future::pending().await,
    }
}

async fn control(State(node): State<Arc<Mutex<Node>>>, Json(commands): Json<Vec<Command>>) -> Response {
    let mut node = node.lock();
    node.advance(now_ms());
    let refused = commands.into_iter().find_map(|command| node.command(command).err());
    match refused {
        None => StatusCode::NO_CONTENT.into_response(),
        Some(problem) => (StatusCode::CONFLICT, problem).into_response(),
    }
}
