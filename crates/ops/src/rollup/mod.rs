//! Counts kept for days: what the counters of all processes grew by in each minute, and whom refusals struck.
//!
//! [`Growth`] reads what a process has counted, [`add`] stores it, [`daily`] reads a span of time.

mod daily;
mod growth;
mod rows;
mod series;

pub use daily::{Bucket, Daily, Limited, RefusedCaller, daily};
pub use growth::Growth;
pub use rows::{Addition, KEPT_DAYS, add, minute, prune, total};
pub use series::Series;
