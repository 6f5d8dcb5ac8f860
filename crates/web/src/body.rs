//! Reading a request's body with a byte limit and a deadline.

use axum::body::{Body, HttpBody};
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use serde::de::DeserializeOwned;
use tokio::time::{Instant, timeout_at};

use crate::error::ApiError;
use crate::platform_codes::{BAD_REQUEST, BODY_TIMEOUT, BODY_TOO_LARGE, INVALID_BODY, MALFORMED_JSON};
use crate::strict_json::{self, JsonRefusal};

/// Reads a whole body.
///
/// # Errors
/// 413 `body_too_large` (told by `Content-Length` before reading, else while reading), 408 `body_timeout`,
/// 400 `bad_request` when the connection breaks off.
pub async fn read(body: Body, limit_bytes: usize, deadline: Instant) -> Result<Bytes, ApiError> {
    let announced = body.size_hint().lower();
    if announced > u64::try_from(limit_bytes).unwrap_or(u64::MAX) {
        return Err(too_large(limit_bytes));
    }
    match timeout_at(deadline, collect(body, limit_bytes)).await {
        Ok(collected) => collected,
        Err(_elapsed) => Err(ApiError::of(&BODY_TIMEOUT)),
    }
}

/// Reads a JSON body. The content type is not looked at.
///
/// # Errors
/// As [`read`]; 400 `malformed_json` for bad JSON, 400 `invalid_body` for another shape.
pub async fn read_json<T: DeserializeOwned>(
    body: Body,
    limit_bytes: usize,
    deadline: Instant,
) -> Result<T, ApiError> {
    parse_json(&read(body, limit_bytes, deadline).await?)
}

/// Parses a body that was read before, for routes that also need its bytes.
///
/// # Errors
/// 400 `malformed_json` for bad JSON, 400 `invalid_body` for another shape.
pub fn parse_json<T: DeserializeOwned>(text: &[u8]) -> Result<T, ApiError> {
    strict_json::parse(text).map_err(|refusal| match refusal {
        JsonRefusal::Malformed(reason) => {
            ApiError::because(&MALFORMED_JSON, format!("The body is not acceptable JSON: {reason}."))
        }
        JsonRefusal::Shape(reason) => {
            ApiError::because(&INVALID_BODY, format!("The body does not fit this route: {reason}."))
        }
    })
}

async fn collect(mut body: Body, limit_bytes: usize) -> Result<Bytes, ApiError> {
    let Some(first) = next_data(&mut body).await? else { return Ok(Bytes::new()) };
    if first.len() > limit_bytes {
        return Err(too_large(limit_bytes));
    }
    if body.is_end_stream() {
        return Ok(first);
    }
    let mut whole = BytesMut::from(first);
    while let Some(data) = next_data(&mut body).await? {
        if whole.len().saturating_add(data.len()) > limit_bytes {
            return Err(too_large(limit_bytes));
        }
        whole.extend_from_slice(&data);
    }
    Ok(whole.freeze())
}

/// The next piece of data; trailers are skipped.
pub(crate) async fn next_data(body: &mut Body) -> Result<Option<Bytes>, ApiError> {
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| {
            ApiError::because(&BAD_REQUEST, "The request body broke off; send the request again.")
                .with_fault(&error)
        })?;
        if let Ok(data) = frame.into_data() {
            return Ok(Some(data));
        }
    }
    Ok(None)
}

fn too_large(limit_bytes: usize) -> ApiError {
    ApiError::because(
        &BODY_TOO_LARGE,
        format!("The request body is larger than the {limit_bytes} bytes this route accepts; send less."),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::stream;
    use serde_json::{Value, json};
    use tokio::time::Duration;

    type Chunk = Result<&'static str, std::io::Error>;

    fn chunked(chunks: Vec<Chunk>) -> Body {
        Body::from_stream(stream::iter(chunks))
    }

    async fn read_with(body: Body, limit_bytes: usize) -> Result<Value, (u16, &'static str)> {
        let deadline = Instant::now() + Duration::from_secs(10);
        read_json(body, limit_bytes, deadline).await.map_err(|error| (error.status().as_u16(), error.code()))
    }

    #[tokio::test]
    async fn a_body_up_to_the_limit_is_read_in_one_piece_or_many() {
        assert_eq!(read_with(Body::from(r#"{"a":12}"#), 8).await, Ok(json!({"a": 12})));
        assert_eq!(read_with(chunked(vec![Ok("{\"a\""), Ok(":1"), Ok("2}")]), 8).await, Ok(json!({"a": 12})));
    }

    #[tokio::test]
    async fn h11_one_byte_over_the_limit_is_413_announced_or_not() {
        let refused = Err((413, "body_too_large"));
        assert_eq!(read_with(Body::from(r#"{"a":123}"#), 8).await, refused);
        assert_eq!(read_with(chunked(vec![Ok("{\"a\":123}")]), 8).await, refused);
        assert_eq!(read_with(chunked(vec![Ok("{\"a\""), Ok(":123}")]), 8).await, refused);
    }

    #[tokio::test]
    async fn bad_json_is_malformed_and_an_empty_body_too() {
        for text in ["", "{", "{\"a\":1,\"a\":2}", "\"\\u0000\""] {
            assert_eq!(read_with(Body::from(text), 100).await, Err((400, "malformed_json")), "{text}");
        }
        let not_utf8 = Body::from(&b"\"\xff\""[..]);
        assert_eq!(read_with(not_utf8, 100).await, Err((400, "malformed_json")));
    }

    #[tokio::test]
    async fn a_body_that_breaks_off_is_400_and_its_cause_is_kept_for_the_log() {
        let broken = || chunked(vec![Ok("{"), Err(std::io::Error::other("reset"))]);
        assert_eq!(read_with(broken(), 100).await, Err((400, "bad_request")));
        let deadline = Instant::now() + Duration::from_secs(10);
        let error = read(broken(), 100, deadline).await.unwrap_err();
        assert!(error.fault_text().unwrap().contains("reset"));
        assert!(!error.message().contains("reset"));
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_stalls_past_its_deadline_is_408() {
        let stalled = Body::from_stream(stream::pending::<Chunk>());
        assert_eq!(read_with(stalled, 100).await, Err((408, "body_timeout")));
    }
}
