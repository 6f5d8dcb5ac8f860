//! A small Prometheus registry: exact names and buckets, whole numbers only, one atomic step per count.

mod exposition;
mod family;
mod histogram;
mod http;
mod number;
mod process;
mod registry;
mod values;

pub use exposition::Format;
pub use family::{CounterFamily, Family, GaugeFamily, HistogramFamily};
pub use histogram::{Histogram, Unit};
pub use http::{EndpointMetrics, HTTP_SECONDS_BUCKETS, HttpMetrics, UNMATCHED};
pub use process::register_process_metrics;
pub use registry::{MetricError, Reading, Registry};
pub use values::{Counter, Gauge};
