//! The rules by which jobs are judged, at their exact borders.

use super::*;

const NOW: i64 = 10_000_000;

fn job(name: &str) -> JobRow {
    JobRow {
        name: name.to_owned(),
        holder: Some("a".to_owned()),
        checked_at: Some(Timestamp::from_ms(NOW)),
        served_at: None,
        started_at: None,
        succeeded_at: None,
        failed_at: None,
        last_error: None,
        next_at: None,
        lag_ms: 0,
        runs: 1,
        failures: 0,
        leased_by: None,
    }
}

fn ago(ms: i64) -> Option<Timestamp> {
    Some(Timestamp::from_ms(NOW - ms))
}

fn judged(job: &JobRow, factor: i64) -> Condition {
    let moment = Moment { now: Timestamp::from_ms(NOW), factor };
    condition(job, std::slice::from_ref(job), |desk| desk != "faucet", moment)
}

#[test]
fn a_job_is_dead_when_nobody_has_followed_it_for_more_than_15_s_of_real_time() {
    let silent = |ms| JobRow { checked_at: ago(ms), ..job("rounds.settle") };
    assert_eq!(judged(&silent(15_000), 1), Condition::Idle);
    assert_eq!(judged(&silent(15_001), 1), Condition::Dead(15_001));
    assert_eq!(judged(&silent(150_000), 10), Condition::Idle, "a fast clock makes no process slower");
    assert_eq!(judged(&JobRow { checked_at: None, ..job("rounds.settle") }, 1), Condition::Dead(i64::MAX));
}

#[test]
fn a_job_is_late_when_it_has_been_due_for_more_than_a_minute_and_nobody_runs_it() {
    let due = |ms| JobRow { next_at: ago(ms), ..job("rounds.settle") };
    assert_eq!(judged(&due(60_000), 1), Condition::Idle);
    assert_eq!(judged(&due(60_001), 1), Condition::Late(60_001));
    let running = JobRow { leased_by: Some("a".to_owned()), started_at: ago(60_001), ..due(60_001) };
    assert_eq!(judged(&running, 1), Condition::Running);
}

#[test]
fn a_run_of_more_than_an_hour_is_taken_for_hanging() {
    let running =
        |ms| JobRow { leased_by: Some("a".to_owned()), started_at: ago(ms), ..job("platform.backup") };
    assert_eq!(judged(&running(3_600_000), 1), Condition::Running);
    assert_eq!(judged(&running(3_600_001), 1), Condition::Hanging(3_600_001));
}

#[test]
fn a_job_that_the_living_version_does_not_have_and_one_of_a_desk_that_is_off_are_nobodys_concern() {
    let moment = Moment { now: Timestamp::from_ms(NOW), factor: 1 };
    let old = JobRow { checked_at: ago(86_400_000), ..job("rounds.gone") };
    let all = [job("rounds.settle"), old.clone()];
    assert_eq!(condition(&old, &all, |_| true, moment), Condition::Retired);
    let other_desk = [job("platform.backup"), old.clone()];
    assert_eq!(condition(&old, &other_desk, |_| true, moment), Condition::Dead(86_400_000));
    assert_eq!(judged(&JobRow { checked_at: ago(86_400_000), ..job("faucet.pay") }, 1), Condition::Off);
}

#[test]
fn a_failed_run_is_told_until_one_succeeds() {
    let failing = JobRow { last_error: Some("no price".to_owned()), ..job("rounds.settle") };
    assert_eq!(judged(&failing, 1), Condition::Failing);
}
