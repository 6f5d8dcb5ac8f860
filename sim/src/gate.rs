//! What is known of a switch from the answers that operators got.

/// See the module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gate {
    /// Running: nothing was stopped, or a resume was acknowledged.
    Open,
    /// A change was tried and not acknowledged.
    Unknown,
    /// A stop was acknowledged; with `until` it ends by itself then (Unix ms).
    Stopped {
        /// See above.
        until_ms: Option<i64>,
    },
}

impl Gate {
    /// Whether nothing may pass at `at_ms` by the desk's time.
    pub fn binds(self, at_ms: i64) -> bool {
        match self {
            Gate::Open | Gate::Unknown => false,
            Gate::Stopped { until_ms } => until_ms.is_none_or(|until_ms| at_ms < until_ms),
        }
    }

    /// A stop is tried: until it is acknowledged only what was stopped before is sure.
    pub fn begin_stop(&mut self, until_ms: Option<i64>) {
        *self = match *self {
            Gate::Open | Gate::Unknown => Gate::Unknown,
            Gate::Stopped { until_ms: before } => {
                let both = [before, until_ms];
                Gate::Stopped { until_ms: both.into_iter().flatten().min() }
            }
        };
    }
}
