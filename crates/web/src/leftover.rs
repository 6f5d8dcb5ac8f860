//! What a handler leaves unread of a request's body. A connection whose request was not read to its end is closed without
//! a word, and whoever keeps it for the next request finds it dead: so the rest is read and dropped, or the end announced.

use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::{Body, HttpBody};
use axum::http::{HeaderMap, HeaderValue, Request, header};
use bytes::Bytes;
use http_body::{Frame, SizeHint};
use tokio::sync::oneshot;
use tokio::time::{Duration, Instant, timeout_at};

use crate::body::next_data;

/// This much is read and dropped, so that the answer gets through.
const DRAINED_BYTES_MAX: usize = 1024 * 1024;
const DRAIN_TIME_MAX: Duration = Duration::from_millis(500);

/// A body that is handed on when it is dropped before its end.
struct Watched {
    body: Body,
    rest: Option<oneshot::Sender<Body>>,
}

/// Gets the rest of a body once nobody reads it any more.
pub(crate) struct Leftover {
    rest: Option<oneshot::Receiver<Body>>,
    /// The client sends the body only when it is told to, which reading would do.
    waits_to_send: bool,
}

/// The same request, and what will be left of its body.
pub(crate) fn watch(request: Request<Body>) -> (Request<Body>, Leftover) {
    let waits_to_send = request.headers().contains_key(header::EXPECT);
    if request.body().is_end_stream() {
        return (request, Leftover { rest: None, waits_to_send });
    }
    let (give, take) = oneshot::channel();
    let request = request.map(|body| Body::new(Watched { body, rest: Some(give) }));
    (request, Leftover { rest: Some(take), waits_to_send })
}

impl Leftover {
    /// Reads what was left, within limits of size and time; what does not end by then ends the connection, which the
    /// answer's headers then say.
    pub async fn settle(self, answer: &mut HeaderMap) {
        let Some(mut rest) = self.rest else { return };
        let Ok(body) = rest.try_recv() else { return };
        if self.waits_to_send || !drain(body).await {
            answer.insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
    }
}

impl HttpBody for Watched {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(context);
        // After its end, or an error, nothing is left to read.
        if matches!(polled, Poll::Ready(None | Some(Err(_)))) {
            self.rest = None;
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        if let Some(rest) = self.rest.take().filter(|_| !self.body.is_end_stream()) {
            // Whoever answered has stopped caring when this fails.
            let _ = rest.send(std::mem::take(&mut self.body));
        }
    }
}

/// Reads and drops a body, within limits of size and time; whether it came to its end. Closing a connection with unread
/// data resets it, and the peer may then lose the answer.
async fn drain(mut body: Body) -> bool {
    let read_rest = async {
        let mut drained = 0_usize;
        loop {
            match next_data(&mut body).await {
                Ok(None) => return true,
                Ok(Some(data)) => drained = drained.saturating_add(data.len()),
                Err(_) => return false,
            }
            if drained > DRAINED_BYTES_MAX {
                return false;
            }
        }
    };
    timeout_at(Instant::now() + DRAIN_TIME_MAX, read_rest).await.unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::stream;

    type Chunk = Result<Bytes, std::convert::Infallible>;

    fn request(body: Body) -> (Request<Body>, Leftover) {
        watch(Request::post("/").body(body).unwrap())
    }

    async fn announced(leftover: Leftover) -> bool {
        let mut headers = HeaderMap::new();
        leftover.settle(&mut headers).await;
        headers.contains_key(header::CONNECTION)
    }

    #[tokio::test]
    async fn a_rest_that_ends_is_read_and_the_connection_stays() {
        let chunks: Vec<Chunk> = vec![Ok(Bytes::from_static(b"a")), Ok(Bytes::from_static(b"b"))];
        let (request, leftover) = request(Body::from_stream(stream::iter(chunks)));
        drop(request);
        assert!(!announced(leftover).await);
    }

    #[tokio::test(start_paused = true)]
    async fn a_rest_that_does_not_come_ends_the_connection_and_the_answer_says_so() {
        let (request, leftover) = request(Body::from_stream(stream::pending::<Chunk>()));
        drop(request);
        assert!(announced(leftover).await);
    }

    #[tokio::test]
    async fn nothing_is_asked_of_a_client_that_waits_to_be_told() {
        let body = Body::from_stream(stream::iter([Chunk::Ok(Bytes::from_static(b"a"))]));
        let waiting = Request::post("/").header(header::EXPECT, "100-continue").body(body).unwrap();
        let (request, leftover) = watch(waiting);
        drop(request);
        assert!(announced(leftover).await);
    }

    #[tokio::test]
    async fn a_body_that_was_read_or_is_none_leaves_nothing() {
        let (whole, leftover) = request(Body::from("a"));
        axum::body::to_bytes(whole.into_body(), 10).await.unwrap();
        assert!(!announced(leftover).await);
        let (_none, leftover) = request(Body::empty());
        assert!(!announced(leftover).await);
    }
}
