//! Rate limits on a lane of their own: exact across processes and restarts, with live limits (docs/spec/platform.md
//! section 6).

mod work;

use std::sync::Arc;

use bursar_control::settings::Setting;
use bursar_control::{ConfigTable, FixedWindow};
use bursar_store::lane::{Lane, LaneOptions};
use bursar_store::{Store, StoreError};
use bursar_web::ApiError;
use bursar_web::metrics::{CounterFamily, MetricError, Registry, Unit};

use crate::lane_call::{LaneRefusal, call};
use crate::platform::PlatformFault;
use work::LimitWork;

/// A fixed-window limit whose numbers are live settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LiveLimit {
    /// Where its settings stand; also names the desk.
    pub table: ConfigTable,
    /// What its keys begin with, such as `sim-results:ip:`.
    pub prefix: &'static str,
    /// Calls that pass in a window.
    pub limit: Setting,
    /// Length of the window, in milliseconds.
    pub window_ms: Setting,
}

impl LiveLimit {
    /// The bucket as metrics call it: the prefix without its last colon.
    #[must_use]
    pub fn bucket(&self) -> &'static str {
        self.prefix.trim_end_matches(':')
    }
}

/// One call to be counted, against each limit in turn until one refuses.
#[derive(Clone, Debug)]
pub struct Charge {
    /// The limits, each with whom it counts (an address, a wallet).
    pub limits: Vec<(LiveLimit, String)>,
}

/// What became of a charge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Charged {
    /// Every limit let it pass.
    Passed,
    /// One refused. It and those before it have counted the call, those after it have not.
    Limited {
        /// The desk.
        desk: &'static str,
        /// The limit's bucket.
        bucket: &'static str,
        /// The limit that held.
        window: FixedWindow,
        /// Seconds until calls pass again.
        retry_after_s: i64,
    },
}

/// Counts calls.
#[derive(Clone)]
pub struct Limits {
    lane: Arc<Lane<LimitWork>>,
    refused: CounterFamily<3>,
}

/// Why a call does not go on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LimitRefusal {
    /// Too many calls.
    #[error("rate limit exceeded; try again in {retry_after_s} s")]
    Limited {
        /// Seconds until calls pass again.
        retry_after_s: i64,
    },
    /// The count could not be stored; each desk says what that means (L3).
    #[error(transparent)]
    Lane(#[from] LaneRefusal),
}

impl Limits {
    /// Starts the lane and registers its counter.
    pub fn start(store: Arc<Store>, metrics: &Registry) -> Result<Limits, PlatformFault> {
        Ok(Limits { lane: start_lane(store)?, refused: register(metrics)? })
    }

    /// Counts one call on `route` (its template) and says whether it may go on. The count is stored when this returns.
    pub async fn pass(&self, route: &'static str, charge: Charge) -> Result<(), LimitRefusal> {
        match call(&self.lane, charge).await? {
            Charged::Passed => Ok(()),
            Charged::Limited { desk, bucket, retry_after_s, .. } => {
                self.count_refusal(desk, route, bucket);
                Err(LimitRefusal::Limited { retry_after_s })
            }
        }
    }

    /// Counts a refusal that another lane decided (R51).
    pub fn count_refusal(&self, desk: &str, route: &str, bucket: &str) {
        self.refused.with([desk, route, bucket]).increment();
    }
}

fn start_lane(store: Arc<Store>) -> Result<Arc<Lane<LimitWork>>, StoreError> {
    Lane::start(store, LimitWork, LaneOptions::default()).map(Arc::new)
}

fn register(metrics: &Registry) -> Result<CounterFamily<3>, MetricError> {
    let help = "Calls refused by a rate limit.";
    metrics.counter("bursar_rate_limited_total", help, ["desk", "route", "bucket"], Unit::ONE)
}

impl From<LimitRefusal> for ApiError {
    fn from(refusal: LimitRefusal) -> ApiError {
        match refusal {
            LimitRefusal::Limited { retry_after_s } => {
                ApiError::rate_limited(u64::try_from(retry_after_s).unwrap_or(1))
            }
            LimitRefusal::Lane(refusal) => refusal.into(),
        }
    }
}
