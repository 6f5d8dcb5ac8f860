//! How a process or the power ends, and what a power cut lets through.

use crate::random::Random;

/// How the running process ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CrashMode {
    /// The process is killed: completed writes stay, locks and shared memory go.
    ProcessKill,
    /// The power is cut: what was not synced survives by chance, sector by sector.
    PowerCut,
}

/// What one power cut lets through of the unsynced changes. Drawn once a cut, so that "nothing", "everything"
/// and every mixture in between all come up often.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Odds {
    kept_of_8: u64,
    torn_of_8: u64,
}

impl Odds {
    /// Nothing unsynced survives.
    #[cfg(test)]
    pub(crate) const NOTHING: Odds = Odds { kept_of_8: 0, torn_of_8: 0 };

    pub(crate) fn draw(random: &mut Random) -> Odds {
        Odds { kept_of_8: random.below(9), torn_of_8: random.below(3) }
    }

    /// Whether the next change survives.
    pub(crate) fn keeps(self, random: &mut Random) -> bool {
        random.chance(self.kept_of_8, 8)
    }

    /// The part of a surviving sector's bytes that arrived: usually all, sometimes only the first few.
    pub(crate) fn torn<'bytes>(self, random: &mut Random, bytes: &'bytes [u8]) -> &'bytes [u8] {
        if !random.chance(self.torn_of_8, 8) {
            return bytes;
        }
        let bound = u64::try_from(bytes.len()).unwrap_or(0);
        let count = usize::try_from(random.below(bound)).unwrap_or(0);
        &bytes[..count]
    }
}
