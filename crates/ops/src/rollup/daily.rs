//! What the counts by minute say about a span of time, such as a day (docs/spec/rounds.md R29, R50 to R52).

use std::collections::BTreeMap;

use bursar_store::{StoreError, Timestamp, Tx};

use super::refused::{RefusedCaller, most_refused};
use super::rows::minute;
use super::series::Series;

const REQUESTS: &str = "http_requests_total";
const LATENCY: &str = "http_request_duration_seconds";
const LIMITED: &str = "bursar_rate_limited_total";

/// Counts of a span of time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Daily {
    grown: Vec<(Series, i64)>,
    /// The most refused callers, most refused first.
    pub refused: Vec<RefusedCaller>,
}

/// Refusals by one kind of limit on one route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limited {
    /// The desk.
    pub desk: String,
    /// The route's template.
    pub route: String,
    /// The kind of bucket.
    pub bucket: String,
    /// How often.
    pub calls: i64,
}

/// One bucket of a histogram, counted alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bucket {
    /// Its upper bound as written in `le`; `+Inf` for the last.
    pub le: String,
    /// How many values fell into it.
    pub count: i64,
}

/// Reads the counts of the whole minutes that begin from `from` on and before `until`, and the `most` most refused
/// callers. Counts reach the store up to ten seconds late.
pub fn daily(tx: &mut Tx<'_>, from: Timestamp, until: Timestamp, most: usize) -> Result<Daily, StoreError> {
    let span = [minute(from.after_ms(59_999)).into(), minute(until.after_ms(59_999)).into()];
    let sql = "SELECT series, CAST(SUM(growth) AS BIGINT) FROM ops_minute WHERE minute >= $1 AND minute < $2 \
               GROUP BY series ORDER BY series";
    let grown = tx.query(sql, &span, |row| Ok((row.get::<String>(0)?, row.get::<i64>(1)?)))?;
    let series = |(text, growth): (String, i64)| Some((Series::parse(&text)?, growth));
    let refused = most_refused(tx, span, most)?;
    Ok(Daily { grown: grown.into_iter().filter_map(series).collect(), refused })
}

impl Daily {
    /// How much a counter grew, over all its labels.
    #[must_use]
    pub fn counter(&self, name: &str) -> i64 {
        self.of(name).fold(0, |sum, (_, growth)| sum.saturating_add(growth))
    }

    /// How much a counter grew for each value of one of its labels.
    #[must_use]
    pub fn by_label(&self, name: &str, label: &str) -> BTreeMap<String, i64> {
        let mut counts: BTreeMap<String, i64> = BTreeMap::new();
        for (series, growth) in self.of(name) {
            let count = counts.entry(series.label(label).to_owned()).or_default();
            *count = count.saturating_add(growth);
        }
        counts
    }

    /// The buckets of a histogram that are not empty, over all its other labels, smallest bound first.
    #[must_use]
    pub fn histogram(&self, name: &str) -> Vec<Bucket> {
        let buckets = self.by_label(&format!("{name}_bucket"), "le");
        let mut buckets: Vec<Bucket> = buckets.into_iter().map(|(le, count)| Bucket { le, count }).collect();
        buckets.sort_by_key(|bucket| bound_in_millionths(&bucket.le));
        buckets
    }

    /// Answered requests by status.
    #[must_use]
    pub fn statuses(&self) -> BTreeMap<String, i64> {
        self.by_label(REQUESTS, "status")
    }

    /// The share of requests that were not faults of ours (5xx), in basis points rounded down; `None` = no request.
    #[must_use]
    pub fn success_bps(&self) -> Option<i64> {
        let statuses = self.statuses();
        let all = statuses.values().fold(0_i64, |sum, calls| sum.saturating_add(*calls));
        let faults = statuses.iter().filter(|(status, _)| status.starts_with('5'));
        let faults = faults.fold(0_i64, |sum, (_, calls)| sum.saturating_add(*calls));
        all.saturating_sub(faults).saturating_mul(10_000).checked_div(all)
    }

    /// The time that answers took, in seconds.
    #[must_use]
    pub fn latency(&self) -> Vec<Bucket> {
        self.histogram(LATENCY)
    }

    /// The bound of the bucket in which the answer at this rank lies: 9500 is the 95th percentile. `None` = no request.
    #[must_use]
    pub fn latency_at_bps(&self, rank_bps: i64) -> Option<String> {
        let buckets = self.latency();
        let all = buckets.iter().fold(0_i64, |sum, bucket| sum.saturating_add(bucket.count));
        let mut below = 0_i64;
        let found = buckets.into_iter().find(|bucket| {
            below = below.saturating_add(bucket.count);
            below.saturating_mul(10_000) >= all.saturating_mul(rank_bps)
        });
        found.map(|bucket| bucket.le)
    }

    /// Refusals by rate limit, by route and kind of bucket.
    #[must_use]
    pub fn limited(&self) -> Vec<Limited> {
        let limited = |(series, calls): (&Series, i64)| Limited {
            desk: series.label("desk").to_owned(),
            route: series.label("route").to_owned(),
            bucket: series.label("bucket").to_owned(),
            calls,
        };
        self.of(LIMITED).map(limited).collect()
    }

    fn of<'d>(&'d self, name: &'d str) -> impl Iterator<Item = (&'d Series, i64)> {
        self.grown
            .iter()
            .filter(move |(series, _)| series.name == name)
            .map(|(series, growth)| (series, *growth))
    }
}

/// A bound such as `0.025`, for ordering; what is no number, such as `+Inf`, comes last.
fn bound_in_millionths(le: &str) -> i64 {
    let (whole, fraction) = le.split_once('.').unwrap_or((le, ""));
    let digits: String = format!("{whole}{fraction:0<6}");
    digits.parse().unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(grown: &[(&str, i64)]) -> Daily {
        let series = |(text, growth): &(&str, i64)| (Series::parse(text).unwrap(), *growth);
        Daily { grown: grown.iter().map(series).collect(), refused: Vec::new() }
    }

    #[test]
    fn success_counts_what_was_no_fault_of_ours() {
        let day = of(&[
            ("http_requests_total{path=\"/a\",status=\"200\"}", 90),
            ("http_requests_total{path=\"/b\",status=\"429\"}", 9),
            ("http_requests_total{path=\"/b\",status=\"500\"}", 1),
        ]);
        assert_eq!(day.success_bps(), Some(9_900));
        assert_eq!(of(&[]).success_bps(), None);
        assert_eq!(day.statuses()["429"], 9);
    }

    #[test]
    fn buckets_stand_in_the_order_of_their_bounds_and_a_percentile_names_its_bucket() {
        let bucket = |le: &str| format!("http_request_duration_seconds_bucket{{path=\"/a\",le=\"{le}\"}}");
        let texts = ["10", "+Inf", "0.5", "2.5", "0.005"].map(bucket);
        let grown: Vec<(&str, i64)> = texts.iter().map(String::as_str).zip([1, 1, 94, 2, 2]).collect();
        let day = of(&grown);
        let bounds: Vec<String> = day.latency().into_iter().map(|bucket| bucket.le).collect();
        assert_eq!(bounds, ["0.005", "0.5", "2.5", "10", "+Inf"]);
        assert_eq!(day.latency_at_bps(9_500).as_deref(), Some("0.5"));
        assert_eq!(day.latency_at_bps(9_700).as_deref(), Some("2.5"));
        assert_eq!(of(&[]).latency_at_bps(9_500), None);
    }
}
