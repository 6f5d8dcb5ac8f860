//! Serving an application on a listener: limits on connections, and an orderly end.

use std::convert::Infallible;
use std::future::Future;
use std::io::{Read, Write};
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use crate::application::ApplicationHandle;

/// Sent to a connection that is one too many.
const TOO_MANY_CONNECTIONS: &[u8] =
    b"HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/json\r\nretry-after: 1\r\nconnection: close\r\n\r\n\
    {\"error\":\"too many connections; try again in 1 s\",\"code\":\"overloaded\",\"detail\":\"too many connections\"}";

/// How long to wait before accepting again when the system has no file or memory left for a connection.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Limits of one listener.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ServeLimits {
    /// Connections at one time; 1 to 1,000,000. Further ones are answered 503 and closed.
    pub connections_max: u32,
    /// How long a request's head may take, counted from the end of the request before it: so also how long a
    /// connection may stay idle. Longer than proxies keep theirs (60 s), or they send into a closed one.
    pub header_time_max: Duration,
    /// The largest head, in bytes; at least 8,192. Beyond it hyper answers 431.
    pub header_bytes_max: usize,
    /// How long requests in flight may take to end after the shutdown signal.
    pub drain_time_max: Duration,
}

impl Default for ServeLimits {
    fn default() -> Self {
        Self {
            connections_max: 8_192,
            header_time_max: Duration::from_secs(75),
            header_bytes_max: 64 * 1024,
            drain_time_max: Duration::from_secs(25),
        }
    }
}

/// How the serving ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Drained {
    /// Every request in flight was answered.
    Completely,
    /// The deadline passed; this many connections were cut.
    Cut(u32),
}

/// How far the listener's life has come; connections follow it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Phase {
    Serving,
    Draining,
    Cutting,
}

/// Serves until `shutdown` is ready, then lets the requests in flight end, up to the drain deadline.
pub async fn serve(
    listener: TcpListener,
    application: ApplicationHandle,
    limits: ServeLimits,
    shutdown: impl Future<Output = ()>,
) -> Drained {
    let slots = Arc::new(Semaphore::new(usize::try_from(limits.connections_max).unwrap_or(usize::MAX)));
    let (phase, followed) = watch::channel(Phase::Serving);
    let mut shutdown = pin!(shutdown);
    loop {
        let accepted = tokio::select! {
            biased;
            () = &mut shutdown => break,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) => match Arc::clone(&slots).try_acquire_owned() {
                Ok(slot) => {
                    let connection = Connection { stream, peer, slot, limits };
                    tokio::spawn(connection.run(application.clone(), followed.clone()));
                }
                Err(_full) => refuse(stream),
            },
            Err(error) => {
                tracing::warn!(target: "bursar::http", %error, "cannot accept a connection");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    drop(listener);
    phase.send_replace(Phase::Draining);
    drain(&slots, limits, &phase).await
}

/// Waits until every slot is free again; at the deadline the rest is cut.
async fn drain(slots: &Semaphore, limits: ServeLimits, phase: &watch::Sender<Phase>) -> Drained {
    let all_free = slots.acquire_many(limits.connections_max);
    if tokio::time::timeout(limits.drain_time_max, all_free).await.is_ok() {
        return Drained::Completely;
    }
    let free = u32::try_from(slots.available_permits()).unwrap_or(limits.connections_max);
    phase.send_replace(Phase::Cutting);
    let _ = slots.acquire_many(limits.connections_max).await;
    Drained::Cut(limits.connections_max.saturating_sub(free))
}

/// Answers without a task of its own: under overload a refusal must cost little.
fn refuse(stream: TcpStream) {
    let Ok(mut stream) = stream.into_std() else { return };
    let _ = stream.write_all(TOO_MANY_CONNECTIONS);
    // Closing with unread data would reset the connection and could lose the answer.
    let _ = stream.read(&mut [0; 4_096]);
}

struct Connection {
    stream: TcpStream,
    peer: SocketAddr,
    slot: OwnedSemaphorePermit,
    limits: ServeLimits,
}

impl Connection {
    async fn run(self, application: ApplicationHandle, mut phase: watch::Receiver<Phase>) {
        let Self { stream, peer, slot, limits } = self;
        // Small answers must not wait for the client's acknowledgement of earlier ones.
        let _ = stream.set_nodelay(true);
        let service = service_fn(move |request: Request<Incoming>| {
            let application = application.clone();
            async move { Ok::<_, Infallible>(application.answer(request.map(Body::new), peer).await) }
        });
        let mut connection = pin!(
            http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(limits.header_time_max)
                .max_buf_size(limits.header_bytes_max)
                .serve_connection(TokioIo::new(stream), service)
        );
        let ended = tokio::select! {
            biased;
            ended = connection.as_mut() => Some(ended),
            _ = phase.wait_for(|phase| *phase >= Phase::Draining) => None,
        };
        if ended.is_none() {
            connection.as_mut().graceful_shutdown();
            tokio::select! {
                biased;
                _ = connection => {}
                _ = phase.wait_for(|phase| *phase == Phase::Cutting) => {}
            }
        }
        drop(slot);
    }
}
