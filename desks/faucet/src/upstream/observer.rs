//! Who is told about questions, for metrics and logs.

use std::time::Duration;

use super::reading::{Unavailable, Upstream};

/// Is told about every question. Called on the asking thread: keep it short.
pub trait Observer: Send + Sync {
    /// A question was sent and took this long. `error` is set when no usable answer came; a definite "no" such as a
    /// private account is an answer.
    fn called(&self, upstream: Upstream, took: Duration, error: Option<&Unavailable>);

    /// A question has to wait for our own limit, or was given up because of it. Once per try.
    fn locally_limited(&self, upstream: Upstream);
}

/// Nobody is told.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unobserved;

impl Observer for Unobserved {
    fn called(&self, _: Upstream, _: Duration, _: Option<&Unavailable>) {}

    fn locally_limited(&self, _: Upstream) {}
}
