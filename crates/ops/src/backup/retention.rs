//! Which backups are kept: the newest, and then fewer the older they are.

use std::collections::BTreeSet;

use bursar_store::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::error::BackupError;
use super::name::BackupName;
use super::target::Target;

/// The backup of this time of day is the daily one, so days change here (UTC).
const DAY_BEGINS_MS: i64 = 2 * 3_600_000;

/// What is kept. Whatever it says, the newest backup is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retention {
    /// The newest, and of each of the last days, weeks, months and years that have any, the first.
    Graded {
        /// Newest.
        newest: usize,
        /// Days.
        daily: usize,
        /// Weeks, which begin on Monday.
        weekly: usize,
        /// Months.
        monthly: usize,
        /// Years.
        yearly: usize,
    },
    /// The newest, and whatever is younger.
    Plain {
        /// Newest.
        newest: usize,
        /// Those taken at this time or after it.
        since: Option<Timestamp>,
    },
}

impl Retention {
    /// What the server keeps (docs/spec/platform.md, retention).
    pub const STANDARD: Retention =
        Retention::Graded { newest: 24, daily: 7, weekly: 5, monthly: 12, yearly: 75 };
}

/// The backups of `names` (oldest first) that `retention` keeps. Applying it again and again never loses more.
#[must_use]
pub fn kept(retention: Retention, names: &[BackupName]) -> BTreeSet<BackupName> {
    let newest_of = |count: usize| names.iter().rev().take(count.max(1)).cloned();
    match retention {
        Retention::Plain { newest, since } => {
            let younger = |name: &&BackupName| since.is_some_and(|since| name.taken_at() >= since);
            newest_of(newest).chain(names.iter().filter(younger).cloned()).collect()
        }
        Retention::Graded { newest, daily, weekly, monthly, yearly } => {
            let mut kept: BTreeSet<BackupName> = newest_of(newest).collect();
            type Period = fn(Date) -> (i64, i64);
            let periods: [(usize, Period); 4] = [
                (daily, |day| (i64::from(day.year()), i64::from(day.day_of_year()))),
                (weekly, |day| {
                    let week = day.iso_week_date();
                    (i64::from(week.year()), i64::from(week.week()))
                }),
                (monthly, |day| (i64::from(day.year()), i64::from(day.month()))),
                (yearly, |day| (i64::from(day.year()), 0)),
            ];
            for (count, period) in periods {
                kept.extend(firsts(names, count, period));
            }
            kept
        }
    }
}

/// The first backup of each of the last `count` periods that have one.
fn firsts(names: &[BackupName], count: usize, period: fn(Date) -> (i64, i64)) -> Vec<BackupName> {
    let mut firsts: Vec<((i64, i64), BackupName)> = Vec::new();
    for name in names {
        let Some(of) = day(name.taken_at()).map(period) else { continue };
        if firsts.last().is_none_or(|(last, _)| *last != of) {
            firsts.push((of, name.clone()));
        }
    }
    firsts.into_iter().rev().take(count).map(|(_, name)| name).collect()
}

fn day(at: Timestamp) -> Option<Date> {
    let moment = jiff::Timestamp::from_millisecond(at.ms().checked_sub(DAY_BEGINS_MS)?).ok()?;
    Some(moment.to_zoned(TimeZone::UTC).date())
}

/// What `retention` does not keep, oldest first.
///
/// # Errors
/// The place cannot be read.
pub fn removable(target: &dyn Target, retention: Retention) -> Result<Vec<BackupName>, BackupError> {
    let names = target.names()?;
    let kept = kept(retention, &names);
    Ok(names.into_iter().filter(|name| !kept.contains(name)).collect())
}

/// Removes these backups.
///
/// # Errors
/// The place cannot be written; what was removed before stays removed.
pub fn remove(target: &dyn Target, names: &[BackupName]) -> Result<(), BackupError> {
    names.iter().try_for_each(|name| target.remove(name))
}

#[cfg(test)]
#[path = "retention_tests.rs"]
mod tests;
