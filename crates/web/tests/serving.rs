//! The listener itself: slow heads, too many connections, an orderly end.
#![allow(clippy::unwrap_used, clippy::panic, reason = "test code")]

mod support;

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::http::Method;
use bursar_web::metrics::{Format, Registry};
use bursar_web::{Drained, Envelope, ServeLimits, Surface};
use serde_json::json;
use support::{Server, host, read_answer, route, toy_desk};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Notify;

const REQUEST: &[u8] = b"GET /gate HTTP/1.1\r\nhost: toy\r\n\r\n";

async fn start(surface: Surface, limits: ServeLimits) -> Server {
    let registry = Arc::new(Registry::new());
    let host = host(&registry);
    Server::start_with(vec![surface], host, registry, limits).await
}

/// A desk whose one route says when it was entered and answers when it is let go.
fn gate() -> (Surface, Arc<Notify>, Arc<Notify>) {
    let (entered, go) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (in_handler, wait) = (Arc::clone(&entered), Arc::clone(&go));
    let gate = route(Method::GET, "/gate", "gate", move |_| {
        let (entered, go) = (Arc::clone(&in_handler), Arc::clone(&wait));
        async move {
            entered.notify_one();
            go.notified().await;
            Ok(Json(json!("through")))
        }
    });
    (Surface::new("toy", Envelope::Flat, 64).route(gate), entered, go)
}

#[tokio::test]
async fn a_connection_that_sends_no_head_is_closed_in_time() {
    let limits = ServeLimits { header_time_max: Duration::from_millis(50), ..ServeLimits::default() };
    let server = start(toy_desk(), limits).await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream.write_all(b"GET /toy/rounds/7 HTTP/1.1\r\nhost").await.unwrap();
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).await.unwrap();
    assert!(!rest.starts_with(b"HTTP/1.1 200"));
}

#[tokio::test]
async fn one_connection_too_many_is_told_to_come_back() {
    let (surface, entered, go) = gate();
    let server = start(surface, ServeLimits { connections_max: 1, ..ServeLimits::default() }).await;
    let mut first = TcpStream::connect(server.address).await.unwrap();
    first.write_all(REQUEST).await.unwrap();
    entered.notified().await;
    let mut second = TcpStream::connect(server.address).await.unwrap();
    let refused = read_answer(&mut second).await;
    assert_eq!((refused.status, refused.header("retry-after")), (503, Some("1")));
    assert_eq!(refused.json()["code"], "overloaded");
    go.notify_one();
    server.stop().await;
    assert_eq!(read_answer(&mut first).await.status, 200);
}

#[tokio::test]
async fn after_the_signal_requests_in_flight_end_and_idle_connections_close() {
    let (surface, entered, go) = gate();
    let server = start(surface, ServeLimits::default()).await;
    let mut idle = TcpStream::connect(server.address).await.unwrap();
    let mut busy = TcpStream::connect(server.address).await.unwrap();
    busy.write_all(REQUEST).await.unwrap();
    entered.notified().await;
    let address = server.address;
    let ended = server.signal();
    let mut nothing = Vec::new();
    assert_eq!(idle.read_to_end(&mut nothing).await.unwrap(), 0);
    assert!(TcpStream::connect(address).await.is_err(), "the listener is still open");
    go.notify_one();
    let answer = read_answer(&mut busy).await;
    assert_eq!((answer.status, answer.body.as_str()), (200, "\"through\""));
    assert_eq!(ended.await.unwrap(), Drained::Completely);
}

#[tokio::test]
async fn requests_that_outlast_the_drain_deadline_are_cut_and_counted_as_499() {
    let (surface, entered, _go) = gate();
    let limits = ServeLimits { drain_time_max: Duration::from_millis(50), ..ServeLimits::default() };
    let server = start(surface, limits).await;
    let registry = Arc::clone(&server.registry);
    let mut busy = TcpStream::connect(server.address).await.unwrap();
    busy.write_all(REQUEST).await.unwrap();
    entered.notified().await;
    assert_eq!(server.stop().await, Drained::Cut(1));
    let text = registry.render(Format::Text);
    assert!(text.contains(r#"http_requests_total{method="GET",path="/gate",status="499"} 1"#), "{text}");
    assert!(text.contains("bursar_http_requests_in_flight 0\n"));
}

/// The head of one answer, read with its body, on a connection that stays.
async fn read_head(stream: &mut TcpStream) -> String {
    let mut text = String::new();
    loop {
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
            if body.len() >= length.parse().unwrap() {
                return head.to_owned();
            }
        }
        let mut piece = [0; 4_096];
        let count = stream.read(&mut piece).await.unwrap();
        assert!(count > 0, "closed after {text:?}");
        text.push_str(std::str::from_utf8(&piece[..count]).unwrap());
    }
}

#[tokio::test]
async fn a_connection_lives_on_after_an_answer_to_a_request_whose_body_came_late_and_was_not_read() {
    let server = start(toy_desk(), ServeLimits::default()).await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    for _ in 0..2 {
        stream
            .write_all(b"POST /nothing/here HTTP/1.1\r\nhost: toy\r\ncontent-length: 4\r\n\r\n")
            .await
            .unwrap();
        tokio::time::sleep(Duration::from_millis(20)).await;
        stream.write_all(b"late").await.unwrap();
        let head = read_head(&mut stream).await;
        assert!(head.starts_with("HTTP/1.1 404") && !head.contains("connection:"), "{head}");
    }
    stream.write_all(b"GET /toy/rounds/7 HTTP/1.1\r\nhost: toy\r\n\r\n").await.unwrap();
    assert!(read_head(&mut stream).await.starts_with("HTTP/1.1 200"));
}

#[tokio::test]
async fn a_connection_whose_body_never_comes_is_closed_and_the_answer_says_so() {
    let server = start(toy_desk(), ServeLimits::default()).await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream.write_all(b"POST /nothing/here HTTP/1.1\r\nhost: toy\r\ncontent-length: 4\r\n\r\n").await.unwrap();
    let answer = read_answer(&mut stream).await;
    assert_eq!((answer.status, answer.header("connection")), (404, Some("close")));
    assert_eq!(stream.read_to_end(&mut Vec::new()).await.unwrap(), 0);
}
