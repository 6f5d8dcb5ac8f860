//! The registry: every metric of the process by name.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use parking_lot::RwLock;

use super::exposition::{Exposition, Format, Kind, RenderSeries, Series};
use super::family::{CounterFamily, Description, Family, GaugeFamily, HistogramFamily, renderer};
use super::histogram::{Histogram, Unit};
use super::number::parse_scaled;
use super::values::{Counter, Gauge};

/// Why a metric cannot be registered. All are mistakes in the program, found at start.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum MetricError {
    /// Somebody registered the name before; share that family instead.
    #[error("metric `{0}` is registered twice; register it once and share the family")]
    NameTaken(String),
    /// The name or a label is not a Prometheus name.
    #[error("`{0}` is not a metric or label name; use a-z, 0-9 and `_`, a letter first")]
    BadName(String),
    /// A bucket bound is not a decimal number of the family's unit, or not above the one before.
    #[error("bucket bound `{bound}` of `{name}` is not an ascending decimal number of its unit")]
    BadBound {
        /// The metric.
        name: String,
        /// The bound.
        bound: &'static str,
    },
}

/// One value of a metric that is computed when it is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading<const N: usize> {
    /// The label values.
    pub labels: [String; N],
    /// The value, in the family's unit.
    pub value: i64,
}

type Renderer = Box<dyn Fn(&mut Exposition) + Send + Sync>;

/// Every metric of the process. A disabled desk registers none.
#[derive(Default)]
pub struct Registry {
    families: RwLock<BTreeMap<Cow<'static, str>, Renderer>>,
}

impl Registry {
    /// An empty registry.
    pub fn new() -> Self {
        Self::default()
    }

    /// Registers counters.
    ///
    /// # Errors
    /// [`MetricError`].
    pub fn counter<const N: usize>(
        &self,
        name: impl Into<Cow<'static, str>>,
        help: &'static str,
        labels: [&'static str; N],
        unit: Unit,
    ) -> Result<CounterFamily<N>, MetricError> {
        let family = Family::new(description(name.into(), help, &labels, unit)?, Counter::default);
        self.add(&family)?;
        Ok(family)
    }

    /// Registers gauges. A gauge shows once it was asked for by its labels.
    ///
    /// # Errors
    /// [`MetricError`].
    pub fn gauge<const N: usize>(
        &self,
        name: impl Into<Cow<'static, str>>,
        help: &'static str,
        labels: [&'static str; N],
        unit: Unit,
    ) -> Result<GaugeFamily<N>, MetricError> {
        let family = Family::new(description(name.into(), help, &labels, unit)?, Gauge::default);
        self.add(&family)?;
        Ok(family)
    }

    /// Registers histograms with these upper bounds, written as they shall appear in `le`.
    ///
    /// # Errors
    /// [`MetricError`].
    pub fn histogram<const N: usize>(
        &self,
        name: impl Into<Cow<'static, str>>,
        help: &'static str,
        labels: [&'static str; N],
        unit: Unit,
        bounds: &'static [&'static str],
    ) -> Result<HistogramFamily<N>, MetricError> {
        self.histogram_with(name.into(), help, labels, unit, bounds, false)
    }

    /// As [`Registry::histogram`], and each bucket remembers the trace id of its last value.
    ///
    /// # Errors
    /// [`MetricError`].
    pub fn histogram_with_exemplars<const N: usize>(
        &self,
        name: impl Into<Cow<'static, str>>,
        help: &'static str,
        labels: [&'static str; N],
        unit: Unit,
        bounds: &'static [&'static str],
    ) -> Result<HistogramFamily<N>, MetricError> {
        self.histogram_with(name.into(), help, labels, unit, bounds, true)
    }

    fn histogram_with<const N: usize>(
        &self,
        name: Cow<'static, str>,
        help: &'static str,
        labels: [&'static str; N],
        unit: Unit,
        bounds: &'static [&'static str],
        exemplars: bool,
    ) -> Result<HistogramFamily<N>, MetricError> {
        let values = parse_bounds(&name, bounds, unit)?;
        let mut description = description(name, help, &labels, unit)?;
        description.bounds = bounds;
        let family = Family::new(description, move || Histogram::new(&values, exemplars));
        self.add(&family)?;
        Ok(family)
    }

    /// Registers a gauge whose readings are computed at each scrape.
    ///
    /// # Errors
    /// [`MetricError`].
    pub fn computed_gauge<const N: usize>(
        &self,
        name: impl Into<Cow<'static, str>>,
        help: &'static str,
        labels: [&'static str; N],
        unit: Unit,
        read: impl Fn() -> Vec<Reading<N>> + Send + Sync + 'static,
    ) -> Result<(), MetricError> {
        self.computed(description(name.into(), help, &labels, unit)?, Kind::Gauge, read)
    }

    /// Registers a counter whose readings are computed at each scrape.
    ///
    /// # Errors
    /// [`MetricError`].
    pub fn computed_counter<const N: usize>(
        &self,
        name: impl Into<Cow<'static, str>>,
        help: &'static str,
        labels: [&'static str; N],
        unit: Unit,
        read: impl Fn() -> Vec<Reading<N>> + Send + Sync + 'static,
    ) -> Result<(), MetricError> {
        self.computed(description(name.into(), help, &labels, unit)?, Kind::Counter, read)
    }

    fn computed<const N: usize>(
        &self,
        description: Description,
        kind: Kind,
        read: impl Fn() -> Vec<Reading<N>> + Send + Sync + 'static,
    ) -> Result<(), MetricError> {
        let name = description.name.clone();
        let render = move |exposition: &mut Exposition| {
            exposition.describe(&description, kind);
            for reading in read() {
                let series = Series { description: &description, values: &reading.labels };
                exposition.sample(&series, "", None, reading.value.into(), description.decimals);
                exposition.end_line();
            }
        };
        self.insert(name, Box::new(render))
    }

    /// Everything, as text, families by name and series by label values.
    pub fn render(&self, format: Format) -> String {
        let mut exposition = Exposition::new(format);
        for render in self.families.read().values() {
            render(&mut exposition);
        }
        exposition.finish()
    }

    /// The families of these names alone, in the classic text format. Names that nobody registered are left out.
    pub fn render_only(&self, names: &[&str]) -> String {
        let mut exposition = Exposition::new(Format::Text);
        let families = self.families.read();
        for render in names.iter().filter_map(|name| families.get(*name)) {
            render(&mut exposition);
        }
        exposition.finish()
    }

    fn add<M, const N: usize>(&self, family: &Family<M, N>) -> Result<(), MetricError>
    where
        M: RenderSeries + Send + Sync + 'static,
    {
        self.insert(family.name(), renderer(family))
    }

    fn insert(&self, name: Cow<'static, str>, renderer: Renderer) -> Result<(), MetricError> {
        match self.families.write().entry(name) {
            Entry::Occupied(taken) => Err(MetricError::NameTaken(taken.key().to_string())),
            Entry::Vacant(free) => {
                free.insert(renderer);
                Ok(())
            }
        }
    }
}

fn description(
    name: Cow<'static, str>,
    help: &'static str,
    labels: &[&'static str],
    unit: Unit,
) -> Result<Description, MetricError> {
    for name in [name.as_ref()].into_iter().chain(labels.iter().copied()) {
        let starts_well = name.starts_with(|first: char| first.is_ascii_lowercase());
        if !starts_well || !name.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_')) {
            return Err(MetricError::BadName(name.to_owned()));
        }
    }
    let labels = labels.to_vec();
    Ok(Description { name, help: help.into(), labels, decimals: unit.decimals, bounds: &[] })
}

fn parse_bounds(name: &str, bounds: &[&'static str], unit: Unit) -> Result<Vec<u64>, MetricError> {
    let mut values: Vec<u64> = Vec::with_capacity(bounds.len());
    for bound in bounds {
        match parse_scaled(bound, unit.decimals) {
            Some(value) if values.last().is_none_or(|last| *last < value) => values.push(value),
            _ => return Err(MetricError::BadBound { name: name.to_owned(), bound }),
        }
    }
    Ok(values)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_and_gauges_render_sorted_with_escaped_labels() {
        let registry = Registry::new();
        let sent = registry.counter("sent_total", "Sent.\nAll.", ["result"], Unit::ONE).unwrap();
        let balance = registry.gauge("balance_ban", "Balance.", [], Unit { decimals: 8 }).unwrap();
        sent.with(["ok"]).add(2);
        sent.with(["a\"b\\c\n"]).increment();
        balance.with([]).set(-150_000_000);
        let expected = "# HELP balance_ban Balance.\n# TYPE balance_ban gauge\nbalance_ban -1.5\n\
                        # HELP sent_total Sent.\\nAll.\n# TYPE sent_total counter\n\
                        sent_total{result=\"a\\\"b\\\\c\\n\"} 1\nsent_total{result=\"ok\"} 2\n";
        assert_eq!(registry.render(Format::Text), expected);
    }

    #[test]
    fn histogram_bounds_are_inclusive_and_buckets_add_up() {
        let registry = Registry::new();
        let sizes = registry.histogram("wait_seconds", "Wait.", ["kind"], Unit::NANOSECONDS, &["0.5", "1"]);
        let wait = sizes.unwrap().with(["a"]);
        for nanoseconds in [500_000_000, 500_000_001, 1_000_000_001] {
            wait.observe(nanoseconds);
        }
        let expected = "# HELP wait_seconds Wait.\n# TYPE wait_seconds histogram\n\
                        wait_seconds_bucket{kind=\"a\",le=\"0.5\"} 1\n\
                        wait_seconds_bucket{kind=\"a\",le=\"1\"} 2\n\
                        wait_seconds_bucket{kind=\"a\",le=\"+Inf\"} 3\n\
                        wait_seconds_sum{kind=\"a\"} 2.000000002\n\
                        wait_seconds_count{kind=\"a\"} 3\n";
        assert_eq!(registry.render(Format::Text), expected);
    }

    #[test]
    fn exemplars_show_in_openmetrics_only() {
        let registry = Registry::new();
        let family =
            registry.histogram_with_exemplars("wait_seconds", "Wait.", [], Unit::NANOSECONDS, &["1"]);
        family.unwrap().with([]).observe_traced(250_000_000, 0xabc);
        let line = "wait_seconds_bucket{le=\"1\"} 1 # {trace_id=\"00000000000000000000000000000abc\"} 0.25\n";
        assert!(registry.render(Format::OpenMetrics).contains(line));
        assert!(!registry.render(Format::Text).contains("trace_id"));
    }

    #[test]
    fn openmetrics_names_counter_families_without_total_and_ends_with_eof() {
        let registry = Registry::new();
        registry.counter("sent_total", "Sent.", [], Unit::ONE).unwrap().with([]).increment();
        let expected = "# HELP sent Sent.\n# TYPE sent counter\nsent_total 1\n# EOF\n";
        assert_eq!(registry.render(Format::OpenMetrics), expected);
    }

    #[test]
    fn computed_metrics_are_read_at_each_scrape() {
        let registry = Registry::new();
        let calls = std::sync::atomic::AtomicI64::new(0);
        let read = move || {
            let value = calls.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            vec![Reading { labels: ["x".to_owned()], value }]
        };
        registry.computed_gauge("lag", "Lag.", ["job"], Unit::ONE, read).unwrap();
        assert!(registry.render(Format::Text).ends_with("lag{job=\"x\"} 0\n"));
        assert!(registry.render(Format::Text).ends_with("lag{job=\"x\"} 1\n"));
    }

    #[test]
    fn some_families_render_alone_and_unknown_names_are_left_out() {
        let registry = Registry::new();
        for name in ["a_total", "b_total"] {
            registry.counter(name, "x", [], Unit::ONE).unwrap().with([]).increment();
        }
        let text = registry.render_only(&["b_total", "c_total"]);
        assert_eq!(text, "# HELP b_total x\n# TYPE b_total counter\nb_total 1\n");
    }

    #[test]
    fn mistakes_are_found_at_registration() {
        let registry = Registry::new();
        let counter = |name: &'static str| registry.counter(name, "x", [], Unit::ONE).map(|_| ());
        let histogram = |bounds| registry.histogram("h", "x", [], Unit::ONE, bounds).map(|_| ());
        assert_eq!(counter("a_total"), Ok(()));
        assert_eq!(counter("a_total"), Err(MetricError::NameTaken("a_total".to_owned())));
        for bad in ["", "1a", "a-b", "A"] {
            assert_eq!(counter(bad), Err(MetricError::BadName(bad.to_owned())));
        }
        let refused = |bound| Err(MetricError::BadBound { name: "h".to_owned(), bound });
        assert_eq!(histogram(&["2", "1"]), refused("1"));
        assert_eq!(histogram(&["0.5"]), refused("0.5"));
    }

    #[test]
    fn a_runaway_label_is_folded_into_overflow() {
        let registry = Registry::new();
        let family = registry.counter("seen_total", "Seen.", ["id"], Unit::ONE).unwrap();
        for id in 0..10_005 {
            family.with([&id.to_string()]).increment();
        }
        let text = registry.render(Format::Text);
        assert!(text.contains("seen_total{id=\"overflow\"} 5\n"));
        assert_eq!(text.lines().count(), 2 + 10_001);
    }
}
