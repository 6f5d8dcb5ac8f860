//! How much counters have grown since they were last stored, read from the text that /metrics is made of.

use std::collections::BTreeMap;

/// What is stored of each counter of this process. Counters begin at 0 with the process, and so does this.
#[derive(Debug, Default)]
pub struct Growth {
    stored: BTreeMap<String, i64>,
}

impl Growth {
    /// The counters that have grown, each with how much. Buckets of histograms are counted alone.
    #[must_use]
    pub fn since_stored(&self, text: &str) -> BTreeMap<String, i64> {
        let stored = |series: &str| self.stored.get(series).copied().unwrap_or(0);
        let grown = counts(text).into_iter().map(|(series, count)| {
            let growth = count.saturating_sub(stored(&series));
            (series, growth)
        });
        grown.filter(|(_, growth)| *growth > 0).collect()
    }

    /// Notes that this growth is on disk.
    pub fn note_stored(&mut self, grown: &BTreeMap<String, i64>) {
        for (series, growth) in grown {
            let stored = self.stored.entry(series.clone()).or_default();
            *stored = stored.saturating_add(*growth);
        }
    }
}

/// Every counter and every bucket in a classic exposition. Sums and counts of histograms follow from their buckets,
/// as far as they are kept.
fn counts(text: &str) -> Vec<(String, i64)> {
    let mut counts = Vec::new();
    let mut below: Option<(&str, i64)> = None;
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let Some((series, value)) = line.rsplit_once(' ') else { continue };
        let Ok(value) = value.parse::<i64>() else { continue };
        let name = series.split('{').next().unwrap_or(series);
        if name.ends_with("_sum") || name.ends_with("_count") {
            continue;
        }
        if !name.ends_with("_bucket") {
            counts.push((series.to_owned(), value));
            continue;
        }
        // Bucket counts are added up: each holds those below it.
        let histogram = series.rsplit_once("le=").map_or(series, |(rest, _)| rest);
        let before = below.filter(|(of, _)| *of == histogram).map_or(0, |(_, value)| value);
        counts.push((series.to_owned(), value.saturating_sub(before)));
        below = Some((histogram, value));
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# HELP a_total x\n# TYPE a_total counter\na_total{b=\"c d\"} 5\n\
                        w_bucket{k=\"1\",le=\"0.5\"} 2\nw_bucket{k=\"1\",le=\"1\"} 2\nw_bucket{k=\"1\",le=\"+Inf\"} 3\n\
                        w_sum{k=\"1\"} 4\nw_count{k=\"1\"} 3\n\
                        w_bucket{k=\"2\",le=\"0.5\"} 1\nw_bucket{k=\"2\",le=\"1\"} 1\nw_bucket{k=\"2\",le=\"+Inf\"} 1\n";

    fn growth(pairs: &[(&str, i64)]) -> BTreeMap<String, i64> {
        pairs.iter().map(|(series, growth)| ((*series).to_owned(), *growth)).collect()
    }

    #[test]
    fn only_what_has_grown_is_told_and_each_bucket_alone() {
        let expected = growth(&[
            ("a_total{b=\"c d\"}", 5),
            ("w_bucket{k=\"1\",le=\"0.5\"}", 2),
            ("w_bucket{k=\"1\",le=\"+Inf\"}", 1),
            ("w_bucket{k=\"2\",le=\"0.5\"}", 1),
        ]);
        assert_eq!(Growth::default().since_stored(TEXT), expected);
    }

    #[test]
    fn what_is_stored_is_not_told_again_and_what_is_not_stored_is() {
        let mut growth_of = Growth::default();
        let first = growth_of.since_stored(TEXT);
        assert_eq!(growth_of.since_stored(TEXT), first);
        growth_of.note_stored(&first);
        assert!(growth_of.since_stored(TEXT).is_empty());
        let later = TEXT.replace("{b=\"c d\"} 5", "{b=\"c d\"} 7");
        assert_eq!(growth_of.since_stored(&later), growth(&[("a_total{b=\"c d\"}", 2)]));
    }
}
