//! The infrastructure routes over a loopback listener, with bodies to the letter.
#![allow(clippy::unwrap_used, clippy::panic, reason = "test code")]

mod support;

use std::sync::Arc;
use std::time::Instant;

use axum::http::StatusCode;
use bursar_web::infrastructure::{
    DatabaseHealth, Finding, HealthSource, MetricsAccess, UpstreamSample, Upstreams, Weight, surface,
};
use bursar_web::metrics::Registry;
use bursar_web::{ServiceKey, assemble};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use serde_json::{Value, json};
use support::{Server, host};

/// A process whose state is written down.
struct Process {
    database: Option<DatabaseHealth>,
    upstreams: Upstreams,
    trades_started: bool,
    findings: Vec<Finding>,
    access: MetricsAccess,
}

impl Default for Process {
    fn default() -> Self {
        Self {
            database: Some(DatabaseHealth { answers: true, migrated: true }),
            upstreams: Upstreams::default(),
            trades_started: false,
            findings: Vec::new(),
            access: MetricsAccess::Open,
        }
    }
}

impl HealthSource for Process {
    fn version(&self) -> String {
        "1.4.0".to_owned()
    }
    fn commit(&self) -> String {
        "c".repeat(40)
    }
    fn timestamp(&self) -> String {
        "2026-01-01T00:00:00Z".to_owned()
    }
    fn desks(&self) -> Vec<&'static str> {
        vec!["rounds", "trades"]
    }
    fn trades_enabled(&self) -> bool {
        false
    }
    fn trades_started(&self) -> bool {
        self.trades_started
    }
    fn database(&self) -> BoxFuture<'_, DatabaseHealth> {
        match self.database {
            Some(health) => async move { health }.boxed(),
            None => std::future::pending().boxed(),
        }
    }
    fn upstreams(&self) -> Upstreams {
        self.upstreams
    }
    fn readiness(&self) -> BoxFuture<'_, Vec<Finding>> {
        async { self.findings.clone() }.boxed()
    }
    fn metrics_access(&self) -> MetricsAccess {
        self.access.clone()
    }
}

async fn start(process: Process) -> Server {
    let source: Arc<dyn HealthSource> = Arc::new(process);
    Server::start(vec![surface(&source, &Arc::new(Registry::new()))]).await
}

fn sample(healthy: bool) -> Option<UpstreamSample> {
    Some(UpstreamSample { healthy, taken_at: Instant::now() })
}

#[tokio::test]
async fn h14_liveness_is_always_200_and_asks_nobody() {
    let server = start(Process { database: None, ..Process::default() }).await;
    server.get("/livez").await.expect(StatusCode::OK, json!({"status": "alive"}));
    server.get("/healthz").await.expect(StatusCode::OK, json!({"status": "ok", "version": "1.4.0"}));
    let text = server.send("GET", "/healthz", "Accept: text/plain\r\n", "").await;
    assert_eq!((text.status, text.body.as_str()), (200, "ok"));
    let live = server.send("GET", "/health/live", "X-Request-Id: r-1\r\n", "").await;
    live.expect(StatusCode::OK, json!({"ok": true, "requestId": "r-1"}));
}

#[tokio::test]
async fn h13_a_healthy_process_to_the_letter() {
    let upstreams = Upstreams { ton: sample(true), vault: sample(false), ..Upstreams::default() };
    let server = start(Process { upstreams, ..Process::default() }).await;
    let expected = json!({
        "ok": true, "status": "OK", "service": "bursar", "version": "1.4.0", "commit": "c".repeat(40),
        "timestamp": "2026-01-01T00:00:00Z", "features": {"trades": false},
        "checks": {"db": true, "migrations": true, "ton": true, "vault": false,
                   "trades_rpc": null, "trades_indexer": null},
        "desks": ["rounds", "trades"], "requestId": "r-1",
    });
    server.send("GET", "/health", "X-Request-Id: r-1\r\n", "").await.expect(StatusCode::OK, expected);
}

async fn health_of(process: Process) -> (u16, Value, Value) {
    let answer = start(process).await.get("/health").await;
    let body = answer.json();
    (answer.status, body["ok"].clone(), body["status"].clone())
}

#[tokio::test]
async fn h13_database_and_migrations_make_it_red() {
    let down = (503, json!(false), json!("FAIL"));
    for (answers, migrated) in [(false, true), (true, false)] {
        let database = Some(DatabaseHealth { answers, migrated });
        assert_eq!(health_of(Process { database, ..Process::default() }).await, down);
    }
}

#[tokio::test]
async fn h13_a_trades_upstream_makes_it_red_only_while_trades_is_started() {
    let process = |trades_started| Process {
        trades_started,
        upstreams: Upstreams {
            trades_rpc: sample(true),
            trades_indexer: sample(false),
            ..Upstreams::default()
        },
        ..Process::default()
    };
    assert_eq!(health_of(process(true)).await.0, 503);
    assert_eq!(health_of(process(false)).await.0, 200);
}

#[tokio::test(start_paused = true)]
async fn h13_a_database_that_hangs_counts_as_down_after_two_seconds() {
    let source: Arc<dyn HealthSource> = Arc::new(Process { database: None, ..Process::default() });
    let registry = Arc::new(Registry::new());
    let application = assemble(vec![surface(&source, &registry)], host(&registry)).unwrap();
    let request = axum::http::Request::get("/health").body(axum::body::Body::empty()).unwrap();
    let asked = tokio::time::Instant::now();
    let answer = application.answer(request, ([127, 0, 0, 1], 1).into()).await;
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(asked.elapsed().as_millis().div_euclid(10), 200);
}

#[tokio::test]
async fn h15_readiness_with_reasons_and_for_one_desk() {
    let finding = Finding {
        scope: "rounds",
        check: "treasury",
        weight: Weight::Required,
        text: "PANCHO_EXPECTED_TREASURY_WALLET is not set".to_owned(),
    };
    let server = start(Process { findings: vec![finding], ..Process::default() }).await;
    server.get("/readyz").await.expect(
        StatusCode::SERVICE_UNAVAILABLE,
        json!({"status": "not_ready", "degraded": [],
               "reasons": ["rounds.treasury: PANCHO_EXPECTED_TREASURY_WALLET is not set"],
               "desks": {"rounds": "not_ready", "trades": "ready"}}),
    );
    server.get("/readyz?desk=trades").await.expect(
        StatusCode::OK,
        json!({"status": "ready", "degraded": [], "reasons": [], "desks": {"trades": "ready"}}),
    );
    assert_eq!(server.get("/readyz?desk=arena").await.status, 404);
}

async fn metrics_status(access: MetricsAccess, headers: &str) -> u16 {
    let server = start(Process { access, ..Process::default() }).await;
    server.send("GET", "/metrics", headers, "").await.status
}

#[tokio::test]
async fn h18_metrics_are_open_or_by_token_or_by_network() {
    assert_eq!(metrics_status(MetricsAccess::Open, "").await, 200);
    let token = || MetricsAccess::Token(ServiceKey::new(Some(&"t0ken".into()), None));
    assert_eq!(metrics_status(token(), "").await, 401);
    assert_eq!(metrics_status(token(), "Authorization: Bearer wrong\r\n").await, 401);
    assert_eq!(metrics_status(token(), "Authorization: Bearer t0ken\r\n").await, 200);
    let loopback = || MetricsAccess::Networks(Vec::new());
    assert_eq!(metrics_status(loopback(), "").await, 200);
    let through_unlisted_proxy = "X-Forwarded-For: 198.51.100.4\r\n";
    assert_eq!(metrics_status(loopback(), through_unlisted_proxy).await, 401);
}

#[tokio::test]
async fn h18_the_metrics_have_the_content_type_of_their_format() {
    let server = start(Process::default()).await;
    let text = server.get("/metrics").await;
    assert_eq!(text.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    let open = server.send("GET", "/metrics", "Accept: application/openmetrics-text\r\n", "").await;
    assert!(open.header("content-type").unwrap().starts_with("application/openmetrics-text"));
    assert!(open.body.ends_with("# EOF\n"));
}
