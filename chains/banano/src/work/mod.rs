//! Proof of work: a nonce that makes the hash of nonce and root large enough.

mod generate;
mod pool;
mod source;

use std::fmt;

use serde::{Deserialize, Serialize};

pub use generate::generate;
pub use pool::{PoolSettings, WorkPool};
pub use source::{InThread, WorkError, WorkSource};

use crate::digest::blake2b_64;
use crate::hexadecimal;

/// What work is computed for: the previous block's hash, or the account's key for its first block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Root(pub [u8; 32]);

/// A nonce. As text it is 16 hexadecimal digits, most significant first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Work(pub u64);

impl Work {
    /// What the nonce is worth for `root`.
    #[must_use]
    pub fn value(self, root: &Root) -> u64 {
        u64::from_le_bytes(blake2b_64(&[&self.0.to_le_bytes(), &root.0]))
    }
}

impl fmt::Display for Work {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// Text that is not 16 hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("work and thresholds take 16 hexadecimal digits")]
pub struct WorkTextError;

impl std::str::FromStr for Work {
    type Err = WorkTextError;

    fn from_str(text: &str) -> Result<Work, WorkTextError> {
        hexadecimal::parse(text).map(u64::from_be_bytes).map(Work).ok_or(WorkTextError)
    }
}

impl TryFrom<String> for Work {
    type Error = WorkTextError;

    fn try_from(text: String) -> Result<Work, WorkTextError> {
        text.parse()
    }
}

impl From<Work> for String {
    fn from(work: Work) -> String {
        work.to_string()
    }
}

/// The least value that the network accepts. As text it is 16 hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Threshold(pub u64);

impl Threshold {
    /// Banano's: 23 leading ones, 2^23 trials on average.
    pub const BANANO: Threshold = Threshold(0xffff_fe00_0000_0000);

    /// Whether the work is enough for the root.
    #[must_use]
    pub fn admits(self, root: &Root, work: Work) -> bool {
        work.value(root) >= self.0
    }
}

impl fmt::Display for Threshold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl std::str::FromStr for Threshold {
    type Err = WorkTextError;

    fn from_str(text: &str) -> Result<Threshold, WorkTextError> {
        hexadecimal::parse(text).map(u64::from_be_bytes).map(Threshold).ok_or(WorkTextError)
    }
}

/// What sends and changes need, and what receives and opens need: networks may tell them apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Thresholds {
    /// For sends and changes.
    pub send: Threshold,
    /// For receives and opens.
    pub receive: Threshold,
}

impl Thresholds {
    /// Banano's, the same for all blocks.
    pub const BANANO: Thresholds = Thresholds::both(Threshold::BANANO);

    /// One threshold for all blocks.
    #[must_use]
    pub const fn both(threshold: Threshold) -> Thresholds {
        Thresholds { send: threshold, receive: threshold }
    }

    /// What is enough for any block. Work is computed before it is known what the next block does.
    #[must_use]
    pub fn hardest(self) -> Threshold {
        self.send.max(self.receive)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_reads_as_sixteen_digits_or_not_at_all() {
        assert_eq!("cab7404f0b5449d0".parse(), Ok(Work(0xcab7_404f_0b54_49d0)));
        assert_eq!(Work(1).to_string(), "0000000000000001");
        for text in ["", "1", "0xcab7404f0b5449d0", "cab7404f0b5449d", "cab7404f0b5449dg"] {
            assert_eq!(text.parse::<Work>(), Err(WorkTextError), "{text:?}");
        }
    }

    #[test]
    fn a_threshold_admits_what_reaches_it() {
        let root = Root([1; 32]);
        let value = Work(7).value(&root);
        assert!(Threshold(value).admits(&root, Work(7)));
        assert!(!Threshold(value + 1).admits(&root, Work(7)));
        assert_eq!(Threshold::BANANO.to_string(), "fffffe0000000000");
    }
}
