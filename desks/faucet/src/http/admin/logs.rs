//! `GET /admin/logs/recent` and `/admin/logs/tail`: the newest lines of the log, and those that come (F42).

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::body::Body;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use bursar_store::Timestamp;
use bursar_web::platform_codes::INVALID_QUERY;
use bursar_web::{ApiError, Call};
use bytes::Bytes;
use futures_util::Stream;
use serde_json::{Value, json};
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at};

use super::super::guards::whole;
use super::super::{Routes, codes};
use crate::log_ring::Following;
use crate::rules::session_token::ADMIN_COOKIE;

/// The longest id that a line is looked up by, in characters.
const ID_MAX: usize = 128;
/// How often a stream looks whether the process stops.
const LOOK: Duration = Duration::from_millis(500);
/// After so many looks a silent stream shows that it lives.
const LOOKS_A_BEAT: u32 = 30;
/// After so many looks the session is asked for again.
const LOOKS_A_SESSION: u32 = 4;

/// Which lines are wanted: those of one request, of one larger action, or of one trace.
#[derive(Clone, Default)]
struct Wanted {
    /// Field names, any of which may carry the text.
    ids: Vec<(&'static [&'static str], String)>,
}

impl Wanted {
    fn of(call: &Call) -> Result<Wanted, ApiError> {
        let names: [(&str, &[&str]); 3] = [
            ("request_id", &["requestId", "request_id", "correlation_id"]),
            ("correlation_id", &["correlation_id", "requestId", "request_id"]),
            ("trace_id", &["trace_id"]),
        ];
        let mut wanted = Wanted::default();
        for (name, fields) in names {
            let Some(id) = call.query(name).filter(|id| !id.is_empty()) else { continue };
            if id.chars().count() > ID_MAX {
                return Err(ApiError::because(
                    &INVALID_QUERY,
                    format!("{name} takes at most {ID_MAX} characters."),
                ));
            }
            wanted.ids.push((fields, id.into_owned()));
        }
        Ok(wanted)
    }

    fn takes(&self, line: &str) -> bool {
        if self.ids.is_empty() {
            return true;
        }
        // Most lines are not it, and reading JSON takes longer than looking for a text.
        if self.ids.iter().any(|(_, id)| !line.contains(id.as_str())) {
            return false;
        }
        let Ok(line) = serde_json::from_str::<Value>(line) else { return false };
        self.ids.iter().all(|(fields, id)| {
            fields.iter().any(|field| line.get(field).and_then(Value::as_str) == Some(id.as_str()))
        })
    }
}

pub(super) async fn recent(routes: Arc<Routes>, call: Call, _: Timestamp) -> Result<Json<Value>, ApiError> {
    let (count, wanted) = (tail(&call, 500, 1)?, Wanted::of(&call)?);
    let shared = Arc::clone(&routes);
    let work = move || {
        let found = shared.logs.ring.recent(count, |line| wanted.takes(line));
        found.iter().map(|line| (shared.logs.mask)(line)).collect::<Vec<String>>()
    };
    let lines = routes.faucet.platform.off_thread.run(work).await?;
    Ok(Json(json!({"count": lines.len(), "lines": lines})))
}

pub(super) async fn follow(routes: Arc<Routes>, call: Call, _: Timestamp) -> Result<Response, ApiError> {
    let (count, wanted) = (tail(&call, 200, 0)?, Wanted::of(&call)?);
    let session = call.cookie(ADMIN_COOKIE).unwrap_or_default().to_owned();
    drop(call);
    let (shared, looked_for) = (Arc::clone(&routes), wanted.clone());
    let begin = move || shared.logs.ring.follow(count, |line| looked_for.takes(line));
    let following = routes.faucet.platform.off_thread.run(begin).await?;
    let following = following.ok_or_else(|| ApiError::of(&codes::TOO_MANY_READERS))?;
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    Ok((headers, Body::from_stream(events(routes, wanted, following, session))).into_response())
}

fn tail(call: &Call, default: i64, least: i64) -> Result<usize, ApiError> {
    let most = 5_000;
    Ok(usize::try_from(whole(call, "tail", default)?.clamp(least, most)).unwrap_or(0))
}

struct Reader {
    routes: Arc<Routes>,
    wanted: Wanted,
    following: Following,
    look: Interval,
    looks: u32,
    /// The cookie that the stream was opened with.
    session: String,
}

fn events(
    routes: Arc<Routes>,
    wanted: Wanted,
    mut following: Following,
    session: String,
) -> impl Stream<Item = Result<Bytes, Infallible>> + Send {
    let mut look = interval_at(Instant::now() + LOOK, LOOK);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    // The first comment makes the head leave at once, even when the log is silent.
    let mut first = b": lines of the log\n\n".to_vec();
    for line in std::mem::take(&mut following.recent) {
        first.extend_from_slice(event(&routes, &line).as_bytes());
    }
    let reader = Reader { routes, wanted, following, look, looks: 0, session };
    futures_util::stream::unfold((Some(Bytes::from(first)), reader), |(first, mut reader)| async move {
        let bytes = match first {
            Some(bytes) => bytes,
            None => reader.next().await?,
        };
        Some((Ok(bytes), (None, reader)))
    })
}

impl Reader {
    /// The next piece of the stream; `None` ends it.
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            let line = tokio::select! {
                line = self.following.next.recv() => line?,
                _ = self.look.tick() => {
                    if self.routes.faucet.platform.stopping.has_begun() {
                        return None;
                    }
                    self.looks = self.looks.wrapping_add(1);
                    if self.looks.is_multiple_of(LOOKS_A_SESSION) && !self.may_read().await {
                        return None;
                    }
                    if self.looks.is_multiple_of(LOOKS_A_BEAT) {
                        return Some(Bytes::from_static(b": still here\n\n"));
                    }
                    continue;
                }
            };
            if self.wanted.takes(&line) {
                return Some(Bytes::from(event(&self.routes, &line)));
            }
        }
    }

    /// Whether the session is good and its administrator still one: no stream outlives either.
    async fn may_read(&self) -> bool {
        let now = self.routes.faucet.platform.off_thread.read("faucet.logs", |tx| tx.reading()).await;
        match now {
            Ok(now) => self.routes.admin_of(&self.session, now).await.is_ok(),
            Err(_) => false,
        }
    }
}

/// A line of the log is one line, so it is one event.
fn event(routes: &Routes, line: &str) -> String {
    format!("data: {}\n\n", (routes.logs.mask)(line).replace(['\r', '\n'], " "))
}
