//! A metric with labels: one series for each combination of label values.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::RwLock;

use super::exposition::{Exposition, RenderSeries, Series};
use super::histogram::Histogram;
use super::values::{Counter, Gauge};

/// One family keeps at most this many series; later ones are counted together, labelled `overflow`.
const SERIES_MAX: usize = 10_000;

/// A family of counters with `N` labels.
pub type CounterFamily<const N: usize> = Family<Counter, N>;
/// A family of gauges with `N` labels.
pub type GaugeFamily<const N: usize> = Family<Gauge, N>;
/// A family of histograms with `N` labels.
pub type HistogramFamily<const N: usize> = Family<Histogram, N>;

/// A registered metric. Clones share the series.
pub struct Family<M, const N: usize> {
    shared: Arc<Shared<M>>,
}

impl<M, const N: usize> Clone for Family<M, N> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared) }
    }
}

/// What is said about a family in the output.
pub(super) struct Description {
    pub(super) name: Cow<'static, str>,
    pub(super) help: Cow<'static, str>,
    pub(super) labels: Vec<&'static str>,
    pub(super) decimals: u8,
    /// The `le` texts of a histogram, without `+Inf`.
    pub(super) bounds: &'static [&'static str],
}

struct Shared<M> {
    description: Description,
    series: RwLock<BTreeMap<Vec<String>, Arc<M>>>,
    create: Box<dyn Fn() -> M + Send + Sync>,
}

impl<M, const N: usize> Family<M, N> {
    pub(super) fn new(description: Description, create: impl Fn() -> M + Send + Sync + 'static) -> Self {
        Self { shared: Arc::new(Shared { description, series: RwLock::default(), create: Box::new(create) }) }
    }

    pub(super) fn name(&self) -> Cow<'static, str> {
        self.shared.description.name.clone()
    }

    /// The series with these label values, created at zero when new. Keep the handle on hot paths.
    pub fn with(&self, values: [&str; N]) -> Arc<M> {
        let key: Vec<String> = values.iter().map(|value| (*value).to_owned()).collect();
        if let Some(found) = self.shared.series.read().get(&key) {
            return Arc::clone(found);
        }
        let mut series = self.shared.series.write();
        let key = if series.len() < SERIES_MAX { key } else { vec!["overflow".to_owned(); N] };
        Arc::clone(series.entry(key).or_insert_with(|| Arc::new((self.shared.create)())))
    }

    /// Forgets a series, such as the gauge of something that no longer exists.
    pub fn remove(&self, values: [&str; N]) {
        let key: Vec<String> = values.iter().map(|value| (*value).to_owned()).collect();
        self.shared.series.write().remove(&key);
    }
}

/// What the registry keeps to render a family.
pub(super) fn renderer<M: RenderSeries + Send + Sync + 'static, const N: usize>(
    family: &Family<M, N>,
) -> Box<dyn Fn(&mut Exposition) + Send + Sync> {
    let shared = Arc::clone(&family.shared);
    Box::new(move |exposition| {
        exposition.describe(&shared.description, M::KIND);
        for (values, metric) in shared.series.read().iter() {
            metric.render(exposition, &Series { description: &shared.description, values });
        }
    })
}
