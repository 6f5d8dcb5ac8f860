//! The two metrics that cover every route (M2), with handles looked up once per route.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use axum::http::{Method, StatusCode};

use super::family::{CounterFamily, Family, HistogramFamily};
use super::histogram::{Histogram, Unit, nanoseconds};
use super::registry::{MetricError, Registry};
use super::values::{Counter, Gauge};

/// The 14 upper bounds of `http_request_duration_seconds`.
pub const HTTP_SECONDS_BUCKETS: &[&str] =
    &["0.005", "0.01", "0.025", "0.05", "0.075", "0.1", "0.25", "0.5", "0.75", "1", "2.5", "5", "7.5", "10"];

/// The `path` label of requests that no route answers.
pub const UNMATCHED: &str = "unmatched";

/// The statuses whose counters are kept at hand; the others are looked up.
const STATUSES_AT_HAND: [u16; 24] = [
    200, 201, 202, 204, 301, 302, 303, 304, 307, 308, 400, 401, 403, 404, 405, 409, 413, 422, 429, 499, 500,
    502, 503, 504,
];

/// `http_requests_total`, `http_request_duration_seconds` and the number of requests in flight.
#[derive(Clone)]
pub struct HttpMetrics {
    requests: CounterFamily<3>,
    duration: HistogramFamily<2>,
    in_flight: Arc<Gauge>,
}

impl HttpMetrics {
    /// Registers the metrics, once per registry. `exemplars` is `PAY2SLAY_METRICS_EXEMPLARS=1`.
    ///
    /// # Errors
    /// [`MetricError::NameTaken`] when done twice.
    pub fn register(registry: &Registry, exemplars: bool) -> Result<Self, MetricError> {
        let duration_name = "http_request_duration_seconds";
        let duration_help = "Time from a request's head to its answer's head, by route.";
        let labels = ["method", "path"];
        let (unit, bounds) = (Unit::NANOSECONDS, HTTP_SECONDS_BUCKETS);
        let duration = if exemplars {
            registry.histogram_with_exemplars(duration_name, duration_help, labels, unit, bounds)
        } else {
            registry.histogram(duration_name, duration_help, labels, unit, bounds)
        }?;
        let requests = registry.counter(
            "http_requests_total",
            "Answered requests by route and status; 499 = the client left first.",
            ["method", "path", "status"],
            Unit::ONE,
        )?;
        let in_flight = registry.gauge(
            "bursar_http_requests_in_flight",
            "Requests that are being answered now.",
            [],
            Unit::ONE,
        )?;
        Ok(Self { requests, duration, in_flight: in_flight.with([]) })
    }

    /// The handles for one route; `by_status` is a further histogram with labels method, path and status.
    pub fn endpoint(
        &self,
        method: &Method,
        template: &str,
        by_status: Option<HistogramFamily<3>>,
    ) -> EndpointMetrics {
        let method = method_label(method);
        EndpointMetrics {
            method,
            template: template.to_owned(),
            duration: self.duration.with([method, template]),
            counted: ByStatus::new(self.requests.clone()),
            by_status: by_status.map(ByStatus::new),
        }
    }

    pub(crate) fn in_flight(&self) -> &Arc<Gauge> {
        &self.in_flight
    }
}

/// The handles for one route.
pub struct EndpointMetrics {
    method: &'static str,
    template: String,
    duration: Arc<Histogram>,
    counted: ByStatus<Counter>,
    by_status: Option<ByStatus<Histogram>>,
}

impl EndpointMetrics {
    /// Counts one answer.
    pub fn record(&self, status: StatusCode, duration: Duration, trace_id: u128) {
        let nanoseconds = nanoseconds(duration);
        self.duration.observe_traced(nanoseconds, trace_id);
        self.counted.with(self.method, &self.template, status, Counter::increment);
        if let Some(by_status) = &self.by_status {
            by_status.with(self.method, &self.template, status, |histogram| histogram.observe(nanoseconds));
        }
    }
}

/// One route's series of a family with labels method, path, status; the usual ones are looked up once.
struct ByStatus<M> {
    family: Family<M, 3>,
    at_hand: [OnceLock<Arc<M>>; STATUSES_AT_HAND.len()],
}

impl<M> ByStatus<M> {
    fn new(family: Family<M, 3>) -> Self {
        Self { family, at_hand: [const { OnceLock::new() }; STATUSES_AT_HAND.len()] }
    }

    fn with(&self, method: &str, template: &str, status: StatusCode, use_it: impl FnOnce(&M)) {
        let look_up = || self.family.with([method, template, status.as_str()]);
        let slot = STATUSES_AT_HAND.binary_search(&status.as_u16()).ok();
        match slot.and_then(|index| self.at_hand.get(index)) {
            Some(slot) => use_it(slot.get_or_init(look_up)),
            None => use_it(&look_up()),
        }
    }
}

/// Made-up methods share one label, so that a stranger cannot create series.
fn method_label(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        "OPTIONS" => "OPTIONS",
        _ => "other",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::Format;

    #[test]
    fn m2_names_labels_and_buckets_exactly() {
        let registry = Registry::new();
        let http = HttpMetrics::register(&registry, false).unwrap();
        let endpoint = http.endpoint(&Method::POST, "/api/sim/entries", None);
        endpoint.record(StatusCode::OK, Duration::from_millis(750), 1);
        endpoint.record(StatusCode::IM_A_TEAPOT, Duration::from_secs(11), 1);
        let text = registry.render(Format::Text);
        let labels = "method=\"POST\",path=\"/api/sim/entries\"";
        for line in [
            format!("http_requests_total{{{labels},status=\"200\"}} 1"),
            format!("http_requests_total{{{labels},status=\"418\"}} 1"),
            format!("http_request_duration_seconds_bucket{{{labels},le=\"0.5\"}} 0"),
            format!("http_request_duration_seconds_bucket{{{labels},le=\"0.75\"}} 1"),
            format!("http_request_duration_seconds_bucket{{{labels},le=\"10\"}} 1"),
            format!("http_request_duration_seconds_bucket{{{labels},le=\"+Inf\"}} 2"),
            format!("http_request_duration_seconds_sum{{{labels}}} 11.75"),
            format!("http_request_duration_seconds_count{{{labels}}} 2"),
        ] {
            assert!(text.contains(&format!("{line}\n")), "{line} is missing in\n{text}");
        }
        assert_eq!(text.matches("_bucket{").count(), 15);
    }

    #[test]
    fn m2_a_desk_may_count_its_routes_in_a_second_histogram_by_status() {
        let registry = Registry::new();
        let http = HttpMetrics::register(&registry, false).unwrap();
        let labels = ["method", "path", "status_code"];
        let second = registry.histogram(
            "aiba_http_request_duration_seconds",
            "x",
            labels,
            Unit::NANOSECONDS,
            &["0.5"],
        );
        let endpoint = http.endpoint(&Method::GET, "/health", Some(second.unwrap()));
        endpoint.record(StatusCode::OK, Duration::from_millis(2), 1);
        let line =
            "aiba_http_request_duration_seconds_count{method=\"GET\",path=\"/health\",status_code=\"200\"} 1";
        assert!(registry.render(Format::Text).contains(line));
    }

    #[test]
    fn the_statuses_at_hand_are_sorted_and_invented_methods_share_a_label() {
        assert!(STATUSES_AT_HAND.is_sorted());
        assert_eq!(method_label(&Method::from_bytes(b"BREW").unwrap()), "other");
    }
}
