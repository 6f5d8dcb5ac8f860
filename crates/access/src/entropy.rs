//! Randomness as a value that is passed in, so that tests and the simulator decide what is drawn.

use std::sync::atomic::{AtomicU64, Ordering};

use rand::TryRngCore;
use rand::rngs::OsRng;

/// A source of bytes for secrets and ids.
pub trait Entropy: Send + Sync {
    /// Fills `out` with fresh bytes.
    fn fill(&self, out: &mut [u8]);
}

/// The operating system's generator: the only source for production.
#[derive(Clone, Copy, Debug, Default)]
pub struct OsEntropy;

impl Entropy for OsEntropy {
    /// Stops the process when the system has no randomness to give: no secret is better than a weak one.
    fn fill(&self, out: &mut [u8]) {
        if let Err(error) = OsRng.try_fill_bytes(out) {
            bursar_store::fail_stop(&format!("the operating system gave no randomness: {error}"));
        }
    }
}

/// Bytes that follow from a seed. For tests and the simulator only: whoever knows the seed knows every secret.
#[derive(Debug)]
pub struct SeededEntropy {
    seed: u64,
    drawn: AtomicU64,
}

impl SeededEntropy {
    /// The sequence of draws that belongs to `seed`.
    #[must_use]
    pub fn new(seed: u64) -> SeededEntropy {
        SeededEntropy { seed, drawn: AtomicU64::new(0) }
    }
}

impl Entropy for SeededEntropy {
    fn fill(&self, out: &mut [u8]) {
        let draw = self.drawn.fetch_add(1, Ordering::SeqCst);
        let mut hasher = blake3::Hasher::new_derive_key("bursar access seeded entropy v1");
        hasher.update(&self.seed.to_be_bytes()).update(&draw.to_be_bytes());
        hasher.finalize_xof().fill(out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draw(entropy: &dyn Entropy) -> [u8; 32] {
        let mut bytes = [0; 32];
        entropy.fill(&mut bytes);
        bytes
    }

    #[test]
    fn one_seed_gives_one_sequence_without_repeats() {
        let (first, again, other) = (SeededEntropy::new(7), SeededEntropy::new(7), SeededEntropy::new(8));
        let (one, two) = (draw(&first), draw(&first));
        assert_eq!([one, two], [draw(&again), draw(&again)]);
        assert_ne!(one, two);
        assert_ne!(one, draw(&other));
    }

    #[test]
    fn the_systems_randomness_differs_from_draw_to_draw() {
        assert_ne!(draw(&OsEntropy), draw(&OsEntropy));
    }
}
