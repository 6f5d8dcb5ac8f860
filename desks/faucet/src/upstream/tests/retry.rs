//! Waits between tries.

use proptest::prelude::*;

use crate::upstream::{TRIES, wait_before_retry};

fn microseconds(tries_made: u32, random: u64) -> Option<u128> {
    wait_before_retry(tries_made, random).map(|wait| wait.as_micros())
}

#[test]
fn the_waits_are_a_quarter_and_half_a_second_times_a_half_to_one_and_a_half() {
    assert_eq!((microseconds(1, 0), microseconds(1, 1_000)), (Some(125_000), Some(375_000)));
    assert_eq!((microseconds(2, 0), microseconds(2, 1_000)), (Some(250_000), Some(750_000)));
    assert_eq!(microseconds(1, 500), Some(250_000));
    assert_eq!(microseconds(1, 1_001), Some(125_000));
}

#[test]
fn there_are_three_tries() {
    assert_eq!(TRIES, 3);
    assert_eq!([0, 3, 4, u32::MAX].map(|tries| microseconds(tries, 7)), [None; 4]);
}

proptest! {
    #[test]
    fn no_wait_leaves_its_bounds(random: u64) {
        prop_assert!((125_000..=375_000).contains(&microseconds(1, random).unwrap()));
        prop_assert!((250_000..=750_000).contains(&microseconds(2, random).unwrap()));
    }
}
