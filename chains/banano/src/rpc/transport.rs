//! How a request reaches a node; what the simulator replaces.

/// Longest body that is read, in bytes.
pub const BODY_LIMIT_BYTES: usize = 256 * 1024;

/// A way to one node. Calls block; make them from a worker thread.
pub trait Transport: Send + Sync {
    /// The node's name in messages and evidence: a host, never a whole URL, which may hold a token.
    fn name(&self) -> &str;

    /// The node's answer to one JSON request.
    fn call(&self, request: &str) -> Result<Answer, TransportError>;
}

/// What came back, whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status. Proxies in front of nodes answer errors with others than 200.
    pub status: u16,
    /// The body, at most [`BODY_LIMIT_BYTES`].
    pub body: Vec<u8>,
}

/// Why no answer came back. Whatever was asked for may have happened.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TransportError {
    /// No complete answer in time.
    #[error("no answer in time")]
    Timeout,
    /// No connection, or one that broke before the answer began.
    #[error("unreachable ({0})")]
    Unreachable(String),
    /// The body broke off.
    #[error("the answer broke off")]
    Broken,
    /// The body is longer than [`BODY_LIMIT_BYTES`].
    #[error("the answer is longer than 256 KiB")]
    TooLarge,
}
