//! A toy desk for load generators: `toy_server [--bare] [--log] [ADDRESS]`; `--bare` = axum alone, to compare.
#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "a measuring tool, not part of the server")]

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Json;
use axum::http::Method;
use bursar_web::metrics::{HttpMetrics, Registry};
use bursar_web::{
    ApplicationHandle, Auth, Envelope, HeaderPolicy, Host, Operation, ProxyTrust, Route, ServeLimits,
    Surface, Unknown, assemble, serve,
};
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;

#[derive(Deserialize)]
struct Join {
    id: String,
    stake: u64,
}

#[derive(Serialize)]
struct Joined {
    ok: bool,
    id: String,
    stake: u64,
}

impl From<Join> for Joined {
    fn from(join: Join) -> Self {
        Self { ok: true, id: join.id, stake: join.stake }
    }
}

fn toy() -> Surface {
    let join = Route::new(
        Method::POST,
        "/join",
        Operation::new("join", "Join.", Auth::None),
        |mut call| async move { Ok(Json(Joined::from(call.json::<Join>().await?))) },
    );
    Surface::new("toy", Envelope::Flat, 16_384).route(join)
}

async fn bare(Json(join): Json<Join>) -> Json<Joined> {
    Json(join.into())
}

#[tokio::main]
async fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let has = |name: &str| arguments.iter().any(|argument| argument == name);
    let address = arguments.iter().find_map(|argument| argument.parse::<SocketAddr>().ok());
    let listener = TcpListener::bind(address.unwrap_or(([127, 0, 0, 1], 3000).into())).await.unwrap();
    if has("--log") {
        tracing_subscriber::fmt().json().flatten_event(true).init();
    }
    if has("--bare") {
        let router = axum::Router::new().route("/join", axum::routing::post(bare));
        axum::serve(listener, router).await.unwrap();
        return;
    }
    let registry = Arc::new(Registry::new());
    let host = Host {
        trust: ProxyTrust::default(),
        version: "toy".to_owned(),
        commit: "0".repeat(40),
        http: HttpMetrics::register(&registry, false).unwrap(),
        unknown: Unknown::NotFound,
        headers: HeaderPolicy::new(),
        documentation: true,
    };
    let application = ApplicationHandle::new(assemble(vec![toy()], host).unwrap());
    serve(listener, application, ServeLimits::default(), std::future::pending()).await;
}
