//! Histograms with fixed bounds; sums are exact because everything is a whole number.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;

/// What one step of a value means: 10^-`decimals` of the unit in the metric's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unit {
    /// Decimal places, 0 to 18.
    pub decimals: u8,
}

impl Unit {
    /// Whole units.
    pub const ONE: Self = Self { decimals: 0 };
    /// Values in milliseconds, shown as seconds.
    pub const MILLISECONDS: Self = Self { decimals: 3 };
    /// Values in nanoseconds, shown as seconds.
    pub const NANOSECONDS: Self = Self { decimals: 9 };
}

/// Counts values by size.
#[derive(Debug)]
pub struct Histogram {
    bounds: Box<[u64]>,
    /// One count per bound, and one for what is larger than all.
    counts: Box<[AtomicU64]>,
    sum: AtomicU64,
    exemplars: Option<Box<[Mutex<Option<Exemplar>>]>>,
}

/// The last request that fell into a bucket.
#[derive(Debug, Clone, Copy)]
pub(super) struct Exemplar {
    pub(super) trace_id: u128,
    pub(super) value: u64,
}

impl Histogram {
    /// `bounds` are upper bounds, inclusive and ascending.
    pub(super) fn new(bounds: &[u64], keep_exemplars: bool) -> Self {
        let buckets = bounds.len().saturating_add(1);
        Self {
            bounds: bounds.into(),
            counts: (0..buckets).map(|_| AtomicU64::new(0)).collect(),
            sum: AtomicU64::new(0),
            exemplars: keep_exemplars.then(|| (0..buckets).map(|_| Mutex::new(None)).collect()),
        }
    }

    /// Counts one value, in the family's unit.
    pub fn observe(&self, value: u64) {
        let _ = self.count(value);
    }

    /// Counts one value and remembers the request's trace id when the family keeps exemplars.
    pub fn observe_traced(&self, value: u64, trace_id: u128) {
        let bucket = self.count(value);
        if let Some(slot) = self.exemplars.as_ref().and_then(|slots| slots.get(bucket)) {
            *slot.lock() = Some(Exemplar { trace_id, value });
        }
    }

    /// Counts a duration; for families in [`Unit::NANOSECONDS`].
    pub fn observe_duration(&self, duration: Duration) {
        self.observe(nanoseconds(duration));
    }

    fn count(&self, value: u64) -> usize {
        let bucket = self.bounds.partition_point(|bound| *bound < value);
        if let Some(count) = self.counts.get(bucket) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        self.sum.fetch_add(value, Ordering::Relaxed);
        bucket
    }

    /// The counts per bucket, not yet added up.
    pub(super) fn counts(&self) -> impl Iterator<Item = u64> {
        self.counts.iter().map(|count| count.load(Ordering::Relaxed))
    }

    pub(super) fn sum(&self) -> u64 {
        self.sum.load(Ordering::Relaxed)
    }

    pub(super) fn exemplar(&self, bucket: usize) -> Option<Exemplar> {
        *self.exemplars.as_ref()?.get(bucket)?.lock()
    }
}

/// A duration in nanoseconds; beyond 584 years, the largest number.
pub(super) fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
