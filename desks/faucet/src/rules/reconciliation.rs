//! Whether a player's accruals account for the kills between baseline and cursor, each once (docs/spec/faucet.md 3.13, F49).
//!
//! The identity is cursor = baseline + kills of all accruals since. Rows carry the range of the cursor that they stand for,
//! so a breach is found row by row and not only in the sum.

use bursar_store::Timestamp;

use super::baseline::{Baseline, KillCursor};
use super::cursor_ranges::{CursorRange, CursorRanges};

/// A player as reconciled.
#[derive(Clone, Copy, Debug)]
pub struct Account<'a> {
    /// Baseline and cursor.
    pub baseline: Baseline,
    /// The rows of this baseline, whatever their state; rows of earlier baselines are left out.
    pub rows: &'a [AccrualRange],
    /// What pruned rows of this baseline stood for.
    pub pruned: &'a CursorRanges,
    /// The newest successful reading: when, and the count.
    pub last_reading: Option<(Timestamp, u32)>,
    /// When the player was verified last; a reading is due from then on.
    pub verified_at: Timestamp,
    /// Whether readings are due at all: the player meets the requirements.
    pub is_read: bool,
}

/// What an accrual claims to stand for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccrualRange {
    /// Its kills.
    pub kills: u32,
    /// The cursor before it.
    pub cursor_from: u32,
    /// The cursor after it.
    pub cursor_to: u32,
}

/// What is wrong, by kind, as `faucet_reconcile_mismatch{kind}` counts it. Zero is right.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Mismatches {
    /// Stretches between baseline and cursor that no row stands for.
    pub missing: u64,
    /// The kills in them.
    pub missing_kills: u64,
    /// Rows that stand for kills which another row, or a pruned one, stands for already.
    pub duplicate: u64,
    /// The kills that stand twice.
    pub duplicate_kills: u64,
    /// Rows that run backwards, whose kills are not their range, or that lie outside baseline and cursor; and players
    /// whose newest reading is below the cursor.
    pub regress: u64,
    /// Players due for a reading who have had none for more than two cycles.
    pub stale: u64,
}

impl Mismatches {
    /// The kinds with their counts, by the names that metrics and reports use.
    #[must_use]
    pub const fn counts(&self) -> [(&'static str, u64); 4] {
        let Mismatches { missing, duplicate, regress, stale, .. } = *self;
        [("missing", missing), ("duplicate", duplicate), ("regress", regress), ("stale", stale)]
    }

    /// Both together, for totals over players.
    #[must_use]
    pub const fn plus(self, other: Mismatches) -> Mismatches {
        Mismatches {
            missing: self.missing.saturating_add(other.missing),
            missing_kills: self.missing_kills.saturating_add(other.missing_kills),
            duplicate: self.duplicate.saturating_add(other.duplicate),
            duplicate_kills: self.duplicate_kills.saturating_add(other.duplicate_kills),
            regress: self.regress.saturating_add(other.regress),
            stale: self.stale.saturating_add(other.stale),
        }
    }
}

/// Reconciles one player. `interval_s` is the time between accrual runs in seconds.
#[must_use]
pub fn reconcile(account: &Account<'_>, now: Timestamp, interval_s: u32) -> Mismatches {
    let mut found = match account.baseline {
        Baseline::Set { kills, .. } => compare(kills, account.rows, account.pruned),
        // Nothing can have been accrued before there is a baseline.
        Baseline::Pending { .. } => {
            Mismatches { regress: count(account.rows.len()), ..Mismatches::default() }
        }
    };
    if let (Baseline::Set { kills, .. }, Some((_, lifetime))) = (account.baseline, account.last_reading) {
        found.regress += u64::from(lifetime < kills.cursor);
    }
    let last = account.last_reading.map_or(account.verified_at, |(at, _)| at.max(account.verified_at));
    let age_ms = now.ms().saturating_sub(last.ms());
    found.stale = u64::from(account.is_read && age_ms > i64::from(interval_s) * 2_000);
    found
}

fn compare(kills: KillCursor, rows: &[AccrualRange], pruned: &CursorRanges) -> Mismatches {
    let mut found = Mismatches::default();
    let mut covered = pruned.clone();
    let mut ordered: Vec<&AccrualRange> = rows.iter().collect();
    ordered.sort_unstable_by_key(|row| (row.cursor_from, row.cursor_to));
    for row in ordered {
        let is_inside = row.cursor_from >= kills.baseline && row.cursor_to <= kills.cursor;
        let is_whole = row.cursor_from.checked_add(row.kills) == Some(row.cursor_to) && row.kills > 0;
        found.regress += u64::from(!(is_inside && is_whole));
        // A damaged row still stands for its range, or its kills would be called missing as well.
        let Some(range) = CursorRange::between(row.cursor_from, row.cursor_to) else { continue };
        let gaps = covered.gaps_in(range);
        let fresh: u64 = gaps.iter().map(|gap| u64::from(gap.kills())).sum();
        let twice = u64::from(range.kills()).saturating_sub(fresh);
        found.duplicate += u64::from(twice > 0);
        found.duplicate_kills = found.duplicate_kills.saturating_add(twice);
        covered = covered.with([range]);
    }
    let Some(whole) = CursorRange::between(kills.baseline, kills.cursor) else { return found };
    let missing = covered.gaps_in(whole);
    found.missing = count(missing.len());
    found.missing_kills = missing.iter().map(|gap| u64::from(gap.kills())).sum();
    found
}

fn count(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_ms(1_800_000_000_000);
    const INTERVAL_S: u32 = 1_200;

    fn row(cursor_from: u32, cursor_to: u32) -> AccrualRange {
        AccrualRange { kills: cursor_to.abs_diff(cursor_from), cursor_from, cursor_to }
    }

    fn set(baseline: u32, cursor: u32) -> Baseline {
        Baseline::Set { number: 1, kills: KillCursor { baseline, cursor } }
    }

    fn account<'a>(baseline: Baseline, rows: &'a [AccrualRange], pruned: &'a CursorRanges) -> Account<'a> {
        Account { baseline, rows, pruned, last_reading: None, verified_at: NOW, is_read: true }
    }

    fn found(baseline: Baseline, rows: &[AccrualRange], pruned: &str) -> Mismatches {
        reconcile(&account(baseline, rows, &pruned.parse().unwrap()), NOW, INTERVAL_S)
    }

    #[test]
    fn rows_that_follow_each_other_from_baseline_to_cursor_are_right() {
        let right = [row(1_208, 1_215), row(1_215, 1_220)];
        assert_eq!(found(set(1_208, 1_220), &right, ""), Mismatches::default());
        assert_eq!(found(set(1_208, 1_208), &[], ""), Mismatches::default());
        assert_eq!(found(set(1_208, 1_220), &right[1..], "1208-1215"), Mismatches::default());
        assert_eq!(found(Baseline::NONE, &[], ""), Mismatches::default());
    }

    #[test]
    fn a_row_taken_away_is_missing() {
        let found = found(set(100, 120), &[row(100, 105), row(112, 120)], "");
        assert_eq!(found, Mismatches { missing: 1, missing_kills: 7, ..Mismatches::default() });
    }

    #[test]
    fn a_row_put_in_twice_is_a_duplicate() {
        let rows = [row(100, 105), row(105, 120), row(100, 105)];
        let once = Mismatches { duplicate: 1, duplicate_kills: 5, ..Mismatches::default() };
        assert_eq!(found(set(100, 120), &rows, ""), once);
        assert_eq!(found(set(100, 120), &rows[..2], "100-105"), once, "a pruned row that came back");
        let overlapping = [row(100, 110), row(105, 120)];
        assert_eq!(found(set(100, 120), &overlapping, ""), once);
    }

    #[test]
    fn a_row_that_runs_backwards_or_lies_outside_is_a_regress_and_nothing_else() {
        let regress = Mismatches { regress: 1, ..Mismatches::default() };
        assert_eq!(found(set(100, 120), &[row(100, 105), row(120, 105)], ""), regress);
        let short = AccrualRange { kills: 3, ..row(105, 120) };
        assert_eq!(found(set(100, 120), &[row(100, 105), short], ""), regress);
        assert_eq!(
            found(set(100, 105), &[row(100, 105), row(105, 120)], ""),
            regress,
            "the cursor went back"
        );
        assert_eq!(found(set(105, 120), &[row(100, 105), row(105, 120)], ""), regress, "before the baseline");
        assert_eq!(found(Baseline::NONE, &[row(0, 5)], ""), regress);
        assert_eq!(found(set(100, 105), &[row(100, 105), row(105, 105)], ""), regress, "for no kills at all");
    }

    #[test]
    fn a_reading_below_the_cursor_is_a_regress() {
        let none = CursorRanges::default();
        let rows = [row(100, 120)];
        for (lifetime, regress) in [(119, 1), (120, 0), (130, 0)] {
            let account =
                Account { last_reading: Some((NOW, lifetime)), ..account(set(100, 120), &rows, &none) };
            assert_eq!(reconcile(&account, NOW, INTERVAL_S).regress, regress, "{lifetime}");
        }
    }

    #[test]
    fn unread_for_more_than_two_cycles_is_stale() {
        let none = CursorRanges::default();
        let account = account(set(100, 100), &[], &none);
        let stale = |account: Account<'_>, age_s: i64| {
            reconcile(&account, NOW.after_ms(age_s * 1_000), INTERVAL_S).stale
        };
        assert_eq!((stale(account, 2_400), stale(account, 2_401)), (0, 1));
        let read = Account { last_reading: Some((NOW.after_ms(60_000), 100)), ..account };
        assert_eq!((stale(read, 2_460), stale(read, 2_461)), (0, 1));
        let returned = Account { last_reading: Some((NOW.after_ms(-9_000_000), 100)), ..account };
        assert_eq!(stale(returned, 2_400), 0, "verified again just now");
        assert_eq!(stale(Account { is_read: false, ..account }, 90_000), 0);
    }

    #[test]
    fn totals_over_players_are_counted_by_kind() {
        let one = found(set(100, 120), &[row(100, 105)], "");
        let two = found(set(0, 5), &[row(0, 5), row(0, 5)], "");
        let counts = [("missing", 1), ("duplicate", 1), ("regress", 0), ("stale", 0)];
        assert_eq!(one.plus(two).counts(), counts);
    }
}
