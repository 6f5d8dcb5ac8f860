//! Sets of event numbers kept as ranges, so that long runs cost little; written as `3,7-12`.

use std::fmt;

/// Ascending ranges, both ends included, that neither touch nor overlap.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ranges(Vec<(i64, i64)>);

impl Ranges {
    /// The set of `numbers`, in any order.
    pub fn of(numbers: &[i64]) -> Ranges {
        Ranges::of_ranges(numbers.iter().map(|number| (*number, *number)).collect())
    }

    /// The set of everything in `ranges`, in any order; a range that ends before it starts holds nothing.
    pub fn of_ranges(mut ranges: Vec<(i64, i64)>) -> Ranges {
        ranges.sort_unstable();
        let mut set = Ranges::default();
        ranges.into_iter().for_each(|(first, last)| set.push(first, last));
        set
    }

    /// Adds a range that starts nowhere before the last one does.
    pub fn push(&mut self, first: i64, last: i64) {
        match self.0.last_mut() {
            _ if last < first => {}
            Some((_, end)) if first <= end.saturating_add(1) => *end = last.max(*end),
            _ => self.0.push((first, last)),
        }
    }

    /// Reads what [`fmt::Display`] writes; `None` for anything else.
    pub fn parse(text: &str) -> Option<Ranges> {
        let part = |part: &str| {
            let (first, last) = part.split_once('-').unwrap_or((part, part));
            Some((first.parse().ok()?, last.parse().ok()?))
        };
        Some(Ranges::of_ranges(text.split(',').map(part).collect::<Option<_>>()?))
    }

    /// The ranges, in ascending order.
    pub fn iter(&self) -> impl Iterator<Item = (i64, i64)> + '_ {
        self.0.iter().copied()
    }

    /// What is here and not in `other`.
    pub fn without(&self, other: &Ranges) -> Ranges {
        let mut left = Ranges::default();
        let mut others = other.0.iter().copied().peekable();
        for (mut first, last) in self.iter() {
            while others.next_if(|(_, end)| *end < first).is_some() {}
            let mut overlapping = others.clone();
            while let Some((start, end)) = overlapping.next_if(|(start, _)| *start <= last) {
                left.push(first, start.saturating_sub(1));
                first = end.saturating_add(1);
            }
            left.push(first, last);
        }
        left
    }
}

impl fmt::Display for Ranges {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (first, last)) in self.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            match first == last {
                true => write!(f, "{comma}{first}")?,
                false => write!(f, "{comma}{first}-{last}")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use proptest::collection::vec;
    use proptest::prelude::*;

    #[test]
    fn a_set_reads_back_as_it_was_written() {
        let set = Ranges::of(&[8, 7, 3, 9, 7]);
        assert_eq!(set.to_string(), "3,7-9");
        assert_eq!(Ranges::parse("3,7-9"), Some(set));
        for bad in ["", "x", "1-", "-", "1,,2", "1-2-3"] {
            assert_eq!(Ranges::parse(bad), None, "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn subtracting_ranges_is_subtracting_sets(a in vec(0i64..60, 0..40), b in vec(0i64..60, 0..40)) {
            let left = Ranges::of(&a).without(&Ranges::of(&b));
            let numbers: Vec<i64> = left.iter().flat_map(|(first, last)| first..=last).collect();
            let b: BTreeSet<i64> = b.into_iter().collect();
            let wanted: BTreeSet<i64> = a.into_iter().filter(|number| !b.contains(number)).collect();
            prop_assert_eq!(numbers, wanted.into_iter().collect::<Vec<_>>());
        }
    }
}
