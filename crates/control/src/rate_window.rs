//! Fixed-window rate limits, exact across processes and restarts (docs/spec/platform.md section 6).

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::LazyLock;

use bursar_store::Column::Int;
use bursar_store::{Bulk, Lock, Lookup, Param, StoreError, Timestamp, Tx};

use crate::ConfigTable;
use crate::settings::rows;

/// How long counters are kept at least, ms.
const KEPT_MS_MIN: i64 = 3_600_000;
/// No setting makes a window longer, ms.
const WINDOW_MS_MAX: i64 = 86_400_000;
/// How the key of a setting ends that says how long a window is, in milliseconds.
const WINDOW_KEY: &str = "_window_ms";

/// At most `limit` calls in each window of `window_ms`, windows aligned to the epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FixedWindow {
    /// Calls that pass.
    pub limit: i64,
    /// Length, at least 1 ms.
    pub window_ms: i64,
}

impl FixedWindow {
    /// Start of the window that `now` falls in.
    #[must_use]
    pub fn start_ms(self, now: Timestamp) -> i64 {
        now.ms() - now.ms().rem_euclid(self.window_ms.max(1))
    }

    /// Seconds until the window of `now` ends, rounded up, at least 1.
    #[must_use]
    pub fn retry_after_s(self, now: Timestamp) -> i64 {
        let left_ms = self.start_ms(now) + self.window_ms.max(1) - now.ms();
        ((left_ms + 999) / 1_000).max(1)
    }
}

/// The stored form of what is counted: the first 64 bits of a hash over the desk and a bucket such as
/// `sim-entries:ip:127.0.0.1`. Two buckets that share it would share a count, which is as rare as it is harmless.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RateKey(pub i64);

impl RateKey {
    /// The key of `bucket`, counted by `desk`.
    #[must_use]
    pub fn of(desk: &str, bucket: &str) -> RateKey {
        let mut hasher = blake3::Hasher::new();
        hasher.update(desk.as_bytes()).update(&[0]).update(bucket.as_bytes());
        let mut first = [0; 8];
        hasher.finalize_xof().fill(&mut first);
        RateKey(i64::from_be_bytes(first))
    }
}

/// Whether a call passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It does.
    Passed {
        /// Calls in this window so far, this one included.
        count: i64,
    },
    /// It does not; it was counted all the same.
    Limited {
        /// Seconds until calls pass again.
        retry_after_s: i64,
    },
}

/// The counters that one batch touches.
#[derive(Debug)]
pub struct RateWindows {
    desk: &'static str,
    counts: HashMap<(i64, RateKey), (i64, bool)>,
}

static LOAD: LazyLock<Lookup> = LazyLock::new(|| {
    let keys = [("window_start_ms", Int), ("key_hash", Int)];
    Lookup::new("window_start_ms, key_hash, count", "web_rate_windows", &keys, Lock::None)
});
static SAVE: LazyLock<Bulk> = LazyLock::new(|| {
    let columns = [("window_start_ms", Int), ("key_hash", Int), ("count", Int)];
    Bulk::upsert("web_rate_windows", &columns, "window_start_ms, key_hash")
});

impl RateWindows {
    /// No counters of `desk` yet.
    #[must_use]
    pub fn new(desk: &'static str) -> RateWindows {
        RateWindows { desk, counts: HashMap::new() }
    }

    /// Loads the counters of `buckets`. Batches that share keys must take turns (one lane, one clock scope).
    pub fn load<'k>(
        &mut self,
        tx: &mut Tx<'_>,
        buckets: impl IntoIterator<Item = (FixedWindow, &'k str)>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let mut params = Vec::new();
        for (window, bucket) in buckets {
            let (start, key) = (window.start_ms(now), RateKey::of(self.desk, bucket));
            if let Entry::Vacant(count) = self.counts.entry((start, key)) {
                count.insert((0, false));
                params.extend([Param::Int(start), Param::Int(key.0)]);
            }
        }
        let rows = tx.lookup(&LOAD, &params, |row| Ok(((row.get(0)?, RateKey(row.get(1)?)), row.get(2)?)))?;
        for (key, count) in rows {
            self.counts.insert(key, (count, false));
        }
        Ok(())
    }

    /// Counts one call and says whether it passes (invariant LIMITS).
    pub fn hit(&mut self, window: FixedWindow, bucket: &str, now: Timestamp) -> Verdict {
        let key = (window.start_ms(now), RateKey::of(self.desk, bucket));
        let entry = self.counts.entry(key).or_insert((0, false));
        entry.0 = entry.0.saturating_add(1);
        entry.1 = true;
        if entry.0 <= window.limit {
            Verdict::Passed { count: entry.0 }
        } else {
            Verdict::Limited { retry_after_s: window.retry_after_s(now) }
        }
    }

    /// Writes the counters that changed, in key order.
    pub fn save(&self, tx: &mut Tx<'_>) -> Result<(), StoreError> {
        let mut changed: Vec<_> = self.counts.iter().filter(|(_, (_, changed))| *changed).collect();
        changed.sort_unstable();
        let mut params = Vec::with_capacity(changed.len() * 3);
        for ((start, key), (count, _)) in changed {
            params.extend([Param::Int(*start), Param::Int(key.0), Param::Int(*count)]);
        }
        tx.execute_many(&SAVE, &params).map(|_| ())
    }
}

/// Removes counters that nothing is counted on any more: those whose window began longer ago than an hour and than the
/// longest window that a setting in `tables` names.
pub fn purge_windows(tx: &mut Tx<'_>, tables: &[ConfigTable], now: Timestamp) -> Result<u64, StoreError> {
    let mut kept_ms = KEPT_MS_MIN;
    for table in tables {
        let windows = rows(tx, *table)?.into_iter().filter(|row| row.key.ends_with(WINDOW_KEY));
        // A value out of bounds is no window: the setting's default holds.
        let lengths = windows.filter_map(|row| row.value.parse().ok()).filter(|ms| *ms <= WINDOW_MS_MAX);
        kept_ms = lengths.fold(kept_ms, i64::max);
    }
    let before = now.after_ms(-kept_ms);
    tx.execute("DELETE FROM web_rate_windows WHERE window_start_ms < $1", &[before.ms().into()])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const WINDOW: FixedWindow = FixedWindow { limit: 3, window_ms: 2_000 };

    #[test]
    fn call_number_limit_passes_and_the_next_is_limited_until_the_window_ends() {
        let mut windows = RateWindows::new("rounds");
        let at = |ms| Timestamp::from_ms(ms);
        for count in 1..=3 {
            assert_eq!(windows.hit(WINDOW, "k", at(10_100)), Verdict::Passed { count });
        }
        assert_eq!(windows.hit(WINDOW, "k", at(10_100)), Verdict::Limited { retry_after_s: 2 });
        assert_eq!(windows.hit(WINDOW, "k", at(11_999)), Verdict::Limited { retry_after_s: 1 });
        assert_eq!(windows.hit(WINDOW, "k", at(12_000)), Verdict::Passed { count: 1 });
        assert_eq!(windows.hit(WINDOW, "other", at(10_100)), Verdict::Passed { count: 1 });
    }

    proptest! {
        #[test]
        fn waiting_as_told_always_reaches_a_new_window(now in 0i64..4_000_000_000_000, window_ms in 1i64..100_000) {
            let window = FixedWindow { limit: 1, window_ms };
            let wait = window.retry_after_s(Timestamp::from_ms(now));
            prop_assert!(wait >= 1);
            let later = Timestamp::from_ms(now + wait * 1_000);
            prop_assert!(window.start_ms(later) > window.start_ms(Timestamp::from_ms(now)));
        }
    }
}
