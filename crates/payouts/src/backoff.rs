//! How long to wait before trying again: pure, given a random draw.

/// The first base, which doubles with each try.
const BASE_MS: i64 = 500;
/// The longest wait.
pub(crate) const LONGEST_MS: i64 = 5_000;
/// Tries after which the wait stays the longest.
const DOUBLINGS_MAX: u32 = 8;

/// The wait before try `n`, in milliseconds: 0.5 s x 2^(n-1) x U(0.5, 1.5), at most 5 s. The first try, 1, does not
/// wait. `draw` is 32 random bits; the product is rounded down to the millisecond.
pub(crate) fn wait_ms(n: u32, draw: u32) -> i64 {
    if n <= 1 {
        return 0;
    }
    let base = BASE_MS << (n - 1).min(DOUBLINGS_MAX);
    let thousandths = 500 + ((i64::from(draw) * 1_000) >> 32);
    (base * thousandths / 1_000).min(LONGEST_MS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_second_try_waits_half_a_second_to_one_and_a_half_the_third_twice_that() {
        assert_eq!([1, 2, 3].map(|n| wait_ms(n, 0)), [0, 500, 1_000]);
        assert_eq!([1, 2, 3].map(|n| wait_ms(n, u32::MAX)), [0, 1_499, 2_998]);
        assert_eq!([4, 5, 6, 99].map(|n| wait_ms(n, 1 << 31)), [4_000, 5_000, 5_000, 5_000]);
    }

    proptest! {
        #[test]
        fn no_wait_is_longer_than_5_seconds_or_negative(n in any::<u32>(), draw in any::<u32>()) {
            prop_assert!((0..=LONGEST_MS).contains(&wait_ms(n, draw)));
        }
    }
}
