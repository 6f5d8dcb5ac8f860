//! The identity of a request: request id, correlation id and trace id (H6, X4).

use axum::http::{HeaderMap, HeaderName, HeaderValue};

/// Names one request in logs, audit events and error bodies.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Names the larger action that a request belongs to.
pub const CORRELATION_ID: HeaderName = HeaderName::from_static("x-correlation-id");

/// The longest id taken over from a client, in characters.
const ID_CHARACTERS_MAX: usize = 128;

/// The ids of one request. Cheap to clone.
#[derive(Debug, Clone)]
pub struct RequestIdentity {
    request_id: HeaderValue,
    correlation_id: HeaderValue,
    trace_id: u128,
    client_sent: bool,
}

impl RequestIdentity {
    /// Takes the client's ids where they are usable and makes up what is missing.
    ///
    /// An id is usable when it has 1 to 128 visible ASCII characters without quotes, backslash, `<` and `>`.
    pub fn from_headers(headers: &HeaderMap) -> Self {
        let sent_request = usable(headers, &REQUEST_ID);
        let sent_correlation = usable(headers, &CORRELATION_ID);
        let client_sent = sent_request.is_some();
        let trace_id = trace_parent(headers).unwrap_or_else(rand::random);
        let (request_id, correlation_id) = match (sent_request, sent_correlation) {
            (Some(request), Some(correlation)) => (request, correlation),
            (Some(id), None) | (None, Some(id)) => (id.clone(), id),
            (None, None) => {
                let id = generated();
                (id.clone(), id)
            }
        };
        Self { request_id, correlation_id, trace_id, client_sent }
    }

    /// The request's id: sent, else the correlation id, else a new UUID v4.
    pub fn request_id(&self) -> &str {
        text(&self.request_id)
    }

    /// The correlation id: sent, else the request id.
    pub fn correlation_id(&self) -> &str {
        text(&self.correlation_id)
    }

    /// The `X-Request-Id` that the client itself sent. Only this one may serve as an idempotency key.
    pub fn client_request_id(&self) -> Option<&str> {
        self.client_sent.then(|| self.request_id())
    }

    /// The trace id: of a valid `traceparent` header, else random. 32 lower-case hex digits.
    pub fn trace_id(&self) -> String {
        format!("{:032x}", self.trace_id)
    }

    pub(crate) fn trace_number(&self) -> u128 {
        self.trace_id
    }

    /// Puts both ids on a response.
    pub fn write_to(&self, headers: &mut HeaderMap) {
        headers.insert(REQUEST_ID, self.request_id.clone());
        headers.insert(CORRELATION_ID, self.correlation_id.clone());
    }
}

fn usable(headers: &HeaderMap, name: &HeaderName) -> Option<HeaderValue> {
    let value = headers.get(name)?;
    let allowed = |byte: &u8| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\'' | b'\\' | b'<' | b'>');
    let fits = (1..=ID_CHARACTERS_MAX).contains(&value.len());
    (fits && value.as_bytes().iter().all(allowed)).then(|| value.clone())
}

fn generated() -> HeaderValue {
    let id = uuid::Builder::from_random_bytes(rand::random()).into_uuid();
    let mut buffer = uuid::Uuid::encode_buffer();
    let text: &str = id.hyphenated().encode_lower(&mut buffer);
    HeaderValue::from_str(text).unwrap_or(HeaderValue::from_static("unknown"))
}

/// Every stored id is visible ASCII, so this never falls back.
fn text(id: &HeaderValue) -> &str {
    id.to_str().unwrap_or_default()
}

/// The trace id of a W3C `traceparent` header: `00-<32 hex>-<16 hex>-<2 hex>`, not all zero.
fn trace_parent(headers: &HeaderMap) -> Option<u128> {
    let mut parts = headers.get("traceparent")?.to_str().ok()?.split('-');
    let (version, trace, parent, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let lower_hex = |text: &str| text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    let lengths_fit = version.len() == 2 && trace.len() == 32 && parent.len() == 16 && flags.len() == 2;
    if !lengths_fit || version == "ff" || ![version, trace, parent, flags].into_iter().all(lower_hex) {
        return None;
    }
    u128::from_str_radix(trace, 16).ok().filter(|id| *id != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity(headers: &[(&str, &str)]) -> RequestIdentity {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(HeaderName::try_from(*name).unwrap(), value.parse().unwrap());
        }
        RequestIdentity::from_headers(&map)
    }

    fn check(headers: &[(&str, &str)], request: &str, correlation: &str, client: Option<&str>) {
        let found = identity(headers);
        assert_eq!(found.request_id(), request, "{headers:?}");
        assert_eq!(found.correlation_id(), correlation, "{headers:?}");
        assert_eq!(found.client_request_id(), client, "{headers:?}");
        let mut echoed = HeaderMap::new();
        found.write_to(&mut echoed);
        assert_eq!(echoed["x-request-id"], request);
        assert_eq!(echoed["x-correlation-id"], correlation);
    }

    #[test]
    fn h6_each_id_defaults_to_the_other_and_only_a_sent_request_id_is_the_clients() {
        check(&[("x-request-id", "r1"), ("x-correlation-id", "c1")], "r1", "c1", Some("r1"));
        check(&[("x-request-id", "r1")], "r1", "r1", Some("r1"));
        check(&[("x-correlation-id", "c1")], "c1", "c1", None);
    }

    #[test]
    fn h6_without_ids_a_new_uuid_v4_serves_as_both() {
        let found = identity(&[]);
        let id = uuid::Uuid::parse_str(found.request_id()).unwrap();
        assert_eq!(id.get_version_num(), 4);
        assert_eq!(found.correlation_id(), found.request_id());
        assert_eq!(found.client_request_id(), None);
        assert_ne!(identity(&[]).request_id(), found.request_id());
    }

    #[test]
    fn ids_that_could_break_a_log_or_a_page_count_as_not_sent() {
        let long = "x".repeat(129);
        for bad in ["", "a b", "<script>", "a\"b", "a\\b", "é", &long] {
            let found = identity(&[("x-request-id", bad)]);
            assert_eq!(found.client_request_id(), None, "{bad}");
            assert_eq!(found.request_id().len(), 36, "{bad}");
        }
        let longest = "x".repeat(128);
        check(&[("x-request-id", &longest)], &longest, &longest, Some(&longest));
    }

    #[test]
    fn x4_the_trace_id_comes_from_a_valid_traceparent_else_is_new() {
        let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        assert_eq!(identity(&[("traceparent", parent)]).trace_id(), "4bf92f3577b34da6a3ce929d0e0e4736");
        for bad in
            ["00-00000000000000000000000000000000-00f067aa0ba902b7-01", "nonsense", &parent.to_uppercase()]
        {
            let made_up = identity(&[("traceparent", bad)]).trace_id();
            assert_eq!(made_up.len(), 32);
            assert_ne!(made_up, "4bf92f3577b34da6a3ce929d0e0e4736", "{bad}");
            assert_ne!(made_up, "0".repeat(32), "{bad}");
        }
    }
}
