//! The log line of each request, read back from the subscriber.
#![allow(clippy::unwrap_used, clippy::panic, reason = "test code")]

mod support;

use std::io::Write;
use std::sync::Arc;

use parking_lot::Mutex;
use serde_json::{Value, json};
use support::{Server, toy_desk};

/// Log output kept in memory.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, text: &[u8]) -> std::io::Result<usize> {
        self.0.lock().write(text)
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Lines {
    fn with_event(&self, event: &str) -> Vec<Value> {
        let text = String::from_utf8(self.0.lock().clone()).unwrap();
        let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        lines.filter(|line| line["event"] == event).collect()
    }
}

/// This thread's log lines; the tests' runtime has no other thread.
fn capture() -> (Lines, tracing::subscriber::DefaultGuard) {
    let lines = Lines::default();
    let writer = lines.clone();
    let subscriber =
        tracing_subscriber::fmt().json().flatten_event(true).with_writer(move || writer.clone()).finish();
    let guard = tracing::subscriber::set_default(subscriber);
    (lines, guard)
}

#[tokio::test]
async fn x4_one_line_per_request_with_every_field_and_no_query() {
    let (lines, _guard) = capture();
    let server = Server::start(vec![toy_desk()]).await;
    let headers = "X-Request-Id: r-1\r\nX-Correlation-ID: c-1\r\n\
                   traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\n";
    server.send("GET", "/toy/rounds/7?limit=secret", headers, "").await;
    let logged = lines.with_event("http_request");
    let [line] = &logged[..] else { panic!("{logged:?}") };
    for (field, value) in [
        ("requestId", json!("r-1")),
        ("correlation_id", json!("c-1")),
        ("trace_id", json!("4bf92f3577b34da6a3ce929d0e0e4736")),
        ("method", json!("GET")),
        ("path", json!("/toy/rounds/7")),
        ("status", json!(200)),
        ("desk", json!("toy")),
    ] {
        assert_eq!(line[field], value, "{field}");
    }
    assert!(line["duration_ms"].is_number());
    assert!(!line.to_string().contains("secret"));
}

#[tokio::test]
async fn a_line_about_a_429_says_rate_limit() {
    let (lines, _guard) = capture();
    let server = Server::start(vec![toy_desk()]).await;
    server.post("/toy/limited", "").await;
    server.get("/toy/rounds/7").await;
    let said: Vec<bool> =
        lines.with_event("http_request").iter().map(|line| line.to_string().contains("rate limit")).collect();
    assert_eq!(said, [true, false]);
}

#[tokio::test]
async fn the_cause_of_a_fault_is_logged_under_the_requests_id_and_never_sent() {
    let (lines, _guard) = capture();
    let server = Server::start(vec![toy_desk()]).await;
    for (path, cause) in
        [("/toy/fault", "secret host db-7"), ("/toy/panic", "the handler panicked: secret panic text")]
    {
        let answer = server.send("GET", path, "X-Request-Id: r-9\r\n", "").await;
        assert!(!answer.body.contains("secret"));
        let logged = lines.with_event("request_fault");
        let line = logged.last().unwrap();
        assert_eq!(
            (&line["fault"], &line["requestId"], &line["level"]),
            (&json!(cause), &json!("r-9"), &json!("ERROR"))
        );
    }
}
