//! Sets of lifetime kills, as ranges of the kill cursor (docs/spec/faucet.md 3.13).

use std::fmt;
use std::str::FromStr;

/// Most ranges that a text may hold: a player's pruned rows leave one, now and then a few.
const RANGES_MAX: usize = 10_000;

/// Kills from one cursor to another, `from < to`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct CursorRange {
    from: u32,
    to: u32,
}

/// Ranges that neither overlap nor touch, lowest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CursorRanges(Vec<CursorRange>);

/// Text that holds no ranges.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("these are no cursor ranges: expected pairs like 10-20,30-45, ascending and apart")]
pub struct MalformedRanges;

impl CursorRange {
    /// The kills between two cursors, whichever is larger; `None` between equal ones.
    #[must_use]
    pub fn between(one: u32, other: u32) -> Option<CursorRange> {
        let (from, to) = (one.min(other), one.max(other));
        (from < to).then_some(CursorRange { from, to })
    }

    /// The lower cursor.
    #[must_use]
    pub const fn from(self) -> u32 {
        self.from
    }

    /// The upper cursor.
    #[must_use]
    pub const fn to(self) -> u32 {
        self.to
    }

    /// How many kills it holds.
    #[must_use]
    pub const fn kills(self) -> u32 {
        self.to.abs_diff(self.from)
    }
}

impl CursorRanges {
    /// Everything that any of the ranges holds.
    #[must_use]
    pub fn union(ranges: impl IntoIterator<Item = CursorRange>) -> CursorRanges {
        let mut sorted: Vec<CursorRange> = ranges.into_iter().collect();
        sorted.sort_unstable();
        let mut merged: Vec<CursorRange> = Vec::new();
        for range in sorted {
            match merged.last_mut() {
                Some(last) if range.from <= last.to => last.to = last.to.max(range.to),
                _ => merged.push(range),
            }
        }
        CursorRanges(merged)
    }

    /// The ranges, lowest first.
    pub fn iter(&self) -> impl Iterator<Item = CursorRange> + '_ {
        self.0.iter().copied()
    }

    /// With more of them.
    #[must_use]
    pub fn with(&self, more: impl IntoIterator<Item = CursorRange>) -> CursorRanges {
        CursorRanges::union(self.iter().chain(more))
    }

    /// What `whole` holds and none of these does, lowest first.
    #[must_use]
    pub fn gaps_in(&self, whole: CursorRange) -> Vec<CursorRange> {
        let mut gaps = Vec::new();
        let mut reached = whole.from;
        for range in self.iter().filter(|range| range.from < whole.to) {
            gaps.extend((range.from > reached).then_some(CursorRange { from: reached, to: range.from }));
            reached = reached.max(range.to);
        }
        gaps.extend((reached < whole.to).then_some(CursorRange { from: reached, to: whole.to }));
        gaps
    }
}

/// As stored: `10-20,30-45`; empty for none.
impl fmt::Display for CursorRanges {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, range) in self.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            write!(f, "{comma}{}-{}", range.from, range.to)?;
        }
        Ok(())
    }
}

impl FromStr for CursorRanges {
    type Err = MalformedRanges;

    fn from_str(text: &str) -> Result<CursorRanges, MalformedRanges> {
        if text.is_empty() {
            return Ok(CursorRanges::default());
        }
        let ranges = text.split(',').take(RANGES_MAX + 1).map(read_range).collect::<Option<Vec<_>>>();
        let ranges = CursorRanges::union(ranges.ok_or(MalformedRanges)?);
        // Only what this type wrote: in order, apart, and not more than it reads back.
        if ranges.to_string() == text { Ok(ranges) } else { Err(MalformedRanges) }
    }
}

fn read_range(text: &str) -> Option<CursorRange> {
    let (from, to) = text.split_once('-')?;
    let (from, to) = (from.parse().ok()?, to.parse().ok()?);
    CursorRange::between(from, to).filter(|range| range.from == from)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn range(from: u32, to: u32) -> CursorRange {
        CursorRange::between(from, to).unwrap()
    }

    #[test]
    fn ranges_that_overlap_or_touch_become_one() {
        let union = CursorRanges::union([range(30, 45), range(10, 15), range(15, 20), range(12, 18)]);
        assert_eq!(union.to_string(), "10-20,30-45");
        assert_eq!(union.with([range(20, 30)]).to_string(), "10-45");
        assert_eq!(CursorRange::between(5, 5), None);
        assert_eq!(range(45, 30), range(30, 45));
    }

    #[test]
    fn gaps_are_what_is_missing_from_a_whole() {
        let ranges = CursorRanges::union([range(10, 20), range(30, 45)]);
        assert_eq!(ranges.gaps_in(range(0, 50)), [range(0, 10), range(20, 30), range(45, 50)]);
        assert_eq!(ranges.gaps_in(range(12, 35)), [range(20, 30)]);
        assert_eq!(ranges.gaps_in(range(10, 20)), []);
        assert_eq!(ranges.gaps_in(range(50, 60)), [range(50, 60)]);
        assert_eq!(CursorRanges::default().gaps_in(range(1, 2)), [range(1, 2)]);
    }

    #[test]
    fn only_its_own_text_is_read() {
        assert_eq!("".parse(), Ok(CursorRanges::default()));
        for text in [
            "10",
            "10-",
            "20-10",
            "10-10",
            "10-20,20-30",
            "30-40,10-20",
            "1-2,",
            "+1-2",
            "1-2-3",
            "01-2",
            " 1-2",
        ] {
            assert_eq!(text.parse::<CursorRanges>(), Err(MalformedRanges), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn union_and_gaps_split_every_whole(
            pairs in proptest::collection::vec((0_u32..200, 0_u32..200), 0..20), from in 0_u32..100, length in 1_u32..100,
        ) {
            let ranges = CursorRanges::union(pairs.iter().filter_map(|(a, b)| CursorRange::between(*a, *b)));
            prop_assert_eq!(ranges.to_string().parse::<CursorRanges>(), Ok(ranges.clone()));
            let gaps = ranges.gaps_in(range(from, from + length));
            for kill in from..from + length {
                let within = |range: &CursorRange| (range.from()..range.to()).contains(&kill);
                prop_assert_ne!(ranges.iter().any(|range| within(&range)), gaps.iter().any(within));
            }
        }
    }
}
