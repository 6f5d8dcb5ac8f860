//! Our own limit: tables and properties.

use proptest::collection::vec;
use proptest::prelude::*;

use crate::upstream::{Admission, Effect, Throttle, ThrottleSettings};

fn fresh() -> Throttle {
    Throttle::new(ThrottleSettings::default(), 0)
}

/// A limit that never changes.
fn fixed(per_minute: u32) -> Throttle {
    let settings = ThrottleSettings { per_minute, floor: per_minute, ceiling: per_minute, concurrent: 4 };
    Throttle::new(settings, 0)
}

/// One question that is over at once.
fn ask(throttle: &mut Throttle, now_ms: u64) -> Admission {
    let admission = throttle.admit(now_ms);
    if admission == Admission::Go {
        throttle.finish(now_ms, Effect::Unknown);
    }
    admission
}

/// Asks until there is no room.
fn drain(throttle: &mut Throttle, now_ms: u64) -> u32 {
    let mut asked = 0;
    while ask(throttle, now_ms) == Admission::Go {
        asked += 1;
    }
    asked
}

fn limits(throttle: &mut Throttle, effect: Effect, times: usize) -> Vec<u64> {
    let change = |_| {
        throttle.finish(0, effect);
        throttle.limit_milli_per_minute()
    };
    (0..times).map(change).collect()
}

#[test]
fn a_minute_s_worth_at_once_and_then_one_a_second() {
    let mut throttle = fresh();
    assert_eq!(drain(&mut throttle, 0), 60);
    assert_eq!(ask(&mut throttle, 0), Admission::Wait { ms: 1_000 });
    assert_eq!(ask(&mut throttle, 999), Admission::Wait { ms: 1 });
    assert_eq!(ask(&mut throttle, 1_000), Admission::Go);
    assert_eq!(ask(&mut throttle, 1_000), Admission::Wait { ms: 1_000 });
    assert_eq!(drain(&mut throttle, 1_000_000_000), 60);
}

#[test]
fn unchanged_answers_slow_us_down_to_ten_a_minute() {
    let limits = limits(&mut fresh(), Effect::Unchanged, 40);
    assert_eq!(limits[..3], [57_000, 54_150, 51_442]);
    let floor_at = limits.iter().position(|limit| *limit == 10_000);
    assert_eq!((floor_at, limits.last()), (Some(34), Some(&10_000)));
}

#[test]
fn growth_speeds_us_up_to_six_hundred_a_minute() {
    let limits = limits(&mut fresh(), Effect::Grown, 60);
    assert_eq!(limits[..3], [64_000, 68_200, 72_610]);
    assert_eq!(limits.last(), Some(&600_000));
}

#[test]
fn answers_without_data_change_nothing() {
    assert_eq!(limits(&mut fresh(), Effect::Unknown, 5), [60_000; 5]);
}

#[test]
fn a_lower_limit_takes_room_away_and_a_higher_one_gives_none_at_once() {
    let mut throttle = fresh();
    limits(&mut throttle, Effect::Unchanged, 40);
    assert_eq!(drain(&mut throttle, 0), 10);
    assert_eq!(ask(&mut throttle, 0), Admission::Wait { ms: 6_000 });
    limits(&mut throttle, Effect::Grown, 80);
    assert_eq!(ask(&mut throttle, 0), Admission::Wait { ms: 100 });
}

#[test]
fn four_questions_are_under_way_at_most() {
    let mut throttle = fresh();
    assert_eq!(
        [(); 5].map(|()| throttle.admit(0)),
        [Admission::Go, Admission::Go, Admission::Go, Admission::Go, Admission::Busy,]
    );
    throttle.finish(0, Effect::Unknown);
    assert_eq!(throttle.admit(0), Admission::Go);
}

#[test]
fn a_pause_that_the_service_asks_for_is_kept() {
    let mut throttle = fresh();
    throttle.hold_until(30_000);
    throttle.hold_until(10_000);
    assert_eq!(ask(&mut throttle, 0), Admission::Wait { ms: 30_000 });
    assert_eq!(ask(&mut throttle, 29_999), Admission::Wait { ms: 1 });
    assert_eq!(ask(&mut throttle, 30_000), Admission::Go);
}

#[test]
fn settings_that_cannot_be_meant_still_make_a_limit() {
    let none = ThrottleSettings { per_minute: 0, floor: 0, ceiling: 0, concurrent: 0 };
    let mut throttle = Throttle::new(none, 0);
    assert_eq!((throttle.limit_milli_per_minute(), drain(&mut throttle, 0)), (1_000, 1));
    let above = ThrottleSettings { per_minute: 5_000, ..ThrottleSettings::default() };
    assert_eq!(Throttle::new(above, 0).limit_milli_per_minute(), 600_000);
}

#[test]
fn a_clock_that_goes_back_gains_nothing() {
    let mut throttle = fixed(60);
    assert_eq!(drain(&mut throttle, 10_000), 60);
    assert_eq!(ask(&mut throttle, 0), Admission::Wait { ms: 1_000 });
    assert_eq!(ask(&mut throttle, 10_000), Admission::Wait { ms: 1_000 });
}

fn effects() -> impl Strategy<Value = Effect> {
    prop_oneof![Just(Effect::Grown), Just(Effect::Unchanged), Just(Effect::Unknown)]
}

proptest! {
    #[test]
    fn no_window_sees_more_than_a_full_bucket_and_what_flows_in(
        per_minute in 1_u32..700,
        gaps in vec(0_u64..5_000, 1..400),
    ) {
        let mut throttle = fixed(per_minute);
        let mut now_ms = 0;
        let mut asked_at = Vec::new();
        for gap_ms in gaps {
            now_ms += gap_ms;
            if ask(&mut throttle, now_ms) == Admission::Go {
                asked_at.push(now_ms);
            }
        }
        for (first, from_ms) in asked_at.iter().enumerate() {
            for (count, to_ms) in (1_u64..).zip(&asked_at[first..]) {
                let flows_in = (to_ms - from_ms) * u64::from(per_minute) / 60_000;
                prop_assert!(count <= u64::from(per_minute) + flows_in + 1);
            }
        }
    }

    #[test]
    fn a_wait_is_exact(per_minute in 1_u32..700, later_ms in 0_u64..100_000) {
        let mut throttle = fixed(per_minute);
        drain(&mut throttle, later_ms);
        let Admission::Wait { ms } = throttle.clone().admit(later_ms) else { panic!("it is empty") };
        prop_assert_eq!(throttle.clone().admit(later_ms + ms - 1), Admission::Wait { ms: 1 });
        prop_assert_eq!(throttle.admit(later_ms + ms), Admission::Go);
    }

    #[test]
    fn the_limit_and_the_questions_under_way_stay_within_their_bounds(
        steps in vec((0_u64..10_000, proptest::option::of(effects())), 1..300),
    ) {
        let (mut throttle, mut now_ms, mut under_way) = (fresh(), 0, 0);
        for (gap_ms, over) in steps {
            now_ms += gap_ms;
            match over {
                Some(effect) if under_way > 0 => {
                    throttle.finish(now_ms, effect);
                    under_way -= 1;
                }
                _ => under_way += i32::from(throttle.admit(now_ms) == Admission::Go),
            }
            prop_assert!((10_000..=600_000).contains(&throttle.limit_milli_per_minute()));
            prop_assert!((0..=4).contains(&under_way));
        }
    }

    #[test]
    fn whoever_waits_as_told_is_admitted(effects in vec(effects(), 1..200)) {
        let (mut throttle, mut now_ms) = (fresh(), 0);
        for effect in effects {
            if let Admission::Wait { ms } = throttle.admit(now_ms) {
                now_ms += ms;
                prop_assert_eq!(throttle.admit(now_ms), Admission::Go);
            }
            throttle.finish(now_ms, effect);
        }
    }
}
