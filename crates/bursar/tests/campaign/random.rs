//! Random choices that a seed repeats (splitmix64).

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A source of choices.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// From `BURSAR_CAMPAIGN_SEED`, or else from the time; prints the seed for the report of a failure.
    pub fn of_campaign() -> Random {
        let fresh = || SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis().to_string();
        let seed = std::env::var("BURSAR_CAMPAIGN_SEED").unwrap_or_else(|_| fresh());
        println!("BURSAR_CAMPAIGN_SEED={seed}");
        Random(seed.parse().expect("BURSAR_CAMPAIGN_SEED is a number"))
    }

    /// Another source, for a part that chooses in its own time.
    pub fn part(&mut self) -> Random {
        Random(self.next())
    }

    /// A number below `end`, which is not 0.
    pub fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    /// A place in a list that is not empty.
    pub fn index(&mut self, length: usize) -> usize {
        usize::try_from(self.below(u64::try_from(length).unwrap())).unwrap()
    }

    /// One of `choices`.
    pub fn pick<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.index(choices.len())]
    }

    /// A time below `end`, to the microsecond.
    pub fn shorter_than(&mut self, end: Duration) -> Duration {
        Duration::from_micros(self.below(u64::try_from(end.as_micros()).unwrap().max(1)))
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}
