//! From which lifetime kill count on a player earns (docs/spec/faucet.md 3.1).
//!
//! A failed reading is never taken for zero kills: the baseline then stays pending, and nothing is earned until one
//! reading succeeds. Otherwise a whole career would become payable.

/// What asking for a player's lifetime kills gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KillReading {
    /// The count.
    Lifetime(u32),
    /// None: an upstream error, private or unknown statistics, throttling there or here, or an answer without a count.
    Unavailable,
}

impl KillReading {
    /// The reading of an upstream's answer; a count that no player can have is none.
    #[must_use]
    pub fn of_answer(count: Option<u64>) -> KillReading {
        let lifetime = count.and_then(|count| u32::try_from(count).ok());
        lifetime.map_or(KillReading::Unavailable, KillReading::Lifetime)
    }
}

/// How far a player's kills have been taken into account, in lifetime kills.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KillCursor {
    /// Where earning began.
    pub baseline: u32,
    /// Up to where kills have been accrued.
    pub cursor: u32,
}

/// A player's baseline. `number` grows with each new one; accruals carry it, so that those of an earlier Epic account are
/// told apart from those that the present cursor accounts for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Baseline {
    /// Waits for the first successful reading.
    Pending {
        /// Which baseline of the player it will be.
        number: u32,
    },
    /// Read.
    Set {
        /// Which baseline of the player it is.
        number: u32,
        /// Where it is and how far kills have been accrued since.
        kills: KillCursor,
    },
}

impl Baseline {
    /// That of a player without an Epic account so far.
    pub const NONE: Baseline = Baseline::Pending { number: 0 };

    /// The word in records.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Baseline::Pending { .. } => "pending",
            Baseline::Set { .. } => "set",
        }
    }

    /// Which of the player's baselines it is.
    #[must_use]
    pub const fn number(self) -> u32 {
        match self {
            Baseline::Pending { number } | Baseline::Set { number, .. } => number,
        }
    }

    /// With a reading: the first one that succeeds sets it, and nothing moves it afterwards.
    #[must_use]
    pub const fn read(self, reading: KillReading) -> Baseline {
        match (self, reading) {
            (Baseline::Pending { number }, KillReading::Lifetime(lifetime)) => {
                Baseline::Set { number, kills: KillCursor { baseline: lifetime, cursor: lifetime } }
            }
            (Baseline::Pending { .. }, KillReading::Unavailable) | (Baseline::Set { .. }, _) => self,
        }
    }

    /// A new one that begins no lower than up to where the account's kills were counted before, for whoever had it: of those
    /// none earns again, whatever statistics say meanwhile.
    #[must_use]
    pub fn not_below(self, counted: u32) -> Baseline {
        match self {
            Baseline::Set { number, kills } => {
                let begins = kills.baseline.max(counted);
                Baseline::Set { number, kills: KillCursor { baseline: begins, cursor: begins } }
            }
            Baseline::Pending { .. } => self,
        }
    }

    /// With the Epic account that a verification found, and a reading of it.
    ///
    /// A first or another account starts a new baseline, and so does one that comes back after it was gone: only later
    /// kills earn. The same account keeps its cursor.
    #[must_use]
    pub fn verified(self, known: Option<&str>, found: Option<&str>, reading: KillReading) -> Baseline {
        let next = Baseline::Pending { number: self.number().saturating_add(1) };
        match (known, found) {
            (Some(known), Some(found)) if known == found => self.read(reading),
            (_, Some(_)) => next.read(reading),
            (Some(_), None) => next,
            (None, None) => self,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn set(number: u32, baseline: u32, cursor: u32) -> Baseline {
        Baseline::Set { number, kills: KillCursor { baseline, cursor } }
    }

    #[test]
    fn the_first_epic_account_begins_at_its_lifetime_kills() {
        let linked = Baseline::NONE.verified(None, Some("epic"), KillReading::Lifetime(1_208));
        assert_eq!(linked, set(1, 1_208, 1_208));
    }

    #[test]
    fn what_is_no_count_is_no_reading() {
        assert_eq!(KillReading::of_answer(Some(0)), KillReading::Lifetime(0));
        assert_eq!(KillReading::of_answer(Some(4_294_967_295)), KillReading::Lifetime(u32::MAX));
        for no_count in [Some(4_294_967_296), None] {
            assert_eq!(KillReading::of_answer(no_count), KillReading::Unavailable);
        }
    }

    #[test]
    fn a_failed_reading_leaves_it_pending_until_one_succeeds() {
        let linked = Baseline::NONE.verified(None, Some("epic"), KillReading::Unavailable);
        assert_eq!(linked, Baseline::Pending { number: 1 });
        assert_eq!(linked.read(KillReading::Unavailable), linked);
        assert_eq!(linked.verified(Some("epic"), Some("epic"), KillReading::Unavailable), linked);
        assert_eq!(linked.read(KillReading::Lifetime(40)), set(1, 40, 40));
        assert_eq!((linked.word(), set(1, 40, 40).word()), ("pending", "set"));
    }

    #[test]
    fn the_same_account_keeps_its_cursor_and_another_begins_anew() {
        let now = set(3, 100, 140);
        for reading in [KillReading::Lifetime(150), KillReading::Unavailable] {
            assert_eq!(now.verified(Some("a"), Some("a"), reading), now);
        }
        assert_eq!(now.verified(Some("a"), Some("b"), KillReading::Lifetime(7)), set(4, 7, 7));
        assert_eq!(
            now.verified(Some("a"), Some("b"), KillReading::Unavailable),
            Baseline::Pending { number: 4 }
        );
    }

    #[test]
    fn a_new_baseline_begins_no_lower_than_what_was_counted_of_its_account() {
        assert_eq!(set(2, 90, 90).not_below(140), set(2, 140, 140));
        assert_eq!(set(2, 150, 150).not_below(140), set(2, 150, 150));
        assert_eq!(Baseline::Pending { number: 2 }.not_below(140), Baseline::Pending { number: 2 });
    }

    #[test]
    fn an_account_that_was_gone_begins_anew() {
        let gone = set(1, 100, 140).verified(Some("a"), None, KillReading::Unavailable);
        assert_eq!(gone, Baseline::Pending { number: 2 });
        assert_eq!(gone.verified(None, None, KillReading::Unavailable), gone);
        assert_eq!(gone.verified(None, Some("a"), KillReading::Lifetime(900)), set(3, 900, 900));
    }
}
