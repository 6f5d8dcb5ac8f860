//! What a source of prices must offer, and how asking it can fail.

use crate::market::Market;

/// Longest reply body that is read, in bytes.
pub const BODY_LIMIT_BYTES: usize = 64 * 1024;

/// A source of raw Hermes reply bodies. Calls block; make them from a worker thread.
pub trait PriceSource: Send + Sync {
    /// The reply for the market's feed at `second` (Unix seconds).
    fn at(&self, market: Market, second: i64) -> Result<String, UpstreamError>;

    /// The reply for the newest price. Only for showing: never decides a round.
    fn latest(&self, market: Market) -> Result<String, UpstreamError>;
}

/// Why the price service gave no body to judge.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UpstreamError {
    /// No complete answer in time.
    #[error("the price service did not answer in time; check its load and the network path to it")]
    Timeout,
    /// No connection, or one that broke before the answer began.
    #[error(
        "the price service cannot be reached ({0}); check HERMES_URL, name resolution and the network path"
    )]
    Unreachable(String),
    /// HTTP 429.
    #[error("the price service limits our rate (429); ask less often or use a provider with a higher limit")]
    RateLimited {
        /// Seconds the service asks us to wait, where it says so.
        retry_after_s: Option<u64>,
    },
    /// Any other status that is neither 200 nor 404; redirects are not followed.
    #[error("the price service answered with status {0}; 401 and 403 mean its API key is missing or refused")]
    Status(u16),
    /// HTTP 404: the service has no such price.
    #[error("the price service has no price for this feed and second (404)")]
    NotFound,
    /// The body broke off, or is not text.
    #[error("the price service's answer broke off or is no text; a proxy in between may be at fault")]
    BrokenBody,
    /// The body is longer than [`BODY_LIMIT_BYTES`].
    #[error("the price service's answer is longer than 64 KiB; HERMES_URL may point at something else")]
    BodyTooLarge,
}

impl UpstreamError {
    /// Whether the service failed to do its work, as opposed to having no such price.
    #[must_use]
    pub const fn is_outage(&self) -> bool {
        !matches!(self, UpstreamError::NotFound)
    }

    /// Whether nothing came back at all, so that the next question would probably wait in vain as well.
    #[must_use]
    pub const fn is_silence(&self) -> bool {
        matches!(self, UpstreamError::Timeout | UpstreamError::Unreachable(_))
    }
}
