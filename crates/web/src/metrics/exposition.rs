//! Writing metrics in the Prometheus text format and in OpenMetrics.

use std::fmt::Write as _;

use super::family::Description;
use super::histogram::Histogram;
use super::number::write_scaled;
use super::values::{Counter, Gauge};

/// How `/metrics` is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// The classic text format.
    Text,
    /// OpenMetrics 1.0, which can carry exemplars.
    OpenMetrics,
}

impl Format {
    /// The format that a scraper's `Accept` header asks for.
    pub fn from_accept(accept: Option<&str>) -> Self {
        match accept {
            Some(accept) if accept.contains("application/openmetrics-text") => Self::OpenMetrics,
            _ => Self::Text,
        }
    }

    /// The response's content type.
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Text => "text/plain; version=0.0.4; charset=utf-8",
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }
}

/// The Prometheus type of a family.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Counter,
    Gauge,
    Histogram,
}

/// The text being written.
pub(super) struct Exposition {
    format: Format,
    out: String,
}

/// One series of a family.
pub(super) struct Series<'a> {
    pub(super) description: &'a Description,
    pub(super) values: &'a [String],
}

/// A metric that can write itself.
pub(super) trait RenderSeries {
    const KIND: Kind;
    fn render(&self, exposition: &mut Exposition, series: &Series<'_>);
}

impl Exposition {
    pub(super) fn new(format: Format) -> Self {
        Self { format, out: String::new() }
    }

    pub(super) fn finish(mut self) -> String {
        if self.format == Format::OpenMetrics {
            self.out.push_str("# EOF\n");
        }
        self.out
    }

    /// The `HELP` and `TYPE` lines. OpenMetrics names a counter's family without `_total`.
    pub(super) fn describe(&mut self, description: &Description, kind: Kind) {
        let name = description.name.as_ref();
        let (name, kind) = match (self.format, kind, name.strip_suffix("_total")) {
            (Format::OpenMetrics, Kind::Counter, Some(stem)) => (stem, "counter"),
            (Format::OpenMetrics, Kind::Counter, None) => (name, "unknown"),
            (_, Kind::Counter, _) => (name, "counter"),
            (_, Kind::Gauge, _) => (name, "gauge"),
            (_, Kind::Histogram, _) => (name, "histogram"),
        };
        let help = description.help.replace('\\', "\\\\").replace('\n', "\\n");
        let _ = write!(self.out, "# HELP {name} {help}\n# TYPE {name} {kind}\n");
    }

    /// One line without its end: name, labels, value.
    pub(super) fn sample(
        &mut self,
        series: &Series<'_>,
        suffix: &str,
        le: Option<&str>,
        value: i128,
        decimals: u8,
    ) {
        let _ = write!(self.out, "{}{suffix}", series.description.name);
        let labels = series.description.labels.iter().copied().zip(series.values.iter().map(String::as_str));
        let mut separator = '{';
        for (label, value) in labels.chain(le.map(|bound| ("le", bound))) {
            let value = value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
            let _ = write!(self.out, "{separator}{label}=\"{value}\"");
            separator = ',';
        }
        self.out.push_str(if separator == ',' { "} " } else { " " });
        write_scaled(&mut self.out, value, decimals);
    }

    pub(super) fn end_line(&mut self) {
        self.out.push('\n');
    }

    fn exemplar(&mut self, histogram: &Histogram, bucket: usize, decimals: u8) {
        if self.format != Format::OpenMetrics {
            return;
        }
        let Some(exemplar) = histogram.exemplar(bucket) else { return };
        let _ = write!(self.out, " # {{trace_id=\"{:032x}\"}} ", exemplar.trace_id);
        write_scaled(&mut self.out, exemplar.value.into(), decimals);
    }
}

impl RenderSeries for Counter {
    const KIND: Kind = Kind::Counter;

    fn render(&self, exposition: &mut Exposition, series: &Series<'_>) {
        exposition.sample(series, "", None, self.get().into(), series.description.decimals);
        exposition.end_line();
    }
}

impl RenderSeries for Gauge {
    const KIND: Kind = Kind::Gauge;

    fn render(&self, exposition: &mut Exposition, series: &Series<'_>) {
        exposition.sample(series, "", None, self.get().into(), series.description.decimals);
        exposition.end_line();
    }
}

impl RenderSeries for Histogram {
    const KIND: Kind = Kind::Histogram;

    fn render(&self, exposition: &mut Exposition, series: &Series<'_>) {
        let decimals = series.description.decimals;
        let bounds = series.description.bounds.iter().copied().chain(["+Inf"]);
        let mut total: i128 = 0;
        for (bucket, (bound, count)) in bounds.zip(self.counts()).enumerate() {
            total = total.saturating_add(count.into());
            exposition.sample(series, "_bucket", Some(bound), total, 0);
            exposition.exemplar(self, bucket, decimals);
            exposition.end_line();
        }
        exposition.sample(series, "_sum", None, self.sum().into(), decimals);
        exposition.end_line();
        exposition.sample(series, "_count", None, total, 0);
        exposition.end_line();
    }
}
