//! Which backups stay.

use super::*;

const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;
/// Monday 2026-01-05, 02:00 UTC.
const MONDAY: i64 = 1_767_578_400_000;

fn at(ms: i64) -> BackupName {
    BackupName::new(Timestamp::from_ms(ms)).unwrap()
}

/// A backup every four hours, pruned after each, over so many days.
fn lived(days: i64) -> Vec<BackupName> {
    let mut names = Vec::new();
    for ms in (0..days * DAY_MS).step_by(usize::try_from(4 * HOUR_MS).unwrap()) {
        names.push(at(MONDAY + ms));
        let kept = kept(Retention::STANDARD, &names);
        names.retain(|name| kept.contains(name));
    }
    names
}

fn count_at_two_o_clock(names: &[BackupName]) -> usize {
    names.iter().filter(|name| (name.taken_at().ms() - MONDAY) % DAY_MS == 0).count()
}

#[test]
fn the_24_newest_are_four_days_of_one_every_four_hours() {
    let names = lived(4);
    assert_eq!((names.len(), names[0].taken_at().ms()), (24, MONDAY));
}

#[test]
fn of_each_older_day_the_backup_of_two_o_clock_stays() {
    let names = lived(7);
    // Three days of dailies behind the four of the newest.
    assert_eq!((names.len(), count_at_two_o_clock(&names)), (24 + 3, 7));
}

#[test]
fn after_three_years_days_weeks_months_and_years_are_kept() {
    let names = lived(3 * 365);
    let ages: Vec<i64> =
        names.iter().rev().map(|name| (MONDAY + 3 * 365 * DAY_MS - name.taken_at().ms()) / DAY_MS).collect();
    assert!(ages.is_sorted());
    // 24 newest, 3 more dailies, then weeks, months and the firsts of three years; some days are several of these.
    assert!((40..=51).contains(&names.len()), "{}", names.len());
    assert!(ages.iter().filter(|age| **age > 35).count() >= 11, "a year of months");
    assert!(ages.last().unwrap() > &1_000, "the first backup ever is that of its year");
}

#[test]
fn by_number_and_age_the_newest_stay_and_whatever_is_younger() {
    let names: Vec<BackupName> = (0..6).map(|day| at(MONDAY + day * DAY_MS)).collect();
    let kept_of = |newest, since: Option<i64>| {
        kept(Retention::Plain { newest, since: since.map(Timestamp::from_ms) }, &names).len()
    };
    assert_eq!(kept_of(2, None), 2);
    assert_eq!(kept_of(2, Some(MONDAY + 3 * DAY_MS)), 3);
    assert_eq!(kept_of(4, Some(MONDAY + 5 * DAY_MS)), 4);
    assert_eq!(kept_of(0, None), 1, "the newest always stays");
    assert_eq!(kept(Retention::STANDARD, &[]).len(), 0);
}
